from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path

import pytest

from llama_index_prod_rag.cli.reading import read_file
from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.node_parser.document_aware import DocumentAwareNodeParser
from llama_index_prod_rag.readers import spreadsheets

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
    return read_file(tmp_path / "merged.xlsx", "merged.xlsx")[0].text.split("\n")


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
        "| Sloop | 2024-05-01 | 09:30 | 2024-05-03 | 17:00:05 |",
        "| Dinghies | 2024-06-01 | 08:00 | 2024-06-02 12:15 |  |",
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


def test_numbers_keep_the_unit_that_their_cells_show(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    workbook.active.append(["share", "price", "count"])
    workbook.active.append([0.125, 1234.5, 3])
    workbook.active["A2"].number_format = "0.0%"
    workbook.active["B2"].number_format = '#,##0.00 "€"'
    workbook.save(tmp_path / "units.xlsx")
    assert "| 12.5 % | 1234.5 € | 3 |" in read_file(tmp_path / "units.xlsx", "units.xlsx")[0].text


@pytest.mark.parametrize("number_format", ['0"%"', r"0\%", '0.0" % of all"'])
def test_a_percent_sign_that_is_text_multiplies_nothing(tmp_path: Path, number_format: str) -> None:
    workbook = openpyxl.Workbook()
    workbook.active.append(["place", "share"])
    workbook.active.append(["Elmhaven", 12])
    workbook.active["B2"].number_format = number_format
    workbook.save(tmp_path / "shares.xlsx")
    assert "| Elmhaven | 12 % |" in read_file(tmp_path / "shares.xlsx", "shares.xlsx")[0].text


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
