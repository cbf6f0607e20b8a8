"""The pieces of a passage that can be quoted by themselves: sentences, rows with their header, whole blocks. Core.

A sentence splitter tears code apart and takes a table for one sentence; a row without its header says little. What a
piece is, its lines tell: passages come without the document's format.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from llama_index_prod_rag.text.sentences import split_sentences

_LONGEST_BLOCK = 1200  # characters; a longer one is cut at its lines, as a quote is to be read at a glance
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_PIPES = re.compile(r"\s*\|.*\|\s*$|.*\S \| \S")
_RULE = re.compile(r"\s*[|+]?[\s|+:=-]*[-=]{2,}[\s|+:=-]*$")  # |---|---| of Markdown, +===+===+ of reStructuredText
_DELIMITERS = ("\t", ";", ",")
_LONGEST_NAME = 60  # characters of a column's name; longer cells make prose with commas
_LONGEST_ROW = 10_000  # characters; the reader of rows refuses longer cells
# A time or a level opens the lines of logs; a brace alone those of JSON Lines.
_RECORD = re.compile(
    r"\s*(?:\[?\d{4}-\d\d-\d\d[T ]\d|\[?\d\d:\d\d:\d\d|(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\w*\b|\{\".*\}$)"
)
# Indented, ended by a brace or a semicolon, begun by a keyword of a common language, or a setting.
_CODE = re.compile(
    r"(?: {4}|\t)\s*\S|.*[;{}]\s*$|\s*[)\]}]+[,;]?$|\s*\"?[\w.-]+\"?\s*[:=](?:\s.*[^.!?]|)$"
    r"|\s*(?:def|class|func|fn|function|import|from|const|let|var|public|private|static|return|async|export|@\w+)\b.*[^.!?]$"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Marks a stretch of a text that can be quoted by itself: a sentence, a row with its header, a whole block.

    Attributes:
        start: first character, inclusive.
        end: last character, exclusive.
        header: the header row of the table that the piece is a row of, as it stands; empty elsewhere.
        reading: what a model should read: the stretch itself, or a row as "name: value; name: value".
        prose: whether it is a sentence.
    """

    start: int
    end: int
    header: str
    reading: str
    prose: bool = False


_Line: TypeAlias = tuple[int, str]  # place of its first character, and the line without its end


def split_pieces(text: str) -> list[Piece]:
    r"""Take a text apart into what can be quoted by itself, in order.

    Args:
        text: Markdown, reStructuredText, delimited rows, code, a log, or prose.

    Returns:
        Sentences; rows of tables, each with its header; fenced or indented code and settings as whole blocks, cut at
        lines above 1,200 characters; lines of logs. Blank lines and rules are left out.

    Examples:
        >>> for piece in split_pieces("Limits follow.\n\n| kind | limit |\n|---|---|\n| Hotel | 220 |"):
        ...     print(piece.reading)
        Limits follow.
        kind: Hotel; limit: 220
    """
    lines = list(_lines(text))
    pieces: list[Piece] = []
    place = 0
    while place < len(lines):
        for take in _TAKERS:
            if (count := take(lines, place)) > 0:
                break
        else:
            take, count = _take_prose, _take_prose(lines, place)
        pieces += _MAKERS[take](text, lines[place : place + count])
        place += count
    return pieces


def _lines(text: str) -> Iterator[_Line]:
    start = 0
    for line in text.splitlines(keepends=True):
        yield start, line.rstrip("\r\n")
        start += len(line)


# How many lines, from a place on, belong to each kind; 0 where it does not begin there.


def _take_fence(lines: Sequence[_Line], place: int) -> int:
    opening = _FENCE.match(lines[place][1])
    if opening is None:
        return 0
    mark = opening.group(1)
    for count in range(1, len(lines) - place):
        if lines[place + count][1].strip().startswith(mark):
            return count + 1
    return len(lines) - place


def _take_while(lines: Sequence[_Line], place: int, fits: Callable[[str], object]) -> int:
    end = place
    while end < len(lines) and fits(lines[end][1]):
        end += 1
    return end - place


def _take_table(lines: Sequence[_Line], place: int) -> int:
    first = lines[place][1]
    second = lines[place + 1][1] if place + 1 < len(lines) else ""
    if not (_PIPES.match(first) or (_RULE.match(first) and _PIPES.match(second))):
        return 0
    count = _take_while(lines, place, lambda line: _PIPES.match(line) or _RULE.match(line))
    rows = sum(not _RULE.match(line) for _, line in lines[place : place + count])
    return count if rows > 1 or first.strip().startswith("|") else 0


def _take_delimited(lines: Sequence[_Line], place: int) -> int:
    first = lines[place][1]
    delimiter = _delimiter(first)
    if delimiter is None:
        return 0
    width = len(_cells(first, delimiter))
    count = _take_while(lines, place, lambda line: line.strip() and len(_cells(line, delimiter)) == width)
    return count if count > 1 else 0


def _take_records(lines: Sequence[_Line], place: int) -> int:
    return _take_while(lines, place, _RECORD.match)


def _take_code(lines: Sequence[_Line], place: int) -> int:
    count = _take_while(lines, place, _CODE.match)
    return count if count > 1 else 0


def _take_prose(lines: Sequence[_Line], place: int) -> int:
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


def _make_block(text: str, lines: Sequence[_Line]) -> list[Piece]:
    del text
    pieces: list[Piece] = []
    group: list[_Line] = []
    for line in lines:
        if group and line[0] + len(line[1]) - group[0][0] > _LONGEST_BLOCK:
            pieces.append(_piece(group))
            group = []
        group.append(line)
    return [*pieces, _piece(group)]


def _piece(lines: Sequence[_Line]) -> Piece:
    start, end = lines[0][0], lines[-1][0] + len(lines[-1][1])
    return Piece(start, end, "", "\n".join(line for _, line in lines).strip())


def _make_lines(text: str, lines: Sequence[_Line]) -> list[Piece]:
    del text
    return [_piece([line]) for line in lines]


def _make_table(text: str, lines: Sequence[_Line]) -> list[Piece]:
    del text
    rows = [line for line in lines if not _RULE.match(line[1])]
    ruled = [place for place, (_, line) in enumerate(lines) if _RULE.match(line)]
    # A table cut in two leaves a second half without a header: its first row is a row.
    headed = bool(ruled) or not rows[0][1].strip().startswith("|")
    names = [cell.strip() for cell in rows[0][1].strip().strip("|").split("|")]
    header = rows[0][1].strip() if headed else ""
    return [
        _row(line, header, names if headed else [], line[1].strip().strip("|").split("|"))
        for line in (rows[1:] if headed else rows)
    ]


def _make_delimited(text: str, lines: Sequence[_Line]) -> list[Piece]:
    del text
    header = lines[0][1]
    delimiter = _delimiter(header) or ","
    names = _cells(header, delimiter)
    return [_row(line, header, names, _cells(line[1], delimiter)) for line in lines[1:]]


def _row(line: _Line, header: str, names: Sequence[str], cells: Sequence[str]) -> Piece:
    start, row = line
    if len(names) == len(cells):
        read = "; ".join(f"{name.strip()}: {cell.strip()}" for name, cell in zip(names, cells, strict=True))
    else:
        read = " ".join(row.replace("|", " ").split())
    return Piece(start + len(row) - len(row.lstrip()), start + len(row.rstrip()), header, read)


def _make_sentences(text: str, lines: Sequence[_Line]) -> list[Piece]:
    first, last = lines[0][0], lines[-1][0] + len(lines[-1][1])
    return [
        Piece(first + start, first + end, "", text[first + start : first + end], prose=True)
        for start, end in split_sentences(text[first:last])
    ]


_Taker: TypeAlias = Callable[[Sequence[_Line], int], int]
_TAKERS: tuple[_Taker, ...] = (_take_fence, _take_table, _take_delimited, _take_records, _take_code)
_MAKERS: dict[_Taker, Callable[[str, Sequence[_Line]], list[Piece]]] = {
    _take_fence: _make_block,
    _take_table: _make_table,
    _take_delimited: _make_delimited,
    _take_records: _make_lines,
    _take_code: _make_block,
    _take_prose: _make_sentences,
}
