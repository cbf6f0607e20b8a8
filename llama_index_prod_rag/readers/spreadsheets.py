"""A workbook as Markdown: each sheet a section under its name, its rows a table that is cut between rows alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.extras import is_installed
from llama_index_prod_rag.readers.merged_cells import Area, spread

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

_MERGED_UP_TO = 10 * 2**20
"""Bytes of a workbook whose merged cells are looked at: that takes all of it in memory, some fifty times as much."""
_CURRENCIES = "€$£¥₹"
# Signs of a number format that are shown as they are: a percent sign among them multiplies nothing by a hundred.
_AS_IT_IS = re.compile(r'"[^"]*"|\\.')


def read_workbook(file: Path) -> str:
    """Read an `.xlsx` file; formulas are read as the values that were last computed.

    Args:
        file: where it lies.

    Returns:
        Markdown: for each sheet that holds anything a heading with its name, the lines above its table, and the table,
        whose first row of two cells or more is the header. What a merged cell says stands in every row that it covers.

    Raises:
        InputError: it is no workbook, or holds nothing, or openpyxl is not installed.
    """
    if not is_installed("openpyxl"):
        raise InputError(f"{file.suffix} files need an extra: pip install 'llama-index-prod-rag[sheets]'")
    from openpyxl import load_workbook

    try:
        workbook = load_workbook(file, read_only=file.stat().st_size > _MERGED_UP_TO, data_only=True)
    except Exception as error:  # zipfile's, XML's and openpyxl's own
        raise InputError(f"no workbook that can be read ({error})") from error
    try:
        parts = [sheet_as_markdown(sheet.title, _rows(sheet)) for sheet in workbook.worksheets]
    finally:
        workbook.close()
    if not any(parts):
        raise InputError("empty")
    return "\n\n".join(filter(None, parts))


def _rows(sheet: Worksheet) -> Iterable[Sequence[object]]:
    rows = ([_with_unit(cell.value, cell.number_format) for cell in row] for row in sheet.iter_rows())
    merged = getattr(sheet, "merged_cells", None)  # a sheet that is read row by row does not know them
    if not merged:
        return rows
    bounds = ((each.min_row, each.min_col, each.max_row, each.max_col) for each in merged.ranges)
    return spread(list(rows), [Area(*(number - 1 for number in each)) for each in bounds])


def _with_unit(value: object, number_format: str) -> object:
    """A number with the percent sign or the currency that its cell shows."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return value
    if "%" in _AS_IT_IS.sub("", number_format):
        return f"{value * 100:.10g} %"
    unit = next((sign for sign in f"%{_CURRENCIES}" if sign in number_format), "")
    return f"{_shown(value)} {unit}" if unit else value


def sheet_as_markdown(name: str, rows: Iterable[Sequence[object]]) -> str:
    r"""Write a sheet as a section with a table; nothing if no cell is filled.

    Examples:
        >>> print(sheet_as_markdown("Birds", [("Seen in May",), (None, None), ("name", "count"), ("owl", 2.0)]))
        # Birds
        <BLANKLINE>
        Seen in May
        <BLANKLINE>
        | name | count |
        |---|---|
        | owl | 2 |
    """
    cells = [shown for row in rows if any(shown := [_shown(value) for value in row])]
    if not cells:
        return ""
    above = list(takewhile(lambda row: sum(map(bool, row)) < 2, cells))
    if len(above) == len(cells):  # one column alone
        above, table = [], cells
    else:
        table = cells[len(above) :]
    titles = [" ".join(filter(None, row)) for row in above]
    return "\n\n".join([f"# {' '.join(name.split())}", *titles, "\n".join(_table(table))])


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The rows without the columns that are empty all the way down, or that one of them lacks."""
    width = max(map(len, rows))
    kept = [column for column in range(width) if any(row[column : column + 1] not in ([], [""]) for row in rows)]
    for number, row in enumerate(rows):
        yield f"| {' | '.join(row[column] if column < len(row) else '' for column in kept)} |"
        if number == 0:
            yield "|" + "---|" * len(kept)


def _shown(value: object) -> str:
    """A cell's value as people write it, in one line."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, datetime) and value.time() == time():
        value = value.date()
    if isinstance(value, datetime | time) and not value.second and not value.microsecond:
        value = value.isoformat(" ", "minutes") if isinstance(value, datetime) else value.isoformat("minutes")
    return " ".join(str(value).split()).replace("|", "\\|")
