from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.evaluation.answer_metrics import token_f1
from llama_index_prod_rag.evaluation.answers import OUTCOMES, feedback_agreement, grade_answer, summarize_answers
from llama_index_prod_rag.evaluation.labels import Label

KNOWN = Label(references=("RNA interference",))
UNKNOWN = Label(answerable=False)


@pytest.mark.parametrize(
    ("answer", "label", "outcome"),
    [
        ("by RNA interference.", KNOWN, "correct"),
        ("by antibodies", KNOWN, "wrong"),
        ("", KNOWN, "wrong"),
        (None, KNOWN, "refused_wrongly"),
        (None, UNKNOWN, "refused_rightly"),
        ("by antibodies", UNKNOWN, "answered_unanswerable"),
        (None, Label(relevant={"a": 1}), "refused_wrongly"),
        ("by antibodies", Label(relevant={"a": 1}), None),
        ("by antibodies", Label(), None),
        (None, Label(relevant={"a": 0}), None),
    ],
)
def test_correct_wrong_and_refused_are_kept_apart(answer: str | None, label: Label, outcome: str | None) -> None:
    assert grade_answer(answer, label) == outcome


def test_the_measure_and_its_threshold_decide_what_is_correct() -> None:
    label = Label(references=("the RNA interference pathway",))
    assert grade_answer("interference", label, metric=token_f1, threshold=0.5) == "correct"
    assert grade_answer("interference", label, metric=token_f1, threshold=0.6) == "wrong"


def test_summary_by_hand() -> None:
    summary = summarize_answers(
        ["correct"] * 4 + ["wrong"] * 2 + ["refused_wrongly"] * 2 + ["refused_rightly"] + ["answered_unanswerable"],
        wrong_cost=0.5,
    )
    assert summary.good.mean == pytest.approx(5 / 10)
    assert summary.reward.mean == pytest.approx((5 - 0.5 * 3) / 10)
    assert summary.coverage.mean == pytest.approx(7 / 10)
    assert summary.selective_accuracy is not None
    assert summary.selective_accuracy.mean == pytest.approx(4 / 7)
    assert summary.correct_when_answerable is not None
    assert summary.correct_when_answerable.mean == pytest.approx(4 / 8)
    assert summary.false_refusals is not None
    assert summary.false_refusals.mean == pytest.approx(2 / 8)
    assert summary.false_answers is not None
    assert summary.false_answers.mean == pytest.approx(1 / 2)


def test_refusing_everything_is_worth_exactly_the_unanswerable_share() -> None:
    summary = summarize_answers(["refused_wrongly"] * 3 + ["refused_rightly"])
    assert summary.reward.mean == pytest.approx(0.25)
    assert summary.selective_accuracy is None


@given(st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=30))
def test_rates_stay_rates(outcomes: list[str]) -> None:
    summary = summarize_answers(outcomes)  # type: ignore[arg-type]
    assert sum(summary.counts.values()) == summary.n
    for rate in (summary.good, summary.coverage, summary.selective_accuracy, summary.false_refusals):
        assert rate is None or 0.0 <= rate.low <= rate.mean <= rate.high <= 1.0


def test_nothing_to_summarize_is_refused() -> None:
    with pytest.raises(InputError):
        summarize_answers([])
    with pytest.raises(ConfigurationError):
        summarize_answers(["wrong"], wrong_cost=-1.0)


def test_agreement_equals_scikit_learns_kappa() -> None:
    generator = np.random.default_rng(5)
    for _ in range(500):
        n = int(generator.integers(4, 30))
        ours = [bool(value) for value in generator.random(n) < 0.5]
        helpful = [bool(value) for value in generator.random(n) < 0.6]
        agreement = feedback_agreement(ours, helpful)
        if agreement.kappa is not None:
            assert agreement.kappa == pytest.approx(cohen_kappa_score(ours, helpful))


def test_agreement_without_variation_has_no_kappa() -> None:
    assert feedback_agreement([True, True], [True, False]).kappa is None
    with pytest.raises(InputError):
        feedback_agreement([], [])
    with pytest.raises(InputError):
        feedback_agreement([True], [])
