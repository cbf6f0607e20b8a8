"""Answers of the server, read."""

from __future__ import annotations

import pytest

from llama_index_prod_rag.retrievers.elasticsearch.queries import raw_similarity
from llama_index_prod_rag.retrievers.elasticsearch.responses import Hit, read_answer

HIT = {"_id": "a", "_score": 1.5, "_source": {"content": "text"}, "fields": {"embedding": [0.6, 0.8]}}


def test_hits_with_the_fields_that_were_asked_for() -> None:
    answer = read_answer({"took": 12, "timed_out": False, "hits": {"hits": [HIT]}})
    assert answer.hits == [Hit("a", 1.5, {"content": "text"}, {"embedding": [0.6, 0.8]})]
    assert (answer.seconds, answer.failed) == (0.012, None)


def test_a_search_that_was_cut_off_keeps_its_hits_and_says_so() -> None:
    late = read_answer({"timed_out": True, "hits": {"hits": [HIT]}})
    broken = read_answer({"hits": {"hits": [HIT]}, "_shards": {"total": 5, "failed": 2}})
    assert len(late.hits) == len(broken.hits) == 1
    assert "timeout" in str(late.failed)
    assert "2 of 5 shards" in str(broken.failed)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"root_cause": [{"type": "t", "reason": "inner"}], "reason": "all shards failed"}, "inner"),
        ({"root_cause": [], "type": "search_phase_execution_exception", "reason": "queue is full"}, "queue is full"),
        ({"root_cause": [{"type": "null_pointer", "reason": None}], "type": "outer"}, "outer"),
        ("plain words", "plain words"),
    ],
)
def test_the_innermost_reason_is_told(error: object, reason: str) -> None:
    answer = read_answer({"status": 429, "error": error})
    assert (answer.failed, answer.status, list(answer.hits)) == (reason, 429, [])


@pytest.mark.parametrize(
    ("raw", "similarity", "score"),
    [
        (0.8, "cosine", (1 + 0.8) / 2),
        (-1.0, "dot_product", 0.0),
        (-3.0, "l2_norm", 1 / (1 + 3.0**2)),
        (2.5, "max_inner_product", 2.5 + 1),
        (-2.5, "max_inner_product", 1 / (1 + 2.5)),
    ],
)
def test_raw_similarity_undoes_the_servers_map(raw: float, similarity: str, score: float) -> None:
    assert raw_similarity(score, similarity) == pytest.approx(raw)  # type: ignore[arg-type]
