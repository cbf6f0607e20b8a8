"""The pair score as one more leg beside those of the retrieval. Core: numbers keyed by node id.

A cross-encoder alone loses on collections it was not trained for, while its score added to the legs' scores rarely
does. Every score ends in [0, 1].
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from llama_index_prod_rag.fusion.mentions import Mentions
from llama_index_prod_rag.fusion.normalizers import Bounds, find_bounds
from llama_index_prod_rag.fusion.readings import read_scores
from llama_index_prod_rag.fusion.rules import ConvexCombination, fuse, share_weights
from llama_index_prod_rag.trace.records import RetrievalRecord

CROSS_ENCODER = "cross_encoder"
"""Name of the pair score among the legs."""

_RETRIEVAL = "retrieval"
_LINKS = "links of passages"  # no retriever's leg has this name
_RULE = ConvexCombination("min-max")


@dataclass(frozen=True, slots=True)
class Blend:
    """What the candidates already have, and how much the pair score may add.

    Attributes:
        legs: leg -> node id -> raw score, of candidates only.
        bounds: leg -> what its scores are normalised by; a leg without bounds is min-max normalised.
        weights: leg -> weight, `cross_encoder` included.
        lifts: node id -> how far what the question names lifts the node towards 1, as in the retrieval.
    """

    legs: Mapping[str, Mapping[str, float]]
    bounds: Mapping[str, Bounds]
    weights: Mapping[str, float]
    lifts: Mapping[str, float] = field(default_factory=dict)

    def scores(self, logits: Mapping[str, float]) -> dict[str, float]:
        """Convex combination of the legs and the pair score, which is min-max normalised over the nodes given.

        Args:
            logits: node id -> raw pair score; the result has these nodes and no others.

        Returns:
            Node id -> score in [0, 1], best first. A node that a leg never scored gets 0 from that leg.
        """
        legs = {leg: {node: known[node] for node in logits if node in known} for leg, known in self.legs.items()}
        lifts = Mentions({node: self.lifts[node] for node in logits if node in self.lifts})
        every = {**legs, CROSS_ENCODER: logits}
        return fuse(every, rule=_RULE, weights=self.weights, bounds=self.bounds, mentions=lifts).scores

    def ceilings(self, candidates: Collection[str]) -> dict[str, float]:
        """The score each candidate would have with the best pair score of all, highest first."""
        bounds = {**self.bounds, CROSS_ENCODER: Bounds(0.0, 1.0)}
        return Blend(self.legs, bounds, self.weights, self.lifts).scores(dict.fromkeys(candidates, 1.0))


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
    known = share_weights(weights, [*legs, CROSS_ENCODER])
    return _with_links(Blend(legs, bounds, known, record.lifts), candidates, record)


def _with_links(blend: Blend, candidates: Collection[str], record: RetrievalRecord) -> Blend:
    """The same with the links that the retrieval followed as one more leg, which shares the weight of the legs."""
    strengths = {node: record.links[node].strength for node in candidates if node in record.links}
    if not strengths:
        return blend
    left = 1.0 - blend.weights[CROSS_ENCODER]
    shares = {leg: (1.0 - record.link_weight) * part for leg, part in blend.weights.items() if leg != CROSS_ENCODER}
    return Blend(
        {**blend.legs, _LINKS: strengths},
        {**blend.bounds, _LINKS: Bounds(0.0, 1.0)},
        {**shares, _LINKS: record.link_weight * left, CROSS_ENCODER: blend.weights[CROSS_ENCODER]},
        blend.lifts,
    )


def blend_with_scores(retrieval: Mapping[str, float | None], share: float) -> Blend:
    """The retrieval's own score, min-max normalised over the candidates, and the pair score.

    Args:
        retrieval: node id -> retrieval score, in the order the candidates came in, which says what the scores mean
            (`read_retrieval`). Where no candidate has one, the pair score decides.
        share: weight of the pair score, in [0, 1].

    Examples:
        >>> blend_with_scores({"a": 0.9, "b": 0.4}, share=0.25).scores({"a": 1.0, "b": 3.0})
        {'a': 0.75, 'b': 0.25}
        >>> blend_with_scores({"near": 0.2, "far": 1.4}, share=0.25).scores({"near": 1.0, "far": 3.0})
        {'near': 0.75, 'far': 0.25}
    """
    known = read_retrieval(retrieval)
    if not known:
        return Blend({}, {}, {CROSS_ENCODER: 1.0})
    bounds = {_RETRIEVAL: find_bounds(_RULE.normalizer, known.values())}
    return Blend({_RETRIEVAL: known}, bounds, {_RETRIEVAL: 1.0 - share, CROSS_ENCODER: share})


def read_retrieval(scores: Mapping[str, float | None]) -> dict[str, float]:
    """Scores of candidates for which higher is better; none where nobody gave any.

    Distances and missing scores are read as a leg's are. Finite scores that both rise and fall stay what they are:
    another postprocessor has put the candidates into an order of its own.

    Examples:
        >>> read_retrieval({"a": 0.5, "b": 0.9, "c": 0.7}), read_retrieval({"a": None, "b": None})
        ({'a': 0.5, 'b': 0.9, 'c': 0.7}, {})
    """
    given = {node: float(score) for node, score in scores.items() if score is not None}
    if not given:
        return {}
    values, reading = read_scores(list(scores.values()))
    shuffled = reading == "order" and len(given) == len(scores) and all(map(math.isfinite, given.values()))
    return given if shuffled else dict(zip(scores, values, strict=True))


def _known_scores(record: RetrievalRecord, leg: str, candidates: Collection[str]) -> dict[str, float]:
    scores = {node: record.leg_score(leg, node) for node in candidates}
    return {node: score for node, score in scores.items() if score is not None}


def _leg_bounds(record: RetrievalRecord, leg: str) -> Bounds:
    """The bounds of the retrieval, or those of the leg's whole list where its rule looked at ranks alone."""
    given = record.bounds.get(leg)
    return given or find_bounds(_RULE.normalizer, [hit.score for hit in record.legs[leg].values()])
