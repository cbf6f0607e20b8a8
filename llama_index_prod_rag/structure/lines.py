"""Lines of a text with exact offsets, for the readers of formats that are made of lines."""

from __future__ import annotations

import re
from typing import NamedTuple

_LINE = re.compile(r"([^\S\r\n]*)([^\r\n]*)(\r\n|\r|\n|\Z)")
_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")
# Columns, as terminals and Python's `expandtabs` have them.
_TAB_STOP = 8


class Line(NamedTuple):
    """Says where one line of a text begins and ends, and how far it is indented.

    Attributes:
        begin: its first character, inclusive.
        start: its first character that is not blank; equal to `end` on a blank line.
        end: behind its last character that is not blank.
        indent: columns before `start`, tabs to multiples of eight.
    """

    begin: int
    start: int
    end: int
    indent: int

    @property
    def blank(self) -> bool:
        """Whether there is nothing but white space in it."""
        return self.start == self.end


def split_lines(text: str) -> list[Line]:
    r"""Yield every line of a text; `\n`, `\r\n` and `\r` end one.

    Examples:
        >>> split_lines("a\r\n  b ")
        [Line(begin=0, start=0, end=1, indent=0), Line(begin=3, start=5, end=6, indent=2)]
    """
    lines = []
    for match in _LINE.finditer(text):
        if match.end() == match.start():
            break
        begin, start = match.span(1)
        end = start + len(match[2].rstrip())
        lines.append(Line(begin, start if end > start else begin, end if end > start else begin, _columns(match[1])))
    return lines


def _columns(blanks: str) -> int:
    return len(blanks.expandtabs(_TAB_STOP)) if "\t" in blanks else len(blanks)


def paragraph_spans(text: str, start: int, end: int) -> list[tuple[int, int]]:
    r"""Find what stands between blank lines, without the white space around it.

    Examples:
        >>> paragraph_spans(" a\nb\n \n\nc ", 0, 10)
        [(1, 4), (8, 9)]
    """
    breaks = [match.span() for match in _BLANK_LINES.finditer(text, start, end)]
    starts, ends = [start, *(after for _, after in breaks)], [*(before for before, _ in breaks), end]
    spans = [strip_span(text, first, last) for first, last in zip(starts, ends, strict=True)]
    return [(first, last) for first, last in spans if first < last]


def strip_span(text: str, start: int, end: int) -> tuple[int, int]:
    """Strip the white space at the ends of a stretch; (end, end) if there is nothing else.

    Examples:
        >>> strip_span(" ab ", 0, 4), strip_span("  ", 0, 2)
        ((1, 3), (2, 2))
    """
    body = text[start:end]
    return end - len(body.lstrip()), max(start + len(body.rstrip()), end - len(body.lstrip()))
