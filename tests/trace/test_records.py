"""The trace: append-only, one scope per question, joined from two carriers."""

from __future__ import annotations

import asyncio
import contextvars
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest

from llama_index_prod_rag.trace.records import (
    LegHit,
    QueryTrace,
    RerankRecord,
    RetrievalRecord,
    join_records,
    note,
    tracing,
)


def test_records_are_collected_only_while_the_scope_is_open() -> None:
    note(RerankRecord(model="before"))
    with tracing() as trace:
        note(RerankRecord(model="inside"))
    note(RerankRecord(model="after"))
    assert [record.model for record in trace.records if isinstance(record, RerankRecord)] == ["inside"]


def test_a_scope_inside_another_is_its_child() -> None:
    with tracing() as outer:
        note(RerankRecord(model="outer"))
        with tracing() as inner:
            note(RerankRecord(model="inner"))
        note(RerankRecord(model="outer again"))
    assert len(outer.records) == 2
    assert outer.children == [inner]
    assert len(inner.records) == 1


def test_the_scope_closes_when_its_body_fails() -> None:
    with pytest.raises(KeyError), tracing() as trace:
        raise KeyError("x")
    note(RerankRecord(model="late"))
    assert trace.records == ()


def test_a_retry_begins_a_new_attempt_and_keeps_the_old_one() -> None:
    trace = QueryTrace()
    trace.add(RerankRecord(model="first"))
    trace.begin_attempt()
    trace.add(RerankRecord(model="second"))
    assert [len(attempt) for attempt in trace.attempts] == [1, 1]
    assert trace.records == (trace.attempts[1][0],)


def test_concurrent_questions_do_not_mix() -> None:
    async def ask(name: str) -> tuple[str, ...]:
        with tracing() as trace:
            note(RerankRecord(model=name))
            await asyncio.sleep(0)
            await asyncio.to_thread(note, RerankRecord(model=name))
        return tuple(record.model for record in trace.records if isinstance(record, RerankRecord))

    async def ask_all() -> list[tuple[str, ...]]:
        return list(await asyncio.gather(*(ask(str(number)) for number in range(40))))

    assert asyncio.run(ask_all()) == [(str(number),) * 2 for number in range(40)]


def test_a_pool_sees_the_scope_when_the_context_is_copied() -> None:
    with tracing() as trace, ThreadPoolExecutor(4) as pool:
        list(
            pool.map(
                lambda pair: pair[0].run(note, RerankRecord(model=pair[1])),
                [(contextvars.copy_context(), str(number)) for number in range(100)],
            )
        )
    assert len(trace.records) == 100


def test_joining_keeps_each_record_once_and_the_trace_first() -> None:
    seen, carried = RerankRecord(model="seen"), RerankRecord(model="carried")
    trace = QueryTrace([[seen]])
    assert join_records(trace, [carried, seen, carried]) == (seen, carried)
    assert join_records(None, [carried]) == (carried,)


def test_leg_score_prefers_what_the_leg_returned_over_what_was_computed_later() -> None:
    record = RetrievalRecord("q", legs={"dense": {"a": LegHit(1, 0.9)}}, completed={"dense": {"a": 0.1, "b": 0.2}})
    assert record.leg_score("dense", "a") == 0.9
    assert record.leg_score("dense", "b") == 0.2
    assert record.leg_score("bm25", "a") is None


def test_records_survive_pickling() -> None:
    record = RetrievalRecord("q", legs={"dense": {"a": LegHit(1, 0.9)}}, fused={"a": 1.0})
    assert pickle.loads(pickle.dumps(record)) == record  # noqa: S301 - our own bytes
