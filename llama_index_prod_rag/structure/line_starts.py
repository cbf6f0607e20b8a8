"""Whether a place in a text begins a line that its author began, and whether a sentence goes on there. Core."""

from __future__ import annotations

import re

# Where a sentence is over.
_STOP = re.compile(r"[.!?。][\"”')\]]*\Z")
# What authors end a line on; any other line goes on in the next.
_LINE_END = re.compile(r"[.;:!?,)\]\"”。；：）]\Z|\b(?:and|or)\Z")
_LOOK_BACK = 120
"""Characters before a place that are looked at."""
_LAST_SIGNS = 16
"""Characters that tell whether a line or a sentence is over; patterns that end with the text are slow on more."""
_WIDE_GAP = 3
"""So many blanks in a row stand for a line break that was lost."""
_SHORT_LINE = 50
"""A line shorter than this was ended by its author, not by the width of the page."""


def begins_own_line(text: str, start: int) -> bool:
    """Whether a number begins a line that its author began, not one that only wraps the line before."""
    before = text[max(0, start - _LOOK_BACK) : start]
    line = before.rstrip(" \t#*\u00a0\u3000")
    if not line or line[-1] not in "\r\n":
        return not line or len(before) - len(line) >= _WIDE_GAP
    above = line.rstrip()
    if line.count("\n", len(above)) > 1 or _LINE_END.search(above[-_LAST_SIGNS:]):
        return True
    return len(above) - max(above.rfind("\n"), above.rfind("\r")) <= _SHORT_LINE


def continues_sentence(text: str, start: int) -> bool:
    """Whether the sentence before is not over: a clause that begins here is one part of it."""
    before = text[max(0, start - _LOOK_BACK) : start].rstrip()
    return bool(before) and _STOP.search(before[-_LAST_SIGNS:]) is None


def find_indent(text: str, start: int) -> int:
    """Count the columns before a place in its line, tabs to multiples of eight; 0 in a very long line."""
    line = max(text.rfind("\n", max(0, start - 400), start), text.rfind("\r", max(0, start - 400), start)) + 1
    return len(text[line:start].expandtabs(8)) if line or start < 400 else 0
