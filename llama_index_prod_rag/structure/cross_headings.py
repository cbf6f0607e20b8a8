"""Lines that name several sections, as in acts of the United Kingdom: `Offences` above sections 6 to 9. Core.

Such a line has no number, and stands between two sections like the last line of the one above. What comes again in the
document is no such line: printers put it on every page.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from llama_index_prod_rag.structure.captions import Caption, caption_above
from llama_index_prod_rag.structure.marks import ARTICLES, Mark, find_floor
from llama_index_prod_rag.structure.numbering import NESTED_RANK

_END = re.compile(r"[.;:!?][\"”’')\]]*\Z")
_MOST_WORDS = 14
_LONGEST = 200
"""Characters of a line that may come again."""
_WORD = re.compile(r"[^\W\d_]{3,}")
_NAME = re.compile(r"[^\d@:/_]+")
# Who speaks or signs, where it was, and what printers put in: no names of sections.
_NO_NAME = re.compile(r"(?i)\b(?:inc|llc|ltd|gmbh|corp|page|avenue|street|attn|tel|fax|confidential|between|dated)\b")


def add_cross_headings(text: str, marks: Sequence[Mark]) -> list[Mark]:
    """Add to marks the lines that stand above several sections, as sections that hold these.

    Args:
        text: the document.
        marks: in reading order, each with its caption.
    """
    found = dict(_candidates(text, marks))
    if not found:
        return list(marks)
    lines = Counter(line.strip() for line in text.splitlines() if len(line) <= _LONGEST)
    added: list[Mark] = []
    for index, mark in enumerate(marks):
        if index in found and lines[found[index].words] == 1:
            words, start, end = found[index]
            added.append(Mark(start, mark.rank - 1, words, (), kind="section", keyword=True, head=end))
        added.append(mark)
    return added


def _candidates(text: str, marks: Sequence[Mark]) -> Iterator[tuple[int, Caption]]:
    around: list[int] = []  # the ranks of the divisions and sections that are open
    for index, mark in enumerate(marks):
        if mark.rank >= NESTED_RANK or mark.label is None:
            continue
        while around and around[-1] >= mark.rank:
            around.pop()
        # Where the rank around a section is taken, nothing can be put between the two.
        if index and mark.rank in ARTICLES and not mark.inside and mark.rank - 1 not in around:
            floor = find_floor(text, marks[index - 1])
            caption = caption_above(text, mark.start, floor)
            if caption is not None and _can_name(caption.words) and _is_over(text[floor : caption.start]):
                yield index, caption
        around.append(mark.rank)


def _is_over(above: str) -> bool:
    """Whether the section above has ended: what stands below an address or another list goes on with it."""
    return not above.strip() or _END.search(above.rstrip()[-16:]) is not None


def _can_name(words: str) -> bool:
    return (
        _NAME.fullmatch(words) is not None
        and len(words.split()) <= _MOST_WORDS
        and _WORD.search(words) is not None
        and _NO_NAME.search(words) is None
    )
