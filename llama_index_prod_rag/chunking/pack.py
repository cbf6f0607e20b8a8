"""From units to chunks: the boundaries at the least total cost, overlap, and the count of what will be embedded. Core.

Counts of parts do not quite add up in every tokenizer, so what will be embedded is counted as a whole, and a chunk that
is over the budget after all is cut again at sentences and words until none is.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from llama_index_prod_rag.chunking.leaves import Leaf, holds_word, units_of
from llama_index_prod_rag.chunking.plan import open_fully
from llama_index_prod_rag.chunking.prices import CODE_KINDS
from llama_index_prod_rag.chunking.segmentation import segment
from llama_index_prod_rag.chunking.units import Budget, Chunk, Plan, Unit, common
from llama_index_prod_rag.structure.registry import Reading
from llama_index_prod_rag.structure.tree import Block
from llama_index_prod_rag.text.graphemes import trim

# With vectors, boundaries at topics draw the mean down further. Chosen with the prices, on the chunking benchmark.
_FILL_BY_TOPIC = 0.9
_MOST_OF_A_PART = 0.75
"""Counts of parts may add up to less than the whole; below 3/4 of their sum they cannot be put together again."""
# What only closes: brackets, with a comment that names what they close.
_CLOSER = re.compile(r"[\s\])};,]*(?:(?://|--|#)[^\n]*|/\*[^*]*\*/)?\s*")
_WORD = re.compile(r"\w")


def pack_plans(plans: Sequence[Plan], vectors: NDArray[np.float32] | None = None) -> list[list[Chunk]]:
    """Put the units of each plan together to chunks, none over its budget.

    Args:
        plans: as `plan_text` gives them.
        vectors: a unit vector for each unit of all plans in their order, shape [n, d]; None leaves structure and size
            to decide.

    Returns:
        For each plan its chunks in reading order, no two with the same start. Only a single character can be over the
        budget.
    """
    packed: list[list[Chunk]] = []
    position = 0
    for plan in plans:
        count = len(plan.units)
        part = None if vectors is None else vectors[position : position + count]
        position += count
        done: list[Chunk] = []
        waiting = _chunks(plan.units, plan, plan.budget, part)
        while waiting:
            sizes = plan.counter.count([_render_embedded(plan, chunk) for chunk in waiting])
            parts = [(chunk, _parts(plan, chunk, size)) for chunk, size in zip(waiting, sizes, strict=True)]
            done.extend(chunk for chunk, smaller in parts if len(smaller) < 2)
            waiting = [each for _, smaller in parts if len(smaller) > 1 for each in smaller]
        packed.append(_drop_wordless(plan, sorted(done, key=lambda chunk: chunk.start)))
    return packed


def _drop_wordless(plan: Plan, chunks: list[Chunk]) -> list[Chunk]:
    """Drop the chunks without a word: rules and dotted lines that do not fit beside any text find nothing."""
    text = plan.reading.text
    return [chunk for chunk in chunks if holds_word(text[chunk.start : chunk.end])] or chunks


def _render_embedded(plan: Plan, chunk: Chunk) -> str:
    return plan.envelope.embedded(plan.reading.render(chunk.start, chunk.end), chunk.head.shown)


def _parts(plan: Plan, chunk: Chunk, size: int) -> list[Chunk]:
    """The chunk where its embedded text fits; else what it is cut into, the chunk alone where it cannot be cut."""
    limit, taken = plan.budget.chunk_size, chunk.head.tokens
    if size <= limit:
        return [chunk]
    share = max(0.0, (limit - taken) / max(1, size - taken))
    whole = plan.counter.count([plan.reading.render(chunk.start, chunk.end)])[0]
    added = sum(unit.tokens for unit in _smaller_units(plan, chunk, int(share * whole)))
    room = max(1, int(min(share, _MOST_OF_A_PART) * min(whole, added)))
    units = _smaller_units(plan, chunk, room)
    parts = [_span(plan.reading, units[a:b]) for a, b in _segments(units, Budget(room, fill=1.0))]
    return [Chunk(start, end, chunk.head) for start, end in parts]


def _smaller_units(plan: Plan, chunk: Chunk, room: int) -> list[Unit]:
    """The chunk's units, each taken apart into sentences or lines; what must stay together does."""
    low = bisect_right(plan.units, chunk.start, key=lambda unit: unit.end)
    high = bisect_left(plan.units, chunk.end, key=lambda unit: unit.start)
    leaves = [leaf for unit in plan.units[low:high] for leaf in _smaller_leaves(plan, chunk, unit, max(1, room))]
    return units_of(leaves, plan.reading, plan.counter)


def _smaller_leaves(plan: Plan, chunk: Chunk, unit: Unit, room: int) -> Iterator[Leaf]:
    """What a unit consists of inside a chunk: the leaves of a block that stayed whole, else the stretch itself."""
    block = unit.owners[-1]
    whole = (block.start, block.end) == (unit.start, unit.end)
    stretch = Block(block.kind, unit.start, unit.end)  # of a block whose edge was moved, or of several joined
    parts = open_fully(block, plan.reading.text, unit.cut) if whole else [((stretch,), unit.cut)]
    for owners, cut in parts:
        last = owners[-1]
        start, end = max(last.start, chunk.start), min(last.end, chunk.end)
        if start < end:
            yield Leaf((*owners[:-1], replace(last, start=start, end=end)), room, room, cut)


def _chunks(units: Sequence[Unit], plan: Plan, budget: Budget, vectors: NDArray[np.float32] | None) -> list[Chunk]:
    chunks: list[Chunk] = []
    previous = 0
    for first, last in _segments(units, budget, vectors):
        start, end = _span(plan.reading, units[first:last])
        start = _overlap_start(units, first, start, plan, previous)
        chunks.append(Chunk(start, end, plan.head_of(_owners(units[first:last], plan.reading.text))))
        previous = first
    return chunks


def _segments(
    units: Sequence[Unit], budget: Budget, vectors: NDArray[np.float32] | None = None
) -> Iterator[tuple[int, int]]:
    """First and last unit, exclusive, of each chunk; no chunk reaches over a barrier."""
    edges = [index for index, unit in enumerate(units) if unit.barrier and index > 0]
    for low, high in zip([0, *edges], [*edges, len(units)], strict=True):
        part = None if vectors is None else vectors[low:high]
        starts = [low + start for start in _segment_run(units[low:high], budget, part)]
        yield from zip(starts, [*starts, high][1:], strict=True)


def _segment_run(units: Sequence[Unit], budget: Budget, vectors: NDArray[np.float32] | None) -> list[int]:
    fill = budget.fill if vectors is None else max(budget.fill, _FILL_BY_TOPIC)
    rooms = np.array([unit.room for unit in units], dtype=np.int64)
    overlap = np.array([budget.chunk_overlap if unit.sentence else 0 for unit in units], dtype=np.int64)
    return segment(
        np.array([unit.tokens for unit in units], dtype=np.int64),
        capacity=np.maximum(rooms - overlap, 1),
        mean=max(1.0, fill * (float(np.mean(rooms)) if len(rooms) else 1.0) - budget.chunk_overlap),
        cuts=np.array([unit.cut for unit in units], dtype=np.float64),
        smallest=budget.min_size,
        vectors=vectors,
        cohesion=budget.cohesion,
    )


def _span(reading: Reading, units: Sequence[Unit]) -> tuple[int, int]:
    """Where a chunk begins and ends; code with the indentation of its first line, so that it can be parsed."""
    start, end = trim(reading.text, units[0].start, units[-1].end)
    line = reading.text.rfind("\n", 0, start) + 1
    before = reading.text[line:start]
    in_code = any(block.kind in CODE_KINDS for block in units[0].owners)
    shown = in_code and not before.strip(" \t") and reading.render(line, start) == before
    return (line if shown else start), end


def _owners(units: Sequence[Unit], text: str) -> tuple[Block, ...]:
    """The blocks that hold all of a chunk.

    A bracket that closes the class belongs to it, but a chunk of a method stays that method's.
    """
    last = len(units) - 1
    while last > 0 and _only_closes(text, units[last]):
        last -= 1
    return common(units[0].owners, units[last].owners)


def _only_closes(text: str, unit: Unit) -> bool:
    if not _WORD.search(text, unit.start, unit.end):
        return True
    in_code = unit.owners[-1].kind in CODE_KINDS
    return in_code and text[unit.start] in "])}" and _CLOSER.fullmatch(text, unit.start, unit.end) is not None


def _overlap_start(units: Sequence[Unit], first: int, start: int, plan: Plan, previous: int) -> int:
    """Where a chunk begins that repeats the last sentences of the chunk before, but not all of it."""
    taken, index = 0, first
    if first == 0 or units[first].barrier or not units[first].sentence:
        return start
    path = plan.head_of(units[first].owners).path
    while index - 1 > previous and units[index - 1].sentence and plan.head_of(units[index - 1].owners).path == path:
        taken += units[index - 1].tokens
        if taken > plan.budget.chunk_overlap:
            break
        index -= 1
    return start if index == first else units[index].start
