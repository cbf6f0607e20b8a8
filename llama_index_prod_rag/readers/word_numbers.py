"""The numbers that Word shows before paragraphs: they stand in no text, but are counted by rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.etree.ElementTree import Element

from llama_index_prod_rag.readers.archive import child_of, local, value_of
from llama_index_prod_rag.readers.word_styles import Numbering

_PLACE = re.compile(r"%([1-9])")
_ROMAN_LETTERS = ("m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i")
_ROMAN = tuple(zip((1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1), _ROMAN_LETTERS, strict=True))
_LONGEST_ROMAN = 4999


class Label(NamedTuple):
    """What stands before a paragraph: its number, nothing where that is a bullet; and how deep it is, from 0."""

    text: str
    depth: int
    bullet: bool


@dataclass(frozen=True, slots=True)
class _Level:
    start: int
    form: str
    pattern: str
    style: str | None
    legal: bool


@dataclass(slots=True)
class _List:
    """The levels of a list and how far it is counted."""

    levels: Mapping[int, _Level]
    counts: dict[int, int] = field(default_factory=dict)

    def count(self, level: int) -> None:
        self.counts = {deep: count for deep, count in self.counts.items() if deep <= level}
        self.counts[level] = self.counts[level] + 1 if level in self.counts else self.levels[level].start

    def label(self, level: int) -> str:
        """The number of the paragraph that was just counted, such as `2.1 (a)`."""
        shown = self.levels[level]

        def number(place: re.Match[str]) -> str:
            at = int(place[1]) - 1
            form = self.levels[at].form if at in self.levels else "decimal"
            start = self.levels[at].start if at in self.levels else 1
            return format_number(self.counts.get(at, start), "decimal" if shown.legal else form)

        return _PLACE.sub(number, shown.pattern).strip()


class Numbers:
    """Counts the lists of a document, paragraph by paragraph in reading order."""

    def __init__(self, root: Element | None) -> None:
        parts = () if root is None else tuple(root)
        abstract = {value_of(each, "abstractNumId"): each for each in parts if local(each) == "abstractNum"}
        linked = {link: each for each in abstract.values() if (link := value_of(child_of(each, "styleLink")))}
        lists = {
            name: _List(_levels(linked.get(value_of(child_of(each, "numStyleLink")) or "", each)))
            for name, each in abstract.items()
        }
        numbered = [each for each in parts if local(each) == "num"]
        # Lists that are made from one definition go on counting where another one stopped, unless they say otherwise.
        self._lists = {
            value_of(each, "numId"): lists.get(value_of(child_of(each, "abstractNumId")), _List({}))
            for each in numbered
        }
        self._restarts = {value_of(each, "numId"): _restarts(each) for each in numbered}

    def label(self, numbering: Numbering, style: str | None) -> Label | None:
        """Count a paragraph and give its label; None where its list is not there."""
        found = self._lists.get(numbering.list)
        if found is None or not found.levels:
            return None
        named = (at for at, level in found.levels.items() if style is not None and level.style == style)
        level = next(named, 0) if numbering.level is None else numbering.level
        if level not in found.levels:
            return None
        if (start := self._restarts.get(numbering.list, {}).pop(level, None)) is not None:
            found.counts[level] = start - 1
        found.count(level)
        bullet = found.levels[level].form == "bullet"
        return Label("" if bullet else found.label(level), level, bullet)


def format_number(number: int, form: str) -> str:
    """Write a number as a list does; a form that is not known here is written in digits.

    Examples:
        >>> [format_number(28, form) for form in ("decimal", "lowerLetter", "upperRoman", "decimalZero", "none")]
        ['28', 'bb', 'XXVIII', '28', '']
    """
    if form == "none":
        return ""
    if form in {"lowerLetter", "upperLetter"} and number > 0:
        turns, letter = divmod(number - 1, 26)  # after z comes aa, then bb
        return chr(ord("a" if form == "lowerLetter" else "A") + letter) * (turns + 1)
    if form in {"lowerRoman", "upperRoman"} and 0 < number <= _LONGEST_ROMAN:
        return _roman(number) if form == "lowerRoman" else _roman(number).upper()
    return f"{number:02d}" if form == "decimalZero" else str(number)


def _roman(number: int) -> str:
    written = ""
    for worth, letters in _ROMAN:
        times, number = divmod(number, worth)
        written += letters * times
    return written


def _levels(definition: Element) -> dict[int, _Level]:
    return {
        int(value_of(each, "ilvl") or 0): _Level(
            int(value_of(child_of(each, "start")) or 1),
            value_of(child_of(each, "numFmt")) or "decimal",
            value_of(child_of(each, "lvlText")) or "",
            value_of(child_of(each, "pStyle")),
            child_of(each, "isLgl") is not None,
        )
        for each in definition
        if local(each) == "lvl"
    }


def _restarts(number: Element) -> dict[int, int]:
    overrides = [each for each in number if local(each) == "lvlOverride"]
    starts = ((value_of(each, "ilvl"), value_of(child_of(each, "startOverride"))) for each in overrides)
    return {int(level or 0): int(start) for level, start in starts if start is not None}
