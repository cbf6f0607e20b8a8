"""First stage: dense, lexical and hybrid retrieval.

Names are looked up on first use: the embedded legs need no Elasticsearch client, and it needs none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llama_index_prod_rag.retrievers.bm25 import BM25FRetriever
    from llama_index_prod_rag.retrievers.dense import DenseRetriever
    from llama_index_prod_rag.retrievers.elasticsearch import ElasticsearchHybridRetriever
    from llama_index_prod_rag.retrievers.fusing import LegResult, fuse_legs
    from llama_index_prod_rag.retrievers.hybrid import HybridFusionRetriever

_HOMES = {
    "BM25FRetriever": "bm25",
    "DenseRetriever": "dense",
    "ElasticsearchHybridRetriever": "elasticsearch",
    "HybridFusionRetriever": "hybrid",
    "LegResult": "fusing",
    "fuse_legs": "fusing",
}

__all__ = [
    "BM25FRetriever",
    "DenseRetriever",
    "ElasticsearchHybridRetriever",
    "HybridFusionRetriever",
    "LegResult",
    "fuse_legs",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
