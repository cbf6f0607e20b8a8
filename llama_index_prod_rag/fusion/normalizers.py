"""Bring each leg's scores onto one scale, and remember the bounds that did it.

The bounds travel with the retrieval record: whoever adds another leg later (the reranker) normalises by the same ones.

Sources: Bruch, Gai, Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval" (TOIS 2023) for min-max, theoretical
min-max and z-score; Mazzeschi, "Distribution-Based Score Fusion" (2023) for the three-sigma bounds.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal, get_args

from llama_index_prod_rag.errors import ConfigurationError

Normalizer = Literal["max", "min-max", "theoretical-min-max", "z-score", "three-sigma"]
"""Names of the normalizers; `three-sigma` is the one inside distribution-based score fusion."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Holds the scores of a leg that become 0 and 1.

    Attributes:
        low: score that is mapped to 0.
        high: score that is mapped to 1; never below `low`.
    """

    low: float
    high: float

    def normalize(self, score: float) -> float:
        """Map a score to [0, 1], clipping what lies outside the bounds.

        Bounds coincide when a leg found one hit, or gave all the same score. Such a leg separates what it found from
        what it did not find and says no more: its hits get half marks, not full ones.

        Examples:
            >>> Bounds(2.0, 4.0).normalize(3.0)
            0.5
            >>> Bounds(2.0, 2.0).normalize(2.0), Bounds(2.0, 2.0).normalize(1.0)
            (0.5, 0.0)
        """
        if not self.high > self.low:
            return 0.5 if score >= self.low else 0.0
        if math.isinf(self.high - self.low):  # a quarter of the largest float and its opposite are less than it apart
            return Bounds(self.low / 4.0, self.high / 4.0).normalize(score / 4.0)
        return min(1.0, max(0.0, (score - self.low) / (self.high - self.low)))


def find_bounds(normalizer: Normalizer, scores: Collection[float], *, floor: float | None = None) -> Bounds:
    """Find the scores that become 0 and 1 when one leg's list is normalized.

    | normalizer | 0 is at | 1 is at |
    |---|---|---|
    | `max` | 0, or the floor where scores are negative | the best score |
    | `min-max` | the worst score | the best score |
    | `theoretical-min-max` | the floor | the best score |
    | `z-score` | the worst score | six standard deviations above it |
    | `three-sigma` | three standard deviations below the mean | three above it |

    `z-score` and `three-sigma` have the same slope and differ in what a node that the leg missed is worth. A shift by
    a constant per leg does not change an order, so `z-score` orders as the sum of (s - mean) / deviation does when a
    missing node counts as the leg's worst hit (the plain formula's 0 would count it as an average one). `three-sigma`,
    as published, counts it as three deviations below the mean.

    Args:
        normalizer: which rule places them.
        scores: the leg's raw scores for one query, in any order, finite.
        floor: the lowest score the leg could ever give (0 for BM25, -1 for cosine similarity). `theoretical-min-max`
            and, for negative scores, `max` use it, the others do not look at it. Without one, or with one on another
            scale, `theoretical-min-max` takes 0 where no score is negative, else the worst score less the largest
            absolute one.

    Returns:
        The bounds. Where all scores are equal (a leg of one hit) both are that score, whatever the rule, because one
        number says nothing about a scale; `Bounds(0, 0)` for an empty list.

    Raises:
        ConfigurationError: the name is unknown.

    Examples:
        >>> find_bounds("min-max", [1.0, 3.0, 2.0])
        Bounds(low=1.0, high=3.0)
        >>> find_bounds("theoretical-min-max", [0.4, 0.8], floor=-1.0)
        Bounds(low=-1.0, high=0.8)
        >>> find_bounds("max", [7.0])
        Bounds(low=7.0, high=7.0)
    """
    if normalizer not in _RULES:
        raise ConfigurationError(f"unknown normalizer {normalizer!r}: choose one of {', '.join(get_args(Normalizer))}")
    if not scores:
        return Bounds(0.0, 0.0)
    worst, best = min(scores), max(scores)
    return Bounds(worst, best) if worst == best else _RULES[normalizer](list(scores), floor)


def _maximum(scores: list[float], floor: float | None) -> Bounds:
    # The textbook divides by the maximum, which needs scores of one sign: below zero the scale starts at the floor.
    low = 0.0 if min(scores) >= 0.0 else min(scores if floor is None else [floor, *scores])
    return Bounds(low, max(scores))


def _min_max(scores: list[float], floor: float | None) -> Bounds:  # noqa: ARG001 - one signature for all rules
    return Bounds(min(scores), max(scores))


# Scores that stay a thousand times nearer to 0 than the floor are on another scale: exp(-distance), say, where -1 is
# the lowest cosine.
_FLOOR_REACH = 1_000.0


def _theoretical_min_max(scores: list[float], floor: float | None) -> Bounds:
    worst, largest = min(scores), max(map(abs, scores))
    if floor is None or abs(floor) > _FLOOR_REACH * largest:
        floor = 0.0 if worst >= 0.0 else _clamp(worst - largest)
    return Bounds(min(floor, worst), max(scores))


def _mean_and_deviation(scores: list[float]) -> tuple[float, float]:
    unit = max(map(abs, scores))  # not 0: equal scores never come here; squares of large scores would overflow
    parts = [score / unit for score in scores]
    mean = math.fsum(parts) / len(parts)
    return mean * unit, math.sqrt(math.fsum((part - mean) ** 2 for part in parts) / len(parts)) * unit


def _clamp(score: float) -> float:
    return min(sys.float_info.max, max(-sys.float_info.max, score))


def _z_score(scores: list[float], floor: float | None) -> Bounds:  # noqa: ARG001
    _, deviation = _mean_and_deviation(scores)
    return Bounds(min(scores), _clamp(min(scores) + 6.0 * deviation))


def _three_sigma(scores: list[float], floor: float | None) -> Bounds:  # noqa: ARG001
    mean, deviation = _mean_and_deviation(scores)
    return Bounds(_clamp(mean - 3.0 * deviation), _clamp(mean + 3.0 * deviation))


_RULES: dict[str, Callable[[list[float], float | None], Bounds]] = {
    "max": _maximum,
    "min-max": _min_max,
    "theoretical-min-max": _theoretical_min_max,
    "z-score": _z_score,
    "three-sigma": _three_sigma,
}
