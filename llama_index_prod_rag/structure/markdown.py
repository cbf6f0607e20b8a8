"""Markdown as CommonMark defines it, read by markdown-it-py, with tables and front matter.

markdown-it gives lines, and blocks are whole lines, so offsets are exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.front_matter import front_matter_plugin

from llama_index_prod_rag.structure.lines import split_lines
from llama_index_prod_rag.structure.sections import nest_sections
from llama_index_prod_rag.structure.tree import Block

_KINDS = {
    "fence": "code",
    "code_block": "code",
    "table_open": "table",
    "tr_open": "row",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "list_item_open": "item",
    "blockquote_open": "quote",
    "front_matter": "front_matter",
    "html_block": "html",
    "hr": "rule",
}
_TRANSPARENT = frozenset({"thead_open", "tbody_open"})
_CELLS = frozenset({"th_open", "td_open"})
# Deeper nesting is left to sentences and lines: no reader gains from it, and it bounds the recursion.
_DEEPEST = 20


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": _DEEPEST}).enable("table").use(front_matter_plugin)
    parser.core.ruler.enableOnly(["normalize", "block"])  # inline markup matters in headings alone
    return parser


@cache
def _inline_parser() -> MarkdownIt:
    return MarkdownIt("commonmark")


@dataclass(slots=True)
class _Open:
    """An element whose end is not reached yet."""

    token: Token | None
    content: str = ""
    children: list[Block] = field(default_factory=list)


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
    blocks: list[tuple[int, Block]] = []
    stack = [_Open(None)]
    for token in _parser().parse(_plain(text)):
        if token.nesting == 1:
            stack.append(_Open(token))
        elif token.type == "inline":
            stack[-1].content = token.content
        else:
            done = stack.pop() if token.nesting == -1 else _Open(token)
            made = _blocks(done, lines)
            stack[-1].children.extend(made)
            if len(stack) == 1:
                level = int(done.token.tag[1]) if done.token is not None and done.token.type == "heading_open" else 0
                blocks.extend((level, block) for block in made)
    return nest_sections(blocks, len(text))


def _plain(text: str) -> str:
    """The text with line ends as markdown-it counts them, line for line."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


class _Lines:
    """Line numbers to offsets, with line ends as CommonMark knows them: LF, CR LF, CR."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._lines = split_lines(text)

    def span(self, token: Token) -> tuple[int, int] | None:
        """First and last character of a token's lines, without blank lines around them; None if all are blank."""
        first, last = token.map or (0, 0)
        lines = self._lines[first:last]
        while lines and lines[-1].blank:
            lines.pop()
        start = next((line.begin for line in lines if not line.blank), None)
        return None if start is None else (start, lines[-1].end)


def _blocks(element: _Open, lines: _Lines) -> Sequence[Block]:
    """What an element gives its parent: a block, its children's blocks, or nothing."""
    token = element.token
    if token is None or token.type in _CELLS:
        return ()
    if token.type in _TRANSPARENT:
        return element.children
    span = lines.span(token)
    if span is None:
        return ()
    if token.type == "heading_open":
        return (Block("heading", *span, title=_heading_text(element.content) or None),)
    kind = _KINDS.get(token.type, "paragraph")
    if kind == "table":
        return (_table(element.children, span, lines.text),)
    return (Block(kind, *span, _inside(element.children, span), metadata=_facts(kind, token)),)


def _facts(kind: str, token: Token) -> Mapping[str, object]:
    language = token.info.split(maxsplit=1)[:1] if kind == "code" else []
    return {"language": language[0]} if language else {}


def _heading_text(content: str) -> str:
    """A heading's words without its markup."""
    parts = [child for token in _inline_parser().parseInline(content) for child in token.children or ()]
    words = "".join(" " if part.type in {"softbreak", "hardbreak"} else part.content for part in parts)
    return " ".join(words.split())


def _inside(children: Sequence[Block], span: tuple[int, int]) -> tuple[Block, ...]:
    """The children in order, without any that would leave their parent; headings in lists and quotes are paragraphs."""
    kept: list[Block] = []
    position = span[0]
    for child in children:
        if position <= child.start and child.end <= span[1]:
            kept.append(Block("paragraph", child.start, child.end) if child.kind == "heading" else child)
            position = child.end
    return tuple(kept)


def _table(rows: Sequence[Block], span: tuple[int, int], text: str) -> Block:
    """A table; its header reaches over the line of dashes below it."""
    names, body = rows[0], tuple(rows[1:])
    until = body[0].start if body else span[1]
    header = Block("table_header", names.start, names.start + len(text[names.start : until].rstrip()), glued=True)
    return Block("table", *span, (header, *body), metadata={"table_header": text[names.start : names.end].strip()})
