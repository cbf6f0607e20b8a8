"""The pair score as one more leg beside those of the retrieval. Core: numbers keyed by node id.

A cross-encoder alone loses on collections it was not trained for, while its score added to the legs' scores rarely
does. Every score ends in [0, 1].
"""

from __future__ import annotations

from collections.abc import Mapping

from llama_index_prod_rag.fusion.normalisers import Bounds, find_bounds
from llama_index_prod_rag.fusion.rules import ConvexCombination, fuse, share_weights
from llama_index_prod_rag.trace import RetrievalRecord

CROSS_ENCODER = "cross_encoder"
"""Name of the pair score among the legs."""

_RETRIEVAL = "retrieval"
_RULE = ConvexCombination("min-max")


def blend_legs(
    logits: Mapping[str, float], record: RetrievalRecord, weights: Mapping[str, float] | None, share: float
) -> dict[str, float]:
    """Convex combination of the record's legs and the pair score.

    Each leg keeps the bounds it was normalised by in the retrieval; pair scores are min-max normalised over the
    candidates. A candidate that a leg never scored gets 0 from that leg.

    Args:
        logits: node id -> raw pair score, of every candidate.
        record: what the retrieval knew.
        weights: leg -> weight, `cross_encoder` included; None gives the pair score `share` and divides the rest as
            the retrieval did.
        share: weight of the pair score where `weights` is None, in [0, 1].

    Returns:
        Node id -> score in [0, 1].

    Raises:
        ConfigurationError: a leg of the record has no weight.

    Examples:
        >>> from llama_index_prod_rag.trace import LegHit
        >>> record = RetrievalRecord("q", legs={"bm25": {"a": LegHit(1, 9.0), "b": LegHit(2, 3.0)}})
        >>> blend_legs({"a": -2.0, "b": 4.0}, record, None, share=0.25)
        {'a': 0.75, 'b': 0.25}
    """
    legs = {leg: _known_scores(record, leg, logits) for leg in record.legs}
    bounds = {leg: _leg_bounds(record, leg) for leg in legs}
    if weights is None:
        shares = share_weights(record.weights or dict.fromkeys(legs, 1.0), legs)
        weights = {leg: (1.0 - share) * part for leg, part in shares.items()} | {CROSS_ENCODER: share}
    return _fuse({**legs, CROSS_ENCODER: logits}, weights, bounds)


def blend_scores(logits: Mapping[str, float], retrieval: Mapping[str, float], share: float) -> dict[str, float]:
    """Convex combination of the retrieval's own score and the pair score, each min-max normalised over the candidates.

    Args:
        logits: node id -> raw pair score, of every candidate.
        retrieval: node id -> retrieval score, where there is one.
        share: weight of the pair score, in [0, 1].

    Examples:
        >>> blend_scores({"a": 1.0, "b": 3.0}, {"a": 0.9, "b": 0.4}, share=0.25)
        {'a': 0.75, 'b': 0.25}
    """
    legs = {CROSS_ENCODER: logits} | ({_RETRIEVAL: retrieval} if retrieval else {})
    return _fuse(legs, {CROSS_ENCODER: share if retrieval else 1.0, _RETRIEVAL: 1.0 - share}, {})


def _fuse(
    legs: Mapping[str, Mapping[str, float]], weights: Mapping[str, float], bounds: Mapping[str, Bounds]
) -> dict[str, float]:
    return fuse(legs, rule=_RULE, weights=weights, bounds=bounds).scores


def _known_scores(record: RetrievalRecord, leg: str, candidates: Mapping[str, float]) -> dict[str, float]:
    scores = {node: record.leg_score(leg, node) for node in candidates}
    return {node: score for node, score in scores.items() if score is not None}


def _leg_bounds(record: RetrievalRecord, leg: str) -> Bounds:
    """The bounds of the retrieval, or those of the leg's whole list where its rule looked at ranks alone."""
    given = record.bounds.get(leg)
    return given or find_bounds(_RULE.normaliser, [hit.score for hit in record.legs[leg].values()])
