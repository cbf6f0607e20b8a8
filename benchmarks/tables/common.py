"""How figures, intervals and rows of the benchmark page are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Found = Mapping[str, Any]
"""A result as it was read."""

Table = Sequence[Sequence[str]]
"""Rows of cells, the header first."""


def figure(value: float | None, digits: int = 3) -> str:
    """Write a number without its leading zero; nothing for None."""
    if value is None:
        return ""
    text = f"{value:.{digits}f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def interval(value: Mapping[str, float]) -> str:
    """Write a mean with its 95 % interval."""
    return f"{figure(value['mean'])} [{figure(value['low'])}, {figure(value['high'])}]"


def grid(rows: Iterable[str], columns: Iterable[str], cell: Callable[[str, str], str]) -> Table:
    """Write a table of a cell per row and column, each with its name."""
    columns = list(columns)
    return [["", *columns], *([row, *(cell(row, column) for column in columns)] for row in rows)]
