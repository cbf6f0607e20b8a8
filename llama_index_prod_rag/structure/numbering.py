"""Clause numbers: what they can mean, and which of them continue a numbering that is open. Core: strings alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_ROMAN_NUMERAL = re.compile(r"(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})")
_KEYWORD_RANKS = {
    "annex": 1,
    "appendix": 1,
    "attachment": 1,
    "exhibit": 1,
    "schedule": 1,
    "part": 2,
    "title": 2,
    "chapter": 3,
    "article": 4,
}
_DECIMAL_RANK = 5
"""`4` stands beside `Section 4`, `4.2` one below it, and so on."""
NESTED_RANK = 20
"""From here on ranks follow the order of appearance: (a) may hold (i), or the other way round."""
_MAX_GAP = 5
"""A number may skip so many before it: some are lost when pages are made into text."""


def roman_value(numeral: str) -> int | None:
    """The value of a Roman numeral below 90, or None.

    Examples:
        >>> roman_value("xiv"), roman_value("b"), roman_value("iiii")
        (14, None, None)
    """
    numeral = numeral.lower()
    if not numeral or _ROMAN_NUMERAL.fullmatch(numeral) is None:
        return None
    values = [_ROMAN[letter] for letter in numeral]
    return sum(-value if value < after else value for value, after in zip(values, [*values[1:], 0], strict=True))


def letter_value(letters: str) -> int | None:
    """The place of a, b, ..., z, aa, bb, ...; None for anything else.

    Examples:
        >>> letter_value("c"), letter_value("BB"), letter_value("ab")
        (3, 28, None)
    """
    letters = letters.lower()
    if len(set(letters)) != 1 or not "a" <= letters[0] <= "z":
        return None
    return ord(letters[0]) - ord("a") + 1 + 26 * (len(letters) - 1)


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a number.

    Attributes:
        style: what the numbers of one run have in common.
        value: its place in the run, from 0 or 1.
        above: for `4.2.1` the numbers before the last, (4, 2).
        rank: how far out it stands, 1 the outermost; 0 where only the context tells.
    """

    style: str
    value: int
    above: tuple[int, ...] = ()
    rank: int = 0


def readings(number: str, *, keyword: str = "", sign: str = "") -> list[Reading]:
    """All ways to read a number.

    Args:
        number: `IV`, `4.2`, `a`, without what stands around it.
        keyword: a word before it, such as `Section`.
        sign: the brackets or the full stop around it: `()`, `)`, `.` or nothing.

    Examples:
        >>> [(reading.style, reading.value) for reading in readings("i", sign="()")]
        [('a()', 9), ('i()', 1)]
        >>> readings("4.2", keyword="Section")
        [Reading(style='decimal', value=2, above=(4,), rank=6)]
    """
    rank = _KEYWORD_RANKS.get(keyword.lower(), 0)
    frame = keyword.lower() if rank else sign
    if number[0].isdecimal():
        *above, value = (int(part) for part in number.split("."))
        if len(above) == 1 and value == 0:  # "2.0 Grant" stands above 2.1
            value = above.pop()
        if rank:
            # "Exhibit 10.24" is how a filing numbers the contract itself.
            return [] if above else [Reading(f"1{frame}", value, rank=rank)]
        if sign in ("", ".") or above:
            return [Reading("decimal", value, tuple(above), _DECIMAL_RANK + len(above))]
        return [Reading(f"1{frame}", value)]
    letter, roman = ("A", "I") if number.isupper() else ("a", "i")
    found = ((letter, letter_value(number)), (roman, roman_value(number)))
    return [Reading(style + frame, value, rank=rank) for style, value in found if value is not None]


@dataclass(frozen=True, slots=True)
class Open:
    """A number whose clause is not over yet."""

    reading: Reading
    rank: int
    label: str


class Outline:
    """The open numbers, outermost first, and the rule that tells a clause's number from one in passing."""

    def __init__(self) -> None:
        self._open: list[Open] = []
        self._around: int | None = None
        """How many numbers were open where the sentence began whose parts are being numbered."""

    @property
    def path(self) -> tuple[str, ...]:
        """Labels of the open numbers, outermost first."""
        return tuple(each.label for each in self._open)

    @property
    def in_sentence(self) -> bool:
        """Whether numbers are open that are parts of one sentence."""
        return self._around is not None

    def take(
        self, candidates: list[Reading], label: str, *, begins_line: bool, in_sentence: bool = False
    ) -> int | None:
        """Open a number if it continues the outline.

        Args:
            candidates: ways to read it.
            label: how it is written.
            begins_line: whether nothing stands before it; then it may skip numbers and open a run anywhere.
            in_sentence: whether it numbers a part of a sentence; its run closes no run from before the sentence.

        Returns:
            Its rank, or None if it continues nothing.

        Examples:
            >>> outline = Outline()
            >>> outline.take(readings("4", keyword="Section"), "Section 4", begins_line=True)
            5
            >>> outline.take(readings("4.1"), "4.1", begins_line=False)
            6
            >>> outline.take(readings("9.7"), "9.7", begins_line=False) is None
            True
            >>> outline.take(readings("a", sign="()"), "(a)", begins_line=False), outline.path
            (20, ('Section 4', '4.1', '(a)'))
        """
        around = self._around
        if in_sentence and around is None:
            self._around = len(self._open)
        place = next(self._places(candidates, begins_line=begins_line), None)
        if place is None:
            self._around = around
            return None
        depth, reading = place
        if self._around is not None and depth < self._around:
            self._around = None
        rank = reading.rank or max(NESTED_RANK, self._open[depth - 1].rank + 1 if depth else 0)
        self._open[depth:] = [Open(reading, rank, label)]
        return rank

    def leave_sentence(self, candidates: list[Reading]) -> None:
        """Close the runs that numbered parts of a sentence now over, unless a number goes on with one of them.

        Examples:
            >>> outline = Outline()
            >>> for number in ("a", "i"):
            ...     _ = outline.take(readings(number, sign="()"), f"({number})", begins_line=True)
            >>> _ = outline.take(readings("a", sign="()"), "(a)", begins_line=False, in_sentence=True)
            >>> outline.path
            ('(a)', '(i)', '(a)')
            >>> outline.leave_sentence(readings("b", sign="()"))
            >>> outline.path
            ('(a)', '(i)')
        """
        if self._around is None:
            return
        depths = [depth for depth, _ in self._next_in_run(candidates, gap=1)]
        if not depths or min(depths) < self._around:
            del self._open[self._around :]
            self._around = None

    def leave_nested(self) -> bool:
        """Close the runs whose depth only the context tells, (a) and (i); whether any was open."""
        depth = next((depth for depth, each in enumerate(self._open) if each.rank >= NESTED_RANK), len(self._open))
        left = depth < len(self._open)
        del self._open[depth:]
        self._around = None
        return left

    def _places(self, candidates: list[Reading], *, begins_line: bool) -> Iterator[tuple[int, Reading]]:
        """Where a number could stand, the best first: (how many open numbers stay above it, its reading)."""
        yield from self._next_in_run(candidates, gap=1)
        yield from self._next_in_run([reading for reading in candidates if reading.above], gap=_MAX_GAP)
        for reading in candidates:
            if reading.value <= 1 and self._opens(reading, begins_line=begins_line):
                yield self._depth(reading), reading
        if begins_line:
            yield from self._next_in_run(candidates, gap=_MAX_GAP)
            yield from ((self._depth(reading), reading) for reading in candidates if reading.rank)

    def _next_in_run(self, candidates: list[Reading], gap: int) -> Iterator[tuple[int, Reading]]:
        for depth in range(len(self._open) - 1, -1, -1):
            last = self._open[depth].reading
            for reading in candidates:
                same = reading.style == last.style and reading.above == last.above
                if same and last.value < reading.value <= last.value + gap:
                    yield depth, reading

    def _opens(self, reading: Reading, *, begins_line: bool) -> bool:
        """Whether the first number of a run may stand here."""
        if begins_line or not reading.rank:
            return True
        if not reading.above:
            return reading.style == "decimal" and all(each.reading.style != "decimal" for each in self._open)
        *above, last = reading.above
        inside = [(*each.reading.above, each.reading.value) for each in self._open]
        # `5.1` opens below 5, and below 4 too, in case the heading of 5 was lost.
        return not {(*above, last), (*above, last - 1)}.isdisjoint(inside)

    def _depth(self, reading: Reading) -> int:
        """How many open numbers stay above a new run: those further out, or above the same style where it is open."""
        if reading.rank:
            holds = [each.rank < reading.rank and _holds(each.reading, reading) for each in self._open]
            return [*holds, False].index(False)
        styles = [each.reading.style for each in self._open[self._around :]]
        return (self._around or 0) + (styles.index(reading.style) if reading.style in styles else len(styles))


def _holds(outer: Reading, inner: Reading) -> bool:
    """Whether a number may stand above another: 5 holds no 7.1."""
    if outer.style != inner.style:
        return True
    number = (*outer.above, outer.value)
    return inner.above[: len(number)] == number
