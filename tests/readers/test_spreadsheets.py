from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from llama_index_prod_rag.cli.reading import read_file
from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.node_parser.document_aware import DocumentAwareNodeParser
from llama_index_prod_rag.readers import spreadsheets
from llama_index_prod_rag.structure.markdown import read_markdown

openpyxl = pytest.importorskip("openpyxl")


def _workbook(folder: Path) -> Path:
    workbook = openpyxl.Workbook()
    stalls = workbook.active
    stalls.title = "Stalls 2024"
    stalls.append(["Market of Kiel"])
    stalls.append([])
    stalls.append([None, "holder", "goods | notes", "since", "rent"])
    for number in range(30):
        stalls.append([None, f"Holder {number}", "nets\nand ropes", date(2024, 1, 1 + number), 40.0 + number / 2])
    workbook.create_sheet("Empty")
    workbook.create_sheet("Ferries").append(["line", "minutes"])
    workbook["Ferries"].append(["F1", 25])
    workbook.save(folder / "market.xlsx")
    return folder / "market.xlsx"


def test_rows_stay_whole_below_the_names_of_their_sheets_and_columns(tmp_path: Path) -> None:
    documents = read_file(_workbook(tmp_path), "market.xlsx")
    nodes = DocumentAwareNodeParser(chunk_size=100, tokenizer="simple").get_nodes_from_documents(documents)
    rows = [node for node in nodes if "Holder 7 " in node.get_content()]
    assert len(documents) == len(rows) == 1
    assert "| Holder 7 | nets and ropes | 2024-01-08 | 43.5 |" in rows[0].get_content().split("\n")
    assert rows[0].metadata["headings"] == "Stalls 2024"
    assert rows[0].metadata["table_header"] == "| holder | goods \\| notes | since | rent |"
    assert nodes[-1].metadata["headings"] == "Ferries"
    assert "Empty" not in documents[0].text
    assert "Market of Kiel" in nodes[0].get_content()


def _cells(tmp_path: Path, rows: list[list[object]], merged: list[str]) -> list[str]:
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    for area in merged:
        workbook.active.merge_cells(area)
    workbook.save(tmp_path / "merged.xlsx")
    return _shown(tmp_path / "merged.xlsx")


def _shown(file: Path) -> list[str]:
    return read_file(file, file.name)[0].text.split("\n")


def test_a_merged_cell_counts_for_every_row_and_column_that_it_covers(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["Berths of the harbour"],
        ["Boat", "Arrival", None, "Departure", None],
        [None, "Date", "Time", "Date", "Time"],
        ["Sloop", date(2024, 5, 1), time(9, 30), datetime.fromisoformat("2024-05-03"), time(17, 0, 5)],
        ["Dinghies", date(2024, 6, 1), time(8, 0), datetime.fromisoformat("2024-06-02T12:15"), None],
        [None, date(2024, 6, 3), None, None, None],
    ]
    assert _cells(tmp_path, rows, ["A1:E1", "A2:A3", "B2:C2", "D2:E2", "A5:A6"])[2:] == [
        "Berths of the harbour",
        "",
        "| Boat | Arrival Date | Arrival Time | Departure Date | Departure Time |",
        "|---|---|---|---|---|",
        "| Sloop | 2024-05-01 | 9:30:00 | 2024-05-03 | 17:00:05 |",
        "| Dinghies | 2024-06-01 | 8:00:00 | 2024-06-02 12:15 |  |",
        "| Dinghies | 2024-06-03 |  |  |  |",
    ]


@pytest.mark.parametrize(
    ("rows", "merged", "expected"),
    [
        ([["", "Stay", None], [None, "from", "to"], ["Sloop", "May", "June"]], ["B1:C1"], "|  | Stay from | Stay to |"),
        ([["Boat", "Stay", None], ["Sloop", "May", "June"]], ["B1:C1"], "| Boat | Stay | Stay |"),
        ([["Boat", "Stay"], ["Sloop", None], ["Ketch", "June"]], ["A2:B2"], "| Boat | Stay |"),
        ([["Boat", "Stay"], ["Sloop", 2]], ["A9:B12"], "| Boat | Stay |"),
    ],
)
def test_a_header_has_as_many_rows_as_its_merged_cells_say(
    tmp_path: Path, rows: list[list[object]], merged: list[str], expected: str
) -> None:
    lines = _cells(tmp_path, rows, merged)
    assert lines[2] == expected
    assert any("Sloop" in line for line in lines[3:])


def test_a_large_workbook_is_read_without_its_merged_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheets, "_MERGED_UP_TO", 0)
    lines = _cells(tmp_path, [["Boat", "Stay"], ["Sloop", 2], [None, 3]], ["A2:A3"])
    assert lines[4:] == ["| Sloop | 2 |", "|  | 3 |"]


@pytest.mark.parametrize(
    ("value", "number_format", "expected"),
    [
        ("0012", "General", "0012"),
        (12, "0000", "0012"),
        (7, '"INV-"0000', "INV-0007"),
        (123456789, "000-00-0000", "123-45-6789"),
        (1.1, "0.00", "1.10"),
        (0.1 + 0.2, "General", "0.3"),
        (100 / 3, "0.00", "33.33"),
        (0.125, "0.0%", "12.5%"),
        (12, '0"%"', "12%"),
        (12, r"0\%", "12%"),
        (12, '0.0" % of all"', "12.0 % of all"),
        (1234.5, '#,##0.00 "€"', "1234.50 €"),
        (1234.5, r"#,##0.00\ [$€-407]", "1234.50 €"),
        (-1234.5, r'_(* #,##0.00_);_(* \(#,##0.00\);_(* "-"??_)', "(1234.50)"),
        (0, r'_(* #,##0.00_);_(* \(#,##0.00\);_(* "-"??_)', "-"),
        (-5, "0.0", "-5.0"),
        (5, ";;;", "5"),
        (1_500_000, '0.0,,"M"', "1.5M"),
        (0.5, "# ?/?", "0.5"),
        (12345, "0.00E+00", "12345"),
        (5, "[>100]0.0;0", "5"),
        (True, "General", "TRUE"),
        (date(2024, 5, 1), "dd.mm.yyyy", "01.05.2024"),
        (date(2024, 5, 1), "mm-dd-yy", "2024-05-01"),
        (date(2024, 5, 1), "mmm yyyy", "May 2024"),
        (datetime.fromisoformat("2024-05-01T15:05"), "d. mmmm yyyy h:mm", "1. May 2024 15:05"),
        (datetime.fromisoformat("2024-05-01T15:05"), "m/d/yyyy h:mm AM/PM", "5/1/2024 3:05 PM"),
        (datetime.fromisoformat("2024-05-01T00:00"), "yyyy-mm-dd h:mm:ss", "2024-05-01"),
        (time(9, 30), "hh:mm", "09:30"),
        (timedelta(hours=26), "[h]:mm", "26:00"),
    ],
)
def test_a_cell_says_what_it_shows(tmp_path: Path, value: object, number_format: str, expected: str) -> None:
    workbook = openpyxl.Workbook()
    workbook.active.append(["name", "value"])
    workbook.active.append(["it", value])
    workbook.active["B2"].number_format = number_format
    workbook.save(tmp_path / "values.xlsx")
    assert _shown(tmp_path / "values.xlsx")[-1] == f"| it | {expected} |"


@pytest.mark.parametrize(
    ("rows", "merged", "header"),
    [
        ([["Sloop", "May"], [None, "June"], ["Ketch", "July"]], ["A1:A2"], None),
        ([["Boat", "Stay"], [None, None], ["Ketch", "July"]], ["A1:A2", "B1:B2"], "| Boat | Stay |"),
        ([["Boat", "Stay"], [None, None], ["Ketch", "July"]], ["A1:A2"], "| Boat | Stay |"),
        ([[12, "May"], [13, "June"]], [], None),
        ([["Boat", 2023, 2024], ["Ketch", 10, 12]], [], "| Boat | 2023 | 2024 |"),
        ([["Sloop", 2023], ["Ketch", 2024]], [], None),
    ],
)
def test_a_row_of_data_is_no_header(
    tmp_path: Path, rows: list[list[object]], merged: list[str], header: str | None
) -> None:
    lines = _cells(tmp_path, rows, merged)
    text = "\n".join(lines)
    headers = [block.metadata.get("table_header") for block in read_markdown(text).walk() if block.kind == "table"]
    assert headers == [header]
    assert (lines[2] == "|  |  |") is (header is None)
    assert lines[-1].startswith("| Ketch | ") or lines[-1].startswith("| 13 |")


def test_what_is_no_workbook_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK no")
    with pytest.raises(InputError, match="no workbook that can be read"):
        read_file(tmp_path / "a.xlsx", "a.xlsx")
    openpyxl.Workbook().save(tmp_path / "b.xlsx")
    with pytest.raises(InputError, match="empty"):
        read_file(tmp_path / "b.xlsx", "b.xlsx")
    monkeypatch.setattr(spreadsheets, "is_installed", lambda _: False)
    with pytest.raises(InputError, match=r"llama-index-prod-rag\[sheets\]"):
        read_file(tmp_path / "a.xlsx", "a.xlsx")
