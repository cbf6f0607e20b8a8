"""From blocks to units: what fits stays whole, the rest gives its sentences, lines, and in the end words. Core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import regex

from llama_index_prod_rag.chunking.prices import (
    AFTER_SIGNATURE,
    BEFORE_LINE,
    BEFORE_PARAGRAPH,
    INSIDE_LINES,
    INSIDE_SENTENCE,
    INSIDE_SENTENCE_AT_LINE,
    LINE_KINDS,
    NO_WORD,
)
from llama_index_prod_rag.chunking.segmentation import NEVER
from llama_index_prod_rag.chunking.units import Unit
from llama_index_prod_rag.structure.registry import Reading
from llama_index_prod_rag.structure.tree import Block
from llama_index_prod_rag.text.graphemes import floor_to_grapheme
from llama_index_prod_rag.text.sentences import split_sentences
from llama_index_prod_rag.text.tokens import TokenCounter, prefix_end

_SMALLEST_SHARE = 32
"""Units under 1/32 of the room are joined first: it bounds what the segmentation looks at, and a boundary that is off
by so little does not show."""

_RULES = regex.compile(r"[\s\x1c-\x1f\p{P}\p{Sm}\p{Sc}\p{Sk}\u2500-\u25ff]*")
"""Punctuation, signs of mathematics and money, accents by themselves, and what boxes are drawn with."""

_FEW_SIGNS = 8
"""Characters without a word that are not worth a piece of their own; rules and dotted lines are longer."""

_WORDS_SHARE = 4
"""Words of a long sentence are joined to a quarter of the room, which leaves the segmentation a choice."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """Holds a block that the walk stopped at.

    Attributes:
        owners: the blocks around and including it, outermost first.
        room: most tokens of a chunk that holds it.
        piece: most tokens of a piece of it, should it be taken apart.
        cut: price of a boundary before it.
        tokens: its size; None where it does not stay whole.
        barrier: whether a chunk must begin here.
        lead: tokens of the titles before it, which its first piece must leave room for.
    """

    owners: tuple[Block, ...]
    room: int
    piece: int
    cut: float = 0.0
    tokens: int | None = None
    barrier: bool = False
    lead: int = 0

    @property
    def prose(self) -> bool:
        """Whether it is taken apart into sentences."""
        return self.tokens is None and self.owners[-1].kind not in LINE_KINDS


def units_of(leaves: Sequence[Leaf], reading: Reading, counter: TokenCounter) -> list[Unit]:
    """Make the units of a text's leaves, in reading order.

    Args:
        leaves: where the walk stopped, in reading order.
        reading: the text, and how slices of it read.
        counter: counts tokens; all leaves in one batch.

    Returns:
        Units that together hold every character of the leaves that is not white space.
    """
    spans = [(leaf, *span) for leaf in leaves for span in _way(leaf)(reading.text, leaf)]
    counted = iter(counter.count([reading.render(start, end) for leaf, start, end, _ in spans if leaf.tokens is None]))
    units: list[Unit] = []
    for leaf, start, end, price in spans:
        tokens = next(counted) if leaf.tokens is None else leaf.tokens
        first_of_leaf = not units or units[-1].owners is not leaf.owners
        piece = max(1, leaf.piece - leaf.lead) if first_of_leaf else leaf.piece
        parts = [(start, end, tokens)]
        if leaf.tokens is None and tokens > piece:
            parts = split_words(reading, start, end, piece, counter)
        for index, (first, last, size) in enumerate(parts):
            cut = _price_inside(reading.text, parts[index - 1][1], first) if index else price
            begins = leaf.barrier and first_of_leaf and index == 0
            units.append(Unit(first, last, size, leaf.room, leaf.owners, cut, barrier=begins, sentence=leaf.prose))
    return _join_small(_seal_rules(_glue(units, reading.text), reading.text))


def holds_word(text: str) -> bool:
    """Whether there is something to find in a text: not where it is rules, borders and punctuation alone.

    Examples:
        >>> holds_word("+----+ ..."), holds_word("| 7 |"), holds_word("🦉")
        (False, True, True)
    """
    return _RULES.fullmatch(text) is None


def _seal_rules(units: Sequence[Unit], text: str) -> list[Unit]:
    """Make the boundaries around units without a word dear."""
    sealed: list[Unit] = []
    after_rule = False
    for unit in units:
        rule = not holds_word(text[unit.start : unit.end])
        dear = (rule or after_rule) and not unit.barrier
        sealed.append(replace(unit, cut=unit.cut + NO_WORD) if dear else unit)
        after_rule = rule
    return sealed


def _way(leaf: Leaf) -> Callable[[str, Leaf], list[tuple[int, int, float]]]:
    """How a leaf is taken apart: a function to stretches of it with the price of a boundary before each."""
    if leaf.tokens is not None:
        return _keep_whole
    return _sentences if leaf.prose else _lines


def _keep_whole(text: str, leaf: Leaf) -> list[tuple[int, int, float]]:  # noqa: ARG001 - one of the ways
    return [(leaf.owners[-1].start, leaf.owners[-1].end, leaf.cut)]


def _sentences(text: str, leaf: Leaf) -> list[tuple[int, int, float]]:
    block = leaf.owners[-1]
    sentences = _join_marks(split_sentences(text, block.start, block.end), text)
    before = [block.start, *(end for _, end in sentences)]
    breaks = [text.count("\n", last, start) for last, (start, _) in zip(before, sentences, strict=False)]
    # Where no blank line divides a stretch, its lines are its paragraphs.
    line = BEFORE_LINE if max(breaks, default=0) > 1 else BEFORE_PARAGRAPH
    prices = {0: 0.0, 1: line}
    spans: list[tuple[int, int, float]] = []
    for last, (start, end), count in zip(before, sentences, breaks, strict=False):
        price = prices.get(count, BEFORE_PARAGRAPH)
        if count == 1 and text[start].islower() and text[last - 1 : last].isalnum():
            price = INSIDE_LINES
        spans.append((start, end, price if spans else leaf.cut))
    return spans


def _join_marks(sentences: Sequence[tuple[int, int]], text: str) -> list[tuple[int, int]]:
    """The sentences, with a few signs by themselves (`>` in an empty line of a quote) made part of the one above."""
    joined: list[tuple[int, int]] = []
    for start, end in sentences:
        if joined and end - start <= _FEW_SIGNS and not holds_word(text[start:end]):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _lines(text: str, leaf: Leaf) -> list[tuple[int, int, float]]:
    spans: list[tuple[int, int, float]] = []
    position, after_blank = leaf.owners[-1].start, False
    for line in text[position : leaf.owners[-1].end].splitlines(keepends=True):
        body = line.rstrip()
        if body:
            price = BEFORE_PARAGRAPH if after_blank else 0.0
            spans.append((position, position + len(body), price if spans else leaf.cut))
        after_blank = not body
        position += len(line)
    return spans


def split_words(reading: Reading, start: int, end: int, room: int, counter: TokenCounter) -> list[tuple[int, int, int]]:
    """Cut a sentence that is too long at blanks; words are cut only where one alone is too long.

    Args:
        reading: the text, and how slices of it read.
        start: first character, inclusive.
        end: last character, exclusive.
        room: most tokens of a piece.
        counter: counts tokens.

    Returns:
        (start, end, tokens) of each piece.
    """
    text = reading.text
    words = _words(text, start, end)
    sizes = counter.count([reading.render(first, last) for first, last in words])
    pieces: list[tuple[int, int, int]] = []
    for (first, last), tokens in zip(words, sizes, strict=True):
        same_line = bool(pieces) and "\n" not in text[pieces[-1][1] : first]
        if same_line and pieces[-1][2] + tokens <= room // _WORDS_SHARE:
            pieces[-1] = (pieces[-1][0], last, pieces[-1][2] + tokens)
        elif tokens <= room:
            pieces.append((first, last, tokens))
        else:
            while first < last:
                cut = prefix_end(text, first, last, room, counter)
                pieces.append((first, cut, counter.count([text[first:cut]])[0]))
                first = cut  # noqa: PLW2901 - the rest of the word
    return pieces


def _price_inside(text: str, end: int, start: int) -> float:
    return INSIDE_SENTENCE_AT_LINE if "\n" in text[end:start] else INSIDE_SENTENCE


def _words(text: str, start: int, end: int) -> list[tuple[int, int]]:
    words: list[tuple[int, int]] = []
    position = start
    for word in text[start:end].split():
        first = text.index(word, position)
        position = first + len(word)
        if words and floor_to_grapheme(text, first) < first:  # a blank with a combining mark is not a place to cut
            words[-1] = (words[-1][0], position)
        else:
            words.append((first, position))
    return words


def _glue(units: Sequence[Unit], text: str) -> list[Unit]:
    """Set prices to NEVER after units whose block stays with what follows, and where a cut would split a grapheme."""
    glued: list[Unit] = list(units[:1])
    for unit in units[1:]:
        before = glued[-1]
        ends = [block for block in before.owners if block.glued and block.end <= unit.start]
        inside = floor_to_grapheme(text, unit.start) < unit.start or floor_to_grapheme(text, before.end) < before.end
        if (ends or inside) and not unit.barrier:
            weak = not inside and all(block.kind == "signature" for block in ends)
            unit = replace(unit, cut=AFTER_SIGNATURE if weak else NEVER)  # noqa: PLW2901 - the same unit, dearer
        if inside and before.end == unit.start:
            glued[-1:] = _move_edge(before, unit, floor_to_grapheme(text, unit.start))
        else:
            glued.append(unit)
    return glued


def _move_edge(before: Unit, unit: Unit, edge: int) -> list[Unit]:
    """Move the common edge of two units back to the start of the grapheme that it was in."""
    if edge <= before.start:
        return [replace(before, end=unit.end, tokens=before.tokens + unit.tokens)]
    return [replace(before, end=edge), replace(unit, start=edge, tokens=unit.tokens + 1)]


def _join_small(units: Sequence[Unit]) -> list[Unit]:
    """Join neighbors inside one block while they are far below the room, so that there are never very many."""
    joined: list[Unit] = []
    for unit in units:
        last = joined[-1] if joined else None
        if (
            last is not None
            and not unit.barrier
            and unit.cut >= 0.0
            and last.tokens + unit.tokens <= min(last.room, unit.room) // _SMALLEST_SHARE
            and last.owners[:-1] == unit.owners[:-1]
        ):
            owners = last.owners if last.owners == unit.owners else last.owners[:-1]
            joined[-1] = replace(last, end=unit.end, tokens=last.tokens + unit.tokens, owners=owners)
        else:
            joined.append(unit)
    return joined
