from __future__ import annotations

import math
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.fusion.normalizers import Bounds
from llama_index_prod_rag.postprocessor.blending import Blend, blend_with_legs, blend_with_scores
from llama_index_prod_rag.trace.records import LegHit, RetrievalRecord

_RECORD = RetrievalRecord(
    "q",
    legs={
        "dense": {"a": LegHit(1, 0.8), "b": LegHit(2, 0.6), "cut": LegHit(3, 0.4)},
        "bm25": {"b": LegHit(1, 12.0), "cut": LegHit(2, 2.0)},
    },
    bounds={"dense": Bounds(0.4, 0.8), "bm25": Bounds(2.0, 12.0)},
    weights={"dense": 0.75, "bm25": 0.25},
    completed={"bm25": {"a": 7.0}},
)


def _blended(
    logits: dict[str, float], record: RetrievalRecord, weights: dict[str, float] | None, share: float
) -> dict[str, float]:
    return blend_with_legs(logits, record, weights, share).scores(logits)


def test_legs_keep_the_bounds_of_the_retrieval() -> None:
    scores = _blended({"a": 1.0, "b": -1.0}, _RECORD, {"dense": 0.5, "bm25": 0.3, "cross_encoder": 0.2}, share=0.0)
    assert scores == pytest.approx({"a": 0.5 * 1.0 + 0.3 * 0.5 + 0.2 * 1.0, "b": 0.5 * 0.5 + 0.3 * 1.0})


def test_without_weights_the_pair_score_gets_its_share_and_the_legs_divide_the_rest() -> None:
    scores = _blended({"a": 1.0, "b": -1.0}, _RECORD, None, share=0.2)
    assert scores == pytest.approx({"a": 0.6 * 1.0 + 0.2 * 0.5 + 0.2 * 1.0, "b": 0.6 * 0.5 + 0.2 * 1.0})


def test_a_share_of_one_is_the_pair_score_and_of_zero_the_retrieval() -> None:
    logits = {"a": -3.0, "b": 4.0}
    assert _blended(logits, _RECORD, None, share=1.0) == {"b": 1.0, "a": 0.0}
    fused = _blended(logits, _RECORD, None, share=0.0)
    assert fused == pytest.approx({"a": 0.875, "b": 0.625})


def test_a_node_that_no_leg_saw_has_only_its_pair_score() -> None:
    scores = _blended({"a": 1.0, "neighbour": 3.0}, _RECORD, None, share=0.5)
    assert scores["neighbour"] == 0.5


def test_ranks_alone_leave_no_bounds_and_the_legs_own_lists_are_used() -> None:
    ranked = RetrievalRecord("q", legs=_RECORD.legs, rule="rrf:60")
    scores = _blended({"a": 1.0, "b": 0.0}, ranked, {"dense": 1, "bm25": 0, "cross_encoder": 0}, share=0.3)
    assert scores == pytest.approx({"a": 1.0, "b": 0.5})


def test_a_leg_without_weight_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="no weight for bm25"):
        _blended({"a": 1.0}, _RECORD, {"dense": 0.5, "cross_encoder": 0.5}, share=0.3)


def test_without_retrieval_scores_the_pair_score_decides() -> None:
    assert blend_with_scores({}, share=0.1).scores({"a": 2.0, "b": 5.0, "c": 3.5}) == {"b": 1.0, "c": 0.5, "a": 0.0}


_LOGITS = st.dictionaries(st.sampled_from("abcdef"), st.floats(-15, 15), min_size=1)


@given(_LOGITS, _LOGITS, st.floats(0, 1))
def test_scores_stay_in_the_unit_interval(logits: dict[str, float], retrieval: dict[str, float], share: float) -> None:
    known = {node: score for node, score in retrieval.items() if node in logits}
    scores = blend_with_scores(known, share).scores(logits)
    assert scores.keys() == logits.keys()
    assert all(0.0 <= score <= 1.0 + 1e-12 for score in scores.values())


@given(_LOGITS, _LOGITS, st.floats(0, 1))
def test_no_candidate_exceeds_its_ceiling(logits: dict[str, float], retrieval: dict[str, float], share: float) -> None:
    blend = blend_with_scores({node: score for node, score in retrieval.items() if node in logits}, share)
    ceilings = blend.ceilings(logits)
    assert list(ceilings.values()) == sorted(ceilings.values(), reverse=True)
    assert all(score <= ceilings[node] + 1e-12 for node, score in blend.scores(logits).items())


def test_a_blend_scores_only_the_nodes_it_is_given() -> None:
    blend = Blend({"bm25": {"a": 1.0, "b": 3.0}}, {"bm25": Bounds(1.0, 3.0)}, {"bm25": 0.5, "cross_encoder": 0.5})
    assert blend.scores({"b": 1.0, "c": 2.0}) == {"b": 0.5, "c": 0.5}


@pytest.mark.parametrize(
    ("retrieval", "expected"),
    [
        ({"a": 0.9, "b": 0.5, "c": 0.1}, {"a": 1.0, "b": 0.5, "c": 0.0}),
        ({"a": 0.1, "b": 0.5, "c": 0.9}, {"a": 1.0, "b": 0.5, "c": 0.0}),  # distances
        ({"a": -0.9, "b": -0.5, "c": -0.1}, {"a": 1.0, "b": 0.5, "c": 0.0}),  # negated inner products
        ({"a": 1.0, "b": 2.0, "c": 3.0}, {"a": 1.0, "b": 0.5, "c": 0.0}),  # ranks
        ({"a": 0.4, "b": None, "c": math.nan}, {"a": 1.0, "b": 0.25, "c": 0.0}),  # an order and no more
        ({"a": 0.5, "b": 0.9, "c": 0.1}, {"a": 0.5, "b": 1.0, "c": 0.0}),  # put in another order on the way
        ({"a": 0.3, "b": 0.3, "c": 0.3}, {"a": 0.5, "b": 0.5, "c": 0.5}),
        ({"a": sys.float_info.max, "b": 0.0, "c": -sys.float_info.max}, {"a": 1.0, "b": 0.5, "c": 0.0}),
    ],
)
def test_every_kind_of_retrieval_score_has_a_meaning(
    retrieval: dict[str, float | None], expected: dict[str, float]
) -> None:
    assert blend_with_scores(retrieval, share=0.0).scores({"a": 0.0, "b": 1.0, "c": 2.0}) == pytest.approx(expected)


def test_what_the_question_names_stays_first_after_reranking() -> None:
    record = replace(_RECORD, lifts={"b": 1.0})
    scores = _blended({"a": 5.0, "b": -5.0}, record, None, share=0.5)
    assert list(scores) == ["b", "a"]
    ceilings = blend_with_legs(["a", "b"], record, None, share=0.5).ceilings(["a", "b"])
    assert ceilings["b"] == 1.0
