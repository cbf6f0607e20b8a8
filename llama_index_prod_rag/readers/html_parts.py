"""HTML as the readers of office files write it: a block per line, lists nested, tables with their header."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from itertools import takewhile

from llama_index_prod_rag.readers.merged_cells import Area, spread
from llama_index_prod_rag.structure.tables import is_number

_TAG = re.compile(r"<[^>]*>")


def escape(text: str) -> str:
    """Write text so that it reads as itself."""
    return html.escape(text, quote=False)


def has_words(written: str) -> bool:
    """Whether anything is left of HTML without its tags.

    Examples:
        >>> has_words("<b>a</b>"), has_words("<b> </b><br>")
        (True, False)
    """
    return bool(_TAG.sub("", written).strip())


class Page:
    r"""Blocks under construction.

    Examples:
        >>> page = Page()
        >>> page.item("One", depth=0, bullet=True)
        >>> page.item("1. Two", depth=1, bullet=False)
        >>> page.add("<p>End</p>")
        >>> page.written().replace("\n", "")
        '<ul><li>One<dl><dd>1. Two</dd></dl></li></ul><p>End</p>'
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._open: list[tuple[int, bool]] = []

    def add(self, block: str) -> None:
        """Append a block, which ends the lists before it."""
        self._close_below(-1)
        self._parts.append(block)

    def item(self, written: str, *, depth: int, bullet: bool) -> None:
        """Append an item of a list; one that brings its number keeps it, where `<ol>` would count anew."""
        self._close_below(depth)
        if self._open and self._open[-1] == (depth, bullet):
            self._parts[-1] += "</li>" if bullet else "</dd>"
        else:
            if self._open and self._open[-1][0] == depth:
                self._close_last()
            self._open.append((depth, bullet))
            self._parts.append("<ul>" if bullet else "<dl>")
        self._parts.append(f"<li>{written}" if bullet else f"<dd>{written}")

    def _close_below(self, depth: int) -> None:
        while self._open and self._open[-1][0] > depth:
            self._close_last()

    def _close_last(self) -> None:
        _, bullet = self._open.pop()
        self._parts[-1] += "</li></ul>" if bullet else "</dd></dl>"

    def written(self) -> str:
        """Give all blocks, each in a line of its own."""
        self._close_below(-1)
        return "\n".join(self._parts)


def write_table(rows: Sequence[Sequence[str | None]], areas: Sequence[Area] = (), headers: int | None = None) -> str:
    r"""Write a table from the HTML of its cells; lines of one cell above it are its caption.

    Args:
        rows: the cells; of a merged one the first holds what it says.
        areas: the merged cells.
        headers: how many rows are the header; None asks the first row, which is one unless a number stands in it.

    Examples:
        >>> write_table([["name", "age"], ["Ann", "7"]]).replace("\n", "")
        '<table><thead><tr><th>name</th><th>age</th></tr></thead><tr><td>Ann</td><td>7</td></tr></table>'
    """
    grid = [[str(cell or "") for cell in row] for row in spread(rows, areas)]
    merged = len(rows) - len(grid)  # rows of a header that were made one
    cells = [row for row in grid if any(map(has_words, row))]
    above = list(takewhile(lambda row: sum(map(has_words, row)) < 2, cells))
    if len(above) == len(cells):
        above = []
    table = cells[len(above) :]
    if headers is None:
        headers = int(len(table) > 1 and is_header(table[0]))
    else:
        headers = max(0, min(headers - len(above) - merged, len(table) - 1))
    captions = [f"<caption>{' '.join(filter(has_words, row))}</caption>" for row in above]
    head = [_row(row, "th") for row in table[:headers]]
    body = [_row(row, "td") for row in table[headers:]]
    return "\n".join(["<table>", *captions, *(["<thead>", *head, "</thead>"] if head else []), *body, "</table>"])


def is_header(row: Sequence[str]) -> bool:
    """Whether a row names columns: most cells say something, and none is a number."""
    words = [_TAG.sub("", cell) for cell in row if has_words(cell)]
    return 2 * len(words) > len(row) and not any(map(is_number, words))


def _row(cells: Sequence[str], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{cell}</{tag}>' for cell in cells)}</tr>"
