"""Notebooks, mails and tables: what people read of them, and the way back to the source."""

from __future__ import annotations

import base64
import json
from itertools import pairwise

import pytest
from llama_index.core import Document

from llama_index_prod_rag import DocumentAwareNodeParser
from llama_index_prod_rag.structure import Block, check_tree, detect_format
from llama_index_prod_rag.structure.mail import read_mail
from llama_index_prod_rag.structure.notebook import LONGEST_OUTPUT, read_notebook
from llama_index_prod_rag.structure.records import read_lines
from llama_index_prod_rag.structure.tables import read_csv
from llama_index_prod_rag.structure.view import View


def notebook(*cells: dict[str, object]) -> str:
    return json.dumps({"cells": cells, "metadata": {"language_info": {"name": "python"}}, "nbformat": 4}, indent=1)


def cell(kind: str, text: str, **more: object) -> dict[str, object]:
    return {"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True), **more}


PICTURE = base64.b64encode(bytes(range(256)) * 40).decode()
RESULT = {
    "output_type": "execute_result",
    "data": {"image/png": PICTURE, "text/html": "<b>42</b>", "text/plain": ["Cloth(42)"]},
}
LOOM = notebook(
    cell("markdown", '# Looms\n\nThey "weave" caf\u00e9 cloth \U0001f9f5.'),
    cell("code", "def weave(x):\n    return x\n", outputs=[RESULT]),
    cell("markdown", "## Care\n\nOil them."),
    cell(
        "code",
        "weave(1 / 0)",
        outputs=[{"output_type": "error", "ename": "E", "evalue": "division", "traceback": ["\x1b[0m"]}],
    ),
    cell("code", "print('x' * 9999)", outputs=[{"output_type": "stream", "text": "x" * 9_999}]),
)


def view_of(read: View | Block) -> View:
    assert isinstance(read, View)
    check_tree(read.root, read.text)
    return read


def test_a_notebook_reads_as_its_cells_under_its_headings() -> None:
    view = view_of(read_notebook(LOOM))
    assert view.text.startswith(
        '# Looms\n\nThey "weave" café cloth 🧵.\n\ndef weave(x):\n    return x\n\nCloth(42)\n\n## Care'
    )
    assert PICTURE[:20] not in view.text
    assert "<b>" not in view.text
    assert "\ndivision\n" in view.text
    assert view.text.count("x") < LONGEST_OUTPUT + 20
    top = view.root.children[0]
    assert (top.title, [block.kind for block in top.children]) == (
        "Looms",
        ["heading", "paragraph", "code", "output", "section"],
    )
    function = top.children[2].children[0]
    assert (function.kind, function.title, dict(top.children[2].metadata)) == (
        "function",
        "def weave(x)",
        {"language": "python"},
    )


def test_slices_of_a_notebook_know_their_place_in_the_file() -> None:
    view = view_of(read_notebook(LOOM))
    start = view.text.index("def weave")
    first, last = view.origin(start, start + len("def weave(x):"))
    assert LOOM[first:last] == "def weave(x):"
    quote = view.text.index('"weave"')
    assert LOOM[slice(*view.origin(quote, quote + 7))] == '\\"weave\\"'
    accent = view.text.index("é")
    assert LOOM[slice(*view.origin(accent, accent + 1))] == "\\u00e9"


def test_nodes_of_a_notebook_have_offsets_in_the_file_and_its_headings() -> None:
    nodes = DocumentAwareNodeParser(chunk_size=40, min_size=0)([Document(text=LOOM, metadata={"file_name": "a.ipynb"})])
    code = next(node for node in nodes if "def weave" in node.text)
    assert "Looms" in code.metadata["headings"]
    assert LOOM[code.start_char_idx : code.end_char_idx].startswith("def weave(x):\\n")
    assert all(first.start_char_idx <= second.start_char_idx for first, second in pairwise(nodes))


@pytest.mark.parametrize(
    "text",
    [
        '{"cells": [',
        '{"cells": 3, "nbformat": 4}',
        '{"cells": [null, {"source": 3}]}',
        "[]",
        "[" * 100_000,
        '{"cells": []}',
    ],
)
def test_what_is_no_notebook_after_all_is_read_somehow(text: str) -> None:
    read = read_notebook(text)
    assert isinstance(read, View) or (read.start, read.end) == (0, len(text))


def test_a_script_made_from_a_notebook_is_code_whatever_its_file_is_called() -> None:
    script = "#!/usr/bin/env python\n# coding: utf-8\n\n# # Looms\n\n# In[1]:\n\nimport loom\n"
    assert detect_format(script, {"file_name": "a.ipynb"}) == ("code", "python")


HTML_PART = "Content-Type: text/html\n\n<p>It is <b>done</b>.</p>\n"
MAIL = (
    "From: =?utf-8?q?Ren=C3=A9?= <rene@loom.dev>\nTo: bob@loom.dev\nSubject: The red\n cloth\n"
    "Date: Mon, 4 Mar 2024 10:00 +0100\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=A\n\n"
    "--A\nContent-Type: multipart/alternative; boundary=B\n\n"
    "--B\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
    "Hello Bob,\n\nit is wov=\nen in the caf=C3=A9.\n\n> Is it done?\n> Tell me.\n\n--=20\nRen=C3=A9\nLoom & Co\n\n"
    "--B\n" + HTML_PART + "\n--B--\n\n"
    "--A\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=bill.pdf\n"
    "Content-Transfer-Encoding: base64\n\n" + base64.b64encode(b"%PDF" * 99).decode() + "\n\n--A--\n"
)


def test_a_mail_reads_as_header_text_quotes_and_attachments_under_its_subject() -> None:
    view = view_of(read_mail(MAIL))
    assert (view.root.title, view.root.metadata["from"]) == ("The red cloth", "René <rene@loom.dev>")
    assert view.text.split("\n\n") == [
        "From: René <rene@loom.dev>\nTo: bob@loom.dev\nSubject: The red cloth\nDate: Mon, 4 Mar 2024 10:00 +0100",
        "Hello Bob,",
        "it is woven in the café.",
        "> Is it done?\n> Tell me.",
        "-- \nRené\nLoom & Co",
        "Attachment: bill.pdf",
    ]
    assert [block.kind for block in view.root.children][-3:] == ["quote", "sign_off", "attachment"]
    start = view.text.index("Hello")
    assert MAIL[slice(*view.origin(start, start + 10))] == "Hello Bob,"


def test_a_mail_in_html_or_base64_alone_is_read_from_it() -> None:
    head = "From: a@loom.dev\nSubject: Cloth\n"
    assert view_of(read_mail(head + HTML_PART)).text.endswith("\n\nIt is done.")
    encoded = "Content-Type: text/plain; charset=latin-1\nContent-Transfer-Encoding: base64\n\n"
    body = base64.b64encode("Café.".encode("latin-1")).decode()
    assert view_of(read_mail(head + encoded + body)).text.endswith("\n\nCafé.")


@pytest.mark.parametrize(
    "broken", ["", "From: a@b.c", MAIL[:400], MAIL.replace("--B--", ""), MAIL.replace("utf-8", "no-such")]
)
def test_broken_mails_are_read_somehow(broken: str) -> None:
    read = read_mail(broken)
    check_tree(read if isinstance(read, Block) else read.root, broken if isinstance(read, Block) else read.text)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_rows_of_a_table_stay_whole_and_carry_its_header(delimiter: str) -> None:
    rows = [["name", "what it is for"], *(["ann", f'"to weave\nthe {number}th cloth"'] for number in range(20))]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    metadata = {"file_name": "looms.csv" if delimiter == "," else "looms.tsv"}
    nodes = DocumentAwareNodeParser(chunk_size=80, min_size=0)([Document(text=text, metadata=metadata)])
    assert len(nodes) > 3
    assert all(node.text.count('"') % 2 == 0 for node in nodes)
    assert all(node.metadata["table_header"] == delimiter.join(rows[0]) for node in nodes[1:])


def test_a_table_of_numbers_has_no_header() -> None:
    table = read_csv("1,2\n3,4\n5,6\n").children[0]
    assert ([block.kind for block in table.children], dict(table.metadata)) == (["row"] * 3, {})


@pytest.mark.parametrize(
    ("text", "header", "above"),
    [
        ("sep=;\r\nid;name\r\n0012;Ann\r\n", "id;name", ["markup"]),
        ("Report of May\n\nid,name\n0012,Ann\n0013,Bob\n", "id,name", ["caption"]),
        ("\ufeffid;name\n0012;Ann\n", "id;name", []),
        ("boat,2023,2024\nSloop,10,12\n", "boat,2023,2024", []),
        ("0012\tAnn\n0013\tBob\n0014\tEve\n", None, []),
        ("Sloop,2023-05-01\nKetch,2024-05-01\n", None, []),
        ("id;note\n7;a, b, c, d\n8;e, f\n", "id;note", []),
    ],
)
def test_the_header_of_a_table_is_told_from_what_stands_around_it(
    text: str, header: str | None, above: list[str]
) -> None:
    *others, table = read_csv(text).children
    assert table.metadata.get("table_header") == header
    assert [block.kind for block in others] == above


@pytest.mark.parametrize("text", ["", "\n\n", '"never closed\n1,2\n', "a" * 200_000, "a,b", "a\rb,c\n", "x," * 200_000])
def test_odd_tables_are_read_somehow(text: str) -> None:
    check_tree(read_csv(text), text)


def test_lines_that_begin_as_no_record_does_go_on_with_the_record_above() -> None:
    text = "[1/2/24, 10:00] Ann: hi\n[1/2/24, 10:01] Bob: first\nsecond\n\nthird\n[1/2/24, 10:02] Ann: ok\n"
    shown = [text[block.start : block.end] for block in read_lines(text).children[0].children]
    assert shown == [
        "[1/2/24, 10:00] Ann: hi",
        "[1/2/24, 10:01] Bob: first\nsecond\n\nthird",
        "[1/2/24, 10:02] Ann: ok",
    ]


def test_the_page_that_a_loader_gives_is_kept_on_every_chunk() -> None:
    pages = [
        Document(text="They weave cloth. " * 40, metadata={"page_label": str(page), "file_name": "looms.pdf"})
        for page in (1, 2)
    ]
    nodes = DocumentAwareNodeParser(chunk_size=60)(pages)
    assert [node.metadata["page_label"] for node in nodes] == sorted(node.metadata["page_label"] for node in nodes)
    assert {node.metadata["page_label"] for node in nodes} == {"1", "2"}
