from __future__ import annotations

import pytest

from llama_index_prod_rag.postprocessor.questions import is_question


@pytest.mark.parametrize(
    "query",
    ["How many people live in Berlin", "berlin population?", "  who wrote it", "東京はどこですか？", "أين برلين؟"],
)
def test_questions(query: str) -> None:
    assert is_question(query)


@pytest.mark.parametrize("query", ["", "berlin population", "However, it rose.", "sort list python", "Isabel's book"])
def test_everything_else(query: str) -> None:
    assert not is_question(query)
