"""From a text or its tree to the spans of its chunks, under a token budget. Core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama_index_prod_rag._lazy import export

if TYPE_CHECKING:
    from llama_index_prod_rag.chunking.door import chunk_text
    from llama_index_prod_rag.chunking.heads import Envelope, Head
    from llama_index_prod_rag.chunking.pack import pack_plans
    from llama_index_prod_rag.chunking.plan import plan_text
    from llama_index_prod_rag.chunking.units import Budget, Chunk, Plan, Unit

_HOMES = {
    "Budget": "units",
    "Chunk": "units",
    "Envelope": "heads",
    "Head": "heads",
    "Plan": "units",
    "Unit": "units",
    "chunk_text": "door",
    "pack_plans": "pack",
    "plan_text": "plan",
}

__getattr__, __dir__ = export(__name__, _HOMES)

__all__ = [
    "Budget",
    "Chunk",
    "Envelope",
    "Head",
    "Plan",
    "Unit",
    "chunk_text",
    "pack_plans",
    "plan_text",
]
