"""What a person sees in a Word file stands in its HTML, in order and once."""

from __future__ import annotations

from pathlib import Path

import pytest
from llama_index.core import SimpleDirectoryReader

from llama_index_prod_rag import DocumentAwareNodeParser
from llama_index_prod_rag.cli.reading import read_file
from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.readers import OfficeReader
from llama_index_prod_rag.readers.word import read_word
from tests.readers.office_files import cell, docx, item, paragraph, styled, table, zipped

_STYLES = """
<w:style w:type="paragraph" w:styleId="Titel"><w:name w:val="Title"/></w:style>
<w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
<w:style w:type="paragraph" w:styleId="berschrift2"><w:name w:val="Überschrift 2"/></w:style>
<w:style w:type="paragraph" w:styleId="Kapitel"><w:name w:val="Mein Kapitel"/><w:basedOn w:val="berschrift1"/></w:style>
<w:style w:type="paragraph" w:styleId="Gliederung"><w:name w:val="Eigenes"/><w:pPr><w:outlineLvl w:val="2"/></w:pPr>
</w:style>
<w:style w:type="paragraph" w:styleId="Kreis"><w:name w:val="Kreis"/><w:basedOn w:val="Kreis"/></w:style>"""
_LEVELS = "".join(
    f'<w:lvl w:ilvl="{level}"><w:start w:val="{start}"/><w:numFmt w:val="{form}"/><w:lvlText w:val="{text}"/></w:lvl>'
    for level, start, form, text in (
        (0, 1, "decimal", "Article %1"),
        (1, 1, "decimal", "%1.%2"),
        (2, 3, "lowerLetter", "(%3)"),
        (3, 1, "upperRoman", "%4."),
    )
)
_NUMBERING = (
    f'<w:abstractNum w:abstractNumId="0">{_LEVELS}</w:abstractNum>'
    '<w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>'
    '<w:num w:numId="3"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/>'
    "</w:lvlOverride></w:num>"
)


def _html(folder: Path, body: str, **parts: str) -> str:
    return read_word(docx(folder, body, **parts)).replace("\n", "")


def test_headings_are_known_by_name_in_any_language_by_what_they_are_based_on_and_by_outline(tmp_path: Path) -> None:
    styles = ("Titel", "berschrift1", "berschrift2", "Kapitel", "Gliederung", "Kreis", "missing")
    body = "".join(styled(style, style) for style in styles) + paragraph("direct", '<w:outlineLvl w:val="1"/>')
    assert _html(tmp_path, body, styles=_STYLES) == (
        "<h1>Titel</h1><h2>berschrift1</h2><h3>berschrift2</h3><h2>Kapitel</h2><h4>Gliederung</h4><p>Kreis</p>"
        "<p>missing</p><h3>direct</h3>"
    )


def test_lists_keep_their_levels_and_the_numbers_that_word_shows(tmp_path: Path) -> None:
    body = (
        item("One", "1") + item("sub", "1", 1) + item("deep", "1", 2) + item("deeper", "1", 3) + item("deep", "1", 2)
        + item("Two", "1") + paragraph("Between.") + item("sub", "1", 1) + item("bullet", "2") + item("Seven", "3")
    )  # fmt: skip
    assert _html(tmp_path, body, numbering=_NUMBERING) == (
        "<dl><dd>Article 1 One<dl><dd>1.1 sub<dl><dd>(c) deep<dl><dd>I. deeper</dd></dl></dd><dd>(d) deep</dd></dl>"
        "</dd></dl></dd><dd>Article 2 Two</dd></dl><p>Between.</p><dl><dd>2.1 sub</dd></dl><ul><li>bullet</li></ul>"
        "<dl><dd>Article 7 Seven</dd></dl>"
    )


def test_a_table_keeps_its_rows_with_their_header_and_merged_cells_count_for_all_they_cover(tmp_path: Path) -> None:
    wide, restart, goes_on = '<w:gridSpan w:val="2"/>', '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
    body = table(
        cell("Boat", restart) + cell("Stay", wide),
        cell("", goes_on) + cell("from") + cell("to"),
        cell("Ketch", restart) + cell("May") + cell("June"),
        cell("", goes_on) + cell("July") + cell(paragraph("Aug") + table(cell("a") + cell("b"))),
    )
    assert _html(tmp_path, body) == (
        "<table><thead><tr><th>Boat</th><th>Stay from</th><th>Stay to</th></tr></thead>"
        "<tr><td>Ketch</td><td>May</td><td>June</td></tr>"
        "<tr><td>Ketch</td><td>July</td><td>Aug<br>a, b</td></tr></table>"
    )


def test_a_table_that_only_arranges_text_is_read_as_text(tmp_path: Path) -> None:
    body = table(cell(paragraph("In a frame.") + item("point", "2"))) + table(
        cell(styled("Left", "berschrift1") + paragraph("words")) + cell("right")
    )
    assert _html(tmp_path, body, styles=_STYLES, numbering=_NUMBERING) == (
        "<p>In a frame.</p><ul><li>point</li></ul><h1>Left</h1><p>words</p><p>right</p>"
    )


def test_notes_stand_once_below_what_refers_to_them(tmp_path: Path) -> None:
    runs = '<w:t>Tax</w:t><w:footnoteReference w:id="1"/><w:t>, rent</w:t><w:endnoteReference w:id="1"/>'
    refer = f"<w:p><w:r>{runs}</w:r></w:p>"
    notes = "".join(
        f'<w:footnote w:id="{at}">{paragraph(text)}</w:footnote>' for at, text in ((1, "19 %."), (2, "Unused"))
    )
    html = _html(
        tmp_path,
        refer + table(cell(refer) + cell("b"), cell("c") + cell("d")) + paragraph("End."),
        footnotes=notes,
        endnotes=f'<w:endnote w:id="1">{paragraph("Monthly.")}</w:endnote>',
    )
    assert html.startswith(
        "<p>Tax[1], rent[2]</p><p>[1] 19 %.</p><p>[2] Monthly.</p><table><thead><tr><th>Tax[1], rent[2]"
    )
    assert html.endswith("</table><p>End.</p>")


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ("<w:ins><w:r><w:t>new</w:t></w:r></w:ins><w:del><w:r><w:delText>old</w:delText></w:r></w:del>", "new"),
        ("<w:moveFrom><w:r><w:t>old</w:t></w:r></w:moveFrom><w:moveTo><w:r><w:t>new</w:t></w:r></w:moveTo>", "new"),
        ('<w:fldSimple w:instr="REF a"><w:r><w:t>field</w:t></w:r></w:fldSimple>', "field"),
        ("<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:cr/><w:t>d</w:t></w:r>", "a\tb<br>c<br>d"),
        ("<w:r><w:t>a &lt;b&gt; &amp; c</w:t></w:r>", "a &lt;b&gt; &amp; c"),
        ("<w:r><w:rPr><w:b/></w:rPr><w:t>bold</w:t></w:r>", "<b>bold</b>"),
        ('<w:r><w:rPr><w:b w:val="0"/></w:rPr><w:t>not bold</w:t></w:r>', "not bold"),
        ('<w:r><w:sym w:font="Wingdings" w:char="F0FE"/><w:t> done</w:t></w:r>', "☒ done"),
        ("<w:sdt><w:sdtContent><w:r><w:t>control</w:t></w:r></w:sdtContent></w:sdt>", "control"),
        ('<m:oMath xmlns:m="urn:math"><m:r><m:t>E = mc²</m:t></m:r></m:oMath>', "E = mc²"),
        ("<w:hyperlink><w:r><w:t>link</w:t></w:r></w:hyperlink>", "link"),
    ],
)
def test_all_text_that_is_shown_is_read(tmp_path: Path, runs: str, expected: str) -> None:
    assert _html(tmp_path, f"<w:p>{runs}</w:p>") == f"<p>{expected}</p>"


def test_text_boxes_are_read_once_behind_their_paragraph(tmp_path: Path) -> None:
    box = f"<w:pict><w:txbxContent>{paragraph('In the box.')}</w:txbxContent></w:pict>"
    both = (
        '<x:AlternateContent xmlns:x="urn:mc"><x:Choice>{0}</x:Choice><x:Fallback>{0}</x:Fallback></x:AlternateContent>'
    )
    body = f"<w:p><w:r><w:t>Before </w:t>{both.format(box)}<w:t>behind.</w:t></w:r></w:p>"
    assert _html(tmp_path, body) == "<p>Before behind.</p><p>In the box.</p>"


def test_what_stands_on_every_page_is_there_once_without_numbers(tmp_path: Path) -> None:
    number = (
        '<w:p><w:r><w:t>Seite </w:t></w:r><w:fldSimple w:instr=" PAGE "><w:r><w:t>1</w:t></w:r></w:fldSimple></w:p>'
    )
    running = paragraph("Acme, confidential") * 2 + number
    html = _html(tmp_path, paragraph("Text."), header=running, footer=running)
    assert html == "<p>Acme, confidential</p><p>Text.</p><footer><p>Acme, confidential</p></footer>"


def test_a_paragraph_whose_end_was_deleted_goes_on_in_the_next(tmp_path: Path) -> None:
    assert _html(tmp_path, paragraph("One ", "<w:rPr><w:del/></w:rPr>") + paragraph("text.")) == "<p>One text.</p>"


def test_a_contract_that_is_numbered_by_word_is_read_as_one(tmp_path: Path) -> None:
    body = paragraph("SERVICE AGREEMENT") + "".join(
        item(f"{title}.", "1") + item(f"The Supplier shall keep the {title} for two years.", "1", 1)
        for title in ("Definitions", "Term", "Fees")
    )
    [document] = read_file(docx(tmp_path, body, numbering=_NUMBERING), "file.docx")
    nodes = DocumentAwareNodeParser(chunk_size=20, min_size=1, tokenizer="simple").get_nodes_from_documents([document])
    assert [node.metadata["numbering"] for node in nodes if "Supplier shall keep the Term" in node.get_content()] == [
        ["Article 2", "2.1"]
    ]


def test_the_library_reads_what_the_command_line_reads(tmp_path: Path) -> None:
    rows = [cell("boat") + cell("berth"), *(cell(f"Sloop {row}") + cell(f"pier {row}") for row in range(30))]
    docx(tmp_path, styled("Harbour", "berschrift1") + paragraph("All boats.") + table(*rows), styles=_STYLES)
    extractors = dict.fromkeys(OfficeReader.suffixes(), OfficeReader())
    documents = SimpleDirectoryReader(str(tmp_path), file_extractor=extractors).load_data()
    nodes = DocumentAwareNodeParser(chunk_size=80, tokenizer="simple").get_nodes_from_documents(documents)
    [row] = [node for node in nodes if "Sloop 29" in node.get_content()]
    assert row.metadata["headings"] == "Harbour"
    assert row.metadata["table_header"] == "boat | berth"
    assert "Sloop 29 | pier 29" in row.get_content()
    assert documents[0].text == read_file(tmp_path / "file.docx", "file.docx")[0].text
    with pytest.raises(InputError, match="ends in none of"):
        OfficeReader().load_data(tmp_path / "notes.txt")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 no", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "has a password"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "before 2007"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.docx").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_file(tmp_path / "a.docx", "a.docx")


def test_an_empty_document_a_missing_part_entities_and_endless_nesting_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="empty"):
        read_file(docx(tmp_path, paragraph(" ")), "file.docx")
    with pytest.raises(InputError, match=r"damaged .*word/document\.xml"):
        read_file(zipped(tmp_path / "b.docx", {"a.txt": ""}), "b.docx")
    with pytest.raises(InputError, match="declares entities"):
        read_word(zipped(tmp_path / "c.docx", {"word/document.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}))
    with pytest.raises(InputError, match="damaged"):
        read_word(docx(tmp_path, "<w:sdt>" * 3_000 + paragraph("x") + "</w:sdt>" * 3_000))
