"""Laws of Britain and of countries that write them so: numbers without a full stop, with and without blank lines."""

from __future__ import annotations

import pytest

from llama_index_prod_rag.structure.formats import detect_format
from tests.structure.test_statutes import place, rows

ACT = """\
Harbours Act 2020
PART 1
PRELIMINARY
1 Overview
(1) This Act makes provision about harbours.
(2) Most harbours are covered.
2 Interpretation
(1) In this Act—
(a) "court" means the High Court;
(b) "day" means a business day.
(2) This section applies to Wales.
3 Duties
(1) The Board must report.
(2) It may publish—
(a) the report, and
(b) a summary.
3A The Board: meetings
The Board meets once in each quarter.
PART 2
ENFORCEMENT
Offences
4 Obstruction
A person who obstructs an officer commits an offence.
5 Penalties
(1) A person guilty of an offence is liable to a fine.
SCHEDULE 1
Section 3
Reports
1 (1) A report must be in writing.
(2) It must be signed.
2 A report must be dated.
SCHEDULE 2
Section 5
Fees
1 The fee is five pounds.
2 The fee may be waived.
"""
EXPECTED = [
    (["PART 1"], "PART 1 PRELIMINARY"),
    (["PART 1", "1"], "1 Overview"),
    (["PART 1", "2"], "2 Interpretation"),
    (["PART 1", "3"], "3 Duties"),
    (["PART 1", "3A"], "3A The Board: meetings"),
    (["PART 2", "4"], "4 Obstruction"),
    (["PART 2", "5"], "5 Penalties"),
    (["SCHEDULE 1", "1"], "1"),
    (["SCHEDULE 1", "2"], "2"),
    (["SCHEDULE 2", "1"], "1"),
    (["SCHEDULE 2", "2"], "2"),
]


def spaced(text: str) -> str:
    """The same text with a blank line between all lines."""
    return text.replace("\n", "\n\n")


@pytest.mark.parametrize("text", [ACT, spaced(ACT), ACT.replace("\n", "\r\n")])
def test_a_number_right_below_a_paragraph_opens_its_own_section(text: str) -> None:
    found = [row for row in rows(text) if row in EXPECTED]
    assert found == EXPECTED
    assert place(text, "It may publish")[0] == ["PART 1", "3", "(2)"]
    assert place(text, "A person who obstructs")[0] == ["PART 2", "4"]
    assert place(text, "It must be signed")[0] == ["SCHEDULE 1", "1", "(2)"]
    assert place(text, "may be waived")[0] == ["SCHEDULE 2", "2"]


@pytest.mark.parametrize(
    "text",
    [
        # A list inside a subsection, by name and in sentences.
        "1 Forms\n(1) The form must state—\n1 Name\n2 Address\n3 Date of birth\n(2) It must be signed.\n"
        "2 Duties\n(1) The Board must act.\n",
        "1 Forms\n(1) The applicant must do what follows.\n1 He must sign it.\n2 He must date it.\n3 He must pay.\n"
        "(2) It is then sent.\n2 Duties\n(1) The Board must act.\n",
        # A reference whose number begins a line.
        "1 Forms\n(1) The form is that which the Board publishes for the purposes of section\n"
        "2 Duties of the Board as it applies to harbours.\n(2) It must be signed.\n2 Duties\n(1) The Board must act.\n",
        "1 Forms\n(1) The fee for the form is\n2 Pounds and is due when it is sent.\n(2) It must be signed.\n"
        "2 Duties\n(1) The Board must act.\n",
        # A table of contents, and rows.
        "1 Forms\n2 Duties\n1 Forms\n(1) These are the offices.\n12 Springs\n13 Bluff\n14 Creek\n(2) They are open.\n"
        "2 Duties\n(1) The Board must act.\n",
    ],
)
def test_a_list_inside_a_section_opens_none(text: str) -> None:
    numbers = [number for number, _ in rows(text)]
    assert numbers[0] in (["1"], ["2"])
    assert numbers[-2:] == [["2"], ["2", "(1)"]]
    assert sum(len(number) == 1 for number in numbers) == 2, numbers  # type: ignore[arg-type]


def test_captions_stand_above_the_sections_of_canadian_acts() -> None:
    text = (
        "Short title\n1 This Act may be cited as the Harbours Act.\nInterpretation\n2 In this Act, day means a day.\n"
        "Duties of officers\n3 (1) Every officer shall report.\n(2) An officer may publish.\nRegulations\n"
        "4 The Governor in Council may make regulations\n(a) prescribing fees;\n(b) prescribing forms.\n"
    )
    assert [title for number, title in rows(text) if len(number) == 1] == [  # type: ignore[arg-type]
        "1 Short title",
        "2 Interpretation",
        "3 Duties of officers",
        "4 Regulations",
    ]
    assert place(text, "An officer may")[0] == ["3", "(2)"]


def test_the_line_above_the_first_regulation_is_not_the_name_of_its_part() -> None:
    text = (
        "PART 1\nGeneral\nCitation\n1. These Regulations may be cited.\nInterpretation\n"
        "2.—(1) In these Regulations a day is a day.\n(2) So is a week.\nDuties\n3.—(1) The officer must act.\n"
    )
    assert [title for _, title in rows(text) if title and title[0] != "("] == [
        "PART 1 General",
        "1. Citation",
        "2. Interpretation",
        "3. Duties",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("§ 1. (1) Der Bund ist ein Staat.\n(2) Er hat Länder.\n§ 2. (1) Die Fahne ist rot.\n", ["§ 1", "§ 2"]),
        ("1. (a) The Seller pays.\n(b) The Buyer waits.\n2. (a) No one pays.\n", ["1", "2"]),
        (
            "Section 1 (i) The Seller pays.\n(ii) The Buyer waits.\nSection 2 (i) No one pays.\n",
            ["Section 1", "Section 2"],
        ),
    ],
)
def test_the_first_subsection_may_stand_right_behind_the_number(text: str, expected: list[str]) -> None:
    numbers = [number for number, _ in rows(text)]
    assert [number for number in numbers if len(number) == 1] == [[each] for each in expected]  # type: ignore[arg-type]
    assert [len(number) for number in numbers] == [1, 2, 2, 1, 2]  # type: ignore[arg-type]


def test_a_count_in_brackets_behind_a_letter_is_no_subsection() -> None:
    text = "1. Goods. Each box holds:\na. (1) bottle of oil\nb. (1) bottle of ink\n"
    assert [number for number, _ in rows(text)] == [["1"], ["1", "a"], ["1", "b"]]


def test_such_laws_are_told_by_content() -> None:
    assert detect_format(ACT, {})[0] == "legal"
    assert detect_format(spaced(ACT), {})[0] == "legal"
    assert detect_format("§ 1. (1) Es gilt.\n\n§ 2. (1) Es endet.\n\n§ 3. (1) Es ist aus.\n", {})[0] == "legal"
    assert detect_format("12 Springs\n13 Bluff\n14 Creek\n(1) Closed in winter.\n", {})[0] != "legal"
