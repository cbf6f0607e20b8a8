"""Markdown as CommonMark defines it, read by markdown-it-py, with tables, front matter and the HTML in it.

markdown-it gives lines, and blocks are whole lines, so offsets are exact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from llama_index_prod_rag.structure.lines import split_lines
from llama_index_prod_rag.structure.markdown_rules import site_rules, title_of
from llama_index_prod_rag.structure.markup_in_text import html_blocks
from llama_index_prod_rag.structure.sections import nest_sections
from llama_index_prod_rag.structure.titles import clean_title, glue_titles
from llama_index_prod_rag.structure.tree import Block

_KINDS = {
    "fence": "code",
    "liquid": "code",
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
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--.*?-->", re.DOTALL)
_WORD = re.compile(r"\w")
# Lines of a quote between its paragraphs, down to the last of them.
_EMPTY_QUOTED = re.compile(r"(?:[ \t]*\r?\n[ \t]*>[> \t]*(?=\r?\n|\Z))+")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": _DEEPEST}).enable("table").use(site_rules)
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
    r"""Read a Markdown text into a tree of blocks.

    Sections carry their heading as `title`, also where it is written in HTML; the title in the front matter is the
    document's. Fences and indented code are `code` with their `language`; a table's rows are its children, and its
    header is in the metadata as `table_header`, for Markdown's tables and for those in HTML.

    Examples:
        >>> root = read_markdown("# Guide\n\nSetup\n-----\n~~~sh\n# no heading\n~~~\n")
        >>> [(block.kind, block.title or block.metadata.get("language")) for block in root.walk()][1:]
        [('section', 'Guide'), ('heading', None), ('section', 'Setup'), ('heading', None), ('code', 'sh')]
        >>> read_markdown("---\ntitle: Cron jobs\n---\nThey run.").title
        'Cron jobs'
    """
    blocks, title = markdown_blocks(text)
    return replace(nest_sections(blocks, len(text)), title=title)


def markdown_blocks(text: str) -> tuple[list[tuple[int, Block]], str | None]:
    """Read the blocks of a Markdown text with the levels of headings, and the title that its front matter gives it."""
    lines = _Lines(text)
    blocks: list[tuple[int, Block]] = []
    title: str | None = None
    stack = [_Open(None)]
    for token in _parser().parse(_unify_line_ends(text)):
        if token.nesting == 1:
            stack.append(_Open(token))
        elif token.type == "inline":
            stack[-1].content = token.content
        else:
            done = stack.pop() if token.nesting == -1 else _Open(token)
            made = _blocks(done, lines)
            stack[-1].children.extend(block for _, block in made)
            blocks.extend(made if len(stack) == 1 else ())
            title = title_of(token.content) if token.type == "front_matter" else title
    return glue_titles(_join_anchors(blocks, text), lines.words), _choose_title(title, blocks)


def _unify_line_ends(text: str) -> str:
    """The text with line ends as markdown-it counts them, line for line."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _choose_title(title: str | None, blocks: Sequence[tuple[int, Block]]) -> str | None:
    """The document's title, or None where a heading above all others takes its place."""
    levels = [level for level, _ in blocks if level > 0]
    return None if levels[:1] == [1] and levels.count(1) == 1 else title


class _Lines:
    """The text, and line numbers to offsets, with line ends as CommonMark knows them: LF, CR LF, CR."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._lines = split_lines(text)

    def words(self, block: Block) -> str:
        """Read what a block says, as it is written."""
        return self.text[block.start : block.end]

    def span(self, token: Token) -> tuple[int, int] | None:
        """First and last character of a token's lines, without blank lines around them; None if all are blank."""
        first, last = token.map or (0, 0)
        lines = self._lines[first:last]
        while lines and lines[-1].blank:
            lines.pop()
        start = next((line.begin for line in lines if not line.blank), None)
        return None if start is None else (start, lines[-1].end)

    def reach(self, end: int, limit: int) -> int:
        """Find where a block inside a quote ends: the lines below it that hold nothing but `>` are part of it."""
        match = _EMPTY_QUOTED.match(self.text, end, limit)
        return end if match is None else match.end()


def _blocks(element: _Open, lines: _Lines) -> Sequence[tuple[int, Block]]:
    """What an element gives its parent, with the levels of headings: a block, its children's blocks, or nothing."""
    token = element.token
    if token is not None and token.type in _TRANSPARENT:
        return [(0, child) for child in element.children]
    span = None if token is None or token.type in _CELLS else lines.span(token)
    if token is None or span is None:
        return ()
    if token.type == "heading_open":
        return ((int(token.tag[1]), Block("heading", *span, title=_heading_text(element.content) or None)),)
    if token.type == "html_block":
        return html_blocks(lines.text, *span)
    kind = _KINDS.get(token.type, "paragraph")
    if kind == "table":
        return ((0, _table(element.children, span, lines.text)),)
    return ((0, Block(kind, *span, _keep_inside(element.children, span, lines), metadata=_facts(kind, token))),)


def _facts(kind: str, token: Token) -> Mapping[str, object]:
    language = token.info.split(maxsplit=1)[:1] if kind == "code" else []
    return {"language": language[0]} if language else {}


def _heading_text(content: str) -> str:
    """A heading's words without its markup."""
    parts = [child for token in _inline_parser().parseInline(content) for child in token.children or ()]
    words = "".join(_render_inline(part) for part in parts if part.type != "image")
    # What stands for a picture is its title where there is no other.
    return clean_title(words if words.strip() else "".join(map(_render_inline, parts)))


def _render_inline(part: Token) -> str:
    if part.type == "html_inline":
        return " " if _BREAK.fullmatch(part.content) else ""
    return " " if part.type in {"softbreak", "hardbreak"} else part.content


def _join_anchors(blocks: Sequence[tuple[int, Block]], text: str) -> list[tuple[int, Block]]:
    """The blocks, with anchors (`<a id="use"></a>`) and other tags without a word made part of the heading below."""
    joined: list[tuple[int, Block]] = []
    for level, block in blocks:
        start = block.start
        while level and joined and joined[-1][0] == 0 and _is_anchor(joined[-1][1], text):
            start = joined.pop()[1].start
        joined.append((level, block if start == block.start else replace(block, start=start)))
    return joined


def _is_anchor(block: Block, text: str) -> bool:
    words = text[block.start : block.end]
    return block.kind in {"html", "paragraph"} and words[0] == "<" and not _WORD.search(_TAG.sub("", words))


def _keep_inside(children: Sequence[Block], span: tuple[int, int], lines: _Lines) -> tuple[Block, ...]:
    """The children in order, without any that would leave their parent; headings in lists and quotes are paragraphs."""
    kept: list[tuple[int, Block]] = []
    position = span[0]
    for child in children:
        if position <= child.start and child.end <= span[1]:
            position = lines.reach(child.end, span[1])
            if child.kind == "heading":
                child = Block("paragraph", child.start, position)  # noqa: PLW2901 - the same block, read otherwise
            elif position > child.end:
                child = replace(child, end=position)  # noqa: PLW2901 - the same block, up to where it reaches
            kept.append((0, child))
    return tuple(block for _, block in glue_titles(kept, lines.words)) if kept else ()


def _table(rows: Sequence[Block], span: tuple[int, int], text: str) -> Block:
    """A table; its header reaches over the line of dashes below it."""
    names, body = rows[0], tuple(rows[1:])
    until = body[0].start if body else span[1]
    header = Block("table_header", names.start, names.start + len(text[names.start : until].rstrip()), glued=True)
    told = text[names.start : names.end].strip()
    named = any(map(str.isalnum, told))  # Markdown has no table without a header; one that says nothing stands for none
    return Block("table", *span, (header, *body), metadata={"table_header": told} if named else {})
