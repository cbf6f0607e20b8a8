from __future__ import annotations

import pytest

from llama_index_prod_rag.structure.formats import detect_format
from llama_index_prod_rag.structure.legal import read_legal
from llama_index_prod_rag.structure.tree import check_tree


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
            ["1. Short title", "(1)", "2. Definitions", "3. Power to make rules"],
        ),
        (
            "PART IVA\nFENCES\n\nSection 12AA. Height\n\nAs high as a cow.\n\nArticle One\n\nWords\n\nThey count.\n",
            ["PART IVA FENCES", "Section 12AA. Height", "Article One Words"],
        ),
    ],
)
def test_statutes_of_many_countries(text: str, expected: list[str]) -> None:
    assert [title for _, title in rows(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "§ 1 Miete\nDer Vermieter kann nach\n§ 573 BGB kündigen.\n§ 2 AGB\nEs gilt nichts.\n",
            [(["§ 1"], "§ 1 Miete"), (["§ 2"], "§ 2 AGB")],
        ),
        (
            "第一条（目的）甲は、\n第二条の規定により払う。\n第二条 のれんは含まない。\n第二条の二 代金は百円。\n",
            [(["第一条"], "第一条 目的"), (["第二条"], "第二条"), (["第二条の二"], "第二条の二")],
        ),
    ],
)
def test_a_line_that_begins_with_a_reference_is_no_clause(text: str, expected: list[tuple[list[str], str]]) -> None:
    assert rows(text) == expected


def test_captions_are_underlined_or_stand_below() -> None:
    text = '1. Terms\n--------\n\n1.1. "Fee"\n    means a price.\n\n'
    text += "2. Grants and Conditions\n=====\n\n2.1. Grants\n\nYou may.\n"
    assert [title for _, title in rows(text)] == ["1. Terms", '1.1. "Fee"', "2. Grants and Conditions", "2.1. Grants"]
    text = "CHAPTER I\n\nGeneral provisions\n\nArticle 1\n\n"
    text += "Subject-matter and\nobjectives\n\n1.   It is so.\n\nArticle 2\n\nIt ends here.\n"
    assert [title for _, title in rows(text)] == [
        "CHAPTER I General provisions",
        "Article 1 Subject-matter and objectives",
        "1.",
        "Article 2",
    ]
    headings = [text[block.start : block.end] for block in read_legal(text).walk() if block.kind == "heading"]
    assert headings == ["CHAPTER I", "General provisions", "Article 1", "Subject-matter and\nobjectives", "Article 2"]


def test_an_item_is_not_its_own_heading() -> None:
    text = "1. Goods.\n(a) Red apples\n(b) Green pears\n2. Late fees accrue monthly.\n3. Payment\nPay at once.\n"
    assert [title for _, title in rows(text)] == ["1. Goods", "(a)", "(b)", "2.", "3. Payment"]


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
    assert [numbers for numbers, _ in rows(text)] == [["1"], ["1", "(a)"], ["1", "(b)"], ["1", "(c)"], ["2"]]


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


INSTRUMENT = """Citation and commencement

1.—(1) These Regulations may be cited as the Boats Regulations.

(2) They come into force on exit day.

Interpretation

2.—(1) In these Regulations—

"boat" means what floats;

(2) Other expressions have the same meaning.

SCHEDULE 1

Section 60

Amendments

1 (1) In section 4 omit "oar".
"""
BASIC_LAW = """I. Die Grundrechte

Art 1

(1) Die Würde des Menschen ist unantastbar.

Art 12a

(1) Jeder kann verpflichtet werden.

II. Der Bund und die Länder

Art 20

(1) Der Bund ist ein Staat.

Kiel, den 3. April 2024
"""
SPANISH = """TÍTULO I
Del mar

Artículo 1. Objeto.
La ley regula los barcos.

Disposición adicional primera. Medidas.
Se tomarán medidas.

Disposición final única. Entrada en vigor.
Entra en vigor hoy.
"""


@pytest.mark.parametrize(
    ("text", "words", "numbers"),
    [
        (INSTRUMENT, "They come", ["1", "(2)"]),
        (INSTRUMENT, "what floats", ["2", "(1)"]),
        (INSTRUMENT, "Other expressions", ["2", "(2)"]),
        (INSTRUMENT, "omit", ["SCHEDULE 1", "1", "(1)"]),
        (BASIC_LAW, "unantastbar", ["I", "Art 1", "(1)"]),
        (BASIC_LAW, "Der Bund ist", ["II", "Art 20", "(1)"]),
        (BASIC_LAW, "Kiel", None),
        (SPANISH, "Se tomarán", ["Disposición adicional primera"]),
        (SPANISH, "Entra en", ["Disposición final única"]),
        ("CAPO I\nNorme\n\nArt. 55-A. Nozione.\nVale oggi.\n", "Vale", ["CAPO I", "Art. 55-A"]),
        (
            "LIVRE IER : Du jeu\n\nTITRE IER : De tous\n\nArticle L111-1\nTous jouent.\n",
            "Tous jouent",
            ["LIVRE IER", "TITRE IER", "Article L111-1"],
        ),
        ("合同\n\n一、租赁房屋\n甲方出租。\n\n二、租期\n（一）一年。\n", "一年", ["二、", "（一）"]),
        ("第1条（目的）\n甲は支払う。\n\n第2条（額）\n第1条（目的）による。\n", "による", ["第2条"]),
        ("4. The Seller shall (a) deliver. It also insures.\n\n5. Price. Low.\n", "It also", ["4"]),
    ],
)
def test_words_are_filed_below_the_numbers_that_hold_them(text: str, words: str, numbers: list[str] | None) -> None:
    assert place(text, words)[0] == numbers


def test_the_title_of_a_clause_may_ask_and_is_no_sentence() -> None:
    assert (
        rows("1 Where Part 1 applies\n(1) It applies.\n\n2 Terms\n(1) They hold.\n")[0][1] == "1 Where Part 1 applies"
    )
    assert place("第一章　总则\n\n第一条　为了保护权益，制定本法。\n", "为了")[1] == ["第一章 总则", "第一条"]


@pytest.mark.parametrize("text", [BASIC_LAW, SPANISH + "Artículo 2. Más.\nHay más.\nArtículo 3. Fin.\nNo hay.\n"])
def test_laws_of_other_languages_are_told_by_content(text: str) -> None:
    assert detect_format(text, {}) == ("legal", None)


def test_the_number_and_caption_of_a_clause_are_no_part_of_its_words() -> None:
    text = "§ 1 Geltung der Ordnung\nDiese Ordnung gilt für alle.\n"
    assert [(block.kind, block.glued) for block in read_legal(text).children[0].children] == [
        ("heading", True),
        ("paragraph", False),
    ]


def test_a_number_with_nothing_but_a_mark_below_it_is_read() -> None:
    assert read_legal("ARTICLE V\n:").end == len("ARTICLE V\n:")
