"""Judgments as forms, applications and people hand them in: what can be meant is taken, the rest is told at once.

The database would refuse it later, in another thread, where nobody who could mend it is listening.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.query_log.record import AnnotatorKind, Feedback

_KINDS = get_args(AnnotatorKind)


def check_query_id(query_id: object) -> str:
    """The id of a question as text, such as that of a UUID.

    Raises:
        InputError: there is none.
    """
    if query_id is None or not str(query_id):
        raise InputError("feedback is about a question: give response.metadata['prod_rag']['query_id']")
    return str(query_id)


def check_feedback(feedback: Feedback) -> Feedback:
    """Make every field what it says it is: a number that is written out is a number, a person's number is a name.

    Raises:
        InputError: a field cannot be meant as what it says.

    Examples:
        >>> check_feedback(Feedback(score="5", who=17)).score
        5.0
        >>> check_feedback(Feedback(score="five"))
        Traceback (most recent call last):
            ...
        llama_index_prod_rag.errors.InputError: score='five' is not a number
    """
    if feedback.kind not in _KINDS:
        raise InputError(f"kind={feedback.kind!r} is not one of {', '.join(_KINDS)}")
    return replace(
        feedback,
        helpful=_helpful(feedback.helpful),
        score=_score(feedback.score),
        label=_text(feedback.label),
        comment=_text(feedback.comment),
        who=_text(feedback.who),
        name=str(feedback.name),
    )


def _helpful(value: Any) -> bool | None:  # noqa: ANN401 - whatever came in
    if value is None or value in (True, False):  # 1 and 0 too; text such as "no" would count as true
        return None if value is None else bool(value)
    raise InputError(f"helpful={value!r} is neither True nor False")


def _score(value: Any) -> float | None:  # noqa: ANN401
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"score={str(value)[:40]!r} is not a number") from None


def _text(value: object) -> str | None:
    return None if value is None else str(value)
