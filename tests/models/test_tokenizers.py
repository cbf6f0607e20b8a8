"""Token counters by name."""

from __future__ import annotations

import os

import pytest

from llama_index_prod_rag.errors import ModelError
from llama_index_prod_rag.models.tokenizers import load_counter


def test_the_encodings_that_llama_index_ships_need_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    assert load_counter("tiktoken:cl100k_base").count(["two words"]) == [2]
    assert "TIKTOKEN_CACHE_DIR" not in os.environ


def test_an_encoding_that_does_not_exist_says_what_does() -> None:
    with pytest.raises(ModelError, match=r"no encoding cl100k .*or use 'tiktoken:cl100k_base'"):
        load_counter("tiktoken:cl100k")
