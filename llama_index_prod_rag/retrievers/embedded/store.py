"""`EmbeddedStore`: a LlamaIndex vector store in a folder, for indexes that need no server."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from llama_index.core.schema import BaseNode
from llama_index.core.vector_stores.types import (
    BasePydanticVectorStore,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
    VectorStoreQueryResult,
)
from pydantic import PrivateAttr

from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.retrievers.embedded.node_table import FILE, NodeTable, TableChanges, parts
from llama_index_prod_rag.retrievers.filters import MaskedIds, metadata_test
from llama_index_prod_rag.retrievers.vector_rows import Rows, VectorRows

_MOST_FILTERS = 8  # whose masks are remembered: two bytes per node and filters


class EmbeddedStore(BasePydanticVectorStore):
    """Keeps nodes and their vectors in a folder, and searches them exactly.

    Every insert and delete is on disk when the call returns, as a whole or not at all; there is nothing to persist.
    Opening reads the vectors and parses nothing, and a node's text is read when the node is found. Processes may share
    a folder: what one changes the others find at their next search. `HybridFusionRetriever.from_index` follows such a
    store, and keeps its lexical leg in the same folder.

    Args:
        folder: where it lies; made when missing. None keeps everything in memory.

    Raises:
        InputError: what lies there is damaged, or written by another version; the message says what to do.
        OSError: the folder may not be written to.

    Examples:
        >>> import tempfile
        >>> from llama_index.core import MockEmbedding, VectorStoreIndex
        >>> from llama_index.core.schema import TextNode
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     index = VectorStoreIndex.from_vector_store(EmbeddedStore(folder), embed_model=MockEmbedding(4))
        ...     index.insert_nodes([TextNode(text="Rotors turn.", id_="a")])
        ...     again = EmbeddedStore(folder)
        ...     [node.text for node in again.get_nodes()]
        ['Rotors turn.']
    """

    stores_text: bool = True
    flat_metadata: bool = False
    folder: str | None = None
    _table: NodeTable = PrivateAttr()
    _rows: VectorRows = PrivateAttr(default_factory=VectorRows)
    _metadata: dict[str, dict[str, Any]] | None = PrivateAttr(default=None)  # read when something is filtered
    _filtered: dict[str, MaskedIds] = PrivateAttr(default_factory=dict)
    _filtered_of: Mapping[str, dict[str, Any]] | None = PrivateAttr(default=None)
    _upto: int = PrivateAttr(default=-1)
    _lock: Any = PrivateAttr(default_factory=Lock)

    def __init__(self, folder: str | Path | None = None) -> None:
        path = None if folder is None else Path(folder).expanduser()
        super().__init__(folder=None if path is None else str(path))  # type: ignore[call-arg] # pydantic's
        self._table = NodeTable(None if path is None else path / FILE)
        self._follow()

    def __reduce__(self) -> tuple[type[EmbeddedStore], tuple[str]]:
        """A copy in another process opens the folder.

        Raises:
            ConfigurationError: everything is in this process's memory.
        """
        if self.folder is None:
            raise ConfigurationError("an EmbeddedStore in memory cannot go to another process: give it a folder")
        return EmbeddedStore, (self.folder,)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> EmbeddedStore:
        """Make a store over the same folder; one in memory copies what it holds."""
        copy = EmbeddedStore(self.folder)
        if self.folder is None:
            self._table.copy_to(copy._table)
        return copy

    @classmethod
    def class_name(cls) -> str:
        """Give the name under which the component is serialized."""
        return "EmbeddedStore"

    @classmethod
    def from_dict(cls, data: dict[str, Any], **_: Any) -> EmbeddedStore:
        """Open the folder that `to_dict` names."""
        return cls(data.get("folder"))

    @property
    def client(self) -> None:
        """There is no server and no client."""
        return

    def close(self) -> None:
        """Close the files; nothing can be asked afterwards."""
        self._table.close()

    def add(self, nodes: Sequence[BaseNode], **_: Any) -> list[str]:
        """Add nodes with their embeddings, all or none; one whose id is there already replaces it.

        Raises:
            InputError: embeddings of different lengths, or one that is not finite.
            OSError: no space, no rights; nothing was added.
        """
        if not nodes:
            return []
        self._table.put(nodes, self._check_vectors(nodes))
        return [node.node_id for node in nodes]

    def _check_vectors(self, nodes: Sequence[BaseNode]) -> np.ndarray[Any, np.dtype[np.float32]]:
        embeddings = [node.get_embedding() for node in nodes]
        width = len(embeddings[0])
        if not width:
            raise InputError(f"the embedding of node {nodes[0].node_id} is empty: check the embedding model")
        for node, embedding in zip(nodes, embeddings, strict=True):
            if len(embedding) != width:
                raise InputError(
                    f"the embedding of node {node.node_id} has {len(embedding)} numbers and others have {width}: embed "
                    "everything with the same model"
                )
        vectors = np.asarray(embeddings, dtype=np.float32)
        if len(bad := np.flatnonzero(~np.isfinite(vectors).all(axis=1))):
            raise InputError(f"the embedding of node {nodes[bad[0]].node_id} is not finite: check the embedding model")
        return vectors

    def delete(self, ref_doc_id: str, **_: Any) -> None:
        """Delete a document's nodes; an unknown one has none."""
        self._table.remove(self._table.ids_of(ref_doc_id))

    def delete_nodes(self, node_ids: list[str] | None = None, filters: MetadataFilters | None = None, **_: Any) -> None:
        """Delete nodes by id, by filters, or those of the ids that pass the filters."""
        if node_ids is not None or filters is not None:  # neither is a mistake, not "everything": that is clear()
            self._table.remove(self._passing(node_ids, filters))

    def clear(self) -> None:
        """Delete every node."""
        self._table.remove(self._table.ids())

    def get_nodes(self, node_ids: list[str] | None = None, filters: MetadataFilters | None = None) -> list[BaseNode]:
        """Nodes of given ids, or all, as copies without their embeddings; unknown ids are left out."""
        return [node for part in parts(self._passing(node_ids, filters)) for node in self._table.nodes(part).values()]

    def _passing(self, node_ids: Sequence[str] | None, filters: MetadataFilters | None) -> list[str]:
        ids = self._table.ids() if node_ids is None else list(node_ids)
        if filters is None:
            return ids
        metadata, passes = self.metadata(), metadata_test(filters)
        return [id_ for id_ in ids if id_ in metadata and passes(metadata[id_])]

    def iterate(self, node_ids: Sequence[str]) -> Iterator[BaseNode]:
        """Nodes of given ids, a thousand in memory at a time."""
        for part in parts(node_ids):
            yield from self._table.nodes(part).values()

    def metadata(self) -> Mapping[str, dict[str, Any]]:
        """What filters look at, by node id: of every node, in memory once it was asked for."""
        self._follow()
        with self._lock:
            if self._metadata is None:
                self._metadata = self._table.metadata(self._table.ids())
            return self._metadata

    def passing(self, filters: MetadataFilters) -> MaskedIds:
        """Ids of the nodes that pass filters; what the last filters let through is remembered until a node changes."""
        metadata, key = self.metadata(), repr(filters.model_dump())
        with self._lock:
            if self._filtered_of is not metadata:
                self._filtered_of, self._filtered = metadata, {}
            found = self._filtered.pop(key, None) or MaskedIds(metadata, filters)
            self._filtered[key] = found  # the last one asked for stands last
            if len(self._filtered) > _MOST_FILTERS:
                del self._filtered[next(iter(self._filtered))]
            return found

    def ids(self) -> list[str]:
        """Ids of all nodes."""
        return self._table.ids()

    def holds(self, node_id: str) -> bool:
        """Whether a node is there, as far as the last search or change knew."""
        return node_id in self._rows

    def vectors(self, node_ids: Iterable[str]) -> dict[str, Sequence[float]]:
        """The embeddings of given nodes; unknown ids are left out."""
        self._follow()
        return {id_: vector.tolist() for id_, vector in self._rows.vectors(node_ids).items()}

    def identity(self) -> str:
        """What no other store has; a folder that was deleted and filled again holds another one."""
        return self._table.identity()

    def last_change(self) -> int:
        """The number of the last change; a store that was never changed is at 0."""
        return self._table.last_change()

    def verify(self) -> None:
        """Compare every node's text with its checksum; the vectors' are compared when they are read.

        Raises:
            InputError: one was altered.
        """
        self._table.verify()

    def changes(self, after: int, known: Collection[str]) -> TableChanges:
        """What happened after a change, as `NodeTable.changes` tells it."""
        self._follow()  # whoever takes it over asks what is held here
        return self._table.changes(after, known)

    def query(self, query: VectorStoreQuery, **_: Any) -> VectorStoreQueryResult:
        """Find the nearest nodes by cosine similarity that pass the filters; exact.

        Raises:
            ConfigurationError: another mode than the default one.
            InputError: no embedding, one of another length than the nodes', or one that is not finite.
        """
        if query.mode != VectorStoreQueryMode.DEFAULT:
            raise ConfigurationError(
                f"EmbeddedStore searches by similarity, not in the mode {query.mode.value!r}: leave the mode out; for "
                "hybrid search use HybridFusionRetriever.from_index(index)"
            )
        if query.query_embedding is None:
            raise InputError("a search needs the question's embedding: ask through an index, or set query_embedding")
        found = self._follow().search(query.query_embedding, query.similarity_top_k, allowed=self._allowed(query))
        nodes = self._table.nodes([id_ for id_, _ in found])
        there = [(id_, score) for id_, score in found if id_ in nodes]  # another process may just have deleted one
        return VectorStoreQueryResult(
            nodes=[nodes[id_] for id_, _ in there],
            similarities=[score for _, score in there],
            ids=[id_ for id_, _ in there],
        )

    def _allowed(self, query: VectorStoreQuery) -> Container[str] | None:
        allowed: list[Container[str]] = [set(query.node_ids)] if query.node_ids else []
        if query.doc_ids:
            allowed.append({id_ for document in query.doc_ids for id_ in self._table.ids_of(document)})
        if query.filters is not None:
            allowed.append(self.passing(query.filters))
        return _Every(allowed) if len(allowed) > 1 else next(iter(allowed), None)

    def _follow(self) -> Rows:
        """The vectors as they are in the folder now, whoever changed them."""
        with self._lock:
            if self._table.last_change() != self._upto:
                changes = self._table.changes(self._upto, self._rows.ids())
                ids, vectors = self._table.vectors(self._upto)
                self._rows.remove(changes.gone)
                self._rows.put(ids, vectors)
                if self._metadata is not None:  # a new one: a search may still read the old
                    kept = {id_: found for id_, found in self._metadata.items() if id_ not in changes.gone}
                    self._metadata = {**kept, **self._table.metadata(changes.put)}
                self._upto = changes.upto
            return self._rows.view()


class _Every(Container[str]):
    """What is in all of several."""

    def __init__(self, parts: Sequence[Container[str]]) -> None:
        self._parts = parts

    def __contains__(self, id_: object) -> bool:
        return all(id_ in part for part in self._parts)
