"""Page ends in text that was taken from pages: the number, the lines that stand around it, a sentence torn in two."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from llama_index_prod_rag.structure.lines import paragraph_spans

# A page's number as a whole paragraph: `- 3 -`, `Page 3 of 10`, `A-3`, `iv`.
_NUMBER = re.compile(
    r"(?:[-–—]\s*)?\d{1,4}(?:\s*[-–—])?|(?i:page)\s+\d{1,4}(?:\s+(?:of|/)\s+\d{1,4})?|\d{1,4}\s+of\s+\d{1,4}"
    r"|[A-Z]{1,2}-\d{1,3}|[ivx]{1,5}"
)
# A number amid the words of a header or footer; believed only where these come again on other pages.
_NUMBERED = re.compile(r"\bPage \d{1,4} of \d{1,4}\b")
_DIGITS = re.compile(r"\d+")
# A sentence that ends above the break; then the text below begins anew.
_ENDED = re.compile(r"[.;:!?][\"”’')\]]*(?:\s+(?:and|or|and/or))?\Z")
# Words and signs that no sentence ends on: the text goes on below the break.
UNENDED = re.compile(
    r"(?i:,|\b(?:an?|and|any|at|by|each|for|from|in|into|its|of|on|or|such|than|that|the|their|this|to|under|which|with"
    r"|articles?|clauses?|exhibits?|paragraphs?|schedules?|sections?))\Z"
)
_TAIL = 40
"""Characters before a break in which the end of a sentence is looked for."""
_LONGEST = 160
"""Characters of a paragraph that can be a page number, header or footer."""
_OFTEN = 3
"""A line that stands at so many breaks, but for its digits, runs through the document."""


class PageBreak(NamedTuple):
    """What stands between the text of two pages.

    Attributes:
        before: behind the last character of the page above.
        start: first character of the number or of what stands around it.
        end: behind its last character.
        after: first character of the text below.
        torn: whether a sentence goes on from one page to the next.
    """

    before: int
    start: int
    end: int
    after: int
    torn: bool


def page_breaks(text: str) -> Iterator[PageBreak]:
    r"""Page numbers in paragraphs of their own, with the lines around them that come again on other pages.

    Examples:
        >>> text = "The seller shall on the\n\n- 3 -\n\nsame day reply."
        >>> [(text[each.start : each.end], each.torn) for each in page_breaks(text)]
        [('- 3 -', True)]
    """
    spans = paragraph_spans(text, 0, len(text))
    short = [_read_if_short(text, span) for span in spans]
    often = Counter(_DIGITS.sub("#", words) for words in short if words)
    again = [often[_DIGITS.sub("#", words)] >= _OFTEN for words in short]
    numbered = [
        _NUMBER.fullmatch(words) is not None or (is_again and _NUMBERED.search(words) is not None)
        for words, is_again in zip(short, again, strict=True)
    ]
    running = [one or other for one, other in zip(numbered, again, strict=True)]
    for is_running, group in groupby(range(len(spans)), key=running.__getitem__):
        indices = list(group)
        first, last = indices[0], indices[-1]
        if is_running and first > 0 and last + 1 < len(spans) and any(numbered[index] for index in indices):
            before, after = spans[first - 1][1], spans[last + 1][0]
            yield PageBreak(before, spans[first][0], spans[last][1], after, _is_torn(text, before, after))


def _read_if_short(text: str, span: tuple[int, int]) -> str:
    return " ".join(text[slice(*span)].split()) if span[1] - span[0] <= _LONGEST else ""


def _is_torn(text: str, before: int, after: int) -> bool:
    above = text[max(0, before - _TAIL) : before]
    if _ENDED.search(above):
        return False
    return text[after].islower() or UNENDED.search(above) is not None
