"""Thresholds with a stated guarantee. Core: counts and confidences.

They hold for questions drawn like the labelled ones (exchangeable with them), and for a head that never saw those
labels. Two kinds:

* **With high confidence**: the chance that the bound is broken, over the draw of the labels, is at most 5 %. For false
  refusals by order statistics (Clopper and Pearson, "The Use of Confidence or Fiducial Limits", Biometrika 1934); for
  precision by testing thresholds one after the other until one fails (Angelopoulos, Bates, Candes, Jordan, Lei,
  "Learn then Test", 2021, fixed sequence testing), in an order that other labels chose.
* **Two at once**: pairs of thresholds are tested in a fixed sequence, a pair only where both of its bounds hold at the
  full confidence; it is in doubt where either is (an intersection-union test: Berger, "Multiparameter Hypothesis
  Testing and Acceptance Sampling", 1982). So both hold together with the confidence that one alone would have, and cost
  no more labels than the harder of the two.
* **On average**: the mean of the risk over the draw of the labels is bounded (Angelopoulos, Bates, Fisch, Lei,
  Schuster, "Conformal Risk Control", ICLR 2024). Needs fewer labels; about 40 % of draws exceed the bound, rightly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from llama_index_prod_rag.errors import CalibrationError, ConfigurationError
from llama_index_prod_rag.extras import require

_FEWEST_ABOVE = 10  # questions above a threshold that is only estimated
_LIKELY = 0.8  # chance to pass from which a threshold stands in the sequence before others
_SHARES = 40  # thresholds considered: steps of 2.5 % of the questions

Method = Literal["high-confidence", "on-average", "estimate"]
"""What a bound means: it holds in all but a few draws of the labels; it holds for their mean; or it is not a
bound, only the best guess from labels that are too few to promise anything."""


@dataclass(frozen=True, slots=True)
class Guarantee:
    """Holds a threshold and what is known about it.

    Attributes:
        threshold: confidences of at least this pass.
        promise: in words, what holds.
        labels: how many labels it rests on.
        share: how many of all those labels' questions pass.
    """

    threshold: float
    promise: str
    labels: int
    share: float


def upper_bound(errors: int, number: int, *, confidence: float = 0.95) -> float:
    """Compute the one-sided Clopper-Pearson upper bound of an error rate.

    Examples:
        >>> upper_bound(0, 59) <= 0.05 < upper_bound(0, 58)
        True
    """
    require("scipy", needed_for="a promise about an error rate", extra="eval")
    from scipy.special import betaincinv

    _check(0.5, confidence)
    return 1.0 if errors >= number else float(betaincinv(errors + 1, number - errors, confidence))


def labels_needed(risk: float, *, confidence: float = 0.95) -> int:
    """Fewest labels, all of them right, that show an error rate of at most `risk`.

    Examples:
        >>> labels_needed(0.05)
        59
    """
    _check(risk, confidence)
    return math.ceil(math.log(1.0 - confidence) / math.log1p(-risk))


def bound_false_refusals(
    answerable: Sequence[float],
    *,
    at_most: float = 0.05,
    confidence: float = 0.95,
    method: Method = "high-confidence",
) -> Guarantee:
    """Find the highest threshold that refuses few of the questions whose evidence is there.

    Args:
        answerable: confidences of labelled questions whose evidence is there, from a head that never saw them.
        at_most: bound on the share of such questions below the threshold.
        confidence: chance that the bound holds; `on-average` does not use it.
        method: what the bound means.

    Raises:
        CalibrationError: too few labels; the message says how many are needed.
        ConfigurationError: `at_most` or `confidence` is not between 0 and 1, or an estimate is asked for.

    Examples:
        >>> bound_false_refusals([i / 100 for i in range(100)], at_most=0.1).threshold
        0.04
    """
    _check(at_most, confidence)
    if method not in ("high-confidence", "on-average"):
        raise ConfigurationError(f"{method!r} bounds nothing: choose high-confidence or on-average")
    ordered = sorted(_check_finite(answerable))
    number = len(ordered)
    if method == "on-average":
        needed, allowed = math.ceil(1 / at_most) - 1, math.floor(at_most * (number + 1)) - 1
    else:
        needed, allowed = labels_needed(at_most, confidence=confidence), _most_errors(number, at_most, confidence)
    if number < needed:
        raise CalibrationError(
            f"{number} questions with their evidence there are too few to bound false refusals by {at_most:g} "
            f"({method}, confidence {confidence:g}): at least {needed} are needed"
        )
    threshold = ordered[allowed]
    how = f"with {confidence:.0%} confidence" if method == "high-confidence" else "on average"
    return _promise_few_refusals(threshold, ordered, at_most, how)


def _promise_few_refusals(threshold: float, answerable: Sequence[float], at_most: float, how: str) -> Guarantee:
    claim = f"at most {at_most:.1%} of the questions whose evidence is there fall below, {how}"
    return _promise(threshold, answerable, claim, "pass")


def _promise_precision(threshold: float, confidences: Sequence[float], goal: float, how: str) -> Guarantee:
    claim = f"at least {goal:.1%} of the questions answered have their evidence, {how}"
    return _promise(threshold, confidences, claim, "are answered")


def _promise(threshold: float, confidences: Sequence[float], claim: str, reached: str) -> Guarantee:
    """Put a promise into words, with the share of the labeled questions that reach the threshold."""
    number = len(confidences)
    share = sum(value >= threshold for value in confidences) / number
    return Guarantee(threshold, f"{claim} ({share:.0%} of the {number} labelled ones {reached})", number, share)


def bound_wrong_answers(
    confidences: Sequence[float],
    good: Sequence[bool],
    *,
    thresholds: Sequence[float],
    min_precision: float = 0.95,
    confidence: float = 0.95,
) -> Guarantee:
    """Find the lowest threshold above which nearly all questions have their evidence.

    Args:
        confidences: one per labelled question, from a head that never saw these labels.
        good: whether the evidence was there.
        thresholds: which to test, in this order, until one fails; chosen and ordered without these labels, for
            example by `promising_thresholds`.
        min_precision: share of the questions at or above the threshold whose evidence is there.
        confidence: chance that the bound holds.

    Raises:
        CalibrationError: the first threshold could not be shown to reach the precision; the message says how many
            labels would be needed at the least.
        ConfigurationError: a rate is not between 0 and 1, or there is nothing to test.

    Examples:
        >>> good = [i >= 100 for i in range(300)]
        >>> bound_wrong_answers([i / 300 for i in range(300)], good, thresholds=[0.6, 0.4, 0.2]).threshold
        0.4
    """
    _check(1.0 - min_precision, confidence)
    candidates = _check_finite(thresholds)
    if not candidates:
        raise ConfigurationError("give at least one threshold to test")
    passed: list[float] = []
    for threshold in candidates:
        if not _is_precise(threshold, confidences, good, min_precision, confidence):
            break
        passed.append(threshold)
    if not passed:
        raise CalibrationError(_no_precise_threshold(min_precision, confidence, len(good)))
    return _promise_precision(min(passed), confidences, min_precision, f"with {confidence:.0%} confidence")


def bound_both(
    confidences: Sequence[float],
    good: Sequence[bool],
    *,
    pairs: Sequence[tuple[float, float]],
    at_most: float = 0.05,
    min_precision: float = 0.95,
    confidence: float = 0.95,
) -> tuple[Guarantee, Guarantee]:
    """Find a threshold to refuse below and one to answer from whose promises hold together.

    Args:
        confidences: one per labelled question, from a head that never saw these labels.
        good: whether the evidence was there.
        pairs: (refuse below, answer from) to test, in this order, until one fails; chosen and ordered without these
            labels, for example by `promising_pairs`.
        at_most: bound on the share of questions with evidence that are refused.
        min_precision: share of the answered questions that have their evidence.
        confidence: chance that both bounds hold.

    Returns:
        The promise about refusals and the one about answers.

    Raises:
        CalibrationError: the first pair failed; the message says which bound, and how many labels it takes.
        ConfigurationError: a rate is not between 0 and 1, or there is nothing to test.

    Examples:
        >>> good = [i >= 100 for i in range(300)]
        >>> both = bound_both([i / 300 for i in range(300)], good, pairs=[(0.2, 0.6), (0.3, 0.4), (0.3, 0.1)])
        >>> [guarantee.threshold for guarantee in both]
        [0.3, 0.4]
    """
    _check(at_most, confidence)
    _check(1.0 - min_precision, confidence)
    if not pairs:
        raise ConfigurationError("give at least one pair of thresholds to test")
    _check_finite([threshold for pair in pairs for threshold in pair])
    answerable = [value for value, is_good in zip(_check_finite(confidences), good, strict=True) if is_good]
    passed: tuple[float, float] | None = None
    for refuse_below, answer_from in pairs:
        few = _refuses_few(refuse_below, answerable, at_most, confidence)
        if not few or not _is_precise(answer_from, confidences, good, min_precision, confidence):
            break
        passed = refuse_below, answer_from
    if passed is None:
        raise CalibrationError(
            _no_precise_threshold(min_precision, confidence, len(good))
            if few
            else f"{len(answerable)} questions with their evidence there are too few to bound false refusals by "
            f"{at_most:g} at confidence {confidence:g}: at least {labels_needed(at_most, confidence=confidence)} are "
            "needed, and none of them below the threshold"
        )
    how = f"both with {confidence:.0%} confidence"
    return (
        _promise_few_refusals(passed[0], answerable, at_most, how),
        _promise_precision(passed[1], confidences, min_precision, how),
    )


def _refuses_few(threshold: float, answerable: Sequence[float], at_most: float, confidence: float) -> bool:
    refused = sum(value < threshold for value in answerable)
    return upper_bound(refused, len(answerable), confidence=confidence) <= at_most


def _is_precise(
    threshold: float, confidences: Sequence[float], good: Sequence[bool], min_precision: float, confidence: float
) -> bool:
    outcomes = [is_good for value, is_good in zip(confidences, good, strict=True) if value >= threshold]
    errors = len(outcomes) - sum(outcomes)
    return bool(outcomes) and upper_bound(errors, len(outcomes), confidence=confidence) <= 1.0 - min_precision


def _no_precise_threshold(min_precision: float, confidence: float, labels: int) -> str:
    return (
        f"no threshold reaches a precision of {min_precision:g} at confidence {confidence:g} on {labels} labels: it "
        f"takes at least {labels_needed(1.0 - min_precision, confidence=confidence)} questions above it without one "
        "mistake. Label more, or lower the goal"
    )


def promising_pairs(
    confidences: Sequence[float],
    good: Sequence[bool],
    *,
    labels: int,
    at_most: float = 0.05,
    min_precision: float = 0.95,
    confidence: float = 0.95,
) -> list[tuple[float, float]]:
    """Pairs for `bound_both`: ever more refused as long as that is likely to pass, then ever more answered.

    Args:
        confidences: probabilities of labelled questions other than those that will be tested on.
        good: whether their evidence was there.
        labels: how many labels the test will have.
        at_most: the goal for refusals.
        min_precision: the goal for answers.
        confidence: of both promises.

    Returns:
        At least one pair; both thresholds of a pair may be the same.

    Examples:
        >>> confidences, good = [i / 100 for i in range(100)], [i >= 40 for i in range(100)]
        >>> pairs = promising_pairs(confidences, good, labels=400)
        >>> max(refuse_below for refuse_below, _ in pairs), pairs[0][1] > pairs[-1][1]
        (0.4, True)
    """
    answers = promising_thresholds(confidences, good, labels=labels, min_precision=min_precision, confidence=confidence)
    refusals = _harmless_thresholds(confidences, good, labels, at_most, confidence)
    # Two promises want refuse below <= answer from: what would be answered is not refused.
    rising = [(min(refuse_below, answers[0]), answers[0]) for refuse_below in refusals]
    return list(dict.fromkeys([*rising, *((min(refusals[-1], answer), answer) for answer in answers)]))


def _harmless_thresholds(
    confidences: Sequence[float], good: Sequence[bool], labels: int, at_most: float, confidence: float
) -> list[float]:
    """Thresholds to refuse below that are likely to pass, rising; the first lies below everything that was seen."""
    from scipy.special import bdtr

    answerable = sorted(value for value, is_good in zip(confidences, good, strict=True) if is_good)
    tested = round(labels * len(answerable) / len(confidences))
    allowed = _most_errors(tested, at_most, confidence)
    found = [answerable[0] / 2.0 if answerable else 0.0]
    for place, value in enumerate(answerable):
        # Of n seen values, one more lies below the k-th smallest with a chance of k / (n + 1).
        if allowed < 0 or bdtr(allowed, tested, (place + 1) / (len(answerable) + 1)) < _LIKELY:
            break
        found.append(value)
    return found


def promising_thresholds(
    confidences: Sequence[float],
    good: Sequence[bool],
    *,
    labels: int,
    min_precision: float = 0.95,
    confidence: float = 0.95,
) -> list[float]:
    """Thresholds for `bound_wrong_answers`: the one likeliest to pass first, then ever lower ones.

    A high threshold leaves too few questions to show anything with, a low one lets too many mistakes in. The chance
    that a threshold passes follows from how many of the labels would lie above it and from the share of mistakes to
    expect there, which is estimated halfway between the mistakes seen and those that the confidences admit to.

    Args:
        confidences: probabilities of labelled questions other than those that will be tested on.
        good: whether their evidence was there.
        labels: how many labels the test will have.
        min_precision: the goal.
        confidence: of the promise.

    Returns:
        At least one threshold, falling.

    Examples:
        >>> promising_thresholds([i / 100 for i in range(100)], [i >= 60 for i in range(100)], labels=400)[0] >= 0.6
        True
    """
    require("scipy", needed_for="a promise about precision", extra="eval")
    from scipy.special import bdtr

    _check(1.0 - min_precision, confidence)
    ranked = sorted(zip(_check_finite(confidences), good, strict=True), reverse=True)
    tested = sorted({max(1, round(len(ranked) * share / _SHARES)) for share in range(1, _SHARES + 1)})
    chances = []
    for number in tested:
        answered = ranked[:number]
        admitted = math.fsum(1.0 - value for value, _ in answered)
        seen = sum(not is_good for _, is_good in answered)
        above = round(labels * number / len(ranked))
        allowed = _most_errors(above, 1.0 - min_precision, confidence)
        chances.append(float(bdtr(allowed, above, (admitted + seen) / (2 * number))) if allowed >= 0 else 0.0)
    first = max(range(len(tested)), key=lambda place: chances[place])
    return list(dict.fromkeys(ranked[number - 1][0] for number in tested[first:]))


def estimate_precise(confidences: Sequence[float], good: Sequence[bool], *, min_precision: float = 0.95) -> float:
    """Find the lowest threshold that seems to reach a precision; promises nothing.

    The mistakes to expect above a threshold are estimated as in `promising_thresholds`.

    Args:
        confidences: probabilities of labelled questions from heads that did not see them.
        good: whether their evidence was there.
        min_precision: the goal.

    Raises:
        CalibrationError: no threshold with at least ten questions above it seems to.

    Examples:
        >>> estimate_precise([0.99] * 20 + [0.6] * 20, [True] * 20 + [False, True] * 10)
        0.99
    """
    ranked = sorted(zip(_check_finite(confidences), good, strict=True), reverse=True)
    mistakes, threshold = 0.0, None
    for number, (value, is_good) in enumerate(ranked, start=1):
        mistakes += (1.0 - value + (not is_good)) / 2
        ends_a_tie = number == len(ranked) or ranked[number][0] < value
        if number >= _FEWEST_ABOVE and ends_a_tie and mistakes <= (1.0 - min_precision) * number:
            threshold = value
    if threshold is None:
        raise CalibrationError(
            f"no threshold with {_FEWEST_ABOVE} of the {len(ranked)} labelled questions above it seems to reach a "
            f"precision of {min_precision:g}: label more, or lower the goal"
        )
    return threshold


def _most_errors(number: int, at_most: float, confidence: float) -> int:
    """How many of `number` may be refused so that the upper bound stays within `at_most`; -1 if not even none."""
    allowed = -1
    while allowed + 1 < number and upper_bound(allowed + 1, number, confidence=confidence) <= at_most:
        allowed += 1
    return allowed


def _check_finite(values: Sequence[float]) -> list[float]:
    if not all(math.isfinite(value) for value in values):
        raise CalibrationError("a confidence is NaN or infinite: leave out questions that could not be assessed")
    return list(values)


def _check(risk: float, confidence: float) -> None:
    if not (0.0 < risk < 1.0 and 0.0 < confidence < 1.0):
        raise ConfigurationError(f"risk {risk:g} and confidence {confidence:g} must lie between 0 and 1")
