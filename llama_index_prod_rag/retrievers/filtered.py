"""A retriever whose hits pass its filters also where they are not the nodes that were searched."""

from __future__ import annotations

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index.core.vector_stores.types import MetadataFilters

from llama_index_prod_rag.retrievers.filters import passing


class FilteredRetriever(BaseRetriever):
    """Checks the filters once more behind objects: what an `IndexNode` refers to has metadata of its own."""

    _filters: MetadataFilters | None = None

    def _handle_recursive_retrieval(self, query_bundle: QueryBundle, nodes: list[NodeWithScore]) -> list[NodeWithScore]:
        return passing(super()._handle_recursive_retrieval(query_bundle, nodes), self._filters)

    async def _ahandle_recursive_retrieval(
        self, query_bundle: QueryBundle, nodes: list[NodeWithScore]
    ) -> list[NodeWithScore]:
        return passing(await super()._ahandle_recursive_retrieval(query_bundle, nodes), self._filters)
