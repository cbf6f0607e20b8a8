"""The pair score as one more leg beside those of the retrieval. Core: numbers keyed by node id.

A cross-encoder alone loses on collections it was not trained for, while its score added to the legs' scores rarely
does. Every score ends in [0, 1].
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from llama_index_prod_rag.fusion.normalisers import Bounds, find_bounds
from llama_index_prod_rag.fusion.rules import ConvexCombination, fuse, share_weights
from llama_index_prod_rag.trace.records import RetrievalRecord

CROSS_ENCODER = "cross_encoder"
"""Name of the pair score among the legs."""

_RETRIEVAL = "retrieval"
_RULE = ConvexCombination("min-max")


@dataclass(frozen=True, slots=True)
class Blend:
    """What the candidates already have, and how much the pair score may add.

    Attributes:
        legs: leg -> node id -> raw score, of candidates only.
        bounds: leg -> what its scores are normalised by; a leg without bounds is min-max normalised.
        weights: leg -> weight, `cross_encoder` included.
    """

    legs: Mapping[str, Mapping[str, float]]
    bounds: Mapping[str, Bounds]
    weights: Mapping[str, float]

    def scores(self, logits: Mapping[str, float]) -> dict[str, float]:
        """Convex combination of the legs and the pair score, which is min-max normalised over the nodes given.

        Args:
            logits: node id -> raw pair score; the result has these nodes and no others.

        Returns:
            Node id -> score in [0, 1], best first. A node that a leg never scored gets 0 from that leg.
        """
        legs = {leg: {node: known[node] for node in logits if node in known} for leg, known in self.legs.items()}
        return fuse({**legs, CROSS_ENCODER: logits}, rule=_RULE, weights=self.weights, bounds=self.bounds).scores

    def ceilings(self, candidates: Collection[str]) -> dict[str, float]:
        """The score each candidate would have with the best pair score of all, highest first."""
        bounds = {**self.bounds, CROSS_ENCODER: Bounds(0.0, 1.0)}
        return Blend(self.legs, bounds, self.weights).scores(dict.fromkeys(candidates, 1.0))


def blend_with_legs(
    candidates: Collection[str], record: RetrievalRecord, weights: Mapping[str, float] | None, share: float
) -> Blend:
    """The record's legs, each with the bounds it was normalised by in the retrieval, and the pair score.

    Args:
        candidates: node ids.
        record: what the retrieval knew.
        weights: leg -> weight, `cross_encoder` included; None gives the pair score `share` and divides the rest as
            the retrieval did.
        share: weight of the pair score where `weights` is None, in [0, 1].

    Raises:
        ConfigurationError: a leg of the record has no weight.

    Examples:
        >>> from llama_index_prod_rag.trace.records import LegHit
        >>> record = RetrievalRecord("q", legs={"bm25": {"a": LegHit(1, 9.0), "b": LegHit(2, 3.0)}})
        >>> blend_with_legs(["a", "b"], record, None, share=0.25).scores({"a": -2.0, "b": 4.0})
        {'a': 0.75, 'b': 0.25}
    """
    legs = {leg: _known_scores(record, leg, candidates) for leg in record.legs}
    bounds = {leg: _leg_bounds(record, leg) for leg in legs}
    if weights is None:
        shares = share_weights(record.weights or dict.fromkeys(legs, 1.0), legs)
        weights = {leg: (1.0 - share) * part for leg, part in shares.items()} | {CROSS_ENCODER: share}
    return Blend(legs, bounds, share_weights(weights, [*legs, CROSS_ENCODER]))


def blend_with_scores(retrieval: Mapping[str, float], share: float) -> Blend:
    """The retrieval's own score, min-max normalised over the candidates, and the pair score.

    Args:
        retrieval: node id -> retrieval score, where there is one; where there is none, the pair score decides.
        share: weight of the pair score, in [0, 1].

    Examples:
        >>> blend_with_scores({"a": 0.9, "b": 0.4}, share=0.25).scores({"a": 1.0, "b": 3.0})
        {'a': 0.75, 'b': 0.25}
    """
    if not retrieval:
        return Blend({}, {}, {CROSS_ENCODER: 1.0})
    bounds = {_RETRIEVAL: find_bounds(_RULE.normaliser, retrieval.values())}
    return Blend({_RETRIEVAL: retrieval}, bounds, {_RETRIEVAL: 1.0 - share, CROSS_ENCODER: share})


def _known_scores(record: RetrievalRecord, leg: str, candidates: Collection[str]) -> dict[str, float]:
    scores = {node: record.leg_score(leg, node) for node in candidates}
    return {node: score for node, score in scores.items() if score is not None}


def _leg_bounds(record: RetrievalRecord, leg: str) -> Bounds:
    """The bounds of the retrieval, or those of the leg's whole list where its rule looked at ranks alone."""
    given = record.bounds.get(leg)
    return given or find_bounds(_RULE.normaliser, [hit.score for hit in record.legs[leg].values()])
