"""A line that names several sections stands above them, not below the section before it."""

from __future__ import annotations

import pytest

from llama_index_prod_rag.structure.legal import read_legal
from tests.structure.test_statutes import place

ACT = """PART 1
HARBOURS
General
1 Overview
(1) This Act makes provision about harbours.
2 Duties
The Board must report.
Offences and penalties
3 Obstruction
A person who obstructs an officer commits an offence.
4 Penalties
(1) A person guilty of an offence is liable to a fine, and—
(a) to prison;
(b) to both.
Supplementary
5 Regulations
(1) The Board may make regulations.
PART 2
Fees
6 Fees
The Board may charge.
"""


@pytest.mark.parametrize("apart", ["\n", "\n\n"])
@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ("makes provision", ["PART 1 HARBOURS", "General", "1 Overview", "(1)"]),
        ("must report", ["PART 1 HARBOURS", "General", "2 Duties"]),
        ("obstructs an officer", ["PART 1 HARBOURS", "Offences and penalties", "3 Obstruction"]),
        ("to both", ["PART 1 HARBOURS", "Offences and penalties", "4 Penalties", "(1)", "(b)"]),
        ("may make regulations", ["PART 1 HARBOURS", "Supplementary", "5 Regulations", "(1)"]),
        ("may charge", ["PART 2 Fees", "6 Fees"]),
    ],
)
def test_it_holds_the_sections_up_to_the_next_one_or_the_next_part(words: str, titles: list[str], apart: str) -> None:
    text = ACT.replace("\n", apart)
    assert place(text, words)[1] == titles


def test_it_stands_above_the_captions_above_sections() -> None:
    text = (
        "Interpretation\nDefinitions\n1 In this Act, harbour means a harbour.\nOfficers\nDuties of officers\n"
        "2 (1) Every officer shall report.\nPowers of officers\n3 An officer may act.\n"
    )
    assert place(text, "shall report")[1] == ["Officers", "2 Duties of officers", "(1)"]
    assert place(text, "may act")[1] == ["Officers", "3 Powers of officers"]


def test_contracts_have_them_too() -> None:
    above, below = "1. Fees. Fees are due.\n\n2. Term. One year.", "3. Use. All data are kept.\n\n4. Audit. Yes.\n"
    text = f"{above}\n\nData protection\n\n{below}"
    assert place(text, "One year")[1] == ["2. Term"]
    assert place(text, "All data")[1] == ["Data protection", "3. Use"]
    assert place(text, "Yes.")[1] == ["Data protection", "4. Audit"]


@pytest.mark.parametrize(
    "line",
    [
        "New York",
        "Confidential",
        "Acme Inc",
        "12 Harbour Street",
        "Fees are due",
        "and others",
        "(c) rain",
        "Date: May",
    ],
)
def test_the_end_of_a_section_is_none(line: str) -> None:
    above = "Acme Corp\n\nHarbour Road\n\n" if line == "New York" else ""
    text = f"1. Fees. Fees are due.\n\n2. Term. Write to us.\n\n{above}{line}\n\n3. Use. All data are kept.\n"
    assert "section" not in {block.kind for block in read_legal(text).walk()}


def test_what_a_printer_puts_on_every_page_is_none() -> None:
    text = "".join(f"{number}. Fees {number}. They are due.\n\nHarbour Agreement\n\n" for number in range(1, 6))
    assert "section" not in {block.kind for block in read_legal(text).walk()}
