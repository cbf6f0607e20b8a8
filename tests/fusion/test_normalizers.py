from __future__ import annotations

import math
import statistics
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.fusion.normalizers import Bounds, Normalizer, find_bounds

NAMES: tuple[Normalizer, ...] = ("max", "min-max", "theoretical-min-max", "z-score", "three-sigma")
score_lists = st.lists(st.floats(-50, 50).map(lambda x: round(x, 3)), min_size=2, max_size=30).filter(
    lambda scores: max(scores) - min(scores) > 0.01
)


@pytest.mark.parametrize("name", NAMES)
@given(scores=score_lists)
def test_marks_lie_in_zero_to_one_and_keep_the_order(name: Normalizer, scores: list[float]) -> None:
    bounds = find_bounds(name, scores, floor=-50.0)
    marks = [bounds.normalize(score) for score in sorted(scores)]
    assert all(0.0 <= mark <= 1.0 for mark in marks)
    assert marks == sorted(marks)


@given(scores=st.lists(st.floats(0.01, 50), min_size=2, max_size=30, unique=True))
def test_max_divides_by_the_maximum(scores: list[float]) -> None:
    bounds = find_bounds("max", scores, floor=0.0)
    assert [bounds.normalize(s) for s in scores] == pytest.approx([s / max(scores) for s in scores])


@given(scores=score_lists)
def test_min_max_formula(scores: list[float]) -> None:
    low, high = min(scores), max(scores)
    bounds = find_bounds("min-max", scores)
    assert [bounds.normalize(s) for s in scores] == pytest.approx([(s - low) / (high - low) for s in scores])


@given(scores=score_lists)
def test_theoretical_min_max_formula(scores: list[float]) -> None:
    assume(max(map(abs, scores)) >= 1.0)  # a floor a thousand times as far as any score is out of reach, and ignored
    bounds = find_bounds("theoretical-min-max", scores, floor=-50.0)
    expected = [(s + 50.0) / (max(scores) + 50.0) for s in scores]
    assert [bounds.normalize(s) for s in scores] == pytest.approx(expected)


@given(scores=score_lists)
def test_three_sigma_formula_clipped(scores: list[float]) -> None:
    mean, deviation = statistics.fmean(scores), statistics.pstdev(scores)
    expected = [min(1.0, max(0.0, (s - (mean - 3 * deviation)) / (6 * deviation))) for s in scores]
    bounds = find_bounds("three-sigma", scores)
    assert [bounds.normalize(s) for s in scores] == pytest.approx(expected, abs=1e-9)


@given(scores=score_lists)
def test_z_score_differences_are_differences_in_deviations(scores: list[float]) -> None:
    deviation = statistics.pstdev(scores)
    bounds = find_bounds("z-score", scores)
    marks = [bounds.normalize(s) for s in scores]
    for score, mark in zip(scores, marks, strict=True):
        if mark < 1.0:
            assert 6 * (mark - 0.0) == pytest.approx((score - min(scores)) / deviation, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scores", [[0.5], [0.0], [3.0, 3.0]])
def test_equal_scores_get_half_marks_and_what_lies_below_gets_none(name: Normalizer, scores: list[float]) -> None:
    bounds = find_bounds(name, scores, floor=-1.0)
    assert bounds.normalize(scores[0]) == 0.5
    assert bounds.normalize(scores[0] - 0.1) == 0.0


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_list_has_bounds_too(name: Normalizer) -> None:
    assert find_bounds(name, [], floor=0.0) == Bounds(0.0, 0.0)


def test_the_scale_of_max_starts_below_negative_scores() -> None:
    assert find_bounds("max", [-0.5, 0.5], floor=-1.0) == Bounds(-1.0, 0.5)
    assert find_bounds("max", [-0.5, 0.5]) == Bounds(-0.5, 0.5)


@pytest.mark.parametrize(
    ("scores", "low"),
    [([1.0, 3.0], 0.0), ([-3.0, 5.0], -8.0), ([-1.5, -1.0], -3.0), ([-1e308, 1e308], -1.7976931348623157e308)],
)
def test_a_floor_that_nobody_knows_is_assumed(scores: list[float], low: float) -> None:
    assert find_bounds("theoretical-min-max", scores) == Bounds(low, max(scores))


_HUGE = sys.float_info.max


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("floor", [None, -1.0, 0.0])
@pytest.mark.parametrize(
    "scores",
    [[_HUGE, 0.9 * _HUGE, 0.1], [_HUGE, -_HUGE, 0.0], [-0.5 * _HUGE, -_HUGE], [5e-324, 1e-323], [1e-300, 1e300]],
)
def test_scores_of_any_size_keep_their_order(name: Normalizer, scores: list[float], floor: float | None) -> None:
    bounds = find_bounds(name, scores, floor=floor)
    marks = [bounds.normalize(score) for score in sorted(scores)]
    assert all(0.0 <= mark <= 1.0 for mark in marks)
    assert marks == sorted(marks)
    assert bounds.normalize(max(scores)) > 0.0


def test_an_unknown_name_is_refused_with_the_choices() -> None:
    with pytest.raises(ConfigurationError, match="z-score"):
        find_bounds("softmax", [1.0])  # type: ignore[arg-type]


def test_nan_is_neither_above_nor_below() -> None:
    assert not math.isnan(Bounds(0.0, 1.0).normalize(math.nan))
