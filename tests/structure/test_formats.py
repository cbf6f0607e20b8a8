"""Which reader a document gets, and formats of one's own."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from itertools import pairwise

import pytest
from llama_index.core import Document
from llama_index.core.schema import MediaResource

from llama_index_prod_rag import DocumentAwareNodeParser
from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.structure import Block, detect_format, read, register_format, unregister_format

TUNE = f"X:1\nT:The Heron\nK:G\n{'|:GABc dedB:|' * 8}\nX:2\nT:The Owl\nK:D\n{'|:d2fd AdFA:|' * 8}\n"


def read_tunes(text: str) -> Block:
    """Tunes in ABC notation: each begins with its number and is titled by its T line."""
    edges = [*(index for index in range(len(text)) if text.startswith("X:", index)), len(text)]
    tunes = [
        Block("tune", start, end, title=text[start:end].split("\nT:")[1].splitlines()[0])
        for start, end in pairwise(edges)
    ]
    return Block("document", 0, len(text), tuple(tunes))


@pytest.fixture
def abc() -> Iterator[str]:
    register_format(
        "abc",
        read_tunes,
        extensions=["abc"],
        media_types=["text/vnd.abc"],
        looks_like=lambda text: text.startswith("X:") * 5.0,
        must_have=lambda text: "X:" in text,
    )
    yield "abc"
    unregister_format("abc")


@pytest.mark.parametrize(
    "metadata",
    [{}, {"file_name": "tunes.ABC"}, {"format": "abc"}, {"file_type": "text/vnd.abc; charset=utf-8"}],
)
def test_a_format_of_ones_own_is_found_like_the_built_in_ones(abc: str, metadata: dict[str, str]) -> None:
    nodes = DocumentAwareNodeParser(chunk_size=120, min_size=0)([Document(text=TUNE, metadata=metadata)])
    assert {node.metadata.get("headings") for node in nodes} == {"The Heron", "The Owl"}


def test_a_format_of_ones_own_can_be_demanded_and_goes_through_serialised_form(abc: str) -> None:
    parser = DocumentAwareNodeParser(format=abc)
    assert DocumentAwareNodeParser.from_dict(parser.to_dict()).format == "abc"


def test_a_format_that_nobody_registered_is_an_error_that_names_the_others() -> None:
    with pytest.raises(ConfigurationError, match=r"'abc'.*markdown.*register_format"):
        DocumentAwareNodeParser(format="abc")


def test_a_name_is_not_believed_where_the_text_cannot_have_the_format(abc: str) -> None:
    assert detect_format("No tune here.", {"file_name": "a.abc"}) == ("prose", None)


def test_a_reader_that_breaks_the_rules_of_trees_is_named(abc: str) -> None:
    register_format("abc", lambda text: Block("document", 0, len(text) - 1))
    with pytest.raises(InputError, match=r"'abc'.*over the whole text"):
        read(TUNE, "abc")


@pytest.mark.parametrize("name", ["", "auto"])
def test_a_format_needs_a_name_of_its_own(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"word of your own"):
        register_format(name, read_tunes)


PAGE = "<!DOCTYPE html><html><body><h1>Deno</h1><p>It runs scripts on servers.</p></body></html>"
WORDS = "Deno.js runs scripts. It's used on servers, isn't it? \"Yes\", they said."
HEAD = '<p align="center"><img src="x.png"></p>\n<h1>Loom</h1>\n\n'

BY_CONTENT = {
    "a container file": ("# Base\n\nFROM python:3.12\n\n# Code\n\nCOPY . /app\nRUN make \\\n    test\n", "lines"),
    "tables of TOML": ('# Meta\n[project]\nname = "loom"\ndependencies = [\n    "rich",\n]\n', "lines"),
    "files to leave out": ("# Built\nbuild/\n*.egg-info/\n\n# Editors\n.idea/\n", "lines"),
    "fish": ("# Greet\n\nfunction greet\n    echo hello\nend\n\n# Short\n\nalias ll ls\n", "lines"),
    "a patch": ("--- a/loom.py\n+++ b/loom.py\n@@ -1,2 +1,3 @@\n import os\n+# Weave\n", "lines"),
    "Protocol Buffers": ('syntax = "proto3";\npackage loom;\nmessage Loom {\n  string name = 1;\n}\n', "lines"),
    "GraphQL": ("# Looms\ntype Loom {\n  id: ID!\n}\n\ntype Query {\n  loom: Loom\n}\n", "lines"),
    "tables of a wiki": ("== Use ==\n{| class=x\n! a !! b\n|-\n| 1 || 2\n|}\n\n== More ==\n{{Box|a=b}}\n", "prose"),
    "templates of a wiki": ("{{Box|a=b}}\nA loom is old.\n\n== Use ==\nIt weaves cloth.\n", "prose"),
    "HTML shown in a fence": ("# Menu\n\n```html\n<nav><ul><li>A</li></ul></nav>\n<p>B</p>\n```\n", "markdown"),
    "Markdown below a decorated head": (HEAD + "## Install\n\n```sh\nmake\n```\n", "markdown"),
    "formulas in Markdown": ("# Rules\n\n$$\n\\begin{aligned} a &= b \\end{aligned}\n$$\n\nSo it is.\n", "markdown"),
    "formulas without dollars": ("# Rules\n\n\\begin{align}\na &= b\n\\end{align}\n\nSo it is.\n", "markdown"),
    "Markdown in details": ("<details>\n<summary>More</summary>\n\n# Use\n\nCall it.\n\n</details>\n", "markdown"),
    "front matter alone": ("---\ntitle: Looms\n---\nThey weave cloth.\n", "markdown"),
    "two documents of YAML": ("---\nloom: 1\n---\nloom: 2\nwidth: 3\n", "lines"),
    "numbered points": ("1) First the thread.\n2) Then the cloth.\n3) Then the loom.\n", "prose"),
    "a README with links alone": ("Loom\n\nSee [the guide](https://loom.dev/guide) first.\n", "markdown"),
    "a Markdown table": ("Prices\n\n| what | how much |\n|---|---:|\n| thread | 2 |\n", "markdown"),
    "underlines of tildes": ("Loom\n~~~~\n\nWeaves.\n\nUse\n~~~\n\nIt is quick.\n", "rst"),
    "directives": ("Loom\n\n.. note:: It weaves.\n", "rst"),
    "literal blocks": ("Call it so::\n\n    loom --version\n\nand wait.\n", "rst"),
    "a fragment of HTML": ("<div>\n<p>It weaves.</p>\n<p>It is quick.</p>\n</div>\n", "html"),
    "HTML below a comment": ("<!-- made by hand -->\n" + PAGE, "html"),
    "a chapter of LaTeX": ("\\section{Looms}\nThey weave \\emph{cloth}, see \\cite{loom}.\n", "latex"),
    "an awk script": ("#!/usr/bin/awk -f\n# Weave it\n{ print $1 }\n", "lines"),
    "a notebook": ('{"cells": [{"cell_type": "code", "source": ["x = 1"]}], "nbformat": 4}', "notebook"),
    "a stored mail": ("From: ann@loom.dev\nTo: bob@loom.dev\nSubject: Cloth\n\nIt is done.\n", "email"),
    "a table of records": ("name;width\nred;2\nblue;3\n", "csv"),
    "a table with commas": ("name,width\nred,2\nblue,3\n", "csv"),
    "a Makefile": ("# Weave\n\nall: cloth\n\n# Tidy up\n\nclean:\n\trm -f cloth $(THREAD)\n", "lines"),
    "YAML": ("# Which looms\nlooms:\n  - name: one\n    width: 2\n", "lines"),
    "an INI file": ("# Where it is\n[loom]\nhost = here\nport = 80\n", "lines"),
    "JSON": ('{"loom": {"width": 2}, "cloth": ["red", "blue"]}', "lines"),
    "XML": ('<?xml version="1.0"?>\n<looms>\n  <loom width="2"/>\n</looms>\n', "lines"),
    "a style sheet": ("/* Cloth */\n.cloth {\n  color: red;\n  width: 2em;\n}\n", "lines"),
    "a log": ("".join(f"2024-03-0{day} 10:00:00 INFO loom {day} ends\n" for day in range(1, 7)), "lines"),
    "a chat": ("ann: is it done?\nbob: almost\nann: good\nbob: now it is\n", "lines"),
    "a mail with a sum": ("Hello Bob,\n\nthe bill:\n\nThread   2.00\nTotal\n----------------\n2.00\n\nAnn\n", "prose"),
    "a list": ("To buy:\n\n- thread\n- needles\n- a loom\n", "prose"),
    "dialogue": ("“Is it done?” she asked.\n\n“Almost,” he said.\n\n“When will it be?”\n", "prose"),
    "prose about code": ("Import the module first.\nThen define what you need; call it in the end.\n", "prose"),
    "nothing": ("", "prose"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BY_CONTENT.values(), ids=BY_CONTENT)
def test_content_tells_the_format(text: str, expected: str) -> None:
    assert detect_format(text, {}) == (expected, None)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ('"""Looms."""\n\nimport os\n\n\ndef weave(thread):\n    # Why\n    return os.path.join(thread)\n', "python"),
        ("#!/usr/bin/env python3\nprint('woven')\n", "python"),
        ("#!/bin/sh\n# Weave it\nset -e\nloom cloth\n", "bash"),
        ("#include <stdio.h>\n\nint main(void) {\n    return 0;\n}\n", "c"),
        ("package looms;\n\nimport java.util.List;\n\npublic class Loom {\n    private int width;\n}\n", "java"),
        ("const loom = require('loom');\n\nfunction weave(x) {\n  return loom(x);\n}\n", "javascript"),
        ('package main\n\nimport "fmt"\n\nfunc main() {\n\tfmt.Println("woven")\n}\n', "go"),
        ('# frozen\nrequire "set"\n\n# A loom\nclass Loom\n  def weave(x)\n    x\n  end\nend\n', "ruby"),
        ("<?php\n// Weave\nfunction weave($x) {\n  return $x;\n}\n", "php"),
        ("using System;\n\nnamespace Looms\n{\n    public class Loom\n    {\n    }\n}\n", "csharp"),
        ("data class Loom(val x: Int) {\n  fun weave(n: Int): Int {\n    return x + n\n  }\n}\n", "kotlin"),
        ("interface P {\n  t: string;\n}\nexport const A = (p: P) => (\n  <b>\n    {p.t}\n  </b>\n);\n", "tsx"),
        ("use std::fs;\n\nfn main() {\n    let mut x = 1;\n    x += 1;\n}\n", "rust"),
    ],
)
def test_content_tells_the_language_of_code(text: str, language: str) -> None:
    assert detect_format(text, {}) == ("code", language)


@pytest.mark.parametrize(
    "metadata",
    [
        {"url": "https://en.wikipedia.org/wiki/Deno.js"},
        {"source": "https://example.org/blog/about-deno.ts"},
        {"url": "https://www.weaving.com.py/"},
        {"source": "https://docs.rs"},
        {"url": "docs.rs/loom"},
        {"url": "https://example.org/index.html?file=a.py#b.rs"},
        {"url": "https://example.org/README.md", "title": "Deno"},
    ],
)
def test_of_an_address_only_the_path_counts_and_what_is_plainly_html_wins(metadata: dict[str, str]) -> None:
    assert detect_format(PAGE, metadata) == ("html", None)
    assert detect_format(WORDS, metadata)[0] in {"prose", "markdown"}


def test_an_address_that_the_text_bears_out_is_believed() -> None:
    raw = "https://raw.example.org/loom/main/"
    assert detect_format("import os\n\ndef f():\n    pass\n", {"url": raw + "loom.py"}) == ("code", "python")
    assert detect_format("Loom weaves.", {"source": raw + "README.md?plain=1"}) == ("markdown", None)


@pytest.mark.parametrize(
    "name",
    [
        "Makefile",
        "Dockerfile",
        "nginx.conf",
        "ci.yaml",
        "run.sh",
        "say.pl",
        "plot.R",
        "app.rb",
        "web.service",
        "app.log",
    ],
)
def test_names_of_files_without_a_reader_of_their_own_make_them_lines(name: str) -> None:
    found, _ = detect_format("# a comment that could be a heading\n\nx 1\n", {"file_name": f"src\\{name}"})
    assert found in {"lines", "code"}  # code where a grammar is there


def test_text_that_a_loader_took_from_a_page_is_not_read_as_html() -> None:
    assert detect_format("# Looms\n\nThey weave.", {"file_name": "looms.html"}) == ("markdown", None)


@pytest.mark.parametrize("told", ["PDF", "", None, 3])
def test_metadata_that_names_no_format_is_no_format(told: object) -> None:
    assert detect_format("Words.", {"format": told, "file_name": told, "url": told}) == ("prose", None)


def test_a_language_that_is_no_programming_language_is_none() -> None:
    assert detect_format("x = 1\n", {"format": "code", "language": "de", "file_name": "a.py"}) == ("code", "python")


def test_the_media_type_of_a_documents_resource_counts() -> None:
    page = Document(text_resource=MediaResource(text="<h1>A</h1><p>Words.</p>", mimetype="text/html"))
    assert DocumentAwareNodeParser()([page])[0].get_content() == "A\n\nWords."


def test_reading_leaves_the_search_for_cycles_as_it_was() -> None:
    def fail(text: str) -> Block:
        assert not gc.isenabled()
        raise ZeroDivisionError(text)

    register_format("failing", fail)
    try:
        with pytest.raises(ZeroDivisionError):
            read("a", "failing")
        assert gc.isenabled()
        gc.disable()
        read("a", "prose")
        assert not gc.isenabled()
    finally:
        gc.enable()
        unregister_format("failing")
