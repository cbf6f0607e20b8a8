from __future__ import annotations

import pytest

from llama_index_prod_rag.evaluation.cases import Case, digest, digest_log
from llama_index_prod_rag.evaluation.labels import Label
from llama_index_prod_rag.evaluation.slices import SLICE_DESCRIPTIONS, default_slices, evaluate_slices
from llama_index_prod_rag.query_log.normalize import WITHHELD
from llama_index_prod_rag.query_log.record import Feedback, HitRecord, QueryRecord
from llama_index_prod_rag.text.terms import TermStatistics

CORPUS = TermStatistics(100, {"acm": 50, "zorp": 2})
QUESTIONS = TermStatistics(10, {"invoic": 5, "overdu": 4, "xylophon": 1, "zither": 1})


def belongs(name: str, **fields: object) -> bool | None:
    case = Case(query_id="1", **fields)  # type: ignore[arg-type]
    return default_slices(QUESTIONS, CORPUS)[name](case)


@pytest.mark.parametrize(
    ("name", "query", "expected"),
    [
        ("numbers", "revenue in 2019?", True),
        ("numbers", "revenue of $1,250.50", True),
        ("numbers", "what is B2B?", False),
        ("codes and identifiers", "error E42 on start", True),
        ("codes and identifiers", "ISO-9001 audit", True),
        ("codes and identifiers", "what does str_split do", True),
        ("codes and identifiers", "call parseQuery() twice", True),
        ("codes and identifiers", "in 2019 we met", False),
        ("codes and identifiers", "a well-known author", False),
        ("negation", "which countries do not pay?", True),
        ("negation", "why doesn’t it start", True),
        ("negation", "notable nonprofits", False),
        ("short questions", "refund policy", True),
        ("short questions", "what is the refund policy", False),
        ("long questions", "word " * 15, True),
        ("long questions", "word " * 14, False),
        ("rare entities", "what did Zorp build?", True),
        ("rare entities", "what did Acme build?", False),
        ("rare entities", "what did it build?", False),
        ("long tail", "xylophones or zithers?", True),
        ("long tail", "overdue invoices", False),
        ("numbers", "", None),
    ],
)
def test_slices_of_the_question_itself(name: str, query: str, expected: bool | None) -> None:
    assert belongs(name, query=query) is expected


def test_slices_of_labels_and_legs() -> None:
    assert belongs("multi-hop", gold=2) is True
    assert belongs("multi-hop", gold=1) is False
    assert belongs("multi-hop") is None
    assert belongs("out of corpus", answerable=False) is True
    assert belongs("out of corpus", answerable=True, stage="not_in_corpus") is True
    assert belongs("out of corpus", answerable=True) is False
    assert belongs("out of corpus", signals={"coverage.all": 0.2}) is True
    assert belongs("out of corpus", status="no_results") is True
    assert belongs("out of corpus") is None
    assert belongs("legs disagree", agreement=0.0) is True
    assert belongs("legs disagree", agreement=0.4) is False
    assert belongs("legs disagree") is None


def test_without_a_corpus_a_name_that_nothing_shown_contains_is_rare() -> None:
    test = default_slices()["rare entities"]
    assert test(Case(query_id="1", query="Zorp?", signals={"coverage.names": 0.5})) is True
    assert test(Case(query_id="1", query="Zorp?", signals={"coverage.names": 1.0})) is False


def test_rates_shares_and_gain_by_hand() -> None:
    cases = [Case(query_id=str(n), query="x9", good=n >= 6, confidence=n / 10) for n in range(8)]  # 6 of 8 fail
    cases += [Case(query_id=str(n), query="plain", good=n >= 10) for n in range(8, 16)]  # 2 of 8 fail
    cases += [Case(query_id="?", query="x9")]  # nobody knows
    (row,) = evaluate_slices(cases, {"x": lambda case: "x9" in case.query}, examples=2)
    assert (row.n, row.failures) == (8, 6)
    assert row.rate.mean == pytest.approx(0.75)
    assert row.rest is not None
    assert row.rest.mean == pytest.approx(0.25)
    assert row.share_of_failures == pytest.approx(6 / 8)
    assert row.gain == pytest.approx(0.5 * 8 / 16)  # from 8 failures of 16 to 4
    assert row.enough is False
    assert row.examples == ("5", "4")  # the most confident mistakes first


def test_slices_come_sorted_by_gain_and_empty_ones_are_left_out() -> None:
    cases = [
        Case(query_id=str(n), query=f"{'not' if n < 5 else 'all'} {n if n % 2 else 'x'}", good=n >= 4)
        for n in range(20)
    ]
    rows = evaluate_slices(cases)
    assert rows[0].name == "negation"
    assert [row.gain for row in rows] == sorted((row.gain for row in rows), reverse=True)
    assert "multi-hop" not in {row.name for row in rows}
    assert all(row.n > 0 for row in rows)


def test_no_verdicts_no_slices() -> None:
    assert evaluate_slices([Case(query_id="1", query="q 1")]) == []


def test_every_default_slice_says_how_it_is_told() -> None:
    assert set(SLICE_DESCRIPTIONS) == set(default_slices())


def record(query_id: str, *, helpful: bool | None = None, shown: str = "a", **fields: object) -> QueryRecord:
    hits = (
        HitRecord("leg", "dense", "a", 1, 0.8),
        HitRecord("leg", "dense", "b", 2, 0.7),
        HitRecord("leg", "bm25", "b", 1, 9.0),
        HitRecord("fused", "", "b", 1, 0.9),
        HitRecord("fused", "", "a", 2, 0.5),
        HitRecord("shown", "", shown, 1, 0.9),
    )
    feedback = () if helpful is None else (Feedback(helpful=helpful),)
    settings: dict[str, object] = {"query": "Who pays?", "decision": "answer", "status": "healthy", "answer": "we"}
    return QueryRecord(query_id=query_id, hits=hits, feedback=feedback, **{**settings, **fields})  # type: ignore[arg-type]


def test_digest_keeps_what_the_report_needs() -> None:
    case = digest(record("1", helpful=True, signals={"pair.top": 2.0, "gone": None}))
    assert case.agreement == 0.5  # of the longer list: one hit does not earn full marks
    assert case.top_scores == {"dense": 0.8, "bm25": 9.0, "fused": 0.9, "shown": 0.9}
    assert case.signals == {"pair.top": 2.0}
    assert (case.good, case.basis, case.stage) == (True, "feedback", None)


def test_labels_overrule_feedback() -> None:
    case = digest(record("1", helpful=True), Label(relevant={"gold": 1}, references=("the state",)))
    assert (case.good, case.basis, case.stage) == (False, "labels", "not_retrieved")


def test_a_label_that_cannot_judge_leaves_it_to_feedback() -> None:
    assert digest(record("1", helpful=False), Label(answerable=True)).basis == "feedback"


def test_relevance_labels_alone_judge_the_retrieval() -> None:
    assert digest(record("1"), Label(relevant={"a": 1})).good is True
    assert digest(record("1"), Label(relevant={"b": 1})).stage == "lost_in_fusion"


def test_a_broken_or_withheld_answer_is_not_taken_for_a_refusal_or_a_wrong_one() -> None:
    label = Label(answerable=False)
    assert digest(record("1", answer=None, error="timeout"), label).outcome is None
    assert digest(record("1", answer=WITHHELD), label).outcome is None
    assert digest(record("1", answer=WITHHELD, decision="refuse"), label).outcome == "refused_rightly"


def test_withheld_text_is_no_text() -> None:
    assert digest(record("1", query=WITHHELD)).query == ""


def test_a_log_is_digested_with_labels_by_id_or_question() -> None:
    labels = {"1": Label(answerable=False), "Who pays?": Label(references=("we",))}
    assert [case.outcome for case in digest_log([record("1"), record("2")], labels)] == [
        "answered_unanswerable",
        "correct",
    ]


def test_a_helpful_answer_to_the_same_question_locates_an_unhelpful_ones_loss() -> None:
    log = [record("new", helpful=False, shown="a"), record("old", helpful=True, shown="b", query="who PAYS")]
    assert [case.stage for case in digest_log(log)] == ["lost_in_fusion", None]
    assert [case.stage for case in digest_log(log[:1])] == ["not_in_answer"]
