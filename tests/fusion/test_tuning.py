from __future__ import annotations

import math
import random

import numpy as np
import pytest

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.evaluation.ranking import rank_metrics
from llama_index_prod_rag.fusion.normalizers import Bounds
from llama_index_prod_rag.fusion.rules import fuse, parse_rule
from llama_index_prod_rag.fusion.tuning import PRIOR, LabeledQuery, WeightTable, simplex_grid, tune_weights

MIN_MAX = parse_rule("min-max")


def some_queries(count: int, *, trust: dict[str, float], seed: int = 0) -> list[LabeledQuery]:
    """Queries whose legs put the relevant document first as often as they can be trusted."""
    rng = random.Random(seed)
    queries = []
    for _ in range(count):
        legs = {}
        for leg, chance in trust.items():
            scores = {document: rng.random() for document in "abcdefgh"}
            if rng.random() < chance:
                scores["a"] = 1.2
            legs[leg] = scores
        queries.append(LabeledQuery(legs, {"a": 1}))
    return queries


@pytest.mark.parametrize("rule", ["min-max", "z-score", "rrf", "dbsf"])
@pytest.mark.parametrize("legs", [2, 3])
def test_values_are_trec_evals_ndcg_of_the_fused_order(rule: str, legs: int) -> None:
    names = ["dense", "bm25", "cross_encoder"][:legs]
    rng = random.Random(1)
    ids = [f"d{i:02}" for i in range(15)]
    query = LabeledQuery(
        {leg: {i: rng.random() for i in rng.sample(ids, 12)} for leg in names},
        {"d01": 2, "d05": 1, "missed": 1, "d09": 0},
    )
    table = WeightTable.build([query], default=dict.fromkeys(names, 1.0), rule=parse_rule(rule))
    for weights, value in zip(table.grid, table.values[0], strict=True):
        named = dict(zip(names, weights.tolist(), strict=True))
        order = list(fuse(query.legs, rule=parse_rule(rule), weights=named).scores)
        expected = rank_metrics({"q": order}, {"q": query.relevant}, ["nDCG@10"])["nDCG@10"]["q"]
        assert value == pytest.approx(expected)


@pytest.mark.parametrize("good", ["dense", "bm25", "cross_encoder"])
def test_the_leg_that_can_be_trusted_gains_weight(good: str) -> None:
    trust = {"dense": 0.2, "bm25": 0.2, "cross_encoder": 0.2} | {good: 0.95}
    tuning = tune_weights(some_queries(60, trust=trust), default=dict.fromkeys(trust, 1.0), rule=MIN_MAX)
    assert tuning.weights[good] > 0.5
    assert sum(tuning.weights.values()) == pytest.approx(1.0)
    assert tuning.gain.low > 0
    assert "better than the default: +" in tuning.statement
    unseen = some_queries(200, trust=trust, seed=1)
    table = WeightTable.build(unseen, default=tuning.default, rule=MIN_MAX)
    rows, weights = np.arange(200), np.asarray(list(tuning.weights.values()))
    assert table.at(rows, weights).mean() > table.at(rows, table.default).mean()


def test_noise_leaves_the_default_or_says_that_it_is_noise() -> None:
    trust = {"dense": 0.5, "bm25": 0.5}
    kept, moved_without_a_gain = 0, 0
    for seed in range(20):
        tuning = tune_weights(
            some_queries(12, trust=trust, seed=seed), default={"dense": 0.5, "bm25": 0.5}, rule=MIN_MAX
        )
        kept += tuning.kept_default
        moved_without_a_gain += not tuning.kept_default and tuning.gain.mean <= 0
        assert tuning.gain.low > 0 or tuning.statement.startswith("No setting is better than the default within noise")
        assert abs(tuning.weights["dense"] - 0.5) <= 0.5 * 12 / (12 + PRIOR)
    assert 1 <= kept < 20
    assert moved_without_a_gain  # a gain a little under 0 is chance, and no reason to stay


def test_held_out_labels_that_speak_against_other_weights_keep_the_default() -> None:
    halves = {"x": {"a": 1.0, "b": 0.0}, "y": {"a": 0.0, "b": 1.0}}  # each label asks for the opposite of the last
    queries = [
        LabeledQuery(halves, {document: 1}, default={leg: 1.0}) for document, leg in [("a", "x"), ("b", "y")] * 6
    ]
    tuning = tune_weights(queries, default={"x": 0.5, "y": 0.5}, rule=MIN_MAX)
    assert tuning.gain.high < 0
    assert tuning.kept_default
    assert tuning.statement.endswith("the default stays.")


def test_few_labels_move_the_weights_less_than_many() -> None:
    trust, default = {"dense": 0.1, "bm25": 0.95}, {"dense": 0.5, "bm25": 0.5}
    few, many = (tune_weights(some_queries(n, trust=trust), default=default, rule=MIN_MAX) for n in (20, 200))
    assert 0.5 < few.weights["bm25"] < many.weights["bm25"]
    free = tune_weights(some_queries(20, trust=trust), default=default, rule=MIN_MAX, prior=0.0)
    assert free.weights["bm25"] > few.weights["bm25"]


def test_the_same_seed_gives_the_same_weights() -> None:
    queries = some_queries(20, trust={"dense": 0.3, "bm25": 0.6})
    first, second = (tune_weights(queries, default={"dense": 0.5, "bm25": 0.5}, rule=MIN_MAX) for _ in range(2))
    assert first == second


def test_ties_go_to_the_default() -> None:
    alike = [LabeledQuery({"dense": {"a": 1.0, "b": 0.0}, "bm25": {"a": 2.0, "b": 1.0}}, {"a": 1})] * 20
    tuning = tune_weights(alike, default={"dense": 0.65, "bm25": 0.35}, rule=MIN_MAX)
    assert tuning.kept_default
    assert tuning.curve[0][0]["dense"] == pytest.approx(0.65)


def test_the_gain_is_over_each_querys_own_default() -> None:
    legs = {"x": {"a": 1.0, "b": 0.0}, "y": {"a": 0.0, "b": 1.0}}
    queries = [LabeledQuery(legs, {i: 1}, default={leg: 1.0}) for i, leg in (("a", "x"), ("b", "y")) for _ in range(8)]
    table = WeightTable.build(queries, default={"x": 0.5, "y": 0.5}, rule=MIN_MAX)
    assert table.untuned.tolist() == [1.0] * 16
    assert table.tune(np.arange(16)).kept_default  # no one weighting is right for both kinds


def test_bounds_of_the_retrieval_are_kept() -> None:
    query = LabeledQuery(
        {"x": {"a": 0.6, "b": 0.5}, "y": {"a": 0.0, "b": 0.2}}, {"b": 1}, {"x": Bounds(0.0, 1.0), "y": Bounds(0.0, 1.0)}
    )
    table = WeightTable.build([query], default={"x": 0.5, "y": 0.5}, rule=MIN_MAX)
    assert table.at(np.arange(1), np.asarray([0.6, 0.4])).tolist() == [1.0]  # b: .38, a: .36
    assert table.at(np.arange(1), np.asarray([0.9, 0.1]))[0] == pytest.approx(1 / math.log2(3))


def test_a_query_that_no_leg_answered_counts_as_missed() -> None:
    queries = [*some_queries(15, trust={"dense": 0.9, "bm25": 0.1}), LabeledQuery({}, {"a": 1})]
    table = WeightTable.build(queries, default={"dense": 0.5, "bm25": 0.5}, rule=MIN_MAX)
    assert table.values[-1].tolist() == [0.0] * len(table.grid)


def test_too_few_labels_and_labels_without_an_answer_are_refused() -> None:
    default = {"dense": 0.5, "bm25": 0.5}
    with pytest.raises(InputError, match="at least 10"):
        tune_weights(some_queries(9, trust=default), default=default, rule=MIN_MAX)
    with pytest.raises(InputError, match="no relevant"):
        tune_weights([LabeledQuery({"dense": {"a": 1.0}}, {"a": 0})], default=default, rule=MIN_MAX)


@pytest.mark.parametrize(("legs", "steps", "points"), [(1, 10, 1), (2, 20, 21), (3, 10, 66), (4, 10, 286)])
def test_the_grid_is_every_weighting(legs: int, steps: int, points: int) -> None:
    grid = simplex_grid(legs, steps)
    assert len({tuple(row) for row in grid.round(6).tolist()}) == points
    assert grid.sum(axis=1) == pytest.approx(np.ones(points))
