"""What `QueryLog` promises, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import re
import sqlite3
import uuid
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llama_index_prod_rag.errors import ConfigurationError, InputError, QueryLogError
from llama_index_prod_rag.evaluation.report.numbers import report_numbers
from llama_index_prod_rag.query_log.normalize import WITHHELD
from llama_index_prod_rag.query_log.record import Feedback, HitRecord, LoggedPassage, QueryRecord
from llama_index_prod_rag.query_log.store import QueryLog
from llama_index_prod_rag.query_log.writer import LogStats

NOON = datetime(2025, 6, 1, 12, tzinfo=timezone.utc)
FULL = QueryRecord(
    query="Wer verdient am meisten? 谁？",
    query_id="q1",
    time=NOON + timedelta(microseconds=1),
    config_hash="0123456789abcdef",
    decision="hedge",
    status="uncertain",
    confidence=1 / 3,
    signals={"pair_top": -1e-300, "drift": None},
    reasons=("The legs disagree.",),
    seconds={"total": 0.1 + 0.2, "bm25": 0.01},
    hits=(
        HitRecord("leg", "dense", "n1", 1, 0.9),
        HitRecord("leg", "dense", "n2", 2, 0.8),
        HitRecord("leg", "bm25", "n2", 1, None),
        HitRecord("leg", "bm25", "n3", 1, 12.5, 1),
        HitRecord("shown", "", "n2", 1, 0.8),
    ),
    passages=(LoggedPassage("n2", "<script>alert('x')</script>", "d1"),),
    failed={"rerank": "TimeoutError"},
    answer="The \N{GRINNING FACE} board.",
    error="the reader left",
    session_id="s1",
    trace_id="0" * 32,
    span_id="f" * 16,
)


def _numbered(count: int) -> list[QueryRecord]:
    return [
        QueryRecord(query=f"question {i}", query_id=f"q{i:04}", time=NOON + timedelta(seconds=i)) for i in range(count)
    ]


def _ids(log: QueryLog, **selection: object) -> list[str]:
    return [record.query_id for record in log.records(**selection)]  # type: ignore[arg-type]


def test_a_record_comes_back_exactly(url: str) -> None:
    with QueryLog(url) as log:
        log.add(FULL)
        log.add(minimal := QueryRecord(query=""))
        assert log.flush(30)
        assert log.get("q1") == FULL
        assert log.get(minimal.query_id) == minimal
        assert log.get("unknown") is None


def test_feedback_joins_its_question_even_when_it_overtakes_it(url: str) -> None:
    with QueryLog(url) as log:
        log.add_feedback("q1", helpful=False, label="wrong", score=0.25, comment="No!", who="ada")
        log.add(FULL)
        log.add_feedback("q1", helpful=True, who="judge", kind="LLM", name="faithfulness")
        assert log.flush(30)
        record = log.get("q1")
    assert record is not None
    first, second = record.feedback
    assert first == Feedback(
        helpful=False, label="wrong", score=0.25, comment="No!", who="ada", time=first.time, kind="HUMAN"
    )
    assert (second.helpful, second.who, second.kind, second.name) == (True, "judge", "LLM", "faithfulness")


def test_records_are_read_newest_first_within_the_times_asked_for(url: str) -> None:
    with QueryLog(url) as log:
        for record in _numbered(10):
            log.add(record)
        assert log.flush(30)
        assert _ids(log) == [f"q{i:04}" for i in reversed(range(10))]
        assert _ids(log, limit=3) == ["q0009", "q0008", "q0007"]
        assert _ids(log, limit=0) == []
        noon = NOON.astimezone(timezone(timedelta(hours=5)))
        assert _ids(log, since=noon + timedelta(seconds=3), until=noon + timedelta(seconds=6)) == [
            "q0005",
            "q0004",
            "q0003",
        ]


def test_pages_of_one_moment_neither_repeat_nor_miss_a_record(url: str) -> None:
    with QueryLog(url, capacity=2000) as log:
        ids = [f"q{i:04}" for i in range(1203)]
        for query_id in ids:
            log.add(QueryRecord(query="q", query_id=query_id, time=NOON))
        assert log.flush(60)
        assert _ids(log) == ids[::-1]
        assert _ids(log, limit=501) == ids[:-502:-1]


def test_a_reader_in_the_middle_of_a_page_does_not_hold_up_the_writer(url: str) -> None:
    with QueryLog(url) as log:
        for record in _numbered(5):
            log.add(record)
        assert log.flush(30)
        reading = log.records()
        next(reading)
        log.add(FULL)
        assert log.flush(30)
        assert len(list(reading)) == 4


def test_passages_can_be_left_out_of_reading(url: str) -> None:
    with QueryLog(url) as log:
        log.add(FULL)
        assert log.flush(30)
        (record,) = log.records(passages=False)
    assert record.passages == ()
    assert record.hits == FULL.hits


def test_without_text_nothing_anybody_said_reaches_the_database(url: str, tmp_path: Path) -> None:
    with QueryLog(url, log_text=False) as log:
        log.add(FULL)
        log.add_feedback("q1", helpful=True, comment="secret comment")
        assert log.flush(30)
        record = log.get("q1")
    assert record is not None
    assert record.query == record.answer == record.error == record.feedback[0].comment == WITHHELD
    assert record.hits == FULL.hits
    assert all(b"script" not in file.read_bytes() for file in tmp_path.glob("queries.db*"))


def test_redaction_reaches_every_text(url: str) -> None:
    with QueryLog(url, redact=lambda text: text.replace("ada@example.org", "[mail]")) as log:
        mail = "write to ada@example.org"
        log.add(
            QueryRecord(
                query=mail,
                query_id="q1",
                answer=mail,
                error=mail,
                reasons=(mail,),
                passages=(LoggedPassage("n", mail),),
                failed={"bm25": mail},
            )
        )
        log.add_feedback("q1", comment=mail)
        assert log.flush(30)
        assert "ada@" not in repr(record := log.get("q1"))
    assert repr(record).count("[mail]") == 7


def test_a_redaction_that_fails_withholds_the_text(url: str) -> None:
    def redact(text: str) -> str:
        raise RuntimeError(text)

    with QueryLog(url, redact=redact) as log:
        log.add(FULL)
        assert log.flush(30)
        record = log.get("q1")
    assert record is not None
    assert record.query == WITHHELD


def test_what_databases_refuse_or_garble_is_stored_clean(url: str) -> None:
    with QueryLog(url) as log:
        log.add(
            QueryRecord(query="a\x00b\ud800", query_id="q\x00", confidence=float("nan"), signals={"x": float("inf")})
        )
        log.add_feedback("q\x00", score=float("-inf"), comment="\udfff")
        assert log.flush(30)
        assert log.stats.rejected == 0
        (record,) = log.records()
    assert (record.query, record.confidence, record.signals) == ("a\ufffdb\ufffd", None, {"x": None})
    assert (record.feedback[0].score, record.feedback[0].comment) == (None, "\ufffd")


DAMAGED: dict[str, list[Any]] = {
    "confidence": ["high"],
    "signals": ["null", "[]", "{", "", '{"pair.top": "x"}'],
    "reasons": ["null", "5", "[5]"],
    "seconds": ["[]", '{"total": null}', '{"total": "1"}'],
    "failed": ["null", '{"bm25": 5}'],
    "rankings": [
        "null",
        "{}",
        '{"node_ids": ["a"], "lists": [{"stage": "leg", "leg": "d", "call": 0, "nodes": [3], "scores": [1]}]}',
        '{"node_ids": ["a"], "lists": [{"stage": "leg", "leg": "d", "call": 0, "nodes": [0], "scores": ["x"]}]}',
        '{"node_ids": ["a"], "lists": [{"stage": "lost", "leg": "d", "call": 0, "nodes": [0], "scores": [1]}]}',
    ],
    "passages": ["null", "[5]", '[{"title": 1}]'],
    "input_value": [b"why"],
}


@pytest.mark.parametrize("column", DAMAGED)
def test_a_row_that_somebody_wrote_into_is_left_out_and_the_others_are_read(
    sqlite_url: str, column: str, caplog: pytest.LogCaptureFixture
) -> None:
    with QueryLog(sqlite_url) as log:
        log.add(replace(FULL, query_id="bad"))
        log.add(replace(FULL, query_id="good"))
        assert log.flush(30)
        for value in DAMAGED[column]:
            with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection, connection:
                connection.execute(f"UPDATE queries SET {column} = ? WHERE query_id = 'bad'", (value,))  # noqa: S608
            assert [record.query_id for record in log.records()] == ["good"], value
            assert log.get("bad") is None
            assert report_numbers(log.records(), log.get)["questions"] == 1
    assert "the record bad of the query log is left out" in caplog.text


def test_a_time_that_is_none_is_named(sqlite_url: str) -> None:
    with QueryLog(sqlite_url) as log:
        log.add(FULL)
        assert log.flush(30)
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection, connection:
            connection.execute("UPDATE queries SET time = 'yesterday'")
        with pytest.raises(QueryLogError, match="a record whose time cannot be read"):
            list(log.records())


NOWHERE = type("Nowhere", (tzinfo,), {})()
STRANGE_TIMES = [
    datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-12))),
    datetime(9999, 12, 31, 23, 59, tzinfo=timezone.utc),
    datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
    datetime(1, 1, 1),  # noqa: DTZ001 - a naive one, as a program may give it
    datetime(9999, 12, 31, 23),  # noqa: DTZ001
    datetime(2026, 1, 1, tzinfo=NOWHERE),
]


@pytest.mark.parametrize("moment", STRANGE_TIMES)
def test_a_time_that_no_calendar_has_loses_no_record(
    url: str, moment: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGTZ", "Europe/Berlin")  # PostgreSQL tells times in its client's zone
    with QueryLog(url, keep=timedelta.max) as log:
        log.add(QueryRecord(query="strange", query_id="q1", time=moment))
        assert log.flush(30)
        (record,) = log.records(since=datetime(1, 1, 1))  # noqa: DTZ001
        assert abs(record.time.replace(tzinfo=None) - moment.replace(tzinfo=None)) < timedelta(days=1)
        numbers = report_numbers(log.records(), log.get)
    assert numbers["misdated"] == (moment.year != 2026)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"score": "5"}, {"score": 5.0}),
        ({"score": " 0.5 "}, {"score": 0.5}),
        ({"score": Decimal("0.25")}, {"score": 0.25}),
        ({"score": np.float32(0.5)}, {"score": 0.5}),
        ({"score": True}, {"score": 1.0}),
        ({"score": float("nan"), "label": "wrong"}, {"score": None, "label": "wrong"}),
        ({"helpful": 1}, {"helpful": True}),
        ({"helpful": np.bool_(False)}, {"helpful": False}),
        ({"who": 17, "label": 3, "comment": 4}, {"who": "17", "label": "3", "comment": "4"}),
    ],
)
def test_a_judgment_is_taken_as_it_is_meant(sqlite_url: str, given: dict[str, Any], kept: dict[str, Any]) -> None:
    asked = uuid.uuid4()
    with QueryLog(sqlite_url) as log:
        log.add(QueryRecord(query="why?", query_id=str(asked)))
        log.add_feedback(asked, **given)  # type: ignore[arg-type] # as applications hand it in
        assert log.flush(30)
        (feedback,) = log.get(str(asked)).feedback  # type: ignore[union-attr]
    assert {name: getattr(feedback, name) for name in kept} == kept


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"score": "five"}, "score='five' is not a number"),
        ({"score": [5]}, "not a number"),
        ({"score": 10**400}, "not a number"),
        ({"helpful": "no"}, "helpful='no' is neither True nor False"),
        ({"helpful": 2}, "neither"),
        ({"kind": "ROBOT"}, "kind='ROBOT' is not one of HUMAN, LLM, CODE"),
        ({"query_id": None}, "give response.metadata"),
        ({"query_id": ""}, "give response.metadata"),
    ],
)
def test_what_is_no_judgment_is_told_to_whoever_gives_it(sqlite_url: str, given: dict[str, Any], message: str) -> None:
    with QueryLog(sqlite_url) as log:
        with pytest.raises(InputError, match=re.escape(message)):
            log.add_feedback(**{"query_id": "q1", **given})
        assert log.stats == LogStats()


def test_a_record_that_is_no_record_is_left_out_and_the_others_stay(url: str) -> None:
    with QueryLog(url) as log:
        log.add(QueryRecord(query="fine", query_id="q1"))
        log.add(QueryRecord(query=7, query_id="q2"))  # type: ignore[arg-type]
        log.add(QueryRecord(query="fine", query_id="q3"))
        assert log.flush(30)
        assert set(_ids(log)) == {"q1", "q3"}
        assert (log.stats.written, log.stats.rejected) == (2, 1)


def test_writing_the_same_record_again_changes_nothing(url: str) -> None:
    with QueryLog(url) as log:
        log.add(FULL)
        log.add(QueryRecord(query="another", query_id="q1"))
        assert log.flush(30)
        assert [record.query for record in log.records()] == [FULL.query]


def test_what_is_older_than_the_retention_limit_goes(url: str) -> None:
    now = datetime.now(timezone.utc)
    with QueryLog(url) as log:
        log.add(QueryRecord(query="old", query_id="old", time=now - timedelta(days=31)))
        log.add(QueryRecord(query="new", query_id="new", time=now - timedelta(days=29)))
    with QueryLog(url, keep=timedelta(days=30)) as log:
        log.add(QueryRecord(query="now", query_id="now", time=now))
        assert log.flush(30)
        assert _ids(log) == ["now", "new"]


def _write(log: QueryLog, name: str, count: int) -> None:
    for number in range(count):
        log.add(QueryRecord(query="q", query_id=f"{name}-{number}"))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_worker_processes_share_a_log_that_was_opened_before_them(url: str, method: str) -> None:
    context = multiprocessing.get_context(method)
    log = QueryLog(url)
    _write(log, "parent", 3)
    assert log.flush(30)  # the parent's connection is open now
    workers = [context.Process(target=_write, args=(log, f"worker{number}", 100)) for number in range(2)]
    for worker in workers:
        worker.start()
    _write(log, "later", 3)
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    log.close()
    with QueryLog(url) as reader:
        assert len(_ids(reader)) == len(set(_ids(reader))) == 206


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_can_read(url: str) -> None:
    log = QueryLog(url)
    _write(log, "parent", 3)
    assert log.flush(30)
    assert len(_ids(log)) == 3
    if (child := os.fork()) == 0:
        status = 1
        try:
            status = 0 if len(_ids(log)) == 3 else 1
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(_ids(log)) == 3
    log.close()


def test_a_pickled_log_is_a_log_of_the_same_database(url: str) -> None:
    with QueryLog(url, log_text=False) as log, pickle.loads(pickle.dumps(log)) as copy:  # noqa: S301 - our own
        copy.add(FULL)
        assert copy.flush(30)
        assert [record.query for record in log.records()] == [WITHHELD]


def test_sqlite_writes_ahead_so_that_readers_do_not_wait(sqlite_url: str, tmp_path: Path) -> None:
    with QueryLog(sqlite_url) as log:
        log.add(FULL)
    with closing(sqlite3.connect(tmp_path / "queries.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_reading_a_log_that_is_not_there_says_so_and_makes_no_file(sqlite_url: str, tmp_path: Path) -> None:
    with pytest.raises(QueryLogError, match="there is no query log at sqlite:///"):
        next(QueryLog(sqlite_url).records())
    assert list(tmp_path.glob("queries.db*")) == []


def test_the_folder_is_made_with_the_first_record(tmp_path: Path) -> None:
    with QueryLog(f"sqlite:///{tmp_path}/logs/queries.db") as log:
        assert not (tmp_path / "logs").exists()
        log.add(FULL)
        assert log.flush(30)
        assert log.get("q1") == FULL


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("queries.db", "sqlite:///queries.db"),
        ("sqlite://", "name a file"),
        ("sqlite:///:memory:", "name a file"),
        ("mysql://localhost/log", "SQLite or PostgreSQL, not to mysql"),
    ],
)
def test_a_url_that_cannot_work_says_what_would(url: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        QueryLog(url)


def test_settings_out_of_range_are_errors(sqlite_url: str) -> None:
    with pytest.raises(ConfigurationError, match="capacity"):
        QueryLog(sqlite_url, capacity=0)
    with pytest.raises(ConfigurationError, match="keep"):
        QueryLog(sqlite_url, keep=timedelta(0))


def test_passwords_are_not_shown() -> None:
    log = QueryLog("postgresql://ada:hunter2@127.0.0.1:1/log")
    assert "hunter2" not in repr(log)
    with pytest.raises(QueryLogError) as raised:
        log.get("q1")
    assert "hunter2" not in str(raised.value)
