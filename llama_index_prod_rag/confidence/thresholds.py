"""Where a head's probabilities turn into refusals and answers: estimated, or promised, for each kind of question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from llama_index_prod_rag.confidence.calibration import Example, Head
from llama_index_prod_rag.confidence.guarantees import (
    Guarantee,
    Method,
    bound_both,
    bound_false_refusals,
    bound_wrong_answers,
    estimate_precise,
    promising_pairs,
    promising_thresholds,
)
from llama_index_prod_rag.errors import CalibrationError, InputError

_UNGUARDED_REFUSAL = 0.05  # share of questions with evidence that a threshold without guarantee aims to refuse
_LENT = 30  # questions of other slices that a slice's estimates borrow, as tuned weights shrink to their default


class Judged(NamedTuple):
    """Holds one labelled question's probability, from a head that did not see it, and its label."""

    probability: float
    good: bool
    slice: str = ""


@dataclass(frozen=True, slots=True)
class Goals:
    """Says what the thresholds have to promise.

    Attributes:
        max_false_refusal: bound on the share of questions with evidence that are refused; None promises nothing.
        min_answer_precision: share of the answered questions that have their evidence; None promises nothing.
        confidence: chance that the promises hold, two of them together.
        method: what the bound on false refusals means.
    """

    max_false_refusal: float | None = None
    min_answer_precision: float | None = None
    confidence: float = 0.95
    method: Method = "high-confidence"

    def __bool__(self) -> bool:
        return self.max_false_refusal is not None or self.min_answer_precision is not None

    @property
    def promised(self) -> bool:
        """Whether labels have to be kept back for them."""
        return bool(self) and self.method != "estimate"

    @property
    def exact(self) -> bool:
        """Whether each promise holds for single draws of the labels, so that two can hold together."""
        return self.method == "high-confidence"


def set_thresholds(
    head: Head, unseen: Sequence[Judged], held_out: Sequence[Example], goals: Goals
) -> tuple[Head, tuple[str, ...]]:
    """Give a head its thresholds, the shared ones and each slice's, and say what they promise.

    Estimates of a slice borrow thirty questions from the others, so that a few labels of its own move them a little
    and many move them all the way. A promise of a slice rests on its own labels; where those are too few, the slice
    keeps the shared thresholds, whose promise is about all slices together.

    Args:
        head: without thresholds.
        unseen: what it said of labelled questions that it had not seen.
        held_out: further labels, for promises alone.
        goals: what to reach.

    Raises:
        CalibrationError: too few labels for the shared thresholds.
    """
    tested = judge(head, held_out)
    head, promises = _set_for(head, unseen, tested, goals)
    by_slice: dict[str, tuple[float, float]] = {}
    for name in sorted({one.slice for one in unseen} - {""}):
        own = [one for one in unseen if one.slice == name]
        others = [one for one in unseen if one.slice != name]
        try:
            made, kept = _set_for(head, [*own, *_lend(others)], [one for one in tested if one.slice == name], goals)
        except CalibrationError:
            continue
        by_slice[name] = made.refuse_below, made.answer_from
        promises = (*promises, *(f"{name}: {promise}" for promise in kept))
    return replace(head, by_slice=by_slice), promises


def estimate(head: Head, unseen: Sequence[Judged], goals: Goals) -> Head:
    """Give a head the thresholds that seem to reach the goal for refusals; they promise nothing.

    Raises:
        CalibrationError: none of the questions has its evidence.
    """
    with_evidence = [one.probability for one in unseen if one.good]
    if not with_evidence:
        raise CalibrationError("no labelled question has its evidence: there is nothing to set a threshold by")
    aim = goals.max_false_refusal if goals.max_false_refusal is not None else _UNGUARDED_REFUSAL
    unlikely = float(np.quantile(with_evidence, aim))
    # Where labels tell the two kinds well apart, that lies above one half: more likely there than not is not a refusal,
    # unless a goal asks for one.
    refuse_below = unlikely if goals.max_false_refusal is not None else min(0.5, unlikely)
    return replace(head, refuse_below=refuse_below, answer_from=max(0.5, unlikely))


def estimate_unlabeled(probabilities: Sequence[float], share: float = _UNGUARDED_REFUSAL) -> float:
    """Find the threshold below which lies a share of the evidence, by what a head says of questions without labels.

    A question whose evidence is there with probability p counts as p such questions, so no label is needed; how good
    the estimate is depends on how well the head is calibrated for questions like these.

    Args:
        probabilities: of the questions, at least one, 0 to 1.
        share: of the questions with evidence that may lie below the threshold, 0 to 1.

    Raises:
        InputError: there is no probability, or one is not between 0 and 1; NaN is not.

    Examples:
        >>> estimate_unlabeled([0.9] * 10 + [0.02] * 10, share=0.05)
        0.9
        >>> estimate_unlabeled([0.9] * 10 + [0.2] * 10, share=0.05)
        0.2
    """
    rising = np.sort(np.asarray(probabilities, dtype=np.float64))
    if not len(rising) or not ((rising >= 0.0) & (rising <= 1.0)).all():  # NaN fails too
        raise InputError("a threshold needs the probabilities of one question or more, each between 0 and 1")
    if not 0.0 <= share <= 1.0:
        raise InputError(f"share={share} is not between 0 and 1")
    below = np.cumsum(rising) - rising
    return float(rising[np.searchsorted(below, share * rising.sum(), side="right") - 1])


def judge(head: Head, examples: Sequence[Example]) -> list[Judged]:
    """What a head says of the labelled questions that have its signals."""
    fitting = [example for example in examples if head.fits(example.signals)]
    return [Judged(head.probability(example.signals), example.good, example.slice) for example in fitting]


def _lend(others: Sequence[Judged]) -> list[Judged]:
    """As many as a slice borrows, evenly over their probabilities."""
    ranked = sorted(others)
    count = min(_LENT, len(ranked))
    return [ranked[(2 * place + 1) * len(ranked) // (2 * count)] for place in range(count)]


def _set_for(
    head: Head, unseen: Sequence[Judged], tested: Sequence[Judged], goals: Goals
) -> tuple[Head, tuple[str, ...]]:
    """Thresholds for one group of questions."""
    head = estimate(head, unseen, goals)
    if not goals.promised:
        return _estimate_precision(head, unseen, goals), ()
    if goals.max_false_refusal is not None and goals.min_answer_precision is not None and goals.exact:
        kept = _promise_both(unseen, tested, goals, goals.max_false_refusal, goals.min_answer_precision)
        head = replace(head, refuse_below=kept[0].threshold, answer_from=kept[1].threshold)
        return head, tuple(guarantee.promise for guarantee in kept)
    return _promise_one_by_one(head, unseen, tested, goals)


def _estimate_precision(head: Head, unseen: Sequence[Judged], goals: Goals) -> Head:
    if goals.min_answer_precision is None:
        return head
    probabilities, good = _columns(unseen)
    answer_from = estimate_precise(probabilities, good, min_precision=goals.min_answer_precision)
    return replace(head, answer_from=answer_from, refuse_below=min(head.refuse_below, answer_from))


def _promise_both(
    unseen: Sequence[Judged], tested: Sequence[Judged], goals: Goals, at_most: float, min_precision: float
) -> tuple[Guarantee, Guarantee]:
    # Thresholds to test come from labels that fitted the head, so that the test's had no say in them.
    pairs = promising_pairs(
        *_columns(unseen),
        labels=len(tested),
        at_most=at_most,
        min_precision=min_precision,
        confidence=goals.confidence,
    )
    return bound_both(
        *_columns(tested), pairs=pairs, at_most=at_most, min_precision=min_precision, confidence=goals.confidence
    )


def _promise_one_by_one(
    head: Head, unseen: Sequence[Judged], tested: Sequence[Judged], goals: Goals
) -> tuple[Head, tuple[str, ...]]:
    kept: list[Guarantee] = []
    if goals.max_false_refusal is not None:
        refusal = bound_false_refusals(
            [one.probability for one in tested if one.good],
            at_most=goals.max_false_refusal,
            confidence=goals.confidence,
            method=goals.method,
        )
        head = replace(head, refuse_below=refusal.threshold, answer_from=max(head.answer_from, refusal.threshold))
        kept.append(refusal)
    if goals.min_answer_precision is not None:
        answer = _promise_precise_answers(unseen, tested, goals.min_answer_precision, goals.confidence)
        head = replace(head, answer_from=answer.threshold, refuse_below=min(head.refuse_below, answer.threshold))
        kept.append(answer)
    return head, tuple(guarantee.promise for guarantee in kept)


def _promise_precise_answers(
    unseen: Sequence[Judged], tested: Sequence[Judged], min_precision: float, confidence: float
) -> Guarantee:
    thresholds = promising_thresholds(
        *_columns(unseen), labels=len(tested), min_precision=min_precision, confidence=confidence
    )
    return bound_wrong_answers(
        *_columns(tested), thresholds=thresholds, min_precision=min_precision, confidence=confidence
    )


def _columns(judged: Sequence[Judged]) -> tuple[list[float], list[bool]]:
    return [one.probability for one in judged], [one.good for one in judged]
