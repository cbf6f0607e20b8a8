"""Where a log record meets the trace of the same question."""

from __future__ import annotations

import sys


def span_ids() -> tuple[str | None, str | None]:
    """Ids of the current OpenTelemetry trace and span, as hexadecimal digits; None where nobody traces.

    Whoever traces has loaded OpenTelemetry, so it is never imported for this.

    Examples:
        >>> span_ids()
        (None, None)
    """
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None, None
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None, None
    return format(context.trace_id, "032x"), format(context.span_id, "016x")
