"""The tree of blocks that every structure reader makes of a text, and the rules it keeps. Core: offsets only.

A reader is a plain function from a text to the root block. The packer needs nothing else to make chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from llama_index_prod_rag.errors import InputError


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of text with a meaning, and the smaller ones inside it.

    Children lie inside their parent, in order, and do not overlap. Text between children (blank lines, a bracket)
    belongs to the parent; the packer gives it to a neighbouring chunk, so nothing is lost.

    Attributes:
        kind: what it is, in the source's own terms: `document`, `section`, `heading`, `paragraph`, `list`, `item`,
            `table`, `table_header`, `row`, `code`, `quote`, `front_matter`, `function`, `class`, `statement`, `clause`,
            `definition`, `caption`, `reference`, ...
        start: first character, inclusive.
        end: last character, exclusive.
        children: smaller blocks, where to cut when this one does not fit.
        title: adds one step to the heading path of everything inside (a heading's text, a function's signature, a
            clause's number); None adds none.
        metadata: facts for the chunks made from this block alone (`language`, `table_header`, `numbering`, ...).
        dropped: not content: markup, scripts, navigation. It is left out of chunks and listed.
        glued: stays with the block that follows it (a heading with its text, a decorator with its function), unless
            the two do not fit together.
        continues: a part of the sentence before it, such as (b) after "(a) rain;".
    """

    kind: str
    start: int
    end: int
    children: tuple[Block, ...] = ()
    title: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    dropped: bool = False
    glued: bool = False
    continues: bool = False

    def walk(self) -> Iterator[Block]:
        """This block and all below it, in reading order; without recursion, however deep the tree."""
        stack = [self]
        while stack:
            block = stack.pop()
            yield block
            stack.extend(reversed(block.children))


Reader: TypeAlias = Callable[[str], Block]
"""Text to root block; never raises on odd input: what it does not understand is a paragraph."""


def check_tree(root: Block, text: str) -> None:
    """Assert what every reader promises; used by tests.

    Raises:
        InputError: the root does not cover the text, or children leave their parent, overlap or run backwards.

    Examples:
        >>> check_tree(Block("document", 0, 3, (Block("paragraph", 0, 3),)), "abc")
    """
    if (root.start, root.end) != (0, len(text)):
        raise InputError(f"the root covers {root.start}:{root.end} of {len(text)} characters")
    for block in root.walk():
        position = block.start
        for child in block.children:
            if not position <= child.start < child.end <= block.end:
                raise InputError(
                    f"{child.kind} {child.start}:{child.end} does not fit in {block.kind} after {position}"
                )
            position = child.end
