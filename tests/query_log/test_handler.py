"""Any LlamaIndex engine, watched from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core import Document, MockEmbedding, VectorStoreIndex
from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.response.schema import RESPONSE_TYPE, Response
from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
from llama_index.core.llms import CompletionResponse, CompletionResponseGen, MockLLM
from llama_index.core.llms.callbacks import llm_completion_callback
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import get_response_synthesizer
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index_instrumentation import get_dispatcher

from llama_index_prod_rag.query_engine.gated import ConfidenceGatedQueryEngine
from llama_index_prod_rag.query_log.handler import QueryLogHandler
from llama_index_prod_rag.query_log.record import QueryRecord
from llama_index_prod_rag.query_log.store import QueryLog
from llama_index_prod_rag.trace.events import emit
from llama_index_prod_rag.trace.records import LegHit, RerankRecord, RetrievalRecord

NODES = [TextNode(text=f"text {name}", id_=name) for name in "abc"]


class Fixed(BaseRetriever):
    """Always the same nodes."""

    def __init__(self, names: str = "abc", error: Exception | None = None) -> None:
        super().__init__()
        self.names = names
        self.error = error

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        if self.error is not None:
            raise self.error
        found = [node for name in self.names for node in NODES if node.id_ == name]
        return [NodeWithScore(node=node, score=1.0 - 0.25 * place) for place, node in enumerate(found)]


class Other(Fixed):
    """The same under another name."""


class Recording(BaseRetriever):
    """Searches a leg and emits its own record, as this package's retrievers do."""

    def __init__(self) -> None:
        super().__init__()
        self.leg = Fixed("ba")

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self.leg.retrieve(query_bundle)
        legs = {"dense": {hit.node_id: LegHit(rank, hit.score or 0.0) for rank, hit in enumerate(hits, 1)}}
        emit(RetrievalRecord(query_bundle.query_str, legs=legs, fused={"b": 0.5, "a": 0.25}, seconds={"dense": 0.5}))
        return hits


class LastFirst(BaseNodePostprocessor):
    """A reranker that fires LlamaIndex's events, and its own record if asked to."""

    record: bool = False

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        dispatcher = get_dispatcher(__name__)
        dispatcher.event(ReRankStartEvent(query=query_bundle, nodes=nodes, top_n=2, model_name="last-first"))
        if self.record:
            emit(RerankRecord("ours", logits={"c": 3.0}, scores={"c": 0.9}, seconds=0.25))
        kept = [NodeWithScore(node=hit.node, score=2.0 - place) for place, hit in enumerate(nodes[:0:-1])]
        dispatcher.event(ReRankEndEvent(nodes=kept))
        return kept


class Breaking(MockLLM):
    """Its stream breaks off after one token."""

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **_: Any) -> CompletionResponseGen:
        def tokens() -> Iterator[CompletionResponse]:
            yield CompletionResponse(text="half", delta="half")
            raise TimeoutError("the model went away")

        return tokens()


def _engine(retriever: BaseRetriever, **settings: Any) -> RetrieverQueryEngine:
    return RetrieverQueryEngine.from_args(retriever, llm=settings.pop("llm", MockLLM(max_tokens=2)), **settings)


@pytest.fixture
def log(sqlite_url: str, caplog: pytest.LogCaptureFixture) -> Iterator[QueryLog]:
    with QueryLog(sqlite_url) as opened:
        handler = QueryLogHandler(query_log=opened).attach()
        yield opened
        handler.detach()
        assert "could not follow" not in caplog.text
        assert not handler._open
        assert not handler._spans.open_spans


def _logged(log: QueryLog) -> list[QueryRecord]:
    assert log.flush(30)
    return list(log.records()) if log.stats.written else []


def test_a_stock_engine(log: QueryLog) -> None:
    response = _engine(Fixed()).query("what?")
    (record,) = _logged(log)
    assert (record.query, record.answer, record.error) == ("what?", str(response), None)
    assert record.ranking("leg", "Fixed") == record.ranking("shown") == ("a", "b", "c")
    assert [hit.score for hit in record.hits if hit.stage == "shown"] == [1.0, 0.75, 0.5]
    assert [passage.text for passage in record.passages] == ["text a", "text b", "text c"]
    assert set(record.seconds) == {"Fixed", "synthesis", "total"}
    assert record.seconds["total"] >= record.seconds["Fixed"] + record.seconds["synthesis"] >= 0
    assert record.config_hash


async def test_the_asynchronous_way_says_the_same(log: QueryLog) -> None:
    engine = _engine(Fixed(), node_postprocessors=[LastFirst()])
    engine.query("what?")
    await engine.aquery("what?")
    first, second = _logged(log)
    assert first.hits == second.hits
    assert (first.passages, first.answer, first.config_hash) == (second.passages, second.answer, second.config_hash)


def test_a_foreign_fusion_is_seen_with_its_legs(log: QueryLog) -> None:
    fusion = QueryFusionRetriever(
        [Fixed("ab"), Other("bc"), Fixed("c")], llm=MockLLM(), num_queries=1, use_async=False, similarity_top_k=2
    )
    _engine(fusion).query("what?")
    (record,) = _logged(log)
    assert record.ranking("leg", "Fixed") == ("a", "b")
    assert record.ranking("leg", "Other") == ("b", "c")
    assert record.ranking("leg", "Fixed 2") == ("c",)
    assert len(record.ranking("fused")) == 2
    assert record.ranking("fused") == record.ranking("shown")


def test_a_component_that_recorded_itself_is_not_counted_twice(log: QueryLog) -> None:
    _engine(Recording(), node_postprocessors=[LastFirst(record=True)]).query("what?")
    (record,) = _logged(log)
    assert [(hit.stage, hit.leg, hit.node_id) for hit in record.hits] == [
        ("leg", "dense", "b"),
        ("leg", "dense", "a"),
        ("fused", "", "b"),
        ("fused", "", "a"),
        ("pair", "ours", "c"),
        ("reranked", "", "c"),
        ("shown", "", "a"),
    ]
    assert record.seconds["dense"] == 0.5
    assert record.seconds["rerank"] == 0.25


def test_a_foreign_reranker_is_seen_through_its_events(log: QueryLog) -> None:
    _engine(Fixed(), node_postprocessors=[LastFirst()]).query("what?")
    (record,) = _logged(log)
    assert record.ranking("reranked") == record.ranking("shown")
    assert record.ranking("reranked") == ("c", "b")
    assert record.seconds["rerank"] >= 0


def test_an_engine_inside_another_belongs_to_its_question(log: QueryLog) -> None:
    class Outer(BaseQueryEngine):
        def __init__(self, inner: BaseQueryEngine) -> None:
            super().__init__(callback_manager=None)
            self.inner = inner

        def _get_prompt_modules(self) -> dict[str, Any]:
            return {}

        def _query(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
            parts = [self.inner.query(f"{query_bundle.query_str} part {number}") for number in (1, 2)]
            return Response(" ".join(map(str, parts)), source_nodes=parts[0].source_nodes)

        async def _aquery(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
            return self._query(query_bundle)

    Outer(_engine(Fixed())).query("whole")
    (record,) = _logged(log)
    assert record.query == "whole"
    assert {hit.call for hit in record.hits if hit.stage == "leg"} == {0, 1}


async def test_questions_asked_at_once_stay_apart(log: QueryLog) -> None:
    names = ["a", "b", "c"]
    engines = {name: _engine(Fixed(name)) for name in names}
    await asyncio.gather(*(engines[name].aquery(name) for name in names * 10))
    records = _logged(log)
    assert len(records) == 30
    assert all(record.ranking("leg", "Fixed") == record.ranking("shown") == (record.query,) for record in records)


def test_a_streamed_answer_is_logged_when_its_stream_is_over(log: QueryLog) -> None:
    response = _engine(Fixed(), streaming=True).query("what?")
    assert _logged(log) == []
    text = "".join(response.response_gen)  # type: ignore[union-attr]
    (record,) = _logged(log)
    assert record.answer == text
    assert record.error is None
    assert record.ranking("shown") == ("a", "b", "c")


async def test_an_asynchronous_stream_too(log: QueryLog) -> None:
    response = await _engine(Fixed(), streaming=True).aquery("what?")
    text = "".join([token async for token in response.async_response_gen()])  # type: ignore[union-attr]
    (record,) = _logged(log)
    assert (record.answer, record.error) == (text, None)


def test_a_stream_that_breaks_is_logged_with_what_was_sent(log: QueryLog) -> None:
    response = _engine(Fixed(), streaming=True, llm=Breaking()).query("what?")
    with pytest.raises(TimeoutError):
        list(response.response_gen)  # type: ignore[union-attr]
    (record,) = _logged(log)
    assert (record.answer, record.error) == ("half", "TimeoutError: the model went away")


def test_an_engine_that_raises_is_logged_with_its_error(log: QueryLog) -> None:
    with pytest.raises(ConnectionError):
        _engine(Fixed(error=ConnectionError("no index"))).query("what?")
    (record,) = _logged(log)
    assert (record.query, record.answer, record.error) == ("what?", None, "ConnectionError: no index")


def _gate(**settings: Any) -> ConfidenceGatedQueryEngine:
    return ConfidenceGatedQueryEngine(Fixed(), response_synthesizer=get_response_synthesizer(llm=MockLLM()), **settings)


def test_a_gate_that_writes_to_the_same_log_is_logged_once_by_itself(log: QueryLog) -> None:
    response = _gate(query_log=log, config_hash="by the gate").query("what?")
    (record,) = _logged(log)
    assert record.query_id == response.metadata["prod_rag"]["query_id"]  # type: ignore[index]
    assert record.config_hash == "by the gate"


@pytest.mark.parametrize("streaming", [False, True])
def test_a_gate_without_a_log_is_logged_with_its_report(log: QueryLog, streaming: bool) -> None:
    gate = _gate(streaming=streaming)
    response = gate.query("what?")
    text = str(response)
    report = response.metadata["prod_rag"]  # type: ignore[index]
    (record,) = _logged(log)
    assert (record.query_id, record.answer) == (report["query_id"], text)
    assert record.config_hash == gate.config_hash
    assert (record.decision, record.status) == (report["decision"], report["status"])
    assert record.signals == report["signals"]
    assert list(record.reasons) == report["reasons"]
    assert record.ranking("leg", "Fixed") == ("a", "b", "c")


def test_nothing_is_logged_once_detached(sqlite_url: str) -> None:
    with QueryLog(sqlite_url) as log:
        handler = QueryLogHandler(query_log=log).attach()
        handler.detach()
        _engine(Fixed()).query("what?")
        assert _logged(log) == []


def test_what_happens_to_a_node_later_does_not_change_its_record(log: QueryLog) -> None:
    index = VectorStoreIndex.from_documents([Document(text="Paris")], embed_model=MockEmbedding(8))
    response = index.as_query_engine(llm=MockLLM()).query("capital?")
    response.source_nodes[0].score = -1.0
    (record,) = _logged(log)
    (shown,) = (hit for hit in record.hits if hit.stage == "shown")
    assert shown.score is not None
    assert shown.score > 0
    assert record.passages[0].document_id


def test_a_question_that_a_logging_gate_breaks_off_is_logged_once(log: QueryLog) -> None:
    class Leaves(BaseRetriever):
        def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
            raise KeyboardInterrupt

    gate = ConfidenceGatedQueryEngine(Leaves(), query_log=log)
    handler = QueryLogHandler(query_log=log).attach()
    try:
        with pytest.raises(KeyboardInterrupt):
            gate.query("what?")
    finally:
        handler.detach()
    log.flush()
    assert [(record.query, record.error) for record in log.records()] == [("what?", "cancelled")]
