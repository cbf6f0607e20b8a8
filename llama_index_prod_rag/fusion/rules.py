"""The rules that make one order of several legs' scores.

Sources: Bruch, Gai, Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval" (TOIS 2023) for the convex
combination; Cormack, Clarke, Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and Individual Rank Learning
Methods" (SIGIR 2009); Mazzeschi, "Distribution-Based Score Fusion" (2023).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast, get_args, runtime_checkable

from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.fusion.mentions import Mentions
from llama_index_prod_rag.fusion.normalizers import Bounds, Normalizer, find_bounds

_DBSF = "dbsf"
_RRF = "rrf"
RULE_NAMES: tuple[str, ...] = (*(n for n in get_args(Normalizer) if n != "three-sigma"), _RRF, _DBSF)
"""What `parse_rule` understands: a normalizer's name for the convex combination, `rrf` (or `rrf:K`), `dbsf`."""


@runtime_checkable
class FusionRule(Protocol):
    """How one leg's scores become marks between 0 and 1; a node's score is the weighted mean of its marks.

    `str(rule)` is its name in the record. A rule of your own is any object with these two methods:

    Examples:
        >>> class Squared:
        ...     def bounds(self, scores, floor):
        ...         return Bounds(0.0, max(scores, default=0.0))
        ...     def marks(self, scores, bounds):
        ...         return {node: bounds.normalize(score) ** 2 for node, score in scores.items()}
        >>> fuse({"bm25": {"a": 4.0, "b": 2.0}}, rule=Squared(), weights={"bm25": 1}).scores
        {'a': 1.0, 'b': 0.25}
    """

    def bounds(self, scores: Collection[float], floor: float | None) -> Bounds | None:
        """Find what a leg's own list is normalised by; None for a rule that looks at the order alone.

        Args:
            scores: the leg's scores, finite, higher is better; may be empty.
            floor: the lowest score that the leg could ever give, where known.
        """
        ...

    def marks(self, scores: Mapping[str, float], bounds: Bounds | None) -> Mapping[str, float]:
        """Give each node a mark between 0 and 1.

        Args:
            scores: id -> score; beside the leg's own list, scores that were computed afterwards.
            bounds: what `bounds` returned for the leg's own list, or those of an earlier fusion that this leg was in.
        """
        ...


@dataclass(frozen=True, slots=True)
class ConvexCombination:
    """Weighted mean of the legs' normalised scores. With `three-sigma` it is distribution-based score fusion (DBSF).

    Attributes:
        normalizer: how each leg's scores are brought to [0, 1].
    """

    normalizer: Normalizer = "min-max"

    def __post_init__(self) -> None:
        if self.normalizer not in get_args(Normalizer):
            raise ConfigurationError(f"unknown normalizer {self.normalizer!r}: choose one of {get_args(Normalizer)}")

    def __str__(self) -> str:
        return _DBSF if self.normalizer == "three-sigma" else self.normalizer

    def bounds(self, scores: Collection[float], floor: float | None) -> Bounds:
        """Find the bounds that the normalizer places around the scores."""
        return find_bounds(self.normalizer, scores, floor=floor)

    def marks(self, scores: Mapping[str, float], bounds: Bounds | None) -> dict[str, float]:
        """Find each score's place between the bounds."""
        bounds = bounds if bounds is not None else self.bounds(scores.values(), None)
        return {node: bounds.normalize(score) for node, score in scores.items()}


@dataclass(frozen=True, slots=True)
class ReciprocalRankFusion:
    """Weighted mean of (k + 1) / (k + rank), ranks from 1; equal scores share the better rank.

    The factor k + 1 changes no order: it makes the first in every leg score 1 instead of 1 / 61.

    Attributes:
        k: how slowly rank loses its weight, above 0; 60 in the paper.
    """

    k: float = 60.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.k) and self.k > 0):
            raise ConfigurationError(f"reciprocal rank fusion needs a k above 0, not {self.k}")

    def __str__(self) -> str:
        return f"{_RRF}:{self.k:g}"

    def bounds(self, scores: Collection[float], floor: float | None) -> None:
        """Return None: ranks need no bounds, since only the order counts."""

    def marks(self, scores: Mapping[str, float], bounds: Bounds | None) -> dict[str, float]:  # noqa: ARG002
        """Compute the formula by rank among the given scores."""
        ranks: dict[float, int] = {}
        for rank, score in enumerate(sorted(scores.values(), reverse=True), start=1):
            ranks.setdefault(score, rank)
        return {node: (self.k + 1.0) / (self.k + ranks[score]) for node, score in scores.items()}


def parse_rule(name: str | FusionRule) -> FusionRule:
    """Return the rule that a name stands for; `str(rule)` gives the name back.

    Args:
        name: one of `RULE_NAMES`; `rrf:10` sets k. A rule is returned as it is.

    Raises:
        ConfigurationError: no rule has that name, or it is neither a name nor a rule.

    Examples:
        >>> parse_rule("theoretical-min-max")
        ConvexCombination(normalizer='theoretical-min-max')
        >>> parse_rule("rrf"), str(parse_rule("rrf:10"))
        (ReciprocalRankFusion(k=60.0), 'rrf:10')
    """
    if not isinstance(name, str):
        if isinstance(name, FusionRule):
            return name
        raise ConfigurationError(f"{name!r} is not a fusion rule: give a name, or an object with bounds() and marks()")
    kind, _, parameter = name.partition(":")
    if kind == _RRF:
        try:
            return ReciprocalRankFusion(float(parameter)) if parameter else ReciprocalRankFusion()
        except ValueError:
            raise ConfigurationError(f"{name!r}: write rrf, or rrf:K with a number above 0") from None
    if name == _DBSF:
        return ConvexCombination("three-sigma")
    if name not in RULE_NAMES:
        raise ConfigurationError(f"unknown fusion rule {name!r}: choose one of {', '.join(RULE_NAMES)}")
    return ConvexCombination(cast("Normalizer", name))


@dataclass(frozen=True, slots=True)
class Fusion:
    """Holds the one order that several legs' scores were put in.

    Attributes:
        scores: id -> fused score in [0, 1], best first; equal scores by id.
        bounds: leg -> what its scores were normalised by; empty for rules that look at ranks.
        lifts: id -> how far what the question names lifted the node, above 0 and at most 1; see `fuse`.
    """

    scores: dict[str, float]
    bounds: dict[str, Bounds]
    lifts: dict[str, float] = field(default_factory=dict)


def fuse(
    legs: Mapping[str, Mapping[str, float]],
    *,
    rule: FusionRule,
    weights: Mapping[str, float],
    floors: Mapping[str, float] | None = None,
    bounds: Mapping[str, Bounds] | None = None,
    mentions: Mentions | None = None,
) -> Fusion:
    """Put several legs' scores for one query in one order.

    A node that a leg does not list gets 0 from it. A leg that lists nothing keeps its weight: finding nothing is an
    answer. A leg that could not answer is left out of `legs`, and the others' weights are scaled up.

    What the question names lifts the nodes that hold it towards 1: a lift of 1 ends at 1, one of 0 changes nothing
    (score + (1 - score) * lift). Exact mentions lift by what they are; words by that times the node's best mark.

    Args:
        legs: leg -> id -> raw score, finite, higher is better.
        rule: how to combine them.
        weights: leg -> weight, not negative, for every leg in `legs`; they need not sum to 1.
        floors: leg -> lowest score it could ever give, where known; `theoretical-min-max` needs all of them.
        bounds: leg -> bounds to normalise by instead of those of the leg's own list: to add a leg to an earlier
            fusion, or to keep the scale when `legs` holds scores computed afterwards.
        mentions: what `find_mentions` found; None lifts nothing.

    Returns:
        The order and the bounds it used.

    Raises:
        ConfigurationError: weights are missing, negative or all zero.
        InputError: a score is not a finite number.

    Examples:
        >>> legs = {"dense": {"a": 0.9, "b": 0.5, "c": 0.1}, "bm25": {"b": 12.0, "d": 4.0}}
        >>> fuse(legs, rule=parse_rule("min-max"), weights={"dense": 0.5, "bm25": 0.5}).scores
        {'b': 0.75, 'a': 0.5, 'c': 0.0, 'd': 0.0}
    """
    shares = share_weights(weights, legs)
    found = leg_bounds(rule, legs, floors=floors, given=bounds)
    marks = leg_marks(legs, rule, found)
    lifts = _lifts([marks[leg] for leg, share in shares.items() if share > 0.0], mentions or Mentions())
    nodes = {node for scores in legs.values() for node in scores}
    means = {node: math.fsum(share * marks[leg].get(node, 0.0) for leg, share in shares.items()) for node in nodes}
    fused = {node: apply_lift(mean, lifts.get(node, 0.0)) for node, mean in means.items()}
    return Fusion(dict(sorted(fused.items(), key=lambda item: (-item[1], item[0]))), found, lifts)


def apply_lift(score: float, lift: float) -> float:
    """Move a score in [0, 1] towards 1 by a share of what is missing.

    Examples:
        >>> apply_lift(0.5, 0.0), apply_lift(0.5, 0.5), apply_lift(0.5, 1.0)
        (0.5, 0.75, 1.0)
    """
    return score + (1.0 - score) * lift if lift else score


def _lifts(marks: Sequence[Mapping[str, float]], mentions: Mentions) -> dict[str, float]:
    """The lift of each node that one of these legs knows; a leg without weight brings nobody in."""
    lifts: dict[str, float] = {}
    for node in sorted(mentions.exact.keys() | mentions.words.keys()):
        best = max((found[node] for found in marks if node in found), default=None)
        if best is not None:
            lift = max(mentions.exact.get(node, 0.0), mentions.words.get(node, 0.0) * best)
            lifts |= {node: lift} if lift > 0.0 else {}
    return lifts


def share_weights(weights: Mapping[str, float], legs: Collection[str]) -> dict[str, float]:
    """Compute the weights of some legs, scaled to sum to 1.

    Raises:
        ConfigurationError: a leg has no weight, one is negative or not finite, or all are zero.

    Examples:
        >>> share_weights({"dense": 3, "bm25": 1, "late": 4}, ["dense", "bm25"])
        {'dense': 0.75, 'bm25': 0.25}
    """
    if missing := [leg for leg in legs if leg not in weights]:
        raise ConfigurationError(f"no weight for {', '.join(missing)}: weights has {', '.join(weights) or 'no leg'}")
    chosen = {leg: float(weights[leg]) for leg in legs}
    if not all(math.isfinite(weight) and weight >= 0 for weight in chosen.values()):
        raise ConfigurationError(f"weights must be finite and not negative: {chosen}")
    total = math.fsum(chosen.values())
    if legs and not total > 0:
        raise ConfigurationError(f"at least one of {', '.join(legs)} needs a weight above 0")
    return {leg: weight / total for leg, weight in chosen.items()}


def leg_bounds(
    rule: FusionRule,
    legs: Mapping[str, Mapping[str, float]],
    *,
    floors: Mapping[str, float] | None = None,
    given: Mapping[str, Bounds] | None = None,
) -> dict[str, Bounds]:
    """Find what a rule normalises each leg by: the bounds given for it, else those of its own list; ranks need none."""
    floors, given = floors or {}, given or {}
    own = {leg: rule.bounds(scores.values(), floors.get(leg)) for leg, scores in legs.items()}
    return {leg: given.get(leg, bounds) for leg, bounds in own.items() if bounds is not None}


def leg_marks(
    legs: Mapping[str, Mapping[str, float]], rule: FusionRule, bounds: Mapping[str, Bounds]
) -> dict[str, Mapping[str, float]]:
    """Compute what each leg gives each of its nodes, between 0 and 1, before it is weighted.

    Args:
        legs: leg -> id -> raw score.
        rule: how the legs are combined.
        bounds: leg -> bounds, for every leg where the rule normalises scores.

    Raises:
        InputError: a score is not a finite number.
        ConfigurationError: the rule gave a mark that is not between 0 and 1.
    """
    for leg, scores in legs.items():
        if not all(map(math.isfinite, scores.values())):
            raise InputError(f"the leg {leg!r} gave a score that is not a finite number")
    marks = {leg: rule.marks(scores, bounds.get(leg)) for leg, scores in legs.items()}
    for leg, given in marks.items():
        if not all(0.0 <= mark <= 1.0 for mark in given.values()):
            raise ConfigurationError(
                f"the fusion rule {rule} gave a node of {leg!r} a mark that is not between 0 and 1"
            )
    return marks
