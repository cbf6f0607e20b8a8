"""Text as it is cut, counted and compared: sentences, graphemes, tokens, words. Core."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llama_index_prod_rag.text.graphemes import floor_to_grapheme
    from llama_index_prod_rag.text.sentences import split_sentences
    from llama_index_prod_rag.text.tokens import HuggingFaceCounter, SimpleCounter, TiktokenCounter, TokenCounter

_HOMES = {
    "HuggingFaceCounter": "tokens",
    "SimpleCounter": "tokens",
    "TiktokenCounter": "tokens",
    "TokenCounter": "tokens",
    "floor_to_grapheme": "graphemes",
    "split_sentences": "sentences",
}

__all__ = [
    "HuggingFaceCounter",
    "SimpleCounter",
    "TiktokenCounter",
    "TokenCounter",
    "floor_to_grapheme",
    "split_sentences",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
