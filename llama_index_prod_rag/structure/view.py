"""Texts as they are read: a source as it stands, or a view of it with the way back to its characters. Core."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from llama_index_prod_rag.structure.places import Piece, clip
from llama_index_prod_rag.structure.tree import Block


@dataclass(frozen=True, slots=True)
class PlainReading:
    """Holds a text that reads as it stands, with its tree.

    Attributes:
        root: tree of blocks.
        text: the text; slices of it are the chunks.
    """

    root: Block
    text: str

    def render(self, start: int, end: int) -> str:
        """Return `text[start:end]`, for nothing in it is encoded."""
        return self.text[start:end]

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Give the same place: the text is the source."""
        return start, end

    def places(self, start: int, end: int) -> list[Piece]:
        """Give one stretch: each character stands in the source."""
        return [Piece(0, start, end)]

    def facts(self, start: int, end: int) -> Mapping[str, object]:  # noqa: ARG002 - of any slice
        """Give nothing: all that is known stands in the tree."""
        return {}


Merge: TypeAlias = Callable[[Sequence[Mapping[str, str]]], Mapping[str, object]]
"""What is known of neighbors to what holds for all of them."""


class Note(NamedTuple):
    """What is known of a stretch of a view: its page, who says it.

    Attributes:
        start: first character in the view; it ends where the next note starts.
        facts: by name.
    """

    start: int
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class View:
    """What people read of a source that is encoded (a notebook's JSON, a mail's transfer encoding).

    Attributes:
        root: tree of blocks, offsets in `text`.
        text: the view.
        pieces: where it comes from, in order.
        notes: what else is known of its stretches, in order.
        merge: makes one of what is known of several stretches.
    """

    root: Block
    text: str
    pieces: tuple[Piece, ...]
    notes: tuple[Note, ...] = ()
    merge: Merge | None = None

    def render(self, start: int, end: int) -> str:
        """Give the slice of the view."""
        return self.text[start:end]

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Find the stretch of the source that holds all of a slice; a whole piece where it is encoded."""
        places = self.places(start, end) or [self._piece(start)]
        # Not the first and the last: some sources keep their tables behind all paragraphs.
        return min(place.source_start for place in places), max(place.source_end for place in places)

    def places(self, start: int, end: int) -> list[Piece]:
        """Find for each stretch of a slice where it stands in the source."""
        return clip(self.pieces, len(self.text), start, end)

    def facts(self, start: int, end: int) -> Mapping[str, object]:
        """Merge what is known of the stretches that a slice of the view touches."""
        if self.merge is None:
            return {}
        first = max(0, bisect_right(self.notes, start, key=lambda note: note.start) - 1)
        last = bisect_left(self.notes, end, key=lambda note: note.start)
        return self.merge([note.facts for note in self.notes[first:last]])

    def _piece(self, position: int) -> Piece:
        return self.pieces[max(0, bisect_right(self.pieces, position, key=lambda piece: piece.start) - 1)]


class ViewBuilder:
    """Builds a view piece by piece, and remembers which place of the source each piece comes from.

    Examples:
        >>> builder = ViewBuilder()
        >>> builder.add("a", 1, 2)
        >>> builder.add("é", 2, 8)
        >>> view = builder.view(Block("document", 0, 2))
        >>> view.text, view.origin(1, 2)
        ('aé', (2, 8))
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._pieces: list[Piece] = []
        self._notes: list[Note] = []
        self.length = 0

    def add(self, text: str, source_start: int, source_end: int) -> None:
        """Append text that comes from a stretch of the source."""
        if text:
            self._pieces.append(Piece(self.length, source_start, source_end))
            self._parts.append(text)
            self.length += len(text)

    def separate(self, between: str = "\n\n") -> None:
        """Append what parts two stretches, a blank line if nothing else is given, unless nothing stands before it."""
        if self.length:
            position = self._pieces[-1].source_end
            self.add(between, position, position)

    def note(self, facts: Mapping[str, str]) -> None:
        """Note what is known of all that is appended from here on, until the next note."""
        self._notes.append(Note(self.length, facts))

    def view(self, root: Block, merge: Merge | None = None) -> View:
        """Give the view with its tree.

        Args:
            root: the tree, offsets in the view.
            merge: makes one of what was noted of several stretches.
        """
        return View(root, "".join(self._parts), tuple(self._pieces) or (Piece(0, 0, 0),), tuple(self._notes), merge)


def move(block: Block, by: int) -> Block:
    """Move a block and all in it so many characters further on.

    Examples:
        >>> move(Block("list", 0, 4, (Block("item", 0, 4),)), 10).children[0].start
        10
    """
    children = tuple(move(child, by) for child in block.children)
    return replace(block, start=block.start + by, end=block.end + by, children=children)


def move_all(blocks: Sequence[tuple[int, Block]], by: int) -> list[tuple[int, Block]]:
    """Move blocks, which come with the levels of headings, so many characters further on."""
    return [(level, move(block, by)) for level, block in blocks]
