"""The questions that went most wrong, with what each stage made of their passages, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nsmallest
from itertools import groupby
from typing import Any

from llama_index_prod_rag.evaluation.cases import Case, Fetch
from llama_index_prod_rag.query_log.record import QueryRecord

_PLACES = 5  # of each list
_CHARACTERS = 600  # of each passage


def worst_questions(judged: Sequence[Case], fetch: Fetch, count: int) -> list[dict[str, Any]]:
    """The questions that went wrong with the highest confidence: the ones that mislead.

    Args:
        judged: cases with a verdict.
        fetch: query id -> the full record; None where it is gone, which leaves the question out.
        count: how many to show.
    """
    failed = (case for case in judged if not case.good)
    chosen = nsmallest(count, failed, key=lambda case: (-(case.confidence or 0.0), case.query_id))
    return [_side_by_side(case, record) for case in chosen if (record := fetch(case.query_id)) is not None]


def _side_by_side(case: Case, record: QueryRecord) -> dict[str, Any]:
    texts = {passage.node_id: passage.text for passage in record.passages}
    lists = []
    for (stage, leg, call), hits in groupby(record.hits, key=lambda hit: (hit.stage, hit.leg, hit.call)):
        if stage == "pair":
            continue  # the reranked list shows the same passages in the order that counted
        name = (leg or stage) + (f" ({call + 1})" if call else "")
        first = [hit for hit in hits if hit.rank <= _PLACES]
        rows = [
            {
                "rank": hit.rank,
                "score": hit.score,
                "id": hit.node_id,
                "text": shorten(texts[hit.node_id]) if hit.node_id in texts else None,
            }
            for hit in first
        ]
        lists.append({"name": name, "hits": rows})
    return {
        "query_id": case.query_id,
        "query": case.query or "(not logged)",
        "time": case.time.isoformat(timespec="seconds") if case.time else None,
        "decision": case.decision,
        "confidence": case.confidence,
        "stage": case.stage or "unknown",
        "basis": case.basis,
        "outcome": case.outcome,
        "answer": None if record.answer is None else shorten(record.answer),
        "reasons": list(record.reasons),
        "comments": [judgment.comment for judgment in record.feedback if judgment.comment],
        "lists": lists,
    }


def shorten(text: str, length: int = _CHARACTERS) -> str:
    """The beginning of a text, marked where it was cut."""
    return text if len(text) <= length else text[:length].rstrip() + " …"
