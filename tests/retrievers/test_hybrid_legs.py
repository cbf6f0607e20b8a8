"""How the hybrid asks its legs: side by side, in time, and without those that fail, hang or are written to."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.core.vector_stores import MetadataFilters
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.base import BaseEvent
from llama_index_instrumentation.event_handlers import BaseEventHandler

from llama_index_prod_rag.errors import RetrievalError
from llama_index_prod_rag.retrievers.bm25 import BM25FRetriever
from llama_index_prod_rag.retrievers.hybrid import HybridFusionRetriever
from llama_index_prod_rag.trace.records import tracing
from tests.retrievers.parts import FixedLeg, ask, both_ways, record_of, two_legs


@both_ways
async def test_legs_run_side_by_side(asynchronous: bool) -> None:
    legs = {name: FixedLeg({name: 1.0}, seconds=0.3) for name in ("one", "two", "three")}
    started = time.perf_counter()
    await ask(HybridFusionRetriever(legs), "q", asynchronous)
    assert time.perf_counter() - started < 0.8


async def test_async_leaves_the_loop_free() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    await HybridFusionRetriever({"slow": FixedLeg({"a": 1.0}, seconds=0.3)}).aretrieve("q")
    ticking.cancel()
    assert ticks > 5


@both_ways
async def test_a_failing_leg_is_left_out_and_named(asynchronous: bool, caplog: pytest.LogCaptureFixture) -> None:
    legs = {"good": FixedLeg({"a": 0.9, "b": 0.1}), "bad": FixedLeg({}, error=ConnectionError("refused"))}
    hits = await ask(HybridFusionRetriever(legs, rule="min-max"), "q", asynchronous)
    assert [(hit.node_id, hit.score) for hit in hits] == [("a", 1.0), ("b", 0.0)]
    assert record_of(hits[0]).failed == {"bad": "ConnectionError: refused"}
    assert record_of(hits[0]).weights == {"good": 1.0}
    assert "'bad' is left out" in caplog.text


@both_ways
async def test_a_late_leg_is_left_out_in_time(asynchronous: bool) -> None:
    legs = {"good": FixedLeg({"a": 0.9}), "late": FixedLeg({"b": 1.0}, seconds=3.0)}
    started = time.perf_counter()
    hits = await ask(HybridFusionRetriever(legs, timeout=0.2), "q", asynchronous)
    assert time.perf_counter() - started < 2.0
    assert record_of(hits[0]).failed == {"late": "no answer within 0.2 s"}


@both_ways
async def test_a_failing_leg_raises_if_asked(asynchronous: bool) -> None:
    legs = {"good": FixedLeg({"a": 0.9}), "bad": FixedLeg({}, error=ConnectionError("refused"))}
    with pytest.raises(RetrievalError, match="bad: ConnectionError: refused") as raised:
        await ask(HybridFusionRetriever(legs, on_leg_failure="raise"), "q", asynchronous)
    assert isinstance(raised.value.__cause__, ConnectionError)


@both_ways
async def test_no_leg_left_is_an_error_that_names_them_all(asynchronous: bool) -> None:
    legs = {name: FixedLeg({}, error=ConnectionError("refused")) for name in ("one", "two")}
    with pytest.raises(RetrievalError, match=r"one: .*; two: "):
        await ask(HybridFusionRetriever(legs), "q", asynchronous)


def test_a_leg_sees_the_callers_context() -> None:
    seen: list[int] = []

    class Leg(FixedLeg):
        def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
            seen.append(threading.get_ident())
            return two_legs().retrieve(query_bundle)

    with tracing() as trace:
        HybridFusionRetriever({"nested": Leg({})}).retrieve("q")
    assert len(trace.records) == 2
    assert seen != [threading.get_ident()]


def test_events_are_paired_also_when_nothing_is_found() -> None:
    names: list[str] = []

    class Handler(BaseEventHandler):
        def handle(self, event: BaseEvent, **_: Any) -> None:
            names.append(event.class_name())

    root, handler = get_dispatcher("root"), Handler()
    root.add_event_handler(handler)
    try:
        HybridFusionRetriever({"empty": FixedLeg({})}).retrieve("q")
    finally:
        root.event_handlers.remove(handler)
    assert names.count("RetrievalStartEvent") == names.count("RetrievalEndEvent") == 2
    assert names.count("ProdRagFusionEvent") == 1


class Hanging(BaseRetriever):
    """Never answers, until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()
        self.asked: list[str] = []

    def with_filters(self, filters: MetadataFilters | None) -> BaseRetriever:
        view = Hanging()
        view.let_go, view.asked = self.let_go, self.asked
        return view

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        self.asked.append(query_bundle.query_str)
        self.let_go.wait(60)
        return [NodeWithScore(node=TextNode(text="late", id_="late"), score=1.0)]


@both_ways
async def test_a_leg_that_hangs_takes_no_thread_with_every_question(asynchronous: bool) -> None:
    hanging = Hanging()
    lexical = BM25FRetriever([TextNode(text="valve", id_="valve")])
    retriever = HybridFusionRetriever({"good": lexical, "bad": hanging}, timeout=0.25)
    for _ in range(7):
        hits = await ask(retriever.with_filters(None), "valve", asynchronous)  # a view per question, as tenants have
        assert [hit.node_id for hit in hits] == ["valve"]
    assert len(hanging.asked) == 4
    assert "earlier questions are still waiting" in record_of(hits[0]).failed["bad"]
    hanging.let_go.set()
    for _ in range(200):
        hits = await ask(retriever, "valve", asynchronous)
        if not record_of(hits[0]).failed:
            break
        await asyncio.sleep(0.02)
    assert {hit.node_id for hit in hits} == {"valve", "late"}


def test_readers_and_a_writer_at_once_lose_no_leg(letters: VectorStoreIndex) -> None:
    retriever = HybridFusionRetriever.from_index(letters)
    failures: list[object] = []
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():  # one writer: LlamaIndex's own index takes no more
            number += 1
            letters.insert_nodes([TextNode(text="aaa b", id_=f"new{number}")])
            if number > 5:
                letters.delete_nodes([f"new{number - 5}"])

    def read() -> None:
        for _ in range(25):
            failures.extend(record_of(retriever.retrieve("aaa b")[0]).failed.items())

    writer, readers = threading.Thread(target=write), [threading.Thread(target=read) for _ in range(3)]
    for thread in (writer, *readers):
        thread.start()
    for reader in readers:
        reader.join()
    stop.set()
    writer.join()
    assert failures == []


def test_a_leg_whose_store_was_written_to_is_asked_again() -> None:
    class Shaken(FixedLeg):
        times = 0

        def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
            self.times += 1
            entries = {"a": 0.9}
            for entry in entries:
                if self.times < 3:
                    entries[entry * 2] = 0.1  # what another thread does to a store that is a dictionary
            return super()._retrieve(query_bundle)

    hits = HybridFusionRetriever({"leg": Shaken({"a": 0.9})}).retrieve("q")
    assert record_of(hits[0]).failed == {}


class OneWay(BaseRetriever):
    """Has one of the two paths, as retrievers of others do."""

    def __init__(self, asynchronous: bool) -> None:
        self.asynchronous = asynchronous
        super().__init__()

    def _find(self) -> list[NodeWithScore]:
        return [NodeWithScore(node=TextNode(text="red wine", id_="a"), score=0.9)]

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        if self.asynchronous:
            raise NotImplementedError("use aretrieve")
        return self._find()

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        if not self.asynchronous:
            raise NotImplementedError("use retrieve")
        return self._find()


class NoWay(BaseRetriever):
    """Has none."""

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        raise NotImplementedError("of no use")


@both_ways
async def test_a_leg_with_one_path_is_asked_by_that(asynchronous: bool) -> None:
    legs = {"sync": OneWay(asynchronous=False), "async": OneWay(asynchronous=True), "none": NoWay()}
    (hit,) = await ask(HybridFusionRetriever(legs), "q", asynchronous)
    assert set(record_of(hit).legs) == {"sync", "async"}
    assert record_of(hit).failed == {"none": "NotImplementedError: of no use"}
