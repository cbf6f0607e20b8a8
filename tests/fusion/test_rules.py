from __future__ import annotations

import math
import random
import statistics
from collections.abc import Collection, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.fusion.mentions import Mentions
from llama_index_prod_rag.fusion.normalizers import Bounds
from llama_index_prod_rag.fusion.rules import (
    RULE_NAMES,
    FusionRule,
    ReciprocalRankFusion,
    fuse,
    parse_rule,
    share_weights,
)
from tests.conftest import fastest

FLOORS = {"dense": -1.0, "bm25": 0.0}
ids = st.sampled_from("abcdefghij")
legs = st.fixed_dictionaries(
    {
        "dense": st.dictionaries(ids, st.integers(-100, 100).map(lambda n: n / 100), max_size=10),
        "bm25": st.dictionaries(ids, st.integers(1, 3000).map(lambda n: n / 100), max_size=10),
    }
)
weights = st.fixed_dictionaries({"dense": st.floats(0.05, 5), "bm25": st.floats(0.0, 5)})
rules = st.sampled_from(RULE_NAMES).map(parse_rule)


@given(legs=legs, weights=weights, rule=rules)
def test_every_rule_scores_each_node_once_in_zero_to_one_best_first(
    legs: dict[str, dict[str, float]], weights: dict[str, float], rule: FusionRule
) -> None:
    scores = fuse(legs, rule=rule, weights=weights, floors=FLOORS).scores
    assert set(scores) == set(legs["dense"]) | set(legs["bm25"])
    assert all(-1e-12 <= score <= 1.0 + 1e-12 for score in scores.values())
    assert list(scores) == sorted(scores, key=lambda node: (-scores[node], node))


@given(legs=legs, weights=weights, rule=rules)
def test_the_order_of_legs_and_hits_does_not_matter(
    legs: dict[str, dict[str, float]], weights: dict[str, float], rule: FusionRule
) -> None:
    turned = {leg: dict(reversed(scores.items())) for leg, scores in reversed(legs.items())}
    forwards = fuse(legs, rule=rule, weights=weights, floors=FLOORS).scores
    backwards = fuse(turned, rule=rule, weights=weights, floors=FLOORS).scores
    assert list(forwards.items()) == list(backwards.items())


@given(legs=legs, weights=weights)
def test_reciprocal_rank_fusion_is_the_papers_formula_times_a_constant(
    legs: dict[str, dict[str, float]], weights: dict[str, float]
) -> None:
    expected: dict[str, float] = {}
    for leg, scores in legs.items():
        for node, score in scores.items():
            rank = 1 + sum(other > score for other in scores.values())
            expected[node] = expected.get(node, 0.0) + weights[leg] / (60 + rank)
    total = sum(weights.values())
    fused = fuse(legs, rule=ReciprocalRankFusion(), weights=weights).scores
    assert {node: score * total / 61 for node, score in fused.items()} == pytest.approx(expected)


def test_the_first_of_every_leg_scores_one_and_ranks_begin_at_one() -> None:
    legs = {"dense": {"a": 0.9, "b": 0.5}, "bm25": {"a": 7.0, "c": 3.0}}
    scores = fuse(legs, rule=parse_rule("rrf"), weights={"dense": 1, "bm25": 1}).scores
    assert scores == pytest.approx({"a": 1.0, "b": 0.5 * 61 / 62, "c": 0.5 * 61 / 62})


@given(legs=legs, weights=weights)
def test_min_max_is_the_weighted_mean_of_normalised_scores(
    legs: dict[str, dict[str, float]], weights: dict[str, float]
) -> None:
    def mark(scores: Mapping[str, float], node: str) -> float:
        if node not in scores:
            return 0.0
        low, high = min(scores.values()), max(scores.values())
        return 0.5 if low == high else (scores[node] - low) / (high - low)

    total = sum(weights.values())
    fused = fuse(legs, rule=parse_rule("min-max"), weights=weights).scores
    for node, score in fused.items():
        assert score == pytest.approx(sum(weights[leg] / total * mark(legs[leg], node) for leg in legs))


def test_dbsf_is_the_published_sum_up_to_a_constant() -> None:
    dense = {"a": 0.9, "b": 0.7, "c": 0.2}
    bm25 = {"b": 11.0, "c": 9.0, "d": 1.0}

    def mark(scores: dict[str, float], node: str) -> float:
        mean, deviation = statistics.fmean(scores.values()), statistics.pstdev(scores.values())
        return (scores[node] - (mean - 3 * deviation)) / (6 * deviation) if node in scores else 0.0

    fused = fuse({"dense": dense, "bm25": bm25}, rule=parse_rule("dbsf"), weights={"dense": 1, "bm25": 1}).scores
    assert {n: 2 * s for n, s in fused.items()} == pytest.approx({n: mark(dense, n) + mark(bm25, n) for n in "abcd"})


@pytest.mark.parametrize("name", RULE_NAMES)
def test_weights_work_in_every_rule(name: str) -> None:
    legs = {"dense": {"a": 0.9, "b": 0.5, "c": 0.1}, "bm25": {"c": 9.0, "b": 5.0, "a": 1.0}}
    for heavy, first in (("dense", "a"), ("bm25", "c")):
        light = {"dense": 0.0, "bm25": 0.0} | {heavy: 1.0}
        assert next(iter(fuse(legs, rule=parse_rule(name), weights=light, floors=FLOORS).scores)) == first


@pytest.mark.parametrize("name", [name for name in RULE_NAMES if name != "rrf"])  # ranks know no marks
def test_a_leg_with_one_hit_gives_half_marks(name: str) -> None:
    legs = {"dense": {"a": 0.9, "b": 0.8, "c": 0.1}, "bm25": {"junk": 0.5}}
    scores = fuse(legs, rule=parse_rule(name), weights={"dense": 0.5, "bm25": 0.5}, floors=FLOORS).scores
    assert scores["junk"] == 0.5 * 0.5


def test_a_leg_that_found_nothing_keeps_its_weight_and_one_left_out_does_not() -> None:
    dense = {"a": 0.9, "b": 0.5}
    rule, weights = parse_rule("min-max"), {"dense": 0.5, "bm25": 0.5}
    assert fuse({"dense": dense, "bm25": {}}, rule=rule, weights=weights).scores["a"] == 0.5
    assert fuse({"dense": dense}, rule=rule, weights=weights).scores["a"] == 1.0


def test_a_later_leg_joins_on_the_earlier_bounds() -> None:
    bounds = {"dense": Bounds(0.0, 1.0)}
    legs = {"dense": {"a": 0.5, "b": 0.4}, "cross_encoder": {"a": -2.0, "b": 2.0}}
    fusion = fuse(legs, rule=parse_rule("min-max"), weights={"dense": 0.5, "cross_encoder": 0.5}, bounds=bounds)
    assert fusion.scores == pytest.approx({"b": 0.7, "a": 0.25})
    assert fusion.bounds == {"dense": Bounds(0.0, 1.0), "cross_encoder": Bounds(-2.0, 2.0)}


def test_ties_are_broken_by_id() -> None:
    legs = {"dense": {"b": 0.9}, "bm25": {"a": 3.0}}
    assert list(fuse(legs, rule=parse_rule("rrf"), weights={"dense": 1, "bm25": 1}).scores) == ["a", "b"]


def test_nothing_in_nothing_out() -> None:
    assert fuse({}, rule=parse_rule("min-max"), weights={}).scores == {}
    assert fuse({"dense": {}}, rule=parse_rule("rrf"), weights={"dense": 1}).scores == {}


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_score_that_is_not_a_number_is_refused(bad: float) -> None:
    with pytest.raises(InputError, match="'dense'"):
        fuse({"dense": {"a": bad}}, rule=parse_rule("min-max"), weights={"dense": 1})


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"dense": 1.0}, "no weight for bm25"),
        ({"dense": 1.0, "bm25": -0.1}, "not negative"),
        ({"dense": 0.0, "bm25": 0.0}, "above 0"),
        ({"dense": 1.0, "bm25": math.nan}, "finite"),
    ],
)
def test_weights_that_make_no_sense_are_refused(weights: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        share_weights(weights, ["dense", "bm25"])


@pytest.mark.parametrize("name", [*RULE_NAMES, "rrf:10"])
def test_names_and_rules_are_two_ways_of_one_road(name: str) -> None:
    assert str(parse_rule(str(parse_rule(name)))) == str(parse_rule(name))


@pytest.mark.parametrize("name", ["", "sum", "rrf:", "rrf:none", "rrf:-1", "three-sigma"])
def test_names_that_mean_nothing_are_refused(name: str) -> None:
    if name == "rrf:":
        assert parse_rule(name) == ReciprocalRankFusion()
        return
    with pytest.raises(ConfigurationError):
        parse_rule(name)


@pytest.mark.parametrize("name", RULE_NAMES)
def test_fusing_two_lists_of_a_hundred_costs_a_few_plain_weighted_sums(name: str) -> None:
    """Under a millisecond, as `benchmarks.overhead` prints; here against the plainest code, so on any machine."""
    draw = random.Random(0)
    pair = {leg: {f"n{n}": draw.random() for n in draw.sample(range(150), 100)} for leg in ("dense", "bm25")}
    rule, shares = parse_rule(name), {"dense": 0.65, "bm25": 0.35}

    def plain() -> list[str]:
        sums = {n: sum(shares[leg] * pair[leg].get(n, 0.0) for leg in pair) for n in {*pair["dense"], *pair["bm25"]}}
        return sorted(sums, key=lambda n: (-sums[n], n))

    assert len(plain()) > 100
    ours = fastest(lambda: fuse(pair, rule=rule, weights=shares, floors=FLOORS))
    assert ours < 10 * fastest(plain)


class Steps:
    """A rule of somebody else's: full marks above the middle of the list, half marks below."""

    def __init__(self, low: float = 0.5) -> None:
        self.low = low

    def __str__(self) -> str:
        return "steps"

    def bounds(self, scores: Collection[float], floor: float | None) -> Bounds:
        return Bounds(min(scores, default=0.0), max(scores, default=0.0))

    def marks(self, scores: Mapping[str, float], bounds: Bounds | None) -> dict[str, float]:
        middle = 0.0 if bounds is None else (bounds.low + bounds.high) / 2
        return {node: 1.0 if score >= middle else self.low for node, score in scores.items()}


def test_a_rule_of_ones_own_fuses() -> None:
    legs = {"dense": {"a": 0.9, "b": 0.1}, "bm25": {"b": 9.0}}
    fusion = fuse(legs, rule=Steps(), weights={"dense": 0.5, "bm25": 0.5})
    assert fusion.scores == {"b": 0.75, "a": 0.5}
    assert fusion.bounds["dense"] == Bounds(0.1, 0.9)


def test_marks_outside_zero_to_one_are_refused() -> None:
    for low in (-0.5, 1.5, math.nan):
        with pytest.raises(ConfigurationError, match="steps gave a node of 'dense'"):
            fuse({"dense": {"a": 0.9, "b": 0.1}}, rule=Steps(low), weights={"dense": 1})


def test_what_is_no_rule_is_refused_with_what_one_has() -> None:
    assert str(parse_rule(Steps())) == "steps"
    with pytest.raises(ConfigurationError, match="marks"):
        parse_rule(object())  # type: ignore[arg-type]


def test_a_lone_exact_mention_ends_first_and_a_word_only_helps() -> None:
    legs = {"dense": {"a": 0.9, "b": 0.8, "c": 0.1}, "bm25": {"c": 3.0, "b": 2.0, "a": 1.0}}
    weights = {"dense": 1.0, "bm25": 0.0}
    exact = fuse(legs, rule=parse_rule("min-max"), weights=weights, mentions=Mentions({"c": 1.0}))
    assert (exact.scores["c"], exact.lifts) == (1.0, {"c": 1.0})
    words = fuse(legs, rule=parse_rule("min-max"), weights=weights, mentions=Mentions({}, {"b": 0.5}))
    assert words.lifts == {"b": pytest.approx(0.5 * 0.875)}
    assert words.scores["b"] == pytest.approx(0.875 + 0.125 * 0.5 * 0.875)


@given(legs=legs, weights=weights, rule=rules, lift=st.floats(0, 1))
def test_lifts_keep_scores_in_zero_to_one_and_never_lower_one(
    legs: dict[str, dict[str, float]], weights: dict[str, float], rule: FusionRule, lift: float
) -> None:
    plain = fuse(legs, rule=rule, weights=weights, floors=FLOORS).scores
    mentions = Mentions({"a": lift}, {"b": lift})
    lifted = fuse(legs, rule=rule, weights=weights, floors=FLOORS, mentions=mentions).scores
    assert lifted.keys() == plain.keys()
    assert all(plain[node] <= score <= 1.0 + 1e-12 for node, score in lifted.items())
    assert all(score == plain[node] for node, score in lifted.items() if node not in "ab")
