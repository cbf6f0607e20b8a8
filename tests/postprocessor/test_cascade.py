from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_index_prod_rag.postprocessor.blending import Blend, blend_with_scores
from llama_index_prod_rag.postprocessor.cascade import beginning, score_until_settled


class _Model:
    def __init__(self, logits: dict[str, float]) -> None:
        self.logits = logits
        self.asked: list[str] = []

    def __call__(self, node_ids: Sequence[str]) -> dict[str, float]:
        self.asked += node_ids
        return {node: self.logits[node] for node in node_ids}


def test_candidates_that_cannot_reach_the_best_are_not_scored() -> None:
    retrieval = {"a": 1.0, "b": 0.9, "c": 0.1, "d": 0.0}
    model = _Model({"a": 3.0, "b": -2.0, "c": 3.0, "d": 3.0})
    score_until_settled(blend_with_scores(retrieval, share=0.3), list(retrieval), 1, model, block=2)
    assert model.asked == ["a", "b"]


def test_reading_goes_on_while_one_can() -> None:
    retrieval = {"a": 1.0, "b": 0.9, "c": 0.8, "d": 0.0}
    model = _Model({"a": -3.0, "b": -2.0, "c": 3.0, "d": 3.0})
    score_until_settled(blend_with_scores(retrieval, share=0.5), list(retrieval), 2, model, block=2)
    assert model.asked == ["a", "b", "c", "d"]


_NODES = [f"n{number}" for number in range(12)]
_VALUES = st.lists(st.floats(-10, 10), min_size=len(_NODES), max_size=len(_NODES))


@given(_VALUES, _VALUES, st.floats(0.05, 0.95), st.integers(1, 4), st.integers(1, 4))
def test_the_stop_is_exact_within_the_range_of_what_was_read(
    logits: list[float], retrieval: list[float], share: float, top_n: int, block: int
) -> None:
    known = dict(zip(_NODES, retrieval, strict=True))
    model = _Model(dict(zip(_NODES, logits, strict=True)))
    blend: Blend = blend_with_scores(known, share)
    read = score_until_settled(blend, _NODES, top_n, model, block=block)
    unread = [model.logits[node] for node in _NODES if node not in read]
    if all(min(read.values()) <= logit <= max(read.values()) for logit in unread):
        best = sorted(blend.scores(model.logits).values(), reverse=True)[:top_n]
        assert sorted(blend.scores(read).values(), reverse=True)[:top_n] == pytest.approx(best)


def test_a_short_passage_is_its_own_beginning() -> None:
    assert beginning("two words") == "two words"
    assert beginning("") == ""
