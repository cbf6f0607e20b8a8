"""A gold set for structure: small documents, which blocks must stay whole, and under which headings words stand.

Chunkers render, strip and join text in their own ways, so only letters and digits are compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

GOLD = Path(__file__).resolve().parent.parent / "tests" / "structure" / "gold"


@dataclass(frozen=True, slots=True)
class GoldDocument:
    """One document and what is right about it.

    Attributes:
        file: its name.
        format: the reader that it is for.
        language: programming language of code.
        text: the document.
        whole: blocks that belong into one chunk.
        paths: (words, headings above them, outermost first); the words stand in the document once.
    """

    file: str
    format: str
    language: str | None
    text: str
    whole: tuple[str, ...]
    paths: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class GoldChunk:
    """A chunk as a chunker gave it, with the heading path in its metadata."""

    text: str
    path: tuple[str, ...] = ()


def load_gold(folder: Path = GOLD) -> list[GoldDocument]:
    """All documents of the gold set, by name."""
    documents = []
    for answers in sorted(folder.glob("*.json")):
        gold = json.loads(answers.read_text(encoding="utf-8"))
        source = next(path for path in folder.glob(f"{answers.stem}.*") if path != answers)
        text = source.read_text(encoding="utf-8")
        whole = tuple(_slice(text, first, last) for first, last in gold["whole"])
        paths = tuple((words, tuple(path)) for words, path in gold["paths"])
        documents.append(GoldDocument(source.name, gold["format"], gold.get("language"), text, whole, paths))
    return documents


def _slice(text: str, first: str, last: str) -> str:
    start = text.index(first)
    return text[start : text.index(last, start) + len(last)]


def is_whole(block: str, chunks: Sequence[GoldChunk]) -> bool:
    """Whether one chunk holds all of a block.

    Examples:
        >>> is_whole("one *two* three", [GoldChunk("zero. One two"), GoldChunk("one two three.")])
        True
    """
    return any(bare(block) in bare(chunk.text) for chunk in chunks)


def knows_path(words: str, path: Sequence[str], chunks: Sequence[GoldChunk]) -> bool:
    """Whether the chunk that holds some words tells the headings above them.

    Each heading must be in the chunk's metadata, or stand in its text before the words, in order; and the metadata may
    name no other.

    Examples:
        >>> knows_path("honey", ["Bees", "Year"], [GoldChunk("Year: take honey", ("Bees",))])
        True
        >>> knows_path("honey", ["Bees", "Year"], [GoldChunk("Year: take honey", ("Wasps",))])
        False
    """
    steps = [bare(step) for step in path]
    return any(_tells(chunk, bare(words), steps) for chunk in chunks if bare(words) in bare(chunk.text))


def _tells(chunk: GoldChunk, words: str, wanted: list[str]) -> bool:
    given = [bare(step) for step in chunk.path]
    before = bare(chunk.text).split(words)[0]
    place = 0
    for step in wanted[len(given) :]:
        found = before.find(step, place)
        if found < 0:
            return False
        place = found + len(step)
    return given == wanted[: len(given)]


def bare(words: str) -> str:
    r"""Letters and digits alone, without tags and commands.

    Examples:
        >>> bare("The <b>Art</b> of $x_1$"), bare("\\emph{Tides}, if a < b")
        ('theartofx1', 'tidesifab')
    """
    return re.sub(r"[\W_]+", "", re.sub(r"\\[a-z]+|</?[a-z][^>]*>", " ", words)).lower()
