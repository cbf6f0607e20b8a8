"""The gate's decisions as OpenTelemetry spans, of the kind that OpenInference has for them."""

from __future__ import annotations

import json
import logging
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.dispatcher import Dispatcher
from pydantic import PrivateAttr

from llama_index_prod_rag.errors import MissingExtraError
from llama_index_prod_rag.query_engine.events import AssessmentEvent, DecisionEvent
from llama_index_prod_rag.trace.events import FusionEvent, PairScoresEvent

if TYPE_CHECKING:
    from openinference.instrumentation import TraceConfig
    from opentelemetry.trace import SpanContext, TracerProvider

# OpenInference warns of every event it does not know, which would be four lines per question.
_openinference = logging.getLogger("openinference.instrumentation.llama_index._handler")
_OURS = frozenset(
    f"Unhandled event of type {event.__qualname__}"
    for event in (FusionEvent, PairScoresEvent, AssessmentEvent, DecisionEvent)
)
_REMEMBERED = 1000  # questions whose streams may be under way at once


def _unknown_to_us(warning: logging.LogRecord) -> bool:
    return warning.getMessage() not in _OURS


class GuardrailSpans(BaseEventHandler):
    """Makes one span of each decision of a gate, inside the span that is open around it.

    Spans are named `ConfidenceGate.decision` and carry OpenInference's attributes: `openinference.span.kind`
    (`GUARDRAIL`), `input.value` (the question), `output.value` (a JSON object of `decision` and `reasons`) and
    `metadata` (one of `query_id`, `decision`, `status` and `confidence`, without words of the question). A decision
    that is lowered while its answer streams is a second span under the question's own, which has ended by then.

    Args:
        tracer_provider: where spans go; None takes OpenTelemetry's global one.
        config: what to hide; None takes OpenInference's environment variables, such as `OPENINFERENCE_HIDE_INPUTS`.

    Raises:
        MissingExtraError: OpenInference or OpenTelemetry is not installed.

    Examples:
        >>> from opentelemetry.sdk.trace import TracerProvider
        >>> handler = GuardrailSpans(TracerProvider()).attach()
        >>> handler.detach()
    """

    _tracer: Any = PrivateAttr()
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)
    _parents: OrderedDict[str, SpanContext] = PrivateAttr(default_factory=OrderedDict)

    def __init__(self, tracer_provider: TracerProvider | None = None, config: TraceConfig | None = None) -> None:
        super().__init__()
        try:
            from openinference.instrumentation import OITracer, TraceConfig
            from opentelemetry import trace
        except ImportError:
            raise MissingExtraError("spans of the gate's decisions", extra="tracing") from None
        self._tracer = OITracer(trace.get_tracer(__name__, tracer_provider=tracer_provider), config or TraceConfig())

    @classmethod
    def class_name(cls) -> str:
        """Give the name among LlamaIndex's handlers."""
        return "ProdRagGuardrailSpans"

    def attach(self, dispatcher: Dispatcher | None = None) -> GuardrailSpans:
        """Start listening to a dispatcher; by default the root's, where all events arrive."""
        (dispatcher or get_dispatcher()).add_event_handler(self)
        _openinference.addFilter(_unknown_to_us)
        return self

    def detach(self, dispatcher: Dispatcher | None = None) -> None:
        """Stop listening; the same argument as for `attach`."""
        dispatcher = dispatcher or get_dispatcher()
        dispatcher.event_handlers = [handler for handler in dispatcher.event_handlers if handler is not self]
        _openinference.removeFilter(_unknown_to_us)

    def handle(self, event: BaseEvent, **_: Any) -> None:
        """Turn an event that tells a decision of the gate into a span; others pass."""
        if isinstance(event, DecisionEvent):
            self._span(event)

    def _span(self, event: DecisionEvent) -> None:
        from opentelemetry import trace

        described = {"decision": event.decision, "status": event.status, "confidence": event.confidence}
        attributes = {
            "openinference.span.kind": "GUARDRAIL",
            "input.value": event.query,
            "output.value": json.dumps({"decision": event.decision, "reasons": event.reasons}),
            "output.mime_type": "application/json",
            "metadata": json.dumps({"query_id": event.query_id, **described}),
        }
        parent = trace.NonRecordingSpan(self._parent(event.query_id))
        self._tracer.start_span(
            "ConfidenceGate.decision", context=trace.set_span_in_context(parent), attributes=attributes
        ).end()

    def _parent(self, query_id: str) -> SpanContext:
        """Find the span that was open at the question's first decision: later ones belong there too."""
        from opentelemetry import trace

        with self._lock:
            if query_id not in self._parents:
                self._parents[query_id] = trace.get_current_span().get_span_context()
                if len(self._parents) > _REMEMBERED:
                    self._parents.popitem(last=False)
            return self._parents[query_id]
