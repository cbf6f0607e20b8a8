"""Databases to log to: a SQLite file, and a schema of its own in a real PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'queries.db'}"


@pytest.fixture
def postgres_log_url(postgres_url: str) -> Iterator[str]:
    import psycopg
    from psycopg import sql

    schema = sql.Identifier(name := f"test_{uuid.uuid4().hex}")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
        yield f"{postgres_url}?options={quote(f'-csearch_path={name}')}"
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(schema))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    """Each database in turn."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_log_url"))
