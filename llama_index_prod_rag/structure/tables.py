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
_LOOKED_AT = 50
"""Rows that the delimiter is judged by."""
_FEWEST = 3
"""Rows below which equal numbers of cells may be chance."""
_LONGEST_CELL = 60
"""Characters of the mean cell; longer ones are sentences with commas in them."""


def read_csv(text: str) -> Block:
    r"""Read a table's rows, the first one its header unless a number stands in it.

    Returns:
        The root block with one `table`; `metadata["table_header"]` holds the header as it is written. Rows are told by
        the standard library's reader, so that quoted cells may hold line breaks.

    Examples:
        >>> table = read_csv('name,note\nAnn,"two\nlines"\nBob,one\n').children[0]
        >>> [(block.kind, block.start, block.end) for block in table.children], table.metadata["table_header"]
        ([('table_header', 0, 9), ('row', 10, 25), ('row', 26, 33)], 'name,note')
    """
    delimiter = find_delimiter(text) or ","
    spans = list(_rows(text, delimiter))
    if not spans:
        return Block("document", 0, len(text))
    first = text[slice(*spans[0])]
    headed = len(spans) > 1 and not any(map(is_number, next(csv.reader([first], delimiter=delimiter))))
    rows = [Block("row", *span) for span in spans]
    metadata = {}
    if headed:
        rows[0] = Block("table_header", *spans[0], glued=True)
        metadata = {"table_header": first}
    return Block("document", 0, len(text), (Block("table", spans[0][0], spans[-1][1], tuple(rows), metadata=metadata),))


def is_number(cell: str) -> bool:
    """Whether a cell holds a number; the first row of a table with one is no header.

    Examples:
        >>> is_number("1,234.5 €"), is_number("2024 budget")
        (True, False)
    """
    return _NUMBER.fullmatch(cell) is not None


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
