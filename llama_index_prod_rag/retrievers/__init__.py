"""First stage: dense, lexical and hybrid retrieval.

Names are looked up on first use: the embedded legs need no Elasticsearch client, and it needs none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama_index_prod_rag._lazy import export

if TYPE_CHECKING:
    from llama_index_prod_rag.retrievers.access import AccessPolicy, GuardedRetriever, Principal, acting_as
    from llama_index_prod_rag.retrievers.bm25 import BM25FRetriever
    from llama_index_prod_rag.retrievers.dense import DenseRetriever
    from llama_index_prod_rag.retrievers.elasticsearch import ElasticsearchHybridRetriever
    from llama_index_prod_rag.retrievers.embedded.store import EmbeddedStore
    from llama_index_prod_rag.retrievers.fusing import LegResult, fuse_legs
    from llama_index_prod_rag.retrievers.hybrid import HybridFusionRetriever
    from llama_index_prod_rag.retrievers.links import LinkedRetriever

_HOMES = {
    "acting_as": "access",
    "Principal": "access",
    "GuardedRetriever": "access",
    "AccessPolicy": "access",
    "BM25FRetriever": "bm25",
    "DenseRetriever": "dense",
    "ElasticsearchHybridRetriever": "elasticsearch",
    "EmbeddedStore": "embedded.store",
    "HybridFusionRetriever": "hybrid",
    "LegResult": "fusing",
    "LinkedRetriever": "links",
    "fuse_legs": "fusing",
}

__getattr__, __dir__ = export(__name__, _HOMES)

__all__ = [
    "AccessPolicy",
    "BM25FRetriever",
    "DenseRetriever",
    "ElasticsearchHybridRetriever",
    "EmbeddedStore",
    "GuardedRetriever",
    "HybridFusionRetriever",
    "LegResult",
    "LinkedRetriever",
    "Principal",
    "acting_as",
    "fuse_legs",
]
