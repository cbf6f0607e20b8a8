"""Spans of every stage through OpenInference, with the gate's decision among them.

    pip install 'llama-index-prod-rag[offline,tracing]'
    python -m examples.tracing "How often is the signing key rotated?"

Prints spans; give `OTLPSpanExporter(endpoint=...)` in place of the console to send them to a collector such as Phoenix.
"""

from __future__ import annotations

import sys

from openinference.instrumentation.llama_index import LlamaIndexInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

from examples.pipeline import build_gate
from llama_index_prod_rag.query_engine import GuardrailSpans


def start_tracing(exporter: SpanExporter) -> TracerProvider:
    """Trace everything that LlamaIndex and this package do in this process; call once, at its start."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    LlamaIndexInstrumentor().instrument(tracer_provider=provider)
    GuardrailSpans(provider).attach()
    return provider


if __name__ == "__main__":
    tracing = start_tracing(ConsoleSpanExporter())
    print(build_gate().query(sys.argv[1] if len(sys.argv) > 1 else "How often is the signing key rotated?"))
    tracing.shutdown()  # sends what is still in the batch
