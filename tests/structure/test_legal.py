from __future__ import annotations

import pytest
from llama_index.core.schema import Document

from llama_index_prod_rag.node_parser.document_aware import DocumentAwareNodeParser
from llama_index_prod_rag.structure.legal import read_legal
from llama_index_prod_rag.structure.pages import page_breaks


def titles(text: str) -> list[str | None]:
    return [block.title for block in read_legal(text).walk() if block.kind == "clause"]


def numbering(text: str) -> list[object]:
    return [block.metadata["numbering"] for block in read_legal(text).walk() if block.kind == "clause"]


def test_articles_sections_and_clauses_nest_by_their_numbers() -> None:
    text = (
        "ARTICLE IV\nTERM\n\nSection 4.1 Start. It is.\n\n(a) at noon; or\n\n(i) later.\n\n(b) no.\n\nARTICLE V\n\nX."
    )
    assert numbering(text) == [
        ["ARTICLE IV"],
        ["ARTICLE IV", "Section 4.1"],
        ["ARTICLE IV", "Section 4.1", "(a)"],
        ["ARTICLE IV", "Section 4.1", "(a)", "(i)"],
        ["ARTICLE IV", "Section 4.1", "(b)"],
        ["ARTICLE V"],
    ]


def test_clauses_in_one_line_are_told_apart() -> None:
    text = "agree as follows: 1. Terms 1.1 The first is due. 1.2 The second, see Section 3.4 of it. 2. Fees. Pay."
    assert titles(text) == ["1. Terms", "1.1", "1.2", "2. Fees"]


@pytest.mark.parametrize(
    "text",
    [
        "1. Fee. As Section 4.2 says, and clauses (a), (b) and (c) of it, thirty (30) days.",
        "1. Fee. Pay 2.5 percent. In 2019 it was $3.50 a day, see Exhibit B and Article VII.",
    ],
)
def test_references_and_amounts_open_nothing(text: str) -> None:
    assert titles(text) == ["1. Fee"]


def test_i_is_a_letter_after_h_and_a_numeral_elsewhere() -> None:
    letters = "\n".join(f"({letter}) x;" for letter in "abcdefghi")
    assert numbering(letters)[-1] == ["(i)"]
    assert numbering("(a) x:\n(i) y;\n(ii) z;\n(b) w.") == [["(a)"], ["(a)", "(i)"], ["(a)", "(ii)"], ["(b)"]]


def test_numbers_inside_a_sentence_mark_places_to_cut_without_a_title() -> None:
    text = '1.1 "Event" means (a) rain, (b) snow or (c) both.'
    assert titles("1. Terms\n\n" + text) == ["1. Terms", '1.1 "Event"', None, None, None]


def test_a_wrapped_line_that_begins_with_a_number_is_no_clause() -> None:
    text = "1. Fee.\n\nThe fee is due as soon as all is as it should be under section\n2. This stays."
    assert titles(text) == ["1. Fee"]


def test_captions_are_names_and_not_sentences() -> None:
    text = "1. Fees. Pay.\n\n2. The Owner may ask for more.\n\n3. No Other Rights\n\nNone."
    assert titles(text) == ["1. Fees", "2.", "3. No Other Rights"]


def test_a_lost_heading_does_not_lose_what_is_below_it() -> None:
    assert numbering("5. Pay\n\n5.1 Now.\n\n7.1 Here.\n\n7.2 There.")[2:] == [["7.1"], ["7.2"]]


def test_recitals_and_definitions_have_their_kinds() -> None:
    text = 'WHEREAS, it rains;\n\n"Fee" means nine crowns.\n\nWords.'
    assert [block.kind for block in read_legal(text).children] == ["recital", "definition", "paragraph"]


def test_the_exhibit_number_of_a_filing_is_no_exhibit() -> None:
    assert titles("Exhibit 10.24\n\nAGREEMENT\n\n1. Fee. Pay.\n\nEXHIBIT A\nGEAR\n\nRope.") == [
        "1. Fee",
        "EXHIBIT A GEAR",
    ]


def test_the_parts_of_a_sentence_end_with_it() -> None:
    text = "1. Fee. The Buyer pays for (i) bread, or (ii) milk. Late fees are due in June."
    last = [block for block in read_legal(text).walk() if block.kind == "clause"][-1]
    assert text[last.start : last.end] == "(ii) milk."
    assert last.continues


def test_a_definition_is_no_part_of_the_list_in_the_one_before() -> None:
    text = (
        '1.1 Terms.\n\n"Event" means any of these:\n\n(i) rain;\n\n(ii) snow.\n\n"Fee" means nine crowns.\n\n1.2 More.'
    )
    fee = next(block for block in read_legal(text).walk() if text[block.start :].startswith('"Fee"'))
    holders = [
        block.metadata.get("numbering") for block in read_legal(text).walk() if block.start <= fee.start < block.end
    ]
    assert ["1.1", "(ii)"] not in holders
    assert numbering(text)[-1] == ["1.2"]


def test_a_cut_goes_between_sentences_before_it_goes_between_the_parts_of_one() -> None:
    text = (
        "1. Fees. The Owner keeps a list of fees in the hall. It is read out once in every year on a Monday.\n\n"
        "(a) The Guest pays for (i) the bed and the bath; (ii) the bread; and (iii) the use of the boat.\n\n"
        "(b) Nothing else is due to the Owner by the Guest."
    )
    nodes = DocumentAwareNodeParser(format="legal", tokenizer="simple", chunk_size=60, min_size=5)(
        [Document(text=text)]
    )
    assert len(nodes) > 1
    assert any("(i) the bed" in node.get_content() and "(iii) the use" in node.get_content() for node in nodes)


PAGES = (
    "5. Duties\n\n(a) The seller shall keep, as Section\n\n12\n\n5.1 says, the goods in the\n\n- 13 -\n\n"
    "warehouse for a year.\n\nPage 14 of 20\n\n(b) he shall pay.\n\n6. Fees. None.\n"
)


def test_page_numbers_are_no_clauses_and_end_no_sentence() -> None:
    root = read_legal(PAGES)
    assert titles(PAGES) == ["5. Duties", "(a)", "(b)", "6. Fees"]
    torn = [block for block in root.walk() if any(child.kind == "page" for child in block.children)]
    assert [PAGES[block.start : block.end].rsplit(maxsplit=1)[-1] for block in torn] == ["year."]
    assert [block.continues for block in root.walk() if block.title == "(b)"] == [False]


def test_a_sentence_torn_by_a_page_stays_in_one_chunk() -> None:
    text = "\n\n".join(
        f"{n}. Term. Goods of kind {n} go by the\n\n{n + 30}\n\nnext train to town." for n in range(1, 9)
    )
    nodes = DocumentAwareNodeParser(tokenizer="simple", chunk_size=40, min_size=5, format="legal")(
        [Document(text=text)]
    )
    assert all(node.text.endswith("town.") for node in nodes)


def test_lines_that_come_again_at_each_page_belong_to_the_break() -> None:
    foot = "{}\n\nSource: ACME CORP, 10-Q, 5/{}/2014"
    pages = ["They shall use the", "goods as the", "law allows.", "All else is theirs."]
    text = "".join(f"{page}\n\n{foot.format(n, n)}\n\n\n" for n, page in enumerate(pages, start=2))
    torn = [each.torn for each in page_breaks(text)]
    assert torn == [True, True, False]


def test_parts_of_a_sentence_close_no_clause_around_it() -> None:
    text = "2. Order.\n\n(a) find that:\n\n(i) it is so;\n\n(ii) acts to (a) pay, (b) keep are due. He may.\n\n"
    text += "(iii) all is well.\n\n(b) approve: (i) this, (ii) that.\n\n(c) end."
    assert numbering(text) == [
        ["2"],
        ["2", "(a)"],
        *(["2", "(a)", number] for number in ("(i)", "(ii)")),
        *(["2", "(a)", "(ii)", number] for number in ("(a)", "(b)")),
        ["2", "(a)", "(iii)"],
        ["2", "(b)"],
        *(["2", "(b)", number] for number in ("(i)", "(ii)")),
        ["2", "(c)"],
    ]


def test_a_recital_stands_below_no_part_of_the_one_before() -> None:
    text = "Section 1. Recitals\n\nWHEREAS, they sell\n\n(a) goods; and\n\n(b) land;\n\nWHEREAS, all agree."
    recital = [block for block in read_legal(text).walk() if block.kind == "recital" and block.metadata]
    assert [block.metadata["numbering"] for block in recital] == [["Section 1"]]


def test_a_section_numbered_as_its_zeroth_part_stands_above_its_parts() -> None:
    text = "1.0 Terms\n\nNone.\n\n2.0 Grant\n\n2.1 Use. He may.\n\n2.2 Sale. He may not.\n\n3.0 End\n\nIt ends."
    assert numbering(text) == [["1.0"], ["2.0"], ["2.0", "2.1"], ["2.0", "2.2"], ["3.0"]]
