"""Traces and log agree: with OpenInference's instrumentation at work, a record names the span it was made in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core import Document, SummaryIndex
from llama_index.core.llms import MockLLM
from llama_index.core.response_synthesizers import get_response_synthesizer
from llama_index_instrumentation.dispatcher import instrument_tags

from llama_index_prod_rag.query_engine.gated import ConfidenceGatedQueryEngine
from llama_index_prod_rag.query_log.handler import QueryLogHandler
from llama_index_prod_rag.query_log.record import QueryRecord
from llama_index_prod_rag.query_log.schema import QUERIES
from llama_index_prod_rag.query_log.store import QueryLog

_INDEX = SummaryIndex.from_documents([Document(text="Paris")])


@pytest.fixture
def spans() -> Iterator[Any]:
    """The finished spans of this test, in memory."""
    instrumentation = pytest.importorskip("openinference.instrumentation.llama_index")
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor = instrumentation.LlamaIndexInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    yield exporter
    instrumentor.uninstrument()


def _ask(log: QueryLog, *, watched: bool) -> QueryRecord:
    """One question, to a stock engine that is watched or to a gate that logs itself."""
    if watched:
        handler = QueryLogHandler(query_log=log).attach()
        _INDEX.as_query_engine(llm=MockLLM()).query("capital of France?")
        handler.detach()
    else:
        synthesizer = get_response_synthesizer(llm=MockLLM())
        ConfidenceGatedQueryEngine(_INDEX.as_retriever(), synthesizer, query_log=log).query("capital of France?")
    assert log.flush(30)
    (record,) = log.records()
    return record


@pytest.mark.parametrize("watched", [True, False], ids=["any engine", "gate"])
def test_a_record_names_its_trace_and_span(spans: Any, sqlite_url: str, watched: bool) -> None:
    with QueryLog(sqlite_url) as log:
        record = _ask(log, watched=watched)
    finished = {format(span.context.span_id, "016x"): span for span in spans.get_finished_spans()}
    span = finished[str(record.span_id)]
    assert format(span.context.trace_id, "032x") == record.trace_id
    assert "QueryEngine" in span.name


def test_columns_carry_the_names_of_openinference() -> None:
    names = pytest.importorskip("openinference.semconv.trace").SpanAttributes
    for name in (names.INPUT_VALUE, names.OUTPUT_VALUE, names.SESSION_ID):
        assert name.replace(".", "_") in QUERIES.c


@pytest.mark.parametrize("watched", [True, False], ids=["any engine", "gate"])
def test_a_record_names_its_session_and_no_trace_that_is_not_there(sqlite_url: str, watched: bool) -> None:
    with QueryLog(sqlite_url) as log, instrument_tags({"session.id": "conversation 7"}):
        record = _ask(log, watched=watched)
    assert (record.session_id, record.trace_id, record.span_id) == ("conversation 7", None, None)
