"""Numbers without a sign, as in `2 Protection of data`: clauses in some laws, elsewhere pages or rows. Core."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from llama_index_prod_rag.structure.captions import Caption, can_stand_alone, caption_above, is_sentence, names
from llama_index_prod_rag.structure.numbering import place_of
from llama_index_prod_rag.structure.pages import UNENDED

# A number without a sign and the words in its line: a clause, a page or a row.
_BARE = re.compile(
    r"(?m)^[ \t]*(?P<number>\d{1,3}[A-Z]{0,2})[ \t]{1,8}"
    r"(?P<words>(?:\(1\)[ \t]|[\"“(]?[^\W\da-z_])[^\r\n]{2,400})"
)
# A number with a full stop: where these are the custom, numbers without one are not clauses.
_SIGNED = re.compile(r"(?m)^[ \t]*\d{1,3}\.(?:\d{1,3}\.?)?[ \t]+[^\W\da-z_]")
_FEW_SIGNED = 4
"""So many numbers with a full stop make that the custom of a document."""
# The first subsection, behind a number that it belongs to.
_SUBSECTION = re.compile(r"\s*[(（](?:1|a)[)）]\s")
# The end of a sentence.
_ENDED = re.compile(r"[.!?][\"”’')\]]*\Z")
_LOOK_BACK = 120
"""Characters before and behind a number that are looked at."""
_LONGEST_NAME = 160
"""Characters behind a number that can name a clause."""
_MOST_TITLES = 4
"""Lines that may stand between a sentence and a number: a part, its name, a chapter, a cross-heading."""


@dataclass(frozen=True, slots=True)
class _Bare:
    """A number without a sign that could begin a clause.

    Attributes:
        start: its first character.
        place: its place among its neighbors.
        words: what stands behind it in its line.
        apart: whether a blank line or a caption above sets it apart.
        titled: whether nothing or a title stands right above, as where a run of numbers begins.
        sure: whether (1) or (a) follows.
        sentence: whether it has no name, but a sentence behind it.
    """

    start: int
    place: float
    words: str
    apart: bool
    titled: bool
    sure: bool
    sentence: bool


def find_bare_numbers(text: str) -> dict[int, Caption | None]:
    r"""Find numbers without a sign that begin clauses, as in `2 Protection of personal data`; most are pages or rows.

    Its line is a paragraph of its own or stands below one, or between two sentences, its words are a name, and they
    come once. It is believed where the number before or after it has such a line too, or where (1) or (a) follows.

    Returns:
        Where each begins, and the words that name it if they stand behind it.

    Examples:
        >>> found = find_bare_numbers("1 Fees\n(1) Pay.\n2 Fees: sums\nThese are set.\nStores:\n12 Springs\n13 Bluff")
        >>> [caption.words for caption in found.values()]
        ['Fees', 'Fees: sums']
    """
    if sum(1 for _ in islice(_SIGNED.finditer(text), _FEW_SIGNED)) == _FEW_SIGNED:
        return {}  # the custom here is `1. Fees`
    lines = [found for match in _BARE.finditer(text) if (found := _read(text, match)) is not None]
    often = Counter(each.words for each in lines)
    chosen = _select([each for each in lines if each.sure or often[each.words] == 1])
    return {each.start: _name(text, each) for each in chosen}


def _name(text: str, bare: _Bare) -> Caption | None:
    start = text.index(bare.words, bare.start)
    return (
        None
        if bare.sentence or not names(bare.words)
        else Caption(" ".join(bare.words.split()), start, start + len(bare.words))
    )


def _select(lines: Sequence[_Bare]) -> Iterator[_Bare]:
    """The numbers that are believed; those that nothing sets apart only where they go on with others."""
    follows = [0 < after.place - before.place <= 1 for before, after in pairwise(lines)]
    before: _Bare | None = None
    for each, one, other in zip(lines, [False, *follows], [*follows, False], strict=True) if lines else ():
        if each.sure or ((one or other) if each.apart else _goes_on(before, each, leads=other)):
            before = each
            yield each


def _goes_on(before: _Bare | None, each: _Bare, *, leads: bool) -> bool:
    """Whether a number goes on with the clauses before it, or begins with the next a run of its own."""
    if before is not None and 0 < each.place - before.place <= 1 and before.sentence >= each.sentence:
        return True
    return leads and each.titled and (before is None or each.place <= 1)


def _read(text: str, match: re.Match[str]) -> _Bare | None:
    start, end, words = match.start("number"), match.end(), match["words"].rstrip()
    above = text[max(0, match.start() - _LOOK_BACK) : match.start()]
    blank = not above.strip() or above.count("\n", len(above.rstrip())) > 1
    inside, below = _SUBSECTION.match(words) is not None, _SUBSECTION.match(text, end) is not None
    can_name = words[-1] not in ".;:," and len(words) <= _LONGEST_NAME
    named = can_name and not inside and (below or names(words))
    captioned = not named and not inside and caption_above(text, start, max(0, start - 400)) is not None
    apart = captioned or (blank and (inside or (named and (below or _is_alone(text, end)))))
    titles = 0 if apart else _count_titles_above(text, match.start(), sure=below)
    if not apart and (
        titles is None or not (inside or (below or _has_body(text, end) if named else is_sentence(words)))
    ):
        return None
    return _Bare(
        start,
        place_of(match["number"]) or 0.0,
        words,
        apart,
        titled=blank or bool(titles),
        sure=inside or below,
        sentence=not named,
    )


def _is_alone(text: str, end: int) -> bool:
    below = text[end : end + _LOOK_BACK]
    return below.count("\n", 0, len(below) - len(below.lstrip())) > 1 or not below.strip()


def _has_body(text: str, end: int) -> bool:
    """Whether a sentence begins in the line below: a list goes on with the next number, a table with the next row."""
    line = text[end : end + _LONGEST_NAME].strip().split("\n", maxsplit=1)[0].strip()
    return line[:1].isupper() and not can_stand_alone(line)


def _count_titles_above(text: str, start: int, *, sure: bool) -> int | None:
    """How many titles stand between a line and what ends above it, a table of contents too; None where that goes on."""
    for titles in range(_MOST_TITLES + 1):
        low = max(0, start - _LONGEST_NAME - 2)
        above = text[low:start].rstrip(" \t\r")
        if above.count("\n", len(above.rstrip())) > 1 or not above.strip():
            return titles
        begin = above.rstrip().rfind("\n") + 1
        line = above[begin:].strip()
        if _ENDED.search(line[-16:]) or (sure and _BARE.fullmatch(line) and names(line)):
            return titles
        if (begin == 0 and low > 0) or not can_stand_alone(line) or UNENDED.search(line[-40:]):
            return None
        start = low + begin
    return None
