"""Two hops without a language model: what the first passages name is looked up, too.

A question whose answer needs two documents ("When was the director of A born?") finds the first and names the second
nowhere; the first passage does. Following mentions from passage to passage is what multi-hop retrievers learn (Asai et
al., "Learning to Retrieve Reasoning Paths over Wikipedia Graph", ICLR 2020); here the links are the names themselves:
titles, headings, terms and file names that stand in the text of the first passages, and what these point to
("see section 4.2", `text.pointers`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.indices.vector_store.base import VectorStoreIndex
from llama_index.core.schema import BaseNode, NodeWithScore, QueryBundle
from llama_index.core.vector_stores.types import MetadataFilters

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.retrievers.access import add_filters, replace_filters
from llama_index_prod_rag.retrievers.dense import check_is_vector_index
from llama_index_prod_rag.retrievers.embedded.names import open_names
from llama_index_prod_rag.retrievers.embedded.store import EmbeddedStore
from llama_index_prod_rag.retrievers.filtered import FilteredRetriever
from llama_index_prod_rag.retrievers.filters import both
from llama_index_prod_rag.retrievers.following import IndexFollower
from llama_index_prod_rag.retrievers.named_nodes import NamedNodes
from llama_index_prod_rag.trace.records import Link, RetrievalRecord, amend, note
from llama_index_prod_rag.trace.scored_node import ScoredNode, carried_records, rescore

# Chosen on the train questions of hotpotqa among .1, .15, .2, .3 and .4; collections without titles do not move at any.
# python -m benchmarks.whole_question --parts hops prints the table.
DEFAULT_WEIGHT = 0.3
DEFAULT_FIRST = 5
# A reranker knows no first passages below which a link stays, so a link weighs half as much beside its pair score.
# Chosen on the same questions behind `CrossEncoderRerank`, among shares from .05 to .4.
_BESIDE_PAIRS = 0.5


class LinkedRetriever(FilteredRetriever):
    """A retriever whose first passages' mentions are followed.

    The first passages stay as they are; behind them, passages that they name are moved up, or added where the retriever
    had not found them. Where documents have no titles, headings or names that others use, nothing changes.

    The record of the hits says what led to each (`RetrievalRecord.links`), so that a reranker can weigh links, and read
    a passage with the one that names it. It was measured on one collection of two-hop questions, made from links
    between pages, and does no harm on four others: `prod-rag` uses it, and in Python it is off unless you do.

    Args:
        retriever: any that gives scores and more hits than are looked at in the end, as `HybridFusionRetriever` does.
        nodes: every node of the corpus; None with `index`.
        index: an index whose nodes are followed instead.
        weight: what a mention is worth on the scale of the retriever's scores, at least 0; where the best of them is
            above 1, as of BM25, in shares of that.
        first: passages whose mentions are followed.
        hops: how many times what was found is followed on; 1 for two documents, 2 for three.
        kwargs: `access` (an `AccessPolicy`), `callback_manager`, `object_map`, `objects` and `verbose`.

    Raises:
        ConfigurationError: a setting is out of range, or both or neither of nodes and index are given.

    Examples:
        >>> from llama_index.core.schema import TextNode
        >>> from llama_index_prod_rag.retrievers.bm25 import BM25FRetriever
        >>> texts = {"Ed Wood": "Ed Wood was directed by Tim Burton.", "Tim Burton": "An American, born in 1958."}
        >>> nodes = [TextNode(text=text, id_=title, metadata={"title": title}) for title, text in texts.items()]
        >>> plain = BM25FRetriever(nodes)
        >>> question = "When was the director of Ed Wood born?"
        >>> [hit.node_id for hit in LinkedRetriever(plain, nodes).retrieve(question)]
        ['Ed Wood', 'Tim Burton']
    """

    def __init__(
        self,
        retriever: BaseRetriever,
        nodes: Iterable[BaseNode] | None = None,
        *,
        index: VectorStoreIndex | None = None,
        weight: float = DEFAULT_WEIGHT,
        first: int = DEFAULT_FIRST,
        hops: int = 1,
        **kwargs: Any,
    ) -> None:
        if (nodes is None) == (index is None):
            raise ConfigurationError("give the nodes that may be linked to: nodes=[...], or index=")
        if not 0 <= weight < float("inf") or first < 1 or hops < 1:
            raise ConfigurationError(f"links need weight >= 0, first >= 1, hops >= 1, not {weight}, {first}, {hops}")
        self._named = NamedNodes() if index is None else _open_index(index)
        self._named.put(nodes or ())
        self.retriever, self.weight, self.first, self.hops = retriever, weight, first, hops
        super().__init__(**{"object_map": retriever.object_map, **kwargs})

    def with_filters(self, filters: MetadataFilters | None) -> LinkedRetriever:
        """The same retriever with other filters; what passages link to must pass them as well.

        Raises:
            ConfigurationError: the retriever does not take filters per query.
        """
        view = super().with_filters(filters)
        view.retriever = replace_filters(self.retriever, filters)
        return view

    def narrow(self, filters: MetadataFilters) -> LinkedRetriever:
        """Make the same retriever with filters besides its own."""
        view = super().with_filters(both(self._filters, filters))
        view.retriever = add_filters(self.retriever, filters)
        return view

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return self._follow(self.retriever.retrieve(query_bundle))

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._follow, await self.retriever.aretrieve(query_bundle))

    def _follow(self, hits: list[NodeWithScore]) -> list[NodeWithScore]:
        first, rest = hits[: self.first], hits[self.first :]
        linked = self._named.find_linked([hit.node for hit in first], self.hops, self._filters)
        known = {hit.node_id for hit in hits}
        added = [ScoredNode(node=node, score=0.0) for node_id, (node, _) in linked.items() if node_id not in known]
        behind = [*rest, *added]
        links = {hit.node_id: linked[hit.node_id][1] for hit in [*first, *behind] if hit.node_id in linked}
        if not links:
            return hits
        weight = self.weight * max(1.0, max((hit.score or 0.0 for hit in first), default=0.0))
        raised = {
            hit.node_id: (hit.score or 0.0) + (weight * links[hit.node_id].strength if hit.node_id in links else 0.0)
            for hit in behind
        }
        behind.sort(key=lambda hit: -raised[hit.node_id])
        # The first passages are the evidence that a link stands on: nothing that they name scores above them.
        ceiling = min((hit.score or 0.0 for hit in first), default=0.0)
        scores = {hit.node_id: hit.score for hit in first} | {id_: min(ceiling, raised[id_]) for id_ in raised}
        record = self._record(hits, scores, links)
        return [rescore(hit, scores[hit.node_id], retrieval=record) for hit in [*first, *behind]]

    def _record(
        self, hits: list[NodeWithScore], scores: Mapping[str, float | None], links: Mapping[str, Link]
    ) -> RetrievalRecord | None:
        """What the search knew, and the links; in the trace it takes the place of the search's own record.

        Hits of several searches keep theirs: none of these knows the others' passages.
        """
        carried = [record for record in carried_records(hits) if isinstance(record, RetrievalRecord)]
        if len(carried) > 1:
            return None
        before = carried[0] if carried else RetrievalRecord("")
        fused = {**before.fused, **{node_id: score or 0.0 for node_id, score in scores.items()}}
        record = replace(before, fused=fused, links=links, link_weight=min(1.0, _BESIDE_PAIRS * self.weight))
        if carried:
            amend(before, record)
        else:
            note(record)
        return record


def _open_index(index: VectorStoreIndex) -> NamedNodes:
    check_is_vector_index(index)
    if isinstance(index.vector_store, EmbeddedStore):
        return open_names(index.vector_store)
    named = NamedNodes(follower=IndexFollower.of(index))
    named.refresh(everything=True)
    return named
