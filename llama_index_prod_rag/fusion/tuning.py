"""A handful of labelled queries to weights for the legs, shrunk towards the default.

Few labels name a best weight that is mostly chance. Three things hold it back: the best weights are averaged over
bootstrap samples of the labels (Breiman, "Bagging Predictors", 1996), the average is moved towards the default as if
that had labels of its own, and the default stays where held-out labels speak against leaving it: where weights found
the same way on four fifths of the labels lose more than a standard error to it on the other fifth.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.fusion.normalizers import Bounds
from llama_index_prod_rag.fusion.rules import FusionRule, leg_bounds, leg_marks, share_weights
from llama_index_prod_rag.significance import Interval, bootstrap_mean

MIN_LABELS = 10
"""Fewer labelled queries than this are refused: nothing could be held out."""

PRIOR = 20.0
"""How many labels the default is worth. On the train queries of five public sets 10 and 15 gain a little more with
few labels and lose to the default more often, 30 gains less."""

_DEPTH = 10  # the metric is nDCG@10
_RESAMPLES = 50
_FOLDS = 5
_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LabeledQuery:
    """What every leg said about one query, and what is right.

    Attributes:
        legs: leg -> id -> raw score.
        relevant: id -> grade; 0 or less is judged not relevant. Ids that no leg found count as missed.
        bounds: leg -> bounds to normalise by, where they are not those of the leg's own list.
        default: leg -> weight of this query untuned, where the default depends on the query.
        lifts: id -> how far what the query names lifts it, whatever the weights (`Fusion.lifts`).
    """

    legs: Mapping[str, Mapping[str, float]]
    relevant: Mapping[str, int]
    bounds: Mapping[str, Bounds] = field(default_factory=dict)
    default: Mapping[str, float] | None = None
    lifts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tuning:
    """Holds the weights that were chosen, and what speaks for them.

    Attributes:
        weights: leg -> weight, summing to 1; the default's where held-out labels speak against any other.
        default: leg -> weight before tuning.
        labels: number of labelled queries.
        gain: cross-validated gain in nDCG@10 over the default, of weights found without the query they are measured
            on, with its bootstrap interval.
        curve: (leg -> weight, mean nDCG@10 over the labels) for each point of the grid. It is optimistic: these are
            the labels that were tuned on.
    """

    weights: Mapping[str, float]
    default: Mapping[str, float]
    labels: int
    gain: Interval
    curve: Sequence[tuple[Mapping[str, float], float]] = field(repr=False)

    @property
    def kept_default(self) -> bool:
        """Whether the default was returned, because held-out labels spoke against leaving it."""
        return self.weights == self.default

    @property
    def statement(self) -> str:
        """Say what the labels allow one to say, in a sentence."""
        gain = f"{self.gain.mean:+.3f} nDCG@10, 95 % interval {self.gain.low:+.3f} to {self.gain.high:+.3f}"
        if self.gain.low > 0.0:
            return f"The tuned weights are better than the default: {gain} on labels that were held out."
        verdict = "No setting is better than the default within noise"
        if self.kept_default:
            return f"{verdict} ({gain}): the default stays."
        return f"{verdict} ({gain}); the tuned weights lean from it towards what did best on these labels."


def tune_weights(
    queries: Sequence[LabeledQuery],
    *,
    default: Mapping[str, float],
    rule: FusionRule,
    floors: Mapping[str, float] | None = None,
    prior: float = PRIOR,
    seed: int = 0,
) -> Tuning:
    """Choose weights for any number of legs from labelled queries.

    Args:
        queries: at least `MIN_LABELS`, each with at least one relevant id.
        default: leg -> weight, for every leg in the queries; need not sum to 1. Where queries have a default of their
            own, the gain is the one over that, and this is what the weights are shrunk to.
        rule: how the legs are combined.
        floors: as `fuse` takes them.
        prior: how many labels the default is worth.
        seed: of the resampling and the folds; the same seed gives the same weights.

    Raises:
        InputError: too few queries, or one without a relevant id.
        ConfigurationError: default or floors do not fit the legs.

    Examples:
        >>> from llama_index_prod_rag.fusion.rules import ConvexCombination
        >>> legs = {"dense": {"a": 0.9, "b": 0.1}, "bm25": {"b": 5.0, "a": 1.0}}
        >>> labelled = [LabeledQuery(legs, {"b": 1})] * 20
        >>> tuning = tune_weights(labelled, default={"dense": 0.5, "bm25": 0.5}, rule=ConvexCombination())
        >>> round(tuning.weights["bm25"], 2), tuning.gain.low > 0
        (0.53, True)
    """
    table = WeightTable.build(queries, default=default, rule=rule, floors=floors)
    return table.tune(np.arange(len(queries)), prior=prior, seed=seed)


@dataclass(frozen=True, slots=True)
class _Prepared:
    marks: _Floats  # one row per id, one column per leg; ids sorted, so that ties go as in `fuse`
    lifts: _Floats  # one per id
    gains: _Floats  # one per id
    ideal: float

    def ndcg(self, weights: _Floats) -> _Floats:
        """Compute nDCG@10 for each row of weights."""
        means = self.marks @ weights.T
        scores = means + (1.0 - means) * self.lifts[:, None]
        order = np.argsort(-scores, axis=0, kind="stable")[:_DEPTH]
        result: _Floats = (self.gains[order] * _discounts(len(order))[:, None]).sum(axis=0) / self.ideal
        return result


@dataclass(frozen=True, slots=True)
class WeightTable:
    """nDCG@10 of every query under every weighting of a grid: tune on some queries, measure on others.

    Attributes:
        legs: names, in the order of the weights.
        default: weights before tuning.
        grid: weightings, one per row; nearest to the default first, so that ties go to it.
        values: one row per query, one column per weighting.
        untuned: each query under its default.
    """

    legs: tuple[str, ...]
    default: _Floats
    grid: _Floats
    values: _Floats
    untuned: _Floats
    _prepared: tuple[_Prepared, ...] = field(repr=False)

    @classmethod
    def build(
        cls,
        queries: Sequence[LabeledQuery],
        *,
        default: Mapping[str, float],
        rule: FusionRule,
        floors: Mapping[str, float] | None = None,
        grid: Sequence[Mapping[str, float]] = (),
    ) -> WeightTable:
        """Score every query under every weighting.

        Args:
            queries: labelled queries.
            default: leg -> weight before tuning.
            rule: how the legs are combined.
            floors: as `fuse` takes them.
            grid: the weightings to try; all of them in steps of a twentieth (with three legs or more, a tenth) where
                it is empty.

        Raises:
            InputError: a query has no relevant id.
            ConfigurationError: default or floors do not fit the legs.
        """
        legs = tuple(default)
        start = _weight_row(default, legs)
        points = simplex_grid(len(legs), 20 if len(legs) < 3 else 10)
        if grid:
            points = np.stack([_weight_row(point, legs) for point in grid])
        points = points[np.argsort(np.abs(points - start).sum(axis=1), kind="stable")]
        prepared = tuple(_prepare(query, legs, rule, floors) for query in queries)
        values = np.stack([one.ndcg(points) for one in prepared]) if prepared else np.zeros((0, len(points)))
        own = [_weight_row({**dict.fromkeys(legs, 0.0), **(query.default or default)}, legs) for query in queries]
        untuned = np.asarray([one.ndcg(row[None])[0] for one, row in zip(prepared, own, strict=True)])
        return cls(legs, start, points, values, untuned, prepared)

    def only(self, leg: str) -> _Floats:
        """Give the weights that leave one leg alone."""
        return np.asarray([float(name == leg) for name in self.legs])

    def at(self, rows: NDArray[np.intp], weights: _Floats) -> _Floats:
        """Compute nDCG@10 of some queries under any weights."""
        return np.asarray([self._prepared[row].ndcg(weights[None])[0] for row in rows])

    def tune(self, rows: NDArray[np.intp], *, prior: float = PRIOR, seed: int = 0) -> Tuning:
        """Choose the legs' weights from the labels of some queries.

        Raises:
            InputError: they are fewer than `MIN_LABELS`.
        """
        if len(rows) < MIN_LABELS:
            raise InputError(f"{len(rows)} labelled questions are too few to tune on: give at least {MIN_LABELS}")
        rng = np.random.default_rng(seed)
        gains = self._held_out_gains(rows, prior, rng)
        # Asking for a gain above 0 would let chance decide: the sign of so few differences is little more than that,
        # and the prior already keeps weights from few labels near the default.
        refuted = gains.mean() <= -gains.std(ddof=1) / math.sqrt(len(gains))
        weights = self.default if refuted else self._estimate(rows, prior, rng)
        means = self.values[rows].mean(axis=0)
        return Tuning(
            self._name_weights(weights),
            self._name_weights(self.default),
            len(rows),
            bootstrap_mean(gains, seed=seed),
            [(self._name_weights(point), float(mean)) for point, mean in zip(self.grid, means, strict=True)],
        )

    def _held_out_gains(self, rows: NDArray[np.intp], prior: float, rng: np.random.Generator) -> _Floats:
        gains = []
        for held_out in np.array_split(rng.permutation(rows), _FOLDS):
            weights = self._estimate(np.setdiff1d(rows, held_out), prior, rng)
            gains.append(self.at(held_out, weights) - self.untuned[held_out])
        return np.concatenate(gains)

    def _estimate(self, rows: NDArray[np.intp], prior: float, rng: np.random.Generator) -> _Floats:
        samples = rng.integers(0, len(rows), (_RESAMPLES, len(rows)))
        best = self.values[rows][samples].mean(axis=1).round(12).argmax(axis=1)
        estimate: _Floats = (len(rows) * self.grid[best].mean(axis=0) + prior * self.default) / (len(rows) + prior)
        return estimate

    def _name_weights(self, weights: _Floats) -> dict[str, float]:
        return dict(zip(self.legs, weights.tolist(), strict=True))


def simplex_grid(legs: int, steps: int) -> _Floats:
    """List all weightings of some legs in multiples of 1 / steps.

    Returns:
        One row per weighting, summing to 1.

    Examples:
        >>> simplex_grid(2, 2).tolist()
        [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]
        >>> len(simplex_grid(3, 10))
        66
    """
    cuts = [(-1, *bars, steps + legs - 1) for bars in combinations(range(steps + legs - 1), legs - 1)]
    return (np.diff(np.asarray(cuts), axis=1) - 1) / steps


def _weight_row(weights: Mapping[str, float], legs: Sequence[str]) -> _Floats:
    shares = share_weights(weights, legs)
    return np.asarray([shares[leg] for leg in legs])


def _prepare(
    query: LabeledQuery, legs: Sequence[str], rule: FusionRule, floors: Mapping[str, float] | None
) -> _Prepared:
    grades = sorted((grade for grade in query.relevant.values() if grade > 0), reverse=True)[:_DEPTH]
    if not grades:
        raise InputError("a labelled query has no relevant id: leave it out")
    scores = {leg: query.legs.get(leg, {}) for leg in legs}
    marks = leg_marks(scores, rule, leg_bounds(rule, scores, floors=floors, given=query.bounds))
    nodes = sorted({node for found in scores.values() for node in found})
    return _Prepared(
        np.asarray([[marks[leg].get(node, 0.0) for leg in legs] for node in nodes]).reshape(len(nodes), len(legs)),
        np.asarray([query.lifts.get(node, 0.0) for node in nodes]),
        np.asarray([float(max(0, query.relevant.get(node, 0))) for node in nodes]),
        float(np.asarray(grades) @ _discounts(len(grades))),
    )


def _discounts(length: int) -> _Floats:
    return np.asarray([1.0 / math.log2(rank + 1) for rank in range(1, length + 1)])
