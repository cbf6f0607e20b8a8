"""Two hops without a language model: what the first passages name is looked up, too.

A question whose answer needs two documents ("When was the director of A born?") finds the first and names the second
nowhere; the first passage does. Following mentions from passage to passage is what multi-hop retrievers learn (Asai et
al., "Learning to Retrieve Reasoning Paths over Wikipedia Graph", ICLR 2020); here the links are the names themselves:
titles, headings and file names that stand in the text of the first passages.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.indices.vector_store.base import VectorStoreIndex
from llama_index.core.schema import BaseNode, MetadataMode, NodeWithScore, QueryBundle
from llama_index.core.vector_stores.types import MetadataFilters

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.retrievers.access import add_filters, replace_filters
from llama_index_prod_rag.retrievers.dense import check_is_vector_index
from llama_index_prod_rag.retrievers.filtered import FilteredRetriever
from llama_index_prod_rag.retrievers.filters import both, passing
from llama_index_prod_rag.retrievers.following import Follower, IndexFollower
from llama_index_prod_rag.retrievers.stored_nodes import copy_node
from llama_index_prod_rag.text.names import Mentioned
from llama_index_prod_rag.trace.records import Link, RetrievalRecord, amend, note
from llama_index_prod_rag.trace.scored_node import ScoredNode, carried_records, rescore

# Chosen on the train questions of hotpotqa among .1, .15, .2, .3 and .4; collections without titles do not move at any.
# python -m benchmarks.whole_question --parts hops prints the table.
DEFAULT_WEIGHT = 0.3
DEFAULT_FIRST = 5
# A reranker knows no first passages below which a link stays, so a link weighs half as much beside its pair score.
# Chosen on the same questions behind `CrossEncoderRerank`, among shares from .05 to .4.
_BESIDE_PAIRS = 0.5
# Passages that one hop leads to, strongest links first: a heading that every file has ("Usage") would add thousands,
# and a reranker would read them. The five best of BM25 lead to at most 9 in hotpotqa, scifact and cranfield, and to
# more than 20 for 12 of 500 questions in cosqa (37 at most).
_MOST_LINKED = 20


class NamedNodes:
    """Nodes by what they are called; safe to share between threads.

    Args:
        nodes: the nodes.
        follower: tells what changed in the index whose nodes these are.
    """

    def __init__(self, nodes: Iterable[BaseNode] = (), follower: Follower | None = None) -> None:
        self._mentioned = Mentioned()
        self._nodes: dict[str, BaseNode] = {}
        self._follower = follower or IndexFollower()
        self._lock = threading.RLock()
        self.put(nodes)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.RLock())

    def put(self, nodes: Iterable[BaseNode]) -> None:
        """Add nodes; one whose id is there already replaces it."""
        with self._lock:
            for node in nodes:
                self._nodes[node.node_id] = node
                self._mentioned.add(node.node_id, names_of(node))

    def refresh(self, *, everything: bool = False) -> None:
        """Take over what changed in the index that is followed."""
        with self._lock:
            changes = self._follower.changes(self._nodes, everything=everything)
            for node_id in changes.gone:
                self._nodes.pop(node_id, None)
                self._mentioned.discard(node_id)
            self.put(changes.nodes)

    def find_linked(
        self, passages: Sequence[BaseNode], hops: int, filters: MetadataFilters | None = None
    ) -> dict[str, tuple[BaseNode, Link]]:
        """Nodes that passages name, each with the first link to it; further hops halve its strength each time.

        A passage is linked to by those before it alone: where two name one another, the first leads to the second. What
        the filters exclude is neither found nor followed further, and of many links a hop keeps the strongest.
        """
        with self._lock:
            self.refresh()
            found: dict[str, tuple[BaseNode, Link]] = {}
            seen: set[str] = set()
            frontier, share = list(passages), 1.0
            for _ in range(hops):
                here = dict[str, Link]()
                for passage in frontier:
                    seen.add(passage.node_id)
                    for node_id, link in self._find_named(passage, share):
                        if node_id not in seen:
                            here.setdefault(node_id, link)
                permitted = {hit.node_id for hit in passing([self._hit(node_id) for node_id in here], filters)}
                here = _keep_strongest({node_id: link for node_id, link in here.items() if node_id in permitted})
                found = {**{node_id: (self._nodes[node_id], link) for node_id, link in here.items()}, **found}
                frontier, share = [self._nodes[node_id] for node_id in here], share / 2
            return found

    def _hit(self, node_id: str) -> NodeWithScore:
        return NodeWithScore(node=self._nodes[node_id])

    def _find_named(self, passage: BaseNode, share: float) -> list[tuple[str, Link]]:
        mentions = self._mentioned.find_places(passage.get_content(metadata_mode=MetadataMode.NONE))
        return [
            (node_id, Link(passage.node_id, share * strength, start))
            for node_id, (strength, start) in mentions.items()
            if node_id != passage.node_id
        ]


def _keep_strongest(links: Mapping[str, Link]) -> dict[str, Link]:
    return dict(sorted(links.items(), key=lambda pair: -pair[1].strength)[:_MOST_LINKED])


def names_of(node: BaseNode) -> list[str]:
    """What a node is called: its title, its last heading, and its file's name.

    Examples:
        >>> from llama_index.core.schema import TextNode
        >>> names_of(TextNode(text="", metadata={"title": "Ed Wood", "file_path": "films/ed-wood.md"}))
        ['Ed Wood', 'ed-wood.md']
    """
    metadata = node.metadata
    path = metadata.get("heading_path") or []
    headings = path if isinstance(path, list) else [path]
    file = metadata.get("file_name") or PurePosixPath(str(metadata.get("file_path") or "")).name
    return [str(name) for name in (metadata.get("title"), *headings[-1:], file) if name]


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
        if index is not None:
            check_is_vector_index(index)
            self._named = NamedNodes(follower=IndexFollower.of(index))
            self._named.refresh(everything=True)
        else:
            self._named = NamedNodes(nodes or ())
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
        added = [
            ScoredNode(node=copy_node(node), score=0.0) for node_id, (node, _) in linked.items() if node_id not in known
        ]
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
