"""Where clauses begin, and what names each: words behind its number, below it or, by custom, above. Core."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from llama_index_prod_rag.structure.captions import Caption, caption_above, caption_below
from llama_index_prod_rag.structure.numbering import ARTICLE

_CAPTIONS_ABOVE = 0.6
"""Share of the clauses without words of their own that must have a caption above: a custom, not an accident."""
DIVISIONS = range(ARTICLE)
ARTICLES = range(ARTICLE, 9)
_FIRST_LINE = re.compile(r"[ \t:.–—-]{0,8}\s{0,80}[^\r\n]{0,160}")


@dataclass(frozen=True, slots=True)
class Mark:
    """Says where a clause begins, or what stands below no clause.

    Attributes:
        start: its first character.
        rank: how far out it stands, 1 the outermost.
        label: its number as written; None where it has none.
        numbering: the numbers from the outermost to its own.
        caption: what names it.
        kind: `clause`, `definition`, `recital`, `paragraph` or `closing`.
        continues: whether the sentence before is not over.
        inside: whether it also stands inside a line, so that it ends with that sentence.
        keyword: whether a word such as Article stands before its number.
        head: behind its number.
    """

    start: int
    rank: int
    label: str | None
    numbering: tuple[str, ...]
    caption: Caption | None = None
    kind: str = "clause"
    continues: bool = False
    inside: bool = False
    keyword: bool = False
    head: int = 0

    @property
    def title(self) -> str | None:
        """Join the number of the clause and the words of its caption."""
        if self.label is None or self.caption is None:
            return self.label
        return f"{self.label} {self.caption.words}"


def name_marks(text: str, marks: Sequence[Mark]) -> list[Mark]:
    """Add to marks the captions that stand below and above their numbers.

    Args:
        text: the document.
        marks: in reading order, with the captions behind their numbers.
    """
    named = _add_captions_above(text, _add_captions_below(text, marks, divisions=False))
    # A line below a division may be the caption above its first article, if that is the custom.
    named = _drop_sole_captions(text, _add_captions_below(text, named, divisions=True))
    return _add_captions_above(text, named)  # again, for clauses of one sentence that passed for a caption


def _add_captions_below(text: str, marks: Sequence[Mark], *, divisions: bool) -> list[Mark]:
    ends = [*(mark.start for mark in marks), len(text)][1:]
    return [
        _add_caption_below(text, mark, end) if (mark.rank in DIVISIONS) is divisions else mark
        for mark, end in zip(marks, ends, strict=True)
    ]


def _add_caption_below(text: str, mark: Mark, end: int) -> Mark:
    if mark.caption is not None or not mark.keyword or mark.label is None:
        return mark
    return replace(mark, caption=caption_below(text, mark.head, end))


def _add_captions_above(text: str, marks: list[Mark]) -> list[Mark]:
    """The marks, where it is the custom of a document, with the line above each as its caption."""
    wanting = [
        index
        for index, mark in enumerate(marks)
        if mark.rank in ARTICLES and mark.caption is None and mark.label is not None and not mark.inside
    ]
    found: dict[int, Caption] = {}
    for index in wanting:
        before = marks[index - 1] if index else None
        floor = 0 if before is None else find_floor(text, before)
        if (caption := caption_above(text, marks[index].start, floor, below_title=True)) is not None:
            found[index] = caption
    above = len(found) + sum(1 for mark in marks if mark.caption is not None and mark.caption.start == mark.start)
    if above < max(2, _CAPTIONS_ABOVE * (above - len(found) + len(wanting))):
        return marks
    return [
        replace(mark, start=found[index].start, caption=found[index]) if index in found else mark
        for index, mark in enumerate(marks)
    ]


def find_floor(text: str, before: Mark) -> int:
    """Where the heading of the clause before ends at the earliest; a division is named by its first line at least."""
    if before.caption is not None or before.rank not in DIVISIONS:
        return max(before.head, before.caption.end if before.caption is not None else 0)
    first = _FIRST_LINE.match(text, before.head)
    return before.head if first is None else first.end()


def _drop_sole_captions(text: str, marks: list[Mark]) -> list[Mark]:
    """The marks, without a caption where it is all that a clause says: an item of a list is not its own heading."""
    following = [*marks, None][1:]
    return [
        replace(mark, caption=None) if _is_all(text, mark, after) else mark
        for mark, after in zip(marks, following, strict=True)
    ]


def _is_all(text: str, mark: Mark, after: Mark | None) -> bool:
    if mark.caption is None or mark.keyword or mark.caption.words.startswith('"'):
        return False
    if after is not None and after.rank > mark.rank:
        return False
    rest = text[max(mark.caption.end, mark.head) : after.start if after is not None else len(text)]
    return not rest.strip(" \t\r\n.:")
