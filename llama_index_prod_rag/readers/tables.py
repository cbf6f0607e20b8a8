"""What of a grid of cells stands above the table, which rows are its header, and what the merged cells say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import NamedTuple

from llama_index_prod_rag.readers.merged_cells import Area, are_groups, spread
from llama_index_prod_rag.structure.tables import has_header


class Table(NamedTuple):
    """A grid in its parts; the rows have no column that is empty in all of them."""

    titles: list[str]
    header: list[list[str]]
    rows: list[list[str]]


def arrange(
    cells: Sequence[Sequence[str | None]],
    areas: Sequence[Area] = (),
    headers: int | None = None,
    words_of: Callable[[str], str] = str,
) -> Table:
    """Find the parts of a table.

    Args:
        cells: the cells of each row; of a merged one the first holds what it says.
        areas: the merged cells.
        headers: how many rows are the header; None asks the rows themselves (`has_header`).
        words_of: what a cell says, where it is written in some markup.

    Examples:
        >>> arrange([["Seen in May", None], [None], ["name", "count"], ["owl", "2"]])
        Table(titles=['Seen in May'], header=[['name', 'count']], rows=[['owl', '2']])
        >>> arrange([["owl", "2"], ["crow", "3"]]).header
        []
    """

    def filled(row: Sequence[str]) -> list[str]:
        return [cell for cell in row if words_of(cell).strip()]

    grid = [[cell or "" for cell in row] for row in spread(cells, areas)]
    above = list(takewhile(lambda row: len(filled(row)) < 2, grid))
    if len(above) == len(grid):  # one column alone
        above = []
    joined = len(cells) - len(grid)  # rows of a header that were made one
    rows = [row for row in grid[len(above) :] if filled(row)]
    if headers is None:
        grouped = not joined and are_groups(areas, len(above))
        headers = int(not grouped and has_header([list(map(words_of, row)) for row in rows]))
    else:
        headers = max(0, min(headers - len(above) - joined, len(rows) - 1))
    rows = _without_empty_columns(rows, filled)
    return Table([" ".join(filled(row)) for row in above if filled(row)], rows[:headers], rows[headers:])


def _without_empty_columns(
    rows: Sequence[Sequence[str]], filled: Callable[[Sequence[str]], list[str]]
) -> list[list[str]]:
    width = max(map(len, rows), default=0)
    kept = [column for column in range(width) if any(filled(row[column : column + 1]) for row in rows)]
    return [[row[column] if column < len(row) else "" for column in kept] for row in rows]
