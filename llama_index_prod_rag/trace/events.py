"""Instrumentation events: one per record, for observers. Nothing in this package decides anything from an event.

They go through LlamaIndex's own dispatcher, beside its retrieval, rerank and query events. Handlers' errors are
swallowed there and events hold live references, so a handler that keeps something must copy it.
"""

from __future__ import annotations

from llama_index.core.instrumentation.events import BaseEvent
from llama_index_instrumentation import get_dispatcher
from pydantic import ConfigDict

from llama_index_prod_rag.trace.records import Record, RerankRecord, RetrievalRecord, note

_dispatcher = get_dispatcher(__name__)


class FusionEvent(BaseEvent):
    """A hybrid retriever has searched its legs and fused them."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    record: RetrievalRecord

    @classmethod
    def class_name(cls) -> str:
        """Give the name under which handlers see the event."""
        return "ProdRagFusionEvent"


class PairScoresEvent(BaseEvent):
    """A cross-encoder has scored a list of candidates."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    record: RerankRecord

    @classmethod
    def class_name(cls) -> str:
        """Give the name under which handlers see the event."""
        return "ProdRagPairScoresEvent"


def emit(record: Record) -> None:
    """Append a record to the open trace and fire its event."""
    note(record)
    _dispatcher.event(
        FusionEvent(record=record) if isinstance(record, RetrievalRecord) else PairScoresEvent(record=record)
    )
