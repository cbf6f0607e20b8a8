"""The textbook's rules on their scale, the policy, and reasons that a person can read."""

from __future__ import annotations

import math

import pytest

from llama_index_prod_rag.confidence.assessment import RetrievalAssessment
from llama_index_prod_rag.confidence.evidence import Evidence, Passage, gather
from llama_index_prod_rag.confidence.policy import StatusPolicy
from llama_index_prod_rag.confidence.reasons import describe
from llama_index_prod_rag.confidence.signals import compute_signals
from llama_index_prod_rag.confidence.textbook import TextbookAssessor
from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.trace.records import LegHit, Link, RerankRecord, RetrievalRecord

TEXTS = {"a": "Sweep lowers drag.", "b": "Boeing built wings.", "c": "It rained."}


def evidence_with(*probabilities: float, vectors: dict[str, list[float]] | None = None) -> Evidence:
    logits = {id_: math.log(p / (1 - p)) for id_, p in zip(TEXTS, probabilities, strict=False)}
    retrieval = RetrievalRecord("q", fused=dict.fromkeys(TEXTS, 0.016), vectors=vectors or {})
    passages = [Passage(id_, TEXTS[id_], 0.016) for id_ in logits]
    return gather("What lowers drag?", passages, [retrieval, RerankRecord("m", logits=logits)])


@pytest.mark.parametrize(
    ("probabilities", "status"),
    [
        ((0.29, 0.2, 0.1), "low_confidence"),
        ((0.99, 0.01, 0.01), "uncertain"),
        ((0.9, 0.8, 0.7), "healthy"),
        ((0.31,), "healthy"),
    ],
)
def test_the_textbooks_rules(probabilities: tuple[float, ...], status: str) -> None:
    found = TextbookAssessor().assess(evidence_with(*probabilities))
    assert found.status == status
    assert found.confidence == pytest.approx(max(probabilities))


def test_passages_about_different_things_are_drift() -> None:
    apart = {"a": [1.0, 0.0], "b": [0.0, 1.0], "c": [-1.0, 0.0]}
    assert TextbookAssessor().assess(evidence_with(0.9, 0.8, 0.7, vectors=apart)).status == "topic_drift"
    alike = {"a": [1.0, 0.1], "b": [1.0, 0.0], "c": [1.0, 0.2]}
    assert TextbookAssessor().assess(evidence_with(0.9, 0.8, 0.7, vectors=alike)).status == "healthy"


def test_scores_off_the_scale_are_an_error_and_not_a_refusal() -> None:
    fused = gather("q", [Passage("a", "text", 0.0164)], [RetrievalRecord("q", fused={"a": 0.0164}, rule="rrf:60")])
    with pytest.raises(InputError, match="no cross-encoder left any"):
        TextbookAssessor().assess(fused)
    with pytest.raises(InputError, match=r"fused ranks or legs \(rrf:60\)"):
        TextbookAssessor(scores="shown").assess(fused)
    for score in (7.3, -1.0, float("nan")):
        with pytest.raises(InputError, match="between 0 and 1"):
            TextbookAssessor(scores="shown").assess(gather("q", [Passage("a", "text", score)]))
    assert TextbookAssessor(scores="shown").assess(gather("q", [Passage("a", "text", 0.8)])).status == "healthy"


def test_scores_of_a_reranker_without_a_record_are_judged_whatever_searched() -> None:
    searches = (
        RetrievalRecord("q", fused={"a": 0.0164}, rule="rrf:60"),
        RetrievalRecord("", fused={"a": 0.8}, links={"a": Link("b", 1.0)}),  # links behind a search without a record
    )
    for search in searches:
        found = TextbookAssessor(scores="shown").assess(gather("q", [Passage("a", "text", 0.8)], [search]))
        assert (found.status, found.confidence) == ("healthy", 0.8)


def test_nothing_found_names_the_legs_that_failed() -> None:
    evidence = gather("q", [], [RetrievalRecord("q", failed={"dense": "ConnectionError"})])
    found = TextbookAssessor().assess(evidence)
    assert (found.status, found.confidence) == ("no_results", 0.0)
    assert found.reasons == ("nothing was found for this question", "the dense leg failed")


def test_thresholds_have_ranges() -> None:
    for wrong in ({"threshold": 1.5}, {"variance": 0.3}, {"similarity": -2.0}):
        with pytest.raises(ConfigurationError, match="textbook thresholds"):
            TextbookAssessor(**wrong)  # type: ignore[arg-type]


def test_reasons_are_sentences_about_this_question() -> None:
    def ranked(ids: str) -> dict[str, LegHit]:
        return {id_: LegHit(rank, 1.0 / rank) for rank, id_ in enumerate(ids, start=1)}

    retrieval = RetrievalRecord("q", legs={"dense": ranked("abc"), "bm25": ranked("xyz")}, fused={"a": 1.0})
    passages = [Passage(id_, text) for id_, text in TEXTS.items()]
    evidence = gather("Did sweep lower drag at NASA in 1950?", passages, [retrieval])
    assert describe(evidence, compute_signals(evidence)) == (
        "the best passage has 3 of 5 question terms",
        "no passage mentions 1950, NASA",
        "dense and bm25 agree on none of their top 3",
    )


@pytest.mark.parametrize(
    ("status", "decision"),
    [
        ("no_results", "refuse"),
        ("low_confidence", "refuse"),
        ("uncertain", "hedge"),
        ("topic_drift", "hedge"),
        ("healthy", "answer"),
    ],
)
def test_default_decisions(status: str, decision: str) -> None:
    assert StatusPolicy().decide(RetrievalAssessment(status, 0.5)) == decision  # type: ignore[arg-type]
