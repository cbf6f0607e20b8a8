from __future__ import annotations

import math
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_index_prod_rag.fusion.readings import Reading, read_scores

_HUGE = sys.float_info.max
_ORDER = [1.0, 1 / 2, 1 / 3]


@pytest.mark.parametrize(
    ("scores", "reading", "read"),
    [
        ([0.9, 0.5, 0.1], "similarities", [0.9, 0.5, 0.1]),
        ([0.0, -3.0, -9.0], "similarities", [0.0, -3.0, -9.0]),
        ([1e-30, 1e-31, 1e-32], "similarities", [1e-30, 1e-31, 1e-32]),
        ([_HUGE, 1.0, -_HUGE], "similarities", [_HUGE, 1.0, -_HUGE]),
        ([0.7, 0.7, 0.7], "similarities", [0.7, 0.7, 0.7]),
        ([0.7, 0.7, 0.1], "similarities", [0.7, 0.7, 0.1]),
        ([0.5, 0.5 + 1e-8, 0.1], "similarities", [0.5, 0.5 + 1e-8, 0.1]),
        ([0.2], "similarities", [0.2]),
        ([], "similarities", []),
        ([0.1, 0.5, 0.9], "distances", [-0.1, -0.5, -0.9]),
        ([0.0, 0.0, 0.9], "distances", [-0.0, -0.0, -0.9]),
        ([-0.9, -0.5, -0.1], "distances", [0.9, 0.5, 0.1]),
        ([-_HUGE, 0.0, _HUGE], "distances", [_HUGE, 0.0, -_HUGE]),
        ([1, 2, 3], "distances", [-1.0, -2.0, -3.0]),
        ([0.9, 0.95, 0.1], "order", _ORDER),
        ([None, None, None], "order", _ORDER),
        ([0.9, None, 0.1], "order", _ORDER),
        ([math.nan, 0.5, 0.1], "order", _ORDER),
        ([math.inf, 0.5, 0.1], "order", _ORDER),
        ([None], "order", [1.0]),
    ],
)
def test_the_order_says_what_scores_are(scores: list[float | None], reading: Reading, read: list[float]) -> None:
    assert read_scores(scores) == (read, reading)


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), max_size=20))
def test_what_is_read_never_puts_a_later_hit_before_an_earlier_one(scores: list[float | None]) -> None:
    read, _ = read_scores(scores)
    slack = 2e-6 * max(map(abs, read), default=0.0)
    assert len(read) == len(scores)
    assert all(before >= after - slack for before, after in pairwise(read))
