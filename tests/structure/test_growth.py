"""The time of patterns, grammars and readers of legal text, papers, LaTeX and code grows with the text, hardly faster.

Each pattern is used as the code uses it: at one place where it is only matched, anywhere where it is searched.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import regex

from llama_index_prod_rag.structure import read
from llama_index_prod_rag.structure.code import read_code
from llama_index_prod_rag.structure.definitions import find_definitions
from llama_index_prod_rag.structure.grammars import GRAMMARS
from llama_index_prod_rag.text.graphemes import floor_to_grapheme
from llama_index_prod_rag.text.sentences import split_sentences
from llama_index_prod_rag.text.terms import names, numbers, term_set
from tests.structure.growth import UNITS, grows_too_fast
from tests.structure.test_readers import FRAGMENTS
from tests.structure.test_time import nightly

_WORD = re.compile(r"(?<!\\)[A-Za-z]{2,}")
_ANYWHERE = re.compile(r"\.(?:search|finditer|findall|sub|split)\b")
SIGNS = " \t\n.,\"'“([{-=*#%|/\\_aA1é漢。\U0001f1e6"


MODULES = (
    *(
        "bare_numbers",
        "captions",
        "clause_numbers",
        "clauses",
        "code",
        "definitions",
        "grammars",
        "latex",
        "latex_accents",
        "legal",
        "line_starts",
        "lines",
        "numbering",
        "numerals",
        "pages",
        "paper",
        "references",
        "unnumbered",
    ),
    "scholarly",
)


def patterns() -> Iterator[tuple[str, Callable[[str], object], str]]:
    """Name, how it is used, and source of every pattern of these readers and of the text they share."""
    for room, modules in (
        ("structure", MODULES),
        ("text", ("full_stops", "graphemes", "sentences", "terms", "tokens")),
    ):
        for each in modules:
            module = importlib.import_module(f"llama_index_prod_rag.{room}.{each}")
            source = inspect.getsource(module)
            for name, value in vars(module).items():
                known = isinstance(value, re.Pattern | regex.Pattern) and isinstance(value.pattern, str)
                if known and re.search(rf"^{name}\b", source, re.MULTILINE):
                    uses = re.findall(rf"\b{name}\b(\.\w+)", source)
                    anywhere = any(_ANYWHERE.match(use) for use in uses) or not uses
                    call = partial(find_all, value) if anywhere else value.match
                    yield f"{room}.{each}.{name}", call, value.pattern


def find_all(pattern: re.Pattern[str], text: str) -> None:
    deque(pattern.finditer(text), maxlen=0)


PATTERNS = {name: (call, source) for name, call, source in patterns()}
ENDS = {
    "structure.definitions._BEFORE_NEXT": 40,
    "structure.definitions._LEAD": 240,
    "text.graphemes._CLUSTER": 512,
}
"""Patterns that are only given short stretches, and how long these are."""
OTHERS: dict[str, Callable[[str], object]] = {
    "latex": lambda text: read(text, "latex"),
    "legal": lambda text: read(text, "legal"),
    "paper": lambda text: read(text, "paper"),
    "definitions": find_definitions,
    "sentences": split_sentences,
    "terms": lambda text: (term_set(text), names(text), numbers(text)),
    "graphemes": lambda text: [floor_to_grapheme(text, place) for place in range(0, len(text), 50)],
}
KNOWN = [
    ("latex", "% a line\n"),
    ("latex", "\\section["),
    ("latex", "\\section "),
    ("latex", "$$."),
    ("latex", "\\verb|"),
    ("legal", "Section "),
    ("legal", "(a) "),
    ("legal", "1. A\n"),
    ("legal", "第一条 "),
    ("legal", "2 Fees\n\n"),
    ("legal", "2 Fees\n(1) Pay.\n"),
    ("legal", "Fees\n2 A fee is due.\n"),
    ("legal", '"Fee" '),
    ("legal", "________"),
    ("paper", "[1] A. "),
    ("sentences", "am 1. Mai "),
    ("sentences", "og 1. a. "),
    ("definitions", '"Fee" '),
    ("definitions", '"'),
    ("definitions", '"Fee" means '),
    ("graphemes", "\U0001f1e6"),
    ("graphemes", "e\u0301"),
]


@pytest.mark.parametrize(("name", "unit"), KNOWN)
def test_known_runs_take_time_that_grows_with_them(name: str, unit: str) -> None:
    assert grows_too_fast(OTHERS[name], unit, 4_000) is None


@pytest.mark.parametrize(
    ("language", "unit"),
    [
        ("c", "/* "),
        ("cpp", "/*{"),
        ("javascript", "/*\n"),
        ("python", "/*\n"),
        ("java", ";("),
        ("go", "/*"),
        ("rust", "?"),
    ],
)
def test_known_runs_in_code_take_time_that_grows_with_them(language: str, unit: str) -> None:
    assert grows_too_fast(partial(read_code, language=language), unit, 8_000) is None


@pytest.mark.parametrize("name", sorted(PATTERNS.keys() - ENDS.keys()))
def test_no_pattern_is_slow_on_a_run_of_one_character(name: str) -> None:
    call, _ = PATTERNS[name]
    found = (grows_too_fast(call, sign, 1_000) for sign in SIGNS)
    assert next((slow for slow in found if slow is not None), None) is None


@nightly
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", sorted(PATTERNS.keys() - ENDS.keys()))
def test_no_pattern_is_slow_on_a_run_of_what_it_waits_for(name: str) -> None:
    call, source = PATTERNS[name]
    words = [word + sign for word in _WORD.findall(source) for sign in SIGNS]
    found = [grows_too_fast(call, unit, 8_000) for unit in (*UNITS, *dict.fromkeys(words))]
    assert [slow for slow in found if slow is not None] == []


@nightly
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", OTHERS)
def test_no_run_takes_time_that_grows_much_faster_than_it(name: str) -> None:
    units = (*UNITS, *(one + sign for one in FRAGMENTS.get(name, ()) for sign in SIGNS))
    found = [grows_too_fast(OTHERS[name], unit, 8_000) for unit in units]
    assert [slow for slow in found if slow is not None] == []


@nightly
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("language", sorted(GRAMMARS))
def test_no_run_in_code_takes_time_that_grows_much_faster_than_it(language: str) -> None:
    units = ("/*", "//", "<<A\n", "'''", '"""', *(one + sign for one in FRAGMENTS["code"] for sign in SIGNS), *UNITS)
    found = [grows_too_fast(partial(read_code, language=language), unit, 8_000) for unit in units]
    assert [slow for slow in found if slow is not None] == []
