"""Where the characters of a shown text stand in a source that reads otherwise (HTML, mails, notebooks). Core.

A chunk of such a source takes a note of its places along, so that a quote from it is found again without the source.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

PLACES = "source_places"
"""Metadata key of the note; never embedded, never shown to a language model."""

_MOST_PIECES = 500  # in one note, about 5 kB; a text in more pieces than that is known as a whole alone


class Piece(NamedTuple):
    """A stretch of a shown text and the stretch of the source that it comes from.

    Attributes:
        start: first character in the shown text; it ends where the next piece starts.
        source_start: first character in the source.
        source_end: behind its last character; where the lengths are the same, each character has its own place.
    """

    start: int
    source_start: int
    source_end: int


def clip(pieces: Sequence[Piece], length: int, start: int, end: int) -> list[Piece]:
    """Cut the pieces of a text down to those of `text[start:end]`, counted from its beginning.

    Args:
        pieces: of the whole text, in order.
        length: of the whole text.
        start: first character.
        end: behind the last one.

    Examples:
        >>> clip([Piece(0, 3, 8), Piece(5, 8, 13), Piece(6, 13, 16)], 9, 2, 7)
        [Piece(start=0, source_start=5, source_end=8), Piece(start=3, source_start=8, source_end=13), \
Piece(start=4, source_start=13, source_end=14)]
    """
    found = []
    low = max(0, bisect_right(pieces, start, key=lambda piece: piece.start) - 1)
    high = bisect_left(pieces, end, key=lambda piece: piece.start)
    until_last = pieces[high].start if high < len(pieces) else length
    for piece, until in _with_ends(pieces[low:high], until_last):
        first, last = max(start, piece.start), min(end, until)
        if first >= last:
            continue
        exact = until - piece.start == piece.source_end - piece.source_start
        before, behind = (first - piece.start, until - last) if exact else (0, 0)
        found.append(Piece(first - start, piece.source_start + before, piece.source_end - behind))
    return found


def note_places(pieces: Sequence[Piece], length: int, base: int) -> str:
    """Write down where a text's characters stand; empty where they stand in one stretch, as they are.

    Args:
        pieces: of the text, in order.
        length: of the text.
        base: place in the source from which the note counts, before all of the pieces.

    Returns:
        For each piece its start in the text and its place in the source, with the place's end where only the whole
        stretch is known: `0:12 5:17-22 6:22`.

    Examples:
        >>> note_places([Piece(0, 3, 8), Piece(5, 8, 13)], 6, 3)
        '0:0 5:5-10'
        >>> note_places([Piece(0, 3, 8)], 5, 3)
        ''
    """
    if len(pieces) > _MOST_PIECES:
        first, last = min(piece.source_start for piece in pieces), max(piece.source_end for piece in pieces)
        return f"0:{first - base}-{last - base}"
    words = []
    for piece, until in _with_ends(pieces, length):
        exact = until - piece.start == piece.source_end - piece.source_start
        end = "" if exact else f"-{piece.source_end - base}"
        words.append(f"{piece.start}:{piece.source_start - base}{end}")
    return "" if len(words) <= 1 and not any("-" in word for word in words) else " ".join(words)


def _with_ends(pieces: Sequence[Piece], length: int) -> Iterator[tuple[Piece, int]]:
    ends = [*(piece.start for piece in pieces), length][1:]
    return zip(pieces, ends, strict=True)


def find_place(note: str, start: int, end: int) -> tuple[int, int]:
    """Find where `text[start:end]` stands in the source, from the note; as much of it as is known for sure.

    Examples:
        >>> note = "0:0 5:5-10 6:10"
        >>> find_place(note, 1, 3), find_place(note, 4, 6), find_place(note, 7, 8)
        ((1, 3), (4, 10), (11, 12))
    """
    pieces = [_read(word) for word in note.split()]
    starts = [shown for shown, _, _ in pieces]
    low, high = (max(0, bisect_right(starts, place) - 1) for place in (start, max(start, end - 1)))
    begins, ends = [], []
    for (shown, place, place_end), until in zip(
        pieces[low : high + 1], [*starts[low + 1 : high + 1], end], strict=True
    ):
        begins.append(place + (max(start - shown, 0) if place_end is None else 0))
        ends.append(place + until - shown if place_end is None else place_end)
    return min(begins), max(ends)  # not the first and the last: the pieces need not be in the source's order


def _read(word: str) -> tuple[int, int, int | None]:
    shown, _, place = word.partition(":")
    start, _, end = place.partition("-")
    return int(shown), int(start), int(end) if end else None
