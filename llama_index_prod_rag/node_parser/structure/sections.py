"""Headings and the blocks between them, nested into sections."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from llama_index_prod_rag.node_parser.structure.tree import Block


@dataclass(slots=True)
class _Open:
    level: int
    title: str | None
    children: list[Block] = field(default_factory=list)

    def close(self) -> Block:
        return Block("section", self.children[0].start, self.children[-1].end, tuple(self.children), title=self.title)


def nest_sections(blocks: Iterable[tuple[int, Block]], length: int) -> Block:
    """The document whose sections follow from the levels of its headings.

    Args:
        blocks: (level, block) in reading order; level 0 is no heading, 1 the outermost. A heading's `title` becomes its
            section's, and the heading is glued to what follows.
        length: characters of the text.

    Returns:
        The root; a level that is skipped makes no empty section.

    Examples:
        >>> root = nest_sections([(1, Block("heading", 0, 3, title="A")), (0, Block("paragraph", 4, 6))], 6)
        >>> [(block.kind, block.title) for block in root.walk()]
        [('document', None), ('section', 'A'), ('heading', None), ('paragraph', None)]
    """
    stack = [_Open(0, None)]
    for level, block in blocks:
        if level > 0:
            while stack[-1].level >= level:
                closed = stack.pop().close()
                stack[-1].children.append(closed)
            stack.append(_Open(level, block.title))
            block = Block("heading", block.start, block.end, glued=True)  # noqa: PLW2901 - its title is now the section's
        stack[-1].children.append(block)
    while len(stack) > 1:
        closed = stack.pop().close()
        stack[-1].children.append(closed)
    return Block("document", 0, length, tuple(stack[0].children))
