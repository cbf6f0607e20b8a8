"""Logged questions and what is known about them, as examples to calibrate on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from llama_index_prod_rag.confidence.calibration import Example
from llama_index_prod_rag.query_log.normalize import WITHHELD
from llama_index_prod_rag.query_log.record import QueryRecord


class KnownToBeRight(Protocol):
    """What a label has to say; `evaluation.labels.Label` does."""

    @property
    def gold(self) -> tuple[str, ...]:
        """Ids of the passages or documents that answer the question."""
        ...

    @property
    def relevant(self) -> Mapping[str, int]:
        """Every judged id -> grade; 0 or less is judged not relevant."""
        ...

    @property
    def answerable(self) -> bool | None:
        """Whether the corpus can answer it; None where nobody said."""
        ...

    @property
    def slice(self) -> str:
        """What kind of question it is; empty where nobody said."""
        ...


def examples_of(records: Iterable[QueryRecord], labels: Mapping[str, KnownToBeRight]) -> list[Example]:
    """Examples from a query log, without asking anything again.

    A question is good when a passage it was shown, or the document of one, is in its label's gold, and bad when none
    is, when all of them were judged not relevant, or when its label says that the corpus cannot answer it. Questions
    without signals or without such a label are left out; of a question that was asked again, the first record given
    counts.

    Args:
        records: from `QueryLog.records`, with hits and passages.
        labels: `query_id`, or the question's text -> label.
    """
    examples: dict[str, Example] = {}
    for record in records:
        label = labels.get(record.query_id) or labels.get(record.query)
        signals = {name: value for name, value in record.signals.items() if value is not None}
        if label is None or not signals or record.query in examples:
            continue
        if (good := _is_good(record, label)) is not None:
            examples[record.query] = Example(signals, good=good, slice=label.slice)
    return list(examples.values())


def questions_of(records: Iterable[QueryRecord], *, most: int = 200) -> list[str]:
    """What was asked last, each question once and without those whose text the log does not keep.

    Args:
        records: from `QueryLog.records`, newest first; hits and passages are not needed.
        most: at most this many.
    """
    kept = dict.fromkeys(record.query for record in records if record.query.strip() and record.query != WITHHELD)
    return list(kept)[:most]


def _is_good(record: QueryRecord, label: KnownToBeRight) -> bool | None:
    if label.answerable is False:
        return False
    passages = set(record.ranking("shown"))
    if label.gold:
        shown = passages | {passage.document_id for passage in record.passages}
        return not shown.isdisjoint(label.gold)
    return False if passages and passages <= label.relevant.keys() else None
