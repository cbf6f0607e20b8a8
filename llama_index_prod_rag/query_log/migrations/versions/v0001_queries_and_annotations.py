"""Queries and annotations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0001"
down_revision: str | None = None


def upgrade(op: Operations) -> None:
    """Make the first two tables: the questions, and what was said of them."""
    op.create_table(
        "queries",
        sa.Column("query_id", sa.String, primary_key=True),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
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
    )
    op.create_index("queries_by_time", "queries", ["time", "query_id"])
    op.create_table(
        "annotations",
        sa.Column("annotation_id", sa.String, primary_key=True),
        sa.Column("query_id", sa.String, nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("annotator_kind", sa.String, nullable=False),
        sa.Column("identifier", sa.String),
        sa.Column("helpful", sa.Boolean),
        sa.Column("label", sa.String),
        sa.Column("score", sa.Double),
        sa.Column("explanation", sa.Text),
    )
    op.create_index("annotations_by_query", "annotations", ["query_id"])
    op.create_index("annotations_by_time", "annotations", ["time"])
