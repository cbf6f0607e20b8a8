"""Overhear the log-probabilities of what a language model writes.

Synthesizers hand on text alone; LlamaIndex's model events still carry the whole response. This is evidence that may or
may not come: nothing breaks where a model gives none, and streams, whose events fire in their reader's context, give
none here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from llama_index.core.instrumentation.events.llm import LLMChatEndEvent, LLMCompletionEndEvent
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.event_handlers import BaseEventHandler

_open: ContextVar[list[float] | None] = ContextVar("llama_index_prod_rag_logprobs", default=None)


class _Listener(BaseEventHandler):
    @classmethod
    def class_name(cls) -> str:
        return "ProdRagLogprobListener"

    def handle(self, event: Any, **kwargs: Any) -> None:  # noqa: ANN401,ARG002 - the base class's signature
        heard = _open.get()
        if heard is None or not isinstance(event, LLMChatEndEvent | LLMCompletionEndEvent):
            return
        tokens = getattr(event.response, "logprobs", None)
        if tokens:
            # A refining synthesizer calls several times; its last words are the answer.
            heard[:] = [alternatives[0].logprob for alternatives in tokens if alternatives]


@lru_cache(maxsize=1)
def _install() -> None:
    get_dispatcher().add_event_handler(_Listener())


@contextmanager
def listening() -> Iterator[list[float]]:
    """Collect the natural log-probability of each token of the last model call made inside.

    Yields:
        The list that is filled; it stays empty where the model gives none.
    """
    _install()
    heard: list[float] = []
    token = _open.set(heard)
    try:
        yield heard
    finally:
        _open.reset(token)
