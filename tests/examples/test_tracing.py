"""Spans as an observer gets them: kinds, parents, scores, and the gate's decision, in every way of asking."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from openinference.instrumentation import TraceConfig
from openinference.instrumentation.llama_index import LlamaIndexInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from examples.pipeline import HANDBOOK, build_gate, build_index
from examples.tracing import start_tracing
from llama_index_prod_rag import ConfidenceGatedQueryEngine, QueryLog
from llama_index_prod_rag.confidence.verification import SupportPolicy
from llama_index_prod_rag.models.llm import OfflineLLM
from llama_index_prod_rag.query_engine.guardrail_spans import GuardrailSpans
from tests.examples.conftest import ANSWERED, REFUSED
from tests.query_engine.parts import FixedAssessor, ScriptedRetriever, ScriptedSynthesizer, make_hits

Ask = Callable[[ConfidenceGatedQueryEngine, str], str]


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    """Everything that is traced in a test; the process is left untraced."""
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    build_index(HANDBOOK)  # not part of what is looked at
    LlamaIndexInstrumentor().instrument(tracer_provider=provider)
    handler = GuardrailSpans(provider).attach()
    yield exporter
    handler.detach()
    LlamaIndexInstrumentor().uninstrument()


def sync(gate: ConfidenceGatedQueryEngine, question: str) -> str:
    return str(gate.query(question))


def asynchronous(gate: ConfidenceGatedQueryEngine, question: str) -> str:
    async def call() -> str:
        response: Any = await gate.aquery(question)
        if hasattr(response, "async_response_gen"):
            return "".join([token async for token in response.async_response_gen()])
        return str(response)

    return asyncio.run(call())


ways = pytest.mark.parametrize("ask", [sync, asynchronous])


def kind(span: ReadableSpan) -> str:
    return str((span.attributes or {}).get("openinference.span.kind"))


def of_kind(spans: Sequence[ReadableSpan], wanted: str) -> list[ReadableSpan]:
    return [span for span in spans if kind(span) == wanted]


def ancestors(span: ReadableSpan, spans: Sequence[ReadableSpan]) -> list[str]:
    by_id = {other.context.span_id: other for other in spans}
    names = []
    while span.parent is not None:
        span = by_id[span.parent.span_id]
        names.append(span.name)
    return names


def decisions(spans: Sequence[ReadableSpan]) -> list[dict[str, Any]]:
    return [json.loads(str((span.attributes or {})["metadata"])) for span in of_kind(spans, "GUARDRAIL")]


def documents(span: ReadableSpan, prefix: str) -> list[float]:
    attributes = span.attributes or {}
    found = []
    while (score := attributes.get(f"{prefix}.{len(found)}.document.score")) is not None:
        assert attributes[f"{prefix}.{len(found)}.document.id"]
        found.append(float(str(score)))
    return found


@pytest.mark.integration
@ways
def test_a_question_leaves_no_warnings(
    ask: Ask, exporter: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    ask(build_gate(), ANSWERED)
    assert [record.getMessage() for record in caplog.records if record.name.startswith("openinference")] == []


@pytest.mark.integration
@ways
def test_every_stage_is_a_span_of_its_kind_inside_the_question(ask: Ask, exporter: InMemorySpanExporter) -> None:
    ask(build_gate(), ANSWERED)
    spans = exporter.get_finished_spans()
    assert {kind(span) for span in spans} == {"CHAIN", "RETRIEVER", "EMBEDDING", "RERANKER", "GUARDRAIL"}
    assert len({span.context.trace_id for span in spans}) == 1
    roots = [span for span in spans if span.parent is None]
    assert [span.name.rpartition(".")[2] for span in roots] in (["query"], ["aquery"])
    assert (roots[0].attributes or {})["input.value"] == ANSWERED
    assert "90 days" in str((roots[0].attributes or {})["output.value"])
    for span in spans:
        assert span.end_time is not None
        assert roots[0] is span or ancestors(span, spans)[-1] == roots[0].name

    hybrid = [span for span in of_kind(spans, "RETRIEVER") if "Hybrid" in span.name and "._" not in span.name]
    assert len(hybrid) == 1
    legs = [span for span in of_kind(spans, "RETRIEVER") if span.name.startswith(("Dense", "BM25F"))]
    assert {span.name.partition(".")[0] for span in legs} == {"DenseRetriever", "BM25FRetriever"}
    assert all(hybrid[0].name in ancestors(leg, spans) for leg in legs)
    assert len(documents(hybrid[0], "retrieval.documents")) == 3


@pytest.mark.integration
@ways
def test_the_reranker_shows_what_it_read_and_what_it_kept(ask: Ask, exporter: InMemorySpanExporter) -> None:
    ask(build_gate(), ANSWERED)
    [span] = of_kind(exporter.get_finished_spans(), "RERANKER")
    attributes = span.attributes or {}
    assert attributes["reranker.query"] == ANSWERED
    assert attributes["reranker.top_k"] == 3
    assert attributes["reranker.model_name"]
    assert len(documents(span, "reranker.input_documents")) == 3
    kept = documents(span, "reranker.output_documents")
    assert kept == sorted(kept, reverse=True)


@pytest.mark.integration
@ways
@pytest.mark.parametrize(("question", "decision"), [(ANSWERED, "answer"), (REFUSED, "refuse")])
def test_the_decision_is_a_guardrail_span_that_the_log_can_be_joined_to(
    ask: Ask, exporter: InMemorySpanExporter, question: str, decision: str, tmp_path: Any
) -> None:
    with QueryLog(f"sqlite:///{tmp_path}/queries.sqlite") as log:
        ask(build_gate(query_log=log, streaming=True), question)
        log.flush()
        [record] = log.records()
    [span] = of_kind(exporter.get_finished_spans(), "GUARDRAIL")
    attributes = span.attributes or {}
    assert attributes["input.value"] == question
    said = json.loads(str(attributes["output.value"]))
    assert said == {"decision": decision, "reasons": list(record.reasons)}
    [decided] = decisions([span])
    assert decided == {
        "query_id": record.query_id,
        "decision": decision,
        "status": record.status,
        "confidence": record.confidence,
    }
    assert record.trace_id == format(span.context.trace_id, "032x")
    assert span.parent is not None
    assert record.span_id == format(span.parent.span_id, "016x")


@pytest.mark.integration
@pytest.mark.llm
@ways
def test_a_streamed_answer_has_its_synthesis_and_model_under_the_question(
    ask: Ask, exporter: InMemorySpanExporter, offline_llm: OfflineLLM
) -> None:
    assert ask(build_gate(llm=offline_llm, streaming=True), ANSWERED)
    spans = exporter.get_finished_spans()
    models = of_kind(spans, "LLM")
    assert models
    for span in models:
        assert any(name.endswith((".query", ".aquery")) for name in ancestors(span, spans)), span.name
        assert any("synthesize" in name for name in ancestors(span, spans)), span.name
    assert [decision["decision"] for decision in decisions(spans)] == ["answer"]


@ways
def test_a_decision_that_falls_while_streaming_is_a_second_span_of_the_same_trace(
    ask: Ask, exporter: InMemorySpanExporter
) -> None:
    gate = ConfidenceGatedQueryEngine(
        ScriptedRetriever(make_hits()),
        ScriptedSynthesizer(["The wing ", "was built in 1777."], streaming=True),
        assessor=FixedAssessor(["healthy"]),
        support_policy=SupportPolicy(),
    )
    assert "Do not rely on the answer above" in ask(gate, "When was the wing built?")
    spans = exporter.get_finished_spans()
    assert [decision["decision"] for decision in decisions(spans)] == ["answer", "hedge"]
    first, second = of_kind(spans, "GUARDRAIL")
    assert first.parent == second.parent
    assert first.context.trace_id == second.context.trace_id


def test_what_openinference_is_told_to_hide_is_hidden_here_too() -> None:
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    handler = GuardrailSpans(provider, TraceConfig(hide_inputs=True, hide_outputs=True)).attach()
    try:
        ConfidenceGatedQueryEngine(ScriptedRetriever([])).query("What does Ada earn?")
    finally:
        handler.detach()
    [span] = exporter.get_finished_spans()
    assert "Ada" not in json.dumps(dict(span.attributes or {}))
    assert decisions([span])[0]["decision"] == "refuse"
    assert span.parent is None


@pytest.mark.integration
def test_the_example_traces_to_the_exporter_it_is_given() -> None:
    exporter = InMemorySpanExporter()
    provider = start_tracing(exporter)
    try:
        build_gate().query(ANSWERED)
        provider.force_flush()
        assert {"RETRIEVER", "RERANKER", "GUARDRAIL"} <= {kind(span) for span in exporter.get_finished_spans()}
    finally:
        LlamaIndexInstrumentor().uninstrument()
