"""The embedded dense leg: LlamaIndex's vector retriever, able to show vectors and to score given nodes."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Container, Iterable, Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np
from llama_index.core.indices.vector_store.base import VectorStoreIndex
from llama_index.core.indices.vector_store.retrievers import VectorIndexRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index.core.vector_stores.simple import SimpleVectorStore
from llama_index.core.vector_stores.types import (
    BasePydanticVectorStore,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)

from llama_index_prod_rag.errors import ConfigurationError, check_count
from llama_index_prod_rag.retrievers.embedded.store import EmbeddedStore
from llama_index_prod_rag.retrievers.filtered import FilteredRetriever
from llama_index_prod_rag.retrievers.filters import Test, metadata_test, passing
from llama_index_prod_rag.retrievers.vector_matrix import VectorMatrix

_log = logging.getLogger(__name__)

# How far a search without filters goes for a store that cannot filter: four times as far each round, to this many hits.
_OVERFETCH = 4
_MOST_FETCHED = 10_000
_ASYNC_CLIENTS = ("_aclient", "aclient", "_async_client", "async_client")  # None where only the other was given


class DenseRetriever(FilteredRetriever, VectorIndexRetriever):
    """Vector search over an index, as one leg of several.

    Beyond `VectorIndexRetriever`: the in-memory store is searched by one matrix product; filters may nest and use
    every operator there, and in a store that cannot filter by them hits are fetched without and filtered here; every
    hit's own metadata is checked again before it is returned; nodes that are inserted later are found
    (`index.as_retriever()` freezes the list of node ids); objects behind nodes are resolved; the async path does not
    block the loop when the store's own does.

    Args:
        index: the index to search.
        similarity_top_k: most hits to return.
        filters: only nodes whose metadata passes are returned; `with_filters` sets them per query.
        object_map: index id -> object, for nodes that stand for one; None takes the index's own.
        kwargs: `access` (an `AccessPolicy`), and what else `VectorIndexRetriever` takes.

    Raises:
        ConfigurationError: the index has no vectors.
    """

    score_floor = -1.0
    """The lowest cosine similarity; theoretical min-max asks for it."""

    def __init__(
        self,
        index: VectorStoreIndex,
        *,
        similarity_top_k: int = 100,
        filters: MetadataFilters | None = None,
        object_map: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        check_is_vector_index(index)
        check_count("similarity_top_k", similarity_top_k)
        objects = index._object_map if object_map is None else object_map
        super().__init__(index, similarity_top_k=similarity_top_k, filters=filters, object_map=objects, **kwargs)
        self._matrix = VectorMatrix()
        self._cannot_filter: set[str] = set()  # shared by views: said once per retriever

    def node_vectors(self, node_ids: Iterable[str]) -> dict[str, Sequence[float]]:
        """Vectors of given nodes, where the store keeps them in memory; the others are left out."""
        if isinstance(self._vector_store, EmbeddedStore):
            return self._vector_store.vectors(node_ids)
        if not isinstance(self._vector_store, SimpleVectorStore):
            return {}
        stored = self._vector_store.data.embedding_dict
        return {node_id: stored[node_id] for node_id in node_ids if node_id in stored}

    def score_nodes(self, query_bundle: QueryBundle, node_ids: Iterable[str]) -> dict[str, float]:
        """Cosine similarity of the query and given nodes; nodes without a known vector are left out.

        Args:
            query_bundle: with its embedding, or it is embedded again; not changed.
            node_ids: the nodes.
        """
        vectors = self.node_vectors(node_ids)
        if not vectors:
            return {}
        embedding = query_bundle.embedding
        if embedding is None:
            embedding = self._embed_model.get_agg_embedding_from_queries(query_bundle.embedding_strs)
        matrix, query = np.asarray(list(vectors.values())), np.asarray(embedding)
        lengths = np.linalg.norm(matrix, axis=1) * math.sqrt(float(query @ query))
        similarities = (matrix @ query) / np.where(lengths > 0, lengths, 1.0)
        return dict(zip(vectors, similarities.tolist(), strict=True))

    def _get_nodes_with_embeddings(self, query_bundle_with_embeddings: QueryBundle) -> list[NodeWithScore]:
        query = self._build_vector_store_query(query_bundle_with_embeddings)
        if self._is_in_memory(query) and isinstance(self._vector_store, SimpleVectorStore):
            return self._search_memory(self._vector_store, query)
        if self._filters is None:
            return super()._get_nodes_with_embeddings(query_bundle_with_embeddings)
        if self._filters_as_text() in self._cannot_filter:
            return self._filter_here(query_bundle_with_embeddings)
        try:
            return passing(super()._get_nodes_with_embeddings(query_bundle_with_embeddings), self._filters)
        except Exception as error:  # each store says in its own way that it does not know an operator
            hits = self._filter_here(query_bundle_with_embeddings)  # a server that is down fails here again
            self._note_missing_filter(error)
            return hits

    async def _aget_nodes_with_embeddings(self, query_bundle_with_embeddings: QueryBundle) -> list[NodeWithScore]:
        query = self._build_vector_store_query(query_bundle_with_embeddings)
        if self._is_in_memory(query) or self._filters is not None:
            return await asyncio.to_thread(self._get_nodes_with_embeddings, query_bundle_with_embeddings)
        hits: list[NodeWithScore] = await super()._aget_nodes_with_embeddings(query_bundle_with_embeddings)
        return hits

    def _is_in_memory(self, query: VectorStoreQuery) -> bool:
        plain = query.mode == VectorStoreQueryMode.DEFAULT and not self._kwargs
        return plain and type(self._vector_store) is SimpleVectorStore  # a subclass may search in its own way

    def _search_memory(self, store: SimpleVectorStore, query: VectorStoreQuery) -> list[NodeWithScore]:
        found = self._matrix.search(
            store.data.embedding_dict,
            query.query_embedding or (),
            query.similarity_top_k,
            allowed=self._allowed(store, query),
        )
        # A node that is being inserted is in the vector store before it is in the index and its docstore.
        numbers = self._index.index_struct.nodes_dict
        wanted = [numbers[vector_id] for vector_id, _ in found if vector_id in numbers]
        nodes = {node.node_id: node for node in self._docstore.get_nodes(wanted, raise_error=False)}
        return [  # what the node itself says of its metadata, `retrieve` checks
            NodeWithScore(node=nodes[numbers[vector_id]], score=score)
            for vector_id, score in found
            if numbers.get(vector_id) in nodes
        ]

    def _allowed(self, store: SimpleVectorStore, query: VectorStoreQuery) -> Container[str] | None:
        ids = None if query.node_ids is None else set(query.node_ids)
        return ids if self._filters is None else _Passing(ids, store.data.metadata_dict, metadata_test(self._filters))

    def _filter_here(self, bundle: QueryBundle) -> list[NodeWithScore]:
        """Hits that pass, from a search without filters that goes further until there are enough."""
        view = copy(self)
        view._filters = None
        view._similarity_top_k = self._similarity_top_k
        while True:
            hits = VectorIndexRetriever._get_nodes_with_embeddings(view, bundle)
            found = passing(hits, self._filters)
            exhausted = len(hits) < view._similarity_top_k or view._similarity_top_k >= _MOST_FETCHED
            if len(found) >= self._similarity_top_k or exhausted:
                return found[: self._similarity_top_k]
            view._similarity_top_k = min(_OVERFETCH * view._similarity_top_k, _MOST_FETCHED)

    def _filters_as_text(self) -> str:
        """The filters' keys and operators, without their values: what a store can or cannot do."""
        return "" if self._filters is None else " ".join(sorted(_shape(self._filters)))

    def _note_missing_filter(self, error: Exception) -> None:
        self._cannot_filter.add(self._filters_as_text())
        _log.warning(
            "%s cannot filter by this (%s: %s): its hits are fetched without the filter, up to %d, and filtered here",
            type(self._vector_store).__name__,
            type(error).__name__,
            error,
            _MOST_FETCHED,
        )

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        if store_blocks(self):
            return await asyncio.to_thread(self._retrieve, query_bundle)
        return await super()._aretrieve(query_bundle)


class _Passing(Container[str]):
    """Ids in memory that pass a test, of all or of given ones; one without metadata has none to be excluded by."""

    def __init__(self, ids: Container[str] | None, metadata: Mapping[str, Mapping[str, Any]], passes: Test) -> None:
        self._ids, self._metadata, self._passes = ids, metadata, passes

    def __contains__(self, id_: object) -> bool:
        return (self._ids is None or id_ in self._ids) and self._passes(self._metadata.get(str(id_), {}))


def _shape(filters: MetadataFilters) -> Iterable[str]:
    for member in filters.filters:
        if isinstance(member, MetadataFilters):
            yield f"({filters.condition} {' '.join(sorted(_shape(member)))})"
        else:
            yield f"{member.key} {member.operator.value} {type(member.value).__name__}"


def check_is_vector_index(index: object) -> None:
    """Refuse what has no vectors to search.

    Raises:
        ConfigurationError: the index is of another kind, with the way out.
    """
    if not isinstance(index, VectorStoreIndex):
        raise ConfigurationError(
            f"{type(index).__name__} has no vectors to search: build a VectorStoreIndex of the same nodes, or pass "
            "retrievers as legs (HybridFusionRetriever({'mine': index.as_retriever()}))"
        )


def store_blocks(retriever: VectorIndexRetriever) -> bool:
    """Whether awaiting the retriever's store blocks, or fails: it has no asynchronous search, or no client for one."""
    store = retriever._vector_store
    if type(store).aquery is BasePydanticVectorStore.aquery:
        return True
    # A store with two clients (Qdrant's) raises on the asynchronous path when it was given the other one only.
    return any(getattr(store, name, store) is None for name in _ASYNC_CLIENTS)
