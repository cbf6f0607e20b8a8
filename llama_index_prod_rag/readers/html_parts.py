"""HTML as the readers of office files write it: a block per line, lists nested, tables with their header."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from llama_index_prod_rag.readers.merged_cells import Area
from llama_index_prod_rag.readers.tables import arrange

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
        """Append a block, which ends the lists before it; nothing where it has no words, as an empty table."""
        if has_words(block):
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
        headers: how many rows are the header; None asks the rows themselves.

    Examples:
        >>> write_table([["name", "age"], ["Ann", "7"]]).replace("\n", "")
        '<table><thead><tr><th>name</th><th>age</th></tr></thead><tr><td>Ann</td><td>7</td></tr></table>'
    """
    table = arrange(rows, areas, headers, words_of=lambda cell: _TAG.sub("", cell))
    captions = [f"<caption>{title}</caption>" for title in table.titles]
    head = [_row(row, "th") for row in table.header]
    body = [_row(row, "td") for row in table.rows]
    return "\n".join(["<table>", *captions, *(["<thead>", *head, "</thead>"] if head else []), *body, "</table>"])


def _row(cells: Sequence[str], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{cell}</{tag}>' for cell in cells)}</tr>"
