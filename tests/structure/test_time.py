"""The time of every reader grows with the text and hardly faster, whatever the text repeats."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from llama_index_prod_rag.structure import detect_format, read
from tests.structure.growth import UNITS, grows_too_fast

PROSE_LIKE = ("markdown", "html", "rst", "prose", "lines", "csv", "notebook", "email")
WRAPPED = {"email": "From: a\nSubject: b\n\n{}", "notebook": '{{"nbformat": 4, "cells": [{}'}
nightly = pytest.mark.skipif(
    not os.environ.get("PROD_RAG_NIGHTLY"), reason="takes minutes: set PROD_RAG_NIGHTLY=1 to run it"
)


def reader_of(name: str) -> Callable[[str], object]:
    return lambda text: detect_format(text, {}) if name == "any" else read(text, name)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("html", "<a "),
        ("html", "<a b='"),
        ("html", "<a b=c "),
        ("html", "<!--"),
        ("html", "<table><tr><td>"),
        ("markdown", "<!--"),
        ("markdown", "{% highlight x %}\n"),
        ("rst", "+--+\n"),
        ("rst", "== ==\n"),
        ("rst", "="),
        ("lines", "}\n"),
        ("csv", '"a\n'),
        ("any", "<!--"),
    ],
)
def test_known_runs_take_time_that_grows_with_them(name: str, unit: str) -> None:
    assert grows_too_fast(reader_of(name), unit, 2_000, WRAPPED.get(name, "{}")) is None


@nightly
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", [*PROSE_LIKE, "any"])
def test_no_run_takes_time_that_grows_much_faster_than_it(name: str) -> None:
    wrap = WRAPPED.get(name, "{}")
    found = [grows_too_fast(reader_of(name), unit, 8_000, wrap) for unit in UNITS]
    assert [slow for slow in found if slow is not None] == []
