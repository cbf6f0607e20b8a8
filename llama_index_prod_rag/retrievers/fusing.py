"""From what each leg brought back to one list of hits with its record: the step every hybrid retriever shares."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llama_index.core.schema import BaseNode, NodeWithScore

from llama_index_prod_rag.fusion.normalisers import Bounds
from llama_index_prod_rag.fusion.rules import ConvexCombination, FusionRule, fuse, leg_bounds, share_weights
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


def leg_hits(hits: Sequence[NodeWithScore]) -> dict[str, LegHit]:
    """Rank and score of each node in one leg's list, best first.

    A node that is there twice counts once, where it ranks best. A leg whose scores are not all finite numbers has only
    its order to tell: each hit then scores 1 / rank.

    Examples:
        >>> from llama_index.core.schema import TextNode
        >>> node = TextNode(text="a", id_="n")
        >>> leg_hits([NodeWithScore(node=node, score=0.5), NodeWithScore(node=node, score=0.7)])
        {'n': LegHit(rank=1, score=0.7)}
        >>> leg_hits([NodeWithScore(node=node)])
        {'n': LegHit(rank=1, score=1.0)}
    """
    scores = [math.nan if hit.score is None else float(hit.score) for hit in hits]
    if not all(map(math.isfinite, scores)):
        scores = [1.0 / rank for rank in range(1, len(hits) + 1)]
    best: dict[str, float] = {}
    for hit, score in sorted(zip(hits, scores, strict=True), key=lambda pair: -pair[1]):
        best.setdefault(hit.node.node_id, score)
    return {node_id: LegHit(rank, score) for rank, (node_id, score) in enumerate(best.items(), start=1)}


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

    Raises:
        ConfigurationError: weights or floors do not fit the legs.
    """
    started = time.perf_counter()
    legs = {leg: leg_hits(result.hits) for leg, result in results.items() if result.hits or result.failed is None}
    found = {leg: {node_id: hit.score for node_id, hit in hits.items()} for leg, hits in legs.items()}
    extra = {
        leg: {node_id: float(score) for node_id, score in scores.items() if node_id not in found[leg]}
        for leg, scores in (completed or {}).items()
        if leg in found
    }
    bounds: Mapping[str, Bounds] | None = None
    if isinstance(rule, ConvexCombination):
        bounds = leg_bounds(rule, found, floors=floors)
    everything = {leg: {**scores, **extra.get(leg, {})} for leg, scores in found.items()}
    fusion = fuse(everything, rule=rule, weights=weights, floors=floors, bounds=bounds)
    nodes = _nodes(results)
    record = RetrievalRecord(
        query=query,
        legs=legs,
        bounds=fusion.bounds,
        weights=share_weights(weights, legs),
        rule=str(rule),
        fused={node_id: score for node_id, score in fusion.scores.items() if node_id in nodes},
        completed={leg: scores for leg, scores in extra.items() if scores},
        failed={leg: result.failed for leg, result in results.items() if result.failed is not None},
        seconds={leg: result.seconds for leg, result in results.items()} | {"fusion": time.perf_counter() - started},
        vectors=_vectors(nodes, vectors or {}),
        query_vector=query_vector,
    )
    hits: list[NodeWithScore] = [
        ScoredNode(node=nodes[node_id], score=score, retrieval=record)
        for node_id, score in list(record.fused.items())[:top_k]
    ]
    return hits, record


def _nodes(results: Mapping[str, LegResult]) -> dict[str, BaseNode]:
    nodes: dict[str, BaseNode] = {}
    for result in results.values():
        for hit in result.hits:
            nodes.setdefault(hit.node.node_id, hit.node)
    return nodes


def _vectors(nodes: Mapping[str, BaseNode], known: Mapping[str, Sequence[float]]) -> dict[str, Sequence[float]]:
    carried = {node_id: node.embedding for node_id, node in nodes.items() if node.embedding is not None}
    return {**carried, **{node_id: vector for node_id, vector in known.items() if node_id in nodes}}
