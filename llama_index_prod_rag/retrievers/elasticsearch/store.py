"""What LlamaIndex's own `ElasticsearchStore` knows of its server and index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.retrievers.elasticsearch.connection import Connection

if TYPE_CHECKING:
    from llama_index.core.indices.vector_store.base import VectorStoreIndex
    from llama_index.core.vector_stores.types import BasePydanticVectorStore

_STORE = "ElasticsearchStore"


def store_settings(store: BasePydanticVectorStore) -> dict[str, Any]:
    """The retriever's settings for the index of a store.

    A store of BM25 alone gives a retriever of the lexical leg alone.

    Raises:
        ConfigurationError: it is another store, or one of sparse vectors.
    """
    if _STORE not in {base.__name__ for base in type(store).__mro__}:
        raise ConfigurationError(
            f"from_store takes LlamaIndex's {_STORE}, not {type(store).__name__}: "
            "use HybridFusionRetriever.from_index for other stores"
        )
    found: Any = store
    strategy = type(found.retrieval_strategy).__name__
    if "SparseVector" in strategy:
        raise ConfigurationError(
            f"the store's {strategy} keeps no dense vectors: index with dense vectors, or with BM25"
        )
    settings = {
        "index": found.index_name,
        "connection": Connection.like(found.client),
        "fields": [found.text_field],
        "text_field": found.text_field,
        "vector_field": found.vector_field,
        "metadata_field": "metadata",  # the store has no other name for it
    }
    return {**settings, "alpha": 0.0} if "BM25" in strategy else settings


def vector_store_of(index: VectorStoreIndex) -> BasePydanticVectorStore:
    """Look up the vector store of an index.

    Raises:
        ConfigurationError: the index has none, as a summary index.
    """
    store = getattr(index, "vector_store", None)
    if store is None:
        raise ConfigurationError(f"{type(index).__name__} has no vector store: give a VectorStoreIndex over {_STORE}")
    return store  # type: ignore[no-any-return]
