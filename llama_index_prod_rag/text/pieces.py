"""The pieces of a passage that can be quoted by themselves: sentences, rows with their header, whole blocks. Core.

A sentence splitter tears code apart and takes a table for one sentence; a row without its header says little. What a
piece is, its lines tell: passages come without the document's format.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from llama_index_prod_rag.text.records import SECTION, Line, find_records, read_record, split_words
from llama_index_prod_rag.text.sentences import split_sentences

_LONGEST_BLOCK = 1200  # characters; a longer one is cut at its lines, as a quote is to be read at a glance
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_PIPES = re.compile(r"\s*\|.*\|\s*$|.*\S \| \S")
_RULE = re.compile(r"\s*[|+]?[\s|+:=-]*[-=]{2,}[\s|+:=-]*$")  # |---|---| of Markdown, +===+===+ of reStructuredText
_DELIMITERS = ("\t", ";", ",")
_LONGEST_NAME = 60  # characters of a column's name; longer cells make prose with commas
_LONGEST_ROW = 10_000  # characters; the reader of rows refuses longer cells
# A time, an address or a level opens the lines of logs; a brace alone those of JSON Lines.
_RECORD = re.compile(
    r"\s*(?:\[?\d{4}-\d\d-\d\d[T ]\d|\[?\d\d:\d\d:\d\d|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d "
    r"|\d{1,3}(?:\.\d{1,3}){3} |\[?(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\w*\b|\{\s*\".*\},?$)"
)
_TRACE = re.compile(r"\s+(?:at |File \"|\.{3} )|Caused by: |Traceback ")  # belongs to the log line above it
# Indented, ended by a brace or a semicolon, begun by a keyword of a common language, a setting, or a section of them.
_CODE = re.compile(
    r"(?: {4}|\t)\s*\S|.*[;{}]\s*$|\s*[)\]}]+[,;]?$|\s*\"?[\w.-]+\"?\s*[:=](?:\s.*[^.!?]|)$"
    r"|\s*(?:def|class|func|fn|function|import|from|const|let|var|public|private|static|return|async|export)\b.*[^.!?]$"
    r"|\s*@[\w.]+(?:\(.*\))?$|(?:export )?[A-Z][A-Z\d_]+=\S"
)
_ITEM = re.compile(r"\s*- [\w. -]+:(?:\s|$)")  # of a list of mappings, if an entry follows it deeper


@dataclass(frozen=True, slots=True)
class Piece:
    """Marks a stretch of a text that can be quoted by itself: a sentence, a row with its header, a record, a block.

    Attributes:
        start: first character, inclusive.
        end: last character, exclusive.
        header: the header row of the table that the piece is a row of, as it stands; empty elsewhere.
        reading: what a model should read: the stretch itself, a row as "name: value; name: value", a record with what
            stands above it.
        prose: whether it is a sentence.
    """

    start: int
    end: int
    header: str
    reading: str
    prose: bool = False


def split_pieces(text: str, table_header: str = "") -> list[Piece]:
    r"""Take a text apart into what can be quoted by itself, in order.

    Args:
        text: Markdown, reStructuredText, delimited rows, data, code, a log, or prose.
        table_header: the header row of the table that the text begins in the middle of, where that is known.

    Returns:
        Sentences; rows of tables, each with its header; records of JSON, YAML and settings; functions; fences as whole
        blocks, cut at lines above 1,200 characters; lines of logs. Blank lines and rules are left out.

    Examples:
        >>> for piece in split_pieces("Limits follow.\n\n| kind | limit |\n|---|---|\n| Hotel | 220 |"):
        ...     print(piece.reading)
        Limits follow.
        kind: Hotel; limit: 220
        >>> for piece in split_pieces("services:\n  billing:\n    port: 9800\n  search:\n    port: 9722\n"):
        ...     print(piece.reading)
        services, billing: port: 9800
        services, search: port: 9722
    """
    return [
        piece for take, lines in _stretches(list(_lines(text))) for piece in _MAKERS[take](text, lines, table_header)
    ]


def structured_pieces(text: str, table_header: str = "") -> list[Piece]:
    """Take rows, records, blocks and lines out of a text, and leave its sentences; what `split_pieces` gives of them.

    Args:
        text: any text.
        table_header: as `split_pieces` takes it.
    """
    return [
        piece
        for take, lines in _stretches(list(_lines(text)))
        if take is not _take_prose
        for piece in _MAKERS[take](text, lines, table_header)
    ]


def _stretches(lines: Sequence[Line]) -> Iterator[tuple[_Taker, Sequence[Line]]]:
    place = 0
    while place < len(lines):
        take, count = next(
            ((take, count) for take in (*_TAKERS, _take_prose) if (count := take(lines, place)) > 0), (_take_prose, 1)
        )
        yield take, lines[place : place + count]
        place += count


def _lines(text: str) -> Iterator[Line]:
    start = 0
    for line in text.splitlines(keepends=True):
        yield start, line.rstrip("\r\n")
        start += len(line)


# How many lines, from a place on, belong to each kind; 0 where it does not begin there.


def _take_fence(lines: Sequence[Line], place: int) -> int:
    opening = _FENCE.match(lines[place][1])
    if opening is None:
        return 0
    mark = opening.group(1)
    for count in range(1, len(lines) - place):
        if lines[place + count][1].strip().startswith(mark):
            return count + 1
    return len(lines) - place


def _take_while(lines: Sequence[Line], place: int, fits: Callable[[str], object]) -> int:
    end = place
    while end < len(lines) and fits(lines[end][1]):
        end += 1
    return end - place


def _take_table(lines: Sequence[Line], place: int) -> int:
    first = lines[place][1]
    second = lines[place + 1][1] if place + 1 < len(lines) else ""
    if not (_PIPES.match(first) or (_RULE.match(first) and _PIPES.match(second))):
        return 0
    headed = int(_is_header_apart(lines, place)) * 2  # rendered HTML has a blank line below the header
    count = headed + _take_while(lines, place + headed, lambda line: _PIPES.match(line) or _RULE.match(line))
    rows = sum(bool(line) and not _RULE.match(line) for _, line in lines[place : place + count])
    return count if rows > 1 or first.strip().startswith("|") else 0


def _is_header_apart(lines: Sequence[Line], place: int) -> bool:
    if place + 2 >= len(lines) or lines[place + 1][1].strip():
        return False
    return _PIPES.match(lines[place + 2][1]) is not None and len(_cells_of_pipes(lines[place][1])) == len(
        _cells_of_pipes(lines[place + 2][1])
    )


def _cells_of_pipes(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]


def _take_delimited(lines: Sequence[Line], place: int) -> int:
    first = lines[place][1]
    delimiter = _delimiter(first)
    if delimiter is None:
        return 0
    width = len(_cells(first, delimiter))
    count = _take_while(lines, place, lambda line: line.strip() and len(_cells(line, delimiter)) == width)
    return count if count > 1 else 0


def _take_records(lines: Sequence[Line], place: int) -> int:
    if not _RECORD.match(lines[place][1]):
        return 0
    return _take_while(lines, place, lambda line: _RECORD.match(line) or _TRACE.match(line))


def _take_code(lines: Sequence[Line], place: int) -> int:
    end = place
    while end < len(lines) and (_is_code(lines, end) or _is_inner_blank(lines, place, end)):
        end += 1
    return end - place if end - place > 1 else 0


def _is_code(lines: Sequence[Line], place: int) -> bool:
    line = lines[place][1]
    below = lines[place + 1][1] if place + 1 < len(lines) else ""
    if _ITEM.match(line) or SECTION.match(line):  # of a list of sentences there is nothing deeper
        deeper = SECTION.match(line) or len(below) - len(below.lstrip()) > line.index("-")
        return bool(deeper and below.strip() and _CODE.match(below))
    return bool(_CODE.match(line))


def _is_inner_blank(lines: Sequence[Line], begin: int, place: int) -> bool:
    """Whether a blank line stands inside of a block: what follows is deeper than where the block began."""
    if lines[place][1].strip() or place == begin or place + 1 >= len(lines):
        return False
    below, first = lines[place + 1][1], lines[begin][1]
    return bool(below.strip()) and len(below) - len(below.lstrip()) > len(first) - len(first.lstrip())


def _take_prose(lines: Sequence[Line], place: int) -> int:
    count = 1
    while place + count < len(lines) and not any(take(lines, place + count) for take in _TAKERS):
        count += 1
    return count


def _delimiter(line: str) -> str | None:
    """What separates the names of a header row."""
    if len(line) > _LONGEST_ROW or line.rstrip().endswith((".", "!", "?", ":")):
        return None
    for delimiter in _DELIMITERS:
        names = _cells(line, delimiter)
        # A blank after the comma is prose's habit.
        if len(names) > 1 and all(0 < len(name.strip()) == len(name) <= _LONGEST_NAME for name in names):
            return delimiter
    return None


def _cells(line: str, delimiter: str) -> list[str]:
    if delimiter not in line or len(line) > _LONGEST_ROW:
        return [line]
    return next(csv.reader([line], delimiter=delimiter), [])


# What is made of them.


def _make_fence(text: str, lines: Sequence[Line], table_header: str) -> list[Piece]:
    del text, table_header
    pieces: list[Piece] = []
    group: list[Line] = []
    for line in lines:
        if group and line[0] + len(line[1]) - group[0][0] > _LONGEST_BLOCK:
            pieces.append(_piece(group))
            group = []
        group.append(line)
    return [*pieces, _piece(group)]


def _piece(lines: Sequence[Line], reading: str = "") -> Piece:
    start, end = lines[0][0], lines[-1][0] + len(lines[-1][1].rstrip())
    return Piece(start, end, "", reading or "\n".join(line for _, line in lines).strip())


def _make_blocks(text: str, lines: Sequence[Line], table_header: str) -> list[Piece]:
    pieces: list[Piece] = []
    for path, record in find_records(lines, _LONGEST_BLOCK):
        if record[-1][0] + len(record[-1][1]) - record[0][0] > _LONGEST_BLOCK:
            pieces += _make_fence(text, record, table_header)
        else:
            pieces.append(_piece(record, read_record(path, record)))
    return pieces


def _make_lines(text: str, lines: Sequence[Line], table_header: str) -> list[Piece]:
    del text, table_header
    records: list[list[Line]] = []
    for line in lines:
        if records and _TRACE.match(line[1]):
            records[-1].append(line)
        else:
            records.append([line])
    return [_piece(record, _read_line(record)) for record in records]


def _read_line(record: Sequence[Line]) -> str:
    line = record[0][1].strip()
    if line.startswith("{") and (entries := _parse_object(line.rstrip(","))):
        return split_words("; ".join(f"{name}: {value}" for name, value in entries.items()))
    return "\n".join(line for _, line in record).strip()


def _parse_object(line: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _make_table(text: str, lines: Sequence[Line], table_header: str) -> list[Piece]:
    del text
    rows = [line for line in lines if line[1].strip() and not _RULE.match(line[1])]
    apart = any(not line.strip() for _, line in lines)
    ruled = any(_RULE.match(line) for _, line in lines)
    # A table cut in two leaves a second half without a header: its first row is a row.
    known = table_header if table_header and table_header.strip() != rows[0][1].strip() else ""
    if known and not ruled and not apart:
        return [_row(line, known, _cells_of_pipes(known), _cells_of_pipes(line[1])) for line in rows]
    headed = ruled or apart or not rows[0][1].strip().startswith("|")
    header, names = (rows[0][1].strip(), _cells_of_pipes(rows[0][1])) if headed else ("", [])
    return [_row(line, header, names, _cells_of_pipes(line[1])) for line in (rows[1:] if headed else rows)]


def _make_delimited(text: str, lines: Sequence[Line], table_header: str) -> list[Piece]:
    del text
    first = lines[0][1]
    delimiter = _delimiter(first) or ","
    known = _cells(table_header, delimiter)
    if table_header and table_header.strip() != first.strip() and len(known) == len(_cells(first, delimiter)):
        return [_row(line, table_header, known, _cells(line[1], delimiter)) for line in lines]
    names = _cells(first, delimiter)
    return [_row(line, first, names, _cells(line[1], delimiter)) for line in lines[1:]]


def _row(line: Line, header: str, names: Sequence[str], cells: Sequence[str]) -> Piece:
    start, row = line
    if len(names) == len(cells):
        read = "; ".join(
            f"{split_words(name.strip())}: {cell.strip()}" for name, cell in zip(names, cells, strict=True)
        )
    else:
        read = " ".join(row.replace("|", " ").split())
    return Piece(start + len(row) - len(row.lstrip()), start + len(row.rstrip()), header, read)


def _make_sentences(text: str, lines: Sequence[Line], table_header: str) -> list[Piece]:
    del table_header
    first, last = lines[0][0], lines[-1][0] + len(lines[-1][1])
    return [
        Piece(first + start, first + end, "", text[first + start : first + end], prose=True)
        for start, end in split_sentences(text[first:last])
    ]


_Taker: TypeAlias = Callable[[Sequence[Line], int], int]
_TAKERS: tuple[_Taker, ...] = (_take_fence, _take_table, _take_delimited, _take_records, _take_code)
_MAKERS: dict[_Taker, Callable[[str, Sequence[Line], str], list[Piece]]] = {
    _take_fence: _make_fence,
    _take_table: _make_table,
    _take_delimited: _make_delimited,
    _take_records: _make_lines,
    _take_code: _make_blocks,
    _take_prose: _make_sentences,
}
