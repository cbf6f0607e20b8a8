"""Merged cells of a sheet: what one says it says for all the rows and columns that it covers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, repeat, zip_longest
from typing import NamedTuple

from llama_index_prod_rag.readers.number_formats import Value


class Area(NamedTuple):
    """A merged cell: its rows and columns, from 0, the last ones inclusive."""

    top: int
    left: int
    bottom: int
    right: int


def spread(rows: Sequence[Sequence[str | None]], areas: Sequence[Area]) -> list[list[str | None]]:
    """Write the value of each merged cell into all that it covers, and join a header of several rows.

    A cell across the whole sheet is a title and stays one.

    Args:
        rows: the values of the sheet; of a merged cell the first holds it.
        areas: its merged cells.

    Examples:
        >>> rows = [["Boat", "Stay", None], [None, "from", "to"], ["Sloop", "1", "2"], [None, "4", "5"]]
        >>> for row in spread(rows, [Area(0, 0, 1, 0), Area(0, 1, 0, 2), Area(2, 0, 3, 0)]):
        ...     print(row)
        ['Boat', 'Stay from', 'Stay to']
        ['Sloop', '1', '2']
        ['Sloop', '4', '5']
    """
    width = max(map(len, rows), default=0)
    grid = [[*row, *[None] * (width - len(row))] for row in rows]
    inside = [area for area in areas if area.top < len(grid) and area.left < width]
    partial = [area for area in inside if area.right - area.left < width - 1]
    for area in partial:
        value = grid[area.top][area.left]
        for row in grid[area.top : area.bottom + 1]:
            row[area.left : area.right + 1] = [value] * (min(area.right, width - 1) - area.left + 1)
    return _join_header(grid, partial)


def are_groups(areas: Sequence[Area], top: int) -> bool:
    """Whether a merged cell goes from a row into the next and none stands above others: the rows are data in groups."""
    first = [area for area in areas if area.top == top]
    return any(area.bottom > top for area in first) and not any(area.right > area.left for area in first)


def _join_header(grid: list[list[str | None]], areas: Sequence[Area]) -> list[list[str | None]]:
    top = next((number for number, row in enumerate(grid) if sum(map(_is_filled, row)) > 1), len(grid))
    first = [area for area in areas if area.top == top]
    bottom = max((area.bottom for area in first), default=top)
    if bottom == top and any(area.right > area.left for area in first) and _is_second_header(grid, top + 1, first):
        bottom = top + 1
    rows = grid[top : bottom + 1]
    if bottom == top or any(isinstance(value, Value) for row in rows for value in row):
        return grid
    if are_groups(first, top) and any(map(_is_filled, chain.from_iterable(map(_differing, rows[1:], repeat(rows[0]))))):
        return grid
    columns = zip_longest(*rows)
    return [
        *grid[:top],
        [" ".join(dict.fromkeys(str(value) for value in column if _is_filled(value))) for column in columns],
        *grid[bottom + 1 :],
    ]


def _differing(row: Sequence[str | None], first: Sequence[str | None]) -> list[str | None]:
    return [value for value, above in zip(row, first, strict=True) if value != above]


def _is_second_header(grid: Sequence[Sequence[str | None]], number: int, above: Sequence[Area]) -> bool:
    """Whether a row says something below the wide cells above it, and nothing elsewhere."""
    covered = {column for area in above for column in range(area.left, area.right + 1) if area.right > area.left}
    filled = {column for column, value in enumerate(grid[number]) if _is_filled(value)} if number < len(grid) else set()
    return bool(filled) and filled <= covered


def _is_filled(value: str | None) -> bool:
    return value not in (None, "")
