"""What each stage knew about one question: frozen records, and the trace that collects them.

Ranks, raw scores and timings must reach the gate and the query log through third-party postprocessors that rebuild
nodes, worker threads, nested retrievers and engines that know nothing of this package. They travel beside LlamaIndex's
types, never inside `node.metadata`, which would change hashes and leak into prompts and embeddings:

* a context variable, opened by whoever needs the truth (`with tracing() as trace`), collects every record;
* each returned `ScoredNode` refers to the records that concern it, for code outside such a scope;
* each record is also fired as one instrumentation event, for observers (`llama_index_prod_rag.trace.events`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

from llama_index_prod_rag.fusion.normalizers import Bounds
from llama_index_prod_rag.fusion.readings import Reading

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class LegHit:
    """One leg's view of one node.

    Attributes:
        rank: position in the leg's list, from 1.
        score: the leg's raw score, on the leg's own scale, higher is better: a distance is negated, and 1 / rank stands
            where the leg's scores could not be read (`RetrievalRecord.readings`).
    """

    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Link:
    """One passage's mention of another, which a search followed.

    Attributes:
        partner: id of the passage that names the other one.
        strength: 1 where the name is one passage's alone, less where several have it or it was followed further.
        start: character of the partner's text where the name stands.
    """

    partner: str
    strength: float
    start: int = 0


@dataclass(frozen=True, slots=True)
class RetrievalRecord:
    """Everything one retriever call knows, including what is cut later. All mappings are keyed by node id or leg name.

    Attributes:
        query: the text that was searched for.
        legs: leg name -> node id -> rank and raw score, for every node that leg returned.
        bounds: leg name -> the bounds its scores were normalised by, so that the reranker can add its own leg later.
        weights: leg name -> weight in the fusion; they sum to 1.
        rule: the fusion rule's name, with its normalizer.
        fused: node id -> fused score, for every node any leg returned, before any cut.
        completed: leg name -> node id -> raw score computed afterwards, for nodes the leg had not returned itself.
        failed: leg name -> why it is missing; empty when every leg answered.
        seconds: leg name -> wall time of its search; `"fusion"` for the fusion itself.
        vectors: node id -> embedding, where the store gave them; drift and out-of-corpus signals need them.
        query_vector: the query's embedding, where a leg knew it.
        readings: leg name -> `"distances"` or `"order"`, where its scores were not similarities.
        lifts: node id -> how far what the question names lifted its fused score towards 1, where it did.
        models: leg name -> the model that embedded the query for it, where it has one.
        links: node id -> the mention that led to it, for every node that a passage before it names.
        link_weight: what a link of strength 1 weighs beside the legs, from 0 to 1.
    """

    query: str
    legs: Mapping[str, Mapping[str, LegHit]] = field(default_factory=dict)
    bounds: Mapping[str, Bounds] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    rule: str = ""
    fused: Mapping[str, float] = field(default_factory=dict)
    completed: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    vectors: Mapping[str, Sequence[float]] = field(default_factory=dict, repr=False)
    query_vector: Sequence[float] | None = field(default=None, repr=False)
    readings: Mapping[str, Reading] = field(default_factory=dict)
    lifts: Mapping[str, float] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    link_weight: float = 0.0

    def leg_score(self, leg: str, node_id: str) -> float | None:
        """Raw score of a node in a leg, returned or completed; None where the leg never saw it."""
        hit = self.legs.get(leg, {}).get(node_id)
        return hit.score if hit is not None else self.completed.get(leg, {}).get(node_id)

    def without(self, node_ids: Collection[str]) -> RetrievalRecord:
        """Make the record of the same search over a collection that lacks some nodes; ranks close up."""
        if not node_ids:
            return self
        return replace(
            self,
            legs={leg: _close_up(hits, node_ids) for leg, hits in self.legs.items()},
            fused=_leave_out(self.fused, node_ids),
            completed={leg: _leave_out(scores, node_ids) for leg, scores in self.completed.items()},
            vectors=_leave_out(self.vectors, node_ids),
            lifts=_leave_out(self.lifts, node_ids),
            links={id_: link for id_, link in _leave_out(self.links, node_ids).items() if link.partner not in node_ids},
        )


def _close_up(hits: Mapping[str, LegHit], node_ids: Collection[str]) -> dict[str, LegHit]:
    left = sorted(_leave_out(hits, node_ids).items(), key=lambda pair: pair[1].rank)
    return {id_: LegHit(rank, hit.score) for rank, (id_, hit) in enumerate(left, start=1)}


def _leave_out(values: Mapping[str, _Value], node_ids: Collection[str]) -> dict[str, _Value]:
    return {id_: value for id_, value in values.items() if id_ not in node_ids}


@dataclass(frozen=True, slots=True)
class RerankRecord:
    """Holds everything that one call of a reranker knows.

    Attributes:
        model: name of the model that scored.
        logits: node id -> the model's raw output, for every pair that was scored.
        scores: node id -> the score the nodes were ordered by, for every candidate that was scored, before the cut.
        seconds: wall time of the call.
        truncated: ids of nodes whose text the model could not read to the end.
        failed: why there are no scores; None when it worked.
        unread: ids of candidates that there was no time for; they keep the retrieval's score and follow the others.
        pieces: node id -> the raw output for its best row, record or line, of returned nodes that have some.
        joint: node id -> the raw output for it behind the passage that names it, where both together say more than
            that passage alone.
    """

    model: str
    logits: Mapping[str, float] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    truncated: frozenset[str] = frozenset()
    failed: str | None = None
    unread: frozenset[str] = frozenset()
    pieces: Mapping[str, float] = field(default_factory=dict)
    joint: Mapping[str, float] = field(default_factory=dict)


Record: TypeAlias = RetrievalRecord | RerankRecord


@dataclass(slots=True)
class QueryTrace:
    """The records of one question. It only grows, but for `amend`, and appending is safe from several threads.

    Attributes:
        attempts: one list of records per attempt; a retry begins a new one.
        children: traces that were opened inside this one (a gate used as a tool of another).
        left_out: node id -> why a stage left the node out that other stages would have shown.
    """

    attempts: list[list[Record]] = field(default_factory=lambda: [[]])
    children: list[QueryTrace] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Append a record to the current attempt."""
        self.attempts[-1].append(record)

    def begin_attempt(self) -> None:
        """Start a new attempt; what came before stays."""
        self.attempts.append([])

    @property
    def records(self) -> Sequence[Record]:
        """Records of the current attempt, oldest first."""
        return tuple(self.attempts[-1])


_current: ContextVar[QueryTrace | None] = ContextVar("llama_index_prod_rag_trace", default=None)


@contextmanager
def tracing() -> Iterator[QueryTrace]:
    """Collect the records of everything called inside, in this thread and in tasks that copy its context.

    Keep the object for streaming and logging; the variable is only valid inside. A scope inside another becomes its
    child and keeps its own records.

    Yields:
        The trace that is filled while the scope is open.

    Examples:
        >>> with tracing() as trace:
        ...     note(RerankRecord(model="m", logits={"a": 2.5}))
        >>> trace.records[0].logits
        {'a': 2.5}
    """
    trace = QueryTrace()
    if (parent := _current.get()) is not None:
        parent.children.append(trace)
    token = _current.set(trace)
    try:
        yield trace
    finally:
        _current.reset(token)


def open_trace() -> QueryTrace | None:
    """The trace of the innermost open scope, if there is one."""
    return _current.get()


def note(record: Record) -> None:
    """Append a record to the open trace, if there is one."""
    if (trace := _current.get()) is not None:
        trace.add(record)


def amend(record: Record, amended: Record) -> None:
    """Put a record that says more in the place of the one it was made from, in the open trace, if there is one."""
    attempt = trace.attempts[-1] if (trace := _current.get()) is not None else []
    places = [place for place, noted in enumerate(attempt) if noted is record]
    for place in places:
        attempt[place] = amended


def leave_out(node_id: str, reason: str) -> None:
    """Note in the open trace, if there is one, why a node is not shown."""
    if (trace := _current.get()) is not None:
        trace.left_out[node_id] = reason


def join_records(trace: QueryTrace | None, carried: Sequence[Record]) -> tuple[Record, ...]:
    """Records of the trace's current attempt and those that nodes carried, each once, oldest first.

    Args:
        trace: the open scope's trace, if any.
        carried: records found on the surviving nodes, in node order; the way around code that lost the context.
    """
    joined: dict[int, Record] = {id(record): record for record in (trace.records if trace else ())}
    for record in carried:
        joined.setdefault(id(record), record)
    return tuple(joined.values())
