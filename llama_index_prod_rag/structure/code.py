"""Source code to blocks, by its grammar: functions and classes whole, statements inside them as places to cut.

The grammars come from the single `tree-sitter-<language>` wheels, which carry their parser: nothing is downloaded. The
rules below name node types of all eight languages together; no type means something else in another language.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from llama_index_prod_rag.errors import ConfigurationError, MissingExtraError
from llama_index_prod_rag.structure.tree import Block

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

GRAMMARS = MappingProxyType(
    {
        "python": ("tree_sitter_python", "language"),
        "javascript": ("tree_sitter_javascript", "language"),
        "typescript": ("tree_sitter_typescript", "language_typescript"),
        "tsx": ("tree_sitter_typescript", "language_tsx"),
        "java": ("tree_sitter_java", "language"),
        "go": ("tree_sitter_go", "language"),
        "rust": ("tree_sitter_rust", "language"),
        "c": ("tree_sitter_c", "language"),
        "cpp": ("tree_sitter_cpp", "language"),
    }
)
"""Language -> wheel module and the function in it that returns the grammar."""

_EXTENSIONS = {
    "python": (".py", ".pyi", ".pyw"),
    "javascript": (".js", ".jsx", ".mjs", ".cjs"),
    "typescript": (".ts", ".mts", ".cts"),
    "tsx": (".tsx",),
    "java": (".java",),
    "go": (".go",),
    "rust": (".rs",),
    "c": (".c", ".h"),
    "cpp": (".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx"),
}
_LANGUAGE_OF = {extension: language for language, extensions in _EXTENSIONS.items() for extension in extensions}

_FUNCTIONS = frozenset(
    {
        "arrow_function",
        "compact_constructor_declaration",
        "constructor_declaration",
        "function_declaration",
        "function_definition",
        "function_expression",
        "function_item",
        "generator_function_declaration",
        "method_declaration",
        "method_definition",
    }
)
_CLASSES = frozenset(
    {
        "abstract_class_declaration",
        "annotation_type_declaration",
        "class_declaration",
        "class_definition",
        "class_specifier",
        "enum_declaration",
        "enum_item",
        "enum_specifier",
        "impl_item",
        "interface_declaration",
        "internal_module",
        "mod_item",
        "namespace_definition",
        "record_declaration",
        "struct_item",
        "struct_specifier",
        "trait_item",
        "type_spec",
        "union_item",
        "union_specifier",
    }
)
_WRAPPERS = frozenset(
    {
        "ambient_declaration",
        "decorated_definition",
        "export_statement",
        "expression_statement",
        "field_definition",
        "lexical_declaration",
        "public_field_definition",
        "template_declaration",
        "type_declaration",
        "variable_declaration",
        "variable_declarator",
    }
)
"""Nodes around a single definition that belong to it: `export`, `template <...>`, `const f = (...) => {...}`."""
_COMMENTS = frozenset({"comment", "line_comment", "block_comment"})
_PREFIXES = frozenset(
    {"access_specifier", "annotation", "attribute_item", "decorator", "inner_attribute_item", "marker_annotation"}
)
_CONTAINER_ENDINGS = ("block", "body", "_list", "compound_statement", "ERROR")
_STATEMENT_ENDINGS = ("statement", "declaration", "definition", "_item", "_directive")
_UNCUT_BYTES = 80
"""An expression this short is not looked into: no budget is so small."""
_WRAPPING = re.compile(r"(?<=[(\[]) |,? (?=[)\]])")
"""What is left of a list of arguments that stood on lines of their own: `f( x, )`."""
_MAX_DEPTH = 60
"""Statements nested deeper are left whole: comparing, printing or pickling a deeper tree could run out of stack."""
_MAX_TITLE = 160
"""Characters of a signature in the heading path; what is cut off still stands in the text."""


def language_of(file_name: str) -> str | None:
    """The language that a file name's extension stands for, or None.

    Examples:
        >>> language_of("src/lib.rs"), language_of("notes.txt")
        ('rust', None)
    """
    return _LANGUAGE_OF.get(PurePath(file_name).suffix.lower())


def read_code(text: str, language: str) -> Block:
    r"""Functions, classes and statements, with the comments and decorators that belong to them.

    Args:
        text: the source; syntax errors are passed over, what is inside them is still divided.
        language: one of `GRAMMARS`.

    Returns:
        The root block, `metadata={"language": language}`. A `function` or `class` starts at its first decorator or
        adjoining comment and its `title` is its signature; its children are these, the `signature`, the `docstring`
        and the units of the body, each a `statement`, `comment`, `function` or `class`. Brackets that close a body
        belong to no child.

    Raises:
        ConfigurationError: the language is not known.
        MissingExtraError: the grammar is not installed.

    Examples:
        >>> root = read_code("import os\n\n# why\ndef f(x):\n    return x\n", "python")
        >>> [(block.kind, block.title) for block in root.children]
        [('statement', None), ('function', 'def f(x)')]
    """
    # A lone surrogate becomes one byte, so that every character still starts exactly once.
    source = text.encode("utf-8", "replace")
    tree = _parser(language).parse(source)
    reader = _Reader(text, _Offsets.of(text, source))
    units = reader.units([tree.root_node], depth=0)
    return Block("document", 0, len(text), tuple(units), metadata={"language": language})


@lru_cache(maxsize=len(GRAMMARS))
def _parser(language: str) -> Parser:
    if language not in GRAMMARS:
        raise ConfigurationError(f"no grammar for {language!r}; choose one of {', '.join(GRAMMARS)}")
    module, function = GRAMMARS[language]
    try:
        from tree_sitter import Language, Parser

        grammar = getattr(importlib.import_module(module), function)
    except ImportError:
        raise MissingExtraError(f"reading {language} code", extra="code") from None
    return Parser(Language(grammar()))


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
        """Blocks for what is inside some nodes; comments and prefixes lead the unit that follows them."""
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
            if leading and leading[-1].kind == "comment" and not self._adjoins(leading[-1], start):
                units += _set_free(leading)
                leading = []
            if node.type in _COMMENTS and self._shares_line(leading or units, start):
                run = leading or units
                run[-1] = replace(run[-1], end=end)
            elif node.type in _COMMENTS or node.type in _PREFIXES:
                kind = "comment" if node.type in _COMMENTS else "decorator"
                leading.append(Block(kind, start, end, glued=True))
            elif (definition := _definition(node)) is not None:
                units.append(self._definition(node, definition, leading, depth))
                leading = []
            else:
                units += [*leading, self._statement(node, depth)]
                leading = []
        return units + _set_free(leading)

    def _statement(self, node: Node, depth: int) -> Block:
        start, end = self._span(node)
        parts = self.units([node], depth + 1) if depth < _MAX_DEPTH and end - start > _UNCUT_BYTES else []
        return Block("docstring" if _is_docstring(node) else "statement", start, end, tuple(parts))

    def _definition(self, node: Node, definition: Node, leading: list[Block], depth: int) -> Block:
        start, end = self._span(node)
        body = _body_nodes(definition)
        parts = self.units(body, depth + 1) if depth < _MAX_DEPTH else []
        signature_start = self._after([start, *(self.offset(each.end_byte) for each in _prefixes(node, definition))])
        signature_end = self._strip_end(signature_start, parts[0].start if parts else end)
        head = [*leading]
        if signature_start > start:
            head.append(Block("decorator", start, self._strip_end(start, signature_start), glued=True))
        head.append(Block("signature", signature_start, signature_end, glued=bool(parts)))
        return Block(
            "class" if definition.type in _CLASSES else "function",
            head[0].start,
            end,
            (*head, *parts),
            title=self._title(signature_start, self.offset(_head_end(definition, body))),
        )

    def _title(self, start: int, end: int) -> str:
        title = " ".join(self.text[start:end].split()).removesuffix("=>").rstrip(" {:")
        title = _WRAPPING.sub("", title)
        return title if len(title) <= _MAX_TITLE else title[: _MAX_TITLE - 1] + "…"

    def _span(self, node: Node) -> tuple[int, int]:
        start = self.offset(node.start_byte)
        return start, self._strip_end(start, self.offset(node.end_byte))

    def _strip_end(self, start: int, end: int) -> int:
        return start + len(self.text[start:end].rstrip())

    def _after(self, ends: list[int]) -> int:
        start = max(ends)
        while self.text[start].isspace():
            start += 1
        return start

    def _adjoins(self, block: Block, start: int) -> bool:
        return self.text.count("\n", block.end, start) <= 1

    def _shares_line(self, before: list[Block], start: int) -> bool:
        return bool(before) and "\n" not in self.text[before[-1].end : start]


def _set_free(leading: list[Block]) -> list[Block]:
    """Comments that lead nothing: the last of them is not glued."""
    return [*leading[:-1], *(replace(block, glued=False) for block in leading[-1:])]


def _unit_nodes(parents: Iterable[Node]) -> Iterator[Node]:
    """The nearest descendants that a cut may stand before: statements, and whatever begins a line of its own."""
    for parent in parents:
        if parent.type in _COMMENTS:
            yield parent
            continue
        stack = _children(parent, -1 if parent.parent is None else parent.start_point.row)[::-1]
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
    if node.type in _COMMENTS or node.type in _PREFIXES:
        return True
    return begins_line or (node.type.endswith(_STATEMENT_ENDINGS) and "parameter" not in node.type)


def _is_container(node: Node) -> bool:
    return node.type.endswith(_CONTAINER_ENDINGS)


def _is_docstring(node: Node) -> bool:
    """A Python string that stands alone as the first statement of its body."""
    return (
        node.type == "expression_statement"
        and [child.type for child in node.children] == ["string"]
        and node.prev_named_sibling is None
    )


def _definition(node: Node) -> Node | None:
    """The function or class with a body that this node is, or wraps."""
    while node.type in _WRAPPERS:
        inner = [each for each in node.named_children if each.type in _WRAPPERS | _FUNCTIONS | _CLASSES]
        if len(inner) != 1:
            return None
        node = inner[0]
    return node if node.type in _FUNCTIONS | _CLASSES and _body_nodes(node) else None


def _body_nodes(definition: Node) -> list[Node]:
    """The body, and before it the comments that stand between it and the signature."""
    body = definition.child_by_field_name("body")
    if body is None and definition.type == "type_spec":
        body = definition.child_by_field_name("type")
        body = body if body is not None and body.type in ("struct_type", "interface_type") else None
    if body is None or body.end_byte == body.start_byte:
        return []
    comments = [each for each in definition.children if each.type in _COMMENTS and each.end_byte <= body.start_byte]
    return [*comments, body]


def _head_end(definition: Node, body: Sequence[Node]) -> int:
    """The byte where the signature ends: before the body, in C++ before what a constructor initialises."""
    lists = [each.start_byte for each in definition.children if each.type == "field_initializer_list"]
    return min([body[0].start_byte, *lists])


def _prefixes(node: Node, definition: Node) -> Iterator[Node]:
    """Decorators and annotations inside a definition or its wrapper."""
    for parent in (node, definition, *(each for each in definition.children[:1] if each.type == "modifiers")):
        yield from (each for each in parent.children if each.type in _PREFIXES)
