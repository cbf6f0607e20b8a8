from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.evaluation.labels import Label, read_labels
from llama_index_prod_rag.query_log.normalize import WITHHELD
from llama_index_prod_rag.query_log.record import HitRecord, LoggedPassage, QueryRecord
from llama_index_prod_rag.query_log.sampling import Sampled
from llama_index_prod_rag.query_log.sheets import export_sheet, import_sheet

NASTY = '=HYPERLINK("http://evil"),\n"x"\u2028y; \'z'
RECORD = QueryRecord(
    query=NASTY,
    query_id="-1",
    answer="'=maybe",
    passages=(LoggedPassage("@n1", NASTY, "d1"), LoggedPassage("n2", "plain")),
    hits=(
        HitRecord("leg", "bm25", "n3", 1, 9.0),
        HitRecord("leg", "bm25", "n4", 2, 8.0),
        HitRecord("leg", "bm25", "gone", 1, 9.0),
        HitRecord("shown", "", "@n1", 1, 0.5),
    ),
)
SAMPLE = [Sampled(RECORD, "uncertain"), Sampled(QueryRecord(query="no passage", query_id="q2"), "random")]
TEXTS = {"n3": "third", "n4": "fourth", "@n1": "not asked for"}


def _edit_csv(
    sheet: Path, edit: Callable[[dict[str, str]], None], delimiter: str = ",", first: Sequence[str] = ()
) -> None:
    """What a person with a spreadsheet does."""
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        edit(row)
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*first, *(name for name in rows[0] if name not in first)], delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_labels_come_back_from_a_spreadsheet(tmp_path: Path, delimiter: str) -> None:
    def fill(row: dict[str, str]) -> None:
        if row["passage_id"] == "'@n1":
            row.update(relevant="2", answerable="Yes", right_answer=" 42 ")
        elif row["passage_id"] == "n2":
            row.update(relevant="no", right_answer="forty-two")
        elif row["query_id"] == "q2":
            row.update(answerable="FALSE")

    sheet, labels = tmp_path / "sheet.csv", tmp_path / "labels.jsonl"
    assert export_sheet(SAMPLE, sheet) == 2
    _edit_csv(sheet, fill, delimiter)
    assert import_sheet(sheet, labels) == 2
    read = read_labels(labels)
    assert {"-1", "q2"} <= set(read)
    assert read[NASTY] is read["-1"]  # found by its question too
    assert read["-1"].relevant == {"@n1": 2, "n2": 0}
    assert read["-1"].answerable is True
    assert set(read["-1"].references) == {"42", "forty-two"}
    assert read["q2"] == Label(answerable=False)
    assert json.loads(labels.read_text().splitlines()[0])["query"] == NASTY


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_column_of_the_users_own_says_what_kind_of_question_it_is(tmp_path: Path, delimiter: str) -> None:
    kinds = {"'-1": "'=staff, night", "q2": ""}

    def fill(row: dict[str, str]) -> None:
        row.update(answerable="yes", department=kinds.get(row["query_id"], ""))

    sheet, labels = tmp_path / "sheet.csv", tmp_path / "labels.jsonl"
    export_sheet(SAMPLE, sheet)
    _edit_csv(sheet, fill, delimiter, first=["department"])
    import_sheet(sheet, labels)
    read = read_labels(labels, slice_by="department")
    assert (read["-1"].slice, read["q2"].slice) == ("=staff, night", "")
    assert read_labels(labels)["-1"].slice == ""
    with pytest.raises(InputError, match="'tenant'"):
        read_labels(labels, slice_by="tenant")


def test_a_question_is_of_one_kind(tmp_path: Path) -> None:
    numbers = iter(range(99))

    def fill(row: dict[str, str]) -> None:
        row.update(department=str(next(numbers)), relevant="1")

    export_sheet(SAMPLE, sheet := tmp_path / "sheet.csv")
    _edit_csv(sheet, fill, first=["department"])
    with pytest.raises(InputError, match="department is both"):
        import_sheet(sheet, tmp_path / "labels.jsonl")


def test_kinds_come_back_from_json_lines(tmp_path: Path) -> None:
    sheet, labels = tmp_path / "sheet.jsonl", tmp_path / "labels.jsonl"
    export_sheet(SAMPLE, sheet)
    rows = [json.loads(line) for line in sheet.read_text(encoding="utf-8").strip().split("\n")]
    rows[0].update(answerable=True, tenant=7)
    sheet.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    import_sheet(sheet, labels)
    assert read_labels(labels, slice_by="tenant")["-1"].slice == "7"
    assert labels.read_text().count("candidates") == 0


def _write(path: Path, kinds: Sequence[object]) -> Path:
    rows = [{"query": f"question {n}", "answerable": True, "tenant": kind} for n, kind in enumerate(kinds)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_blanks_around_a_kind_make_no_other_kind(tmp_path: Path) -> None:
    labels = _write(tmp_path / "labels.jsonl", ["north ", " north", "south", "  "])
    read = read_labels(labels, slice_by="tenant")
    assert [read[f"question {n}"].slice for n in range(4)] == ["north", "north", "south", ""]


@pytest.mark.parametrize("field", ["query", "query_id", "relevant", "answers", "answerable", "drawn"])
def test_what_a_label_says_is_no_kind_of_question(tmp_path: Path, field: str) -> None:
    labels = _write(tmp_path / "labels.jsonl", ["north", "north", "south"])
    with pytest.raises(InputError, match=f"'{field}' says what is known .* a field of your own"):
        read_labels(labels, slice_by=field)


def test_a_kind_for_each_question_is_an_error(tmp_path: Path) -> None:
    labels = _write(tmp_path / "labels.jsonl", ["a", "b", "c"])
    with pytest.raises(InputError, match="different for each of 3 questions"):
        read_labels(labels, slice_by="tenant")
    assert read_labels(_write(labels, ["a", "b", "a"]), slice_by="tenant")["question 1"].slice == "b"


def test_a_question_of_several_kinds_is_an_error_that_names_its_line(tmp_path: Path) -> None:
    labels = _write(tmp_path / "labels.jsonl", ["a", ["a", "b"]])
    with pytest.raises(InputError, match="line 2: tenant must be one value"):
        read_labels(labels, slice_by="tenant")


def test_no_cell_of_a_sheet_is_run_as_a_formula(tmp_path: Path) -> None:
    export_sheet(SAMPLE, sheet := tmp_path / "sheet.csv")
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]


_RUN = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%", " =")


@pytest.mark.parametrize(
    "text",
    [
        "\n=1+1",
        "＝1",
        " =1",
        "－1",
        "|calc",
        "a;=1",
        "a, -1",
        "a\t=1",
        "\ud800=",
        "x" * 200_000,
        "'=1",
        "a;'=1",
        "\n\n",
        "-",
    ],
)
def test_hostile_and_long_passages_are_text_in_every_spreadsheet_and_come_back(tmp_path: Path, text: str) -> None:
    record = QueryRecord(query=text, query_id="q", passages=(LoggedPassage("n", text),))
    export_sheet([Sampled(record, "random")], sheet := tmp_path / "sheet.csv")
    raw = sheet.read_bytes().decode("utf-8-sig")
    csv.field_size_limit(10**6)
    for delimiter in ",;":  # a spreadsheet of another country splits at semicolons
        for row in csv.reader(raw.splitlines(keepends=True), delimiter=delimiter):
            assert not [cell for cell in row if cell.startswith(_RUN)]
    filled = raw.removesuffix('"","",""\r\n') + '"1","",""\r\n'
    sheet.write_bytes(filled.encode("utf-8-sig"))
    labels = tmp_path / "labels.jsonl"
    assert import_sheet(sheet, labels) == 1
    [label] = map(json.loads, labels.read_text().splitlines())
    assert label["query"] == text.replace("\ud800", "?")
    assert label["relevant"] == {"n": 1}


def test_labels_come_back_from_json_lines(tmp_path: Path) -> None:
    sheet, labels = tmp_path / "sheet.jsonl", tmp_path / "labels.jsonl"
    export_sheet(SAMPLE, sheet)
    rows = [json.loads(line) for line in sheet.read_text(encoding="utf-8").strip().split("\n")]
    assert {candidate["text"] for candidate in rows[0]["candidates"]} == {NASTY, "plain"}
    rows[0].update(relevant={"@n1": 1}, answers=["42"])
    sheet.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    assert import_sheet(sheet, labels) == 1
    assert read_labels(labels)["-1"] == Label(relevant={"@n1": 1}, references=("42",))


def test_the_pool_of_every_list_is_offered_where_texts_can_be_looked_up(tmp_path: Path) -> None:
    def offered(pool: int) -> dict[str, str]:
        export_sheet(SAMPLE[:1], sheet := tmp_path / "sheet.jsonl", pool=pool, text_of=TEXTS.get)
        return {candidate["node_id"]: candidate["text"] for candidate in json.loads(sheet.read_text())["candidates"]}

    assert offered(1) == {"@n1": NASTY, "n2": "plain", "n3": "third"}
    assert offered(2) == {"@n1": NASTY, "n2": "plain", "n3": "third", "n4": "fourth"}


def test_the_order_of_passages_says_nothing_about_their_ranks(tmp_path: Path) -> None:
    def order(*ids: str) -> list[str]:
        record = QueryRecord(query="q", passages=tuple(LoggedPassage(id_) for id_ in ids))
        export_sheet([Sampled(record, "random")], sheet := tmp_path / "sheet.jsonl")
        return [candidate["node_id"] for candidate in json.loads(sheet.read_text())["candidates"]]

    assert order("a", "b", "c", "d") == order("d", "c", "b", "a")


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("relevant", "maybe", "line [0-9]+: expected a whole number, yes or no, not 'maybe'"),
        ("answerable", "1.5", "whole number, yes or no"),
    ],
)
def test_a_slip_is_named_with_its_line(tmp_path: Path, column: str, value: str, says: str) -> None:
    export_sheet(SAMPLE, sheet := tmp_path / "sheet.csv")
    _edit_csv(sheet, lambda row: row.update({column: value}))
    with pytest.raises(InputError, match=says):
        import_sheet(sheet, tmp_path / "labels.jsonl")


def test_nothing_is_relevant_where_no_passage_is_named(tmp_path: Path) -> None:
    export_sheet(SAMPLE[1:], sheet := tmp_path / "SHEET.CSV")
    _edit_csv(sheet, lambda row: row.update(relevant="0", answerable="no"))
    import_sheet(sheet, labels := tmp_path / "labels.jsonl")
    assert read_labels(labels)["q2"] == Label(answerable=False)
    _edit_csv(sheet, lambda row: row.update(relevant="1", answerable=""))
    with pytest.raises(InputError, match="names none: give its passage_id"):
        import_sheet(sheet, labels)


def test_a_question_cannot_be_answerable_and_not(tmp_path: Path) -> None:
    export_sheet(SAMPLE[:1], sheet := tmp_path / "sheet.csv")
    _edit_csv(sheet, lambda row: row.update(answerable="yes" if row["passage_id"] == "n2" else "no"))
    with pytest.raises(InputError, match="both yes and no"):
        import_sheet(sheet, tmp_path / "labels.jsonl")


@pytest.mark.parametrize("text", ["query_id,query\n1,q\n", "", "something else"])
def test_a_csv_without_the_columns_names_them(tmp_path: Path, text: str) -> None:
    (sheet := tmp_path / "sheet.csv").write_text(text)
    with pytest.raises(InputError, match=r"answerable, .*relevant, right_answer"):
        import_sheet(sheet, tmp_path / "labels.jsonl")


@pytest.mark.parametrize("line", ["{", "[]", "{}"])
def test_a_line_that_is_no_row_is_named(tmp_path: Path, line: str) -> None:
    (sheet := tmp_path / "sheet.jsonl").write_text(f"\n{line}\n")
    with pytest.raises(InputError, match="line 2"):
        import_sheet(sheet, tmp_path / "labels.jsonl")


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_sheet_that_nobody_filled_in_leaves_the_labels_alone(tmp_path: Path, ending: str) -> None:
    export_sheet(SAMPLE, sheet := tmp_path / f"sheet.{ending}")
    (labels := tmp_path / "labels.jsonl").write_text("labels of before")
    with pytest.raises(InputError, match=r"nothing in .* is filled in"):
        import_sheet(sheet, labels)
    assert labels.read_text() == "labels of before"


def test_there_is_nothing_to_label_without_text_and_nothing_to_import_without_a_sheet(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="keeps no text"):
        export_sheet([Sampled(QueryRecord(query=WITHHELD), "random")], tmp_path / "sheet.csv")
    with pytest.raises(InputError, match="no sheet"):
        import_sheet(tmp_path / "absent.csv", tmp_path / "labels.jsonl")
    with pytest.raises(ConfigurationError, match=r"\.csv or \.jsonl"):
        export_sheet(SAMPLE, tmp_path / "sheet.xlsx")
