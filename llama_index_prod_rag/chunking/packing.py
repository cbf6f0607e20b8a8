"""From a tree of blocks to chunks under a token budget. Core: knows texts and counts, no LlamaIndex.

1. `plan_units` walks the tree: a block that fits its budget is one unit, never cut; one that does not fit gives the
   units of its children, and in the end sentences, lines, words. Each boundary gets a price from the structure.
2. `pack_units` chooses the boundaries at the least total cost (`segmentation.segment`) and adds overlap.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from llama_index_prod_rag.chunking.segmentation import NEVER, segment
from llama_index_prod_rag.chunking.units import (
    Budget,
    Chunk,
    Overhead,
    Path,
    PlainSource,
    Source,
    Unit,
    common,
    metadata_of,
    path_of,
)
from llama_index_prod_rag.structure.tree import Block
from llama_index_prod_rag.text.graphemes import floor_to_grapheme, is_blank, trim
from llama_index_prod_rag.text.sentences import split_sentences
from llama_index_prod_rag.text.tokens import TokenCounter, prefix_end

# Prices of a boundary, in units of the size term: a chunk half or one and a half the mean size costs 0.25.
_BEFORE_LARGE_SECTION = -4.0  # above all a section that is itself cut should not share chunks with its neighbours
_BEFORE_SECTION = -0.6
_BEFORE_BLOCK = -0.5
_BEFORE_PARAGRAPH = -0.5
_BETWEEN_ITEMS = 0.05
_INSIDE_LIST = 0.5  # before (b) after "(a) rain;": the sentence goes on
_INSIDE_SENTENCE = 2.0
_AFTER_SIGNATURE = NEVER / 10  # where a definition's head does not fit with its body, its decorators stay with the head

# With vectors, boundaries at topics draw the mean down further. Chosen with the prices, on the chunking benchmark.
_FILL_BY_TOPIC = 0.9

_LINE_KINDS = frozenset(
    {
        "class",
        "code",
        "comment",
        "docstring",
        "front_matter",
        "function",
        "math",
        "row",
        "signature",
        "statement",
        "table",
    }
    | {"table_header"}
)
_WORD = re.compile(r"\w")
_SMALLEST_SHARE = 32  # units under 1/32 of the room are joined first: it bounds what the segmentation looks at


def plan_units(root: Block, source: Source, counter: TokenCounter, budget: Budget, overhead: Overhead) -> list[Unit]:
    """The units of a text, in reading order.

    Args:
        root: tree of the text's blocks.
        source: the text.
        counter: counts tokens.
        budget: sizes to keep.
        overhead: tokens taken by metadata.

    Returns:
        Units that together hold every character that is neither white space nor dropped.
    """
    return _Planner(root, source, counter, budget, overhead).units()


class _Planner:
    """State of one walk: sizes of all leaves are counted in one batch before anything is decided."""

    def __init__(self, root: Block, source: Source, counter: TokenCounter, budget: Budget, overhead: Overhead) -> None:
        self._source, self._counter, self._budget, self._overhead = source, counter, budget, overhead
        self._root = _fill_gaps(root, source.text)
        self._sizes = _sizes(self._root, source, counter)
        self._interrupted = _interrupted(self._root) if isinstance(source, PlainSource) else frozenset()
        self._rooms: dict[int, int] = {}
        self._units: list[Unit] = []

    def units(self) -> list[Unit]:
        barrier = False
        # A frame is a block, its owners, and the price of the boundary before it.
        stack: list[tuple[Block, tuple[Block, ...], float]] = [(self._root, (), 0.0)]
        while stack:
            block, above, cut = stack.pop()
            if block.dropped:
                barrier = barrier or isinstance(self._source, PlainSource)
                continue
            owners = (*above, block)
            known = len(self._units)
            if not self._must_open(block, owners) and len(block.children) != 1:
                self._add(block.start, block.end, self._sizes[id(block)], owners, cut)
            elif not block.children:
                self._units.extend(self._split_leaf(block, owners, cut))
            else:
                stack.extend(reversed(self._frames(block, owners, cut)))
            if barrier and len(self._units) > known:
                self._units[known] = replace(self._units[known], barrier=True)
                barrier = False
        return _join_small(_glue(self._units, self._source.text))

    def _must_open(self, block: Block, owners: tuple[Block, ...]) -> bool:
        if self._budget.sentences and block.kind not in _LINE_KINDS:
            return True
        return self._sizes[id(block)] > self._room(owners) or id(block) in self._interrupted

    def _frames(
        self, block: Block, owners: tuple[Block, ...], cut: float
    ) -> list[tuple[Block, tuple[Block, ...], float]]:
        """The children, each with the price of a boundary before it."""
        frames: list[tuple[Block, tuple[Block, ...], float]] = []
        after_large = False
        for child in block.children:
            large = _is_section(child) and self._must_open(child, (*owners, child))
            price = _BEFORE_LARGE_SECTION if large or after_large else _price(block, child)
            frames.append((child, owners, price if frames else cut))
            own_facts = bool(child.metadata) and not child.continues
            after_large = large or (own_facts and self._must_open(child, (*owners, child)))
        return frames

    def _room(self, owners: tuple[Block, ...]) -> int:
        key = id(owners[-1])
        if key not in self._rooms:
            self._rooms[key] = max(1, self._budget.chunk_size - self._overhead(path_of(owners), metadata_of(owners)))
        return self._rooms[key]

    def _add(self, start: int, end: int, tokens: int, owners: tuple[Block, ...], cut: float) -> None:
        if not is_blank(self._source.text, start, end):
            self._units.append(Unit(start, end, tokens, self._room(owners), owners, cut))

    def _split_leaf(self, block: Block, owners: tuple[Block, ...], cut: float) -> list[Unit]:
        room = self._room(owners) - self._budget.chunk_overlap
        spans = _lines(self._source.text, block) if block.kind in _LINE_KINDS else _sentences(self._source.text, block)
        sizes = self._counter.count([self._source.render(start, end) for start, end, _ in spans])
        units: list[Unit] = []
        for (start, end, price), tokens in zip(spans, sizes, strict=True):
            pieces = [(start, end, tokens)]
            if tokens > max(1, room):
                pieces = split_words(self._source, start, end, max(1, room), self._counter)
            for index, (first, last, size) in enumerate(pieces):
                boundary = _INSIDE_SENTENCE if index else price if units else cut
                prose = block.kind not in _LINE_KINDS
                units.append(Unit(first, last, size, self._room(owners), owners, boundary, sentence=prose))
        return units


def _interrupted(root: Block) -> frozenset[int]:
    """Blocks, by identity, that cannot stay whole because something in them is dropped."""
    found: set[int] = set()
    for block in reversed(list(root.walk())):
        if any(child.dropped or id(child) in found for child in block.children):
            found.add(id(block))
    return frozenset(found)


def _is_section(block: Block) -> bool:
    return (block.title is not None or block.kind == "section") and not block.continues


def _price(parent: Block, child: Block) -> float:
    if _is_section(child):
        return _BEFORE_SECTION
    if child.continues:
        return _INSIDE_LIST
    if child.kind in {"item", "row", "statement", "line"}:
        return _BETWEEN_ITEMS
    if child.kind == "sentence":
        return 0.0
    return _BEFORE_PARAGRAPH if parent.kind in {"document", "section"} else _BEFORE_BLOCK


def _fill_gaps(root: Block, text: str) -> Block:
    """The same tree, with what lies between children made a block of its own, so that leaves hold all text.

    What stands before the first child (`class A:`) leads it; what follows the last one (`}`) trails it.
    """
    filled: dict[int, Block] = {}
    for block in reversed(list(root.walk())):
        if not block.children:
            torn = block.dropped and _tears(text, block)
            filled[id(block)] = replace(block, dropped=False) if torn else block
            continue
        children: list[Block] = []
        position = block.start
        for child in block.children:
            if not is_blank(text, position, child.start):
                children.append(_gap(block, text, position, child.start, glued=True))
            children.append(filled[id(child)])
            position = child.end
        if not is_blank(text, position, block.end):
            children[-1] = replace(children[-1], glued=True) if not children[-1].children else children[-1]
            children.append(_gap(block, text, position, block.end, glued=False))
        filled[id(block)] = replace(block, children=tuple(children))
    return filled[id(root)]


def _tears(text: str, block: Block) -> bool:
    """Whether leaving a block out would leave half a grapheme behind: then it stays."""
    return any(floor_to_grapheme(text, edge) != edge for edge in (block.start, block.end))


def _gap(parent: Block, text: str, start: int, end: int, *, glued: bool) -> Block:
    first, last = trim(text, start, end)
    return Block("code" if parent.kind in _LINE_KINDS else "paragraph", first, last, glued=glued)


def _sizes(root: Block, source: Source, counter: TokenCounter) -> dict[int, int]:
    """Tokens of every block by identity: leaves are counted, the others are sums."""
    blocks = [block for block in root.walk() if not block.dropped]
    leaves = [block for block in blocks if not block.children]
    counts = counter.count([source.render(leaf.start, leaf.end) for leaf in leaves])
    sizes = {id(leaf): count for leaf, count in zip(leaves, counts, strict=True)}
    for block in reversed(blocks):
        if block.children:
            sizes[id(block)] = sum(sizes.get(id(child), 0) for child in block.children)
    return sizes


def _sentences(text: str, block: Block) -> list[tuple[int, int, float]]:
    """Sentences of a block of prose with the price of a boundary before each."""
    spans: list[tuple[int, int, float]] = []
    previous = block.start
    for start, end in split_sentences(text, block.start, block.end):
        price = _BEFORE_PARAGRAPH if "\n" in text[previous:start] else 0.0
        spans.append((start, end, price))
        previous = end
    return spans


def _lines(text: str, block: Block) -> list[tuple[int, int, float]]:
    """Lines of a block of code or of a table with the price of a boundary before each."""
    spans: list[tuple[int, int, float]] = []
    position, after_blank = block.start, False
    for line in text[block.start : block.end].splitlines(keepends=True):
        body = line.rstrip()
        if body:
            spans.append((position, position + len(body), _BEFORE_PARAGRAPH if after_blank else 0.0))
        after_blank = not body
        position += len(line)
    return spans


def split_words(source: Source, start: int, end: int, room: int, counter: TokenCounter) -> list[tuple[int, int, int]]:
    """Pieces of a sentence that is too long, cut at blanks; words are cut only where one alone is too long.

    Args:
        source: the text.
        start: first character, inclusive.
        end: last character, exclusive.
        room: most tokens of a piece; words are joined to a quarter of it, which leaves the segmentation a choice.
        counter: counts tokens.

    Returns:
        (start, end, tokens) of each piece.
    """
    text = source.text
    words = _words(text, start, end)
    sizes = counter.count([source.render(first, last) for first, last in words])
    pieces: list[tuple[int, int, int]] = []
    for (first, last), tokens in zip(words, sizes, strict=True):
        if pieces and pieces[-1][2] + tokens <= room // 4:
            pieces[-1] = (pieces[-1][0], last, pieces[-1][2] + tokens)
        elif tokens <= room:
            pieces.append((first, last, tokens))
        else:
            pieces.extend(_split_word(text, first, last, room, counter))
    return pieces


def _words(text: str, start: int, end: int) -> list[tuple[int, int]]:
    words: list[tuple[int, int]] = []
    position = start
    for word in text[start:end].split():
        first = text.index(word, position)
        position = first + len(word)
        if words and floor_to_grapheme(text, first) < first:  # a blank with a combining mark is no place to cut
            words[-1] = (words[-1][0], position)
        else:
            words.append((first, position))
    return words


def _split_word(text: str, start: int, end: int, size: int, counter: TokenCounter) -> list[tuple[int, int, int]]:
    pieces: list[tuple[int, int, int]] = []
    while start < end:
        cut = prefix_end(text, start, end, size, counter)
        pieces.append((start, cut, counter.count([text[start:cut]])[0]))
        start = cut
    return pieces


def _glue(units: list[Unit], text: str) -> list[Unit]:
    """Prices set to NEVER after units whose block stays with what follows, and where a cut would split a grapheme."""
    glued: list[Unit] = units[:1]
    for unit in units[1:]:
        before = glued[-1]
        ends = [block for block in before.owners if block.glued and block.end <= unit.start]
        inside = floor_to_grapheme(text, unit.start) < unit.start or floor_to_grapheme(text, before.end) < before.end
        if (ends or inside) and not unit.barrier:
            weak = not inside and all(block.kind == "signature" for block in ends)
            unit = replace(unit, cut=_AFTER_SIGNATURE if weak else NEVER)  # noqa: PLW2901 - the same unit, dearer
        if inside and before.end == unit.start:
            glued[-1:] = _move_edge(before, unit, floor_to_grapheme(text, unit.start))
        else:
            glued.append(unit)
    return glued


def _move_edge(before: Unit, unit: Unit, edge: int) -> list[Unit]:
    """The units with their common edge moved back to the start of the grapheme that it was in."""
    if edge <= before.start:
        return [replace(before, end=unit.end, tokens=before.tokens + unit.tokens)]
    return [replace(before, end=edge), replace(unit, start=edge, tokens=unit.tokens + 1)]


def _join_small(units: list[Unit]) -> list[Unit]:
    """Neighbours inside one block joined while they are far below the room, so that there are never very many."""
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


def pack_units(
    units: Sequence[Unit], source: Source, budget: Budget, vectors: NDArray[np.float32] | None = None
) -> list[Chunk]:
    """Chunks from units.

    Args:
        units: as `plan_units` gives them.
        source: the text.
        budget: sizes to keep.
        vectors: a unit vector for each unit, shape [n, d]; None leaves structure and size to decide.

    Returns:
        Chunks in reading order, no two with the same start.
    """
    starts: list[int] = []
    edges = [index for index, unit in enumerate(units) if unit.barrier and index > 0]
    for low, high in zip([0, *edges], [*edges, len(units)], strict=True):
        starts.extend(low + start for start in _segment_run(units[low:high], budget, vectors, low))
    return [
        _chunk(units, (previous, first, last), source, budget)
        for previous, first, last in zip([0, *starts], starts, [*starts[1:], len(units)], strict=False)
    ]


def _segment_run(units: Sequence[Unit], budget: Budget, vectors: NDArray[np.float32] | None, offset: int) -> list[int]:
    fill = budget.fill if vectors is None else max(budget.fill, _FILL_BY_TOPIC)
    rooms = np.array([unit.room for unit in units], dtype=np.int64)
    overlap = np.array([budget.chunk_overlap if unit.sentence else 0 for unit in units], dtype=np.int64)
    return segment(
        np.array([unit.tokens for unit in units], dtype=np.int64),
        capacity=np.maximum(rooms - overlap, 1),
        mean=max(1.0, fill * (float(np.mean(rooms)) if len(rooms) else 1.0) - budget.chunk_overlap),
        cuts=np.array([unit.cut for unit in units], dtype=np.float64),
        smallest=budget.min_size,
        vectors=None if vectors is None else vectors[offset : offset + len(units)],
        cohesion=budget.cohesion,
    )


def _chunk(units: Sequence[Unit], bounds: tuple[int, int, int], source: Source, budget: Budget) -> Chunk:
    previous, first, last = bounds
    start, end = trim(source.text, units[first].start, units[last - 1].end)
    # A bracket that closes the class belongs to it, but a chunk of a method stays that method's.
    while last - 1 > first and not _WORD.search(source.text, units[last - 1].start, units[last - 1].end):
        last -= 1
    owners = common(units[first].owners, units[last - 1].owners)
    start = _overlap_start(units, first, start, budget, previous)
    return Chunk(start, end, path_of(owners), metadata_of(owners))


def _overlap_start(units: Sequence[Unit], first: int, start: int, budget: Budget, previous: int) -> int:
    """Where a chunk begins that repeats the last sentences of the chunk before, but not all of it."""
    taken, index = 0, first
    if first == 0 or units[first].barrier or not units[first].sentence:
        return start
    while index - 1 > previous and units[index - 1].sentence and units[index - 1].path == units[first].path:
        taken += units[index - 1].tokens
        if taken > budget.chunk_overlap:
            break
        index -= 1
    return start if index == first else units[index].start


def split_chunk(chunk: Chunk, source: Source, share: float, counter: TokenCounter) -> list[Chunk]:
    """A chunk that turned out too large, cut again at sentences and words.

    Args:
        chunk: what to cut.
        source: the text.
        share: how much of the chunk's tokens a part may have, below 1.
        counter: counts tokens.

    Returns:
        The parts; the chunk alone where it cannot be cut.
    """
    root = Block("paragraph", chunk.start, chunk.end)
    whole = counter.count([source.render(chunk.start, chunk.end)])[0]
    added = sum(unit.tokens for unit in _sentence_units(root, source, int(share * whole), counter))
    # Counts of parts may add up to less than the whole; below 3/4 of their sum they cannot be put together again.
    room = max(1, int(min(share, 0.75) * min(whole, added)))
    parts = pack_units(_sentence_units(root, source, room, counter), source, Budget(room, fill=1.0))
    return [Chunk(part.start, part.end, chunk.path, chunk.metadata) for part in parts] or [chunk]


def _sentence_units(root: Block, source: Source, room: int, counter: TokenCounter) -> list[Unit]:
    return plan_units(root, source, counter, Budget(max(1, room), sentences=True), _no_overhead)


def _no_overhead(path: Path, facts: Mapping[str, object]) -> int:  # noqa: ARG001 - an Overhead
    return 0
