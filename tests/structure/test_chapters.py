"""Books without markup: a line that is nothing but a chapter's number and title is its heading."""

from __future__ import annotations

import pytest

from llama_index_prod_rag.structure.prose import read_prose
from llama_index_prod_rag.structure.tree import check_tree


def _titles(text: str) -> list[str | None]:
    root = read_prose(text)
    check_tree(root, text)
    return [block.title for block in root.walk() if block.kind == "section"]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("text", "titles"),
    [
        (
            "CHAPTER I.\n\nDown the Hole\n\nAlice fell.\n\n\nCHAPTER II.\nTears\n\nShe cried.\n",
            ["CHAPTER I. Down the Hole", "CHAPTER II. Tears"],
        ),
        ("Chapter One\n\nIt was dark.\n\nChapter Two\n\nIt was light.\n", ["Chapter One", "Chapter Two"]),
        ("Kapitel 1\n\nText hier.\n\nKapitel 2: Ende\n\nText da.\n", ["Kapitel 1", "Kapitel 2: Ende"]),
        ("ГЛАВА I\n\nТекст.\n\nГЛАВА II\n\nТекст.\n", ["ГЛАВА I", "ГЛАВА II"]),
        ("第一章 开始\n\n文。\n\n第二章 结束\n\n文。\n", ["第一章 开始", "第二章 结束"]),
    ],
)
def test_numbers_that_count_on_are_headings(text: str, titles: list[str], ending: str) -> None:
    assert _titles(text.replace("\n", ending)) == titles


def test_scenes_stand_inside_acts_and_count_anew() -> None:
    first = "ACT I\n\nSCENE I. A room.\n\nANN. Hm.\n\nSCENE II. The sea.\n\nANN. Wet.\n\n"
    text = f"{first}ACT II\n\nSCENE I. A hall.\n\nBOB. Ha.\n"
    root = read_prose(text)
    at = text.index("Ha.")
    assert [block.title for block in root.walk() if block.start <= at < block.end and block.title] == [
        "ACT II",
        "SCENE I. A hall.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Chapter 5 describes the method.\n\nChapter 6 is about results.\n\nMore.",
        "Chapter 5\n\nIt stands alone.",
        "See\n\nPart I\n\nof the act and\n\nPart III\n\nof it.",
        "We read chapter 1\nand then\nChapter 2\nof the book.",
        "Letter 7\n\nDear Ann.\n\nLetter 3\n\nDear Bob.",
    ],
)
def test_other_lines_are_none(text: str) -> None:
    assert _titles(text) == []
