"""Headings and the blocks between them, nested into sections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from llama_index_prod_rag.structure.tree import Block


@dataclass(slots=True)
class _Open:
    """A section whose end is not known yet."""

    level: int
    kind: str = "section"
    title: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    children: list[Block] = field(default_factory=list)
    continues: bool = False

    @classmethod
    def at(cls, level: int, block: Block) -> _Open:
        if block.kind == "heading":
            return cls(level, title=block.title, children=[Block("heading", block.start, block.end, glued=True)])
        return cls(level, block.kind, block.title, block.metadata, list(block.children), block.continues)

    def close(self) -> Block:
        start, end = self.children[0].start, self.children[-1].end
        children = tuple(self.children)
        return Block(self.kind, start, end, children, self.title, self.metadata, continues=self.continues)


def nest_sections(blocks: Iterable[tuple[int, Block]], length: int) -> Block:
    """Build the document whose sections follow from the levels of its headings.

    Args:
        blocks: (level, block) in reading order; level 0 opens nothing, 1 the outermost section. A heading's `title`
            becomes its section's, and the heading is glued to what follows. A block of another kind with a level (a
            clause) is the section itself, begun with its own children, of which there must be one.
        length: characters of the text.

    Returns:
        The root; no empty section stands for a level that is skipped.

    Examples:
        >>> root = nest_sections([(1, Block("heading", 0, 3, title="A")), (0, Block("paragraph", 4, 6))], 6)
        >>> [(block.kind, block.title) for block in root.walk()]
        [('document', None), ('section', 'A'), ('heading', None), ('paragraph', None)]
    """
    stack = [_Open(0)]
    for level, block in blocks:
        if level > 0:
            while stack[-1].level >= level:
                closed = stack.pop().close()
                stack[-1].children.append(closed)
            stack.append(_Open.at(level, block))
        else:
            stack[-1].children.append(block)
    while len(stack) > 1:
        closed = stack.pop().close()
        stack[-1].children.append(closed)
    return Block("document", 0, length, tuple(stack[0].children))
