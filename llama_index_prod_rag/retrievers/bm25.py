"""The embedded lexical leg: BM25 over weighted fields, in memory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from llama_index.core.indices.vector_store.base import VectorStoreIndex
from llama_index.core.schema import BaseNode, NodeWithScore, QueryBundle
from llama_index.core.vector_stores.types import MetadataFilters

from llama_index_prod_rag.errors import check_count
from llama_index_prod_rag.retrievers.dense import check_is_vector_index
from llama_index_prod_rag.retrievers.embedded.lexical import open_lexical
from llama_index_prod_rag.retrievers.embedded.store import EmbeddedStore
from llama_index_prod_rag.retrievers.filtered import FilteredRetriever
from llama_index_prod_rag.retrievers.following import IndexFollower
from llama_index_prod_rag.retrievers.lexical_store import LexicalSettings, LexicalStore

_logger = logging.getLogger(__name__)

DEFAULT_FIELDS: tuple[str, ...] = ("title^2", "metadata", "text")


class BM25FRetriever(FilteredRetriever):
    """Lexical retrieval that follows its index and never returns what a filter excludes.

    A node that no query term occurs in is not returned, so there can be fewer hits than asked for, or none. Scores are
    BM25's own, above 0 and without an upper limit. Nodes are kept in memory.

    Args:
        nodes: what to search.
        fields: what is indexed, with weights; see `LexicalSettings`. Statistics are blended across fields (BM25F), so a
            boost raises a term's weight in the field and does not add scores up.
        language: name or ISO 639-1 code; scripts without spaces are searched by pairs of characters.
        stemming: reduce words to their stems.
        stop_words: drop the most frequent words of the language.
        k1: saturation of term frequency.
        b: strength of length normalisation.
        similarity_top_k: most hits to return.
        filters: only nodes whose metadata passes are returned; `with_filters` sets them per query.
        kwargs: `access` (an `AccessPolicy`), and `callback_manager`, `object_map`, `objects` and `verbose` of
            LlamaIndex's base class.

    Raises:
        ConfigurationError: a setting is out of range.

    Examples:
        >>> from llama_index.core.schema import TextNode
        >>> retriever = BM25FRetriever([TextNode(text="Cats purr.", id_="a"), TextNode(text="Dogs bark.", id_="b")])
        >>> [hit.node_id for hit in retriever.retrieve("purring cat")], retriever.retrieve("birds")
        (['a'], [])
    """

    score_floor = 0.0
    """The lowest score this leg could give; theoretical min-max asks for it."""

    def __init__(
        self,
        nodes: Iterable[BaseNode] = (),
        *,
        fields: Sequence[str] = DEFAULT_FIELDS,
        language: str = "english",
        stemming: bool = True,
        stop_words: bool = True,
        k1: float = 1.5,
        b: float = 0.75,
        similarity_top_k: int = 100,
        filters: MetadataFilters | None = None,
        **kwargs: Any,
    ) -> None:
        settings = LexicalSettings(tuple(fields), language, stemming, stop_words, k1, b)
        self._set_up(LexicalStore(settings), similarity_top_k, filters, kwargs)
        self._store.put(nodes)
        self._tell_unfilled()

    def _tell_unfilled(self) -> None:
        for name in self._store.find_unfilled():
            _logger.warning(
                "no node has a field %r, so nothing is found by it: 'text' is a node's text, other fields are keys of "
                "its metadata",
                name,
            )

    def _set_up(
        self, store: LexicalStore, similarity_top_k: int, filters: MetadataFilters | None, kwargs: dict[str, Any]
    ) -> None:
        check_count("similarity_top_k", similarity_top_k)
        self._store = store
        self._top_k = similarity_top_k
        self._filters = filters
        super().__init__(**kwargs)

    @classmethod
    def from_index(cls, index: VectorStoreIndex, **settings: Any) -> BM25FRetriever:
        """A leg over the nodes of an index, which takes over what is added, changed or deleted there.

        Deletions are seen with the in-memory vector store, and with others when the node leaves the index's docstore
        (`delete_from_docstore=True`). A docstore that is not in memory does not show that the text under an id was
        replaced: call `refresh()` then.

        The leg of an `EmbeddedStore` is kept in the store's folder, and opened there the next time.

        An index whose nodes lie in another vector store alone is read once, page by page, and a log line says how many
        nodes there were; the store does not tell of later changes: call `refresh()` after them.

        Args:
            index: an index with nodes in its docstore, or in a store that can give them back.
            settings: the constructor's.

        Raises:
            ConfigurationError: the index is not a vector index, or its nodes can be read nowhere.
        """
        check_is_vector_index(index)
        retriever = cls(**{"object_map": index._object_map, **settings})
        if isinstance(index.vector_store, EmbeddedStore):
            retriever._store = open_lexical(index.vector_store, retriever._store.settings)
        else:
            retriever._store = LexicalStore(retriever._store.settings, IndexFollower.of(index))
            retriever._store.refresh(everything=True)
        retriever._tell_unfilled()
        return retriever

    @classmethod
    def from_persist_dir(
        cls,
        folder: str | Path,
        *,
        similarity_top_k: int = 100,
        filters: MetadataFilters | None = None,
        **kwargs: Any,
    ) -> BM25FRetriever:
        """What `persist` wrote, with its fields, language and stemming.

        Raises:
            InputError: the folder does not hold it.
        """
        retriever = cls.__new__(cls)
        retriever._set_up(LexicalStore.load(Path(folder)), similarity_top_k, filters, kwargs)
        return retriever

    def persist(self, folder: str | Path) -> None:
        """Write nodes, settings and index into a folder; `similarity_top_k` and filters are not part of it."""
        self._store.persist(Path(folder))

    def add(self, nodes: Iterable[BaseNode]) -> None:
        """Add nodes; one whose id is there already replaces it."""
        self._store.put(nodes)

    def delete(self, node_ids: Iterable[str]) -> None:
        """Forget nodes; unknown ids are ignored."""
        self._store.remove(node_ids)

    def refresh(self) -> None:
        """Read every node of the index, or of its store, again."""
        self._store.refresh(everything=True)

    def score_nodes(self, query_bundle: QueryBundle, node_ids: Iterable[str]) -> dict[str, float]:
        """This leg's scores of given nodes, 0 where no term matches; unknown ids are left out."""
        return self._store.score(query_bundle.query_str, node_ids)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = self._store.search(query_bundle.query_str, self._top_k, self._filters)
        return [NodeWithScore(node=node, score=score) for node, score in found]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)
