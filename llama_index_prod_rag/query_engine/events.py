"""The gate's own instrumentation events, beside LlamaIndex's query events."""

from __future__ import annotations

from llama_index.core.instrumentation.events import BaseEvent
from pydantic import ConfigDict

from llama_index_prod_rag.confidence.assessment import RetrievalAssessment, Status
from llama_index_prod_rag.confidence.policy import Decision


class AssessmentEvent(BaseEvent):
    """A gate has judged what one attempt found for a question; `attempt` is `"first"` or a retry's name."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    query: str
    attempt: str
    assessment: RetrievalAssessment

    @classmethod
    def class_name(cls) -> str:
        """Give the name under which handlers see the event."""
        return "ProdRagAssessmentEvent"


class DecisionEvent(BaseEvent):
    """A gate has decided; fired again where a fault or a check of the answer lowers the decision."""

    query_id: str
    query: str
    status: Status
    confidence: float | None
    decision: Decision
    reasons: tuple[str, ...]

    @classmethod
    def class_name(cls) -> str:
        """Give the name under which handlers see the event."""
        return "ProdRagDecisionEvent"
