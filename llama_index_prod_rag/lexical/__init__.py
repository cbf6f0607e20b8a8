"""The lexical index: BM25F over blended fields. Core.

Names are looked up on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama_index_prod_rag._lazy import export

if TYPE_CHECKING:
    from llama_index_prod_rag.lexical.bm25_index import BM25FIndex

_HOMES = {
    "BM25FIndex": "bm25_index",
}

__getattr__, __dir__ = export(__name__, _HOMES)

__all__ = [
    "BM25FIndex",
]
