from __future__ import annotations

import pytest

from llama_index_prod_rag.evaluation.failures import (
    DESCRIPTIONS,
    FAILURE_STAGES,
    Places,
    attribute_failure,
    attribute_from_feedback,
    places_of,
)
from llama_index_prod_rag.evaluation.labels import Label
from llama_index_prod_rag.query_log.record import Feedback, HitRecord, QueryRecord

GOLD = Label(relevant={"gold": 1, "noise": 0}, references=("42",))
TWO = Label(relevant={"one": 1, "two": 1}, needs_all=True)
ANY = Label(relevant={"one": 1, "two": 1})


def places(legs: str = "", fused: str = "", reranked: str = "", shown: str = "") -> Places:
    """Lists as words, best first."""

    def ranks(words: str) -> dict[str, int]:
        return {word: rank for rank, word in enumerate(words.split(), 1)}

    return Places({"bm25": ranks(legs)} if legs else {}, ranks(fused), ranks(reranked), ranks(shown))


@pytest.mark.parametrize(
    ("where", "outcome", "stage"),
    [
        (places("a gold", "a gold", "", "a gold"), "correct", None),
        (places("a b", "a b", "", "a b"), "wrong", "not_retrieved"),
        (places("a b", "a b", "", "a b"), "refused_wrongly", "not_retrieved"),
        (places("a gold", "a b gold", "", "a b"), "wrong", "lost_in_fusion"),
        (places("a gold", "a gold b", "a b gold", "a b"), "wrong", "demoted_by_reranker"),
        (places("a gold", "a b c gold", "a b gold c", "a b"), "wrong", "lost_in_fusion"),
        (places("gold a", "", "a gold", "a"), "wrong", "demoted_by_reranker"),
        (places("a gold", "a gold", "a gold", "a gold"), "wrong", "not_in_answer"),
        (places("a gold", "a gold", "a gold", "a gold"), "refused_wrongly", "refused_wrongly"),
        (places(shown="a b"), "wrong", "not_in_context"),
    ],
)
def test_the_stage_where_a_labeled_passage_was_lost(where: Places, outcome: str, stage: str | None) -> None:
    assert attribute_failure(where, GOLD, outcome) == stage  # type: ignore[arg-type]


def test_a_passage_missing_from_the_index_is_told_from_one_not_found() -> None:
    where = places("a b", "a b", "", "a b")
    assert attribute_failure(where, GOLD, "wrong", corpus={"a", "b"}) == "not_in_corpus"
    assert attribute_failure(where, GOLD, "wrong", corpus={"a", "b", "gold"}) == "not_retrieved"


def test_right_refusals_and_wrong_answers_without_gold() -> None:
    assert attribute_failure(places(), Label(answerable=False), "refused_rightly") is None
    assert attribute_failure(places(), Label(answerable=False), "answered_unanswerable") == "answered_wrongly"


def test_multi_hop_is_lost_where_its_first_passage_is_lost() -> None:
    where = places("one", "one", "", "one")
    assert attribute_failure(where, TWO, None) == "not_retrieved"
    assert attribute_failure(where, ANY, None) is None


def test_reference_answers_stand_in_for_labeled_passages() -> None:
    label = Label(references=("42",))
    assert attribute_failure(places(), label, "wrong", shown_texts=["It is 42."]) == "not_in_answer"
    assert attribute_failure(places(), label, "refused_wrongly", shown_texts=["It is 42."]) == "refused_wrongly"
    assert attribute_failure(places(), label, "wrong", shown_texts=["It is 43."]) == "not_in_context"
    assert attribute_failure(places(), label, None) is None


def test_every_stage_has_a_description() -> None:
    assert set(DESCRIPTIONS) == set(FAILURE_STAGES)


def test_places_take_the_best_rank_of_several_calls() -> None:
    hits = (
        HitRecord("leg", "bm25", "a", 3, 1.0),
        HitRecord("leg", "bm25", "a", 1, 2.0, 1),
        HitRecord("leg", "bm25", "a", 2, 2.0, 2),
        HitRecord("pair", "model", "a", 1, 2.0),
        HitRecord("shown", "", "a", 1, None),
    )
    assert places_of(QueryRecord(query="q", hits=hits)) == Places({"bm25": {"a": 1}}, {}, {}, {"a": 1})


def unhelpful(decision: str | None = "answer", status: str | None = "healthy", label: str | None = None) -> QueryRecord:
    return QueryRecord(query="q", decision=decision, status=status, feedback=(Feedback(helpful=False, label=label),))


@pytest.mark.parametrize(
    ("record", "where", "stage"),
    [
        (unhelpful("refuse", "low_confidence"), places("a", "a"), "refused_wrongly"),
        (unhelpful("answer", "healthy"), places("a", "a", "", "a"), "not_in_answer"),
        (unhelpful("hedge", "low_confidence"), places("a", "a", "", "a"), "answered_wrongly"),
        (unhelpful(None, None), places("a", "a", "", "a"), None),
        (unhelpful("hedge", "no_results"), places(), "not_retrieved"),
        (unhelpful("answer", "healthy", "lost in fusion"), places("a", "a", "", "a"), "lost_in_fusion"),
        (unhelpful("answer", "healthy", "too long"), places("a", "a", "", "a"), "not_in_answer"),
    ],
)
def test_feedback_alone(record: QueryRecord, where: Places, stage: str | None) -> None:
    assert attribute_from_feedback(record, where) == stage


def test_passages_of_a_helpful_answer_to_the_same_question_stand_in_for_labels() -> None:
    where = places("a b", "b a", "", "b")
    assert attribute_from_feedback(unhelpful(), where, known_good={"a"}) == "lost_in_fusion"
    assert attribute_from_feedback(unhelpful("refuse"), where, known_good={"b"}) == "refused_wrongly"
