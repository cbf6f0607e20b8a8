from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from llama_index_prod_rag.cli import spreadsheets
from llama_index_prod_rag.cli.reading import read_file
from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.node_parser.document_aware import DocumentAwareNodeParser

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
