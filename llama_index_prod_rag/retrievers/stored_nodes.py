"""Where the nodes of an index can be read: its docstore, or the vector store that keeps their text."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from llama_index.core.indices.vector_store.base import VectorStoreIndex
from llama_index.core.schema import BaseNode

from llama_index_prod_rag.errors import ConfigurationError

_log = logging.getLogger(__name__)
_PAGE = 1_000  # nodes per request


def copy_node(node: BaseNode) -> BaseNode:
    """Make a copy whose metadata a postprocessor may change."""
    return node.model_copy(update={"metadata": dict(node.metadata), "relationships": dict(node.relationships)})


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
