"""Where was it lost: the stage at which a question that went wrong stopped going right.

Core: places in lists, labels and feedback; no retriever, no model.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from sys import intern
from types import MappingProxyType
from typing import Literal, get_args

from llama_index_prod_rag.evaluation.answer_metrics import contains_answer
from llama_index_prod_rag.evaluation.answers import Outcome, is_good
from llama_index_prod_rag.evaluation.labels import Label
from llama_index_prod_rag.query_log.record import QueryRecord

FailureStage = Literal[
    "not_in_corpus",
    "not_retrieved",
    "lost_in_fusion",
    "demoted_by_reranker",
    "not_in_context",
    "not_in_answer",
    "refused_wrongly",
    "answered_wrongly",
]
"""The stages, in the order in which a question passes them."""

FAILURE_STAGES: tuple[FailureStage, ...] = get_args(FailureStage)

DESCRIPTIONS: Mapping[FailureStage, str] = MappingProxyType(
    {
        "not_in_corpus": "the passage that answers is not in the index: ingest it, or check how it was chunked",
        "not_retrieved": "no leg returned the passage: search deeper, add a leg, change chunks or embedding",
        "lost_in_fusion": "a leg returned the passage, the fused order cut it off: tune the fusion weights",
        "demoted_by_reranker": "fusion had the passage among those to show, the reranker moved it out: blend scores",
        "not_in_context": "the passage did not reach the context, and what was logged cannot say where it was lost",
        "not_in_answer": "the passage was in the context, the answer does not use it: prompt, model, or context order",
        "refused_wrongly": "the passage was in the context and the gate refused: calibrate the gate",
        "answered_wrongly": "the corpus does not answer it and the gate did not refuse: calibrate the gate",
    }
)
"""What each stage means and what usually mends it."""

_RETRIEVAL: tuple[FailureStage | None, ...] = (*FAILURE_STAGES[:5], None)  # earliest loss first, None: not lost
_WEAK_EVIDENCE = frozenset(("no_results", "low_confidence", "topic_drift"))


@dataclass(frozen=True, slots=True)
class Places:
    """Where each passage stood in each list; of several calls its best place counts.

    Attributes:
        legs: leg name -> id -> rank from 1.
        fused: id -> rank after fusion.
        reranked: id -> rank after reranking.
        shown: id -> rank in the answer's context.
    """

    legs: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    fused: Mapping[str, int] = field(default_factory=dict)
    reranked: Mapping[str, int] = field(default_factory=dict)
    shown: Mapping[str, int] = field(default_factory=dict)


def places_of(record: QueryRecord, *, identify: Callable[[str], str] = intern) -> Places:
    """Find the places that passages have in a log record.

    Args:
        record: one question of the log.
        identify: passage id -> the id that labels use, where they name documents.

    Examples:
        >>> from llama_index_prod_rag.query_log.record import HitRecord
        >>> hits = (HitRecord("leg", "bm25", "a#1", 1, 7.0), HitRecord("leg", "bm25", "a#2", 2, 5.0))
        >>> places_of(QueryRecord(query="q", hits=hits), identify=lambda node: node.split("#")[0]).legs
        {'bm25': {'a': 1}}
    """
    lists: dict[str, dict[str, int]] = {"fused": {}, "reranked": {}, "shown": {}, "pair": {}}
    legs: dict[str, dict[str, int]] = {}
    for stage, leg, node_id, rank, _, _ in record.hits:
        found = legs.setdefault(intern(leg), {}) if stage == "leg" else lists[stage]
        id_ = identify(node_id)
        if rank < found.get(id_, rank + 1):
            found[id_] = rank
    return Places(legs, lists["fused"], lists["reranked"], lists["shown"])


def attribute_failure(
    places: Places,
    label: Label,
    outcome: Outcome | None,
    *,
    corpus: Collection[str] | None = None,
    shown_texts: Collection[str] = (),
) -> FailureStage | None:
    """Find the stage at which a labeled question was lost.

    Args:
        places: where passages stood, under the ids that the label uses.
        label: what would be right.
        outcome: what became of the question; None when only the retrieval is judged.
        corpus: all ids in the index, to tell "not in the corpus" from "not retrieved"; None where they are not known.
        shown_texts: passages in the context; without relevant ids a passage that holds a reference answer counts.

    Returns:
        The stage, or None for a question that went right, or about which the label says too little.

    Examples:
        >>> places = Places(legs={"bm25": {"a": 1, "gold": 8}}, fused={"a": 1, "gold": 5}, shown={"a": 1})
        >>> attribute_failure(places, Label(relevant={"gold": 1}), "wrong")
        'lost_in_fusion'
    """
    if outcome == "answered_unanswerable":
        return "answered_wrongly"
    if label.can_be_answered is False or (outcome is not None and is_good(outcome)):
        return None
    if label.gold:
        lost = _where_lost(places, label, corpus)
    elif outcome is None:
        return None
    else:
        in_context = any(contains_answer(text, label.references) for text in shown_texts)
        lost = None if in_context else "not_in_context"
    if lost is not None or outcome is None:
        return lost
    return "refused_wrongly" if outcome == "refused_wrongly" else "not_in_answer"


def _where_lost(places: Places, label: Label, corpus: Collection[str] | None) -> FailureStage | None:
    """Of a question that needs all its passages the one lost first, else the one that came furthest."""
    lost = [_passage_lost(places, id_, corpus) for id_ in label.gold]
    return (min if label.needs_all else max)(lost, key=_RETRIEVAL.index)


def _passage_lost(places: Places, id_: str, corpus: Collection[str] | None) -> FailureStage | None:
    if id_ in places.shown:
        return None
    if corpus is not None and id_ not in corpus:
        return "not_in_corpus"
    if not (places.legs or places.fused):
        return "not_in_context"
    best_leg_rank = min((ranks[id_] for ranks in places.legs.values() if id_ in ranks), default=None)
    fused_rank = places.fused.get(id_, best_leg_rank)
    if fused_rank is None:
        return "not_retrieved"
    # Without the reranker, the fused order's head would have been shown.
    return "demoted_by_reranker" if places.reranked and fused_rank <= len(places.shown) else "lost_in_fusion"


def attribute_from_feedback(
    record: QueryRecord, places: Places, *, known_good: Collection[str] = ()
) -> FailureStage | None:
    """Where a question that a user called unhelpful was probably lost, from the log alone.

    In this order: a stage that the user named; where the same question once got a helpful answer, its passages stand
    in for labels; a refusal counts as wrong; nothing found is `not_retrieved`; evidence that the gate itself found
    weak means that it should have refused; evidence it found good means that the answer missed it.

    Args:
        record: an unhelpful question of the log.
        places: where its passages stood.
        known_good: passages shown with helpful answers to the same question.

    Returns:
        The stage, None where the log says too little. It is a guess to sort questions by, not a measurement.

    Examples:
        >>> attribute_from_feedback(QueryRecord(query="q", decision="refuse"), Places())
        'refused_wrongly'
    """
    for judgment in reversed(record.feedback):
        named = (judgment.label or "").strip().lower().replace(" ", "_")
        if named in FAILURE_STAGES:
            return named
    if known_good:
        label = Label(relevant=dict.fromkeys(known_good, 1))
        return attribute_failure(places, label, "refused_wrongly" if record.decision == "refuse" else "wrong")
    if record.decision == "refuse":
        return "refused_wrongly"
    if not (places.shown or places.fused or any(places.legs.values())):
        return "not_retrieved" if record.status == "no_results" else None
    if record.status is None:
        return None
    return "answered_wrongly" if record.status in _WEAK_EVIDENCE else "not_in_answer"
