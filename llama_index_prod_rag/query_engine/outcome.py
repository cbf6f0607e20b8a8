"""What one question's response says about itself: JSON for the user, a record for the log."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from time import perf_counter
from typing import Any

from llama_index_prod_rag.confidence.policy import Decision
from llama_index_prod_rag.disclosure import describe
from llama_index_prod_rag.query_engine.attempt import Attempt
from llama_index_prod_rag.query_engine.clarify import to_json
from llama_index_prod_rag.query_engine.extract import Quote
from llama_index_prod_rag.query_engine.sources import finite, source_of
from llama_index_prod_rag.query_engine.texts import Texts
from llama_index_prod_rag.query_log.ids import Ids, current_ids
from llama_index_prod_rag.query_log.nodes import log_passages
from llama_index_prod_rag.query_log.record import QueryRecord, hits_of, seconds_of
from llama_index_prod_rag.text.printable import make_line

_LOGGED = 8_000  # characters of a question that the log keeps: a longer one was not a question


@dataclass(frozen=True, slots=True)
class Asked:
    """Keeps a question as it came in.

    Attributes:
        query: the user's words.
        query_id: names the question in the log and in feedback.
        began: clock when it came in, in seconds.
        time: the same in UTC.
        ids: of the session, the trace and the span it belongs to, for the log.
    """

    query: str
    query_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    began: float = field(default_factory=perf_counter)
    time: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    ids: Ids = field(default_factory=current_ids)

    def to_record(self, error: BaseException, config_hash: str) -> QueryRecord:
        """Make the log's record of a question that was broken off before there was a response."""
        return QueryRecord(
            query=self.query[:_LOGGED],
            query_id=self.query_id,
            time=self.time,
            config_hash=config_hash,
            seconds={"total": perf_counter() - self.began},
            error=describe(error) if isinstance(error, Exception) else "cancelled",
            **self.ids,
        )


@dataclass(slots=True)
class Report:
    """Grows while a question is answered.

    Attributes:
        asked: the question.
        attempts: every look at the documents, the first one first.
        best: the one that is answered from.
        decision: the decision as it stands; checks of the answer may lower it.
        reasons: why, the latest first.
        degraded: stage -> why it is missing, for operators.
        quotes: sentences quoted in the text.
        checks: what the checks of a written answer found; None where nothing was checked.
        withdrawn: an answer that was written and not shown.
        seconds: stage -> wall time.
    """

    asked: Asked
    attempts: Sequence[Attempt]
    best: Attempt
    decision: Decision = field(init=False)
    reasons: tuple[str, ...] = field(init=False)
    degraded: dict[str, str] = field(init=False)
    quotes: list[Quote] = field(default_factory=list)
    checks: dict[str, Any] | None = None
    withdrawn: str | None = None
    seconds: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        self.decision = self.best.decision
        self.reasons = self.best.assessment.reasons
        # Of an attempt that is not answered from, too: why it was of no use.
        others = [attempt for attempt in self.attempts if attempt is not self.best]
        failed = {f"{attempt.name}: {stage}": why for attempt in others for stage, why in attempt.degraded.items()}
        self.degraded = {**self.best.degraded, **failed}
        self.seconds = {
            stage: sum(attempt.seconds.get(stage, 0.0) for attempt in self.attempts)
            for stage in dict.fromkeys(stage for attempt in self.attempts for stage in attempt.seconds)
        }

    def lower(self, decision: Decision, reason: str) -> None:
        """Change the decision for a reason found later."""
        self.decision = decision
        self.reasons = (reason, *self.reasons)

    def close(self) -> None:
        """Note the total time; for a stream when its last token is out."""
        self.seconds["total"] = perf_counter() - self.asked.began

    def explain(self, texts: Texts) -> str:
        """Give the decisive reason, for people and without figures, and which words of the question no passage has."""
        if not self.reasons:
            return texts.translate("no reason given")
        if self.reasons is not self.best.assessment.reasons:  # a later one stands before them
            return make_line(texts.translate(self.reasons[0]))
        decisive = texts.translate(self.best.assessment.verdict or self.reasons[0])
        asked_back = self.decision == "clarify"  # what else the passages lack is for the chosen reading to say
        mentions = "" if asked_back else texts.describe_mentions(self.best.mentioned, self.best.missing)
        return make_line(f"{decisive}; {mentions}" if mentions else decisive)

    def to_json(self) -> dict[str, Any]:
        """Make the JSON object that users find at `response.metadata["prod_rag"]`."""
        assessment = self.best.assessment
        timings = {**seconds_of(self.best.records), **self.seconds}
        return {
            "query_id": self.asked.query_id,
            "decision": self.decision,
            "status": assessment.status,
            "confidence": finite(assessment.confidence),
            "judged_by": list(assessment.judged_by),
            "signals": {name: finite(value) for name, value in assessment.signals.items()},
            "not_assessed": dict(assessment.not_assessed),
            "reasons": list(self.reasons),
            "sources": [source_of(hit) for hit in self.best.hits],
            "readings": to_json(assessment.readings),
            "left_out": [{"node_id": node_id, "reason": why} for node_id, why in self.best.left_out.items()],
            "quotes": [quote.to_json() for quote in self.quotes],
            "attempts": [
                {
                    "name": attempt.name,
                    "query": attempt.query,
                    "status": attempt.assessment.status,
                    "confidence": finite(attempt.assessment.confidence),
                    "used": attempt is self.best,
                }
                for attempt in self.attempts
            ],
            "second_look": None if self.best.second_look is None else asdict(self.best.second_look),
            "checks": self.checks,
            "withdrawn_answer": self.withdrawn,
            "degraded": dict(self.degraded),
            "timings": {stage: float(seconds) for stage, seconds in timings.items()},
        }

    def to_record(self, answer: str | None, error: str | None, config_hash: str) -> QueryRecord:
        """Make the record that the log keeps."""
        best = self.best
        return QueryRecord(
            query=self.asked.query[:_LOGGED],
            query_id=self.asked.query_id,
            time=self.asked.time,
            config_hash=config_hash,
            decision=self.decision,
            status=best.assessment.status,
            confidence=finite(best.assessment.confidence),
            signals={name: finite(value) for name, value in best.assessment.signals.items()},
            reasons=(*self.reasons, *(f"{node_id} left out: {why}" for node_id, why in best.left_out.items())),
            seconds={**seconds_of(best.records), **self.seconds},
            hits=hits_of(best.records, {hit.node.node_id: finite(hit.score) for hit in best.hits}),
            passages=log_passages(best.hits),
            failed=dict(self.degraded),
            answer=answer,
            error=error,
            **self.asked.ids,
        )
