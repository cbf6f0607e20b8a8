"""Is a difference more than luck: bootstrap intervals and a permutation test over per-query values; rates; AUROC.

Sources: Efron, "Bootstrap Methods" (1979), percentile intervals; Smucker, Allan, Carterette, "A Comparison of
Statistical Significance Tests for Information Retrieval Evaluation" (CIKM 2007), the randomisation test.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from llama_index_prod_rag.errors import ConfigurationError, InputError

_CELLS = 4_000_000  # resampled values held at once, 32 MB of float64
_ALL_SIGNS = 14  # up to this many non-zero differences, all 2**n sign flips are tried instead of a sample

Values = Sequence[float] | Mapping[str, float] | NDArray[np.float64]
"""One value per query, in order or by query id."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with an interval around it.

    Attributes:
        mean: mean over the queries; for a comparison, of the paired differences.
        low: lower end.
        high: upper end.
        n: number of queries.
        level: nominal coverage of the interval.
    """

    mean: float
    low: float
    high: float
    n: int
    level: float = 0.95

    @property
    def shows_difference(self) -> bool:
        """Whether zero lies outside; only meaningful for a difference."""
        return self.low > 0.0 or self.high < 0.0

    def ends(self) -> dict[str, float]:
        """Mean and both ends, as results hold them in JSON.

        Examples:
            >>> Interval(0.5, 0.4, 0.6, 10).ends()
            {'mean': 0.5, 'low': 0.4, 'high': 0.6}
        """
        return {"mean": self.mean, "low": self.low, "high": self.high}

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems on the same queries.

    Attributes:
        difference: of the means, second minus first, with its paired bootstrap interval.
        p_value: two-sided, from the permutation test.
    """

    difference: Interval
    p_value: float

    @property
    def verdict(self) -> str:
        """One sentence for people: what the interval allows one to say."""
        if not self.difference.shows_difference:
            return "no difference shown"
        return "better" if self.difference.mean > 0 else "worse"


def bootstrap_mean(
    values: Values, *, seed: int = 0, resamples: int = 10_000, level: float = 0.95, groups: Sequence[str] | None = None
) -> Interval:
    """Mean of per-query values with a percentile bootstrap interval.

    Args:
        values: one finite value per query.
        seed: of the resampling; the same seed gives the same interval.
        resamples: number of bootstrap samples.
        level: share of the bootstrap distribution inside the interval, in (0, 1).
        groups: one label a value, to resample whole groups (queries about the same document, from the same set)
            instead of single queries; values must then be a sequence.

    Raises:
        InputError: there are no values, or one is not finite, or the groups do not match.
        ConfigurationError: `resamples` or `level` is out of range.

    Examples:
        >>> print(bootstrap_mean([0.0, 1.0, 1.0, 1.0], seed=1))
        0.750 [0.250, 1.000]
    """
    array = _as_array(values)
    if resamples < 1 or not 0.0 < level < 1.0:
        raise ConfigurationError("resamples must be at least 1 and level between 0 and 1")
    sums, counts = _group_totals(array, groups)
    means = np.concatenate(list(_resample_means(sums, counts, resamples, np.random.default_rng(seed))))
    low, high = np.quantile(means, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return Interval(float(array.mean()), float(low), float(high), len(array), level)


def proportion(successes: int, n: int, *, level: float = 0.95) -> Interval:
    """A rate with Wilson's score interval, which stays inside [0, 1] and is honest for few cases.

    Source: Wilson, "Probable Inference, the Law of Succession, and Statistical Inference" (JASA 1927).

    Args:
        successes: how many of the cases count.
        n: number of cases.
        level: nominal coverage, in (0, 1).

    Raises:
        InputError: there are no cases, or more successes than cases.
        ConfigurationError: `level` is out of range.

    Examples:
        >>> print(proportion(0, 10))
        0.000 [0.000, 0.278]
    """
    if not 0 <= successes <= n or n == 0:
        raise InputError(f"{successes} of {n} is not a rate: give at least one case")
    if not 0.0 < level < 1.0:
        raise ConfigurationError("level must lie between 0 and 1")
    z = NormalDist().inv_cdf((1.0 + level) / 2.0)
    rate = successes / n
    center = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # At the ends the formula gives the rate itself, up to rounding.
    return Interval(rate, min(rate, max(0.0, center - half)), max(rate, min(1.0, center + half)), n, level)


def paired_difference(first: Values, second: Values, *, seed: int = 0, resamples: int = 10_000) -> Interval:
    """Mean of `second - first` over the same queries, with its bootstrap interval.

    Args:
        first: per-query values of the baseline.
        second: per-query values of the contender, in the same order or with the same ids.
        seed: of the resampling.
        resamples: number of bootstrap samples.

    Raises:
        InputError: the two do not cover the same queries.

    Examples:
        >>> paired_difference([0.1, 0.2, 0.3], [0.4, 0.4, 0.7]).shows_difference
        True
    """
    return bootstrap_mean(_differences(first, second), seed=seed, resamples=resamples)


def permutation_p_value(first: Values, second: Values, *, seed: int = 0, permutations: int = 10_000) -> float:
    """Two-sided p-value of the sign-flip permutation test on paired values.

    Under the null hypothesis the two systems are exchangeable on each query, so each difference is as likely with
    either sign. With few differences all sign patterns are counted and the value is exact; otherwise it is estimated,
    the observed pattern included, and so never 0.

    Args:
        first: per-query values of the baseline.
        second: per-query values of the contender, paired with the first.
        seed: of the sampling.
        permutations: how many sign patterns to draw where there are too many to count.

    Returns:
        A probability in (0, 1].

    Raises:
        InputError: the two do not cover the same queries.

    Examples:
        >>> permutation_p_value([0.0, 0.0, 0.0], [1.0, 1.0, 1.0])
        0.25
    """
    differences = _differences(first, second)
    differences = differences[differences != 0.0]
    count = len(differences)
    if count == 0:
        return 1.0
    observed = abs(float(differences.sum())) * (1.0 - 1e-12)  # equal sums must not fall short by rounding
    if count <= _ALL_SIGNS:
        patterns = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
        return float(np.mean(np.abs((2.0 * patterns - 1.0) @ differences) >= observed))
    generator = np.random.default_rng(seed)
    extreme = 0
    for size in _blocks(permutations, count):
        signs = generator.integers(0, 2, size=(size, count)) * 2.0 - 1.0
        extreme += int(np.sum(np.abs(signs @ differences) >= observed))
    return (extreme + 1) / (permutations + 1)


def compare(first: Values, second: Values, *, seed: int = 0) -> Comparison:
    """Paired difference, interval and p-value together: what a table of results should quote.

    Examples:
        >>> compare({"q1": 0.2, "q2": 0.9}, {"q2": 0.8, "q1": 0.4}).verdict
        'no difference shown'
    """
    return Comparison(paired_difference(first, second, seed=seed), permutation_p_value(first, second, seed=seed))


def _as_array(values: Values) -> NDArray[np.float64]:
    array = np.asarray(list(values.values()) if isinstance(values, Mapping) else values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise InputError("there are no per-query values: evaluate at least one query")
    if not np.isfinite(array).all():
        raise InputError("a per-query value is NaN or infinite: score such a query 0 or leave it out of both systems")
    return array


def _differences(first: Values, second: Values) -> NDArray[np.float64]:
    if isinstance(first, Mapping) != isinstance(second, Mapping):
        raise InputError("give both systems' values by query id, or both in order")
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        if first.keys() != second.keys():
            lone = sorted(first.keys() ^ second.keys())
            raise InputError(
                f"a paired test needs the same queries on both sides; {len(lone)} differ, e.g. {lone[0]!r}"
            )
        second = [second[query] for query in first]
    left, right = _as_array(first), _as_array(second)
    if left.shape != right.shape:
        raise InputError(f"a paired test needs the same queries on both sides: {left.size} and {right.size} values")
    return right - left


def _group_totals(
    array: NDArray[np.float64], groups: Sequence[str] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if groups is None:
        return array, np.ones_like(array)
    if len(groups) != len(array):
        raise InputError(f"{len(array)} values but {len(groups)} group labels")
    _, member = np.unique(np.asarray(groups), return_inverse=True)
    return np.bincount(member, weights=array).astype(np.float64), np.bincount(member).astype(np.float64)


def _resample_means(
    sums: NDArray[np.float64], counts: NDArray[np.float64], resamples: int, generator: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    for size in _blocks(resamples, len(sums)):
        drawn = generator.integers(0, len(sums), size=(size, len(sums)))
        yield sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)


def _blocks(total: int, width: int) -> Iterator[int]:
    size = max(1, _CELLS // max(width, 1))
    for start in range(0, total, size):
        yield min(size, total - start)


def auroc(confidences: Sequence[float], good: Sequence[bool]) -> float | None:
    """Probability that a good case has the higher confidence than a bad one, ties counting half.

    Returns:
        In [0, 1]; None where all cases are alike.

    Raises:
        InputError: the lists are empty, differ in length, or a confidence is not finite.

    Examples:
        >>> auroc([0.9, 0.4, 0.4], [True, True, False])
        0.75
    """
    confidence, error = checked_outcomes(confidences, good)
    positives = int(len(error) - error.sum())
    negatives = len(error) - positives
    if positives == 0 or negatives == 0:
        return None
    _, member, counts = np.unique(confidence, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[member]  # mean rank of each run of ties
    return float((ranks[error == 0.0].sum() - positives * (positives + 1) / 2.0) / (positives * negatives))


def auroc_error(area: float, labels: Sequence[bool] | NDArray[np.bool_]) -> float:
    """Standard error of an area under the ROC curve (Hanley and McNeil, Radiology 1982).

    Args:
        area: in [0, 1].
        labels: of the questions it was measured on; both kinds occur.

    Examples:
        >>> round(auroc_error(0.8, [True] * 50 + [False] * 50), 3)
        0.045
    """
    good = int(np.count_nonzero(labels))
    bad = len(labels) - good
    beats_two_bad, two_good_beat = area / (2.0 - area), 2.0 * area * area / (1.0 + area)
    variance = area * (1 - area) + (good - 1) * (beats_two_bad - area**2) + (bad - 1) * (two_good_beat - area**2)
    return math.sqrt(max(0.0, variance) / (good * bad))


def checked_outcomes(
    confidences: Sequence[float], good: Sequence[bool]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Confidences, and 1.0 for each error, as arrays.

    Raises:
        InputError: the lists are empty, differ in length, or a confidence is not finite.
    """
    confidence = np.asarray(confidences, dtype=np.float64)
    if confidence.size == 0 or confidence.size != len(good):
        raise InputError(f"{confidence.size} confidences and {len(good)} outcomes: give one of each per question")
    if not np.isfinite(confidence).all():
        raise InputError("a confidence is NaN or infinite: leave out questions that were not assessed")
    return confidence, 1.0 - np.asarray(good, dtype=np.float64)
