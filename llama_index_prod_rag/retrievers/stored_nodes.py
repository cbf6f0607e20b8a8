"""Where the nodes of an index can be read: its docstore, or the vector store that keeps their text."""

from __future__ import annotations

import logging
from collections import ChainMap
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Any

from llama_index.core.indices.vector_store.base import VectorStoreIndex
from llama_index.core.schema import BaseNode
from llama_index.core.vector_stores.types import MetadataFilters

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.retrievers.embedded.store import EmbeddedStore
from llama_index_prod_rag.retrievers.filters import PassingIds, filterable_metadata, node_test

_log = logging.getLogger(__name__)
_PAGE = 1_000  # nodes per request


def copy_node(node: BaseNode) -> BaseNode:
    """Make a copy whose metadata a postprocessor may change."""
    return node.model_copy(update={"metadata": dict(node.metadata), "relationships": dict(node.relationships)})


class HeldNodes:
    """Nodes in memory, by id."""

    def __init__(self) -> None:
        self._nodes: dict[str, BaseNode] = {}

    def put(self, node: BaseNode) -> None:
        """Add a node, or replace it."""
        self._nodes[node.node_id] = node

    def remove(self, node_id: str) -> None:
        """Forget a node; an unknown id is ignored."""
        self._nodes.pop(node_id, None)

    def copies(self, node_ids: Sequence[str]) -> dict[str, BaseNode]:
        """Nodes that a postprocessor may change, by id; unknown ids are left out."""
        found = ((node_id, self._nodes.get(node_id)) for node_id in node_ids)
        return {node_id: copy_node(node) for node_id, node in found if node is not None}

    def metadata(self) -> Mapping[str, dict[str, Any]]:
        """What filters look at, by id; worked out for those that are asked about."""
        return _Filterable(self._nodes)

    def passing(self, filters: MetadataFilters) -> Container[str]:
        """Ids of the nodes that pass filters."""
        return _PassingNodes(self._nodes, node_test(filters))


class _PassingNodes(Container[str]):
    def __init__(self, nodes: Mapping[str, BaseNode], passes: Callable[[BaseNode], bool]) -> None:
        self._nodes, self._passes = nodes, passes

    def __contains__(self, node_id: object) -> bool:
        node = self._nodes.get(str(node_id))
        return node is not None and self._passes(node)


class _Filterable(Mapping[str, dict[str, Any]]):
    def __init__(self, nodes: Mapping[str, BaseNode]) -> None:
        self._nodes = nodes

    def __getitem__(self, node_id: str) -> dict[str, Any]:
        return filterable_metadata(self._nodes[node_id])

    def __iter__(self) -> Iterator[str]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)


class NodesOfStore(HeldNodes):
    """Nodes that lie in an `EmbeddedStore` and are read there when they are found; in memory is what it lacks.

    Args:
        store: the store.
    """

    def __init__(self, store: EmbeddedStore) -> None:
        super().__init__()
        self._store = store

    def put(self, node: BaseNode) -> None:
        """Add a node that does not come from the store."""
        if not self._store.holds(node.node_id):
            super().put(node)

    def copies(self, node_ids: Sequence[str]) -> dict[str, BaseNode]:
        """Nodes that a postprocessor may change, by id; unknown ids are left out."""
        stored = {node.node_id: node for node in self._store.iterate(node_ids)}
        return {**super().copies(node_ids), **stored}

    def metadata(self) -> Mapping[str, dict[str, Any]]:
        """What filters look at, by id."""
        return ChainMap(self._store.metadata(), super().metadata())  # type: ignore[arg-type] # nobody writes to it

    def passing(self, filters: MetadataFilters) -> Container[str]:
        """Ids of the nodes that pass filters; what the store was asked before it knows."""
        return PassingIds(self.metadata(), filters) if self._nodes else self._store.passing(filters)


def keeps_nodes(index: VectorStoreIndex) -> bool:
    """Whether an index's docstore holds the nodes that its vectors are of.

    What is there counts, not how the index was opened: `store_nodes_override=True` on a store that was filled earlier
    leaves the docstore as empty as it was.
    """
    ids = list(index.index_struct.nodes_dict.values())
    if ids:
        return bool(index.docstore.get_nodes(ids[:1], raise_error=False))
    return not index.vector_store.stores_text


def nodes_of_store(index: VectorStoreIndex) -> list[BaseNode]:
    """All nodes of an index whose vector store keeps their text, read page by page.

    Raises:
        ConfigurationError: the store cannot give its nodes back, with the ways out.
    """
    store = index.vector_store
    name = type(store).__name__
    try:
        nodes = list(_reader(store)())
    except Exception as error:  # each store has its own way to say that it cannot
        nodes = _nodes_of_docstore(index)
        if not nodes:
            raise ConfigurationError(
                f"a BM25 leg would be empty: {name} does not give its nodes back ({type(error).__name__}: {error}), "
                "and the docstore holds none. Pass the nodes (nodes=...), or build the index anew with "
                "store_nodes_override=True; for Elasticsearch use ElasticsearchHybridRetriever"
            ) from error
    _log.info("the lexical leg holds %d nodes read from %s; call refresh() after inserts", len(nodes), name)
    return nodes


def _nodes_of_docstore(index: VectorStoreIndex) -> list[BaseNode]:
    """What an ingestion pipeline kept beside the store: nodes, where nothing cut the documents into chunks."""
    docs: dict[str, Any] = getattr(index.docstore, "docs", {})
    return [node for node in docs.values() if isinstance(node, BaseNode)]


def _reader(store: Any) -> Callable[[], Iterator[BaseNode]]:  # noqa: ANN401 - any vector store
    # Qdrant's integration gives at most a hundred nodes at a time and no way to go on.
    read = _scroll_qdrant if type(store).__name__ == "QdrantVectorStore" else _get_all
    return lambda: read(store)


def _get_all(store: Any) -> Iterator[BaseNode]:  # noqa: ANN401
    found: Sequence[BaseNode] = store.get_nodes(node_ids=None)
    yield from found


def _scroll_qdrant(store: Any) -> Iterator[BaseNode]:  # noqa: ANN401
    offset = None
    while True:
        points, offset = store.client.scroll(store.collection_name, limit=_PAGE, offset=offset, with_payload=True)
        yield from store.parse_to_query_result(points).nodes if points else ()
        if offset is None:
            return
