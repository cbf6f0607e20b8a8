"""Chapters of books and plays without markup: `CHAPTER I.` with its title in the line or below it. Core."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import regex

from llama_index_prod_rag.structure.captions import can_stand_alone
from llama_index_prod_rag.structure.numbering import place_of
from llama_index_prod_rag.structure.numerals import roman_value
from llama_index_prod_rag.structure.ordinals import NUMBERS_WRITTEN_OUT
from llama_index_prod_rag.structure.titles import clean_title

# How far out each stands, in the languages of most books without markup.
_RANKS = (
    (1, "volume book buch band livre tome libro livro книга том"),
    (2, "part teil partie parte act akt acte atto acto часть"),
    (3, "chapter letter canto stave kapitel chapitre capítulo capitolo hoofdstuk rozdział глава"),
    (4, "scene szene auftritt scène scena escena"),
)
_RANK = {word: rank for rank, words in _RANKS for word in words.split()} | {"卷": 1, "部": 2, "章": 3, "回": 3, "幕": 2}
_WORDS = "|".join(form for word in _RANK if len(word) > 1 for form in (word.capitalize(), word.upper()))
_WRITTEN = "|".join(form for word in NUMBERS_WRITTEN_OUT for form in (word.capitalize(), word.upper()))
_CHAPTER = regex.compile(
    r"(?:\A|(?<=\n\n)|(?<=\n\r\n)|(?<=\n[ \t]\n))[ \t]*+"
    rf"(?:(?P<word>{_WORDS})[ \t]+(?:(?:THE|the)[ \t])?(?P<number>\d{{1,3}}|[IVXLC]{{1,7}}|{_WRITTEN})\b"
    r"|第(?P<han>[〇零一二三四五六七八九十百\d]{1,5})(?P<sign>[卷部章回幕]))"
    r"[.:：—–-]?[ \t\u3000]*(?P<title>[^\n]{0,100}?)[ \t]*\r?"
    r"(?=\n[ \t]*\r?\n|\n[^\n]{1,100}\n[ \t]*\r?\n|\n?\Z)"
)
# The line below that names the chapter: alone between blank lines, or right below its number.
_BELOW = regex.compile(r"\s*\n(?P<title>[^\n]{2,100}?)[ \t]*\r?\n[ \t]*\r?\n(?=\s*\S)")


class Chapter(NamedTuple):
    """Says where the heading of a chapter stands, how far out, and what it says."""

    start: int
    end: int
    level: int
    title: str


def find_chapters(text: str) -> list[Chapter]:
    r"""Find the headings of chapters; believed where the next number, or the one before, has one of the same kind.

    Examples:
        >>> text = "CHAPTER I.\n\nDown the Hole\n\nAlice fell.\n\nCHAPTER II. Tears\n\nShe cried.\n"
        >>> [(chapter.level, chapter.title) for chapter in find_chapters(text)]
        [(3, 'CHAPTER I. Down the Hole'), (3, 'CHAPTER II. Tears')]
    """
    found = [(_kind(match), _value(match), match) for match in _CHAPTER.finditer(text) if _is_heading(match)]
    kinds = {kind for kind, _, _ in found}
    chosen = {
        start for each in kinds for start in _in_order([(at, match) for kind, at, match in found if kind == each])
    }
    return [_read(text, match) for _, _, match in found if match.start() in chosen]


def _kind(match: regex.Match[str]) -> str:
    return (match["word"] or match["sign"]).lower()


def _value(match: regex.Match[str]) -> float:
    number = (match["number"] or match["han"]).lower()
    return place_of(number) or roman_value(number.upper()) or 0.0


def _is_heading(match: regex.Match[str]) -> bool:
    """Whether a line is nothing but number and title: `Chapter 5 describes it.` is a sentence."""
    title = match["title"].strip(" .")
    return not title or can_stand_alone(title)


def _in_order(same: Sequence[tuple[float, regex.Match[str]]]) -> Iterator[int]:
    """Where those of one kind begin that count on; the first one of a book with no other, if others count on."""
    counting = [pair for pair in pairwise(same) if pair[1][0] == pair[0][0] + 1]
    yield from (match.start() for pair in counting for _, match in pair)
    if counting:
        yield from (match.start() for value, match in same if value == 1)


def _read(text: str, match: regex.Match[str]) -> Chapter:
    start = match.start() + len(match.group()) - len(match.group().lstrip())
    end, title = match.end(), match["title"]
    below = None if title else _BELOW.match(text, match.end())
    if below is not None and can_stand_alone(below["title"]) and _CHAPTER.match(text, below.start("title")) is None:
        end = below.end("title")
    return Chapter(start, start + len(text[start:end].rstrip()), _RANK[_kind(match)], clean_title(text[start:end]))
