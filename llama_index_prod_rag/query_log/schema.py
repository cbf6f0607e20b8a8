"""The log's two tables, and records to rows and back.

One row holds everything about a question, so a record is either there or not, never half. Columns that OpenInference
has a name for carry it with `_` for `.`: `input_value`, `output_value`, `session_id`, and the annotation fields.
Lists that nobody filters by in SQL (places, passages) are JSON in the same row, after the short columns: a database
does not touch what a query leaves out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from itertools import groupby
from typing import Any, get_args

import sqlalchemy as sa

from llama_index_prod_rag.query_log.record import (
    Feedback,
    HitRecord,
    LoggedPassage,
    QueryRecord,
    Stage,
    rank_hits,
    to_utc,
)

Row = dict[str, Any]


class UtcTime(sa.types.TypeDecorator[datetime]):
    """Stores an aware moment; SQLite, which knows no time zones, is given UTC and its answer is read as UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Convert to UTC; a naive time counts as local, as everywhere in Python."""
        return None if value is None else to_utc(value)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Give an aware time in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else to_utc(value)


METADATA = sa.MetaData()

QUERIES = sa.Table(
    "queries",
    METADATA,
    sa.Column("query_id", sa.String, primary_key=True),
    sa.Column("time", UtcTime, nullable=False),
    sa.Column("session_id", sa.String),
    sa.Column("trace_id", sa.String),
    sa.Column("span_id", sa.String),
    sa.Column("config_hash", sa.String, nullable=False),
    sa.Column("input_value", sa.Text, nullable=False),
    sa.Column("output_value", sa.Text),
    sa.Column("decision", sa.String),
    sa.Column("status", sa.String),
    sa.Column("confidence", sa.Double),
    sa.Column("error", sa.Text),
    sa.Column("signals", sa.JSON, nullable=False),
    sa.Column("reasons", sa.JSON, nullable=False),
    sa.Column("seconds", sa.JSON, nullable=False),
    sa.Column("failed", sa.JSON, nullable=False),
    sa.Column("rankings", sa.JSON, nullable=False),
    sa.Column("passages", sa.JSON, nullable=False),
    sa.Index("queries_by_time", "time", "query_id"),
)

ANNOTATIONS = sa.Table(
    "annotations",
    METADATA,
    sa.Column("annotation_id", sa.String, primary_key=True),
    sa.Column("query_id", sa.String, nullable=False),  # no foreign key: feedback may overtake a record still queued
    sa.Column("time", UtcTime, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("annotator_kind", sa.String, nullable=False),
    sa.Column("identifier", sa.String),
    sa.Column("helpful", sa.Boolean),
    sa.Column("label", sa.String),
    sa.Column("score", sa.Double),
    sa.Column("explanation", sa.Text),
    sa.Index("annotations_by_query", "query_id"),
    sa.Index("annotations_by_time", "time"),
)


def query_row(record: QueryRecord) -> Row:
    """Make the row of `queries` for a cleaned record."""
    return {
        "query_id": record.query_id,
        "time": record.time,
        "session_id": record.session_id,
        "trace_id": record.trace_id,
        "span_id": record.span_id,
        "config_hash": record.config_hash,
        "input_value": record.query,
        "output_value": record.answer,
        "decision": record.decision,
        "status": record.status,
        "confidence": record.confidence,
        "error": record.error,
        "signals": dict(record.signals),
        "reasons": list(record.reasons),
        "seconds": dict(record.seconds),
        "failed": dict(record.failed),
        "rankings": _pack(record.hits),
        "passages": [passage._asdict() for passage in record.passages],
    }


def query_record(row: Mapping[str, Any], feedback: Iterable[Feedback]) -> QueryRecord:
    """Read the record in a row of `queries`; lists that were not selected are empty.

    Raises:
        TypeError: a column holds something else than was written, and so do ValueError, LookupError, AttributeError.
    """
    _check_types([row["input_value"], *row["reasons"], *row["failed"].values()], {str})
    _check_types([row["confidence"], *row["signals"].values()], _MAYBE_NUMBERS)
    _check_types(row["seconds"].values(), _NUMBERS)
    return QueryRecord(
        query=row["input_value"],
        query_id=row["query_id"],
        time=row["time"],
        config_hash=row["config_hash"],
        decision=row["decision"],
        status=row["status"],
        confidence=row["confidence"],
        signals=row["signals"],
        reasons=tuple(row["reasons"]),
        seconds=row["seconds"],
        hits=tuple(_unpack(row["rankings"])) if "rankings" in row else (),
        passages=tuple(LoggedPassage(**passage) for passage in row.get("passages", ())),
        failed=row["failed"],
        answer=row["output_value"],
        error=row["error"],
        session_id=row["session_id"],
        trace_id=row["trace_id"],
        span_id=row["span_id"],
        feedback=tuple(feedback),
    )


_NUMBERS = {int, float}
_MAYBE_NUMBERS = {int, float, type(None)}
_STAGES = get_args(Stage)


def _check_types(values: Iterable[object], kinds: set[type]) -> None:
    if not set(map(type, values)) <= kinds:
        raise TypeError(f"expected {' or '.join(sorted(kind.__name__ for kind in kinds))}")


def _pack(hits: Iterable[HitRecord]) -> Row:
    """Keep each passage's id once, and lists of numbers: a third of the space and reading time of plain hits."""
    numbers: dict[str, int] = {}
    rankings = []
    for (stage, leg, call), group in groupby(hits, key=lambda hit: (hit.stage, hit.leg, hit.call)):
        ranking = list(group)
        ranks = [hit.rank for hit in ranking]
        rankings.append(
            {
                "stage": stage,
                "leg": leg,
                "call": call,
                "nodes": [numbers.setdefault(hit.node_id, len(numbers)) for hit in ranking],
                "scores": [hit.score for hit in ranking],
                **({} if ranks == list(range(1, len(ranks) + 1)) else {"ranks": ranks}),
            }
        )
    return {"node_ids": list(numbers), "lists": rankings}


def _unpack(rankings: Mapping[str, Any]) -> Iterable[HitRecord]:
    node_id = rankings["node_ids"].__getitem__
    for ranking in rankings["lists"]:
        _check_types(ranking["scores"], _MAYBE_NUMBERS)
        if ranking["stage"] not in _STAGES:
            raise ValueError(f"unknown stage {ranking['stage']!r}")
        places = zip(map(node_id, ranking["nodes"]), ranking["scores"], strict=True)
        yield from rank_hits(ranking["stage"], ranking["leg"], ranking["call"], places, ranking.get("ranks"))


def annotation_row(annotation_id: str, query_id: str, feedback: Feedback) -> Row:
    """Make the row of `annotations` for cleaned feedback."""
    return {
        "annotation_id": annotation_id,
        "query_id": query_id,
        "time": feedback.time,
        "name": feedback.name,
        "annotator_kind": feedback.kind,
        "identifier": feedback.who,
        "helpful": feedback.helpful,
        "label": feedback.label,
        "score": feedback.score,
        "explanation": feedback.comment,
    }


def feedback_of(row: Mapping[str, Any]) -> Feedback:
    """Read the feedback in a row of `annotations`."""
    return Feedback(
        helpful=row["helpful"],
        label=row["label"],
        score=row["score"],
        comment=row["explanation"],
        who=row["identifier"],
        kind=row["annotator_kind"],
        name=row["name"],
        time=row["time"],
    )
