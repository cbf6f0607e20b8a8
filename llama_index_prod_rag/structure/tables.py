"""Tables as text: rows whole, whatever line breaks their cells hold, with the header in the metadata. Core."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise

from llama_index_prod_rag.structure.lines import split_lines, strip_span
from llama_index_prod_rag.structure.tree import Block

_DELIMITERS = ",;\t|"
# A cell that holds a number: the first row of a table with one is not a header.
_NUMBER = re.compile(r"\s*[-+]?[\d.,]*\d[\d.,]*\s*[%€$]?\s*")
# A year, month or day, with a time or without; columns may be named by one.
_DATE = re.compile(
    r"\s*(?:(?:19|20)\d\d(?:-\d\d){0,2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4})(?:[T ]\d{1,2}:\d\d(?::\d\d)?)?\s*"
)
# What Excel writes and reads as the first line: which sign parts the cells.
_TOLD = re.compile(r"\ufeff?sep=([^\w\s\"]|\t)\r?\n", re.IGNORECASE)
_LOOKED_AT = 50
"""Rows that the delimiter is judged by."""
_FEWEST = 3
"""Rows below which equal numbers of cells may be chance."""
_LONGEST_CELL = 60
"""Characters of the mean cell; longer ones are sentences with commas in them."""


def read_csv(text: str) -> Block:
    r"""Read a table's rows, the first one its header unless a number stands in it (`has_header`).

    Returns:
        The root block with one `table`, and a `caption` for each line of one cell above it;
        `metadata["table_header"]` holds the header as it is written. Rows are told by the standard library's reader, so
        that quoted cells may hold line breaks.

    Examples:
        >>> table = read_csv('name,note\nAnn,"two\nlines"\nBob,one\n').children[0]
        >>> [(block.kind, block.start, block.end) for block in table.children], table.metadata["table_header"]
        ([('table_header', 0, 9), ('row', 10, 25), ('row', 26, 33)], 'name,note')
    """
    told = _TOLD.match(text)
    delimiter = told[1] if told else find_delimiter(text) or _most_frequent(text)
    spans = list(_rows(text, delimiter))
    shown = [_cells(text[slice(*span)], delimiter) for span in spans[:_LOOKED_AT]]
    wide = [sum(map(_is_filled, row)) > 1 for row in shown]
    above = wide.index(True) if True in wide else 0
    captions = [Block("caption", *span, glued=True) for span in spans[:above]]
    if told and captions:
        captions[0] = Block("markup", captions[0].start, captions[0].end, dropped=True)
    if not spans:
        return Block("document", 0, len(text))
    return Block("document", 0, len(text), (*captions, _table(text, spans[above:], headed=has_header(shown[above:]))))


def _table(text: str, spans: Sequence[tuple[int, int]], *, headed: bool) -> Block:
    rows = [Block("row", *span) for span in spans]
    metadata = {}
    if headed:
        rows[0] = Block("table_header", *spans[0], glued=True)
        metadata = {"table_header": text[slice(*spans[0])].lstrip("\ufeff")}
    return Block("table", spans[0][0], spans[-1][1], tuple(rows), metadata=metadata)


def _cells(row: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([row], delimiter=delimiter), [])
    except csv.Error:  # a cell over the library's limit, or a line break outside of quotes
        return [row]


def _is_filled(cell: str) -> bool:
    return bool(cell.strip())


def _most_frequent(text: str) -> str:
    """What parts the cells of a table whose rows differ, or of one too short to be told."""
    start = "".join(islice(text.splitlines(keepends=True), _LOOKED_AT))
    return max(_DELIMITERS, key=start.count)


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row of a table names its columns: no number stands in it, and no date above other dates.

    Examples:
        >>> has_header([["boat", "2023", "2024"], ["Sloop", "10", "12"]])
        True
        >>> has_header([["Sloop", "2023"], ["Ketch", "2024"]]), has_header([["0012", "Ann"], ["0013", "Bob"]])
        (False, False)
    """
    first, *others = rows[:_LOOKED_AT] or [[]]
    named = 2 * sum(bool(cell.strip()) for cell in first) > len(first)
    return named and bool(others) and not any(_is_value(cell, others, column) for column, cell in enumerate(first))


def _is_value(cell: str, others: Sequence[Sequence[str]], column: int) -> bool:
    if _DATE.fullmatch(cell) is None:
        return _NUMBER.fullmatch(cell) is not None
    below = [row[column] for row in others if row[column : column + 1] not in ([], [""])]
    return 2 * sum(_DATE.fullmatch(each) is not None for each in below) > len(below)


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, int]]:
    """The stretch of each row; text that the standard library's reader gives up on is read line by line."""
    lines = split_lines(text)
    edges = [line.begin for line in lines] + [len(text)]
    reader = csv.reader((text[first:last] for first, last in pairwise(edges)), delimiter=delimiter)
    done = 0
    while done < len(lines):
        try:
            next(reader)
        except StopIteration:
            return
        except csv.Error:  # a cell over the library's limit
            span = strip_span(text, edges[done], edges[-1])
            done = len(lines)
        else:
            span = strip_span(text, edges[done], edges[reader.line_num])
            done = reader.line_num
        if span[0] < span[1]:
            yield span


def find_delimiter(text: str) -> str | None:
    r"""Find what parts the cells of a table, or None where a text is not a table.

    Examples:
        >>> find_delimiter("a;b\n1;2\n3;4\n"), find_delimiter("Well, yes.\nNo, it is\nso, I say.")
        (';', None)
    """
    found = [(columns, sign) for sign in _DELIMITERS if (columns := _columns(text, sign)) > 1]
    return max(found, default=(0, None))[1]


def _columns(text: str, delimiter: str) -> int:
    """Cells of a row, where all rows have as many, and cells are not pieces of sentences; else 0."""
    lines = [line for line in islice(text.splitlines(), _LOOKED_AT + 1) if line.strip()][:_LOOKED_AT]
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error:
        return 0
    counts = {len(row) for row in rows}
    if len(rows) < _FEWEST or len(counts) != 1:
        return 0
    return counts.pop() if not _are_sentences(rows, delimiter) else 0


def _are_sentences(rows: Sequence[Sequence[str]], delimiter: str) -> bool:
    cells = [cell for row in rows for cell in row]
    spaced = sum(cell.startswith(" ") for row in rows for cell in row[1:]) > len(rows) / 2
    return sum(map(len, cells)) > _LONGEST_CELL * len(cells) or (
        delimiter == "," and spaced and len(rows[0]) < _FEWEST + 1
    )


def table(text: str) -> float:
    """How surely a text is a table: 4 where it has a delimiter, 0 else."""
    return 0.0 if find_delimiter(text) is None else 4.0
