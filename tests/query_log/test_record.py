from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.fusion.rules import ConvexCombination
from llama_index_prod_rag.fusion.tuning import LabeledQuery, tune_weights
from llama_index_prod_rag.query_log.record import QueryRecord, config_hash, hits_of, seconds_of
from llama_index_prod_rag.trace.records import LegHit, RerankRecord, RetrievalRecord
from tests.conftest import fastest

RETRIEVAL = RetrievalRecord(
    "q",
    legs={"dense": {"a": LegHit(1, 0.9), "b": LegHit(2, 0.8)}, "bm25": {"c": LegHit(2, 3.0), "b": LegHit(1, 3.0)}},
    fused={"a": 0.3, "b": 0.9, "c": 0.2},
    seconds={"dense": 0.25, "bm25": 0.125, "fusion": 0.5},
)
RERANK = RerankRecord("L-12", logits={"a": 4.0, "b": -1.0}, scores={"a": 0.9, "b": 0.4}, seconds=2.0)


def test_every_stage_is_listed_in_its_own_order() -> None:
    record = QueryRecord(query="q", hits=hits_of([RETRIEVAL, RERANK], {"a": 0.9}))

    assert record.ranking("leg", "dense") == ("a", "b")
    assert record.ranking("leg", "bm25") == ("b", "c")
    assert record.ranking("fused") == ("b", "a", "c")
    assert record.ranking("pair", "L-12") == ("a", "b")
    assert record.ranking("reranked") == ("a", "b")
    assert record.ranking("shown") == ("a",)


def test_each_retrieval_of_an_engine_that_searches_twice_stays_apart() -> None:
    again = RetrievalRecord("sub", fused={"z": 1.0})
    calls = {hit.node_id: hit.call for hit in hits_of([RETRIEVAL, RERANK, again], {}) if hit.stage == "fused"}
    assert calls == {"a": 0, "b": 0, "c": 0, "z": 1}


def test_logged_scores_and_labels_are_enough_to_tune_weights() -> None:
    dense = {"b": LegHit(1, 0.9), "a": LegHit(2, 0.1)}
    bm25 = {"a": LegHit(1, 9.0), "b": LegHit(2, 1.0)}
    record = QueryRecord(
        query="q", hits=hits_of([RetrievalRecord("q", legs={"dense": dense, "bm25": bm25}), RETRIEVAL], {})
    )
    assert record.leg_scores() == {"dense": {"b": 0.9, "a": 0.1}, "bm25": {"a": 9.0, "b": 1.0}}

    labeled = [LabeledQuery(record.leg_scores(), {"b": 1})] * 20  # where dense is right
    tuning = tune_weights(labeled, default={"dense": 0.5, "bm25": 0.5}, rule=ConvexCombination())
    assert tuning.weights["dense"] > 0.5


def test_lists_are_cut_at_the_depth_but_what_was_shown_is_not() -> None:
    hits = hits_of([RETRIEVAL], {"a": 1.0, "b": 0.5}, depth=1)
    assert [(hit.stage, hit.node_id) for hit in hits] == [
        ("leg", "a"),
        ("leg", "b"),
        ("fused", "b"),
        ("shown", "a"),
        ("shown", "b"),
    ]


@given(st.dictionaries(st.text(max_size=3), st.floats(allow_nan=True, allow_infinity=True), max_size=20))
def test_ranks_count_from_one_and_nan_comes_last(scores: dict[str, float]) -> None:
    hits = hits_of([RetrievalRecord("q", fused=scores)], {})
    assert [hit.rank for hit in hits] == list(range(1, len(scores) + 1))
    values = [hit.score for hit in hits if hit.score is not None]
    numbers = [value for value in values if not math.isnan(value)]
    assert numbers == sorted(numbers, reverse=True)
    assert all(math.isnan(value) for value in values[len(numbers) :])


def test_seconds_of_repeated_calls_add_up() -> None:
    assert seconds_of([RETRIEVAL, RETRIEVAL, RERANK]) == {"dense": 0.5, "bm25": 0.25, "fusion": 1.0, "rerank": 2.0}


def test_the_hash_ignores_key_order_and_notices_values() -> None:
    assert config_hash({"a": 1, "b": [2]}) == config_hash({"b": [2], "a": 1})
    assert config_hash({"a": 1}) != config_hash({"a": 1.5})
    assert config_hash({"a": 1}) != config_hash({"a": "1"})


@pytest.mark.parametrize("value", [float("nan"), object(), {1, 2}])
def test_what_is_no_json_value_cannot_be_hashed(value: object) -> None:
    with pytest.raises(ConfigurationError, match="finite JSON values"):
        config_hash({"setting": value})


def test_building_the_lists_of_two_legs_of_a_hundred_takes_well_under_a_millisecond() -> None:
    legs = {leg: {f"{leg}{i}": LegHit(i + 1, 1.0 - i / 100) for i in range(100)} for leg in ("dense", "bm25")}
    fused = {node: hit.score for hits in legs.values() for node, hit in hits.items()}
    record = RetrievalRecord("q", legs=legs, fused=fused)
    assert fastest(lambda: hits_of([record], {})) < 0.0015  # generous: `benchmarks.query_log` measures
