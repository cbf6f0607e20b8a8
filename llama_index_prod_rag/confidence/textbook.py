"""The textbook's rules: three fixed thresholds on pair scores between 0 and 1. Core: no model, no I/O."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from llama_index_prod_rag.confidence.assessment import VERDICTS, RetrievalAssessment, Status, no_results
from llama_index_prod_rag.confidence.evidence import Evidence
from llama_index_prod_rag.confidence.reasons import describe
from llama_index_prod_rag.confidence.second_look import HALF, describe_ruling
from llama_index_prod_rag.confidence.signals import compute_signals, not_assessed
from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.models.pairs import sigmoid
from llama_index_prod_rag.trace.records import RetrievalRecord


@dataclass(frozen=True, slots=True)
class TextbookAssessor:
    """Three fixed rules: best score, spread of the top five, similarity of the top three. A preset to start from.

    The thresholds mean something on sigmoid pair scores only, 0 to 1. On reciprocal rank fusion, whose best score is
    about .03, they would refuse every question, so the scale is checked. `CalibratedAssessor` is the recommended one.

    Args:
        threshold: below this best score the status is `low_confidence`.
        variance: above this variance of the top five scores it is `uncertain`: some passages fit and some do not.
        similarity: below this mean cosine similarity of the top three passages it is `topic_drift`.
        scores: `"pair"` takes the sigmoid of the cross-encoder's logits from its record; `"shown"` takes the scores
            of the passages as they are, for a third-party reranker that gives values between 0 and 1.

    Raises:
        ConfigurationError: a threshold is outside its range.
    """

    threshold: float = 0.3
    variance: float = 0.1
    similarity: float = 0.5
    scores: Literal["pair", "shown"] = "pair"

    def __post_init__(self) -> None:
        if not (0 <= self.threshold <= 1 and 0 <= self.variance <= 0.25 and -1 <= self.similarity <= 1):
            raise ConfigurationError(
                "textbook thresholds: threshold in 0..1, variance in 0..0.25 (the most that scores in 0..1 can have), "
                "similarity in -1..1"
            )

    def assess(self, evidence: Evidence) -> RetrievalAssessment:
        """Apply the rules, the first that fires decides.

        Raises:
            InputError: the scores are not on the scale that the thresholds are for.
        """
        if not evidence.passages:
            return no_results(evidence)
        signals = compute_signals(evidence)
        scores = self._scores(evidence)
        status, verdict = self._judge(scores, signals.get("similarity.passages"))
        status, verdict = _follow(evidence.ruling, status, verdict)
        reasons = (verdict, *describe(evidence, signals))
        return RetrievalAssessment(status, scores[0], signals, reasons, not_assessed(evidence), VERDICTS[status])

    def _scores(self, evidence: Evidence) -> list[float]:
        if self.scores == "pair":
            logits = evidence.rerank.logits if evidence.rerank else {}
            scores = [sigmoid(logits[id_]) for id_ in logits if id_ not in evidence.duplicates]
            needed = "pair scores, but no cross-encoder left any: add CrossEncoderRerank, or use scores='shown'"
        else:
            scores = [passage.score for passage in evidence.passages if passage.score is not None]
            needed = "scores on the passages, but they have none: add a reranker"
        if not scores:
            raise InputError(f"the textbook's rules need {needed}")
        if not all(0.0 <= score <= 1.0 for score in scores):  # NaN fails too
            raise InputError(
                "the textbook's thresholds are for scores between 0 and 1, these are not: use scores='pair' or a "
                "calibrated assessor"
            )
        if self.scores == "shown" and evidence.retrieval is not None and _are_fused(evidence, evidence.retrieval):
            raise InputError(
                f"the scores shown are fused ranks or legs ({evidence.retrieval.rule}), not relevance: rerank first, "
                "or use a calibrated assessor"
            )
        return sorted(scores, reverse=True)

    def _judge(self, scores: Sequence[float], similarity: float | None) -> tuple[Status, str]:
        top = scores[:5]
        mean = math.fsum(top) / len(top)
        variance = math.fsum((score - mean) ** 2 for score in top) / len(top)
        if scores[0] < self.threshold:
            return "low_confidence", f"the best passage scores {scores[0]:.2f}, below {self.threshold:g}"
        if variance > self.variance:
            return "uncertain", f"the top scores vary by {variance:.2f}, more than {self.variance:g}"
        if similarity is not None and similarity < self.similarity:
            return (
                "topic_drift",
                f"the top passages are about different things: similarity {similarity:.2f}, below {self.similarity:g}",
            )
        return "healthy", f"the best passage scores {scores[0]:.2f}, and the top scores are alike"


def _are_fused(evidence: Evidence, record: RetrievalRecord) -> bool:
    """Whether the scores shown are a fusion's own: a reranker that leaves no record has put others in their place."""
    return bool(record.rule) and all(record.fused.get(passage.id) == passage.score for passage in evidence.passages)


def _follow(ruling: float | None, status: Status, verdict: str) -> tuple[Status, str]:
    """Let a judge's ruling decide where one was asked; half an answer changes nothing."""
    if ruling is None or ruling == HALF:
        return status, verdict
    return "healthy" if ruling > HALF else "low_confidence", describe_ruling(ruling)
