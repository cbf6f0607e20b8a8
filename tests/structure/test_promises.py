"""What the readers of text with little or other markup promise, whatever they are given; see `test_readers.py`."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llama_index_prod_rag.structure import detect_format, read
from llama_index_prod_rag.structure.html_tokens import tokenize
from llama_index_prod_rag.structure.mail import read_mail
from llama_index_prod_rag.structure.markdown import read_markdown
from llama_index_prod_rag.structure.notebook import read_notebook
from llama_index_prod_rag.structure.prose import read_prose
from llama_index_prod_rag.structure.records import read_lines
from llama_index_prod_rag.structure.registry import CODE, all_formats
from llama_index_prod_rag.structure.tables import read_csv
from llama_index_prod_rag.structure.tree import Block, check_tree
from llama_index_prod_rag.structure.view import View
from llama_index_prod_rag.text.graphemes import replace_surrogates
from tests.structure.test_readers import COMMON, ODD, uncovered

PIECES = (
    *(
        "# Title",
        "## Use ##",
        "Title\n===",
        "Use\n---",
        "- item",
        "1. one",
        "> quote",
        "```py",
        "```",
        "~~~",
        "    code",
    ),
    *("| a | b |\n|---|---|\n| 1 | 2 |", "**Bold?**", "They say:", "---\ntitle: T\n---", "+++\ntitle = 'T'\n+++"),
    *("{% highlight py %}", "{% endhighlight %}", "<a id='x'></a>", "[edit]", "<!--", "-->", "== Head ==", "$$"),
    *(
        "<h1>",
        "</h1>",
        "<h2>H</h2>",
        "<table>",
        "<tr>",
        "<td>",
        "<th>",
        "</tr>",
        "</table>",
        "<p>",
        "</p>",
        "<b>",
        "</b>",
    ),
    *(
        "<dl><dt>",
        "<dd>",
        "<footer>",
        "</footer>",
        "<script>",
        "</script>",
        "<pre>",
        "</pre>",
        "<nav>",
        "</nav>",
        "<a ",
    ),
    *("&amp;", "&#233;", "<br/>", "<ul><li>", "</ul>", "<a href='#x'>¶</a>", "<!doctype html>", "<x y='", '">'),
    *(
        "From: a@b.c",
        "Subject: s",
        "> quoted",
        "-- ",
        "ann: hi",
        "[1/2/24, 10:00] bob: so",
        "at x",
        "  more",
        "}",
        "end",
    ),
    *("a,b", "1;2", '"x\ny",z', "\t", "key = value", "# note", "[section]", "{", '{"cells": [', "\ufeff"),
)
READERS: dict[str, Callable[[str], Block]] = {
    "csv": read_csv,
    "lines": read_lines,
    "markdown": read_markdown,
    "prose": read_prose,
}
TEXTS = st.lists(st.sampled_from([*PIECES, *COMMON, "\n", "\n"]) | st.text(max_size=3), max_size=30).map("".join)
quick = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), database=None)


@pytest.mark.parametrize("name", READERS)
@quick
@given(TEXTS)
def test_a_tree_holds_everything(name: str, text: str) -> None:
    root = READERS[name](text)
    check_tree(root, text)
    assert uncovered(root, text).strip("\ufeff") == ""


@quick
@given(TEXTS)
def test_tokens_of_html_hold_every_character_in_order(text: str) -> None:
    position = 0
    for token in tokenize(text):
        assert token.start == position
        position = token.end
    assert position == len(text)


@quick
@given(TEXTS)
def test_every_format_reads_what_is_taken_for_it(text: str) -> None:
    found, language = detect_format(text, {})
    reading = read(text, found, language)
    first, last = reading.origin(0, len(reading.text))
    assert 0 <= first <= last <= len(text)


@quick
@given(st.lists(TEXTS, max_size=4))
def test_slices_of_a_notebook_come_from_ordered_places(cells: list[str]) -> None:
    kinds = ("markdown", "code", "raw")
    source = json.dumps(
        {"nbformat": 4, "cells": [{"cell_type": kinds[i % 3], "source": t} for i, t in enumerate(cells)]}
    )
    view = read_notebook(source)
    assert isinstance(view, View)
    check_tree(view.root, view.text)
    assert all(cell.strip() in view.text for cell in cells)
    places = [view.origin(index, index + 1) for index in range(len(view.text))]
    assert places == sorted(places)


@quick
@given(TEXTS.map(replace_surrogates))  # as the parser hands it over
def test_the_text_of_a_mail_is_all_there(text: str) -> None:
    source = "From: a\nSubject: b\n\n" + text
    view = read_mail(source)
    assert isinstance(view, View)
    check_tree(view.root, view.text)
    assert view.text.endswith(text.replace("\r\n", "\n").rstrip()) or "\r" in text


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("known", [each.name for each in all_formats() if each.name != CODE])
def test_odd_input_makes_a_tree(known: str, name: str) -> None:
    reading = read(ODD[name], known)  # checks the tree
    assert reading.root == read(ODD[name], known).root  # comparing recurses: no tree is too deep for that
