"""What a text is cut with: units, chunks, budgets, and the plan that holds them. Core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llama_index_prod_rag.chunking.heads import Envelope, Head, Path
from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.structure.registry import Reading
from llama_index_prod_rag.structure.tree import Block
from llama_index_prod_rag.text.tokens import TokenCounter


@dataclass(frozen=True, slots=True)
class Chunk:
    """Marks a stretch of a text that makes one node.

    Attributes:
        start: first character, inclusive; overlap included.
        end: last character, exclusive.
        head: headings and facts that hold for all of it, and the metadata that goes with it.
    """

    start: int
    end: int
    head: Head

    @property
    def path(self) -> Path:
        """List the headings above and in it that hold for all of it, outermost first."""
        return self.head.path


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest stretch that the packer moves as a whole.

    Attributes:
        start: first character, inclusive.
        end: last character, exclusive.
        tokens: its size.
        room: most tokens of a chunk that holds it: the chunk size less the metadata that would be embedded with it.
        owners: the blocks around and including it, outermost first.
        cut: price of a chunk boundary before it.
        barrier: whether a chunk must begin here.
        sentence: whether it is prose that may be repeated as overlap.
    """

    start: int
    end: int
    tokens: int
    room: int
    owners: tuple[Block, ...]
    cut: float = 0.0
    barrier: bool = False
    sentence: bool = False


@dataclass(frozen=True, slots=True)
class Budget:
    """Says how large chunks may and should be.

    Attributes:
        chunk_size: most tokens of a chunk with its metadata.
        min_size: chunks below this many tokens are merged with a neighbor where that fits.
        chunk_overlap: most tokens repeated from the chunk before.
        fill: size that chunks are drawn to, as a share of the room for text. Boundaries at paragraphs and topics make
            the mean smaller: about 0.6 of the chunk size.
        cohesion: weight of the sentences' likeness; without vectors it does not matter.
        sentences: whether blocks of prose are always taken apart into sentences, even where they fit.

    Raises:
        ConfigurationError: the smallest size or the overlap is over half of the chunk size.
    """

    chunk_size: int
    min_size: int = 0
    chunk_overlap: int = 0
    fill: float = 0.7
    cohesion: float = 0.0
    sentences: bool = False

    def __post_init__(self) -> None:
        for name, value in (("chunk_overlap", self.chunk_overlap), ("min_size", self.min_size)):
            if 2 * value > self.chunk_size:
                raise ConfigurationError(f"{name} {value} is over half of chunk_size {self.chunk_size}: lower it")


@dataclass(frozen=True, slots=True)
class Plan:
    """A text taken apart and counted, ready to be packed.

    Attributes:
        reading: the text, and how slices of it read.
        units: what is moved as a whole, in reading order.
        heads: the head of a chunk that lies inside a block, by the block's `id`; the units' owners are all in it.
        envelope: what is embedded around the text.
        counter: counts tokens.
        budget: sizes to keep.
    """

    reading: Reading
    units: Sequence[Unit]
    heads: Mapping[int, Head]
    envelope: Envelope
    counter: TokenCounter
    budget: Budget

    @property
    def texts(self) -> list[str]:
        """List what each unit says, for an embedding model that is to find the topics."""
        return [self.reading.render(unit.start, unit.end) for unit in self.units]

    def head_of(self, owners: Sequence[Block]) -> Head:
        """Look up the head of a chunk that lies inside these blocks, outermost first."""
        return self.heads[id(owners[-1])]


def common(one: Sequence[Block], other: Sequence[Block]) -> tuple[Block, ...]:
    """Find the blocks that hold both, outermost first."""
    shared: list[Block] = []
    for left, right in zip(one, other, strict=False):
        if left is not right:
            break
        shared.append(left)
    return tuple(shared)
