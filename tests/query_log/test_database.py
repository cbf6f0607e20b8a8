from __future__ import annotations

import multiprocessing
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from llama_index_prod_rag.errors import QueryLogError
from llama_index_prod_rag.query_log import database as database_module
from llama_index_prod_rag.query_log.database import VERSION_TABLE, Database, parse_url
from llama_index_prod_rag.query_log.record import QueryRecord
from llama_index_prod_rag.query_log.schema import METADATA
from llama_index_prod_rag.query_log.store import QueryLog


def test_the_migrations_make_the_tables_the_code_expects(url: str) -> None:
    database = Database(parse_url(url))
    database.migrate()
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "version_table": VERSION_TABLE,
                "include_name": lambda name, kind, _: kind != "table" or name != VERSION_TABLE,
            },
        )
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


def test_threads_that_open_logs_at_once_migrate_each(sqlite_url: str) -> None:
    databases = [Database(parse_url(f"{sqlite_url}{number}")) for number in range(8)]
    with ThreadPoolExecutor(len(databases)) as pool:
        list(pool.map(Database.migrate, databases))
    for database in databases:
        assert set(sa.inspect(database.engine).get_table_names()) == {*METADATA.tables, VERSION_TABLE}
        database.dispose()


def test_an_older_log_is_brought_up_to_date_and_keeps_its_records(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with QueryLog(url) as log:
        log.add(QueryRecord(query="kept?", query_id="q1"))
    newer = tmp_path / "migrations"
    shutil.copytree(database_module._MIGRATIONS, newer)
    (newer / "versions" / "v0002_more.py").write_text(
        "import sqlalchemy as sa\n"
        "revision, down_revision = '0002', '0001'\n"
        "def upgrade(op): op.add_column('queries', sa.Column('more', sa.String))\n"
    )
    monkeypatch.setattr(database_module, "_MIGRATIONS", newer)
    database = Database(parse_url(url))
    database.migrate()
    assert "more" in {column["name"] for column in sa.inspect(database.engine).get_columns("queries")}
    with database.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM query_log_version")).scalars().all() == ["0002"]
    database.dispose()
    with QueryLog(url) as log:
        assert [record.query for record in log.records()] == ["kept?"]


def test_an_application_may_keep_its_own_migrations_in_the_same_database(url: str) -> None:
    database = Database(parse_url(url))
    with database.engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(sa.text("INSERT INTO alembic_version VALUES ('theirs')"))
    database.migrate()
    with database.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars().all() == ["theirs"]
    database.dispose()


def test_a_log_of_a_newer_version_is_not_touched(url: str) -> None:
    database = Database(parse_url(url))
    database.migrate()
    with database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE query_log_version SET version_num = '9999'"))
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
