"""The metrics under LlamaIndex's names: for `RetrieverEvaluator`, and for `BatchEvalRunner` and single answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

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
    """A ranking metric for `RetrieverEvaluator(metrics=[...])`.

    Unlike LlamaIndex's own, it has a cutoff, scores an empty retrieval 0 instead of raising, and stays at most 1 when
    ids repeat. `RetrieverEvaluator` names results after the class, so ask for one class a metric: `ranking_metric`.

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

    A refusal (no response, an empty one, or one equal to `refusal`) passes where the question cannot be answered and
    fails where it can, with the feedback saying which. Give `reference` (a text or several) and `answerable` with each
    call; `BatchEvalRunner` takes them as lists: `runner.aevaluate_response_strs(..., reference=[...])`.

    Args:
        metric: one of `generation.ANSWER_METRICS`.
        threshold: from this value on an answer passes.
        refusal: the text with which the engine refuses, if it has a fixed one.

    Raises:
        ConfigurationError: the metric is unknown, or the threshold outside 0 to 1.

    Examples:
        >>> AnswerEvaluator().evaluate(response="It was Ada.", reference="Ada").feedback
        'correct'
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
        """There are none."""

    async def aevaluate(
        self,
        query: str | None = None,
        response: str | None = None,
        contexts: Sequence[str] | None = None,
        reference: str | Sequence[str] | None = None,
        answerable: bool | None = None,
        **kwargs: Any,  # noqa: ARG002 - LlamaIndex's signature
    ) -> EvaluationResult:
        """Grade one answer.

        Args:
            query: the question, passed through.
            response: the answer; None or empty is a refusal.
            contexts: passed through.
            reference: the answer, or answers, that would be right.
            answerable: whether there is an answer at all; None: there is when a reference is given.
            **kwargs: ignored.

        Returns:
            `score` is the metric's value, 1 for a right refusal; `feedback` the outcome; invalid where neither a
            reference nor `answerable` says what would be right.
        """
        references = (reference,) if isinstance(reference, str) else tuple(reference or ())
        label = Label(references=references, answerable=answerable)
        given = {"query": query, "response": response, "contexts": contexts}
        outcome, score = await asyncio.to_thread(self._grade, response or "", label)
        if outcome is None:
            return EvaluationResult(**given, invalid_result=True, invalid_reason=_NEEDS_LABEL)
        return EvaluationResult(**given, passing=is_good(outcome), score=score, feedback=outcome)

    def _grade(self, response: str, label: Label) -> tuple[Outcome | None, float]:
        refused = not response.strip() or response == self._refusal
        value = 0.0 if refused or not label.references else self._metric(response, label.references)
        outcome = grade_answer(None if refused else response, label, metric=lambda *_: value, threshold=self._threshold)
        return outcome, 1.0 if outcome == "refused_rightly" else 0.0 if outcome == "answered_unanswerable" else value


class BertScoreEvaluator(AnswerEvaluator):
    """Like `AnswerEvaluator`, with the F1 of BERTScore as the value.

    Args:
        threshold: from this F1 on an answer passes. It depends on model and layer: look at scores of right and wrong
            answers of your own before setting it.
        refusal: the text with which the engine refuses, if it has a fixed one.
        **scorer: settings of `semantic.BertScorer`.
    """

    def __init__(self, *, threshold: float, refusal: str | None = None, **scorer: Any) -> None:
        from llama_index_prod_rag.evaluation.semantic import BertScorer

        super().__init__(threshold=threshold, refusal=refusal)
        made = BertScorer(**scorer)
        self._metric = lambda prediction, references: max(0.0, made.score([prediction], [references])[0].f1)
