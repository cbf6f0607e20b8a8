"""From a tree of blocks to units and their prices, under a token budget. Core: knows texts and counts.

The tree is walked from the top: a block that fits its budget is one leaf, never cut; one that does not fit gives the
leaves of its children, and in the end sentences, lines, words (`leaves`). Each boundary gets a price from the structure
(`prices`). What has to be counted is counted in a few batches, before anything is decided.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from llama_index_prod_rag.chunking.heads import Envelope, plan_heads
from llama_index_prod_rag.chunking.leaves import Leaf, units_of
from llama_index_prod_rag.chunking.prices import BEFORE_LARGE_SECTION, LINE_KINDS, is_section, price_before
from llama_index_prod_rag.chunking.titles import glue_titles
from llama_index_prod_rag.chunking.units import Budget, Plan
from llama_index_prod_rag.structure.registry import Reading
from llama_index_prod_rag.structure.tree import Block
from llama_index_prod_rag.text.graphemes import floor_to_grapheme, is_blank, trim
from llama_index_prod_rag.text.tokens import TokenCounter

_Frame = tuple[Block, tuple[Block, ...], float]
"""A block, the blocks around it, and the price of the boundary before it."""

_MOST_OF_A_TITLE = 3
"""Quarters of the room that titles may ask of the block below them: at least one is left for its first words."""


def plan_text(reading: Reading, counter: TokenCounter, budget: Budget, envelope: Envelope | None = None) -> Plan:
    """Take a text apart into units that can be packed.

    Args:
        reading: the text with its tree of blocks, and how slices of it read.
        counter: counts tokens.
        budget: sizes to keep.
        envelope: what is embedded around the text; None for the text and its headings alone.

    Returns:
        The plan; its units together hold every character that is neither white space nor dropped.
    """
    envelope = Envelope() if envelope is None else envelope
    root = _fill_gaps(reading.root, reading.text)
    heads = plan_heads(root, envelope, counter, budget.chunk_size)
    rooms = {block: max(1, budget.chunk_size - head.tokens) for block, head in heads.items()}
    tree = _Tree(root, reading.text, _sizes(root, reading, counter), rooms)
    leaves = _leaves(tree, _choose_to_open(tree, sentences=budget.sentences), budget.chunk_overlap)
    return Plan(reading, units_of(leaves, reading, counter), heads, envelope, counter, budget)


@dataclass(frozen=True, slots=True)
class _Tree:
    """Blocks that hold all of a text, with each block's tokens and the most that a chunk inside it may have."""

    root: Block
    text: str
    sizes: Mapping[int, int]
    rooms: Mapping[int, int]


def _leaves(tree: _Tree, opened: AbstractSet[int], overlap: int) -> list[Leaf]:
    """Walk from the top to the blocks that stay whole or have nothing smaller in them."""
    leaves: list[Leaf] = []
    barrier, lead = False, 0
    stack: list[_Frame] = [(tree.root, (), 0.0)]
    while stack:
        block, above, cut = stack.pop()
        blank = is_blank(tree.text, block.start, block.end)
        # What is dropped is blanked out where a text renders; where its slices are the chunks, it still stands there.
        if block.dropped or blank:
            barrier = barrier or not blank
            continue
        size, room = tree.sizes[id(block)], tree.rooms[id(block)]
        lead = min(lead, room * _MOST_OF_A_TITLE // 4)
        fits = id(block) not in opened and (size + lead <= room or block.kind in LINE_KINDS)
        if block.children and (len(block.children) == 1 or not fits):
            stack.extend(reversed(_frames(block, (*above, block), cut, opened)))
            continue
        piece = max(1, room - overlap)
        leaves.append(Leaf((*above, block), room, piece, cut, size if fits else None, barrier=barrier, lead=lead))
        barrier = False
        lead = lead + size if block.glued and block.kind not in LINE_KINDS else 0
    return leaves


def open_fully(block: Block, text: str, cut: float) -> Iterator[tuple[tuple[Block, ...], float]]:
    """Walk down to the blocks without children inside one of a plan's, in reading order.

    Args:
        block: what turned out too large to stay whole.
        text: the text that it lies in.
        cut: price of a boundary before it.

    Yields:
        The blocks around and including each, outermost first, and the price of a boundary before it.
    """
    stack: list[_Frame] = [(block, (), cut)]
    while stack:
        inner, above, price = stack.pop()
        if inner.dropped or is_blank(text, inner.start, inner.end):
            continue
        if inner.children:
            stack.extend(reversed(_frames(inner, (*above, inner), price, frozenset())))
        else:
            yield (*above, inner), price


def _frames(block: Block, owners: tuple[Block, ...], cut: float, opened: AbstractSet[int]) -> list[_Frame]:
    """The children, each with the price of a boundary before it."""
    frames: list[_Frame] = []
    after_large = False
    for child in block.children:
        large = is_section(child) and id(child) in opened
        price = BEFORE_LARGE_SECTION if large or after_large else price_before(block, child)
        frames.append((child, owners, price if frames else cut))
        own_facts = bool(child.metadata) and not child.continues
        after_large = large or (own_facts and id(child) in opened)
    return frames


def _choose_to_open(tree: _Tree, *, sentences: bool) -> AbstractSet[int]:
    """The blocks, by identity, that do not stay whole: too large, prose to be cut anyway, or with a hole in them."""
    opened: set[int] = set()
    holes: set[int] = set()
    for block in reversed(list(tree.root.walk())):
        own = id(block)
        if any(id(child) in holes or _leaves_a_hole(child, tree.text) for child in block.children):
            holes.add(own)
        prose = sentences and block.kind not in LINE_KINDS
        if prose or own in holes or tree.sizes.get(own, 0) > tree.rooms[own]:
            opened.add(own)
    return opened


def _leaves_a_hole(block: Block, text: str) -> bool:
    return block.dropped and not is_blank(text, block.start, block.end)


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
        filled[id(block)] = replace(block, children=tuple(glue_titles(children, text)))
    return filled[id(root)]


def _tears(text: str, block: Block) -> bool:
    """Whether leaving a block out would leave half a grapheme behind: then it stays."""
    return any(floor_to_grapheme(text, edge) != edge for edge in (block.start, block.end))


def _gap(parent: Block, text: str, start: int, end: int, *, glued: bool) -> Block:
    first, last = trim(text, start, end)
    return Block("code" if parent.kind in LINE_KINDS else "paragraph", first, last, glued=glued)


def _sizes(root: Block, reading: Reading, counter: TokenCounter) -> dict[int, int]:
    """Tokens of every block by identity: leaves are counted, the others are sums."""
    blocks = [block for block in root.walk() if not block.dropped]
    leaves = [block for block in blocks if not block.children]
    counts = counter.count([reading.render(leaf.start, leaf.end) for leaf in leaves])
    sizes = {id(leaf): count for leaf, count in zip(leaves, counts, strict=True)}
    for block in reversed(blocks):
        if block.children:
            sizes[id(block)] = sum(sizes.get(id(child), 0) for child in block.children)
    return sizes
