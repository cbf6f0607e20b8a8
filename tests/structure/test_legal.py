from __future__ import annotations

import pytest
from llama_index.core.schema import Document

from llama_index_prod_rag.node_parser.document_aware import DocumentAwareNodeParser
from llama_index_prod_rag.structure.legal import read_legal
from llama_index_prod_rag.structure.pages import page_breaks
from llama_index_prod_rag.structure.tree import check_tree


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


def rows(text: str) -> list[tuple[object, str | None]]:
    root = read_legal(text)
    check_tree(root, text)
    return [(block.metadata["numbering"], block.title) for block in root.walk() if block.kind == "clause"]


def place(text: str, words: str) -> tuple[object, list[str]]:
    """The numbering and the titles of the blocks around some words."""
    at = text.index(words)
    around = [block for block in read_legal(text).walk() if block.start <= at < block.end]
    numbers = [block.metadata["numbering"] for block in around if "numbering" in block.metadata]
    return numbers[-1] if numbers else None, [block.title for block in around if block.title]


UNITED_KINGDOM = """\
PART 1
PRELIMINARY

1 Overview

(1) This Act makes provision about personal data.
(2) Most processing is subject to the Regulation.

2 Protection of personal data

(1) The Regulation protects individuals.

2A Cats

(1) Cats are free.

SCHEDULE 1

Exempt matters

Nothing is exempt.
"""


def test_a_british_act_has_bare_numbers_and_inserted_sections() -> None:
    assert [title for _, title in rows(UNITED_KINGDOM) if title and title[0] != "("] == [
        "PART 1 PRELIMINARY",
        "1 Overview",
        "2 Protection of personal data",
        "2A Cats",
        "SCHEDULE 1 Exempt matters",
    ]
    assert place(UNITED_KINGDOM, "Cats are free")[0] == ["PART 1", "2A", "(1)"]
    assert place(UNITED_KINGDOM, "Nothing is exempt")[0] == ["SCHEDULE 1"]


@pytest.mark.parametrize(
    "text",
    [
        "The seller pays\n\n12\n\nin time.\n\n13 Confidential\n\nMore.\n\n14 Confidential\n\nAnd more.\n",
        "Stores\n\n12 Springs 1,330 76 81\n\n13 Bluff 1,084 102 94\n\n14 Creek 2,237 179 421\n",
        "Write to us at\n\n1 Harbour Street\n\nKiel\n",
        "1. Fee. Pay.\n\n2. Term. Long.\n\n3. End. Now.\n\n4. Law. Ours.\n\n5 Wheels\n\n6 Doors\n",
    ],
)
def test_other_bare_numbers_are_no_clauses(text: str) -> None:
    assert [number for number, _ in rows(text) if not str(number[0]).endswith(".")] == [  # type: ignore[index]
        [label] for label in ("1", "2", "3", "4") if text.startswith("1. ")
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "§ 312g Widerrufsrecht\n(1) Dem Verbraucher steht ein Recht zu.\n(2) Es besteht nicht immer.\n\n"
            "§ 312h Kündigung\nWird gekündigt, so gilt § 312g Abs. 2.\n\n§ 312g Abs. 1 gilt nicht.\n",
            ["§ 312g Widerrufsrecht", "(1)", "(2)", "§ 312h Kündigung"],
        ),
        (
            "TITRE II\nDES CONTRATS\n\nArticle 1er\n\nLe titre s'applique à tous.\n\nArticle L. 121-1\n\n"
            "Tous sont libres.\n\nArticle L. 121-1-1\n\nIls le restent.\n\nArticle 10 bis\n\nRien.\n",
            ["TITRE II DES CONTRATS", "Article 1er", "Article L. 121-1", "Article L. 121-1-1", "Article 10 bis"],
        ),
        (
            "CAPÍTULO I\nDisposiciones generales\n\nArtículo 1. Objeto.\n\nLa ley regula esto.\n\n"
            "Artículo 2 ter. Ámbito.\n\nA todos.\n",
            ["CAPÍTULO I Disposiciones generales", "Artículo 1. Objeto", "Artículo 2 ter. Ámbito"],
        ),
        (
            "第一章 总则\n\n第一条 为了保护权益，制定本法。\n\n"
            "第二条 依照第一条的规定办理。\n\n第十条之一 处理纠纷。\n",
            ["第一章 总则", "第一条", "第二条", "第十条之一"],
        ),
        (
            "（目的）\n第一条　この法律は、権利を保護する。\n\n（定義）\n第二条　次のものをいう。\n\n"
            "第二条の二　略。\n",
            ["第一条 目的", "第二条 定義", "第二条の二"],
        ),
        (
            "제1장 총칙\n\n제1조(목적) 이 법은 목적으로 한다.\n\n제2조의2(특례) 제1조에 따른다.\n",
            ["제1장 총칙", "제1조 목적", "제2조의2 특례"],
        ),
        (
            "Глава 1. Общие положения\n\nСтатья 1. Предмет\n\nЗакон регулирует.\n\nСтатья 1.1. Ещё\n\nТекст.\n",
            ["Глава 1. Общие положения", "Статья 1. Предмет", "Статья 1.1. Ещё"],
        ),
        (
            "Art. 2-bis. Trattamento\n\nIl decreto si applica.\n\nArt. 3\n\nFinalità\n\nIl decreto ha lo scopo.\n",
            ["Art. 2-bis. Trattamento", "Art. 3 Finalità"],
        ),
        (
            "Sec. 80a-1. Findings\n\n(a) In general. All is well.\n\nSec. 80a-1a. More\n\n"
            "Section 2.1 of the Act applies.\n\nArticle 5 of the Treaty applies too.\n",
            ["Sec. 80a-1. Findings", "(a) In general", "Sec. 80a-1a. More"],
        ),
        (
            "Short title\n\n1. (1) This Act may be called the Boats Act.\n\nDefinitions\n\n"
            "2. In this Act, a boat floats.\n\nPower to make rules\n\n3. The Government may make rules.\n",
            ["1. Short title", "2. Definitions", "3. Power to make rules"],
        ),
        (
            "PART IVA\nFENCES\n\nSection 12AA. Height\n\nAs high as a cow.\n\nArticle One\n\nWords\n\nThey count.\n",
            ["PART IVA FENCES", "Section 12AA. Height", "Article One Words"],
        ),
    ],
)
def test_statutes_of_many_countries(text: str, expected: list[str]) -> None:
    assert [title for _, title in rows(text)] == expected


def test_captions_are_underlined_or_stand_below() -> None:
    text = '1. Terms\n--------\n\n1.1. "Fee"\n    means a price.\n\n'
    text += "2. Grants and Conditions\n=====\n\n2.1. Grants\n\nYou may.\n"
    assert titles(text) == ["1. Terms", '1.1. "Fee"', "2. Grants and Conditions", "2.1. Grants"]
    text = "CHAPTER I\n\nGeneral provisions\n\nArticle 1\n\n"
    text += "Subject-matter and\nobjectives\n\n1.   It is so.\n\nArticle 2\n\nIt ends here.\n"
    assert titles(text) == [
        "CHAPTER I General provisions",
        "Article 1 Subject-matter and objectives",
        "1.",
        "Article 2",
    ]
    headings = [text[block.start : block.end] for block in read_legal(text).walk() if block.kind == "heading"]
    assert headings == ["CHAPTER I", "General provisions", "Article 1", "Subject-matter and\nobjectives", "Article 2"]


def test_an_item_is_not_its_own_heading() -> None:
    text = "1. Goods.\n(a) Red apples\n(b) Green pears\n2. Late fees accrue monthly.\n3. Payment\nPay at once.\n"
    assert titles(text) == ["1. Goods", "(a)", "(b)", "2.", "3. Payment"]


LICENCE = """\
   9. Support. You may offer it for a fee:

      (a) in writing, with all names; and

      (b) at your own risk.

   The rest of this section applies to both.

   10. Last. It ends.

   END OF TERMS AND CONDITIONS

   APPENDIX: How to apply it

      Attach the following notice.
"""


@pytest.mark.parametrize("text", [LICENCE, "\n".join(line.strip() for line in LICENCE.split("\n"))])
def test_what_follows_a_list_or_the_last_clause_stands_below_neither(text: str) -> None:
    assert place(text, "The rest")[0] == ["9"]
    assert place(text, "It ends")[0] == ["10"]
    assert place(text, "END OF") == (None, [])
    assert place(text, "Attach") == (None, ["APPENDIX: How to apply it"])


@pytest.mark.parametrize(
    "closing",
    [
        "IN WITNESS WHEREOF, they sign.",
        "Signed by the parties",
        "Done at Rome, 1 May 2024.",
        "Fait à Paris, le 3 mai.",
        "Geschehen zu Bonn am 1. Mai.",
        "By: ______________\nName: Ann",
        "[Signature page follows]",
    ],
)
def test_signatures_stand_below_no_clause(closing: str) -> None:
    assert place(f"1. Fee. Pay.\n\n(a) at noon.\n\n{closing}\n\nAnn Reed\n", "Ann Reed") == (None, [])


def test_a_run_goes_on_behind_a_paragraph_without_a_number() -> None:
    text = "1. Duties. He shall:\n\n(a) sell;\n\n(b) buy.\n\nThis is not all.\n\n(c) He rests.\n\n2. End. Now.\n"
    assert numbering(text) == [["1"], ["1", "(a)"], ["1", "(b)"], ["1", "(c)"], ["2"]]


def test_indentation_says_where_a_paragraph_belongs() -> None:
    text = "1. Duties.\n\n  (a) He sells.\n\n    (i) Bread.\n\n    Fresh bread.\n\n  Also butter.\n\nNo milk.\n"
    found = [place(text, words)[0] for words in ("Fresh", "Also", "No milk")]
    assert found == [["1", "(a)", "(i)"], ["1", "(a)"], ["1"]]


def test_two_marks_in_one_place_are_one() -> None:
    above = "(i) 🦉\n(a)\nhunts barn. これは文です。\n\n<|endoftext|>  \n"
    text = above + "ARTICLE IV\nSection 4.2 Term.  4.1 The night\n1. \n5. hunts "
    check_tree(read_legal(text), text)


EUROPEAN = """CHAPTER III

Rights of the data subject

Section 1

Transparency and modalities

Article 12

Transparent information

1. The controller shall take measures.

Article 13

Information to be provided

Section 2

Rectification

Article 16

Right to rectification

The data subject shall have the right.
"""
FRENCH = """Titre II : Des contrats

Chapitre Ier : Dispositions générales

Section 1 : La formation

Article 1101
Le contrat est un accord.

Article 1102
Chacun est libre.
"""
BYLAWS = """ARTICLE I
DEFINITIONS

Section 1. Terms. The terms used here have these meanings.

ARTICLE II
BOARD

Section 1. Number. There are nine directors.
"""


@pytest.mark.parametrize(
    ("text", "words", "path"),
    [
        (
            EUROPEAN,
            "The data subject",
            [
                "CHAPTER III Rights of the data subject",
                "Section 2 Rectification",
                "Article 16 Right to rectification",
            ],
        ),
        (
            FRENCH,
            "Chacun",
            ["Titre II Des contrats", "Chapitre Ier Dispositions générales", "Section 1 La formation", "Article 1102"],
        ),
        (BYLAWS, "There are nine", ["ARTICLE II BOARD", "Section 1. Number"]),
    ],
)
def test_a_section_stands_above_articles_where_it_holds_them(text: str, words: str, path: list[str]) -> None:
    place = text.index(words)
    titles = [b.title for b in read_legal(text).walk() if b.title is not None and b.start <= place < b.end]
    assert titles == path


def test_numbers_with_a_full_stop_stand_below_a_german_paragraph() -> None:
    text = (
        "§ 3 Geltung\n(1) Dieses Gesetz gilt für\n1. Waren,\n2. Dienste.\n(2) Es gilt nicht für Häuser.\n\n"
        "§ 4 Preise\n1. Der Preis ist fest.\n2. Er ist fällig.\n\n§ 4a Verzug\n1. Zinsen fallen an.\n"
    )
    found = [block.metadata["numbering"] for block in read_legal(text).walk() if block.metadata]
    assert found == [
        ["§ 3"],
        *(["§ 3", "(1)"], ["§ 3", "(1)", "1"], ["§ 3", "(1)", "2"], ["§ 3", "(2)"]),
        *(["§ 4"], ["§ 4", "1"], ["§ 4", "2"]),
        *(["§ 4a"], ["§ 4a", "1"]),
    ]
