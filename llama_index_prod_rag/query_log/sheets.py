"""Sheets for people to label logged questions in, and the label files that come of them.

A CSV sheet has one row per passage, for a spreadsheet; a JSONL sheet has one object per question, for labelling tools.
`import_sheet` turns either, filled in, into the label file that evaluation, tuning and calibration read.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from llama_index_prod_rag.durable_files import write_whole
from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.json_lines import numbered_lines
from llama_index_prod_rag.query_log.normalize import WITHHELD
from llama_index_prod_rag.query_log.record import LoggedPassage, QueryRecord
from llama_index_prod_rag.query_log.sampling import Sampled

_COLUMNS = ("query_id", "drawn", "query", "answer", "passage_id", "document_id", "passage")
_TO_FILL = ("relevant", "answerable", "right_answer")
_LABEL = ("query_id", "drawn", "query", "relevant", "answerable", "answers")
_OURS = {*_COLUMNS, *_TO_FILL, *_LABEL, "candidates", "how_to"}  # any other column is the user's own
_HOW_TO = "how to fill in"  # stands for the query_id of the row that says it
_EXPLAINED = {
    "relevant": "of each passage: 1 if it answers the question (or a grade), 0 if not, empty: not judged",
    "answerable": "of each question, in any row: yes or no, whether the documents have the answer",
    "right_answer": "of each question, in any row: what the answer should be; may stay empty",
}
_FORMS = {
    "relevant": "write an object, passage id to grade",
    "answers": "write a list of texts",
    "answerable": "write true, false or null",
}
_YES, _NO = ("yes", "true", "x"), ("no", "false")
# Spreadsheets run cells that begin like this, some after blanks and some with the full-width signs of East Asian
# keyboards; a quote before it makes it text (OWASP, "CSV Injection"). The same behind what the spreadsheet of
# another country takes for the end of a cell.
_FORMULA = re.compile(r"'*(?:[\t\r\n]|\s*[=+\-@|%＝＋－＠])")
_FORMULA_INSIDE = re.compile(r"(?<=[;,\t\r\n])(\s*)('*)(?=[=+\-@|%＝＋－＠])")

TextOf = Callable[[str], str | None]
"""Text of a passage by its id, None where it is gone; `lambda id: docstore.get_node(id).get_content()`."""


def export_sheet(sample: Iterable[Sampled], path: Path, *, pool: int = 10, text_of: TextOf | None = None) -> int:
    """Write a sheet to fill in.

    Every question comes with the passages that were shown and, given `text_of`, with the first `pool` of every list
    it went through: labels on shown passages alone cannot tell what the legs found and fusion lost (pooling, Spärck
    Jones and van Rijsbergen, 1975). They are in no meaningful order and without scores, which would sway a judge.

    The sheet says how to fill it in, a CSV in its first row, JSONL in `how_to`. Per passage: `relevant` (1, or a grade;
    0 or no for judged and not relevant; empty for not judged); per question, in any of its rows: `answerable` (yes or
    no, whether the corpus has the answer) and `right_answer`. In JSONL the fields are `relevant` (an object, passage id
    to grade), `answerable` and `answers` (a list). A column of your own, such as `department`, is filled in per
    question and goes into the label file: it says what kind of question it is.

    Args:
        sample: what to label, see `sampling.sample`.
        path: a file ending in .csv or .jsonl.
        pool: depth of each list to take passages from.
        text_of: looks up passages that were not shown; without it only shown ones are offered.

    Returns:
        The number of questions written.

    Raises:
        ConfigurationError: another ending.
        InputError: the log keeps no text.
    """
    write = _by_ending(path, {".csv": _write_csv, ".jsonl": _write_jsonl})
    rows = [_question(drawn, _candidates(drawn.record, pool, text_of)) for drawn in sample]
    sheet = io.StringIO(newline="")
    write(rows, sheet)
    write_whole(path, sheet.getvalue().encode("utf-8-sig" if path.suffix.lower() == ".csv" else "utf-8", "replace"))
    return len(rows)


def import_sheet(sheet: Path, labels: Path) -> int:
    """Turn a filled-in sheet into a label file (`evaluation.labels.read_labels` says what is in one).

    Args:
        sheet: what `export_sheet` wrote, filled in; a CSV may come back with semicolons.
        labels: the label file to write, JSON lines.

    Returns:
        The number of questions with a label; the others are left out.

    Raises:
        ConfigurationError: the sheet's ending is neither .csv nor .jsonl.
        InputError: the sheet is missing, malformed (the message names the line), or nothing in it is filled in; the
            label file is not touched then.
    """
    read = _by_ending(sheet, {".csv": _read_csv, ".jsonl": _read_jsonl})
    if not sheet.is_file():
        raise InputError(f"there is no sheet at {sheet}: export one first")
    rows = [row for row in read(sheet) if row["relevant"] or row["answers"] or row["answerable"] is not None]
    if not rows:
        raise InputError(f"nothing in {sheet} is filled in: give relevant, answerable or right_answer somewhere")
    write_whole(labels, "".join(json.dumps(row) + "\n" for row in rows))
    return len(rows)


def _by_ending(path: Path, ways: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a reader or a writer
    if path.suffix.lower() not in ways:
        raise ConfigurationError(f"{path}: a sheet ends in .csv or .jsonl")
    return ways[path.suffix.lower()]


def _candidates(record: QueryRecord, pool: int, text_of: TextOf | None) -> list[LoggedPassage]:
    passages = {passage.node_id: passage for passage in record.passages}
    if text_of is not None:
        for node_id in {hit.node_id for hit in record.hits if hit.rank <= pool} - passages.keys():
            if (text := text_of(node_id)) is not None:
                passages[node_id] = LoggedPassage(node_id, text)
    return sorted(passages.values(), key=lambda passage: hashlib.sha256(passage.node_id.encode()).digest())


def _question(drawn: Sampled, candidates: list[LoggedPassage]) -> dict[str, Any]:
    record = drawn.record
    if record.query == WITHHELD:
        raise InputError("this log keeps no text (log_text=False), so there is nothing to label")
    return {
        "query_id": record.query_id,
        "drawn": drawn.drawn,
        "query": record.query,
        "answer": record.answer or "",
        "candidates": [passage._asdict() for passage in candidates],
        "relevant": {},
        "answerable": None,
        "answers": [],
        "how_to": "relevant: an object, id of a candidate to 1 if it answers the question (or a grade), 0 if not; "
        "answerable: true or false, whether the documents have the answer; answers: a list of right ones, if you like",
    }


def _write_jsonl(rows: Iterable[Mapping[str, Any]], file: TextIO) -> None:
    file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _write_csv(rows: Iterable[Mapping[str, Any]], file: TextIO) -> None:
    # Every cell in quotes: a spreadsheet that splits at semicolons must not find one in a text.
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerow((*_COLUMNS, *_TO_FILL))
    writer.writerow((_HOW_TO, *("" for _ in _COLUMNS[1:]), *(_EXPLAINED[column] for column in _TO_FILL)))
    for row in rows:
        question = [row[column] for column in _COLUMNS[:4]]
        for passage in row["candidates"] or [{"node_id": "", "document_id": "", "text": ""}]:
            cells = [*question, passage["node_id"], passage["document_id"], passage["text"]]
            writer.writerow([*map(_quote, cells), *("" for _ in _TO_FILL)])


def _quote(cell: str) -> str:
    """A cell with one quote more before each sign that would begin a formula."""
    inside = _FORMULA_INSIDE.sub(r"\1'\2", cell)
    return f"'{inside}" if _FORMULA.match(inside) else inside


def _unquote(cell: str) -> str:
    """The cell that was quoted: one quote less at each of these places."""
    inside = cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
    return _FORMULA_INSIDE.sub(lambda found: found[1] + found[2][1:], inside)


def _read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in numbered_lines(path):
        try:
            row = json.loads(line)
            label = {key: row[key] for key in _LABEL} | _further(row)
        except (json.JSONDecodeError, KeyError, TypeError, RecursionError) as error:
            raise InputError(f"{path}, line {number}: not a row of an exported sheet") from error
        for key, kind in (("relevant", dict), ("answers", list), ("answerable", bool | None)):
            if not isinstance(label[key], kind):
                raise InputError(f"{path}, line {number}: {key} is {label[key]!r}; {_FORMS[key]}")
        yield label


def _further(row: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in columns that the user added; empty cells say nothing."""
    return {name: value for name, value in row.items() if name and name not in _OURS and value not in ("", None)}


def _read_csv(path: Path) -> Iterator[dict[str, Any]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8: save the sheet as 'CSV UTF-8' in the spreadsheet") from None
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    questions: dict[str, dict[str, Any]] = {}
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))  # the default ends at 131,072 characters
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    if missing := {"query_id", "query", "passage_id", *_TO_FILL} - set(reader.fieldnames or ()):
        raise InputError(f"{path}: the columns {', '.join(sorted(missing))} are missing from the sheet")
    for row in reader:
        cells = {name: _unquote(cell or "") for name, cell in row.items() if name is not None}
        if cells["query_id"] == _HOW_TO:
            continue
        question = questions.setdefault(
            cells["query_id"],
            {
                **{name: cells.get(name, "") for name in ("query_id", "drawn", "query")},
                "relevant": {},
                "answerable": None,
                "answers": [],
            },
        )
        try:
            _fill(question, cells)
        except ValueError as error:
            raise InputError(f"{path}, line {reader.line_num}: {error}") from None
    yield from questions.values()


def _fill(question: dict[str, Any], cells: Mapping[str, str]) -> None:
    relevant, answerable, right_answer = (cells[column].strip() for column in _TO_FILL)
    if relevant and cells["passage_id"]:
        question["relevant"][cells["passage_id"]] = _grade(relevant)
    elif relevant and _grade(relevant) > 0:
        raise ValueError("relevant is about a passage, and this row names none: give its passage_id, or answerable")
    if answerable:
        if question["answerable"] not in (None, _grade(answerable) > 0):
            raise ValueError("answerable is both yes and no for this question")
        question["answerable"] = _grade(answerable) > 0
    if right_answer and right_answer not in question["answers"]:
        question["answers"].append(right_answer)
    for name, cell in _further(cells).items():
        if question.setdefault(name, cell.strip()) != cell.strip():
            raise ValueError(f"{name} is both {question[name]!r} and {cell.strip()!r} for this question")


def _grade(cell: str) -> int:
    word = cell.casefold()
    if word in _YES or word in _NO:
        return int(word in _YES)
    try:
        return int(word)
    except ValueError:
        raise ValueError(f"expected a whole number, yes or no, not {cell!r}") from None
