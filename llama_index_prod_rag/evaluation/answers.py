"""End to end: was the question answered, rightly, or rightly refused.

Correct, wrong and refused are kept apart, because they cost a user different things; a refusal is right where the
corpus cannot answer. Source of the three-way score: Yang et al., "CRAG - Comprehensive RAG Benchmark" (NeurIPS 2024).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.evaluation.answer_metrics import AnswerMetric, contains_answer
from llama_index_prod_rag.evaluation.labels import Label
from llama_index_prod_rag.significance import Interval, bootstrap_mean, proportion

Outcome = Literal["correct", "wrong", "refused_wrongly", "refused_rightly", "answered_unanswerable"]
"""What became of a question: the first three where the corpus can answer it, the last two where it cannot."""

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
_GOOD: frozenset[Outcome] = frozenset(("correct", "refused_rightly"))
_ANSWERED: frozenset[Outcome] = frozenset(("correct", "wrong", "answered_unanswerable"))


def grade_answer(
    answer: str | None, label: Label, *, metric: AnswerMetric = contains_answer, threshold: float = 0.5
) -> Outcome | None:
    """Tell what became of one question: a correct answer, a wrong one, or a refusal, rightly or wrongly.

    Args:
        answer: the text the user saw; None for a refusal. A hedged answer is an answer: it shows its content.
        label: what would be right.
        metric: compares the answer with the references.
        threshold: from this value on the answer is correct.

    Returns:
        None where the label cannot tell: nothing is known, or there is an answer but no reference to compare with.

    Examples:
        >>> label = Label(references=("Paris",))
        >>> grade_answer("It is Paris.", label), grade_answer("Rome", label), grade_answer(None, label)
        ('correct', 'wrong', 'refused_wrongly')
        >>> grade_answer(None, Label(answerable=False)), grade_answer("Rome", Label(answerable=False))
        ('refused_rightly', 'answered_unanswerable')
    """
    answerable = label.can_be_answered
    if answerable is None:
        return None
    if answer is None:
        return "refused_wrongly" if answerable else "refused_rightly"
    if not answerable:
        return "answered_unanswerable"
    if not label.references:
        return None
    return "correct" if metric(answer, label.references) >= threshold else "wrong"


def is_good(outcome: Outcome) -> bool:
    """Whether the outcome is what one would wish: a correct answer or a right refusal."""
    return outcome in _GOOD


@dataclass(frozen=True, slots=True)
class AnswerSummary:
    """Outcomes of many questions. A rate over no questions is None.

    Attributes:
        n: number of questions.
        counts: outcome -> number of questions.
        good: share of correct answers and right refusals among all.
        reward: mean of 1 for a good outcome, 0 for a wrong refusal, minus `wrong_cost` for a wrong answer.
        coverage: share of questions that were answered.
        selective_accuracy: share of correct answers among those given.
        correct_when_answerable: share of correct answers among answerable questions.
        false_refusals: share of refusals among answerable questions.
        false_answers: share of answers among unanswerable questions.
        wrong_cost: what a wrong answer cost in `reward`.
    """

    n: int
    counts: Mapping[Outcome, int]
    good: Interval
    reward: Interval
    coverage: Interval
    selective_accuracy: Interval | None
    correct_when_answerable: Interval | None
    false_refusals: Interval | None
    false_answers: Interval | None
    wrong_cost: float


def reward(outcome: Outcome, *, wrong_cost: float = 1.0) -> float:
    """1 for a correct answer or a right refusal, 0 for a wrong refusal, minus `wrong_cost` for a wrong answer."""
    if outcome in _GOOD:
        return 1.0
    return 0.0 if outcome == "refused_wrongly" else -wrong_cost


def summarize_answers(outcomes: Iterable[Outcome], *, wrong_cost: float = 1.0, seed: int = 0) -> AnswerSummary:
    """Summarize the outcomes of many questions as rates with confidence intervals.

    Args:
        outcomes: one per question.
        wrong_cost: what a wrong answer costs, in units of a correct one; at least 0.
        seed: of the bootstrap behind the reward's interval.

    Raises:
        InputError: there are no outcomes.
        ConfigurationError: the cost is negative or not finite.

    Examples:
        >>> summary = summarize_answers(["correct", "refused_rightly", "wrong", "refused_wrongly"])
        >>> summary.good.mean, summary.reward.mean, summary.selective_accuracy.mean
        (0.5, 0.25, 0.5)
    """
    if not (math.isfinite(wrong_cost) and wrong_cost >= 0.0):
        raise ConfigurationError("wrong_cost must be a finite number, 0 or more")
    listed = list(outcomes)
    if not listed:
        raise InputError("there is nothing to summarise: no question has both an outcome and a label")
    counts = Counter(listed)
    answerable = counts["correct"] + counts["wrong"] + counts["refused_wrongly"]
    unanswerable = counts["refused_rightly"] + counts["answered_unanswerable"]
    answered = sum(counts[outcome] for outcome in _ANSWERED)
    return AnswerSummary(
        n=len(listed),
        counts={outcome: counts[outcome] for outcome in OUTCOMES},
        good=proportion(sum(counts[outcome] for outcome in _GOOD), len(listed)),
        reward=bootstrap_mean(
            [reward(outcome, wrong_cost=wrong_cost) for outcome in listed], seed=seed, resamples=2000
        ),
        coverage=proportion(answered, len(listed)),
        selective_accuracy=_rate(counts["correct"], answered),
        correct_when_answerable=_rate(counts["correct"], answerable),
        false_refusals=_rate(counts["refused_wrongly"], answerable),
        false_answers=_rate(counts["answered_unanswerable"], unanswerable),
        wrong_cost=wrong_cost,
    )


def _rate(successes: int, n: int) -> Interval | None:
    return proportion(successes, n) if n else None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two verdicts on the same questions agree.

    Attributes:
        n: questions with both verdicts.
        agree: share on which they agree.
        kappa: Cohen's kappa, agreement beyond chance: 1 full, 0 chance; None where one of them never varies.
    """

    n: int
    agree: Interval
    kappa: float | None


def feedback_agreement(ours: Sequence[bool], helpful: Sequence[bool]) -> Agreement:
    """Does what we measure agree with what users said.

    Args:
        ours: our verdict: a good outcome, or that the gate answered.
        helpful: the user's, question by question.

    Raises:
        InputError: the lists are empty or differ in length.

    Examples:
        >>> feedback_agreement([True, True, False, False], [True, True, False, True]).kappa
        0.5
    """
    if len(ours) != len(helpful):
        raise InputError(f"{len(ours)} verdicts but {len(helpful)} judgments")
    n = len(ours)
    same = sum(mine == theirs for mine, theirs in zip(ours, helpful, strict=True))
    agree = proportion(same, n)
    yes, theirs_yes = sum(ours) / n, sum(helpful) / n
    by_chance = yes * theirs_yes + (1.0 - yes) * (1.0 - theirs_yes)
    varies = 0.0 < yes < 1.0 and 0.0 < theirs_yes < 1.0
    return Agreement(n, agree, (agree.mean - by_chance) / (1.0 - by_chance) if varies else None)
