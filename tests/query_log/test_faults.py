"""What the log does when its database does not: with a real lock, a real full disk, a real dead server, a real kill."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from llama_index_prod_rag.errors import QueryLogError
from llama_index_prod_rag.query_log import database
from llama_index_prod_rag.query_log.record import HitRecord, LoggedPassage, QueryRecord
from llama_index_prod_rag.query_log.store import QueryLog
from tests.conftest import skip

SERVER = Path(__file__).parents[1] / "servers" / "postgres"


def _record(number: int, text: str = "passage") -> QueryRecord:
    hits = tuple(HitRecord("fused", "", f"n{rank}", rank, 1 / rank) for rank in range(1, 51))
    passages = tuple(LoggedPassage(f"n{rank}", text) for rank in range(1, 6))
    return QueryRecord(query="q", query_id=f"q{number:05}", hits=hits, passages=passages, answer="a")


def _slowest_add(log: QueryLog, numbers: range) -> float:
    """Seconds of the slowest call on the caller's side."""
    slowest = 0.0
    for number in numbers:
        record = _record(number)
        start = time.perf_counter()
        log.add(record)
        slowest = max(slowest, time.perf_counter() - start)
    return slowest


def _until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def _ids(url: str) -> list[str]:
    with QueryLog(url) as reader:
        return sorted(record.query_id for record in reader.records())


def test_a_locked_database_delays_records_and_nobody_else(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.05)
    log = QueryLog(sqlite_url)
    log.add(_record(0))
    assert log.flush(30)
    with closing(sqlite3.connect(tmp_path / "queries.db", isolation_level=None)) as locker:
        locker.execute("BEGIN EXCLUSIVE")
        assert _slowest_add(log, range(1, 101)) < 0.25
        _until(lambda: "database is locked" in caplog.text)
        assert log.stats.queued == 100
        assert _ids(sqlite_url) == ["q00000"]  # readers do not wait
        locker.execute("COMMIT")
    assert log.flush(30)
    log.close()
    assert _ids(sqlite_url) == [f"q{number:05}" for number in range(101)]


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = Path(tempfile.mkdtemp())
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=False)
    if mount.returncode:
        folder.rmdir()
        skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


def test_a_full_disk_delays_records_until_there_is_room(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = QueryLog(url := f"sqlite:///{small_disk}/queries.db")
    log.add(_record(0))
    assert log.flush(30)
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        file.writelines(bytes(4096) for _ in range(1000))
    assert _slowest_add(log, range(1, 51)) < 0.25
    _until(lambda: "disk is full" in caplog.text or "disk I/O error" in caplog.text)
    assert log.stats.written == 1

    ballast.unlink()
    assert log.flush(30)
    assert log.stats.dropped == log.stats.rejected == 0
    log.close()
    assert _ids(url) == [f"q{number:05}" for number in range(51)]


def test_a_log_on_a_disk_that_may_only_be_read_is_read(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    with QueryLog(url := f"sqlite:///{small_disk}/queries.db") as log:
        log.add(_record(0))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert _ids(url) == ["q00000"]
    log = QueryLog(url)
    log.add(_record(1))
    _until(lambda: "readonly database" in caplog.text)
    log.close(timeout=0.1)
    assert log.stats.dropped == 1


FILE_LIMIT = """
import resource, sys
from llama_index_prod_rag.query_log.store import QueryLog
from llama_index_prod_rag.query_log.record import LoggedPassage, QueryRecord

log = QueryLog(sys.argv[1])
for number in range(200):
    log.add(QueryRecord(query="q", query_id=f"q{number}", passages=(LoggedPassage("n", "x" * 10_000),)))
log.close(timeout=1)
stats = log.stats  # what an attempt still holds when `close` gives up is queued still
print(stats.queued + stats.written + stats.dropped, stats.written)
"""


def test_a_file_that_may_not_grow_loses_whole_records_and_is_still_a_log(sqlite_url: str) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))

    run = subprocess.run(
        [sys.executable, "-c", FILE_LIMIT, sqlite_url], preexec_fn=limit, capture_output=True, text=True, check=True
    )
    total, written = map(int, run.stdout.split())
    assert total == 200
    assert written < 200
    assert "keeps trying" in run.stderr
    with QueryLog(sqlite_url) as log:
        records = list(log.records())
        log.add(_record(0))
        assert log.flush(30)
    assert len(records) == written
    assert all(record.passages[0].text == "x" * 10_000 for record in records)


@pytest.fixture
def own_server() -> Iterator[tuple[str, Path]]:
    """A PostgreSQL server of this test alone: its URL and its folder."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)  # the server's own user has to get in
    if not _has_server_programs():
        skip("PostgreSQL's server programs are not installed")
    yield _start(folder / "pg"), folder / "pg"
    subprocess.run([SERVER, "--stop", folder / "pg"], check=True)
    folder.rmdir()


def _has_server_programs() -> bool:
    return bool(shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb")))


def _start(folder: Path) -> str:
    run = subprocess.run([SERVER, folder], check=True, stdout=subprocess.PIPE, text=True, timeout=120)
    return run.stdout.strip()


def _crash(folder: Path) -> None:
    """End the server as a crash does: connections are cut, nothing is written back."""
    pid_file = folder / "data" / "postmaster.pid"
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGQUIT)
    _until(lambda: not pid_file.exists())


@pytest.mark.postgres
def test_a_lost_server_delays_records_until_it_is_back(
    own_server: tuple[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    url, folder = own_server
    log = QueryLog(url)
    log.add(_record(0))
    assert log.flush(30)

    _crash(folder)
    assert _slowest_add(log, range(1, 101)) < 0.25
    _until(lambda: "keeps trying" in caplog.text)
    with pytest.raises(QueryLogError, match=r"127\.0\.0\.1"):
        log.get("q00000")

    assert _start(folder) == url
    assert log.flush(60)
    assert log.stats.dropped == log.stats.rejected == 0
    log.close()
    assert _ids(url) == [f"q{number:05}" for number in range(101)]


@pytest.mark.postgres
def test_a_terminated_connection_costs_nothing(postgres_log_url: str) -> None:
    import psycopg

    log = QueryLog(f"{postgres_log_url}&application_name=victim")
    log.add(_record(0))
    assert log.flush(30)
    with psycopg.connect(postgres_log_url, autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'"
        ).fetchall()
    assert ended
    log.add(_record(1))
    assert log.flush(30)
    assert log.get("q00001") is not None
    log.close()


def test_a_server_that_was_never_there_costs_the_records_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("psycopg")
    log = QueryLog("postgresql://nobody@127.0.0.1:1/nothing", capacity=10)
    assert _slowest_add(log, range(50)) < 0.25
    log.close(timeout=0.2)
    _until(lambda: log.stats.dropped == 50)
    assert log.stats.written == 0
    assert "QueryLog.stats counts them" in caplog.text


def test_a_file_that_is_no_database_is_left_alone(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "queries.db").write_text("my diary, page 1\n" * 100)
    log = QueryLog(sqlite_url)
    log.add(_record(0))
    log.close(timeout=0.2)
    _until(lambda: log.stats.dropped == 1)
    assert (tmp_path / "queries.db").read_text() == "my diary, page 1\n" * 100
    with pytest.raises(QueryLogError, match="not a database"):
        next(log.records())


ENDLESS = """
import itertools, sys
sys.path.insert(0, sys.argv[2])
from tests.query_log.test_faults import _record
from llama_index_prod_rag.query_log.store import QueryLog

log = QueryLog(sys.argv[1])
for number in itertools.count():
    log.add(_record(number, text="x" * 1000))
    if number % 50 == 0:
        log.flush()
"""


def test_a_killed_process_leaves_whole_records_only(url: str) -> None:
    root = Path(__file__).parents[2]
    writer = subprocess.Popen([sys.executable, "-c", ENDLESS, url, str(root)], cwd=root)
    log = QueryLog(url)

    def count() -> int:
        try:
            return sum(1 for _ in log.records(limit=100, passages=False))
        except QueryLogError:
            return 0  # not made yet

    _until(lambda: count() == 100, seconds=60)
    writer.kill()
    writer.wait()

    records = list(log.records())
    assert len(records) >= 100
    numbers = sorted(int(record.query_id[1:]) for record in records)
    assert numbers == list(range(len(records))), "later records without earlier ones"
    for record in records:
        assert len(record.hits) == 50
        assert [passage.text for passage in record.passages] == ["x" * 1000] * 5
    log.add(_record(99999))
    assert log.flush(30)
    log.close()
