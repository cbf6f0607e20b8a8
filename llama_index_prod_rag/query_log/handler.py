"""Log any LlamaIndex query engine, from the events it fires anyway."""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from llama_index.core.base.response.schema import (
    RESPONSE_TYPE,
    AsyncStreamingResponse,
    PydanticResponse,
    Response,
    StreamingResponse,
)
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.instrumentation.events.query import QueryEndEvent, QueryStartEvent
from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
from llama_index.core.instrumentation.events.retrieval import RetrievalEndEvent, RetrievalStartEvent
from llama_index.core.instrumentation.events.synthesis import SynthesizeEndEvent, SynthesizeStartEvent
from llama_index.core.instrumentation.span import BaseSpan
from llama_index.core.instrumentation.span_handlers import BaseSpanHandler
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.dispatcher import Dispatcher
from pydantic import PrivateAttr

from llama_index_prod_rag.disclosure import describe
from llama_index_prod_rag.query_log.configuration import engine_hash
from llama_index_prod_rag.query_log.nodes import log_passages, scores_of
from llama_index_prod_rag.query_log.observation import Observation
from llama_index_prod_rag.query_log.record import QueryRecord
from llama_index_prod_rag.query_log.store import QueryLog
from llama_index_prod_rag.query_log.streams import awatch, watch
from llama_index_prod_rag.trace.events import FusionEvent, PairScoresEvent

_logger = logging.getLogger(__name__)


class QueryLogHandler(BaseEventHandler):
    """Writes one record for every question a query engine of this process is asked.

    What happens inside the outermost query span belongs to that question: nested engines, sub-questions, retries. A
    streamed answer is logged when its stream ends, breaks off or is forgotten. A `ConfidenceGatedQueryEngine` that
    writes to the same log itself is not logged twice: its own, fuller record stays.

    Attributes:
        query_log: where records go.

    Examples:
        >>> import tempfile
        >>> from llama_index.core import Document, MockEmbedding, SummaryIndex
        >>> from llama_index.core.llms import MockLLM
        >>> engine = SummaryIndex.from_documents([Document(text="Paris")]).as_query_engine(llm=MockLLM())
        >>> with tempfile.TemporaryDirectory() as folder, QueryLog(f"sqlite:///{folder}/queries.db") as log:
        ...     handler = QueryLogHandler(query_log=log).attach()
        ...     _ = engine.query("capital of France?")
        ...     handler.detach()
        ...     _ = log.flush()
        ...     [(record.query, record.passages[0].text) for record in log.records()]
        [('capital of France?', 'Paris')]
    """

    query_log: QueryLog
    _spans: _Spans = PrivateAttr()
    _lock: threading.RLock = PrivateAttr(default_factory=threading.RLock)
    _open: dict[str, Observation] = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401 - pydantic's signature
        """Make the span handler that goes with this one."""
        super().model_post_init(context)
        self._spans = _Spans()
        self._spans.watch(self._end_span)

    @classmethod
    def class_name(cls) -> str:
        """Give the name among LlamaIndex's handlers."""
        return "QueryLogHandler"

    def attach(self, dispatcher: Dispatcher | None = None) -> QueryLogHandler:
        """Start listening to the events and spans of LlamaIndex.

        Args:
            dispatcher: whose events and spans to hear; by default the root's, where all of them arrive.
        """
        dispatcher = dispatcher or get_dispatcher()
        dispatcher.add_span_handler(self._spans)
        dispatcher.add_event_handler(self)
        return self

    def detach(self, dispatcher: Dispatcher | None = None) -> None:
        """Stop listening; the same argument as for `attach`."""
        dispatcher = dispatcher or get_dispatcher()
        dispatcher.event_handlers = [handler for handler in dispatcher.event_handlers if handler is not self]
        dispatcher.span_handlers = [handler for handler in dispatcher.span_handlers if handler is not self._spans]

    def handle(self, event: BaseEvent, **_: Any) -> None:
        """Take in one event; LlamaIndex swallows what handlers raise, so a fault is logged here."""
        try:
            if isinstance(event, _HEARD) and event.span_id is not None:
                with self._lock:
                    self._hear(event, event.span_id, self._spans.around(event.span_id))
        except Exception:
            _logger.exception("The query log could not follow an event of %s", event.class_name())

    def _hear(self, event: BaseEvent, span: str, spans: Sequence[str]) -> None:
        # Spans are listed from the innermost outwards, so the last open question is the outermost one.
        root = next((outer for outer in reversed(spans) if outer in self._open), None)
        if root is None:
            if isinstance(event, QueryStartEvent):
                query = event.query.query_str if isinstance(event.query, QueryBundle) else event.query
                engine = self._spans.owner(span)
                itself = getattr(engine, "query_log", None) is self.query_log
                named = getattr(engine, "config_hash", "")  # an engine may name its configuration itself: the gate does
                self._open[span] = Observation(query, named or engine_hash(engine), itself)
        elif isinstance(event, QueryEndEvent):
            if span == root:
                self._finish(self._open.pop(root), event.response)
        else:
            _note(self._open[root], event, span, frozenset(spans))

    def _finish(self, seen: Observation, response: RESPONSE_TYPE | None) -> None:
        if response is None:
            return self._log(seen, [], {}, None, None)
        report = (response.metadata or {}).get("prod_rag") or {}
        ended = partial(self._log, seen, list(response.source_nodes), report)
        # The reader holds this very object, and its stream is the only place where its end can be seen.
        if isinstance(response, StreamingResponse):
            response.response_gen = watch(response.response_gen, ended)
        elif isinstance(response, AsyncStreamingResponse):
            response.response_gen = awatch(response.response_gen, ended)
        else:
            ended(_text_of(response), None)
        return None

    def _log(
        self,
        seen: Observation,
        shown: list[NodeWithScore],
        report: Mapping[str, Any],
        answer: str | None,
        error: str | None,
    ) -> None:
        record = seen.finish(answer, scores_of(shown), log_passages(shown), error)
        self.query_log.add(_with_report(record, report) if "query_id" in report else record)

    def _end_span(self, span: str, error: BaseException | None) -> None:
        """Note that a span is over; a question still open then was broken off before its end event."""
        with self._lock:
            seen = self._open.pop(span, None)
        if seen is not None and not seen.logs_itself:
            self._log(seen, [], {}, None, "cancelled" if error is None else describe(error))


def _text_of(response: Response | PydanticResponse) -> str | None:
    """Read what the user saw; `str` says "None" of no text."""
    if isinstance(response, PydanticResponse):
        said = str(response)  # a gate's refusal in an object's place has a text of its own
        return None if said == "None" else said
    return response.response


def _note(seen: Observation, event: BaseEvent, span: str, spans: frozenset[str]) -> None:
    match event:
        case FusionEvent() | PairScoresEvent():
            seen.add(event.record, spans)
        case RetrievalStartEvent():
            seen.begin("retrieval", span)
        case RetrievalEndEvent():
            seen.end_retrieval(span, spans, scores_of(event.nodes))
        case ReRankStartEvent():
            seen.begin("rerank", span, event.model_name)
        case ReRankEndEvent():
            seen.end_rerank(span, scores_of(event.nodes))
        case SynthesizeStartEvent():
            seen.begin("synthesis", span)
        case SynthesizeEndEvent():
            seen.end_synthesis(span)


def _with_report(record: QueryRecord, report: Mapping[str, Any]) -> QueryRecord:
    """Log a gated question under the gate's id for it: where the gate has logged it here itself, that record stays."""
    return replace(
        record,
        query_id=report["query_id"],
        decision=report["decision"],
        status=report["status"],
        confidence=report["confidence"],
        signals=dict(report["signals"]),
        reasons=tuple(report["reasons"]),
        failed={**record.failed, **report["degraded"]},
    )


_HEARD = (
    *(QueryStartEvent, QueryEndEvent, RetrievalStartEvent, RetrievalEndEvent, ReRankStartEvent, ReRankEndEvent),
    *(SynthesizeStartEvent, SynthesizeEndEvent, FusionEvent, PairScoresEvent),
)


class _Span(BaseSpan):
    owner: Any = None


class _Spans(BaseSpanHandler[_Span]):
    """Knows which open span was opened by whom, and inside which one."""

    _on_end: Callable[[str, BaseException | None], None] | None = PrivateAttr(default=None)

    def watch(self, on_end: Callable[[str, BaseException | None], None]) -> None:
        """Call back with each span that ends, and with the error that ended it."""
        self._on_end = on_end

    def around(self, id_: str) -> list[str]:
        """List the span and every open one around it, from the innermost outwards."""
        ids = [id_]
        while (span := self.open_spans.get(ids[-1])) is not None and span.parent_id is not None:
            ids.append(span.parent_id)
        return ids

    def owner(self, id_: str) -> object:
        """Find the object whose method the span covers."""
        span = self.open_spans.get(id_)
        return None if span is None else span.owner

    def new_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,  # noqa: ARG002
        instance: Any | None = None,  # noqa: ANN401
        parent_span_id: str | None = None,
        tags: dict[str, Any] | None = None,  # noqa: ARG002
        **_: Any,
    ) -> _Span:
        """Note that a span was entered."""
        return _Span(id_=id_, parent_id=parent_span_id, owner=instance)

    def prepare_to_exit_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,  # noqa: ARG002
        instance: Any | None = None,  # noqa: ANN401, ARG002
        result: Any | None = None,  # noqa: ANN401, ARG002
        **_: Any,
    ) -> _Span | None:
        """Note that a span was left."""
        return self._leave_span(id_, None)

    def prepare_to_drop_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,  # noqa: ARG002
        instance: Any | None = None,  # noqa: ANN401, ARG002
        err: BaseException | None = None,
        **_: Any,
    ) -> _Span | None:
        """Note that a span was left by an exception."""
        return self._leave_span(id_, err)

    def _leave_span(self, id_: str, error: BaseException | None) -> _Span | None:
        if self._on_end is not None:
            self._on_end(id_, error)
        return self.open_spans.get(id_)
