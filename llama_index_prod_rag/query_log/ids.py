"""Where a log record meets the trace and the conversation of the same question."""

from __future__ import annotations

import sys
from typing import TypedDict

from llama_index_instrumentation.dispatcher import active_instrument_tags


class Ids(TypedDict):
    """Holds the ids under which a question is known elsewhere; `QueryRecord`'s fields of these names."""

    session_id: str | None
    trace_id: str | None
    span_id: str | None


def current_ids() -> Ids:
    """Find the ids that hold at this point of the program; None where there is none.

    `trace_id` and `span_id` are those of the open OpenTelemetry span, as hexadecimal digits. Whoever traces has loaded
    OpenTelemetry, so it is never imported for this. `session_id` is LlamaIndex's instrument tag `session.id`.

    Examples:
        >>> from llama_index_instrumentation.dispatcher import instrument_tags
        >>> with instrument_tags({"session.id": "conversation 7"}):
        ...     current_ids()
        {'session_id': 'conversation 7', 'trace_id': None, 'span_id': None}
    """
    session = active_instrument_tags.get().get("session.id")
    trace_id, span_id = _span_ids()
    return {"session_id": None if session is None else str(session), "trace_id": trace_id, "span_id": span_id}


def _span_ids() -> tuple[str | None, str | None]:
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None, None
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None, None
    return format(context.trace_id, "032x"), format(context.span_id, "016x")
