"""Where a score stands among others, so that scores of different models mean the same. Core: numbers.

A signal's distribution is kept as its values at fixed levels. Two uses: a value far outside of what a calibration was
fitted on is on another scale, and a value is placed on another pipeline's scale by its level (quantile matching:
Kolen and Brennan, "Test Equating, Scaling, and Linking", 2014, equipercentile equating).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

LEVELS = (0.0, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 1.0)
"""Levels at which a distribution is kept."""

Quantiles: TypeAlias = tuple[float, ...]
"""Values of a signal at `LEVELS`, rising."""

_LOW, _HIGH = LEVELS.index(0.025), LEVELS.index(0.975)
_FIFTHS = (LEVELS.index(0.2), LEVELS.index(0.8))
_WIDER = 3.0
_MOSTLY = 0.7


def quantiles(values: Iterable[float]) -> Quantiles:
    """Summarize a distribution by its quantiles; it needs at least one value.

    Examples:
        >>> quantiles([1.0, 3.0])[7]
        2.0
    """
    return tuple(float(value) for value in np.quantile(list(values), LEVELS))


def distributions(rows: Sequence[Mapping[str, float]]) -> dict[str, Quantiles]:
    """Summarize the distribution of each signal over the questions that have it, in the order of the names."""
    values: dict[str, list[float]] = {}
    for row in rows:
        for name, value in row.items():
            values.setdefault(name, []).append(value)
    return {name: quantiles(values[name]) for name in sorted(values)}


def is_usual(value: float, known: Quantiles) -> bool:
    """Whether a value lies where 95 % of the known ones do."""
    return known[_LOW] <= value <= known[_HIGH]


def is_possible(value: float, known: Quantiles) -> bool:
    """Whether a value lies at most twice the known range outside of it."""
    slack = 2.0 * (known[-1] - known[0])
    return known[0] - slack <= value <= known[-1] + slack


def level(value: float, known: Quantiles) -> float:
    """Compute the share of the known values below a value, 0 to 1; the middle where several levels share it.

    Examples:
        >>> level(25.0, quantiles(range(101))), level(-1.0, quantiles(range(101)))
        (0.25, 0.0)
    """
    left, right = bisect_left(known, value), bisect_right(known, value)
    if left < right:
        return (LEVELS[left] + LEVELS[right - 1]) / 2.0
    if left in (0, len(known)):
        return LEVELS[0] if left == 0 else LEVELS[-1]
    share = (value - known[left - 1]) / (known[left] - known[left - 1])
    return LEVELS[left - 1] + share * (LEVELS[left] - LEVELS[left - 1])


def excess(levels: Iterable[float]) -> float:
    """How far values lie above where they should, 0 to 1: the one-sided Kolmogorov-Smirnov distance of their levels.

    Examples:
        >>> excess([0.25, 0.5, 0.75]), excess([0.95, 0.96]), excess([0.01, 0.02])
        (0.25, 0.95, 0.01)
    """
    rising = sorted(levels)
    return max(at - place / len(rising) for place, at in enumerate(rising))


def spread(known: Quantiles) -> float:
    """From the first fifth to the last, in which three of five values lie."""
    low, high = _FIFTHS
    return known[high] - known[low]


def is_same_scale(values: Sequence[float], known: Quantiles) -> bool:
    """Whether values may be on the scale of the known ones: as wide to a factor of three, and mostly usual there.

    Native scores of one collection differ less than that from those of another; scores in 0..1 are ten times narrower
    than logits, and dot products of long vectors as much wider than cosines.
    """
    ratio = spread(quantiles(values)) / (spread(known) or 1.0)
    usual = sum(is_usual(value, known) for value in values)
    return 1.0 / _WIDER <= ratio <= _WIDER and usual >= _MOSTLY * len(values)


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps one pipeline's values of a signal to another's.

    Attributes:
        own: the distribution in this pipeline.
        reference: the distribution of the same questions' kind where a head was fitted.

    Examples:
        >>> celsius, fahrenheit = quantiles(range(101)), quantiles(32 + 1.8 * t for t in range(101))
        >>> round(Scale(celsius, fahrenheit).place(37.0), 6), round(Scale(celsius, fahrenheit).place(110.0), 6)
        (98.6, 230.0)
    """

    own: Quantiles
    reference: Quantiles

    def place(self, value: float) -> float:
        """Find the value on the reference's scale; beyond the ends it goes on as fast as the middle does."""
        if value < self.own[0]:
            return self.reference[0] - (self.own[0] - value) * self._speed()
        if value > self.own[-1]:
            return self.reference[-1] + (value - self.own[-1]) * self._speed()
        return float(np.interp(level(value, self.own), LEVELS, self.reference))

    def _speed(self) -> float:
        return spread(self.reference) / spread(self.own) if spread(self.own) > 0 else 0.0
