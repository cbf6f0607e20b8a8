"""HTML: text in reading order, inline tags inside their sentence; lists, tables and preformatted text as blocks.

Offsets count in the source. A slice of it reads as `HtmlText.render` says: without tags, references resolved, blanks
collapsed, one line per row or item. What is not content (scripts, styles, navigation) is left out and listed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

import regex

from llama_index_prod_rag.structure.html_cells import CELL, Rows
from llama_index_prod_rag.structure.html_tokens import Token, dropped_elements, tokenize
from llama_index_prod_rag.structure.places import Piece, clip
from llama_index_prod_rag.structure.sections import nest_sections
from llama_index_prod_rag.structure.titles import clean_title, glue_titles
from llama_index_prod_rag.structure.tree import Block

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_FRAMES = {
    "ul": "list",
    "ol": "list",
    "dl": "list",
    "menu": "list",
    "li": "item",
    "dt": "item",
    "dd": "item",
    "table": "table",
    "tr": "row",
    "blockquote": "quote",
    "footer": "footer",
    "pre": "code",
    **dict.fromkeys(_HEADINGS, "heading"),
    "caption": "caption",
    "figcaption": "caption",
}
_BLOCKS = frozenset(_FRAMES) | {
    *("address", "article", "aside", "body", "center", "details", "div", "fieldset", "figure", "footer", "form"),
    *("header", "hgroup", "hr", "html", "legend", "main", "option", "p", "search", "section", "select", "summary"),
    *("tbody", "tfoot", "thead", "title", "textarea", "video"),
}
_BOLD = frozenset({"b", "strong"})
_LONGEST_TITLE = 300  # characters of source
_SPACE = regex.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class _Run:
    """What a stretch of the source shows: text as it stands where `shown` is None, else `shown` in one piece."""

    start: int
    end: int
    shown: str | None
    preformatted: bool = False  # of a cell: whether all cells before it in its row are empty


class HtmlText:
    """An HTML source: its tree, what it leaves out, and how slices of it read.

    Attributes:
        root: tree of blocks, offsets in the source.
        dropped: elements that are not content, with their names as `kind`.
        text: the source with everything but text blanked out, character for character.

    Examples:
        >>> page = HtmlText("<h1>Owls</h1><p>They <b>hunt</b> &amp; hear.</p><script>x()</script>")
        >>> [(block.kind, page.render(block.start, block.end)) for block in page.root.children[0].children]
        [('heading', 'Owls'), ('paragraph', 'They hunt & hear.')]
        >>> [(block.kind, block.start) for block in page.dropped]
        [('script', 48)]
    """

    def __init__(self, source: str) -> None:
        self._source = source
        tokens = tokenize(source)
        dropped = dropped_elements(tokens, source)
        self.dropped = tuple(
            Block(name, tokens[first].start, tokens[last].end, dropped=True) for first, last, name in dropped
        )
        kept = _drop_tokens(tokens, dropped)
        self._runs = _runs(kept, source)
        self._starts = [run.start for run in self._runs]
        self.text = _mask(source, self._runs)
        self.root = _Builder(self).build(kept)

    def render(self, start: int, end: int) -> str:
        """Render a slice of the source as people read it."""
        return self._show(start, end).text()

    def places(self, start: int, end: int) -> list[Piece]:
        """Find for each stretch of `render(start, end)` where it stands in the source."""
        return self._show(start, end).pieces(self._source)

    def _show(self, start: int, end: int) -> _Shown:
        shown = _Shown()
        for run in self._runs[max(0, bisect_right(self._starts, start) - 1) : bisect_left(self._starts, end)]:
            if run.shown is None:
                first, last = max(start, run.start), min(end, run.end)
                shown.add(self._source[first:last], first, last, preformatted=run.preformatted)
            elif start <= run.start < end:
                shown.add_separator(run.shown) if _is_separator(run.shown) else shown.add(
                    run.shown, run.start, run.end, preformatted=run.shown != " "
                )
        return shown

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Give the same place: offsets count in the source."""
        return start, end

    def facts(self, start: int, end: int) -> Mapping[str, object]:  # noqa: ARG002 - of any slice
        """Give nothing: all that is known stands in the tree."""
        return {}

    def __len__(self) -> int:
        return len(self._source)


_SEPARATORS = frozenset({"\n", "\n\n", "\n- "})


def _is_separator(shown: str) -> bool:
    return shown in _SEPARATORS or shown.startswith(CELL)


class _Shown:
    """Text under construction: blanks collapse across runs, line breaks do not pile up."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._places: list[tuple[int, int, bool]] = []  # of each part in the source, and whether it stands there
        self._pending = ""

    def add(self, text: str, start: int, end: int, *, preformatted: bool) -> None:
        place = (start, end, end - start == len(text))  # a reference is longer than what it stands for
        if not preformatted:
            text = _SPACE.sub(" ", text)
            if not self._parts or self._pending or self._parts[-1][-1:].isspace():
                text = text.removeprefix(" ")
        if text:
            if self._parts:
                self._flush(start)
            elif CELL in self._pending:  # a row that begins with empty cells
                self._parts.append(self._pending[self._pending.index(CELL) :])
                self._places.append((start, start, False))
            self._pending = ""
            self._parts.append(text)
            self._places.append(place)

    def _flush(self, until: int) -> None:
        if self._pending:
            self._parts[-1] = self._parts[-1].rstrip(" ")
            self._parts.append(self._pending)
            self._places.append((self._places[-1][1], until, False))

    def add_separator(self, mark: str) -> None:
        if mark.startswith(CELL):  # an empty cell keeps its column
            self._pending += mark
            return
        line = self._pending.split(CELL)[0]
        self._pending = max(line, mark, key=_STRENGTH.index)

    def text(self) -> str:
        return "".join(self._parts).strip()

    def pieces(self, source: str) -> list[Piece]:
        """Where the text comes from; blanks that were collapsed, references and separators have pieces of their own."""
        found: list[Piece] = []
        length = 0
        for part, (start, end, as_it_stands) in zip(self._parts, self._places, strict=True):
            pieces = _align(part, source[start:end], start) if as_it_stands else [Piece(0, start, end)]
            found.extend(piece._replace(start=length + piece.start) for piece in pieces)
            length += len(part)
        whole = "".join(self._parts)
        return clip(found, length, length - len(whole.lstrip()), len(whole.rstrip()))


_STRETCH = regex.compile(r"\S++(?: \S++)*+|(?P<blank>\s++)")


def _align(shown: str, source: str, base: int) -> list[Piece]:
    """Pieces of a text whose blanks were collapsed, and left out at its ends."""
    if source.startswith(shown):
        return [Piece(0, base, base + len(shown))]
    found: list[Piece] = []
    length = 0
    for stretch in _STRETCH.finditer(source):
        blank = stretch["blank"] is not None
        if length < len(shown) and not (blank and length == 0 and shown[0] != " "):
            found.append(Piece(length, base + stretch.start(), base + stretch.end()))
            length += 1 if blank else len(stretch[0])
    return found


_STRENGTH = ("", "\n", "\n\n", "\n- ")


def _drop_tokens(tokens: list[Token], dropped: list[tuple[int, int, str]]) -> list[Token]:
    kept: list[Token] = []
    position = 0
    for first, last, _ in dropped:
        kept.extend(tokens[position:first])
        position = last + 1
    return kept + tokens[position:]


def _runs(tokens: list[Token], source: str) -> list[_Run]:
    runs: list[_Run] = []
    pre, rows = 0, Rows()
    for token in tokens:
        if token.name == "pre" and token.kind in {"start", "end"}:
            pre = max(0, pre + (1 if token.kind == "start" else -1))
        rows.follow(token, says=token.kind == "reference" or (token.kind == "data" and _has_words(token, source)))
        if token.kind == "data":
            runs.append(_Run(token.start, token.end, None, pre > 0))
        elif token.kind == "reference":
            runs.append(_Run(token.start, token.end, token.name))
        elif token.kind == "start" and token.name in {"td", "th"}:
            between, empty = rows.enter(token)
            runs.append(_Run(token.start, token.end, between, empty))
        elif mark := _separator(token):
            in_cell = rows.inside and token.name != "tr"
            runs.append(_Run(token.start, token.end, " " if in_cell else mark))
    return [run for run in runs if run.shown != ""]


def _has_words(token: Token, source: str) -> bool:
    return not source[token.start : token.end].isspace()


def _separator(token: Token) -> str:
    if token.kind not in {"start", "end"}:
        return ""
    if token.name in {"td", "th"}:
        return ""
    if token.name == "li" and token.kind == "start":
        return "\n- "
    if token.name in {"br", "tr", "li", "dt", "dd", "caption"}:
        return "\n"
    return "\n\n" if token.name in _BLOCKS else ""


def _mask(source: str, runs: list[_Run]) -> str:
    parts: list[str] = []
    position = 0
    for run in runs:
        parts.append(" " * (run.start - position))
        length = run.end - run.start
        if run.shown is not None and _is_separator(run.shown):
            sign = "\n" if "\n" in (run.shown or "") else "|" if run.preformatted else ""
            parts.append(sign.ljust(length) if length else "")
        else:
            blank = run.shown is not None and run.shown.isspace()  # a tag inside a cell, or a reference to a blank
            parts.append(" " * length if blank else source[run.start : run.end])
        position = run.end
    parts.append(" " * (len(source) - position))
    return "".join(parts)


@dataclass(slots=True)
class _Frame:
    """An element that makes a block, while it is open."""

    tag: str
    kind: str
    start: int = 0
    first_cell: int = -1
    children: list[Block] = field(default_factory=list)
    header: bool = False


class _Builder:
    """Blocks from tokens, forgiving of tags that are missing or crossed."""

    def __init__(self, page: HtmlText) -> None:
        self._page = page
        self._stack = [_Frame("", "document")]
        self._items: list[tuple[int, Block]] = []
        self._text_start, self._text_end = -1, -1
        self._bold = 0
        self._only_bold = True

    def build(self, tokens: list[Token]) -> Block:
        for token in tokens:
            if token.name in _BOLD:
                self._bold = max(0, self._bold + (1 if token.kind == "start" else -1))
            elif token.kind in {"data", "reference"}:
                self._extend(token)
            elif token.kind == "start":
                self._open(token)
            elif token.kind == "end" and token.name in _BLOCKS:
                self._close(token.name)
        while len(self._stack) > 1:
            self._pop()
        self._flush()
        return nest_sections(glue_titles(self._items, self._words), len(self._page))

    def _extend(self, token: Token) -> None:
        body = self._page.text[token.start : token.end]
        if not body.strip():
            return
        if self._text_start < 0:
            self._text_start = token.start + len(body) - len(body.lstrip())
        self._text_end = token.start + len(body.rstrip())
        self._only_bold = self._only_bold and self._bold > 0

    def _flush(self) -> None:
        if self._text_start >= 0:
            kind = "caption" if self._stack[-1].kind == "caption" else "paragraph"
            title = self._only_bold and self._text_end - self._text_start <= _LONGEST_TITLE
            self._put(Block(kind, self._text_start, self._text_end, glued=title))
        self._text_start = self._text_end = -1
        self._only_bold = True

    def _words(self, block: Block) -> str:
        return self._page.render(block.start, block.end)

    def _put(self, block: Block, level: int = 0) -> None:
        if len(self._stack) == 1:
            self._items.append((level, block))
        else:
            self._stack[-1].children.append(block)

    def _open(self, token: Token) -> None:
        if token.name in {"th", "thead"}:
            self._stack[-1].header = True
        if token.name == "td" and self._stack[-1].kind == "row":
            self._stack[-1].header = False
        if self._page.text[token.start : token.start + 1] == "|" and self._stack[-1].first_cell < 0:
            self._stack[-1].first_cell = token.start
        if token.name not in _BLOCKS:
            return
        if any(frame.kind in {"row", "heading"} for frame in self._stack) and token.name not in {"tr", "table"}:
            return  # a row or a heading is one block whatever stands in it
        self._flush()
        kind = _FRAMES.get(token.name)
        if kind in {"item", "row"}:
            self._close_siblings(kind)
        if kind is not None and len(self._stack) < _DEEPEST and not (kind == "table" and self._is_inside("row")):
            self._stack.append(_Frame(token.name, kind, token.end))

    def _is_inside(self, kind: str) -> bool:
        return any(frame.kind == kind for frame in self._stack)

    def _close_siblings(self, kind: str) -> None:
        """A new item ends the one before it, unless a list inside that one has begun."""
        for depth in range(len(self._stack) - 1, 0, -1):
            if self._stack[depth].kind in {"list", "table"}:
                return
            if self._stack[depth].kind == kind:
                while len(self._stack) > depth:
                    self._pop()
                return

    def _close(self, tag: str) -> None:
        if self._is_inside("row") and tag not in {"tr", "table", "thead", "tbody"}:
            return
        self._flush_unless_one_block(tag)
        for depth in range(len(self._stack) - 1, 0, -1):
            if self._stack[depth].tag == tag:
                while len(self._stack) > depth:
                    self._pop()
                return

    def _flush_unless_one_block(self, tag: str) -> None:
        if not (self._is_inside("row") or self._is_inside("heading")) or tag in _FRAMES:
            self._flush()

    def _pop(self) -> None:
        self._flush()
        frame = self._stack.pop()
        if not frame.children:
            return
        start, end = frame.children[0].start, frame.children[-1].end
        if frame.kind == "heading":
            title = clean_title(self._page.render(start, end))
            self._put(Block("heading", start, end, title=title or None), _HEADINGS[frame.tag])
        elif frame.kind == "row":
            start = start if frame.first_cell < 0 else frame.first_cell  # with the empty cells that it begins with
            self._put(Block("row", start, end, metadata={"_header": frame.start} if frame.header else {}))
        elif frame.kind in {"code", "caption"}:
            self._put(Block(frame.kind, start, end, glued=frame.kind == "caption"))
        elif frame.kind == "table":
            self._put(self._table(frame.children))
        elif frame.kind == "footer":  # it belongs to the page, not to the last heading
            self._put(Block(frame.kind, start, end, tuple(frame.children)), level=1)
        else:
            children = [block for _, block in glue_titles([(0, child) for child in frame.children], self._words)]
            self._put(Block(frame.kind, start, end, tuple(children), glued=frame.tag == "dt"))

    def _table(self, children: list[Block]) -> Block:
        """A table whose leading header rows are one block, repeated in the metadata of what is cut off below it."""
        rows = [Block(child.kind, child.start, child.end, child.children, glued=child.glued) for child in children]
        first = next((index for index, child in enumerate(children) if child.kind == "row"), len(children))
        last = first
        while last < len(children) and "_header" in children[last].metadata:
            last += 1
        metadata: dict[str, object] = {}
        if first < last < len(children):
            header = Block("table_header", rows[first].start, rows[last - 1].end, glued=True)
            rows[first:last] = [header]
            metadata["table_header"] = self._page.render(int(str(children[first].metadata["_header"])), header.end)
        return Block("table", rows[0].start, rows[-1].end, tuple(rows), metadata=metadata)


_DEEPEST = 200  # elements nested deeper are read as text of the block they are in
