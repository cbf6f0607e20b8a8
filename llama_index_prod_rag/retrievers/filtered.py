"""What every retriever here does about filters and access, whichever nodes it searches."""

from __future__ import annotations

import inspect
from copy import copy
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, QueryType
from llama_index.core.vector_stores.types import MetadataFilters
from typing_extensions import Self

from llama_index_prod_rag.retrievers.access import AccessPolicy
from llama_index_prod_rag.retrievers.filters import both, passing

# LlamaIndex's mixin opens a span for each method that overrides one with a span: a second one would be a second search.
_plain_retrieve = inspect.unwrap(BaseRetriever.retrieve)
_plain_aretrieve = inspect.unwrap(BaseRetriever.aretrieve)


class FilteredRetriever(BaseRetriever):
    """A retriever with filters that nothing goes round.

    Filters are checked once more behind objects: what an `IndexNode` refers to has metadata of its own. With a policy,
    every question carries its principal's filters, and a question of nobody is an error.

    Args:
        access: who may see what; None shows everything that the filters let through.
        args: positional arguments of the base class.
        kwargs: keyword arguments of the base class.
    """

    _filters: MetadataFilters | None = None

    def __init__(self, *args: Any, access: AccessPolicy | None = None, **kwargs: Any) -> None:
        self._access = access
        super().__init__(*args, **kwargs)

    def with_filters(self, filters: MetadataFilters | None) -> Self:
        """The same retriever with other filters: one query's filters do not wait for another's."""
        view = copy(self)
        view._filters = filters
        return view

    def narrow(self, filters: MetadataFilters) -> Self:
        """Make the same retriever with filters besides its own."""
        return self.with_filters(both(self._filters, filters))

    def retrieve(self, str_or_query_bundle: QueryType) -> list[NodeWithScore]:
        """The best nodes, of those that the filters and the access policy let through.

        Raises:
            AccessError: there is a policy and nobody asks.
        """
        found: list[NodeWithScore] = _plain_retrieve(self._restrict_to_principal(), str_or_query_bundle)
        return found

    async def aretrieve(self, str_or_query_bundle: QueryType) -> list[NodeWithScore]:
        """Retrieve as `retrieve` does, without blocking the event loop."""
        found: list[NodeWithScore] = await _plain_aretrieve(self._restrict_to_principal(), str_or_query_bundle)
        return found

    def _restrict_to_principal(self) -> Self:
        """This retriever as the one who asks may use it."""
        if (access := self._access) is None:
            return self
        view = self.narrow(access.filters(access.principal()))
        view._access = None
        return view

    def _handle_recursive_retrieval(self, query_bundle: QueryBundle, nodes: list[NodeWithScore]) -> list[NodeWithScore]:
        return passing(super()._handle_recursive_retrieval(query_bundle, nodes), self._filters)

    async def _ahandle_recursive_retrieval(
        self, query_bundle: QueryBundle, nodes: list[NodeWithScore]
    ) -> list[NodeWithScore]:
        return passing(await super()._ahandle_recursive_retrieval(query_bundle, nodes), self._filters)
