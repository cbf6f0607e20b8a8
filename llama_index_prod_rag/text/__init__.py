"""Text as it is cut, counted and compared: sentences, graphemes, tokens, words. Core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama_index_prod_rag._lazy import export

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

__getattr__, __dir__ = export(__name__, _HOMES)

__all__ = [
    "HuggingFaceCounter",
    "SimpleCounter",
    "TiktokenCounter",
    "TokenCounter",
    "floor_to_grapheme",
    "split_sentences",
]
