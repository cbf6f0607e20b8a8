from __future__ import annotations

from llama_index_prod_rag.structure.rst import read_rst
from llama_index_prod_rag.structure.tree import Block


def blocks(text: str, kind: str) -> list[str]:
    return [text[block.start : block.end] for block in read_rst(text).walk() if block.kind == kind]


def only(text: str, kind: str) -> Block:
    (block,) = [block for block in read_rst(text).walk() if block.kind == kind]
    return block


def test_levels_follow_the_order_in_which_styles_appear() -> None:
    text = "=====\nTop\n=====\n\nOne\n===\n\nDeep\n----\n\nTwo\n===\nText.\n"
    found = [(block.title, text[block.start : block.end].count("\n")) for block in read_rst(text).walk() if block.title]
    assert [title for title, _ in found] == ["Top", "One", "Deep", "Two"]
    assert found[0][1] > found[1][1] > found[2][1]


def test_roles_are_plain_in_titles() -> None:
    title = ":mod:`os` and ``path``\n======================\n\nText."
    assert read_rst(title).children[0].title == "os and path"


def test_a_transition_is_no_heading() -> None:
    assert [block for block in read_rst("One.\n\n----\n\nTwo.\n").walk() if block.kind == "heading"] == []


def test_literal_blocks_keep_their_indentation_and_stay_with_what_announces_them() -> None:
    text = "Like this::\n\n    if x:\n\n        y\n\nAfter.\n"
    announcement, code, after = read_rst(text).children
    assert (announcement.kind, announcement.glued) == ("paragraph", True)
    assert text[code.start : code.end] == "    if x:\n\n        y"
    assert after.kind == "paragraph"


def test_directives() -> None:
    text = (
        ".. code-block:: c\n   :linenos:\n\n   int x;\n\n.. note:: Mind\n   this.\n\n   - a\n\n.. class:: f(x)\n\n   It"
    )
    assert only(text, "code").metadata == {"language": "c"}
    assert blocks(text, "directive") == [".. note:: Mind\n   this.\n\n   - a"]
    assert only(text, "definition").title == "f(x)"
    assert [part.kind for part in only(text, "directive").children] == ["paragraph", "paragraph", "list"]


def test_comments_are_dropped_and_footnotes_are_not() -> None:
    text = ".. a comment\n   that goes on\n\n.. [1] A note.\n\n.. _here: https://example.org\n"
    assert [(block.kind, block.dropped) for block in read_rst(text).children] == [
        ("comment", True),
        ("reference", False),
        ("target", False),
    ]


def test_tables_are_cut_between_rows_and_carry_their_header() -> None:
    grid = "+---+---+\n| a | b |\n+===+===+\n| 1 | 2 |\n|   | x |\n+---+---+\n| 3 | 4 |\n+---+---+\n"
    assert only(grid, "table").metadata == {"table_header": "+---+---+\n| a | b |\n+===+===+"}
    assert blocks(grid, "row") == ["| 1 | 2 |\n|   | x |\n+---+---+", "| 3 | 4 |\n+---+---+"]
    simple = "===  ===\nA    B\n===  ===\nx    y\n     more\nz    w\n===  ===\n"
    assert only(simple, "table").metadata == {"table_header": "===  ===\nA    B\n===  ==="}
    assert blocks(simple, "row") == ["x    y\n     more", "z    w"]


def test_lists_end_where_the_marker_changes() -> None:
    text = "- a\n- b\n\n  more of b\n\n1. one\n2. two\n\n:field: value\n"
    assert [len(block.children) for block in read_rst(text).children] == [2, 2, 1]
    assert blocks(text, "item")[1] == "- b\n\n  more of b"


def test_a_term_is_glued_to_its_definition() -> None:
    term, meaning = only("term\n    what it means\n", "definition").children
    assert (term.glued, meaning.glued) == (True, False)
