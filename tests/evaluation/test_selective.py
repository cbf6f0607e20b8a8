from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, roc_auc_score

from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.evaluation.selective import reliability, risk_coverage
from llama_index_prod_rag.significance import auroc

CASES = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]), st.booleans()), min_size=1, max_size=30)


def test_auroc_equals_scikit_learns_on_500_random_cases() -> None:
    generator = np.random.default_rng(6)
    for _ in range(500):
        n = int(generator.integers(2, 40))
        good = generator.random(n) < 0.5
        confidence = generator.choice([0.1, 0.3, 0.5, generator.random()], size=n)
        if good.any() and not good.all():
            assert auroc(confidence.tolist(), good.tolist()) == pytest.approx(roc_auc_score(good, confidence))


def test_auroc_of_cases_that_are_all_alike_is_unknown() -> None:
    assert auroc([0.1, 0.2], [True, True]) is None


def test_risk_coverage_by_hand() -> None:
    curve = risk_coverage([0.9, 0.8, 0.7, 0.6], [True, False, True, False])
    assert curve.coverage == (0.25, 0.5, 0.75, 1.0)
    assert curve.risk == pytest.approx((0, 1 / 2, 1 / 3, 1 / 2))
    assert curve.aurc == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert curve.random == pytest.approx(0.5)
    assert curve.oracle == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)
    assert curve.coverage_at_risk(0.4) == 0.75
    assert curve.coverage_at_risk(0.0) == 0.25


def test_tied_confidences_enter_together_in_no_particular_order() -> None:
    forward = risk_coverage([0.5, 0.5, 0.5], [True, False, False])
    assert forward == risk_coverage([0.5, 0.5, 0.5], [False, False, True])
    assert forward.coverage == (1.0,)
    assert forward.aurc == pytest.approx(forward.random)


def test_the_oracle_scores_one_and_its_opposite_less_than_chance() -> None:
    assert risk_coverage([3.0, 2.0, 1.0], [True, True, False]).normalized == pytest.approx(1.0)
    assert (risk_coverage([1.0, 2.0, 3.0], [True, True, False]).normalized or 0.0) < 0.0
    assert risk_coverage([1.0, 2.0], [True, True]).normalized is None


@given(CASES)
def test_the_area_lies_between_the_oracle_and_its_opposite(cases: list[tuple[float, bool]]) -> None:
    curve = risk_coverage([confidence for confidence, _ in cases], [good for _, good in cases])
    assert curve.oracle - 1e-9 <= curve.aurc <= 1.0
    assert curve.coverage[-1] == 1.0
    assert list(curve.coverage) == sorted(curve.coverage)
    assert curve.risk[-1] == pytest.approx(curve.random)


def test_a_calibrated_confidence_sits_at_its_floor_and_an_overconfident_one_does_not() -> None:
    generator = np.random.default_rng(7)
    confidence = generator.random(400)
    good = (generator.random(400) < confidence).tolist()
    calibrated = reliability(confidence.tolist(), good)
    assert calibrated.ece < 2 * calibrated.ece_floor
    boastful = reliability((0.5 + confidence / 2).tolist(), good)
    assert boastful.ece > 4 * boastful.ece_floor


def test_brier_equals_scikit_learns() -> None:
    confidence, good = [0.1, 0.9, 0.6, 0.4], [False, True, False, True]
    assert reliability(confidence, good).brier == pytest.approx(brier_score_loss(good, confidence))


@given(CASES, st.integers(1, 8))
def test_bins_hold_every_question_once(cases: list[tuple[float, bool]], bins: int) -> None:
    confidence, good = [value for value, _ in cases], [value for _, value in cases]
    result = reliability(confidence, good, bins=bins)
    assert sum(entry.rate.n for entry in result.bins) == len(cases)
    assert len(result.bins) <= bins
    total = sum(entry.confidence * entry.rate.n for entry in result.bins)
    assert total / len(cases) == pytest.approx(sum(confidence) / len(cases))
    assert 0.0 <= result.ece <= 1.0


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(InputError):
        reliability([1.2], [True])
    with pytest.raises(InputError):
        risk_coverage([float("nan")], [True])
    with pytest.raises(InputError):
        auroc([], [])
    with pytest.raises(ConfigurationError):
        reliability([0.5], [True], bins=0)
