"""What an assessor says of one question: a status, a confidence and reasons. Core: no model, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, Protocol, runtime_checkable

from llama_index_prod_rag.confidence.evidence import Evidence
from llama_index_prod_rag.confidence.readings import Reading
from llama_index_prod_rag.confidence.signals import not_assessed

Status = Literal["no_results", "low_confidence", "uncertain", "topic_drift", "ambiguous", "healthy"]
"""What the retrieval looks like, worst first; `ambiguous` where evidence may be there and the question has readings."""


@dataclass(frozen=True, slots=True)
class RetrievalAssessment:
    """Says what to make of one question's retrieval.

    Attributes:
        status: one word for it.
        confidence: how sure the assessor is that the evidence is there, 0 to 1; None when it could not say. Only a
            calibrated assessor's confidence is a probability.
        signals: signal name -> value, everything that was measured.
        reasons: sentences for people, the decisive one first.
        not_assessed: kind of signal -> why it is missing.
        verdict: the decisive reason for people who ask, without figures; empty where the first reason is that.
        judged_by: names of the signals that the confidence was computed from; empty where it is not a probability.
        readings: what a name of the question may stand for, where that is not settled.
    """

    status: Status
    confidence: float | None
    signals: Mapping[str, float] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    not_assessed: Mapping[str, str] = field(default_factory=dict)
    verdict: str = ""
    judged_by: tuple[str, ...] = ()
    readings: tuple[Reading, ...] = ()


@runtime_checkable
class Assessor(Protocol):
    """Judges whether the passages found are evidence for an answer."""

    def assess(self, evidence: Evidence) -> RetrievalAssessment:
        """Judge whether the passages found for one question are evidence for an answer."""
        ...


VERDICTS: Mapping[Status, str] = MappingProxyType(
    {
        "low_confidence": "the passages found do not seem to hold the answer",
        "uncertain": "the passages found may not hold the answer",
        "topic_drift": "the passages found are about different things, and may not hold the answer",
        "healthy": "the passages found seem to hold the answer",
    }
)
"""What each status means, in words for people who ask."""

NO_RESULTS = "nothing was found for this question"
ONLY_ECHOES = "the passages found repeat the question and say nothing else"


def no_results(evidence: Evidence, reason: str = "") -> RetrievalAssessment:
    """Assess an empty retrieval, the same for every assessor."""
    failed = evidence.retrieval.failed if evidence.retrieval else {}
    reasons = (reason or (ONLY_ECHOES if evidence.echoes else NO_RESULTS), *(f"the {leg} leg failed" for leg in failed))
    return RetrievalAssessment("no_results", 0.0, {}, reasons, not_assessed(evidence))
