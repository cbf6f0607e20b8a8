"""Make a record fit for any database, and keep what must not be kept out of it. Pure functions.

PostgreSQL rejects NUL, lone surrogates and, inside JSON, non-finite numbers; SQLite swallows the first and breaks on
reading, or gives back something else. Both get the same clean value instead.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from llama_index_prod_rag.disclosure import mask
from llama_index_prod_rag.query_log.record import Feedback, HitRecord, LoggedPassage, QueryRecord

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

WITHHELD = "[not logged]"
"""Stands for a text that was there and is not kept."""


def clean_text(text: str) -> str:
    """Replace NUL and lone surrogates by U+FFFD.

    Examples:
        >>> ascii(clean_text("a" + chr(0) + chr(0xD800))).count("ufffd")
        2
    """
    return _UNSTORABLE.sub(_REPLACEMENT, text)


def clean_number(number: float | None) -> float | None:
    """Make a number a finite Python float, or None: a NaN score says nothing, and NumPy's floats are not JSON.

    Examples:
        >>> clean_number(float("nan")), clean_number(2)
        (None, 2.0)
    """
    return None if number is None or not math.isfinite(number) else float(number)


def _maybe(text: str | None) -> str | None:
    return None if text is None else clean_text(text)


def _clean_numbers(numbers: Mapping[str, float | None]) -> dict[str, float | None]:
    return {clean_text(name): clean_number(number) for name, number in numbers.items()}


def clean_record(record: QueryRecord) -> QueryRecord:
    """Make every text and number of a record storable; durations that are not a number are left out."""
    return replace(
        record,
        query=clean_text(record.query),
        query_id=clean_text(record.query_id),
        config_hash=clean_text(record.config_hash),
        decision=_maybe(record.decision),
        status=_maybe(record.status),
        confidence=clean_number(record.confidence),
        signals=_clean_numbers(record.signals),
        reasons=tuple(map(clean_text, record.reasons)),
        seconds={stage: spent for stage, spent in _clean_numbers(record.seconds).items() if spent is not None},
        hits=_clean_hits(record.hits),
        passages=tuple(LoggedPassage(*map(clean_text, passage)) for passage in record.passages),
        # Whoever wrote them down: exceptions' texts may hold credentials.
        failed={clean_text(stage): mask(clean_text(why)) for stage, why in record.failed.items()},
        answer=_maybe(record.answer),
        error=None if record.error is None else mask(clean_text(record.error)),
        session_id=_maybe(record.session_id),
        trace_id=_maybe(record.trace_id),
        span_id=_maybe(record.span_id),
    )


def _clean_hits(hits: Sequence[HitRecord]) -> tuple[HitRecord, ...]:
    # A question has hundreds of hits, whose few ids come in list after list: each id is looked at once.
    texts = {text: clean_text(text) for text in {hit.node_id for hit in hits} | {hit.leg for hit in hits}}
    if all(text == cleaned for text, cleaned in texts.items()) and all(_is_storable(hit.score) for hit in hits):
        return tuple(hits)
    return tuple(
        HitRecord(stage, texts[leg], texts[node_id], rank, clean_number(score), call)
        for stage, leg, node_id, rank, score, call in hits
    )


def _is_storable(score: float | None) -> bool:
    return score is None or (type(score) is float and math.isfinite(score))


def clean_feedback(feedback: Feedback) -> Feedback:
    """Make every text and number of feedback storable."""
    return replace(
        feedback,
        label=_maybe(feedback.label),
        score=clean_number(feedback.score),
        comment=_maybe(feedback.comment),
        who=_maybe(feedback.who),
        name=clean_text(feedback.name),
    )


def map_texts(record: QueryRecord, change: Callable[[str], str]) -> QueryRecord:
    """Apply a function to every text of a record that may repeat what people or documents said.

    That is the question, the answer, the passages, the reasons and the error messages; names, ids and numbers stay.
    """
    return replace(
        record,
        query=change(record.query),
        answer=None if record.answer is None else change(record.answer),
        error=None if record.error is None else change(record.error),
        reasons=tuple(map(change, record.reasons)),
        passages=tuple(passage._replace(text=change(passage.text)) for passage in record.passages),
        failed={stage: change(why) for stage, why in record.failed.items()},
    )


def map_comment(feedback: Feedback, change: Callable[[str], str]) -> Feedback:
    """Apply a function to what somebody wrote beside a judgment."""
    return feedback if feedback.comment is None else replace(feedback, comment=change(feedback.comment))


def withhold(text: str) -> str:  # noqa: ARG001 - one signature with every other change of text
    """Keep of a text what `log_text=False` lets through.

    Examples:
        >>> withhold("who earns most?")
        '[not logged]'
    """
    return WITHHELD
