"""Markdown as CommonMark defines it, read by markdown-it-py, with tables and front matter.

markdown-it gives lines, and blocks are whole lines, so offsets are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from mdit_py_plugins.front_matter import front_matter_plugin

from llama_index_prod_rag.node_parser.structure.lines import split_lines
from llama_index_prod_rag.node_parser.structure.sections import nest_sections
from llama_index_prod_rag.node_parser.structure.tree import Block

_KINDS = {
    "paragraph": "paragraph",
    "fence": "code",
    "code_block": "code",
    "table": "table",
    "bullet_list": "list",
    "ordered_list": "list",
    "list_item": "item",
    "blockquote": "quote",
    "front_matter": "front_matter",
    "html_block": "html",
    "hr": "rule",
}
# Deeper nesting is left to sentences and lines: no reader gains from it, and it bounds the recursion.
_DEEPEST = 20


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"maxNesting": _DEEPEST}).enable("table").use(front_matter_plugin)


def read_markdown(text: str) -> Block:
    r"""The tree of a Markdown text.

    Sections carry their heading as `title`; fences and indented code are `code` with their `language`; a table's rows
    are its children, and its header is in the metadata as `table_header`.

    Examples:
        >>> root = read_markdown("# Guide\n\nSetup\n-----\n~~~sh\n# no heading\n~~~\n")
        >>> [(block.kind, block.title or block.metadata.get("language")) for block in root.walk()][1:]
        [('section', 'Guide'), ('heading', None), ('section', 'Setup'), ('heading', None), ('code', 'sh')]
    """
    lines = _Lines(text)
    tree = SyntaxTreeNode(_parser().parse(_plain(text)))
    blocks: list[tuple[int, Block]] = []
    for node in tree.children:
        if node.map is None:
            continue
        level = int(node.tag[1]) if node.type == "heading" else 0
        block = _heading(node, lines) if level else _block(node, lines)
        if block is not None:
            blocks.append((level, block))
    return nest_sections(blocks, len(text))


def _plain(text: str) -> str:
    """The text with line ends as markdown-it counts them, line for line."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


class _Lines:
    """Line numbers to offsets, with line ends as CommonMark knows them: LF, CR LF, CR."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._lines = split_lines(text)

    def span(self, node: SyntaxTreeNode) -> tuple[int, int] | None:
        """First and last character of a node's lines, without blank lines around them; None if all are blank."""
        first, last = node.map or (0, 0)
        lines = [line for line in self._lines[first:last] if not line.blank]
        return (lines[0].begin, lines[-1].end) if lines else None


def _heading(node: SyntaxTreeNode, lines: _Lines) -> Block | None:
    span = lines.span(node)
    if span is None:
        return None
    inline = node.children[0] if node.children else None
    title = _inline_text(inline) if inline is not None else ""
    return Block("heading", *span, title=" ".join(title.split()) or None)


def _inline_text(node: SyntaxTreeNode) -> str:
    """A heading's words without its markup."""
    if node.type in {"text", "code_inline"}:
        return node.content
    if node.type in {"softbreak", "hardbreak"}:
        return " "
    return "".join(_inline_text(child) for child in node.children)


def _block(node: SyntaxTreeNode, lines: _Lines) -> Block | None:
    span = lines.span(node)
    if span is None:
        return None
    kind = _KINDS.get(node.type, "paragraph")
    metadata: Mapping[str, object] = {}
    children: tuple[Block, ...] = ()
    if kind == "table":
        children, metadata = _table(node, lines)
    elif kind == "code":
        language = node.info.split(maxsplit=1)[0] if node.info.strip() else ""
        metadata = {"language": language} if language else {}
    elif kind in {"list", "item", "quote"}:
        children = _children(node, lines, span)
    return Block(kind, *span, children, metadata=metadata)


def _children(node: SyntaxTreeNode, lines: _Lines, span: tuple[int, int]) -> tuple[Block, ...]:
    children: list[Block] = []
    position = span[0]
    for child in node.children:
        block = _block(child, lines) if child.map is not None else None
        if block is not None and position <= block.start and block.end <= span[1]:
            children.append(block)
            position = block.end
    return tuple(children)


def _table(node: SyntaxTreeNode, lines: _Lines) -> tuple[tuple[Block, ...], Mapping[str, object]]:
    rows = [row for part in node.children for row in part.children]
    spans = [span for row in rows if (span := lines.span(row)) is not None]
    if not spans:
        return (), {}
    header_end = spans[1][0] if len(spans) > 1 else lines.span(node)[1]  # type: ignore[index]  # the table is not blank
    start, end = spans[0][0], spans[0][0] + len(lines.text[spans[0][0] : header_end].rstrip())
    header = Block("table_header", start, end, glued=True)
    body = tuple(Block("row", *span) for span in spans[1:])
    return (header, *body), {"table_header": lines.text[spans[0][0] : spans[0][1]].strip()}
