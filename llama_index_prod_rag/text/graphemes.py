"""The places where a text may be cut. Core: strings and numbers alone."""

from __future__ import annotations

import regex

_SURROGATE = regex.compile(r"[\ud800-\udfff]")
_CLUSTER = regex.compile(r"\X")
# Between two of these there is always a boundary (GB999): most letters and signs of most scripts, Korean syllables.
# The three left out at the end are prefixes to `\X` alone.
_APART = regex.compile(
    r"(?V1)[[\p{Grapheme_Cluster_Break=Other}&&[\p{L}\p{N}\p{P}]][\uac00-\ud7a3]--[\u1cf5\u1cf6\U00011a3a]]{2}"
)
# A cluster is rarely longer than a few characters; one that is gets cut, so that checking a cut stays cheap.
_LONGEST_CLUSTER = 256


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    r"""Find the span without blank lines before, and without blanks after; the first line keeps its indentation.

    Examples:
        >>> trim("\n    code\n\n", 0, 11)
        (1, 9)
        >>> trim("  \n ", 0, 4)
        (4, 4)
    """
    body = text[start:end]
    first = start + len(body) - len(body.lstrip())
    last = start + len(body.rstrip())
    if first >= last:
        return end, end
    line = text.rfind("\n", start, first) + 1
    # An indentation counts from the start of its line; a span that begins inside a line begins at its first word.
    at_line_start = line > 0 or start == 0 or text[start - 1] == "\n"
    indented = max(line, start) if at_line_start and not text[max(line, start) : first].strip(" \t") else first
    return indented, last


def is_blank(text: str, start: int, end: int) -> bool:
    """Whether there is nothing but white space between two positions."""
    return start >= end or text[start:end].isspace()


def floor_to_grapheme(text: str, position: int) -> int:
    r"""Find the nearest position at or before `position` that is not inside a grapheme cluster (Unicode UAX 29).

    Examples:
        >>> floor_to_grapheme("ae\u0301b", 2), floor_to_grapheme("a\r\nb", 2), floor_to_grapheme("abc", 2)
        (1, 1, 2)
    """
    if position <= 0 or position >= len(text):
        return position
    here, before = text[position], text[position - 1]
    if here.isascii() and before.isascii():
        return position - 1 if (before, here) == ("\r", "\n") else position
    if _APART.match(text, position - 1):
        return position
    start = position - 1
    # No cluster reaches over a place between two plain characters.
    while start > 0 and position - start < _LONGEST_CLUSTER and not _are_apart(text, start):
        start -= 1
    # A slice: in the whole text `\X` counts the regional indicators (halves of flags) back to the first of their run.
    for cluster in _CLUSTER.finditer(text[start : position + _LONGEST_CLUSTER]):
        first, last = start + cluster.start(), start + cluster.end()
        if last == position:
            return position
        if last > position:
            return first if first > start or start == 0 or _are_apart(text, start) else position
    return position


def _are_apart(text: str, position: int) -> bool:
    plain = text[position].isascii() and text[position - 1].isascii()
    return plain or _APART.match(text, position - 1) is not None


def replace_surrogates(text: str) -> str:
    r"""Replace lone surrogates by U+FFFD, one for one, so that offsets stay and the text can be encoded.

    Examples:
        >>> replace_surrogates("a\ud800b") == "a\ufffdb"
        True
    """
    return str(_SURROGATE.sub("\ufffd", text))
