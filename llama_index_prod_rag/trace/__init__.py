"""What each stage knew of each passage: records, hits that carry them, events.

Names are looked up on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama_index_prod_rag._lazy import export

if TYPE_CHECKING:
    from llama_index_prod_rag.trace.events import FusionEvent, PairScoresEvent, emit
    from llama_index_prod_rag.trace.ports import HoldsVectors, ScoresNodes, TakesFilters
    from llama_index_prod_rag.trace.records import (
        LegHit,
        QueryTrace,
        RerankRecord,
        RetrievalRecord,
        join_records,
        note,
        open_trace,
        tracing,
    )
    from llama_index_prod_rag.trace.scored_node import ScoredNode, carried_records, rescore

_HOMES = {
    "FusionEvent": "events",
    "HoldsVectors": "ports",
    "LegHit": "records",
    "PairScoresEvent": "events",
    "QueryTrace": "records",
    "RerankRecord": "records",
    "RetrievalRecord": "records",
    "ScoredNode": "scored_node",
    "ScoresNodes": "ports",
    "TakesFilters": "ports",
    "carried_records": "scored_node",
    "emit": "events",
    "join_records": "records",
    "note": "records",
    "open_trace": "records",
    "rescore": "scored_node",
    "tracing": "records",
}

__getattr__, __dir__ = export(__name__, _HOMES)

__all__ = [
    "FusionEvent",
    "HoldsVectors",
    "LegHit",
    "PairScoresEvent",
    "QueryTrace",
    "RerankRecord",
    "RetrievalRecord",
    "ScoredNode",
    "ScoresNodes",
    "TakesFilters",
    "carried_records",
    "emit",
    "join_records",
    "note",
    "open_trace",
    "rescore",
    "tracing",
]
