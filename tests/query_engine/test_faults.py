"""Faults: what users read, what operators read, and what must not be gone without."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from llama_index.core.postprocessor import SimilarityPostprocessor
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.event_handlers import BaseEventHandler

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.query_engine.gated import ConfidenceGatedQueryEngine
from llama_index_prod_rag.query_engine.retry import Retry
from llama_index_prod_rag.query_log.record import QueryRecord
from llama_index_prod_rag.retrievers.bm25 import BM25FRetriever
from llama_index_prod_rag.retrievers.hybrid import HybridFusionRetriever
from tests.query_engine.parts import (
    FixedAssessor,
    ListLog,
    ScriptedRetriever,
    ScriptedSynthesizer,
    make_hits,
)

QUESTION = "Does drag fall with the sweep?"
SECRETS = ("hunter2", "sk-live-0123456789abcdef", "Bearer-Tok3n", "db.internal.example")
LEAK = ConnectionError(
    "no route to https://ada:hunter2@db.internal.example/docs\n"
    "{'Authorization': 'Bearer Bearer-Tok3n'} api_key=sk-live-0123456789abcdef"
)


class Masking(BaseNodePostprocessor):
    """Keeps names back, or fails to."""

    error: Exception = LEAK
    model_config = {"arbitrary_types_allowed": True}  # noqa: RUF012

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        raise self.error


class MyReranker(Masking):
    """Only reorders."""


class Broken:
    """Fails in every role."""

    def rewrite(self, query: str) -> str:
        raise LEAK

    async def arewrite(self, query: str) -> str:
        raise LEAK

    def score(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        raise LEAK

    def judge(self, pairs: Sequence[tuple[str, str]]) -> Any:
        raise LEAK

    def add(self, record: QueryRecord) -> None:
        raise LEAK


def make_gate(**settings: Any) -> ConfidenceGatedQueryEngine:
    settings.setdefault("assessor", FixedAssessor(["healthy"]))
    return ConfidenceGatedQueryEngine(settings.pop("retriever", ScriptedRetriever(make_hits())), **settings)


class Events(BaseEventHandler):
    """Keeps what every event says."""

    said: list[str] = []  # noqa: RUF012 - a pydantic field

    @classmethod
    def class_name(cls) -> str:
        return "Events"

    def handle(self, event: Any, **kwargs: Any) -> None:
        if event.class_name().startswith("ProdRag"):
            self.said.append(repr(event))


@pytest.fixture
def events() -> Iterator[Events]:
    handler = Events(said=[])
    get_dispatcher().add_event_handler(handler)
    yield handler
    get_dispatcher().event_handlers.remove(handler)


STAGES: dict[str, Callable[[], dict[str, Any]]] = {
    "retriever": lambda: {"retriever": ScriptedRetriever(LEAK)},
    "one leg": lambda: {
        "retriever": HybridFusionRetriever(
            {"a": ScriptedRetriever(make_hits()), "b": ScriptedRetriever(LEAK)}, alpha=0.5, rule="min-max"
        )
    },
    "every leg": lambda: {"retriever": HybridFusionRetriever({"a": ScriptedRetriever(LEAK)}, rule="min-max")},
    "masking": lambda: {"node_postprocessors": [Masking()]},
    "reranker": lambda: {"node_postprocessors": [MyReranker()]},
    "assessor": lambda: {"assessor": FixedAssessor([LEAK])},
    "rewriter": lambda: {
        "assessor": FixedAssessor(["low_confidence"]),
        "retries": [Retry("reworded", rewriter=Broken())],
    },
    "retry": lambda: {
        "assessor": FixedAssessor(["low_confidence"]),
        "retries": [Retry("wider", ScriptedRetriever(LEAK))],
    },
    "language model": lambda: {"response_synthesizer": ScriptedSynthesizer([LEAK])},
    "stream": lambda: {"response_synthesizer": ScriptedSynthesizer(["It ", LEAK], streaming=True)},
    "sentence scorer": lambda: {"sentence_scorer": Broken()},
    "entailment": lambda: {
        "response_synthesizer": ScriptedSynthesizer(["It falls."]),
        "entailment_judge": Broken(),
    },
    "query log": lambda: {"query_log": Broken()},
}


@pytest.mark.parametrize("stage", STAGES)
def test_no_failing_stage_tells_a_secret(
    ask: Callable[..., Any], stage: str, caplog: pytest.LogCaptureFixture, events: Events
) -> None:
    caplog.set_level(logging.DEBUG)
    log = ListLog()
    response, text = ask(make_gate(**{"query_log": log, **STAGES[stage]()}), QUESTION)
    assert not [secret for secret in (*SECRETS, "ConnectionError", "no route") if secret in text]
    report = json.dumps(response.metadata["prod_rag"])
    told = [report, caplog.text, repr(log.records), *events.said]
    assert not [secret for secret in SECRETS[:3] for where in told if secret in where]
    assert "no route to https://***@db.internal.example" in report  # the rest is for operators


@pytest.mark.parametrize("decision_stage", ["masking", "permissions after a reranker"])
def test_a_step_that_keeps_things_back_is_not_gone_without(ask: Callable[..., Any], decision_stage: str) -> None:
    log = ListLog()
    stages = [Masking()] if decision_stage == "masking" else [MyReranker(), Masking()]
    response, text = ask(make_gate(node_postprocessors=stages, query_log=log), QUESTION)
    assert text == "I cannot answer this from the documents: a step of the search that no answer may go without failed."
    report = response.metadata["prod_rag"]
    assert (report["decision"], report["sources"], report["quotes"], response.source_nodes) == ("refuse", [], [], [])
    assert "Drag" not in repr(log.records)


def test_what_must_work_can_be_said(ask: Callable[..., Any]) -> None:
    response, _ = ask(make_gate(node_postprocessors=[Masking()], required={"Masking": False}), QUESTION)
    assert response.metadata["prod_rag"]["decision"] == "answer"
    response, _ = ask(make_gate(node_postprocessors=[MyReranker()], required={"MyReranker": True}), QUESTION)
    assert response.metadata["prod_rag"]["decision"] == "refuse"
    with pytest.raises(ConfigurationError, match=r"'Reranker': \.\.\.\} names no postprocessor.*it has Masking"):
        make_gate(node_postprocessors=[Masking()], required={"Reranker": True})


@pytest.mark.parametrize("error", [ImportError("spacy is not installed"), ConfigurationError("alpha=2")])
def test_an_error_of_the_settings_is_raised_and_logged(ask: Callable[..., Any], error: Exception) -> None:
    log = ListLog()
    for settings in (
        {"retriever": ScriptedRetriever(error)},
        {"node_postprocessors": [MyReranker(error=error)]},
        {"response_synthesizer": ScriptedSynthesizer([error])},
    ):
        with pytest.raises(type(error), match=str(error)):
            ask(make_gate(**settings, query_log=log), QUESTION)
    assert [record.error for record in log.records] == [f"{type(error).__name__}: {error}"] * 3


def test_a_cut_that_leaves_nothing_is_not_nothing_found(ask: Callable[..., Any]) -> None:
    gate = make_gate(node_postprocessors=[SimilarityPostprocessor(similarity_cutoff=0.99)])
    response, text = ask(gate, QUESTION)
    assert "passages were found, but none of them is close enough" in text
    assert response.metadata["prod_rag"]["status"] == "no_results"


class AddsNeighbor(BaseNodePostprocessor):
    """Brings in what the search did not, as windows and parents do."""

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        theirs = TextNode(text="Their wings.", id_="neighbor", metadata={"tenant": "them"})
        return [*nodes, NodeWithScore(node=theirs, score=0.5)]


def test_what_a_postprocessor_brings_in_is_held_against_the_filters(ask: Callable[..., Any]) -> None:
    ours = TextNode(text="Our wings sweep.", id_="ours", metadata={"tenant": "us"})
    gate = ConfidenceGatedQueryEngine(BM25FRetriever([ours], fields=["text"]), None, [AddsNeighbor()])
    filters = MetadataFilters(filters=[MetadataFilter(key="tenant", value="us")])
    response, _ = ask(gate.with_filters(filters), "wings")
    assert [hit.node_id for hit in response.source_nodes] == ["ours"]
    assert [hit.node_id for hit in gate.with_filters(filters).retrieve(QueryBundle("wings"))] == ["ours"]


def test_an_unread_stream_is_logged() -> None:
    log = ListLog()
    gate = make_gate(response_synthesizer=ScriptedSynthesizer(["It ", "falls."], streaming=True), query_log=log)

    async def leave() -> None:
        await gate.aquery(QUESTION)

    gate.query(QUESTION)
    gc.collect()
    asyncio.run(leave())
    gc.collect()
    assert [(record.answer, record.error) for record in log.records] == [("", "the reader left before the end")] * 2


def test_a_cancelled_question_is_logged() -> None:
    log = ListLog()
    gate = make_gate(query_log=log)

    async def leave() -> None:
        task = asyncio.create_task(gate.aquery(QUESTION))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(leave())
    assert [(record.query, record.answer, record.error) for record in log.records] == [(QUESTION, None, "cancelled")]


@pytest.mark.parametrize("question", ["x" * 8_001, " \n"])
def test_what_is_no_question_is_refused_without_a_search(ask: Callable[..., Any], question: str) -> None:
    retriever, log = ScriptedRetriever(make_hits()), ListLog()
    response, text = ask(make_gate(retriever=retriever, query_log=log), question)
    assert (response.metadata["prod_rag"]["decision"], retriever.asked) == ("refuse", [])
    assert "the question has 8,001 characters, and 8,000 is the most" in text or "the question is empty" in text
    assert len(log.records[0].query) <= 8_000
