"""The metrics under LlamaIndex's names: for `RetrieverEvaluator`, and for `BatchEvalRunner` and single answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

from llama_index.core.async_utils import asyncio_run
from llama_index.core.base.response.schema import (
    RESPONSE_TYPE,
    AsyncStreamingResponse,
    PydanticResponse,
    StreamingResponse,
)
from llama_index.core.evaluation import BaseEvaluator, EvaluationResult
from llama_index.core.evaluation.retrieval.metrics_base import BaseRetrievalMetric, RetrievalMetricResult
from llama_index.core.prompts.mixin import PromptDictType
from pydantic import Field

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.evaluation.answer_metrics import answer_metric
from llama_index_prod_rag.evaluation.answers import Outcome, grade_answer, is_good
from llama_index_prod_rag.evaluation.labels import Label
from llama_index_prod_rag.evaluation.ranking import parse_metric, rank_metrics

_NEEDS_LABEL = "give a reference, or answerable=False"


class RankingMetric(BaseRetrievalMetric):
    """Scores a retrieval with a ranking metric, in `RetrieverEvaluator(metrics=[...])`.

    Unlike LlamaIndex's own, it has a cutoff, scores an empty retrieval 0 instead of raising, and stays at most 1 when
    ids repeat. `RetrieverEvaluator` names results after the class, so ask for one class per metric: `ranking_metric`.

    Args:
        metric: a name that `rank_metrics` takes.

    Raises:
        ConfigurationError: the metric is unknown.

    Examples:
        >>> RankingMetric(metric="recall@2").compute(expected_ids=["a", "b"], retrieved_ids=["a", "a", "x"]).score
        0.5
    """

    metric_name: ClassVar[str] = "ranking"
    metric: str = Field(default="nDCG@10", description="Name that rank_metrics takes.")

    def __init__(self, metric: str | None = None, **fields: Any) -> None:
        super().__init__(**fields if metric is None else {**fields, "metric": metric})
        parse_metric(self.metric)

    def compute(
        self,
        query: str | None = None,  # noqa: ARG002 - LlamaIndex's signature
        expected_ids: list[str] | None = None,
        retrieved_ids: list[str] | None = None,
        expected_texts: list[str] | None = None,  # noqa: ARG002
        retrieved_texts: list[str] | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> RetrievalMetricResult:
        """Score one retrieval; all expected ids are equally relevant."""
        qrels = {"q": dict.fromkeys(expected_ids or (), 1)}
        score = rank_metrics({"q": list(retrieved_ids or ())}, qrels, [self.metric])[self.metric]["q"]
        return RetrievalMetricResult(score=score)


def ranking_metric(name: str) -> RankingMetric:
    """A `RankingMetric` whose results `RetrieverEvaluator` files under the metric's own name.

    Examples:
        >>> ranking_metric("MRR@10").metric_name
        'MRR@10'
    """
    named: type[RankingMetric] = type("RankingMetric", (RankingMetric,), {"metric_name": name})
    return named(metric=name)


class AnswerEvaluator(BaseEvaluator):
    """Compares an answer with reference answers, without a language model; for single calls and `BatchEvalRunner`.

    A refusal passes where the question cannot be answered and fails where it can, with the feedback saying which. It is
    told by the gate's decision where a response object is given (`evaluate_response`, `BatchEvalRunner`'s
    `evaluate_queries` and `evaluate_responses`), else by its text: none, an empty one, or one equal to `refusal`. Give
    `reference` (a text or several) and `answerable` with each call; `BatchEvalRunner` takes them as lists:
    `runner.aevaluate_queries(gate, queries=[...], reference=[...], answerable=[...])`.

    Args:
        metric: one of `answer_metrics.ANSWER_METRICS`.
        threshold: from this value on an answer passes.
        refusal: the text with which the engine refuses, if it has a fixed one.

    Raises:
        ConfigurationError: the metric is unknown, or the threshold outside 0 to 1.

    Examples:
        >>> AnswerEvaluator().evaluate(response="It was Ada.", reference="Ada").feedback
        'correct'
        >>> AnswerEvaluator().evaluate(response="Not in the documents.", decision="refuse", answerable=False).feedback
        'refused_rightly'
    """

    def __init__(self, metric: str = "contains", *, threshold: float = 0.5, refusal: str | None = None) -> None:
        if not 0.0 <= threshold <= 1.0:
            raise ConfigurationError("threshold must lie between 0 and 1")
        self._metric = answer_metric(metric)
        self._threshold = threshold
        self._refusal = refusal

    def _get_prompts(self) -> PromptDictType:
        return {}

    def _update_prompts(self, prompts_dict: PromptDictType) -> None:
        """Do nothing: there are no prompts."""

    async def aevaluate(
        self,
        query: str | None = None,
        response: str | None = None,
        contexts: Sequence[str] | None = None,
        reference: str | Sequence[str] | None = None,
        answerable: bool | None = None,
        *,
        decision: str | None = None,
        **kwargs: Any,  # noqa: ARG002 - LlamaIndex's signature
    ) -> EvaluationResult:
        """Grade one answer against the references, or a refusal against whether there was an answer.

        Args:
            query: the question, passed through.
            response: the answer; None or empty is a refusal.
            contexts: passed through.
            reference: the answer, or answers, that would be right.
            answerable: whether there is an answer at all; None: there is when a reference is given.
            decision: the gate's, where known; `"refuse"` makes any text a refusal.
            **kwargs: ignored.

        Returns:
            `score` is the metric's value, 1 for a right refusal; `feedback` the outcome; invalid where neither a
            reference nor `answerable` says what would be right.
        """
        references = (reference,) if isinstance(reference, str) else tuple(reference or ())
        label = Label(references=references, answerable=answerable)
        given = {"query": query, "response": response, "contexts": contexts}
        refused = decision == "refuse" or not (response or "").strip() or response == self._refusal
        outcome, score = await asyncio.to_thread(self._grade, None if refused else response, label)
        if outcome is None:
            return EvaluationResult(**given, invalid_result=True, invalid_reason=_NEEDS_LABEL)
        return EvaluationResult(**given, passing=is_good(outcome), score=score, feedback=outcome)

    def evaluate_response(
        self,
        query: str | None = None,
        response: RESPONSE_TYPE | None = None,
        **kwargs: Any,
    ) -> EvaluationResult:
        """Grade one response object by its text and by the gate's decision; a stream is read to its end."""
        graded: EvaluationResult = asyncio_run(self.aevaluate_response(query, response, **kwargs))
        return graded

    async def aevaluate_response(
        self,
        query: str | None = None,
        response: RESPONSE_TYPE | None = None,
        **kwargs: Any,
    ) -> EvaluationResult:
        """Do what `evaluate_response` does without blocking the loop."""
        if response is None:
            return await self.aevaluate(query, None, **kwargs)
        text = await _read(response)  # first: a stream's decision stands when it is over
        report = (response.metadata or {}).get("prod_rag") or {}
        contexts = [hit.node.get_content() for hit in response.source_nodes]
        return await self.aevaluate(query, text, contexts, **{"decision": report.get("decision"), **kwargs})

    def _grade(self, response: str | None, label: Label) -> tuple[Outcome | None, float]:
        value = 0.0 if response is None or not label.references else self._metric(response, label.references)
        outcome = grade_answer(response, label, metric=lambda *_: value, threshold=self._threshold)
        return outcome, 1.0 if outcome == "refused_rightly" else 0.0 if outcome == "answered_unanswerable" else value


async def _read(response: RESPONSE_TYPE) -> str:
    if isinstance(response, AsyncStreamingResponse):
        response = await response.get_response()
    elif isinstance(response, StreamingResponse):
        response = response.get_response()
    return str(response) if response.response or isinstance(response, PydanticResponse) else ""
