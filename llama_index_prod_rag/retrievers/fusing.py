"""From what each leg brought back to one list of hits with its record: the step every hybrid retriever shares."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llama_index.core.schema import BaseNode, MetadataMode, NodeWithScore

from llama_index_prod_rag.fusion.mentions import Mentions, find_mentions
from llama_index_prod_rag.fusion.readings import Reading, read_scores
from llama_index_prod_rag.fusion.rules import FusionRule, fuse, leg_bounds, share_weights
from llama_index_prod_rag.trace.records import LegHit, RetrievalRecord
from llama_index_prod_rag.trace.scored_node import ScoredNode


@dataclass(frozen=True, slots=True)
class LegResult:
    """What one leg did for one query.

    Attributes:
        hits: what it returned; empty when it found nothing or failed altogether.
        seconds: wall time.
        failed: why it has no answer, or not all of it; None when it answered.
    """

    hits: Sequence[NodeWithScore] = ()
    seconds: float = 0.0
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class LegList:
    """Holds one leg's list as ranks and scores, and what its scores mean.

    Attributes:
        hits: node id -> rank and score, best first; higher is better.
        reading: what the leg's scores were.
    """

    hits: dict[str, LegHit]
    reading: Reading

    @property
    def scores(self) -> dict[str, float]:
        """The score that the leg gave each node."""
        return {node_id: hit.score for node_id, hit in self.hits.items()}

    def on_its_scale(self, scores: Mapping[str, float]) -> dict[str, float]:
        """Scores that the leg gave afterwards to other nodes; none where its own are only an order."""
        sign = {"similarities": 1.0, "distances": -1.0, "order": math.nan}[self.reading]
        given = {node_id: sign * float(score) for node_id, score in scores.items() if node_id not in self.hits}
        return {node_id: score for node_id, score in given.items() if math.isfinite(score)}


def read_leg(hits: Sequence[NodeWithScore]) -> LegList:
    """Rank and score of each node in one leg's list, in the leg's own order, which says what the scores mean.

    A node that is there twice counts once, where it comes first. `read_scores` has the table of readings.

    Examples:
        >>> from llama_index.core.schema import TextNode
        >>> near, far = (NodeWithScore(node=TextNode(id_=id_), score=score) for id_, score in (("n", 0.5), ("f", 0.7)))
        >>> read_leg([near, far, near])
        LegList(hits={'n': LegHit(rank=1, score=-0.5), 'f': LegHit(rank=2, score=-0.7)}, reading='distances')
        >>> read_leg([NodeWithScore(node=near.node)]).hits
        {'n': LegHit(rank=1, score=1.0)}
    """
    first: dict[str, float | None] = {}
    for hit in hits:
        first.setdefault(hit.node.node_id, hit.score)
    scores, reading = read_scores(list(first.values()))
    ranked = enumerate(zip(first, scores, strict=True), start=1)
    return LegList({node_id: LegHit(rank, score) for rank, (node_id, score) in ranked}, reading)


def fuse_legs(
    query: str,
    results: Mapping[str, LegResult],
    *,
    rule: FusionRule,
    weights: Mapping[str, float],
    top_k: int,
    floors: Mapping[str, float] | None = None,
    completed: Mapping[str, Mapping[str, float]] | None = None,
    vectors: Mapping[str, Sequence[float]] | None = None,
    query_vector: Sequence[float] | None = None,
    lift_mentions: bool = True,
    models: Mapping[str, str] | None = None,
) -> tuple[list[NodeWithScore], RetrievalRecord]:
    """One list of new hits, best first, and the record of how it came about. Changes nothing that came in.

    Nodes are told apart by id: one node from two legs is one hit, equal text from two documents is two. A failed leg
    is left out and the other weights are scaled up; one with a part of its hits counts with those. The
    caller emits the record (`llama_index_prod_rag.trace.events.emit`).

    Args:
        query: the text that was searched for.
        results: leg -> what it did, failed legs included.
        rule: how to combine the legs.
        weights: leg -> weight.
        top_k: length of the returned list; the record keeps every node.
        floors: leg -> lowest score it could ever give, where known.
        completed: leg -> node id -> score, for nodes that the leg had not returned. They are normalised by the bounds
            of the leg's own list.
        vectors: node id -> embedding, where known; hits that carry an embedding need not be in it.
        query_vector: the query's embedding, where known.
        lift_mentions: lift nodes that hold what the query names and hardly any other node does (`find_mentions`).
        models: leg -> the model that embeds its queries, where it has one.

    Raises:
        ConfigurationError: weights or floors do not fit the legs.
    """
    started = time.perf_counter()
    lists = {leg: read_leg(result.hits) for leg, result in results.items() if result.hits or result.failed is None}
    found = {leg: read.scores for leg, read in lists.items()}
    extra = {leg: lists[leg].on_its_scale(scores) for leg, scores in (completed or {}).items() if leg in lists}
    known = {leg: floor for leg, floor in (floors or {}).items() if leg in lists}
    known = {leg: floor for leg, floor in known.items() if lists[leg].reading == "similarities"}  # of these scores
    nodes = _nodes(results)
    fusion = fuse(
        {leg: {**scores, **extra.get(leg, {})} for leg, scores in found.items()},
        rule=rule,
        weights=weights,
        bounds=leg_bounds(rule, found, floors=known),
        mentions=_mentions(query, nodes) if lift_mentions else None,
    )
    record = RetrievalRecord(
        query=query,
        legs={leg: read.hits for leg, read in lists.items()},
        bounds=fusion.bounds,
        weights=share_weights(weights, lists),
        rule=str(rule),
        fused={node_id: score for node_id, score in fusion.scores.items() if node_id in nodes},
        completed={leg: scores for leg, scores in extra.items() if scores},
        failed={leg: result.failed for leg, result in results.items() if result.failed is not None},
        seconds={leg: result.seconds for leg, result in results.items()} | {"fusion": time.perf_counter() - started},
        vectors=_vectors(nodes, vectors or {}),
        query_vector=query_vector,
        readings={leg: read.reading for leg, read in lists.items() if read.reading != "similarities"},
        lifts=fusion.lifts,
        models=dict(models or {}),
    )
    hits: list[NodeWithScore] = [
        ScoredNode(node=nodes[node_id], score=score, retrieval=record)
        for node_id, score in list(record.fused.items())[:top_k]
    ]
    return hits, record


def _mentions(query: str, nodes: Mapping[str, BaseNode]) -> Mentions:
    return find_mentions(
        query, {id_: node.get_content(metadata_mode=MetadataMode.EMBED) for id_, node in nodes.items()}
    )


def _nodes(results: Mapping[str, LegResult]) -> dict[str, BaseNode]:
    nodes: dict[str, BaseNode] = {}
    for result in results.values():
        for hit in result.hits:
            nodes.setdefault(hit.node.node_id, hit.node)
    return nodes


def _vectors(nodes: Mapping[str, BaseNode], known: Mapping[str, Sequence[float]]) -> dict[str, Sequence[float]]:
    carried = {node_id: node.embedding for node_id, node in nodes.items() if node.embedding is not None}
    return {**carried, **{node_id: vector for node_id, vector in known.items() if node_id in nodes}}
