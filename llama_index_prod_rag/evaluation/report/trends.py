"""How questions fared over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from llama_index_prod_rag.evaluation.cases import Case
from llama_index_prod_rag.significance import proportion

_EPOCH = datetime(1970, 1, 5, tzinfo=timezone.utc)  # a Monday, so that weeks begin on one
_STEPS = (("hour", timedelta(hours=1)), ("day", timedelta(days=1)), ("week", timedelta(weeks=1)))
_YEARS = range(2000, 2100)
_POINTS = 60
_MONTH = ("28 days", timedelta(days=28))


def usual_times(cases: Sequence[Case]) -> list[datetime]:
    """The times of questions but those that a clock far from right has told: one of them would flatten every trend."""
    return [case.time for case in cases if case.time is not None and case.time.year in _YEARS]


def trends(cases: Sequence[Case]) -> dict[str, Any] | None:
    """Numbers by hour, day or week, whichever gives at most 60 points; None where no question has a usual time.

    Returns:
        `step`, and `points` in order of time: `start`, `n`, `good` (an interval, None where nobody judged), `refused`
        (share of all questions), `p95` (seconds, None where nothing was timed).
    """
    times = usual_times(cases)
    if not times:
        return None
    span = max(times) - min(times)
    step, length = next(((name, size) for name, size in _STEPS if span / size < _POINTS), _MONTH)
    buckets: dict[int, list[Case]] = {}
    for case in cases:
        if case.time is not None and case.time.year in _YEARS:
            buckets.setdefault((case.time - _EPOCH) // length, []).append(case)
    return {"step": step, "points": [_point(_EPOCH + number * length, buckets[number]) for number in sorted(buckets)]}


def _point(start: datetime, cases: Sequence[Case]) -> dict[str, Any]:
    verdicts = [case.good for case in cases if case.good is not None]
    totals = [case.seconds["total"] for case in cases if "total" in case.seconds]
    rate = proportion(sum(verdicts), len(verdicts)) if verdicts else None
    return {
        "start": start.isoformat(),
        "n": len(cases),
        "good": {"mean": rate.mean, "low": rate.low, "high": rate.high, "n": rate.n} if rate else None,
        "refused": sum(case.decision == "refuse" for case in cases) / len(cases),
        "p95": float(np.quantile(totals, 0.95)) if totals else None,
    }
