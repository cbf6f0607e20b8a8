"""The questions that went most wrong: what was expected, and every passage once with its place in each list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from sys import intern
from typing import Any

from llama_index_prod_rag.evaluation.cases import Case, Fetch
from llama_index_prod_rag.evaluation.labels import Label
from llama_index_prod_rag.query_log.record import HitRecord, QueryRecord

_PLACES = 5  # of each list
_CHARACTERS = 600  # of each passage


@dataclass(frozen=True, slots=True)
class Described:
    """What people know a passage by.

    Attributes:
        file: its document's path, name or id; empty when unknown.
        heading: the heading path above it; empty without one.
        text: its own text; empty when unknown.
    """

    file: str = ""
    heading: str = ""
    text: str = ""


Describe = Callable[[str], Described]
"""Passage id, or a name that labels use -> what is known of it."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the log.

    Attributes:
        labels: query id or question -> what would be right.
        identify: passage id -> the name that labels use for it.
        describe: tells of a passage what the log does not hold.
    """

    labels: Mapping[str, Label] = field(default_factory=dict)
    identify: Callable[[str], str] = intern
    describe: Describe = lambda _: Described()

    def label_of(self, case: Case) -> Label:
        """What would be right for a question; an empty label where nobody said."""
        return self.labels.get(case.query_id) or self.labels.get(case.query) or Label()


def worst_questions(judged: Sequence[Case], fetch: Fetch, count: int, known: Known) -> list[dict[str, Any]]:
    """The questions that went wrong with the highest confidence: the ones that mislead.

    Args:
        judged: cases with a verdict.
        fetch: query id -> the full record; None where it is gone, which leaves the question out.
        count: how many to show.
        known: labels, and what passages are called.
    """
    failed = (case for case in judged if not case.good)
    chosen = nsmallest(count, failed, key=lambda case: (-(case.confidence or 0.0), case.query_id))
    return [_show(case, record, known) for case in chosen if (record := fetch(case.query_id)) is not None]


def _show(case: Case, record: QueryRecord, known: Known) -> dict[str, Any]:
    label = known.label_of(case)
    places = _places(record, frozenset(label.gold), known)
    return {
        "query_id": case.query_id,
        "query": case.query or "(not logged)",
        "time": case.time.isoformat(timespec="seconds") if case.time else None,
        "decision": case.decision,
        "confidence": case.confidence,
        "stage": case.stage or "unknown",
        "basis": case.basis,
        "outcome": case.outcome,
        "expected": [shorten(reference) for reference in label.references],
        "answerable": label.can_be_answered,
        "answer": None if record.answer is None else shorten(record.answer),
        "reasons": list(record.reasons),
        "comments": [judgment.comment for judgment in record.feedback if judgment.comment],
        "lists": list(dict.fromkeys(name for ranks in places.values() for name in ranks)),
        "passages": _passages(record, places, label, known),
    }


def _places(record: QueryRecord, gold: frozenset[str], known: Known) -> dict[str, dict[str, dict[str, Any]]]:
    """Passage -> list -> rank and score, for the first places of each list, and all places of relevant passages."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for hit in record.hits:
        if hit.stage == "pair":
            continue  # the reranked list shows the same passages in the order that counted
        if hit.rank <= _PLACES or known.identify(hit.node_id) in gold:
            found.setdefault(hit.node_id, {})[_list_name(hit)] = {"rank": hit.rank, "score": hit.score}
    return found


def _list_name(hit: HitRecord) -> str:
    return (hit.leg or hit.stage) + (f" ({hit.call + 1})" if hit.call else "")


def _passages(
    record: QueryRecord, places: Mapping[str, Mapping[str, Any]], label: Label, known: Known
) -> list[dict[str, Any]]:
    """Each passage once: the relevant ones first, then as they were shown, then by their best place."""
    logged = {passage.node_id: passage for passage in record.passages}
    gold, met = frozenset(label.gold), {known.identify(id_) for id_ in places}
    rows = []
    for id_ in [*places, *(name for name in label.gold if name not in met)]:
        told, kept = known.describe(id_), logged.get(id_)
        text = told.text or (kept.text if kept else "")
        rows.append(
            {
                "id": id_,
                "file": told.file or (kept.document_id if kept else ""),
                "heading": told.heading,
                "text": shorten(text) if text else None,
                "relevant": id_ in gold or known.identify(id_) in gold,
                "ranks": places.get(id_, {}),
            }
        )
    return sorted(rows, key=_order)


def _order(row: Mapping[str, Any]) -> tuple[bool, int, int]:
    ranks = {name: place["rank"] for name, place in row["ranks"].items()}
    nowhere = 10**9
    return not row["relevant"], ranks.get("shown", nowhere), min(ranks.values(), default=nowhere)


def shorten(text: str, length: int = _CHARACTERS) -> str:
    """The beginning of a text, marked where it was cut."""
    return text if len(text) <= length else text[:length].rstrip() + " …"
