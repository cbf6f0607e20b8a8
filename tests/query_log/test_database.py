from __future__ import annotations

import multiprocessing

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from llama_index_prod_rag.errors import QueryLogError
from llama_index_prod_rag.query_log.database import Database, parse_url
from llama_index_prod_rag.query_log.schema import METADATA


def test_the_migrations_make_the_tables_the_code_expects(url: str) -> None:
    database = Database(parse_url(url))
    database.migrate()
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
        assert context.get_current_revision() == "0001"
    database.dispose()


def _migrate(url: str) -> None:
    Database(parse_url(url)).migrate()


def test_processes_that_meet_at_an_empty_database_migrate_it_once(url: str) -> None:
    workers = [multiprocessing.get_context("fork").Process(target=_migrate, args=(url,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]


def test_a_log_of_a_newer_version_is_not_touched(url: str) -> None:
    database = Database(parse_url(url))
    database.migrate()
    with database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    database.dispose()
    with pytest.raises(QueryLogError, match="version 9999: upgrade llama-index-prod-rag"):
        Database(parse_url(url)).migrate()


def test_foreign_tables_beside_the_log_stay(url: str) -> None:
    database = Database(parse_url(url))
    with database.engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE mine (id INTEGER)"))
    database.migrate()
    assert {"mine", "queries", "annotations"} <= set(sa.inspect(database.engine).get_table_names())
    database.dispose()


@pytest.mark.parametrize("url", ["postgres://u@h/n", "postgresql://u@h/n", "postgresql+psycopg://u@h/n"])
def test_every_way_to_write_a_postgres_url_names_the_tested_driver(url: str) -> None:
    assert parse_url(url).drivername == "postgresql+psycopg"
