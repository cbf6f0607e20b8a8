"""Source code to blocks, by its grammar: functions and classes whole, statements inside them as places to cut.

Every block that begins a line begins with that line's indentation, so that a chunk of code can be read on its own.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from llama_index_prod_rag.errors import MissingExtraError
from llama_index_prod_rag.structure.grammars import GRAMMARS, parse
from llama_index_prod_rag.structure.node_types import (
    BODIES,
    CLASSES,
    COMMENTS,
    CONTAINER_ENDINGS,
    DEFINITIONS,
    ENTRIES,
    PREFIXES,
    STATEMENT_ENDINGS,
    WRAPPERS,
)
from llama_index_prod_rag.structure.records import read_lines
from llama_index_prod_rag.structure.tree import Block

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

_logger = logging.getLogger(__name__)

_UNCUT_BYTES = 80
"""An expression this short is not looked into: no budget is so small."""
_WRAPPING = re.compile(r"(?<=[(\[]) |,? (?=[)\]])")
"""What is left of a list of arguments that stood on lines of their own: `f( x, )`."""
_MAX_DEPTH = 60
"""Statements nested deeper are left whole: comparing, printing or pickling a deeper tree could run out of stack."""
_MAX_TITLE = 160
"""Characters of a signature in the heading path; what is cut off still stands in the text."""
_LONGEST_BANNER = 12
"""Lines of comment that head what follows after a blank line; more are a text of their own."""


def read_code(text: str, language: str) -> Block:
    r"""Functions, classes and statements, with the comments and decorators that belong to them.

    A comment belongs to what it stands on, and a short one with more blank lines above it than below to what follows.

    Args:
        text: the source; syntax errors are passed over, what is inside them is still divided.
        language: one of `GRAMMARS`. Text of another language, or whose grammar is not installed, and text that is none
            of its language at all, is read by its lines: groups between blank lines, what is indented below a line.

    Returns:
        The root block, `metadata={"language": language}`. A `function` or `class` starts at its first decorator or
        comment and its `title` is its signature; its children are these, the `signature`, the `docstring` and the
        units of the body, each a `statement`, `comment`, `function` or `class`. Brackets that close a body belong to
        no child. A key of YAML with a value below it is a `statement` whose title is the key.

    Examples:
        >>> root = read_code("import os\n\n# why\ndef f(x):\n    return x\n", "python")
        >>> [(block.kind, block.title) for block in root.children]
        [('statement', None), ('function', 'def f(x)')]
        >>> [block.kind for block in read_code("MOVE A TO B.\n\nSTOP RUN.\n", "cobol").children]
        ['group', 'group']
    """
    # A lone surrogate becomes one byte, so that every character still starts exactly once.
    source = text.encode("utf-8", "replace")
    tree = _tree(source, language)
    if tree is None:
        return replace(read_lines(text), metadata={"language": language})
    units = _Reader(text, _Offsets.of(text, source)).units([tree.root_node], depth=0)
    return Block("document", 0, len(text), tuple(units), metadata={"language": language})


def _tree(source: bytes, language: str) -> Tree | None:
    if language not in GRAMMARS:
        _warn(f"no grammar for {language!r} (there is one for {', '.join(GRAMMARS)})")
        return None
    try:
        return parse(source, language)
    except MissingExtraError as error:
        _warn(str(error))
        return None


@cache
def _warn(reason: str) -> None:
    """Say once why code is divided without its grammar."""
    _logger.warning("%s: such code is cut by its lines and blank lines", reason)


@dataclass(frozen=True, slots=True)
class _Offsets:
    """Bytes of the UTF-8 source to characters of the text."""

    characters_before: np.ndarray[tuple[int], np.dtype[np.int64]] | None

    @classmethod
    def of(cls, text: str, source: bytes) -> _Offsets:
        if len(text) == len(source):
            return cls(None)
        starts = (np.frombuffer(source, dtype=np.uint8) & 0xC0) != 0x80
        return cls(np.concatenate(([0], np.cumsum(starts))))

    def __call__(self, byte: int) -> int:
        return byte if self.characters_before is None else int(self.characters_before[byte])


@dataclass(frozen=True, slots=True)
class _Reader:
    text: str
    offset: _Offsets

    def units(self, parents: Sequence[Node], depth: int) -> list[Block]:
        """Make blocks for what is inside some nodes; comments and prefixes lead the unit that follows them."""
        units = self._units(parents, depth)
        limits = [*(block.start for block in units), self.offset(parents[-1].end_byte) if parents else 0][1:]
        return [self._with_sign(block, limit) for block, limit in zip(units, limits, strict=True)]

    def _with_sign(self, block: Block, limit: int) -> Block:
        """The block with the semicolon or comma that ends it where the grammar leaves that to its parent."""
        ends = block.end < limit and self.text[block.end] in ";,"
        return replace(block, end=block.end + 1) if ends else block

    def _units(self, parents: Sequence[Node], depth: int) -> list[Block]:
        units: list[Block] = []
        leading: list[Block] = []
        for node in _unit_nodes(parents):
            start, end = self._span(node)
            if start == end:  # characters that the grammar takes for text and Python for white space, such as U+0085
                continue
            is_prefix = node.type in COMMENTS or node.type in PREFIXES
            if leading and leading[-1].kind == "comment" and not self._leads(units, leading, start):
                units += _set_free(leading)
                leading = []
            if node.type in COMMENTS and self._shares_line(leading or units, start):
                run = leading or units
                run[-1] = replace(run[-1], end=end)
            elif is_prefix:
                kind = "comment" if node.type in COMMENTS else "decorator"
                leading.append(Block(kind, start, end, glued=True))
            elif (definition := _definition(node)) is not None:
                units.append(self._definition(node, definition, leading, depth))
                leading = []
            else:
                units += [*leading, self._statement(node, depth)]
                leading = []
        return units + _set_free(leading)

    def _leads(self, units: list[Block], leading: list[Block], start: int) -> bool:
        """Whether comments belong to what starts below: they stand on it, or are further from what is above."""
        first, last = leading[0], leading[-1]
        below = self.text.count("\n", last.end, start)
        if below <= 1:
            return True
        above = self.text.count("\n", units[-1].end, first.start) if units else 0
        return above >= below and self.text.count("\n", first.start, last.end) < _LONGEST_BANNER

    def _statement(self, node: Node, depth: int) -> Block:
        start, end = self._span(node)
        parts = self.units([node], depth + 1) if depth < _MAX_DEPTH and end - start > _UNCUT_BYTES else []
        return Block("docstring" if _is_docstring(node) else "statement", start, end, tuple(parts))

    def _definition(self, node: Node, definition: Node, leading: list[Block], depth: int) -> Block:
        start, end = self._span(node)
        body = _body_nodes(definition)
        parts = self.units(body, depth + 1) if depth < _MAX_DEPTH else []
        first = self.offset(node.start_byte)
        signed = self._after([first, *(self.offset(each.end_byte) for each in _prefixes(node, definition))])
        signature_start = self._line_start(signed)
        signature_end = self._strip_end(signed, parts[0].start if parts else end)
        head = [*leading]
        if signed > first:
            head.append(Block("decorator", start, self._strip_end(start, signed), glued=True))
        head.append(Block("signature", signature_start, signature_end, glued=bool(parts)))
        return Block(
            _kind(definition),
            head[0].start,
            end,
            (*head, *parts),
            title=self._title(signed, self.offset(_head_end(definition, body))),
        )

    def _title(self, start: int, end: int) -> str:
        title = " ".join(self.text[start:end].split()).removesuffix("=>").rstrip(" {:(=")
        title = _WRAPPING.sub("", title.removesuffix(" AS").removesuffix(" as"))
        return title if len(title) <= _MAX_TITLE else title[: _MAX_TITLE - 1] + "…"

    def _span(self, node: Node) -> tuple[int, int]:
        start = self.offset(node.start_byte)
        return self._line_start(start), self._strip_end(start, self.offset(node.end_byte))

    def _line_start(self, position: int) -> int:
        """Where the indentation begins of what begins a line; `position` itself inside a line."""
        start = position
        while start > 0 and self.text[start - 1] in " \t":
            start -= 1
        return start if start == 0 or self.text[start - 1] in "\r\n" else position

    def _strip_end(self, start: int, end: int) -> int:
        return start + len(self.text[start:end].rstrip())

    def _after(self, ends: list[int]) -> int:
        start = max(ends)
        while self.text[start].isspace():
            start += 1
        return start

    def _shares_line(self, before: list[Block], start: int) -> bool:
        return bool(before) and "\n" not in self.text[before[-1].end : start]


def _set_free(leading: list[Block]) -> list[Block]:
    """Comments that lead nothing: the last of them is not glued."""
    return [*leading[:-1], *(replace(block, glued=False) for block in leading[-1:])]


def _unit_nodes(parents: Iterable[Node]) -> Iterator[Node]:
    """The nearest descendants that a cut may stand before: statements, and whatever begins a line of its own."""
    for parent in parents:
        if parent.type in COMMENTS:
            yield parent
            continue
        inside = parent.parent is not None and not _is_container(parent)
        stack = _children(parent, parent.start_point.row if inside else -1)[::-1]
        while stack:
            node, begins_line = stack.pop()
            if node.end_byte > node.start_byte and _is_unit(node, begins_line=begins_line):
                yield node
            elif _is_container(node) or node.end_byte - node.start_byte > _UNCUT_BYTES:
                stack += _children(node, node.start_point.row)[::-1]


def _children(node: Node, row: int) -> list[tuple[Node, bool]]:
    """Children, and whether each begins a line after `row`. Asking nodes for siblings instead would be quadratic."""
    children = []
    for child in node.children:
        children.append((child, child.start_point.row > row))
        row = child.end_point.row
    return children


def _is_unit(node: Node, *, begins_line: bool) -> bool:
    if not node.is_named or _is_container(node):
        return False
    if node.type in COMMENTS or node.type in PREFIXES:
        return True
    return begins_line or (node.type.endswith(STATEMENT_ENDINGS) and "parameter" not in node.type)


def _is_container(node: Node) -> bool:
    return node.type.endswith(CONTAINER_ENDINGS)


def _is_docstring(node: Node) -> bool:
    """A Python string that stands alone as the first statement of its body."""
    return (
        node.type == "expression_statement"
        and [child.type for child in node.children] == ["string"]
        and node.prev_named_sibling is None
    )


def _definition(node: Node) -> Node | None:
    """The function or class with a body that this node is, or wraps."""
    while node.type in WRAPPERS:
        inner = [each for each in node.named_children if each.type in WRAPPERS | DEFINITIONS]
        if len(inner) != 1:
            return None
        node = inner[0]
    return node if node.type in DEFINITIONS and _body_nodes(node) else None


def _kind(definition: Node) -> str:
    if definition.type in ENTRIES:
        return "statement"
    return "class" if definition.type in CLASSES else "function"


def _body_nodes(definition: Node) -> list[Node]:
    """The body, and before it the comments that stand between it and the signature."""
    body = definition.child_by_field_name("body")
    if body is None and definition.type == "type_spec":
        body = definition.child_by_field_name("type")
        body = body if body is not None and body.type in ("struct_type", "interface_type") else None
    if body is None:
        body = next((each for each in definition.named_children if each.type in BODIES), None)
    if body is None or body.end_byte == body.start_byte or (definition.type in ENTRIES and not _is_block(body)):
        return []
    comments = [each for each in definition.children if each.type in COMMENTS and each.end_byte <= body.start_byte]
    return [*comments, body]


def _is_block(value: Node) -> bool:
    """Whether the value of a key has keys or items of its own, in lines below it."""
    return any(each.type in ("block_mapping", "block_sequence") for each in value.named_children)


def _head_end(definition: Node, body: Sequence[Node]) -> int:
    """The byte where the signature ends: before the body, in C++ before what a constructor initialises."""
    lists = [each.start_byte for each in definition.children if each.type == "field_initializer_list"]
    return min([body[0].start_byte, *lists])


def _prefixes(node: Node, definition: Node) -> Iterator[Node]:
    """Decorators and annotations inside a definition or its wrapper."""
    for parent in (node, definition, *(each for each in definition.children[:1] if each.type == "modifiers")):
        yield from (each for each in parent.children if each.type in PREFIXES)
