"""One question as instrumentation events tell it: any retriever's and reranker's calls, as trace records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from time import perf_counter
from typing import Literal

from llama_index_prod_rag.query_log.ids import Ids, current_ids
from llama_index_prod_rag.query_log.record import LoggedPassage, QueryRecord, hits_of, seconds_of
from llama_index_prod_rag.trace.records import LegHit, Record, RerankRecord, RetrievalRecord

Step = Literal["retrieval", "rerank", "synthesis"]
Scores = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class _Call:
    """Is a retriever's call whose list nobody has fused yet."""

    within: frozenset[str]
    leg: str
    hits: Mapping[str, LegHit]
    seconds: float


@dataclass(slots=True)
class Observation:
    """Collects what happens inside one query's span; its owner keeps threads apart.

    A retriever that called others and then returned a list of its own has fused theirs. One that emitted a record
    (`RetrievalRecord`, `RerankRecord`) is believed, and the events around that record are not counted again.

    Attributes:
        query: the question's text.
        config_hash: see `record.config_hash`.
        logs_itself: whether the engine writes to the same log, so that what it broke off is logged already.
        ids: under which it is known elsewhere, see `conventions.current_ids`.
        time: when the question came in.
    """

    query: str
    config_hash: str = ""
    logs_itself: bool = False
    ids: Ids = field(default_factory=current_ids)
    time: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    _clock: float = field(default_factory=perf_counter)
    _begun: dict[tuple[Step, str], tuple[float, str]] = field(default_factory=dict)
    _recorded: set[tuple[Step, str]] = field(default_factory=set)
    _calls: list[_Call] = field(default_factory=list)
    _records: list[Record] = field(default_factory=list)
    _synthesis: float | None = None

    def begin(self, step: Step, span: str, model: str = "") -> None:
        """Note that a step began in a span; a reranking says with which model."""
        self._begun[step, span] = perf_counter(), model

    def _stop_clock(self, step: Step, span: str) -> tuple[float, str]:
        now = perf_counter()
        began, model = self._begun.pop((step, span), (now, ""))
        return now - began, model

    def add(self, record: Record, spans: frozenset[str]) -> None:
        """Take a component's record; `spans` are the ones it was emitted in, from the innermost outwards."""
        step: Step = "retrieval" if isinstance(record, RetrievalRecord) else "rerank"
        self._recorded.update((step, span) for span in spans)
        self._records.append(record)

    def end_retrieval(self, span: str, spans: frozenset[str], scores: Scores) -> None:
        """Note that a retriever returned; `spans` are those its call was made in, its own among them."""
        seconds, _ = self._stop_clock("retrieval", span)
        inner = [call for call in self._calls if span in call.within]
        self._calls = [call for call in self._calls if span not in call.within]
        if ("retrieval", span) in self._recorded:
            return
        if inner:
            fused = {node: score for node, score in scores.items() if score is not None}
            self._records.append(_retrieval(self.query, inner, fused))
        else:
            # LlamaIndex names spans `Class.method-uuid`; the class is all it says about who retrieved.
            hits = {node: LegHit(rank, _number(score)) for rank, (node, score) in enumerate(scores.items(), 1)}
            self._calls.append(_Call(spans, span.partition(".")[0], hits, seconds))

    def end_rerank(self, span: str, scores: Scores) -> None:
        """Note that a reranker returned, with its scores and how long it took."""
        seconds, model = self._stop_clock("rerank", span)
        if ("rerank", span) not in self._recorded:
            numbers = {node: _number(score) for node, score in scores.items()}
            self._records.append(RerankRecord(model, scores=numbers, seconds=seconds))

    def end_synthesis(self, span: str) -> None:
        """Note that the answer was written, or that its stream is about to start."""
        self._synthesis = (self._synthesis or 0.0) + self._stop_clock("synthesis", span)[0]

    def finish(
        self, answer: str | None, shown: Scores, passages: tuple[LoggedPassage, ...], error: str | None = None
    ) -> QueryRecord:
        """Make the record of everything up to now; called once, when the last token is out."""
        records = [*self._records, *(_retrieval(self.query, [call], {}) for call in self._calls)]
        seconds = seconds_of(records)
        if self._synthesis is not None:
            seconds["synthesis"] = self._synthesis
        seconds["total"] = perf_counter() - self._clock
        return QueryRecord(
            query=self.query,
            time=self.time,
            config_hash=self.config_hash,
            seconds=seconds,
            hits=hits_of(records, shown),
            passages=passages,
            failed={leg: why for record in records for leg, why in _failures(record).items()},
            answer=answer,
            error=error,
            **self.ids,
        )


def _number(score: float | None) -> float:
    return float("nan") if score is None else score


def _retrieval(query: str, calls: list[_Call], fused: Mapping[str, float]) -> RetrievalRecord:
    names: dict[str, _Call] = {}
    for call in calls:
        same = sum(name.partition(" ")[0] == call.leg for name in names)
        names[call.leg if not same else f"{call.leg} {same + 1}"] = call
    return RetrievalRecord(
        query,
        legs={name: call.hits for name, call in names.items()},
        fused=fused,
        seconds={name: call.seconds for name, call in names.items()},
    )


def _failures(record: Record) -> Mapping[str, str]:
    if isinstance(record, RetrievalRecord):
        return record.failed
    return {} if record.failed is None else {"rerank": record.failed}
