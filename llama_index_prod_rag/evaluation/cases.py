"""One question, digested: what slices, metrics and the report need of a log record, without its lists and texts.

A log of 100,000 questions holds tens of millions of places. They are looked at once, record by record, and what stays
is a few hundred bytes per question.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import combinations
from sys import intern
from typing import Literal

from llama_index_prod_rag.evaluation.answer_metrics import AnswerMetric, contains_answer
from llama_index_prod_rag.evaluation.answers import Outcome, grade_answer, is_good
from llama_index_prod_rag.evaluation.failures import (
    FailureStage,
    Places,
    attribute_failure,
    attribute_from_feedback,
    places_of,
)
from llama_index_prod_rag.evaluation.labels import Label, verdict
from llama_index_prod_rag.query_log.normalize import WITHHELD
from llama_index_prod_rag.query_log.record import QueryRecord, to_utc

Basis = Literal["labels", "feedback"]
"""What a verdict rests on."""

Fetch = Callable[[str], QueryRecord | None]
"""Query id -> the full record, None where it is gone; `QueryLog.get`."""

_TWINS = 20  # helpful answers to the same question that are looked at; a popular one has thousands
_TOP = 10  # agreement of legs is measured over their first ten places, where answers come from


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Holds what the report needs to know of one logged question.

    Attributes:
        query_id: id in the log.
        query: its text; empty where the log keeps none.
        time: when it was asked.
        config_hash: what answered.
        decision: `"answer"`, `"clarify"`, `"hedge"`, `"refuse"`, or None without a gate.
        status: the assessment's status.
        confidence: the gate's, in [0, 1].
        helpful: what users said.
        outcome: what labels say became of it.
        good: the verdict: by labels where there are any, else by feedback; None where nobody knows.
        basis: what the verdict rests on.
        stage: where it was lost.
        answerable: what the label says.
        gold: number of passages or documents judged relevant.
        agreement: mean overlap of the legs' first ten, from 0 to 1; None with fewer than two legs.
        signals: the gate's signals.
        seconds: stage -> wall time.
        top_scores: list -> its best score; legs by name, `"fused"`, `"pair"`, `"reranked"`, `"shown"`.
        broken: whether the answer broke off with an error.
        degraded: whether a leg or stage was missing.
    """

    query_id: str
    query: str = ""
    time: datetime | None = None
    config_hash: str = ""
    decision: str | None = None
    status: str | None = None
    confidence: float | None = None
    helpful: bool | None = None
    outcome: Outcome | None = None
    good: bool | None = None
    basis: Basis | None = None
    stage: FailureStage | None = None
    answerable: bool | None = None
    gold: int = 0
    agreement: float | None = None
    signals: Mapping[str, float] = field(default_factory=dict, repr=False)
    seconds: Mapping[str, float] = field(default_factory=dict, repr=False)
    top_scores: Mapping[str, float] = field(default_factory=dict, repr=False)
    broken: bool = False
    degraded: bool = False


def digest(
    record: QueryRecord,
    label: Label | None = None,
    *,
    places: Places | None = None,
    corpus: Collection[str] | None = None,
    metric: AnswerMetric = contains_answer,
    threshold: float = 0.5,
) -> Case:
    """Boil one record of the log down to the case that the report counts.

    Args:
        record: one question of the log.
        label: what would be right; None leaves the verdict to feedback.
        places: the record's places under the label's ids; None takes passage ids.
        corpus: all ids in the index, where they are known.
        metric: compares the answer with reference answers.
        threshold: from this value on the answer is correct.

    Examples:
        >>> record = QueryRecord(query="capital of France?", query_id="1", answer="Rome", decision="answer")
        >>> case = digest(record, Label(references=("Paris",)))
        >>> case.outcome, case.good, case.stage
        ('wrong', False, 'not_in_context')
    """
    places = places or places_of(record)
    helpful = verdict(record.feedback)
    outcome = stage = good = basis = None
    if label is not None:
        refused = record.decision == "refuse"
        if refused or record.answer not in (None, WITHHELD):  # a broken or withheld answer cannot be graded
            outcome = grade_answer(None if refused else record.answer, label, metric=metric, threshold=threshold)
        texts = [passage.text for passage in record.passages]
        stage = attribute_failure(places, label, outcome, corpus=corpus, shown_texts=texts)
        good, basis = _labeled_verdict(label, outcome, stage)
    if basis is None and helpful is not None:
        good, basis = helpful, "feedback"
        stage = None if helpful else attribute_from_feedback(record, places)
    return Case(
        query_id=record.query_id,
        query="" if record.query == WITHHELD else record.query,
        time=to_utc(record.time),
        config_hash=intern(record.config_hash),
        decision=record.decision,
        status=record.status,
        confidence=record.confidence,
        helpful=helpful,
        outcome=outcome,
        good=good,
        basis=basis,
        stage=stage,
        answerable=label.can_be_answered if label else None,
        gold=len(label.gold) if label else 0,
        agreement=record.signals.get("agreement", leg_agreement(places)),
        signals={intern(name): value for name, value in record.signals.items() if value is not None},
        seconds={intern(name): value for name, value in record.seconds.items()},
        top_scores=_top_scores(record),
        broken=record.error is not None,
        degraded=bool(record.failed),
    )


def _labeled_verdict(
    label: Label, outcome: Outcome | None, stage: FailureStage | None
) -> tuple[bool | None, Basis | None]:
    if outcome is not None:
        return is_good(outcome), "labels"
    if label.gold:  # no reference answer to judge by: the retrieval's verdict is what there is
        return stage is None, "labels"
    return None, None


def _top_scores(record: QueryRecord) -> dict[str, float]:
    """From the lists where they are there, else from the signals that the gate computed of them."""
    if not record.hits:
        tops = {name.removesuffix(".top"): score for name, score in record.signals.items() if name.endswith(".top")}
        return {intern(name): score for name, score in tops.items() if score is not None}
    return {
        intern(hit.leg if hit.stage == "leg" else hit.stage): hit.score
        for hit in reversed(record.hits)  # the first call's score stays
        if hit.rank == 1 and hit.score is not None
    }


def leg_agreement(places: Places) -> float | None:
    """Mean share of their first ten places that two legs have in common; None with fewer than two legs.

    The gate's signal of that name, for logs without a gate.

    Examples:
        >>> leg_agreement(Places(legs={"dense": {"a": 1, "b": 2}, "bm25": {"b": 1}}))
        0.5
    """
    tops = [{id_ for id_, rank in ranks.items() if rank <= _TOP} for ranks in places.legs.values()]
    pairs = [
        len(one & other) / max(1, min(_TOP, len(one | other))) for one, other in combinations(tops, 2) if one or other
    ]
    return sum(pairs) / len(pairs) if pairs else None


def digest_log(
    records: Iterable[QueryRecord],
    labels: Mapping[str, Label] | None = None,
    *,
    fetch: Fetch | None = None,
    identify: Callable[[str], str] = intern,
    corpus: Collection[str] | None = None,
    metric: AnswerMetric = contains_answer,
    threshold: float = 0.5,
    watch: Callable[[QueryRecord, Places, Label | None], None] | None = None,
) -> list[Case]:
    """Digest a whole log in one pass.

    A question that one user found helpful and another not is told apart by its passages: those shown with the helpful
    answer stand in for labels of the same question's unhelpful ones.

    Args:
        records: the log, in any order; read once. With `fetch` they may come without lists and passages, which is
            many times faster: `QueryLog.records(passages=False, hits=False)`.
        labels: query id, or the question's text -> label.
        fetch: query id -> the full record; asked for questions with a label and those called unhelpful.
        identify: passage id -> the id that labels use, where they name documents.
        corpus: all ids in the index, where they are known.
        metric: compares answers with reference answers.
        threshold: from this value on an answer is correct.
        watch: called with each record, its places and its label before they are let go.

    Returns:
        One case per record, in the order read.
    """
    labels = labels or {}
    cases: list[Case] = []
    helpful: dict[str, list[tuple[str, Collection[str]]]] = {}  # question -> id and passages shown
    unhelpful: dict[int, tuple[QueryRecord, Places]] = {}
    for light in records:
        label = labels.get(light.query_id) or labels.get(light.query)
        record = (fetch(light.query_id) or light) if fetch and _needs_lists(light, label) else light
        places = places_of(record, identify=identify)
        case = digest(record, label, places=places, corpus=corpus, metric=metric, threshold=threshold)
        if case.basis == "feedback" and case.query:
            if case.good:
                helpful.setdefault(_key(case.query), []).append((case.query_id, tuple(places.shown)))
            else:
                unhelpful[len(cases)] = replace(record, hits=(), passages=()), places
        cases.append(case)
        if watch is not None:
            watch(record, places, label)
    known_good = {
        key: {
            id_ for query_id, shown in helpful[key][:_TWINS] for id_ in shown or _fetch_shown(query_id, fetch, identify)
        }
        for key in helpful.keys() & {_key(record.query) for record, _ in unhelpful.values()}
    }
    for index, (record, places) in unhelpful.items():
        if good_ones := known_good.get(_key(record.query)):
            stage = attribute_from_feedback(record, places, known_good=good_ones)
            cases[index] = replace(cases[index], stage=stage)
    return cases


def _needs_lists(record: QueryRecord, label: Label | None) -> bool:
    if label is not None:
        return True
    helpful = verdict(record.feedback)
    return helpful is False or (helpful is True and not record.signals)  # signals hold the lists' best scores


def _fetch_shown(query_id: str, fetch: Fetch | None, identify: Callable[[str], str]) -> Collection[str]:
    record = fetch(query_id) if fetch else None
    return places_of(record, identify=identify).shown if record else ()


def _key(question: str) -> str:
    return " ".join(question.casefold().split()).rstrip(" ?.!")
