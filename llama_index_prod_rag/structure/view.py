"""Texts as they are read: a source as it stands, or a view of it with the way back to its characters. Core."""

from __future__ import annotations

from dataclasses import dataclass

from llama_index_prod_rag.structure.tree import Block


@dataclass(frozen=True, slots=True)
class PlainReading:
    """A text that reads as it stands.

    Attributes:
        root: tree of blocks.
        text: the text; slices of it are the chunks.
    """

    root: Block
    text: str

    def render(self, start: int, end: int) -> str:
        """The slice itself."""
        return self.text[start:end]
