"""HTML inside another format: its headings and tables as blocks, with offsets in the text around it. Core."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from llama_index_prod_rag.structure.html_tokens import tokenize
from llama_index_prod_rag.structure.titles import clean_title
from llama_index_prod_rag.structure.tree import Block

_HEADINGS = {f"h{level}": level for level in range(1, 7)}


def html_blocks(text: str, start: int, end: int) -> list[tuple[int, Block]]:
    r"""Headings, tables and what lies between them in a stretch of HTML, with the levels of headings.

    Args:
        text: the whole text.
        start: first character of the HTML, inclusive.
        end: last character, exclusive.

    Examples:
        >>> [(level, block.kind, block.title) for level, block in html_blocks("<h2 id=a>Use</h2>\n<p>It.</p>", 0, 28)]
        [(2, 'heading', 'Use'), (0, 'html', None)]
    """
    return list(_Reader(text, start, end).blocks())


class _Reader:
    def __init__(self, text: str, start: int, end: int) -> None:
        self._text, self._start, self._end = text, start, end
        self._tokens = tokenize(text[start:end])
        self._ends: dict[str, list[int]] = {}
        for index, token in enumerate(self._tokens):
            if token.kind == "end":
                self._ends.setdefault(token.name, []).append(index)

    def blocks(self) -> Iterator[tuple[int, Block]]:
        position, index = 0, 0
        while index < len(self._tokens):
            token = self._tokens[index]
            last = self._find_end_tag(index) if token.name in _HEADINGS or token.name == "table" else None
            if token.kind != "start" or last is None:
                index += 1
                continue
            yield from self._read_between(position, token.start)
            position = self._tokens[last].end
            yield self._heading(index, last) if token.name in _HEADINGS else (0, self._table(index, last))
            index = last + 1
        yield from self._read_between(position, self._end - self._start)

    def _find_end_tag(self, index: int) -> int | None:
        """The end tag of an element, nested ones of its name passed over."""
        name, depth = self._tokens[index].name, 0
        ends = self._ends.get(name, [])
        if not ends or ends[-1] < index:
            return None
        if name in _HEADINGS:
            return ends[bisect_left(ends, index)]
        for number in range(index, len(self._tokens)):
            token = self._tokens[number]
            depth += (token.kind == "start") - (token.kind == "end") if token.name == name else 0
            if depth == 0 and token.kind == "end" and token.name == name:
                return number
        return None

    def _read_between(self, start: int, end: int) -> Iterator[tuple[int, Block]]:
        body = self._text[self._start + start : self._start + end]
        if body.strip():
            first = self._start + start + len(body) - len(body.lstrip())
            yield 0, Block("html", first, self._start + start + len(body.rstrip()))

    def _heading(self, first: int, last: int) -> tuple[int, Block]:
        title = clean_title(self._words(first, last)) or None
        span = self._start + self._tokens[first].start, self._start + self._tokens[last].end
        return _HEADINGS[self._tokens[first].name], Block("heading", *span, title=title)

    def _words(self, first: int, last: int, cells: str = "") -> str:
        parts: list[str] = []
        for token in self._tokens[first : last + 1]:
            if token.kind == "data":
                parts.append(self._text[self._start + token.start : self._start + token.end])
            elif token.kind == "reference":
                parts.append(token.name)
            elif token.name in {"td", "th"} and token.kind == "start" and cells:
                parts.append(cells)
            elif token.name in {"br", "td", "th", "tr", "p", "div"}:
                parts.append(" ")
        return " ".join("".join(parts).split())

    def _table(self, first: int, last: int) -> Block:
        """A table; its rows are cut between, and leading rows of `th` are its header."""
        rows = self._rows(first, last)
        header = 0
        while header < len(rows) and self._is_header(*rows[header]):
            header += 1
        blocks = [Block("row", *self._span(*row)) for row in rows]
        whole = self._start + self._tokens[first].start, self._start + self._tokens[last].end
        if not 0 < header < len(rows):
            return Block("table", *whole, tuple(blocks))
        between = self._text[blocks[0].start : blocks[header].start]  # with the tags that end the header
        head = Block("table_header", blocks[0].start, blocks[0].start + len(between.rstrip()), glued=True)
        shown = "\n".join(self._words(*row, cells="| ").removeprefix("| ") for row in rows[:header])
        return Block("table", *whole, (head, *blocks[header:]), metadata={"table_header": shown})

    def _rows(self, first: int, last: int) -> list[tuple[int, int]]:
        """First and last token of each row; a row without end tag ends where the next begins."""
        rows: list[tuple[int, int]] = []
        begin, depth = -1, 0
        for index in range(first, last + 1):
            token = self._tokens[index]
            if token.name == "table":
                depth += 1 if token.kind == "start" else -1
            if token.name != "tr" or depth != 1:
                continue
            if begin >= 0:
                rows.append((begin, index if token.kind == "end" else index - 1))
            begin = index if token.kind == "start" else -1
        return rows if begin < 0 else [*rows, (begin, last - 1)]

    def _is_header(self, first: int, last: int) -> bool:
        names = {token.name for token in self._tokens[first : last + 1] if token.kind == "start"}
        return "th" in names and "td" not in names

    def _span(self, first: int, last: int) -> tuple[int, int]:
        start = self._start + self._tokens[first].start
        return start, start + len(self._text[start : self._start + self._tokens[last].end].rstrip())
