from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.evaluation import BatchEvalRunner, RetrieverEvaluator
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from llama_index_prod_rag.confidence.assessment import Status
from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.evaluation.adapters import AnswerEvaluator, RankingMetric, ranking_metric
from llama_index_prod_rag.query_engine.gated import ConfidenceGatedQueryEngine
from tests.query_engine.parts import FixedAssessor, ScriptedRetriever, make_hits


class Fixed(BaseRetriever):
    def __init__(self, ids: list[str]) -> None:
        super().__init__()
        self._ids = ids

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        del query_bundle
        return [NodeWithScore(node=TextNode(text=id_, id_=id_), score=1.0) for id_ in self._ids]


def evaluate(ids: list[str]) -> dict[str, float]:
    metrics = [ranking_metric("MRR@10"), ranking_metric("recall@10"), ranking_metric("nDCG@10")]
    evaluator = RetrieverEvaluator(metrics=metrics, retriever=Fixed(ids))
    return evaluator.evaluate("q", expected_ids=["a", "b"]).metric_vals_dict


def test_retriever_evaluator_takes_several_metrics_under_their_names() -> None:
    values = evaluate(["x", "a"])
    assert values["MRR@10"] == 0.5
    assert values["recall@10"] == 0.5
    assert set(values) == {"MRR@10", "recall@10", "nDCG@10"}


def test_an_empty_retrieval_scores_zero_where_llamaindex_raises() -> None:
    assert set(evaluate([]).values()) == {0.0}
    assert RankingMetric().compute().score == 0.0


def test_repeated_ids_stay_at_one() -> None:
    assert evaluate(["a", "a", "b", "b"])["nDCG@10"] == 1.0
    assert RankingMetric("AP@10").compute(expected_ids=["a"], retrieved_ids=["a", "a"]).score == 1.0


def test_an_unknown_metric_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError):
        RankingMetric("nDGC@10")
    with pytest.raises(ConfigurationError):
        AnswerEvaluator("bleu")
    with pytest.raises(ConfigurationError):
        AnswerEvaluator(threshold=1.1)


@pytest.mark.parametrize(
    ("response", "label", "passing", "feedback", "score"),
    [
        ("It was Ada.", {"reference": "Ada"}, True, "correct", 1.0),
        ("It was Bob.", {"reference": ["Ada", "Lovelace"]}, False, "wrong", 0.0),
        ("", {"reference": "Ada"}, False, "refused_wrongly", 0.0),
        (None, {"answerable": False}, True, "refused_rightly", 1.0),
        ("Nothing found.", {"answerable": False}, True, "refused_rightly", 1.0),
        ("It was Ada.", {"answerable": False, "reference": "Ada"}, False, "answered_unanswerable", 0.0),
    ],
)
def test_answers_and_refusals(
    response: str | None, label: dict[str, object], passing: bool, feedback: str, score: float
) -> None:
    result = AnswerEvaluator(refusal="Nothing found.").evaluate("q", response, ["context"], **label)
    assert (result.passing, result.feedback, result.score) == (passing, feedback, score)
    assert result.contexts == ["context"]


def test_without_a_label_the_result_is_invalid_and_says_what_to_give() -> None:
    result = AnswerEvaluator().evaluate("q", "It was Ada.")
    assert result.invalid_result
    assert result.invalid_reason == "give a reference, or answerable=False"


async def test_batch_eval_runner_passes_references_along() -> None:
    runner = BatchEvalRunner({"answer": AnswerEvaluator(), "f1": AnswerEvaluator("token_f1")}, workers=2)
    results = await runner.aevaluate_response_strs(
        queries=["q1", "q2"],
        response_strs=["It was Ada.", "It was Bob."],
        reference=["Ada", "Ada"],
    )
    assert [result.passing for result in results["answer"]] == [True, False]
    assert [result.score for result in results["f1"]] == pytest.approx([0.5, 0.0])


async def test_a_slow_metric_does_not_block_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluator = AnswerEvaluator()
    monkeypatch.setattr(evaluator, "_metric", lambda *_: time.sleep(0.3) or 1.0)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.02)
            ticks += 1

    ticking = asyncio.create_task(tick())
    assert (await evaluator.aevaluate("q", "a", reference="a")).passing
    ticking.cancel()
    assert ticks >= 3


def test_prompts_can_be_asked_for() -> None:
    assert AnswerEvaluator().get_prompts() == {}


def test_the_gates_refusals_are_read_from_its_decision() -> None:
    def gate(status: Status, **settings: Any) -> ConfidenceGatedQueryEngine:
        return ConfidenceGatedQueryEngine(ScriptedRetriever(make_hits()), assessor=FixedAssessor([status]), **settings)

    evaluator = AnswerEvaluator()
    refused = gate("low_confidence").query("Who?")
    assert evaluator.evaluate_response(query="Who?", response=refused, answerable=False).feedback == "refused_rightly"
    assert evaluator.evaluate_response(query="Who?", response=refused, reference="Ada").feedback == "refused_wrongly"
    hedged = gate("uncertain").query("Does drag fall?")
    assert evaluator.evaluate_response(response=hedged, answerable=False).feedback == "answered_unanswerable"
    streamed = gate("low_confidence", streaming=True).query("Who?")
    assert evaluator.evaluate_response(response=streamed, answerable=False).passing
    results = BatchEvalRunner({"answer": evaluator}, workers=2).evaluate_queries(
        gate("low_confidence"), queries=["Who?", "What?"], reference=[None, "Ada"], answerable=[False, True]
    )
    assert [result.feedback for result in results["answer"]] == ["refused_rightly", "refused_wrongly"]
