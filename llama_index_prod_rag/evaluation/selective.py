"""Does the confidence mean something: risk-coverage curve, reliability. AUROC is in `significance`.

Sources: El-Yaniv, Wiener, "On the Foundations of Noise-free Selective Classification" (JMLR 2010) for risk and
coverage; Geifman, Uziel, El-Yaniv, "Bias-Reduced Uncertainty Estimation" (ICLR 2019) for the area under the curve;
Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017) for the expected calibration error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.significance import Interval, checked_outcomes, proportion

_FLOOR_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """Share of errors among the most confident questions, as more of them are answered.

    Questions with the same confidence enter together: no threshold can part them.

    Attributes:
        thresholds: confidences in falling order; answering means to be at least that confident.
        coverage: share of questions answered at each threshold, rising to 1.
        risk: share of errors among them.
        aurc: area under the curve, lower is better.
        random: area when confidence says nothing: the error rate.
        oracle: area of a confidence that knows every error.
    """

    thresholds: tuple[float, ...]
    coverage: tuple[float, ...]
    risk: tuple[float, ...]
    aurc: float
    random: float
    oracle: float

    @property
    def normalized(self) -> float | None:
        """1 for the oracle, 0 for chance, negative for worse; None where all or none are errors."""
        span = self.random - self.oracle
        return (self.random - self.aurc) / span if span > 1e-12 else None

    def coverage_at_risk(self, risk: float) -> float:
        """The largest coverage whose risk on these questions is at most `risk`; 0 where there is none.

        It is picked on the very questions it is measured on, so it flatters: set thresholds by calibration instead.
        """
        return max((share for share, error in zip(self.coverage, self.risk, strict=True) if error <= risk), default=0.0)


def risk_coverage(confidences: Sequence[float], good: Sequence[bool]) -> RiskCoverage:
    """Compute the risk of the answers at each share of questions answered, the surest first.

    Args:
        confidences: one finite number per question, higher is surer.
        good: whether answering the question was, or would have been, right.

    Raises:
        InputError: the lists are empty, differ in length, or a confidence is not finite.

    Examples:
        >>> curve = risk_coverage([0.9, 0.8, 0.3], [True, True, False])
        >>> curve.coverage_at_risk(0.0), curve.normalized
        (0.6666666666666666, 1.0)
    """
    confidence, error = checked_outcomes(confidences, good)
    order = np.argsort(-confidence, kind="stable")
    ends = np.flatnonzero(np.diff(confidence[order], append=-np.inf))  # the last question of each run of ties
    answered = np.arange(1, len(order) + 1, dtype=np.float64)
    errors = np.cumsum(error[order])[ends]
    risk = errors / answered[ends]
    best = np.cumsum(np.sort(error)) / answered
    return RiskCoverage(
        thresholds=tuple(confidence[order][ends].tolist()),
        coverage=tuple((answered[ends] / len(order)).tolist()),
        risk=tuple(risk.tolist()),
        aurc=_area(errors, answered[ends]),
        random=float(error.mean()),
        oracle=float(best.mean()),
    )


def _area(errors: NDArray[np.float64], answered: NDArray[np.float64]) -> float:
    """Mean risk over all numbers of answers, tied questions in random order."""
    starts, start_errors = np.r_[0.0, answered[:-1]], np.r_[0.0, errors[:-1]]
    total = 0.0
    for begin, end, before, after in zip(starts, answered, start_errors, errors, strict=True):
        inside = np.arange(begin + 1, end + 1)
        total += float(((before + (after - before) * (inside - begin) / (end - begin)) / inside).sum())
    return total / float(answered[-1])


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Questions of about the same confidence.

    Attributes:
        confidence: their mean confidence.
        rate: how many were good, with its interval.
    """

    confidence: float
    rate: Interval


@dataclass(frozen=True, slots=True)
class Reliability:
    """Whether a confidence of 80 % comes true 80 % of the time.

    Attributes:
        bins: in rising order of confidence, equally many questions each.
        ece: expected calibration error, the mean distance between confidence and rate.
        ece_floor: the same for a perfectly calibrated confidence with these values: what chance alone leaves. Only
            an error well above its floor shows miscalibration.
        brier: mean squared distance between confidence and outcome.
    """

    bins: tuple[ReliabilityBin, ...]
    ece: float
    ece_floor: float
    brier: float


def reliability(confidences: Sequence[float], good: Sequence[bool], *, bins: int = 10, seed: int = 0) -> Reliability:
    """Compare confidences with how often they came true.

    Args:
        confidences: probabilities in [0, 1].
        good: whether each came true.
        bins: at most this many; tied confidences stay together.
        seed: of the simulation behind the floor.

    Raises:
        InputError: the lists are empty, differ in length, or a confidence is outside [0, 1].
        ConfigurationError: `bins` is below 1.

    Examples:
        >>> [bin.rate.mean for bin in reliability([0.2, 0.2, 0.9, 0.9], [False, False, True, True], bins=2).bins]
        [0.0, 1.0]
    """
    if bins < 1:
        raise ConfigurationError("bins must be at least 1")
    confidence, error = checked_outcomes(confidences, good)
    if confidence.min() < 0.0 or confidence.max() > 1.0:
        raise InputError("reliability is about probabilities: confidences must lie between 0 and 1")
    order = np.argsort(confidence, kind="stable")
    confidence, hit = confidence[order], 1.0 - error[order]
    cuts = np.searchsorted(confidence, confidence[(np.arange(1, bins) * len(confidence)) // bins], side="left")
    starts = np.unique(np.r_[0, cuts])
    sizes = np.diff(np.r_[starts, len(confidence)])
    means = np.add.reduceat(confidence, starts) / sizes
    successes = np.add.reduceat(hit, starts)

    def distance(counts: NDArray[np.float64]) -> float:
        return float(np.abs(counts - means * sizes).sum() / len(confidence))

    generator = np.random.default_rng(seed)
    simulated = [
        distance(np.add.reduceat((generator.random(len(confidence)) < confidence).astype(np.float64), starts))
        for _ in range(max(20, min(_FLOOR_DRAWS, 20_000_000 // len(confidence))))
    ]
    return Reliability(
        bins=tuple(
            ReliabilityBin(float(mean), proportion(int(good_ones), int(size)))
            for mean, good_ones, size in zip(means, successes, sizes, strict=True)
        ),
        ece=distance(successes),
        ece_floor=float(np.mean(simulated)),
        brier=float(np.mean((confidence - hit) ** 2)),
    )
