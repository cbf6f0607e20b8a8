"""What the packer works with: texts that render, units of text, chunks, budgets. Core: no LlamaIndex."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.structure.tree import Block

Path = tuple[str, ...]


class Source(Protocol):
    """A text to be cut, and how its slices read.

    Attributes:
        text: what offsets count in; markup that is not content is blanked out, character for character.
    """

    @property
    def text(self) -> str:
        """The text in which sentences, lines and words are looked for."""
        ...

    def render(self, start: int, end: int) -> str:
        """The slice as the chunk shows it."""
        ...


@dataclass(frozen=True, slots=True)
class PlainSource:
    """A text whose slices are the chunks."""

    text: str

    def render(self, start: int, end: int) -> str:
        """The slice itself."""
        return self.text[start:end]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of the source that makes one node.

    Attributes:
        start: first character, inclusive; overlap included.
        end: last character, exclusive.
        path: headings above and in it that hold for all of it, outermost first.
        metadata: facts of the blocks that hold all of it.
    """

    start: int
    end: int
    path: Path = ()
    metadata: Mapping[str, object] = field(default_factory=dict)


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

    @property
    def path(self) -> Path:
        """Headings above it."""
        return path_of(self.owners)


@dataclass(frozen=True, slots=True)
class Budget:
    """How large chunks may and should be.

    Attributes:
        chunk_size: most tokens of a chunk with its metadata.
        min_size: chunks below this many tokens are merged with a neighbour where that fits.
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


Overhead = Callable[[Path, Mapping[str, object]], int]
"""Tokens of the metadata that a chunk with this heading path and these facts is embedded with."""


def path_of(blocks: Sequence[Block]) -> Path:
    """The heading path that blocks, one inside the other, give."""
    return tuple(block.title for block in blocks if block.title is not None)


def metadata_of(blocks: Sequence[Block]) -> dict[str, object]:
    """The facts that blocks, one inside the other, give; inner ones win."""
    return {key: value for block in blocks for key, value in block.metadata.items()}


def common(one: Sequence[Block], other: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks that hold both, outermost first."""
    shared: list[Block] = []
    for left, right in zip(one, other, strict=False):
        if left is not right:
            break
        shared.append(left)
    return tuple(shared)
