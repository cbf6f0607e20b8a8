"""Fit a calibration to labelled questions. Needs scikit-learn and scipy, which are only imported here."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from llama_index_prod_rag.confidence.calibration import CLIP, Calibration, Example, Head
from llama_index_prod_rag.confidence.fingerprint import Fingerprint
from llama_index_prod_rag.confidence.guarantees import Method
from llama_index_prod_rag.confidence.scales import distributions
from llama_index_prod_rag.confidence.second_look import RULING, UNFITTED, log_odds
from llama_index_prod_rag.confidence.signals import group_of
from llama_index_prod_rag.confidence.thresholds import Goals, Judged, estimate, set_thresholds
from llama_index_prod_rag.confidence.watch import scale_groups, shares_scale, tells_scale
from llama_index_prod_rag.errors import CalibrationError
from llama_index_prod_rag.extras import require
from llama_index_prod_rag.significance import auroc, auroc_error

ISOTONIC_FROM = 1000
"""Labels from which on the isotonic curve is fitted; below, it follows noise."""

_FEWEST, _FEWEST_OF_A_KIND = 20, 5  # below, a head is worse than fixed rules
_FOLDS = 5
_STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0)  # variance a weight may have around where it starts
_RULING_STRENGTH = 0.3  # the same for the two weights of a second look
_COMPLETE = 0.9  # a signal takes part when at least this share of the questions has it
_NEVER = math.nextafter(1.0, 2.0)  # a threshold that no probability reaches
FAR_SHARE = 0.25
"""How much the questions about something else that a prior brings count together, beside the labelled ones."""

_LEG = "leg "  # how `group_of` begins the name of a leg's group

Signals: TypeAlias = Mapping[str, float]
"""Name of a signal -> its value, for one question."""


def calibrate(
    examples: Sequence[Example],
    *,
    max_false_refusal: float | None = None,
    min_answer_precision: float | None = None,
    confidence: float = 0.95,
    method: Method = "high-confidence",
    prior: Calibration | None = None,
    fingerprint: Fingerprint | None = None,
    note: str = "",
    seed: int = 0,
) -> Calibration:
    """Fit heads that turn signals into probabilities, and set the thresholds to refuse below and to answer from.

    A head may start from the prior's weights instead of from nothing, where that predicts left-out labels better: with
    a hundred labels of one's own it usually does.

    With a goal, half of the labels fit the heads and the other half sets the thresholds, because a promise only holds
    for labels that the head has not seen. Without a goal, or with `method="estimate"`, every label fits and thresholds
    come from cross-validation: `refuse_below` refuses 5 % of the questions with evidence and nothing that is likelier
    there than not, `answer_from` is 0.5 or more, unless goals say otherwise. Those are estimates, not promises.

    Args:
        examples: labelled questions, drawn like those to come. Those that name a slice get thresholds of their own,
            which lean on the others' as long as its labels are few; `CalibratedAssessor(slice_of=...)` applies them.
        max_false_refusal: see `Goals`.
        min_answer_precision: see `Goals`.
        confidence: see `Goals`.
        method: see `Goals`.
        prior: a calibration to start from, usually `default_calibration()`; None starts from nothing. Its labels must
            not be among the examples, or cross-validation flatters.
        fingerprint: the pipeline that the examples come from, of which `fingerprint_of` tells; None takes the prior's.
        note: kept with the calibration; say what the labels were.
        seed: of the split and the folds.

    Returns:
        Heads for the whole set of signals and for what is left when reranker, vectors, legs or statistics are missing.

    Raises:
        CalibrationError: too few labels, of one kind, or for the goal; the message says how many are needed.
        ConfigurationError: a rate is not between 0 and 1.
        MissingExtraError: the `eval` extra, which brings scikit-learn and scipy, is not installed.
    """
    require("scipy", "sklearn", needed_for="calibrating", extra="eval")
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    goals = Goals(max_false_refusal, min_answer_precision, confidence, method)
    _check(examples)
    raw = [example.signals for example in examples]
    if prior is not None and prior.scales:
        examples = [replace(example, signals=prior.place(example.signals)) for example in examples]
    far = _select_far(prior, fingerprint, raw)
    # The matrices are small: several BLAS threads wait for one another, minutes on a busy machine, and gain nothing.
    with threadpool_limits(1, user_api="blas"):
        heads, promises = _fit_heads(examples, prior, far, goals, seed)
        second_look = fit_second_look(examples, heads, prior)
    return Calibration(
        tuple(heads),
        len(examples),
        sum(example.good for example in examples),
        promises,
        note,
        fingerprint=fingerprint or (prior.fingerprint if prior else None),
        ranges={name: values for name, values in distributions(raw).items() if tells_scale(name)},
        reference=prior.reference if prior else {},
        scales=prior.scales if prior else {},
        second_look=second_look,
        far=tuple(far),  # of scales that are others here the next calibration could not tell
    )


def _fit_heads(
    examples: Sequence[Example], prior: Calibration | None, far: Sequence[Signals], goals: Goals, seed: int
) -> tuple[list[Head], tuple[str, ...]]:
    """A head for each set of signals, the largest first, and what is promised."""
    fitted, held_out = _halves(examples, seed) if goals.promised else (list(examples), [])
    heads: list[Head] = []
    promises: tuple[str, ...] = ()
    for signals in _signal_sets(examples):
        start = next((head for head in prior.heads if head.signals == signals), None) if prior else None
        head, unseen = _fit(fitted, signals, start, far, seed)
        try:
            head, kept = set_thresholds(head, unseen, held_out, goals)
        except CalibrationError:
            if not heads:
                raise
            # A weaker set of signals need not reach what the whole set does: it then never answers by itself.
            head, kept = replace(estimate(head, unseen, goals), answer_from=_NEVER), promises
        promises = promises or kept
        heads.append(head)
    return heads, promises


def _select_far(prior: Calibration | None, fingerprint: Fingerprint | None, raw: Sequence[Signals]) -> list[Signals]:
    """The prior's questions about something else, each without the signals that are on another scale here."""
    if prior is None or not prior.far:
        return []
    foreign = set(prior.fingerprint.differences(fingerprint)) if prior.fingerprint and fingerprint else set()
    groups = {name: group for row in raw for name, group in scale_groups(row)}
    for name, known in prior.ranges.items():
        values = [row[name] for row in raw if name in row]
        if name in groups and not shares_scale(name, values, known):
            foreign.add(groups[name])
    return [{name: value for name, value in row.items() if groups.get(name) not in foreign} for row in prior.far]


def fit_second_look(examples: Sequence[Example], heads: Sequence[Head], prior: Calibration | None) -> Head | None:
    """What a judge's ruling is worth beside the head's word, from the questions that have one; the prior's for few."""
    start = (prior.second_look if prior else None) or UNFITTED
    rows: list[tuple[float, float, bool]] = []
    for example in examples:
        head = next((head for head in heads if head.fits(example.signals)), None)
        if RULING in example.signals and head is not None:
            rows.append((log_odds(head.probability(example.signals)), example.signals[RULING], example.good))
    good = sum(row[-1] for row in rows)
    if len(rows) < _FEWEST or min(good, len(rows) - good) < _FEWEST_OF_A_KIND:
        return prior.second_look if prior else None
    values, labels = np.array([row[:2] for row in rows]), np.array([row[-1] for row in rows])
    return _fit_from(
        start, _RULING_STRENGTH, _Rows(values, labels, np.ones(len(labels)), np.zeros(len(labels), dtype=bool))
    )


def _check(examples: Sequence[Example]) -> None:
    good = sum(example.good for example in examples)
    if len(examples) < _FEWEST or min(good, len(examples) - good) < _FEWEST_OF_A_KIND:
        raise CalibrationError(
            f"{len(examples)} labels, {good} of them with evidence: a head needs at least {_FEWEST}, "
            f"{_FEWEST_OF_A_KIND} of each kind. Label more questions, also some that the documents cannot answer"
        )


def _halves(examples: Sequence[Example], seed: int) -> tuple[list[Example], list[Example]]:
    generator = np.random.default_rng(seed)
    halves: tuple[list[Example], list[Example]] = ([], [])
    for kind in sorted({(not example.good, example.slice) for example in examples}):
        alike = [example for example in examples if (not example.good, example.slice) == kind]
        for place, index in enumerate(generator.permutation(len(alike))):
            halves[place % 2].append(alike[index])
    return halves


def _signal_sets(examples: Sequence[Example]) -> list[tuple[str, ...]]:
    """The sets of signals to fit heads for, the largest first."""
    counts = Counter(name for example in examples for name in example.signals)
    groups: dict[str, list[str]] = {}
    for name, count in sorted(counts.items()):
        group = group_of(name)
        if group is not None and count >= _COMPLETE * len(examples):
            groups.setdefault(group, []).append(name)
    terms = groups.pop("terms", [])
    legs = sum(group.startswith(_LEG) for group in groups)
    sets = [
        tuple(terms + [name for group in chosen for name in groups[group]])
        for size in range(len(groups), -1, -1)
        for chosen in combinations(groups, size)
        if _occur_together(chosen, legs)
    ]
    return [signals for signals in sets if signals]


def _occur_together(groups: Sequence[str], legs: int) -> bool:
    """Whether a pipeline may offer these groups and no others, so that a head for them is worth its place.

    The shape of a list of pairs comes with its best pair; of the legs all are known, or one, or none; one leg agrees
    with nobody, and where several are known their agreement is.
    """
    of_legs = sum(group.startswith(_LEG) for group in groups)
    agreeing = "agreement" in groups
    legs_fit = agreeing if of_legs == legs > 1 else of_legs <= 1 and not (agreeing and of_legs)
    return legs_fit and ("pair" in groups or "pairs" not in groups)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Questions to fit to: the labelled ones count once, those about something else after them a part of that."""

    values: NDArray[np.float64]
    labels: NDArray[np.bool_]
    counts: NDArray[np.float64]
    far: NDArray[np.bool_]

    def pick(self, places: NDArray[np.intp]) -> _Rows:
        """Some of the questions."""
        return _Rows(self.values[places], self.labels[places], self.counts[places], self.far[places])

    @property
    def kinds(self) -> NDArray[np.intp]:
        """With evidence, without it, about something else: each fold has its share of all three."""
        return self.labels + 2 * self.far


def _join(labelled: Sequence[Example], far: Sequence[Signals], signals: tuple[str, ...]) -> _Rows:
    others = [row for row in far if all(name in row for name in signals)]
    count = FAR_SHARE * len(labelled) / max(1, len(others))
    rows = [*(row.signals for row in labelled), *others]
    return _Rows(
        np.array([[row[name] for name in signals] for row in rows]),
        np.array([row.good for row in labelled] + [False] * len(others)),
        np.array([1.0] * len(labelled) + [count] * len(others)),
        np.array([False] * len(labelled) + [True] * len(others)),
    )


def _fit(
    examples: Sequence[Example], signals: tuple[str, ...], prior: Head | None, far: Sequence[Signals], seed: int
) -> tuple[Head, list[Judged]]:
    """A head, and what heads said of each question that they did not see.

    Candidates start from nothing or from the prior's weights and may move away from them more or less freely; the
    cross-validated log loss picks one.
    """
    labelled = [example for example in examples if all(name in example.signals for name in signals)]
    _check(labelled)
    rows = _join(labelled, far, signals)
    starts = [_make_blank(signals, rows.values[: len(labelled)])]
    if prior is not None and prior.signals == signals:
        starts.append(prior)
    tried = [
        (start, strength, _predict_unseen(start, strength, rows, seed)) for start in starts for strength in _STRENGTHS
    ]
    start, strength, said = _choose_simplest_of_the_best(tried, rows)
    raw, labels = said[: len(labelled)], rows.labels[: len(labelled)]
    curve = _curve(raw, labels) if len(labelled) >= ISOTONIC_FROM else ()
    area = auroc(raw.tolist(), labels.tolist()) or 0.5
    head = replace(_fit_from(start, strength, rows), curve=curve, auroc=area, auroc_error=auroc_error(area, labels))
    corners = np.array(curve)
    calibrated = np.interp(raw, corners[:, 0], corners[:, 1]) if curve else raw
    return head, [Judged(p, row.good, row.slice) for p, row in zip(calibrated.tolist(), labelled, strict=True)]


def _make_blank(signals: tuple[str, ...], values: NDArray[np.float64]) -> Head:
    """A head that knows the signals' scales and nothing else."""
    scales = values.std(axis=0)
    scales[scales < 1e-12] = 1.0
    return Head(signals, _floats(values.mean(axis=0)), _floats(scales), (0.0,) * len(signals), 0.0)


def _fit_from(start: Head, strength: float, rows: _Rows) -> Head:
    """Logistic regression whose penalty is the squared distance from the start's weights; the intercept is free."""
    from scipy.optimize import minimize

    standard = _standardize(start, rows.values)
    signs = np.where(rows.labels, 1.0, -1.0)
    origin = np.array([*start.weights, start.intercept])

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margins = signs * (standard @ weights[:-1] + weights[-1])
        slopes = -signs * rows.counts / (1.0 + np.exp(np.minimum(margins, 700.0)))
        away = weights - origin
        away[-1] = 0.0
        gradient = np.append(standard.T @ slopes, slopes.sum()) + away / strength
        return float(rows.counts @ np.logaddexp(0.0, -margins) + away @ away / (2.0 * strength)), gradient

    found = minimize(loss, origin, jac=True, method="L-BFGS-B").x
    return replace(start, weights=_floats(found[:-1]), intercept=float(found[-1]), curve=())


def _standardize(head: Head, values: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped: NDArray[np.float64] = np.clip((values - np.array(head.means)) / np.array(head.scales), -CLIP, CLIP)
    return clipped


def _predict_unseen(start: Head, strength: float, rows: _Rows, seed: int) -> NDArray[np.float64]:
    """Probability of each question from a head fitted to the other folds."""
    from sklearn.model_selection import StratifiedKFold

    fewest = int(np.bincount(rows.kinds)[:2].min())
    folds = StratifiedKFold(min(_FOLDS, fewest), shuffle=True, random_state=seed)
    probabilities = np.empty(len(rows.labels))
    for fitted, left in folds.split(rows.values, rows.kinds):
        head = _fit_from(start, strength, rows.pick(fitted))
        scores = _standardize(head, rows.values[left]) @ np.array(head.weights) + head.intercept
        probabilities[left] = 1.0 / (1.0 + np.exp(-scores))
    return probabilities


def _curve(raw: NDArray[np.float64], labels: NDArray[np.bool_]) -> tuple[tuple[float, float], ...]:
    from sklearn.isotonic import IsotonicRegression

    isotonic = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(raw, labels)
    return tuple(zip(_floats(isotonic.X_thresholds_), _floats(isotonic.y_thresholds_), strict=True))


def _choose_simplest_of_the_best(
    tried: Sequence[tuple[Head, float, NDArray[np.float64]]], rows: _Rows
) -> tuple[Head, float, NDArray[np.float64]]:
    """Of the candidates that nobody can tell from the best, the one that stays nearest to where it started.

    The one-standard-error rule (Breiman et al., "Classification and Regression Trees", 1984) on paired differences. A
    prior is preferred: what it knows of questions that these labels do not show is lost by moving away from it.
    """
    losses = [_log_losses(said, rows.labels) for _, _, said in tried]
    best = min(losses, key=lambda loss: float(np.average(loss, weights=rows.counts)))
    good_enough = [place for place, loss in enumerate(losses) if _margin(loss - best, rows.counts) <= 0.0]
    place = min(good_enough, key=lambda place: (not any(tried[place][0].weights), tried[place][1]))
    return tried[place]


def _margin(differences: NDArray[np.float64], counts: NDArray[np.float64]) -> float:
    """The mean less its standard error."""
    mean = np.average(differences, weights=counts)
    variance = np.average((differences - mean) ** 2, weights=counts)
    return float(mean - np.sqrt(variance / counts.sum()))


def _log_losses(probabilities: NDArray[np.float64], labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    chances = np.clip(np.where(labels, probabilities, 1.0 - probabilities), 1e-12, 1.0)
    losses: NDArray[np.float64] = -np.log(chances)
    return losses


def _floats(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
