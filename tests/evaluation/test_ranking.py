from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.evaluation.ranking import DEFAULT_METRICS, rank_metrics

QRELS = {"q": {"a": 2, "b": 1, "c": 0}}


def value(ranking: object, metric: str, qrels: dict[str, dict[str, int]] | None = None) -> float:
    return rank_metrics({"q": ranking}, qrels or QRELS, [metric])[metric]["q"]  # type: ignore[dict-item]


def random_cases(count: int) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, int]]]:
    generator = random.Random(8)
    run, qrels = {}, {}
    for number in range(count):
        pool = [f"d{i}" for i in range(generator.randint(1, 40))]
        found = generator.sample(pool, generator.randint(1, len(pool)))
        run[f"q{number}"] = {doc: generator.choice([generator.random(), 0.5]) for doc in found}  # with ties
        qrels[f"q{number}"] = {doc: generator.randint(0, 3) for doc in generator.sample(pool, (len(pool) + 1) // 2)}
    return run, qrels


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("nDCG@10", "ndcg_cut_10"),
        ("ndcg@3", "ndcg_cut_3"),
        ("recall@5", "recall_5"),
        ("precision@5", "P_5"),
        ("map@10", "map_cut_10"),
        ("MAP", "map"),
        ("mrr", "recip_rank"),
        ("hit_rate@5", "success_5"),
    ],
)
def test_equals_trec_eval_on_500_random_cases(ours: str, theirs: str) -> None:
    run, qrels = random_cases(500)
    measure, _, cutoff = theirs.rpartition("_")
    reference = pytrec_eval.RelevanceEvaluator(qrels, {f"{measure}.{cutoff}" if cutoff.isdigit() else theirs})
    expected = {query: row[theirs] for query, row in reference.evaluate(run).items()}
    assert rank_metrics(run, qrels, [ours])[ours] == pytest.approx(expected, abs=1e-9)


def plain_mrr(ranking: list[str], grades: dict[str, int], k: int) -> float:
    return next((1 / place for place, doc in enumerate(ranking[:k], 1) if grades.get(doc, 0) > 0), 0.0)


def plain_ndcg(ranking: list[str], grades: dict[str, int], k: int) -> float:
    def dcg(gains: list[int]) -> float:
        return sum(gain / math.log2(place + 1) for place, gain in enumerate(gains[:k], 1))

    ideal = dcg(sorted(grades.values(), reverse=True))
    return dcg([grades.get(doc, 0) for doc in ranking]) / ideal if ideal else 0.0


@pytest.mark.parametrize(("metric", "formula"), [("mrr@10", plain_mrr), ("nDCG@10", plain_ndcg)])
def test_equals_the_textbook_formula_on_500_random_cases(
    metric: str, formula: Callable[[list[str], dict[str, int], int], float]
) -> None:
    scores, qrels = random_cases(500)
    run = {query: list(found) for query, found in scores.items()}
    expected = {query: formula(run[query], qrels[query], 10) for query in qrels}
    assert rank_metrics(run, qrels, [metric])[metric] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("metric", DEFAULT_METRICS)
@pytest.mark.parametrize("ranking", [[], {}])
def test_an_empty_retrieval_scores_zero(metric: str, ranking: object) -> None:
    assert value(ranking, metric) == 0.0


def test_a_query_that_never_ran_scores_zero_and_an_unjudged_one_is_left_out() -> None:
    assert rank_metrics({"unjudged": ["a"]}, QRELS, ["mrr@5"]) == {"mrr@5": {"q": 0.0}}


def test_a_duplicate_counts_once_at_its_best_place() -> None:
    assert value(["b", "b", "a"], "precision@3") == pytest.approx(2 / 3)
    assert value(["b", "b", "a"], "map@3") == 1.0


def test_hand_computed_edges() -> None:
    many = {"q": {f"d{i}": 1 for i in range(10)}}
    assert value(["d0", "d1"], "nDCG@2", many) == 1.0  # the ideal is cut at k
    assert value(["d0", "d1"], "recall@2", many) == pytest.approx(0.2)
    assert value(["x", "d0"], "precision@5", many) == pytest.approx(0.2)  # divided by k, not by what came back
    assert value(["b", "a"], "nDCG@10") == pytest.approx((1 + 2 / math.log2(3)) / (2 + 1 / math.log2(3)))
    assert value(["c", "x", "y"], "mrr@10") == 0.0  # judged, but not relevant
    assert value(["x", "y", "a"], "mrr@2") == 0.0
    assert value(["x", "y", "a"], "mrr@3") == pytest.approx(1 / 3)


def test_negative_grades_are_not_relevant() -> None:
    assert value(["a", "b"], "nDCG@5", {"q": {"a": -2, "b": 1}}) == pytest.approx(1 / math.log2(3))


def test_ties_follow_trec_eval_and_close_scores_do_not_tie() -> None:
    assert value({"a": 1.0, "z": 1.0}, "mrr@1") == 0.0
    assert value({"a": 1.0 + 1e-12, "z": 1.0}, "mrr@1") == 1.0


@given(
    ranking=st.lists(st.sampled_from("abcdefgh"), max_size=12),
    grades=st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3), min_size=1),
)
def test_every_metric_stays_between_zero_and_one(ranking: list[str], grades: dict[str, int]) -> None:
    for values in rank_metrics({"q": ranking}, {"q": grades}, DEFAULT_METRICS).values():
        assert 0.0 <= values["q"] <= 1.0


@pytest.mark.parametrize("metric", ["nDGC@10", "recall", "precision", "", "os.system@1", "recall@x"])
def test_an_unknown_metric_is_refused_by_name(metric: str) -> None:
    with pytest.raises(ConfigurationError, match="nDCG@10"):
        rank_metrics({"q": ["a"]}, QRELS, [metric])


def test_nan_is_refused() -> None:
    with pytest.raises(InputError, match="NaN"):
        value({"a": math.nan}, "mrr@5")
