"""Slides, OpenDocument files, e-books and rich text: words in order, with what makes headings and tables of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from llama_index_prod_rag import DocumentAwareNodeParser
from llama_index_prod_rag.cli.reading import read_file
from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.readers import OfficeReader, rich_text
from tests.readers.office_files import links, zipped


def _texts(file: Path) -> list[str]:
    return [document.text.replace("\n", "") for document in read_file(file, file.name)]


def _slide(*shapes: str) -> str:
    return f'<p:sld xmlns:p="p" xmlns:a="a"><p:cSld><p:spTree>{"".join(shapes)}</p:spTree></p:cSld></p:sld>'


def _shape(kind: str, *paragraphs: tuple[int, str]) -> str:
    place = f'<p:nvSpPr><p:nvPr><p:ph type="{kind}"/></p:nvPr></p:nvSpPr>' if kind else ""
    words = "".join(f'<a:p><a:pPr lvl="{level}"/><a:r><a:t>{text}</a:t></a:r></a:p>' for level, text in paragraphs)
    return f"<p:sp>{place}<p:txBody>{words}</p:txBody></p:sp>"


_TABLE = "<p:graphicFrame><a:tbl><a:tr>{}</a:tr><a:tr>{}</a:tr></a:tbl></p:graphicFrame>"
_CELL = "<a:tc><a:txBody><a:p><a:r><a:t>{}</a:t></a:r></a:p></a:txBody></a:tc>"


def test_slides_are_pages_in_their_order_with_their_notes(tmp_path: Path) -> None:
    table = _TABLE.format(_CELL.format("boat") + _CELL.format("fee"), _CELL.format("Sloop") + _CELL.format("10"))
    first = _slide(
        _shape("sldNum", (0, "1")), _shape("body", (0, "Dues"), (1, "a &lt; b")), _shape("title", (0, "Fees"))
    )
    parts = {
        "_rels/.rels": links([("officeDocument", "ppt/presentation.xml")]),
        "ppt/presentation.xml": '<p xmlns:r="r"><sldIdLst><x r:id="r2"/><x r:id="r1"/><x r:id="r3"/></sldIdLst></p>',
        "ppt/_rels/presentation.xml.rels": links(("slide", f"slides/{number}.xml") for number in (1, 2, 3)),
        "ppt/slides/1.xml": _slide(_shape("", (0, "No title")), table),
        "ppt/slides/2.xml": first,
        "ppt/slides/_rels/2.xml.rels": links([("notesSlide", "../notes.xml")]),
        "ppt/slides/3.xml": _slide(_TABLE.format(_CELL.format(""), _CELL.format(""))),
        "ppt/notes.xml": _slide(_shape("sldImg"), _shape("body", (0, "Say more."))),
    }
    documents = read_file(zipped(tmp_path / "a.pptx", parts), "a.pptx")
    assert [document.text.replace("\n", "") for document in documents] == [
        "<h1>Fees</h1><ul><li>Dues<ul><li>a &lt; b</li></ul></li></ul><p>Say more.</p>",
        "<h1>Slide 2</h1><p>No title</p><table><thead><tr><th>boat</th><th>fee</th></tr></thead>"
        "<tr><td>Sloop</td><td>10</td></tr></table>",
    ]
    assert [document.metadata["page_label"] for document in documents] == ["1", "2"]
    assert len({document.id_ for document in documents}) == 2


_NAMES = 'xmlns:o="o" xmlns:t="t" xmlns:b="b" xmlns:s="s"'


def _open_document(file: Path, kind: str, body: str, styles: str = "") -> Path:
    content = f"<o:document {_NAMES}>{styles}<o:body><o:{kind}>{body}</o:{kind}></o:body></o:document>"
    return zipped(file, {"content.xml": content})


def test_an_open_text_keeps_headings_lists_tables_and_notes(tmp_path: Path) -> None:
    styles = (
        '<s:style s:name="P1" s:parent-style-name="Title"/>'
        '<t:list-style s:name="L1"><t:list-level-style-number/><t:list-level-style-bullet/></t:list-style>'
    )
    body = (
        '<t:tracked-changes><t:p>deleted</t:p></t:tracked-changes><t:p t:style-name="P1">Book</t:p>'
        '<t:h t:outline-level="1">Chapter</t:h>'
        "<t:p>One<t:s/>two<t:line-break/>three<t:note><t:note-citation>1</t:note-citation><t:note-body><t:p>Why.</t:p>"
        "</t:note-body></t:note> four</t:p>"
        '<t:list t:style-name="L1"><t:list-item><t:p>first</t:p><t:list><t:list-item><t:p>sub</t:p></t:list-item>'
        "</t:list></t:list-item><t:list-item><t:p>second</t:p></t:list-item></t:list>"
        "<b:table><b:table-row><b:table-cell><t:p>boat</t:p></b:table-cell><b:table-cell><t:p>stay</t:p></b:table-cell>"
        '</b:table-row><b:table-row><b:table-cell b:number-rows-spanned="2"><t:p>Ketch</t:p></b:table-cell>'
        "<b:table-cell><t:p>May</t:p></b:table-cell></b:table-row><b:table-row><b:covered-table-cell/>"
        "<b:table-cell><t:p>June</t:p></b:table-cell></b:table-row></b:table>"
    )
    assert _texts(_open_document(tmp_path / "a.odt", "text", body, styles)) == [
        "<h1>Book</h1><h2>Chapter</h2><p>One two<br>three [Why.] four</p>"
        "<dl><dd>1. first<ul><li>sub</li></ul></dd><dd>2. second</dd></dl>"
        "<table><thead><tr><th>boat</th><th>stay</th></tr></thead>"
        "<tr><td>Ketch</td><td>May</td></tr><tr><td>Ketch</td><td>June</td></tr></table>"
    ]


def test_open_sheets_say_what_their_cells_show_however_often_empty_ones_are_repeated(tmp_path: Path) -> None:
    empty = (
        '<b:table-row b:number-rows-repeated="1000000"><b:table-cell b:number-columns-repeated="16000"/></b:table-row>'
    )
    rows = "".join(
        f"<b:table-row><b:table-cell><t:p>{one}</t:p></b:table-cell><b:table-cell><t:p>{other}</t:p></b:table-cell>"
        '<b:table-cell b:number-columns-repeated="16000"/></b:table-row>'
        for one, other in (("id", "a &lt; b"), ("0012", "x"))
    )
    file = _open_document(tmp_path / "a.ods", "spreadsheet", f'<b:table b:name="Stalls">{rows}{empty}</b:table>')
    assert read_file(file, "a.ods")[0].text == "# Stalls\n\n| id | a < b |\n|---|---|\n| 0012 | x |"


def test_open_slides_have_titles(tmp_path: Path) -> None:
    body = "<o:page><o:frame o:class='title'><o:text-box><t:p>Fees</t:p></o:text-box></o:frame><o:frame><o:text-box>"
    body += "<t:p>Ten.</t:p></o:text-box></o:frame></o:page><o:page/>"
    assert _texts(_open_document(tmp_path / "a.odp", "presentation", body)) == ["<h1>Fees</h1><p>Ten.</p>"]


def test_the_chapters_of_a_book_come_in_its_order(tmp_path: Path) -> None:
    parts = {
        "META-INF/container.xml": '<c><rootfiles><rootfile full-path="O/b.opf"/></rootfiles></c>',
        "O/b.opf": '<p><manifest><item id="b" href="ch%202.xhtml"/><item id="a" href="ch1.xhtml"/></manifest>'
        '<spine><itemref idref="a"/><itemref idref="b"/><itemref idref="gone"/></spine></p>',
        "O/ch1.xhtml": "<html><head><title>x</title></head><body class='c'><h1>One</h1><p>Café.</p></body></html>",
        "O/ch 2.xhtml": "<html><body><h1>Two</h1></body></html>",
    }
    assert _texts(zipped(tmp_path / "a.epub", parts)) == ["<h1>One</h1><p>Café.</p><h1>Two</h1>"]


def test_rich_text_is_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("striprtf")
    rtf = r"{\rtf1\ansi Caf\'e9 \b one\b0\par Two.\par\trowd a\cell b\cell\row\trowd c\cell d\cell\row}"
    (tmp_path / "a.rtf").write_text(rtf)
    assert read_file(tmp_path / "a.rtf", "a.rtf")[0].text == "Café one\n\nTwo.\n\na|b|\nc|d|"
    (tmp_path / "b.rtf").write_text("plain")
    with pytest.raises(InputError, match="no rich text"):
        read_file(tmp_path / "b.rtf", "b.rtf")
    monkeypatch.setattr(rich_text, "is_installed", lambda _: False)
    with pytest.raises(InputError, match=r"llama-index-prod-rag\[rtf\]"):
        read_file(tmp_path / "a.rtf", "a.rtf")


def test_a_mailbox_is_its_mails(tmp_path: Path) -> None:
    mails = [f"From: a{at}@b.c\nSubject: Hi {at}\n\n>From here.\nFrom there.\n\n" for at in (1, 2)]
    (tmp_path / "a.mbox").write_text("".join(f"From a@b.c Thu May  1 10:00:00 2024\n{mail}" for mail in mails))
    documents = read_file(tmp_path / "a.mbox", "a.mbox")
    assert [document.text for document in documents] == [mail.replace(">From", "From") for mail in mails]
    nodes = DocumentAwareNodeParser(tokenizer="simple").get_nodes_from_documents(documents)
    assert [node.metadata["headings"] for node in nodes] == ["Hi 1", "Hi 2"]


@pytest.mark.parametrize("suffix", [suffix for suffix in OfficeReader.suffixes() if suffix not in {".rtf", ".mbox"}])
def test_damaged_and_empty_files_of_every_kind_say_so(tmp_path: Path, suffix: str) -> None:
    if suffix in {".xlsx", ".xlsm"}:
        pytest.importorskip("openpyxl")
    for content, message in (
        (b"", "empty"),
        (b"PK no", "damaged|no workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "2007"),
    ):
        (tmp_path / f"a{suffix}").write_bytes(content)
        with pytest.raises(InputError, match=message):
            read_file(tmp_path / f"a{suffix}", f"a{suffix}")
    with pytest.raises(InputError, match=r"damaged|no workbook"):
        read_file(zipped(tmp_path / f"b{suffix}", {"other.xml": "<a/>"}), "b")


def test_an_open_document_with_a_password_and_an_old_word_file_say_so(tmp_path: Path) -> None:
    locked = {"META-INF/manifest.xml": "<m:encryption-data/>", "content.xml": "x"}
    with pytest.raises(InputError, match="password"):
        read_file(zipped(tmp_path / "a.odt", locked), "a.odt")
    (tmp_path / "a.doc").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    with pytest.raises(InputError, match="before 2007"):
        read_file(tmp_path / "a.doc", "a.doc")
