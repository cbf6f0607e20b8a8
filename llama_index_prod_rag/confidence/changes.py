"""What a new calibration changes for the labelled questions: whom it refuses, what it answers, what it hedges. Core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from llama_index_prod_rag.confidence.calibration import Calibration, Example
from llama_index_prod_rag.confidence.policy import Decision
from llama_index_prod_rag.errors import CalibrationError
from llama_index_prod_rag.significance import Interval, proportion

_FOLDS = 5

Fit = Callable[[Sequence[Example]], Calibration]
"""Makes a calibration of labelled questions."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Says how often a gate does what, each with its 95 % interval.

    Attributes:
        refused_wrongly: of the questions whose evidence was shown; None where there are none.
        answered_without: of the questions without it; None where there are none.
        hedged: of all questions.
    """

    refused_wrongly: Interval | None
    answered_without: Interval | None
    hedged: Interval


@dataclass(frozen=True, slots=True)
class Change:
    """Compares two gates on the same labelled questions.

    Attributes:
        before: the gate that is replaced.
        after: the new one.
        unseen: whether each question was judged by a gate that had not seen its label; where there are too few labels
            to leave some out, the new gate judges those that it was made of, and looks better than it is.
    """

    before: Rates
    after: Rates
    unseen: bool

    @property
    def answers_more_without_evidence(self) -> bool:
        """Whether the new gate answers more of the questions that have no evidence."""
        old, new = self.before.answered_without, self.after.answered_without
        return old is not None and new is not None and new.mean > old.mean

    def to_json(self) -> dict[str, object]:
        """Make the comparison a JSON object."""
        return {"before": _to_json(self.before), "after": _to_json(self.after), "unseen": self.unseen}


def decide(calibration: Calibration, example: Example) -> Decision:
    """Decide as the gate does with this calibration, its default policy and the example's slice.

    Without a fitting head it hedges.
    """
    signals = calibration.place(example.signals)
    head = calibration.head_for(signals)
    if head is None:
        return "hedge"
    head, probability = head.of_slice(example.slice), head.probability(signals)
    if probability < head.refuse_below:
        return "refuse"
    return "answer" if probability >= head.answer_from else "hedge"


def compare_calibrations(
    examples: Sequence[Example], before: Calibration, after: Calibration, refit: Fit, *, seed: int = 0
) -> Change:
    """Compare a gate with its successor on the labels that the successor was made of.

    Args:
        examples: the labelled questions.
        before: the calibration that is replaced; it has seen none of the labels.
        after: the new calibration.
        refit: makes a calibration as `after` was made, of fewer labels: each question is then judged by one that has
            not seen it (five-fold cross-validation).
        seed: of the folds.

    Examples:
        >>> from llama_index_prod_rag.confidence.calibration import Head
        >>> def gate(threshold):
        ...     head = Head(("x",), (0.0,), (1.0,), (1.0,), 0.0, refuse_below=threshold, answer_from=threshold)
        ...     return Calibration((head,), 0, 0)
        >>> asked = [Example({"x": value}, good=value > 0) for value in (-2.0, -1.0, 1.0, 2.0)]
        >>> change = compare_calibrations(asked, gate(0.8), gate(0.2), lambda some: gate(0.2))
        >>> print(change.before.refused_wrongly, change.after.refused_wrongly, change.answers_more_without_evidence)
        0.500 [0.095, 0.905] 0.000 [0.000, 0.658] True
    """
    old = [decide(before, example) for example in examples]
    try:
        new, unseen = _decide_unseen(examples, refit, seed), True
    except CalibrationError:
        new, unseen = [decide(after, example) for example in examples], False
    return Change(_count(examples, old), _count(examples, new), unseen)


def _decide_unseen(examples: Sequence[Example], refit: Fit, seed: int) -> list[Decision]:
    fold = np.empty(len(examples), dtype=np.int64)
    generator = np.random.default_rng(seed)
    for good in (True, False):
        places = generator.permutation([place for place, example in enumerate(examples) if example.good is good])
        fold[places.astype(np.int64)] = np.arange(len(places)) % _FOLDS
    fitted = [
        refit([example for example, of in zip(examples, fold, strict=True) if of != left]) for left in range(_FOLDS)
    ]
    return [decide(fitted[of], example) for example, of in zip(examples, fold, strict=True)]


def _count(examples: Sequence[Example], decisions: Sequence[Decision]) -> Rates:
    good = [decision for decision, example in zip(decisions, examples, strict=True) if example.good]
    bad = [decision for decision, example in zip(decisions, examples, strict=True) if not example.good]
    return Rates(_rate(good, "refuse"), _rate(bad, "answer"), proportion(decisions.count("hedge"), len(decisions)))


def _rate(decisions: Sequence[Decision], decision: Decision) -> Interval | None:
    return proportion(decisions.count(decision), len(decisions)) if decisions else None


def _to_json(rates: Rates) -> dict[str, object]:
    def ends(interval: Interval | None) -> dict[str, float] | None:
        return None if interval is None else {**interval.ends(), "n": interval.n}

    return {
        "refused_wrongly": ends(rates.refused_wrongly),
        "answered_without_evidence": ends(rates.answered_without),
        "hedged": ends(rates.hedged),
    }
