"""In which column each cell of an HTML table stands, so that empty and merged cells shift no other. Core."""

from __future__ import annotations

from dataclasses import dataclass, field

from llama_index_prod_rag.structure.html_tokens import Token

CELL = " | "
"""What stands between two cells of a row."""
_WIDEST = 20
"""Columns that one cell covers at most: pages give any number."""


@dataclass(slots=True)
class _Table:
    """One that is open.

    Attributes:
        in_row: whether one of its rows is.
        column: of the cell that is open; -1 before the first.
        free: the first column behind that cell.
        empty: whether the row has said nothing yet.
        covered: for how many rows, this one included, cells from above reach into a column.
    """

    in_row: bool = False
    column: int = -1
    free: int = 0
    empty: bool = True
    covered: dict[int, int] = field(default_factory=dict)

    def begin_row(self) -> None:
        self.column, self.free, self.empty = -1, 0, True
        self.covered = {column: rows - 1 for column, rows in self.covered.items() if rows > 1}


class Rows:
    """Follows the tables of a page, token by token; most pages leave out the tags that end rows and cells.

    Examples:
        >>> from llama_index_prod_rag.structure.html_tokens import tokenize
        >>> rows, found = Rows(), []
        >>> for token in tokenize("<table><tr><td rowspan=2>a<td colspan=2>b<td>c<tr><td>d"):
        ...     rows.follow(token, says=token.kind == "data")
        ...     if token.name == "td":
        ...         found.append(rows.enter(token))
        >>> found
        [('', False), (' | ', False), (' |  | ', False), (' | ', True)]
    """

    def __init__(self) -> None:
        self._tables = [_Table()]

    @property
    def inside(self) -> bool:
        """Whether a row is open, of whichever table."""
        return any(table.in_row for table in self._tables)

    def follow(self, token: Token, *, says: bool) -> None:
        """Take note of a token.

        Args:
            token: the next one.
            says: whether it is text other than blanks.
        """
        table = self._tables[-1]
        if says:
            for each in self._tables:
                each.empty = False
        elif token.kind == "start" and token.name == "table":
            self._tables.append(_Table())
        elif token.kind == "start" and token.name == "tr":
            table.in_row = True
            table.begin_row()
        elif token.kind == "end" and token.name in {"tr", "thead", "tbody", "tfoot", "table"}:
            table.in_row = False
            if token.name == "table" and len(self._tables) > 1:
                self._tables.pop()

    def enter(self, token: Token) -> tuple[str, bool]:
        """Give what stands before a cell, and whether all cells of its row before it are empty."""
        table = self._tables[-1]
        column = table.free
        while column in table.covered:
            column += 1
        between, empty = column - max(table.column, 0), table.empty
        wide, high = _number(token, "colspan"), _number(token, "rowspan")
        table.column, table.free = column, column + wide
        if high > 1:
            table.covered |= dict.fromkeys(range(column, column + wide), high)
        return CELL * between, empty and between > 0


def _number(token: Token, name: str) -> int:
    told = token.attributes.get(name, "").strip()
    return min(int(told), _WIDEST) if told.isdecimal() and told.isascii() and int(told[:4]) > 0 else 1
