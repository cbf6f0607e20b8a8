"""What is known to be right for a question, and the verdicts users gave."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.json_lines import numbered_lines
from llama_index_prod_rag.query_log.record import Feedback

_OWN_FIELDS = frozenset({"query_id", "query", "question", "relevant", "answers", "answerable", "needs_all", "drawn"})
"""What a line says of the label itself; none of it is a kind of question."""
_FEW = 3
"""So many labels, each with a kind of its own, say that the field tells questions apart, not kinds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What is known to be right for one question; any part may be missing.

    Attributes:
        relevant: id of a passage or document -> grade; 0 or less is judged not relevant.
        references: answers that would be right.
        answerable: whether the corpus can answer it; None where the other fields imply yes or nothing is known.
        needs_all: whether an answer takes every relevant passage (multi-hop), not just one.
        query: the question's text; empty where the label file gives an id only.
        drawn: why the question was labelled, `"random"` or `"uncertain"` (`query_log.sampling`); empty when unknown.
        slice: what kind of question it is, for thresholds of its own; empty where nobody said.
    """

    relevant: Mapping[str, int] = field(default_factory=dict)
    references: tuple[str, ...] = ()
    answerable: bool | None = None
    needs_all: bool = False
    query: str = field(default="", compare=False)
    drawn: str = field(default="", compare=False)
    slice: str = field(default="", compare=False)

    @property
    def gold(self) -> tuple[str, ...]:
        """Ids that somebody judged to be relevant, which have a grade above 0."""
        return tuple(id_ for id_, grade in self.relevant.items() if grade > 0)

    @property
    def can_be_answered(self) -> bool | None:
        """`answerable`, or True where a relevant passage or a reference answer implies it, or None: not known."""
        if self.answerable is None and (self.gold or self.references):
            return True
        return self.answerable

    def join_with(self, other: Label) -> Label:
        """What two labels of one question say together; where they contradict each other, the other one counts."""
        return Label(
            relevant={**self.relevant, **other.relevant},
            references=tuple(dict.fromkeys([*self.references, *other.references])),
            answerable=self.answerable if other.answerable is None else other.answerable,
            needs_all=self.needs_all or other.needs_all,
            query=self.query or other.query,
            drawn=self.drawn or other.drawn,
            slice=self.slice or other.slice,
        )


def read_labels(path: Path, *, slice_by: str = "") -> dict[str, Label]:
    """Labels from JSON lines, one question per line; what several lines say about one is taken together.

    Each line has `query_id` (the log's id), `query` (the question's text; `question` is understood too) or both, and
    any of `relevant` (an id, a list of ids, or an object id -> grade), `answers` (a list of texts), `answerable` and
    `needs_all` (true or false).

    Args:
        path: the file, UTF-8.
        slice_by: field of the lines that says what kind of question it is, such as a tenant or a language.

    Returns:
        Label by id and by text, so that it is found for the record it was made on and for the same question asked
        again.

    Raises:
        InputError: the file is missing, a line is malformed (the message names it), or `slice_by` says no kind of
            question: no line has it, each has its own, or it is a field of the label itself.
    """
    if slice_by in _OWN_FIELDS:
        raise InputError(
            f"{slice_by!r} says what is known of a question, not of what kind it is: name a field of your own, such as"
            " a tenant or a language"
        )
    if not path.is_file():
        raise InputError(f"no label file at {path}: give a JSONL file with query_id or query on each line")
    labels: dict[str, Label] = {}
    for number, line in numbered_lines(path):
        try:
            label = label_of(row := json.loads(line))
            names = {str(row.get("query_id") or ""), label.query} - {""}
            if not names:
                raise ValueError("neither query_id nor query")
        except (TypeError, ValueError, AttributeError, RecursionError) as error:
            raise InputError(
                f"{path}, line {number}: expected an object with query_id or query, relevant, answers, answerable"
            ) from error
        if slice_by:
            label = replace(label, slice=_read_slice(row.get(slice_by), f"{path}, line {number}: {slice_by}"))
        labels |= {name: labels[name].join_with(label) if name in labels else label for name in names}
    if slice_by:
        _check_slices(labels, slice_by, path)
    return labels


def _read_slice(value: object, where: str) -> str:
    if isinstance(value, (list, dict)):
        raise InputError(f"{where} must be one value, such as a name")
    return "" if value is None else str(value).strip()


def _check_slices(labels: Mapping[str, Label], slice_by: str, path: Path) -> None:
    slices = [label.slice for label in {id(label): label for label in labels.values()}.values() if label.slice]
    if not slices:
        raise InputError(f"no line of {path} says {slice_by!r}: add it as a column of the sheet, and import it again")
    if len(set(slices)) == len(slices) >= _FEW:
        raise InputError(
            f"{slice_by!r} is different for each of {len(slices)} questions of {path}: name a field that says of what"
            " kind a question is, and that many share"
        )


def label_of(row: Mapping[str, Any]) -> Label:
    """The label in one row of a label file.

    Raises:
        ValueError: a field has the wrong type.

    Examples:
        >>> label_of({"relevant": ["n1"], "answers": ["42"]})
        Label(relevant={'n1': 1}, references=('42',), answerable=None, needs_all=False, query='', drawn='', slice='')
    """
    relevant = row.get("relevant") or {}
    if isinstance(relevant, str):
        relevant = [relevant]
    if isinstance(relevant, list):
        relevant = dict.fromkeys(relevant, 1)
    references = row.get("answers") or []
    answerable, needs_all = row.get("answerable"), row.get("needs_all", False)
    query, drawn = row.get("query") or row.get("question") or "", row.get("drawn") or ""
    if not isinstance(query, str) or not isinstance(drawn, str):
        raise ValueError("query and drawn must be texts")
    if not isinstance(references, list) or not all(isinstance(text, str) for text in references):
        raise ValueError("answers must be a list of texts")
    if answerable not in (True, False, None) or needs_all not in (True, False):
        raise ValueError("answerable and needs_all must be true or false")
    return Label(
        relevant={str(id_): int(grade) for id_, grade in relevant.items()},
        references=tuple(references),
        answerable=answerable,
        needs_all=needs_all,
        query=query,
        drawn=drawn,
    )


def verdict(feedback: Sequence[Feedback]) -> bool | None:
    """Whether users found an answer helpful: of each person the last judgment, then the majority.

    Args:
        feedback: judgments, oldest first; those that do not say helpful or not are left out.

    Returns:
        None where nobody judged, or as many said yes as no.

    Examples:
        >>> verdict([Feedback(helpful=False, who="ada"), Feedback(helpful=True, who="ada")])
        True
    """
    last: dict[str, bool] = {}
    for number, judgment in enumerate(feedback):
        if judgment.helpful is not None:
            last[judgment.who or f"anonymous {number}"] = judgment.helpful
    balance = sum(1 if helpful else -1 for helpful in last.values())
    return None if balance == 0 else balance > 0
