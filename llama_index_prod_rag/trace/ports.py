"""What a leg may offer beyond `retrieve`; each is found by its method, so that anybody's retriever can have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import QueryBundle
from llama_index.core.vector_stores.types import MetadataFilters


@runtime_checkable
class ScoresNodes(Protocol):
    """A leg that can score nodes it did not return."""

    def score_nodes(self, query_bundle: QueryBundle, node_ids: Iterable[str]) -> Mapping[str, float]:
        """Scores on the leg's own scale; nodes it knows nothing about are left out."""
        ...


@runtime_checkable
class HoldsVectors(Protocol):
    """A leg that has the nodes' vectors at hand."""

    def node_vectors(self, node_ids: Iterable[str]) -> Mapping[str, Sequence[float]]:
        """Vectors by node id; nodes without one are left out."""
        ...


@runtime_checkable
class TakesFilters(Protocol):
    """A leg whose filters can be set per query."""

    def with_filters(self, filters: MetadataFilters | None) -> BaseRetriever:
        """Make the same leg with other filters."""
        ...
