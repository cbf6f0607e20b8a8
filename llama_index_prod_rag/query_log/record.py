"""What is kept of one question: plain frozen values, no database and no LlamaIndex.

The gate fills a `QueryRecord` from the trace it opened (`hits_of`, `seconds_of`), the event handler from the events it
saw; `QueryLog.add` takes it from there.
"""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from itertools import count, repeat
from typing import Any, Literal, NamedTuple

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.trace.records import Record, RerankRecord, RetrievalRecord

Stage = Literal["leg", "fused", "pair", "reranked", "shown"]
"""Which list: a leg's, the fused one, by raw pair score, after reranking, or what reached the answer's context."""

AnnotatorKind = Literal["HUMAN", "LLM", "CODE"]
"""Who judged; OpenInference's values for `annotation.annotator_kind`."""

_DEPTH = 100  # the legs' usual depth, so that "no leg found it" and "fusion lost it" stay apart


class HitRecord(NamedTuple):
    """Says where one passage stands in one list.

    Attributes:
        stage: which kind of list.
        leg: the leg's name, or the model's for `pair`; empty for the other stages.
        node_id: id of the passage.
        rank: place in the list, from 1.
        score: score that list was ordered by, on its own scale; None when there was none.
        call: which call of that stage, from 0: an engine that asks sub-questions retrieves several times.
    """

    stage: Stage
    leg: str
    node_id: str
    rank: int
    score: float | None
    call: int = 0


class LoggedPassage(NamedTuple):
    """Holds the text of a passage that reached the answer's context.

    Attributes:
        node_id: id of the passage.
        text: its own text, without the metadata that a language model may be shown beside it; empty when the log keeps
            no text.
        document_id: the document it was cut from; empty when unknown.
    """

    node_id: str
    text: str = ""
    document_id: str = ""


def _now() -> datetime:
    return datetime.now(timezone.utc)


def to_utc(moment: datetime) -> datetime:
    """The same moment in UTC; a naive one counts as local, as everywhere in Python.

    Where there is none, at the ends of the calendar or in a time zone that makes no sense, its clock counts as UTC.

    Examples:
        >>> to_utc(datetime.fromisoformat("9999-12-31T23:00:00-09:00")).isoformat()
        '9999-12-31T23:00:00+00:00'
    """
    try:
        return moment.astimezone(timezone.utc)
    except (OverflowError, ValueError, TypeError, NotImplementedError, OSError):
        return moment.replace(tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """Says how somebody judged one answer. The OpenInference annotation field is given in brackets.

    Attributes:
        helpful: thumbs up or down.
        label: a word for it, such as `"correct"`, `"wrong"`, `"refused wrongly"` (`label`).
        score: a number, higher is better; its range is the caller's (`score`).
        comment: free text (`explanation`).
        who: who judged, a person or a program (`identifier`).
        kind: what `who` is (`annotator_kind`).
        name: what was judged (`name`). Every judgment is kept; of those by the same `who` the last one counts.
        time: when, in UTC.
    """

    helpful: bool | None = None
    label: str | None = None
    score: float | None = None
    comment: str | None = None
    who: str | None = None
    kind: AnnotatorKind = "HUMAN"
    name: str = "feedback"
    time: datetime = field(default_factory=_now)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRecord:
    """Says what became of one question. The OpenInference attribute is given in brackets where there is one.

    Attributes:
        query: the text as the user asked it (`input.value`).
        query_id: what feedback refers to; also in `response.metadata["prod_rag"]["query_id"]`.
        time: when the question came in, in UTC.
        config_hash: what answered, see `config_hash`; empty when unknown.
        decision: `"answer"`, `"clarify"`, `"hedge"` or `"refuse"`; None where no gate decided.
        status: the assessment's status, such as `"healthy"`; None where nothing was assessed.
        confidence: probability in [0, 1] that the evidence is there; None where nothing was assessed.
        signals: signal name -> value; None is "not assessed".
        reasons: sentences that explain the decision.
        seconds: stage -> wall time, see `seconds_of`; `"total"` covers the last token of a streamed answer.
        hits: places at every stage, in list order, see `hits_of`.
        passages: the texts behind `shown`, in the order shown.
        failed: leg or stage -> why it is missing.
        answer: the text the user saw (`output.value`); None when there was none.
        error: why the answer broke off; None when it did not.
        session_id: the conversation it belongs to (`session.id`).
        trace_id: OpenTelemetry trace that covers it, 32 hexadecimal digits.
        span_id: OpenTelemetry span that covers it, 16 hexadecimal digits.
        feedback: judgments added later, oldest first.
    """

    query: str
    query_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    time: datetime = field(default_factory=_now)
    config_hash: str = ""
    decision: str | None = None
    status: str | None = None
    confidence: float | None = None
    signals: Mapping[str, float | None] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    hits: tuple[HitRecord, ...] = ()
    passages: tuple[LoggedPassage, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    answer: str | None = None
    error: str | None = None
    session_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    feedback: tuple[Feedback, ...] = ()

    def ranking(self, stage: Stage, leg: str = "") -> tuple[str, ...]:
        """List the node ids of one list, best first; of several calls one after the other.

        Examples:
            >>> hits = (HitRecord("fused", "", "a", 1, 0.9), HitRecord("shown", "", "a", 1, 0.9))
            >>> QueryRecord(query="q", hits=hits).ranking("shown")
            ('a',)
        """
        return tuple(hit.node_id for hit in self.hits if hit.stage == stage and hit.leg == leg)

    def leg_scores(self) -> dict[str, dict[str, float]]:
        """Map leg -> node id -> raw score of the first retrieval: what `fusion.tuning` learns weights from.

        Examples:
            >>> QueryRecord(query="q", hits=(HitRecord("leg", "bm25", "a", 1, 7.5),)).leg_scores()
            {'bm25': {'a': 7.5}}
        """
        scores: dict[str, dict[str, float]] = {}
        for hit in self.hits:
            if hit.stage == "leg" and hit.call == 0 and hit.score is not None:
                scores.setdefault(hit.leg, {})[hit.node_id] = hit.score
        return scores


def hits_of(
    records: Sequence[Record], shown: Mapping[str, float | None], *, depth: int = _DEPTH
) -> tuple[HitRecord, ...]:
    """List the places of one question's passages, from what its stages recorded.

    Args:
        records: the retriever's and the reranker's records, oldest first (`trace.join_records`).
        shown: node id -> score of the passages that reached the answer's context, in the order shown.
        depth: at most this many places of each list; the log's size follows it.

    Examples:
        >>> record = RetrievalRecord("q", fused={"a": 0.2, "b": 0.7})
        >>> [(hit.stage, hit.node_id, hit.rank) for hit in hits_of([record], {"b": 0.7})]
        [('fused', 'b', 1), ('fused', 'a', 2), ('shown', 'b', 1)]
    """
    hits: list[HitRecord] = []
    calls: dict[type[Record], int] = {}
    for record in records:
        call = calls.get(type(record), 0)
        calls[type(record)] = call + 1
        for stage, leg, ranking in _rankings_of(record):
            hits += rank_hits(stage, leg, call, ranking[:depth])
    hits += rank_hits("shown", "", 0, shown.items())
    return tuple(hits)


def rank_hits(
    stage: Stage,
    leg: str,
    call: int,
    places: Iterable[tuple[str, float | None]],
    ranks: Iterable[int] | None = None,
) -> Iterator[HitRecord]:
    """Rank the hits of one list, from 1 unless told otherwise.

    A question has hundreds of them, on the caller's time: no Python code runs for each.
    """
    node_ids, scores = zip(*places, strict=True) if (places := tuple(places)) else ((), ())
    return map(_make_hit, zip(repeat(stage), repeat(leg), node_ids, ranks or count(1), scores, repeat(call)))


_make_hit = partial(tuple.__new__, HitRecord)


def _rankings_of(record: Record) -> Iterator[tuple[Stage, str, list[tuple[str, float]]]]:
    if isinstance(record, RetrievalRecord):
        for leg, found in record.legs.items():
            # The leg's own ranks decide: its score need not fall with them.
            yield "leg", leg, [(node, hit.score) for node, hit in sorted(found.items(), key=lambda item: item[1].rank)]
        yield "fused", "", _by_score(record.fused)
    else:
        yield "pair", record.model, _by_score(record.logits)
        yield "reranked", "", _by_score(record.scores)


def _by_score(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    # NaN compares with nothing: it goes last instead of scrambling the order.
    return sorted(scores.items(), key=lambda item: (math.isnan(item[1]), -item[1]))


def seconds_of(records: Sequence[Record]) -> dict[str, float]:
    """Sum wall time by stage: each leg's name, `"fusion"`, `"rerank"`; several calls of a stage add up.

    Examples:
        >>> seconds_of([RetrievalRecord("q", seconds={"bm25": 0.01, "fusion": 0.001}), RerankRecord("m", seconds=0.2)])
        {'bm25': 0.01, 'fusion': 0.001, 'rerank': 0.2}
    """
    total: dict[str, float] = {}
    for record in records:
        parts = {"rerank": record.seconds} if isinstance(record, RerankRecord) else record.seconds
        for stage, seconds in parts.items():
            total[stage] = total.get(stage, 0.0) + seconds
    return total


def config_hash(configuration: Mapping[str, Any]) -> str:
    """Name a configuration: queries with the same hash were answered by the same settings.

    The first 16 hexadecimal digits of the SHA-256 of the configuration as JSON in UTF-8, keys sorted, without spaces,
    non-ASCII characters escaped.

    Args:
        configuration: settings that change answers, JSON values only: no secrets, paths or times.

    Raises:
        ConfigurationError: a value is not a finite JSON value.

    Examples:
        >>> config_hash({"alpha": 0.5, "legs": ["dense", "bm25"]})
        'ff6f9e125a447fea'
    """
    try:
        canonical = json.dumps(configuration, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"a configuration can only be hashed from finite JSON values: {error}") from error
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
