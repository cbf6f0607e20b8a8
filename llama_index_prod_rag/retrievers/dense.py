"""The embedded dense leg: LlamaIndex's vector retriever, able to show vectors and to score given nodes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any

import numpy as np
from llama_index.core.indices.vector_store.base import VectorStoreIndex
from llama_index.core.indices.vector_store.retrievers import VectorIndexRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index.core.vector_stores.simple import SimpleVectorStore
from llama_index.core.vector_stores.types import BasePydanticVectorStore, MetadataFilters, VectorStoreQuery

from llama_index_prod_rag.retrievers.filters import matches


class DenseRetriever(VectorIndexRetriever):
    """Vector search over an index, as one leg of several.

    Beyond `VectorIndexRetriever`: filters may nest and use every operator with the in-memory store too; nodes that are
    inserted later are found (`index.as_retriever()` freezes the list of node ids); the async path does not block the
    loop when the store's own does.

    Args:
        index: the index to search.
        similarity_top_k: most hits to return.
        filters: only nodes whose metadata passes are returned; `with_filters` sets them per query.
        kwargs: what else `VectorIndexRetriever` takes.
    """

    score_floor = -1.0
    """The lowest cosine similarity; theoretical min-max asks for it."""

    def __init__(
        self,
        index: VectorStoreIndex,
        *,
        similarity_top_k: int = 100,
        filters: MetadataFilters | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(index, similarity_top_k=similarity_top_k, filters=filters, **kwargs)

    def with_filters(self, filters: MetadataFilters | None) -> DenseRetriever:
        """The same leg with other filters: one query's filters do not wait for another's."""
        view = copy(self)
        view._filters = filters
        return view

    def node_vectors(self, node_ids: Iterable[str]) -> dict[str, Sequence[float]]:
        """Vectors of given nodes, where the store keeps them in memory; the others are left out."""
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

    def _build_vector_store_query(self, query_bundle_with_embeddings: QueryBundle) -> VectorStoreQuery:
        query = super()._build_vector_store_query(query_bundle_with_embeddings)
        if query.filters is None or not isinstance(self._vector_store, SimpleVectorStore):
            return query
        # The in-memory store raises on nested groups and on mixed types: it is told which nodes pass instead.
        passing = {id_ for id_, data in self._vector_store.data.metadata_dict.items() if matches(data, query.filters)}
        query.node_ids = list(passing if query.node_ids is None else passing.intersection(query.node_ids))
        query.filters = None
        return query

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        if store_blocks(self):
            return await asyncio.to_thread(self._retrieve, query_bundle)
        return await super()._aretrieve(query_bundle)


def store_blocks(retriever: VectorIndexRetriever) -> bool:
    """Whether the retriever's vector store has no asynchronous search of its own, so that awaiting it blocks."""
    return type(retriever._vector_store).aquery is BasePydanticVectorStore.aquery
