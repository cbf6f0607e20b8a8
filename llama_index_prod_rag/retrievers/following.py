"""What changed in a LlamaIndex index since somebody last looked: nodes that are gone, new or replaced."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from llama_index.core.indices.vector_store.base import VectorStoreIndex
from llama_index.core.schema import BaseNode
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.core.vector_stores.simple import SimpleVectorStore

from llama_index_prod_rag.retrievers.embedded.node_table import TableChanges
from llama_index_prod_rag.retrievers.embedded.store import EmbeddedStore
from llama_index_prod_rag.retrievers.stored_nodes import keeps_nodes, nodes_of_store


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be taken over.

    Attributes:
        gone: ids of nodes that are no longer there.
        nodes: new ones, and those that replace another under the same id.
    """

    gone: Collection[str] = ()
    nodes: Iterable[BaseNode] = ()


class Follower(Protocol):
    """Tells what changed since it was last asked."""

    def changes(self, known: Collection[str], *, everything: bool = False) -> Changes:
        """Find what changed since the last call, as `IndexFollower.changes` does."""
        ...


class StoreFollower:
    """Follows an `EmbeddedStore`, which numbers its changes.

    Args:
        store: the store.
        upto: the number of the last change that was seen; below 0 where none was.
    """

    def __init__(self, store: EmbeddedStore, upto: int = -1) -> None:
        self._store = store
        self.upto = upto

    def changes(self, known: Collection[str], *, everything: bool = False) -> Changes:
        """Find what changed since the last call; nodes are read while they are taken over.

        Args:
            known: ids of the nodes that were taken over so far.
            everything: read every node again.
        """
        found = self._store.changes(-1 if everything else self.upto, known)
        gone = set(known).difference(found.put) if everything else found.gone
        return Changes(gone, self._take(found))

    def _take(self, found: TableChanges) -> Iterator[BaseNode]:
        """Give what was put; only when all of it was read is it done with."""
        yield from self._store.iterate(found.put)
        self.upto = found.upto


class Unchanged:
    """Knows a dictionary as it was, and tells fast whether another one is the same.

    Values that did not change are the same objects, so their pointers are compared, and lists of them side by side are
    compared three times as fast as dictionaries are: in 3 ms instead of 9 at 100,000.

    Args:
        seen: the dictionary as it was; only its keys and values are kept.

    Examples:
        >>> vectors = {"a": [1.0], "b": [2.0]}
        >>> unchanged = Unchanged(vectors)
        >>> unchanged.holds(vectors), unchanged.holds({**vectors, "b": [3.0]})
        (True, False)
    """

    def __init__(self, seen: Mapping[str, Any] | None = None) -> None:
        self._keys, self._values = list(seen or ()), list((seen or {}).values())

    def holds(self, mapping: Mapping[str, Any]) -> bool:
        """Whether the mapping has the same keys and values, in the same order."""
        return list(mapping) == self._keys and list(mapping.values()) == self._values


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
        self._seen: list[Unchanged] = []
        self._versions: dict[str, object] = {}

    @classmethod
    def of(cls, index: VectorStoreIndex) -> Follower:
        """Follow an index wherever its nodes lie.

        Raises:
            ConfigurationError: at the first look, where its nodes can be read nowhere.
        """
        if isinstance(index.vector_store, EmbeddedStore):
            return StoreFollower(index.vector_store)
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
        before = self._seen
        if not everything and before and all(seen.holds(view) for seen, view in zip(before, views, strict=True)):
            return Changes(gone, stored)
        seen = [Unchanged(dict(view)) for view in views]
        current = _versions(self._index)
        changed = [id_ for id_, version in current.items() if everything or self._versions.get(id_) != version]
        gone |= self._versions.keys() - current.keys()
        nodes = self._index.docstore.get_nodes(changed, raise_error=False)
        self._versions, self._seen = current, seen  # not before they were read: a server may be away for a moment
        return Changes(gone, [*stored, *nodes])


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
