"""Line breaks that only wrap a sentence, told from those that end a line on purpose. Core: strings alone.

An editor that wraps puts a word into the next line because it did not fit any more. So in wrapped text, and seldom
elsewhere, the first word of a line would have made the line before it longer than the longest line; and most lines go
on in lower case. Logs, chats, records, addresses, lists and poems fail one of the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import regex

LIST_MARK = r"(?:[-*+•◦▪‣–—]|\(?(?:\d{1,3}(?:\.\d{1,3})*|[A-Za-z]|[ivxlcIVXLC]{1,6})[.)])[ \t]"
"""What an item of a list begins with."""

_LINE = regex.compile(rf"(?P<indent>[^\S\n]*)(?P<body>(?:(?P<mark>{LIST_MARK})|\S)[^\n]*)?(?:\n|\Z)")
# A word of prose at the beginning of a line; `anna:`, `[12:03]`, `<p>`, `item-3` and `key=value` are none.
_PLAIN_WORD = regex.compile(r"[\"'“‘«„(*_]*\p{L}[\p{L}\p{M}'’-]*[,.;!?)\]\"'”’»*_]*")
# Settings of editors and mail programs are 72 to 100 columns; lines of less than 30 are hardly ever wrapped prose.
_USUAL = range(50, 111)
_NARROWEST = 30
# Programs that balance lines (`fmt`, TeX) leave up to this share of the width empty.
_FULL = 0.85
_MOST_FULL = 0.7  # share of the lines of a wrapped paragraph that are full: all, but for titles and lines cut by hand
_RECORDS = 0.6  # share of lines that begin with no plain word: above it, they are records
_LOWER = 0.2  # share of lines that go on in lower case: about .85 in English, .6 in German, 0 in lists and poems
_FEW = 4  # below this many breaks shares say little, and each break stands for itself


class _Line(NamedTuple):
    begin: int  # columns of indentation count in the width
    start: int
    end: int
    marked: bool


def wrapping_breaks(text: str, start: int, end: int) -> frozenset[int]:
    r"""Find the line breaks of a text that only wrap.

    Args:
        text: any text.
        start: first character to look at, inclusive.
        end: last one, exclusive.

    Returns:
        Positions of the line feeds, in `text`.

    Examples:
        >>> prose = "Owls hunt at night and they hear very\nwell, so that they find a mouse under\nsnow."
        >>> sorted(wrapping_breaks(prose, 0, len(prose)))
        [37, 75]
        >>> chat = "anna: where are the owls now\nbob: out\nanna: and at what time do they come"
        >>> wrapping_breaks(chat, 0, len(chat))
        frozenset()
    """
    found: set[int] = set()
    stretch: list[_Line] = []
    for match in _LINE.finditer(text, start, end):
        marked = match["mark"] is not None
        body = (match["body"] or "").rstrip()
        if not body or marked:
            found.update(_wraps(text, stretch))
            stretch = []
        if body:
            last = match.start("body") + len(body)
            stretch.append(_Line(match.start(), match.start("body"), last, marked))
    found.update(_wraps(text, stretch))
    return frozenset(found)


def _wraps(text: str, lines: Sequence[_Line]) -> list[int]:
    """The breaks that wrap, of lines without a blank one or a new item between them."""
    if len(lines) < 2:
        return []
    width = max(line.end - line.begin for line in lines)
    words = [text[line.start : line.end].split(maxsplit=1)[0] for line in lines]
    if sum(_PLAIN_WORD.fullmatch(word) is None for word in words) >= _RECORDS * len(words):
        return []
    full = [line.end - line.begin + 1 + len(word) > _FULL * width for line, word in zip(lines, words[1:], strict=False)]
    lower = [word[0].islower() for word in words[1:]]
    cased = any(word[0].lower() != word[0].upper() for word in words)
    goes_on = not cased or sum(lower) >= _LOWER * len(lower)
    if len(full) >= _FEW and (sum(full) < _MOST_FULL * len(full) or not goes_on):
        return []
    hanging = [lines[0].marked and line.start - line.begin > lines[0].start - lines[0].begin for line in lines[1:]]
    return [
        text.index("\n", line.end)
        for line, is_full, is_lower, hangs in zip(lines, full, lower, hanging, strict=False)
        if (is_full and width >= _NARROWEST and (is_lower or line.end - line.begin in _USUAL)) or (hangs and is_lower)
    ]
