"""A document that is indexed again leaves none of its old chunks, and readers never see both."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from typing import TYPE_CHECKING

from llama_index.core.vector_stores.types import FilterOperator, MetadataFilter, MetadataFilters

from llama_index_prod_rag.errors import RetrievalError
from llama_index_prod_rag.retrievers.elasticsearch.failures import call
from llama_index_prod_rag.retrievers.elasticsearch.filters import exact_query_of, filtered_fields
from llama_index_prod_rag.retrievers.elasticsearch.queries import Body
from llama_index_prod_rag.retrievers.elasticsearch.schema import IndexSchema

if TYPE_CHECKING:
    from llama_index.core.schema import BaseNode

_logger = logging.getLogger(__name__)

_SOURCES_AT_ONCE = 100
# Not "never" (-1): a process that is killed while it writes must not leave an index that is stale for good. The odd
# number tells the next one that it was killed.
_HELD = "3599s"


@asynccontextmanager
async def refreshes_held(index: str) -> AsyncIterator[None]:
    """Keep what is written from becoming visible until somebody refreshes the index.

    The index's `refresh_interval` is an hour meanwhile, and then what it was. Each shard turns from the old state to
    the new one in one step; an index has one shard unless it was made with more. Without the privilege to change the
    setting (`manage`), and where the server runs out of its indexing buffer, readers may see a part of the new state.
    """
    try:
        before = await _intervals(index)
        await call("indices.put_settings", index=index, settings={"index": {"refresh_interval": _HELD}})
    except RetrievalError as error:
        _logger.warning("readers of %s may see a document half replaced: %s", index, error)
        before = {}
    # What was written before must be there to be removed. And a refresh of the server's own that had begun before its
    # setting changed ends before this one does, rather than between two batches.
    await call("indices.refresh", index=index)
    try:
        yield
    finally:
        for name, interval in before.items():
            await call("indices.put_settings", index=name, settings={"index": {"refresh_interval": interval}})


async def _intervals(index: str) -> dict[str, str | None]:
    settings = await call("indices.get_settings", index=index)
    found = {name: of_index["settings"]["index"].get("refresh_interval") for name, of_index in settings.items()}
    return {name: None if interval == _HELD else interval for name, interval in found.items()}


class Replacement:
    """The sources of the nodes that are written, and with them the chunks that are no longer theirs.

    Args:
        index: where they are written.
    """

    def __init__(self, index: str) -> None:
        self._index = index
        self._schema = IndexSchema(index)
        self._chunks: dict[str, set[str]] = {}

    def note_sources(self, nodes: Iterable[BaseNode]) -> Iterator[BaseNode]:
        """The nodes, each noted under its source as it passes."""
        for node in nodes:
            if node.ref_doc_id is not None:
                self._chunks.setdefault(node.ref_doc_id, set()).add(node.node_id)
            yield node

    async def remove_old_chunks(self, failed: Collection[str]) -> int:
        """Delete what the index holds of the sources beside the nodes that were written.

        Args:
            failed: nodes that were not written; their sources are left as they are.

        Returns:
            The number of documents deleted.

        Raises:
            RetrievalError: the server refuses; says why.
        """
        kept = [source for source, chunks in self._chunks.items() if not chunks.isdisjoint(failed)]
        if kept:
            _logger.warning("%d sources keep their old chunks, since nodes failed; the first: %s", len(kept), kept[0])
        sources = iter([source for source in self._chunks if source not in set(kept)])
        removed = 0
        while some := list(islice(sources, _SOURCES_AT_ONCE)):
            query = await self._old_chunks(some)
            answer = await call("delete_by_query", index=self._index, query=query, conflicts="proceed", refresh=False)
            removed += answer["deleted"]
        return removed

    async def _old_chunks(self, sources: list[str]) -> Body:
        of_sources = MetadataFilters(
            filters=[MetadataFilter(key="ref_doc_id", operator=FilterOperator.IN, value=list(sources))]
        )
        types, _ = await self._schema.types_of(filtered_fields(of_sources, "metadata"))
        ids = sorted(set().union(*(self._chunks[source] for source in sources)))
        return {"bool": {"filter": [exact_query_of(of_sources, types)], "must_not": [{"ids": {"values": ids}}]}}
