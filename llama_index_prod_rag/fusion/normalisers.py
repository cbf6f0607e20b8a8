"""Bring each leg's scores onto one scale, and remember the bounds that did it.

The bounds travel with the retrieval record: whoever adds another leg later (the reranker) normalises by the same ones.

Sources: Bruch, Gai, Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval" (TOIS 2023) for min-max, theoretical
min-max and z-score; Mazzeschi, "Distribution-Based Score Fusion" (2023) for the three-sigma bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from llama_index_prod_rag.errors import ConfigurationError

Normaliser = Literal["max", "min-max", "theoretical-min-max", "z-score", "three-sigma"]
"""Names of the normalisers; `three-sigma` is the one inside distribution-based score fusion."""

_SPREAD_SIGMAS = 3.0  # both distribution-based rules place their bounds three standard deviations from the mean


@dataclass(frozen=True, slots=True)
class Bounds:
    """The scores that become 0 and 1.

    Attributes:
        low: score that is mapped to 0.
        high: score that is mapped to 1; never below `low`.
    """

    low: float
    high: float

    def normalise(self, score: float) -> float:
        """Map a score to [0, 1], clipping what lies outside the bounds.

        A leg whose bounds coincide says nothing about order, so every score maps to the middle, not to full marks.

        Examples:
            >>> Bounds(2.0, 4.0).normalise(3.0)
            0.5
            >>> Bounds(2.0, 2.0).normalise(2.0)
            0.5
        """
        if not self.high > self.low:
            return 0.5
        return min(1.0, max(0.0, (score - self.low) / (self.high - self.low)))


def find_bounds(normaliser: Normaliser, scores: Collection[float], *, floor: float | None = None) -> Bounds:
    """Bounds of one leg's list.

    Args:
        normaliser: which rule places them.
        scores: the leg's raw scores for one query, in any order, finite.
        floor: the lowest score the leg could ever give (0 for BM25, -1 for cosine similarity). `theoretical-min-max`
            requires it. For the other rules it only decides a list of one score, whose own minimum says nothing.

    Returns:
        The bounds; `Bounds(0, 0)` for an empty list.

    Raises:
        ConfigurationError: `theoretical-min-max` without a floor, or an unknown name.

    Examples:
        >>> find_bounds("min-max", [1.0, 3.0, 2.0])
        Bounds(low=1.0, high=3.0)
        >>> find_bounds("theoretical-min-max", [0.4, 0.8], floor=-1.0)
        Bounds(low=-1.0, high=0.8)
    """
    if normaliser not in _RULES:
        raise ConfigurationError(f"unknown normaliser {normaliser!r}: choose one of {', '.join(_RULES)}")
    if normaliser == "theoretical-min-max" and floor is None:
        raise ConfigurationError(
            "theoretical-min-max needs each leg's lowest possible score: pass floors={'bm25': 0.0, 'dense': -1.0}"
        )
    if not scores:
        return Bounds(0.0, 0.0)
    return _RULES[normaliser](list(scores), floor)


def _maximum(scores: list[float], floor: float | None) -> Bounds:
    # The textbook's s / max(s). Negative scores cannot be divided by their maximum: zero is the floor of this rule.
    return (
        Bounds(0.0, max(0.0, *scores))
        if floor is None or floor >= 0.0 or min(scores) >= 0.0
        else Bounds(floor, max(scores))
    )


def _min_max(scores: list[float], floor: float | None) -> Bounds:  # noqa: ARG001 - one signature for all rules
    return Bounds(min(scores), max(scores))


def _theoretical_min_max(scores: list[float], floor: float | None) -> Bounds:
    low = min(scores) if floor is None else min(floor, *scores)
    return Bounds(low, max(scores))


def _mean_and_spread(scores: list[float]) -> tuple[float, float]:
    mean = math.fsum(scores) / len(scores)
    return mean, math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / len(scores))


def _sigmas(scores: list[float], floor: float | None) -> Bounds:  # noqa: ARG001
    mean, spread = _mean_and_spread(scores)
    return Bounds(mean - _SPREAD_SIGMAS * spread, mean + _SPREAD_SIGMAS * spread)


_RULES: dict[str, Callable[[list[float], float | None], Bounds]] = {
    "max": _maximum,
    "min-max": _min_max,
    "theoretical-min-max": _theoretical_min_max,
    "z-score": _sigmas,
    "three-sigma": _sigmas,
}
