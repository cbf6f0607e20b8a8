"""The SQLAlchemy side of the log: engine, migrations, and the few statements it needs. Blocking; errors are ours."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url

from llama_index_prod_rag.errors import ConfigurationError, MissingExtraError, QueryLogError
from llama_index_prod_rag.query_log.schema import ANNOTATIONS, QUERIES, Row

_BUSY_SECONDS = 5  # SQLite: wait for another writer's transaction before reporting; the writer thread then tries again
_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x70726F64  # "prod": the advisory lock under which one PostgreSQL client migrates
VERSION_TABLE = "query_log_version"  # Alembic's own name for it would be taken by an application that uses Alembic too
PAGE = 100  # records read at once: with their lists some megabytes; larger pages are no faster


def parse_url(url: str) -> URL:
    """Read which database a URL names, with the driver this package is tested with.

    Raises:
        ConfigurationError: not a URL, a database other than SQLite or PostgreSQL, or an in-memory one.
        MissingExtraError: PostgreSQL without its driver.
    """
    try:
        parsed = make_url(url.replace("postgres://", "postgresql://", 1))
    except sa.exc.ArgumentError:
        raise ConfigurationError("not a database URL: write sqlite:///queries.db or postgresql://host/name") from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if parsed.database in {None, "", ":memory:"}:
            raise ConfigurationError("an in-memory log is gone with the process: name a file, sqlite:///queries.db")
        return parsed
    if backend != "postgresql":
        raise ConfigurationError(f"the query log writes to SQLite or PostgreSQL, not to {backend}")
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    try:
        parsed.get_dialect().import_dbapi()
    except ImportError:
        raise MissingExtraError("a query log in PostgreSQL", extra="postgres") from None
    return parsed


class Database:
    """Writes rows and reads them back.

    Args:
        url: what `parse_url` returned. Nothing is opened before the first statement.
    """

    def __init__(self, url: URL) -> None:
        self.url = url
        self._engine: sa.Engine | None = None
        self._pid = 0
        self._inherited: list[sa.Engine] = []
        self._migrated = False

    @property
    def engine(self) -> sa.Engine:
        """Give this process's engine. A forked one gets its own: connections are not shared, nor closed for another."""
        if self._engine is None or self._pid != os.getpid():
            if self._engine is not None:
                self._inherited.append(self._engine)
            self._engine, self._pid = _make_engine(self.url), os.getpid()
        return self._engine

    @property
    def exists(self) -> bool:
        """Tell whether there is a log; opening a SQLite file that is not there would make an empty one."""
        return self.url.get_backend_name() != "sqlite" or Path(self.url.database or "").is_file()

    @contextmanager
    def _transaction(self, *, writes: bool = False) -> Iterator[sa.Connection]:
        try:
            with self.engine.connect().execution_options(prod_rag_writes=writes) as connection, connection.begin():
                yield connection
        except (sa.exc.IntegrityError, sa.exc.DataError):
            raise  # a row is at fault, not the database
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
            cause = getattr(error, "orig", None) or error
            raise QueryLogError(f"{self.url.render_as_string()}: {str(cause).strip()}") from error

    def migrate(self) -> None:
        """Bring the tables to this package's version; once per process, one client at a time.

        Raises:
            QueryLogError: the database cannot be written, or a newer version of this package wrote it.
        """
        if self._migrated:
            return
        if self.url.get_backend_name() == "sqlite":
            Path(self.url.database or "").parent.mkdir(parents=True, exist_ok=True)
        with self._transaction() as connection:
            missing = _find_missing(connection)
        if missing:  # only then is a lock needed, or a right to write
            with self._transaction(writes=True) as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
                _upgrade(connection)
        self._migrated = True

    def insert(self, queries: Sequence[Row], annotations: Sequence[Row]) -> None:
        """Store rows in one transaction; a row whose id is there already is left as it is.

        Raises:
            QueryLogError: the database cannot be written now; none of the rows is stored.
        """
        self.migrate()
        with self._transaction(writes=True) as connection:
            make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            for table, rows in ((QUERIES, queries), (ANNOTATIONS, annotations)):
                if rows:
                    connection.execute(make(table).on_conflict_do_nothing(), list(rows))

    def delete_before(self, moment: datetime) -> None:
        """Delete questions and feedback older than a moment.

        Raises:
            QueryLogError: the database cannot be written now.
        """
        with self._transaction(writes=True) as connection:
            for table in (QUERIES, ANNOTATIONS):
                connection.execute(sa.delete(table).where(table.c.time < moment))

    def _read_times(self, found: sa.CursorResult[Any]) -> list[Row]:
        try:
            return [dict(row) for row in found.mappings()]
        except (TypeError, ValueError) as error:  # records are read in the order of their times
            raise QueryLogError(
                f"{self.url.render_as_string()} holds a record whose time cannot be read ({error}): mend or delete it"
            ) from error

    def pages(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        query_id: str | None = None,
        without: Sequence[str] = (),
        size: int = PAGE,
    ) -> Iterator[tuple[list[Row], list[Row]]]:
        """Read rows of `queries`, newest first, page by page, each with the rows of `annotations` that belong to it.

        Each page is its own short transaction, so a slow reader neither blocks a writer nor keeps a server's snapshot.

        Args:
            since: only questions asked at this moment or later.
            until: only questions asked before this moment.
            query_id: only this question.
            without: columns of `queries` to leave out.
            size: rows per page.

        Raises:
            QueryLogError: there is no log, or it cannot be read.
        """
        if not self.exists:
            raise QueryLogError(f"there is no query log at {self.url.render_as_string()}: check the URL")
        self.migrate()
        wanted = sa.select(*(column for column in QUERIES.c if column.name not in without))
        if since is not None:
            wanted = wanted.where(QUERIES.c.time >= since)
        if until is not None:
            wanted = wanted.where(QUERIES.c.time < until)
        if query_id is not None:
            wanted = wanted.where(QUERIES.c.query_id == query_id)
        wanted = wanted.order_by(QUERIES.c.time.desc(), QUERIES.c.query_id.desc()).limit(size)
        position = sa.tuple_(QUERIES.c.time, QUERIES.c.query_id)
        last: Row | None = None
        while True:
            page = wanted if last is None else wanted.where(position < (last["time"], last["query_id"]))
            with self._transaction() as connection:
                queries = self._read_times(connection.execute(page))
                ids = [row["query_id"] for row in queries]
                about = sa.select(ANNOTATIONS).where(ANNOTATIONS.c.query_id.in_(ids)).order_by(ANNOTATIONS.c.time)
                annotations: list[Row] = [dict(row) for row in connection.execute(about).mappings()]
            if queries:
                yield queries, annotations
            if len(queries) < size:
                return
            last = queries[-1]

    def dispose(self) -> None:
        """Close the connections to the database that this process has opened."""
        if self._engine is not None and self._pid == os.getpid():
            self._engine.dispose()


def _make_engine(url: URL) -> sa.Engine:
    is_sqlite = url.get_backend_name() == "sqlite"
    read_only = _read_only(Path(url.database or "")) if is_sqlite else None
    engine = sa.create_engine(
        url if read_only is None else url.set(database=read_only, query={"uri": "true"}),
        pool_pre_ping=not is_sqlite,
        connect_args={"timeout": _BUSY_SECONDS} if is_sqlite else {},
        json_deserializer=_read_json,
        json_serializer=partial(json.dumps, ensure_ascii=False, allow_nan=False, separators=(",", ":")),
    )
    if not is_sqlite:
        sa.event.listen(engine, "connect", _read_in_utc)
    if is_sqlite:
        sa.event.listen(engine, "connect", _prepare_sqlite if read_only is None else _leave_transactions_to_us)
        sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _read_json(text: str) -> Any:  # noqa: ANN401 - JSON
    """What a column holds; None where it is no JSON, which no column was written as."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _read_only(file: Path) -> str | None:
    """Name a SQLite log that may only be read (another user's, or on a mounted copy); None for any other."""
    if not file.is_file() or all(os.access(each, os.W_OK) for each in (file, file.parent)):
        return None
    # Reading ahead of a write-ahead log takes files beside the database; without one nobody is writing.
    asleep = not file.with_name(f"{file.name}-wal").exists()
    return f"{file.resolve().as_uri()}?mode=ro{'&immutable=1' if asleep else ''}"


def _read_in_utc(connection: Any, _: object) -> None:  # noqa: ANN401 - whatever driver the URL names
    """Have times told in UTC: east of it the last evening of the year 9999 is in a year that Python does not know."""
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
    connection.commit()


def _leave_transactions_to_us(connection: Any, _: object) -> None:  # noqa: ANN401 - whatever driver the URL names
    connection.isolation_level = None  # the driver would begin late, and never before DDL: `_begin_sqlite` does it


def _prepare_sqlite(connection: Any, _: object) -> None:  # noqa: ANN401
    _leave_transactions_to_us(connection, _)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")  # in WAL mode safe against a killed process, without an fsync each


def _begin_sqlite(connection: sa.Connection) -> None:
    # Taking the write lock at once waits for other writers; upgrading a read lock later would fail instead.
    writes = connection.get_execution_options().get("prod_rag_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _find_missing(connection: sa.Connection) -> list[Script]:
    """List the migrations that a database still needs, oldest first."""
    scripts = ScriptDirectory(str(_MIGRATIONS))
    current = _context(connection).get_current_revision()
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        raise QueryLogError(f"the query log has tables of version {current}: upgrade llama-index-prod-rag to read it")
    return list(scripts.iterate_revisions("head", current or "base"))[::-1]


def _upgrade(connection: sa.Connection) -> None:
    # Not through `alembic.command`: its proxies are one per process, so two logs, or a log and an application's own
    # migrations, would get in each other's way.
    context = _context(connection)
    for script in _find_missing(connection):  # asked again: another client may have been here before the lock
        script.module.upgrade(Operations(context))
    context.stamp(ScriptDirectory(str(_MIGRATIONS)), "head")


def _context(connection: sa.Connection) -> MigrationContext:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
