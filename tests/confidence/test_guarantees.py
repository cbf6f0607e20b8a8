"""Guarantees: exact bounds, and that they hold over many draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from llama_index_prod_rag.confidence.guarantees import (
    bound_both,
    bound_false_refusals,
    bound_wrong_answers,
    labels_needed,
    promising_pairs,
    promising_thresholds,
    upper_bound,
)
from llama_index_prod_rag.errors import CalibrationError, ConfigurationError


@pytest.mark.parametrize(("errors", "number"), [(0, 59), (1, 93), (3, 100), (10, 40)])
def test_the_upper_bound_is_where_so_few_errors_become_improbable(errors: int, number: int) -> None:
    bound = upper_bound(errors, number, confidence=0.95)
    assert binom.cdf(errors, number, bound) == pytest.approx(0.05, abs=1e-9)


def test_five_per_cent_at_95_take_59_labels() -> None:
    assert labels_needed(0.05, confidence=0.95) == 59
    with pytest.raises(CalibrationError, match="at least 59"):
        bound_false_refusals([0.5] * 58, at_most=0.05)
    assert bound_false_refusals([i / 59 for i in range(59)], at_most=0.05).threshold == 0.0


def test_on_average_takes_19() -> None:
    with pytest.raises(CalibrationError, match="at least 19"):
        bound_false_refusals([0.5] * 18, at_most=0.05, method="on-average")
    assert bound_false_refusals([i / 19 for i in range(19)], at_most=0.05, method="on-average").threshold == 0.0


@pytest.mark.parametrize("number", [59, 100, 200])
def test_false_refusals_stay_within_the_bound_in_95_of_100_draws(number: int) -> None:
    generator = np.random.default_rng(number)
    broken = 0
    for _ in range(2000):
        threshold = bound_false_refusals(generator.random(number).tolist(), at_most=0.05).threshold
        broken += threshold > 0.05  # uniform confidences: the true rate is the threshold itself
    assert broken / 2000 <= 0.05 + 1.645 * (0.05 * 0.95 / 2000) ** 0.5


def test_on_average_bounds_the_mean_and_breaks_more_often() -> None:
    generator = np.random.default_rng(1)
    rates = [
        bound_false_refusals(generator.random(100).tolist(), at_most=0.05, method="on-average").threshold
        for _ in range(2000)
    ]
    assert np.mean(rates) <= 0.05 + 0.002
    assert np.mean(np.array(rates) > 0.05) > 0.2


def test_precision_stays_above_the_goal_in_95_of_100_draws() -> None:
    generator = np.random.default_rng(2)
    broken = found = 0
    for _ in range(500):
        confidences = generator.random(600)
        good = generator.random(600) < confidences  # calibrated: precision from t on is (1 + t) / 2
        try:
            threshold = bound_wrong_answers(
                confidences.tolist(), good.tolist(), thresholds=[0.8, 0.48, 0.3], min_precision=0.75
            ).threshold
        except CalibrationError:
            continue
        found += 1
        broken += (1 + threshold) / 2 < 0.75
    assert found > 400
    assert broken / 500 <= 0.05 + 1.645 * (0.05 * 0.95 / 500) ** 0.5


def test_the_lowest_threshold_that_passes_is_taken_and_reported() -> None:
    good = [False] * 50 + [True] * 200
    guarantee = bound_wrong_answers([i / 250 for i in range(250)], good, thresholds=[0.5, 0.3, 0.1])
    assert guarantee.threshold == 0.3
    assert guarantee.share == pytest.approx(175 / 250)
    assert "at least 95.0% of the questions answered" in guarantee.promise


def test_too_little_for_a_precision_says_how_many_it_takes() -> None:
    with pytest.raises(CalibrationError, match=r"at least 59 questions above it without one mistake"):
        bound_wrong_answers([0.9] * 50, [True] * 50, thresholds=[0.5])


def test_what_is_no_rate_or_no_number_is_refused() -> None:
    for wrong in (0.0, 1.0, -0.1):
        with pytest.raises(ConfigurationError, match="between 0 and 1"):
            bound_false_refusals([0.5] * 100, at_most=wrong)
    with pytest.raises(ConfigurationError, match="'estimate' bounds nothing"):
        bound_false_refusals([0.5] * 100, method="estimate")
    with pytest.raises(CalibrationError, match="NaN"):
        bound_false_refusals([float("nan")] * 100)
    with pytest.raises(ConfigurationError, match="at least one threshold"):
        bound_wrong_answers([0.5], [True], thresholds=[])


def draw_labels(generator: np.random.Generator, number: int) -> tuple[list[float], list[bool]]:
    """Confidences that are right about how likely the evidence is there: a question at p has it with chance p."""
    confidences = generator.beta(0.3, 0.3, number)
    return confidences.tolist(), (generator.random(number) < confidences).tolist()


def test_two_promises_hold_together_in_95_of_100_draws_and_cost_fewer_labels_than_two_tests() -> None:
    generator = np.random.default_rng(3)
    truth = generator.beta(0.3, 0.3, 200_000)
    broken = kept = apart = 0
    for _ in range(300):
        seen, tested = draw_labels(generator, 150), draw_labels(generator, 150)
        pairs = promising_pairs(*seen, labels=150, min_precision=0.9)
        try:
            refusal, answer = bound_both(*tested, pairs=pairs, min_precision=0.9)
        except CalibrationError:
            continue
        finally:
            apart += holds_apart(seen, tested)
        kept += 1
        refused = truth[truth < refusal.threshold].sum() / truth.sum()
        broken += refused > 0.05 or truth[truth >= answer.threshold].mean() < 0.9
    assert kept > 1.2 * apart
    assert broken / 300 <= 0.05 + 1.645 * (0.05 * 0.95 / 300) ** 0.5


def holds_apart(seen: tuple[list[float], list[bool]], tested: tuple[list[float], list[bool]]) -> bool:
    """Whether two tests at half of the doubt each, which together are as sure, would have promised both."""
    thresholds = promising_thresholds(*seen, labels=150, min_precision=0.9, confidence=0.975)
    try:
        bound_wrong_answers(*tested, thresholds=thresholds, min_precision=0.9, confidence=0.975)
        bound_false_refusals([p for p, good in zip(*tested, strict=True) if good], confidence=0.975)
    except CalibrationError:
        return False
    return True


def test_of_two_promises_the_one_that_cannot_be_shown_is_named() -> None:
    with pytest.raises(CalibrationError, match="58 questions with their evidence there are too few"):
        bound_both([0.9] * 58, [True] * 58, pairs=[(0.1, 0.5)])
    with pytest.raises(CalibrationError, match="no threshold reaches a precision"):
        bound_both([0.9] * 200, [True, False] * 100, pairs=[(0.1, 0.5)])
    with pytest.raises(ConfigurationError, match="at least one pair"):
        bound_both([0.9], [True], pairs=[])


def test_coverage_stands_beside_every_promise() -> None:
    confidences, good = [i / 300 for i in range(300)], [i >= 100 for i in range(300)]
    refusal, answer = bound_both(confidences, good, pairs=[(0.3, 0.5)])
    assert refusal.promise.endswith("both with 95% confidence (100% of the 200 labelled ones pass)")
    assert answer.promise.endswith("both with 95% confidence (50% of the 300 labelled ones are answered)")
