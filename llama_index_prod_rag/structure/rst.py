"""reStructuredText to blocks: sections by the style of their underlines, directives, literal blocks, lists, tables.

A line scanner after the docutils specification (https://docutils.sourceforge.io/docs/ref/rst/restructuredtext.html).
docutils itself knows line numbers only, and its directives can read files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from llama_index_prod_rag.structure.lines import Line, split_lines
from llama_index_prod_rag.structure.sections import nest_sections
from llama_index_prod_rag.structure.tree import Block

# A line of one sign again and again: reStructuredText takes any ASCII punctuation to mark a title.
_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1*")
# The border of a simple table: runs of `=` with blanks between the columns.
_SIMPLE_BORDER = re.compile(r"=+( +=+)*")
_MARKER = re.compile(
    r"(?P<bullet>[-*+•‣⁃])(?:\s+|$)"
    r"|\(?(?P<number>#|\d+|[A-Za-z]|[ivxlcdmIVXLCDM]+)[.)]\s+"
    r"|:(?P<field>[^:\s](?:[^:]|:(?!\s|$))*):(?:\s+|$)"
)
_EXPLICIT = re.compile(
    r"\.\.(?:\s+(?:(?P<note>\[[^\]\s]+\])(?=\s|$)|(?P<target>_[^\s].*?:(?=\s|$)|__:)"
    r"|(?:\|[^|]+\|\s+)?(?P<directive>[\w:.+-]+?)\s?::(?P<argument>.*))|(?=\s|$))"
)
_CELL = re.compile(r"[^\s+=|-]")
# Interpreted text in a title: only its words name the section.
_ROLE = re.compile(r"(?::[\w:.+-]+:)?`{1,2}([^`<]+?)(?:\s*<[^`>]*>)?`{1,2}_{0,2}")
_OPTION = re.compile(r":[^:\s][^:]*:(?:\s|$)")

_LEAF_KINDS = {
    "code": "code",
    "code-block": "code",
    "sourcecode": "code",
    "parsed-literal": "code",
    "csv-table": "table",
    "figure": "figure",
    "image": "figure",
    "math": "math",
    "raw": "code",
}
_DESCRIBED = re.compile(
    r"(?:\w+:)?(?:attribute|class|confval|data|envvar|exception|function|macro|member|method|module|option|property|type)"
)
_MAX_DEPTH = 40
"""Blocks nested deeper than this by indentation are left whole."""


def read_rst(text: str) -> Block:
    r"""Sections, directives, literal blocks, tables, lists, quotes, definitions and paragraphs.

    Comments are `dropped`. A paragraph that announces what follows (it ends in a colon) is glued to it.

    Returns:
        The root block. `code` has `metadata["language"]` where the source says so, `table` has
        `metadata["table_header"]`; a directive that documents a class or function adds its signature as a title.

    Examples:
        >>> root = read_rst("Birds\n=====\n\nThey sing::\n\n    tweet\n")
        >>> [(block.kind, block.title, block.glued) for block in root.walk()][1:]
        [('section', 'Birds', False), ('heading', None, True), ('paragraph', None, True), ('code', None, False)]
    """
    reader = _Reader(text, split_lines(text), {})
    return nest_sections(reader.blocks(0, len(reader.lines), depth=0), len(text))


@dataclass(frozen=True, slots=True)
class _Reader:
    text: str
    lines: list[Line]
    styles: dict[tuple[str, bool], int]
    """Underline character and whether there is a line above, too -> level, in order of appearance."""

    def blocks(self, low: int, high: int, depth: int) -> list[tuple[int, Block]]:
        """Read blocks of some lines with the level of headings; 0 for all others."""
        found: list[tuple[int, Block]] = []
        indent = min((line.indent for line in self.lines[low:high] if not line.blank), default=0)
        while low < high:
            if self.lines[low].blank:
                low += 1
                continue
            literal = bool(found) and self._announces_literal(found[-1][1])
            block, low, level = self._next(low, high, indent, depth, literal=literal)
            while level and found and found[-1][1].kind == "target":  # a label belongs to the heading that it marks
                block = replace(block, start=found.pop()[1].start)
            found.append((level, block))
        return found

    def _next(self, low: int, high: int, indent: int, depth: int, *, literal: bool) -> tuple[Block, int, int]:
        """The block that begins at a line, the line after it, and its level."""
        if self.lines[low].indent > indent:
            end = self._find_indent_end(low, high, indent)
            whole = (
                self._leaf("code", low, end, whole_line=True)
                if literal
                else self._parent("quote", low, low, end, depth)
            )
            return whole, end, 0
        if depth == 0 and (heading := self._heading(low, high)) is not None:
            return heading
        words = self._words(low)
        if words.startswith("..") and (match := _EXPLICIT.match(words)) is not None:
            empty = words == ".." and self._is_blank(low + 1, high)
            end = low + 1 if empty else self._find_indent_end(low + 1, high, indent)
            return self._read_explicit_markup(match, low, end, depth), end, 0
        return (*self._body(low, high, indent, depth), 0)

    def _body(self, low: int, high: int, indent: int, depth: int) -> tuple[Block, int]:
        words = self._words(low)
        if words.startswith(("+-", "+=")) or (_SIMPLE_BORDER.fullmatch(words) and " " in words):
            end = self._table_end(low, high)
            return self._table(low, end), end
        if words.startswith(">>>"):
            end = self._find_blank(low, high)
            return self._leaf("code", low, end, language="python"), end
        if _MARKER.match(words) is not None:
            return self._list(low, high, indent, depth)
        return self._paragraph(low, high, indent, depth)

    def _heading(self, low: int, high: int) -> tuple[Block, int, int] | None:
        above = low + 2 < high and self._adorns(low, low + 1) and self._words(low) == self._words(low + 2)
        title = low + 1 if above else low
        if not above and not (low + 1 < high and self._adorns(low + 1, low)):
            return None
        style = (self._words(title + 1)[0], above)
        level = self.styles.setdefault(style, len(self.styles) + 1)
        words = " ".join(_ROLE.sub(r"\1", self._words(title)).split())
        block = Block("heading", self.lines[low].start, self.lines[title + 1].end, title=words)
        return block, title + 2, level

    def _adorns(self, line: int, title: int) -> bool:
        """Whether a line of signs marks the line above or below it as a title."""
        signs, words = self._words(line), self._words(title)
        return (
            len(signs) >= min(4, len(words))
            and len(signs) > 1
            and self.lines[line].indent == 0
            and _ADORNMENT.fullmatch(signs) is not None
            and bool(words)
            and (_ADORNMENT.fullmatch(words) is None or len(words) < 4)
        )

    def _read_explicit_markup(self, match: re.Match[str], low: int, end: int, depth: int) -> Block:
        """A footnote, a hyperlink target, a directive, or else a comment."""
        if match["directive"]:
            return self._directive(match["directive"], match["argument"].strip(), low, end, depth)
        if match["note"] or match["target"]:
            return self._leaf("reference" if match["note"] else "target", low, end)
        return Block("comment", self.lines[low].start, self._last(low, end), dropped=True)

    def _directive(self, name: str, argument: str, low: int, end: int, depth: int) -> Block:
        if name in _LEAF_KINDS:
            kind = _LEAF_KINDS[name]
            language = argument.split(maxsplit=1)[0] if kind == "code" and argument else None
            return self._leaf(kind, low, end, language=language)
        body = low + 1
        while body < end and _OPTION.match(self._words(body)):
            body += 1
        described = _DESCRIBED.fullmatch(name) is not None
        kind = "table" if name == "list-table" else "definition" if described else "directive"
        block = self._parent(kind, low, body, end, depth)
        return replace(block, title=argument) if described and argument else block

    def _list(self, low: int, high: int, indent: int, depth: int) -> tuple[Block, int]:
        items, style, line = [], self._style(low), low
        while line < high and self.lines[line].indent == indent and self._style(line) == style:
            end = self._find_indent_end(line + 1, high, indent)
            body = line + 1
            while body < end and not self.lines[body].blank:
                body += 1
            items.append(self._parent("item", line, body, end, depth))
            line = end
        return Block("list", items[0].start, items[-1].end, tuple(items)), line

    def _style(self, line: int) -> str | None:
        match = _MARKER.match(self._words(line))
        return (match["bullet"] or match.lastgroup) if match else None

    def _paragraph(self, low: int, high: int, indent: int, depth: int) -> tuple[Block, int]:
        end = low + 1
        while end < high and not self.lines[end].blank and self.lines[end].indent == indent:
            if end + 1 < high and depth == 0 and self._adorns(end + 1, end):
                break
            end += 1
        if end < high and not self.lines[end].blank and self.lines[end].indent > indent and end == low + 1:
            end = self._find_indent_end(end, high, indent)
            return self._parent("definition", low, low + 1, end, depth), end
        block = self._leaf("paragraph", low, end)
        announces = self.text[block.start : block.end].endswith(":")
        return Block("paragraph", block.start, block.end, glued=announces and not self._is_over(end, high)), end

    def _table(self, low: int, end: int) -> Block:
        """A grid or simple table: rows between borders, the header above the first border of equals signs."""
        grid = self._words(low).startswith("+")
        borders = [line for line in range(low, end) if self._words(line)[:1] in ("+", "=")]
        # A grid's header ends at "+===+", a simple table's at the second border if there is a third.
        header = next((line for line in borders[1:-1] if not grid or self._words(line).startswith("+=")), None)
        rows: list[Block] = []
        begin = low if header is None else header + 1
        filled = False
        for line in range(begin, end):
            filled = filled or _CELL.search(self._words(line)) is not None
            # Grid rows end at a border, simple rows where the next line has a first column again.
            ends = self._words(line).startswith("+") if grid else self._indent(line + 1) <= self.lines[low].indent
            if ends and filled:
                rows.append(self._leaf("row", begin, line + 1))
                begin, filled = line + 1, False
        if header is None:
            return Block("table", self.lines[low].start, self._last(low, end), tuple(rows))
        head = self._leaf("table_header", low, header + 1)
        metadata = {"table_header": self.text[head.start : head.end]}
        return Block("table", head.start, self._last(low, end), (head, *rows), metadata=metadata)

    def _indent(self, line: int) -> int:
        return self.lines[line].indent if line < len(self.lines) else 0

    def _table_end(self, low: int, high: int) -> int:
        if self._words(low).startswith("+"):
            return next((line for line in range(low, high) if self._words(line)[:1] not in ("+", "|")), high)
        borders = 0
        for line in range(low, high):
            borders += _SIMPLE_BORDER.fullmatch(self._words(line)) is not None
            if borders >= 2 and self._words(line).startswith("=") and self._is_blank(line + 1, high):
                return line + 1
        return self._find_blank(low, high)

    def _parent(self, kind: str, low: int, body: int, end: int, depth: int) -> Block:
        """A block whose lines from `body` on hold further blocks; the lines before lead them."""
        children = [block for _, block in self.blocks(body, end, depth + 1)] if depth < _MAX_DEPTH else []
        if children and body > low:
            head = self._leaf("paragraph", low, body)
            children.insert(0, Block("paragraph", head.start, head.end, glued=True))
        whole = self._leaf(kind, low, end)
        return Block(kind, whole.start, whole.end, tuple(children))

    def _leaf(self, kind: str, low: int, end: int, *, language: str | None = None, whole_line: bool = False) -> Block:
        start = self.lines[low].begin if whole_line else self.lines[low].start
        return Block(kind, start, self._last(low, end), metadata={"language": language} if language else {})

    def _announces_literal(self, block: Block) -> bool:
        return block.kind == "paragraph" and self.text.endswith("::", block.start, block.end)

    def _words(self, line: int) -> str:
        return self.text[self.lines[line].start : self.lines[line].end]

    def _last(self, low: int, end: int) -> int:
        return max(line.end for line in self.lines[low:end] if not line.blank)

    def _is_blank(self, line: int, high: int) -> bool:
        return line >= high or self.lines[line].blank

    def _is_over(self, low: int, high: int) -> bool:
        return all(self.lines[line].blank for line in range(low, high))

    def _find_blank(self, low: int, high: int) -> int:
        return next((line for line in range(low, high) if self.lines[line].blank), high)

    def _find_indent_end(self, low: int, high: int, indent: int) -> int:
        """Behind the last line of a run that is indented further; blank lines after it not counted."""
        end = low
        for line in range(low, high):
            if self.lines[line].blank:
                continue
            if self.lines[line].indent <= indent:
                break
            end = line + 1
        return end
