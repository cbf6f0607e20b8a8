"""A workbook as Markdown: each sheet a section under its name, its rows a table that is cut between rows alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.extras import is_installed
from llama_index_prod_rag.readers.archive import refuse_container
from llama_index_prod_rag.readers.merged_cells import Area
from llama_index_prod_rag.readers.number_formats import show
from llama_index_prod_rag.readers.tables import arrange

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

_MERGED_UP_TO = 10 * 2**20
"""Bytes of a workbook whose merged cells are looked at: that takes all of it in memory, some fifty times as much."""


def read_workbook(file: Path) -> str:
    """Read an `.xlsx` file; formulas are read as the values that were last computed.

    Args:
        file: where it lies.

    Returns:
        Markdown: for each sheet that holds anything a heading with its name, the lines above its table, and the table.
        Cells say what they show: `0012` where the format is `0000`. What a merged cell says stands in every row that it
        covers.

    Raises:
        InputError: it is no workbook, locked with a password, or openpyxl is not installed.
    """
    if not is_installed("openpyxl"):
        raise InputError(f"{file.suffix} files need an extra: pip install 'llama-index-prod-rag[sheets]'")
    from openpyxl import load_workbook

    refuse_container(file)
    try:
        workbook = load_workbook(file, read_only=file.stat().st_size > _MERGED_UP_TO, data_only=True)
    except Exception as error:  # zipfile's, XML's and openpyxl's own
        raise InputError(f"no workbook that can be read ({error})") from error
    try:
        return "\n\n".join(filter(None, map(_read_sheet, workbook.worksheets)))
    finally:
        workbook.close()


def _read_sheet(sheet: Worksheet) -> str:
    rows = [[show(cell.value, cell.number_format) for cell in row] for row in sheet.iter_rows()]
    return sheet_as_markdown(sheet.title, rows, list(_areas(sheet)))


def _areas(sheet: Worksheet) -> Iterator[Area]:
    merged = getattr(sheet, "merged_cells", None)  # a sheet that is read row by row does not know them
    for each in merged.ranges if merged else ():
        yield Area(each.min_row - 1, each.min_col - 1, each.max_row - 1, each.max_col - 1)


def sheet_as_markdown(name: str, rows: Sequence[Sequence[str]], areas: Sequence[Area] = ()) -> str:
    r"""Write a sheet as a section with a table; nothing if no cell is filled.

    Examples:
        >>> print(sheet_as_markdown("Birds", [("Seen in May",), ("", ""), ("name", "count"), ("owl", "2")]))
        # Birds
        <BLANKLINE>
        Seen in May
        <BLANKLINE>
        | name | count |
        |---|---|
        | owl | 2 |
    """
    if not any(map(any, rows)):
        return ""
    table = arrange(rows, areas)
    width = len(table.rows[0] if table.rows else table.header[0])
    # Markdown has no table without a header: that of a table without one is empty.
    lines = [_row(table.header[0] if table.header else [""] * width), "|" + "---|" * width, *map(_row, table.rows)]
    return "\n\n".join([f"# {_in_a_line(name)}", *map(_in_a_line, table.titles), "\n".join(lines)])


def _row(cells: Sequence[str]) -> str:
    escaped = (_in_a_line(cell).replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def _in_a_line(text: str) -> str:
    return " ".join(text.split())
