"""From an assessment to a decision. Core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, Protocol, get_args

from llama_index_prod_rag.confidence.assessment import RetrievalAssessment, Status
from llama_index_prod_rag.errors import ConfigurationError

Decision = Literal["answer", "clarify", "hedge", "refuse"]
"""What the user gets: an answer with sources, a question back, the passages with a warning, or a reason why not."""

_DEFAULT: Mapping[Status, Decision] = MappingProxyType(
    {
        "no_results": "refuse",
        "low_confidence": "refuse",
        "uncertain": "hedge",
        "topic_drift": "hedge",
        "ambiguous": "clarify",
        "healthy": "answer",
    }
)


class Policy(Protocol):
    """Turns an assessment into a decision."""

    def decide(self, assessment: RetrievalAssessment) -> Decision:
        """Decide what to do about a question whose retrieval looks like this."""
        ...


@dataclass(frozen=True, slots=True)
class StatusPolicy:
    """Takes one decision per status: answer, clarify, hedge or refuse.

    Args:
        overrides: status -> decision, where the default is not wanted: `{"uncertain": "answer"}`; `{"ambiguous":
            "hedge"}` never asks back.

    Raises:
        ConfigurationError: an unknown status or decision; an answer to `no_results`, for which nothing is there; or
            asking back where there are no readings to ask about.

    Examples:
        >>> StatusPolicy({"uncertain": "refuse"}).decide(RetrievalAssessment("uncertain", 0.4))
        'refuse'
    """

    overrides: Mapping[Status, Decision] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = [status for status in self.overrides if status not in _DEFAULT]
        wrong = [decision for decision in self.overrides.values() if decision not in get_args(Decision)]
        if unknown or wrong:
            raise ConfigurationError(
                f"cannot use {', '.join(map(repr, [*unknown, *wrong]))}: statuses are {', '.join(_DEFAULT)}; "
                f"decisions are {', '.join(get_args(Decision))}"
            )
        asking = [status for status, decision in self.overrides.items() if decision == "clarify" != _DEFAULT[status]]
        if asking:
            raise ConfigurationError(f"{', '.join(asking)} has no readings to ask about: only ambiguous has")
        if self.overrides.get("no_results", "refuse") != "refuse":
            raise ConfigurationError("no_results can only be refused: there is nothing to answer or hedge with")

    def decide(self, assessment: RetrievalAssessment) -> Decision:
        """Look up the decision for the assessment's status."""
        return self.overrides.get(assessment.status, _DEFAULT[assessment.status])
