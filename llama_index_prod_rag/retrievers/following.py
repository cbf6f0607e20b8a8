"""What changed in a LlamaIndex index since somebody last looked: nodes that are gone, new or replaced."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from llama_index.core.indices.vector_store.base import VectorStoreIndex
from llama_index.core.schema import BaseNode
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.core.vector_stores.simple import SimpleVectorStore

from llama_index_prod_rag.retrievers.stored_nodes import keeps_nodes, nodes_of_store


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be taken over.

    Attributes:
        gone: ids of nodes that are no longer there.
        nodes: new ones, and those that replace another under the same id.
    """

    gone: Collection[str] = ()
    nodes: Sequence[BaseNode] = ()


class IndexFollower:
    """Follows one index; not synchronised, whoever shares it holds a lock around `changes`.

    Args:
        index: the index; None follows nothing.
        reread: gives all nodes again where they lie in a store that tells of no changes.
    """

    def __init__(
        self, index: VectorStoreIndex | None = None, reread: Callable[[], Sequence[BaseNode]] | None = None
    ) -> None:
        self._index = index
        self._reread = reread
        self._seen: tuple[dict[str, Any], ...] = ()
        self._versions: dict[str, object] = {}

    @classmethod
    def of(cls, index: VectorStoreIndex) -> IndexFollower:
        """Follow an index wherever its nodes lie.

        Raises:
            ConfigurationError: at the first look, where its nodes can be read nowhere.
        """
        return cls(index, None if keeps_nodes(index) else partial(nodes_of_store, index))

    def changes(self, known: Collection[str], *, everything: bool = False) -> Changes:
        """Find what changed since the last call.

        Args:
            known: ids of the nodes that were taken over so far.
            everything: read every node again, also those that look unchanged: a docstore that is not in memory does
                not show that the text under an id has been replaced.
        """
        stored = list(self._reread()) if everything and self._reread is not None else []
        gone = set(known) - {node.node_id for node in stored} if stored else set()
        if self._index is None:
            return Changes(gone, stored)
        views = _views(self._index)
        if views == self._seen and not everything:  # values are the same objects, so this compares pointers
            return Changes(gone, stored)
        current = _versions(self._index)
        changed = [id_ for id_, version in current.items() if everything or self._versions.get(id_) != version]
        gone |= self._versions.keys() - current.keys()
        self._versions, self._seen = current, tuple(dict(view) for view in views)
        return Changes(gone, [*stored, *self._index.docstore.get_nodes(changed, raise_error=False)])


def _views(index: VectorStoreIndex) -> tuple[dict[str, Any], ...]:
    """The mappings that change when the index does: node ids, and where they are in memory, vectors and hashes."""
    views: list[dict[str, Any]] = [index.index_struct.nodes_dict]
    if isinstance(index.vector_store, SimpleVectorStore):  # delete_nodes takes a node from here alone
        views.append(index.vector_store.data.embedding_dict)
    if isinstance(index.docstore, SimpleDocumentStore):
        views.append(_hashes(index.docstore))
    return tuple(views)


def _versions(index: VectorStoreIndex) -> dict[str, object]:
    stored = index.vector_store.data.embedding_dict if isinstance(index.vector_store, SimpleVectorStore) else None
    hashes = _hashes(index.docstore) if isinstance(index.docstore, SimpleDocumentStore) else {}
    nodes = index.index_struct.nodes_dict.items()
    return {id_: hashes.get(id_) for vector_id, id_ in nodes if stored is None or vector_id in stored}


def _hashes(docstore: SimpleDocumentStore) -> dict[str, Any]:
    hashes: dict[str, Any] = docstore.to_dict().get(docstore._metadata_collection, {})
    return hashes
