from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.significance import (
    bootstrap_mean,
    compare,
    paired_difference,
    permutation_p_value,
)


def test_the_interval_equals_scipys_percentile_bootstrap() -> None:
    values = np.random.default_rng(1).beta(2, 3, size=60)
    ours = bootstrap_mean(values, resamples=20_000)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=20_000, random_state=3)
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval), abs=0.004)
    assert ours.mean == pytest.approx(values.mean())


def test_the_permutation_test_equals_scipys() -> None:
    generator = np.random.default_rng(2)
    first, second = generator.normal(size=12), generator.normal(0.4, 1, size=12)
    exact = stats.permutation_test((first, second), lambda x, y: np.mean(y - x), permutation_type="samples")
    assert permutation_p_value(first, second) == pytest.approx(exact.pvalue, abs=1e-9)


def test_the_sampled_permutation_test_agrees_with_the_exact_one() -> None:
    generator = np.random.default_rng(3)
    first, second = generator.normal(size=16), generator.normal(0.5, 1, size=16)
    exact = stats.permutation_test(
        (first, second), lambda x, y: np.mean(y - x), permutation_type="samples", n_resamples=2**17
    )
    assert permutation_p_value(first, second) == pytest.approx(exact.pvalue, abs=0.02)


def test_the_interval_covers_the_true_mean_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(4)
    intervals = [bootstrap_mean(generator.random(40), seed=seed, resamples=500) for seed in range(300)]
    assert 0.90 <= np.mean([interval.low <= 0.5 <= interval.high for interval in intervals]) <= 0.98


def test_the_same_seed_gives_the_same_interval() -> None:
    values = [0.1, 0.9, 0.4, 0.4]
    assert bootstrap_mean(values, seed=5) == bootstrap_mean(values, seed=5)
    assert bootstrap_mean(values, seed=5) != bootstrap_mean([0.1, 0.9, 0.4, 0.5], seed=5)


def test_differences_are_second_minus_first_and_pair_by_query_id() -> None:
    difference = paired_difference({"a": 0.1, "b": 0.5}, {"b": 0.7, "a": 0.3})
    assert difference.mean == pytest.approx(0.2)
    assert difference.shows_difference
    assert (difference.low, difference.high) == pytest.approx((0.2, 0.2))


def test_an_interval_with_zero_shows_no_difference() -> None:
    comparison = compare([0.1, 0.9, 0.5, 0.5], [0.9, 0.1, 0.5, 0.5])
    assert not comparison.difference.shows_difference
    assert comparison.verdict == "no difference shown"
    assert comparison.p_value == 1.0


@pytest.mark.parametrize(("second", "verdict"), [([0.5] * 10, "better"), ([0.1] * 10, "worse")])
def test_a_clear_difference_is_named(second: list[float], verdict: str) -> None:
    comparison = compare([0.3] * 10, second)
    assert comparison.verdict == verdict
    assert comparison.p_value == pytest.approx(2 / 2**10)


def test_identical_systems_have_p_value_one() -> None:
    assert permutation_p_value([0.2, 0.3], [0.2, 0.3]) == 1.0


def test_grouped_resampling_is_wider_when_groups_move_together() -> None:
    values = [0.0] * 20 + [1.0] * 20 + [0.0] * 20 + [1.0] * 20
    groups = [str(index // 20) for index in range(80)]
    alone, grouped = bootstrap_mean(values), bootstrap_mean(values, groups=groups)
    assert grouped.mean == alone.mean
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


@pytest.mark.parametrize("values", [[], [float("nan")], [float("inf"), 1.0], {}])
def test_values_that_cannot_be_averaged_are_refused(values: list[float]) -> None:
    with pytest.raises(InputError):
        bootstrap_mean(values)


@pytest.mark.parametrize(("first", "second"), [([1.0], [1.0, 2.0]), ({"a": 1.0}, {"b": 1.0}), ({"a": 1.0}, [1.0])])
def test_unpaired_values_are_refused(first: list[float], second: list[float]) -> None:
    for test in (paired_difference, permutation_p_value):
        with pytest.raises(InputError):
            test(first, second)


@pytest.mark.parametrize("settings", [{"level": 1.0}, {"level": 0.0}, {"resamples": 0}])
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        bootstrap_mean([1.0, 2.0], **settings)  # type: ignore[arg-type]


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=30))
def test_the_interval_lies_within_the_values_around_the_mean(values: list[float]) -> None:
    interval = bootstrap_mean(values, resamples=50)
    assert min(values) - 1e-9 <= interval.low <= interval.high <= max(values) + 1e-9


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=8))
def test_the_p_value_is_symmetric_and_a_probability(pairs: list[tuple[float, float]]) -> None:
    first, second = map(list, zip(*pairs, strict=True))
    forward, backward = permutation_p_value(first, second), permutation_p_value(second, first)
    assert 0.0 < forward <= 1.0
    assert forward == pytest.approx(backward)


def test_exact_counting_equals_enumeration_by_hand() -> None:
    differences = [0.3, -0.1, 0.4, 0.2]
    sums = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=4)
    ]
    expected = sum(total >= abs(sum(differences)) - 1e-12 for total in sums) / 16
    assert permutation_p_value([0.0] * 4, differences) == pytest.approx(expected)
