"""Several retrievers asked side by side, each with its own time limit; one that fails takes no other down."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextvars import copy_context
from dataclasses import dataclass, field

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.indices.vector_store.retrievers import VectorIndexRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle

from llama_index_prod_rag.disclosure import describe
from llama_index_prod_rag.errors import RetrievalError
from llama_index_prod_rag.retrievers.dense import store_blocks
from llama_index_prod_rag.retrievers.fusing import LegResult

_READS = 20
_MOST_HUNG = 4
"""Threads that one leg may hold beyond its time limit before it is not asked any more."""


class LegBusyError(RetrievalError):
    """A leg is not asked, because it has not come back from earlier questions."""


class Lane:
    """The questions that one leg is running for: a leg that hangs must not take a thread with each."""

    def __init__(self) -> None:
        self._running: dict[int, LegCall] = {}

    def enter(self, call: LegCall) -> None:
        """Let one more in, unless nobody waits any longer for too many of those inside.

        Raises:
            LegBusyError: that is so; the leg is asked again when one of them has come back.
        """
        given_up = sum(running.result.failed is not None for running in list(self._running.values()))
        if given_up >= _MOST_HUNG:
            raise LegBusyError(f"not asked: {given_up} earlier questions are still waiting for its answer")
        self._running[id(call)] = call

    def leave(self, call: LegCall) -> None:
        """Note that the leg has come back."""
        del self._running[id(call)]

    def __reduce__(self) -> tuple[type[Lane], tuple[()]]:
        return Lane, ()


@dataclass(slots=True)
class LegCall:
    """Puts one question to one leg and holds what came of it.

    Attributes:
        leg: the retriever.
        bundle: its own copy of the question; vector retrievers write their embedding into it.
        lane: the threads that the leg runs in, for all questions.
        result: what came of it.
        error: the exception behind `result.failed`.
    """

    leg: BaseRetriever
    bundle: QueryBundle
    lane: Lane = field(default_factory=Lane)
    result: LegResult = field(default_factory=LegResult)
    error: Exception | None = None

    def note_failure(self, error: Exception, seconds: float, timeout: float | None) -> None:
        """Note why there are no hits."""
        late = isinstance(error, FutureTimeout | asyncio.TimeoutError | TimeoutError) and timeout is not None
        why = f"no answer within {timeout:g} s" if late else describe(error)
        self.result, self.error = LegResult((), seconds, why), error


def model_of(leg: BaseRetriever) -> str:
    """Name of the model that embeds a leg's queries; empty for a leg that embeds none."""
    return str(getattr(getattr(leg, "_embed_model", None), "model_name", "") or getattr(leg, "model_name", ""))


def own_copy(bundle: QueryBundle) -> QueryBundle:
    """A bundle that may be written to without the caller noticing."""
    return QueryBundle(
        query_str=bundle.query_str,
        image_path=bundle.image_path,
        custom_embedding_strs=None if bundle.custom_embedding_strs is None else list(bundle.custom_embedding_strs),
        embedding=bundle.embedding,
    )


def run_legs(calls: Iterable[LegCall], timeout: float | None) -> None:
    """Ask all legs in threads and wait for each at most `timeout` seconds."""
    started = time.perf_counter()
    for call, future in [(call, _in_thread(call)) for call in calls]:
        left = None if timeout is None else max(0.0, timeout - (time.perf_counter() - started))
        try:
            hits, ended = future.result(left)
            call.result = LegResult(hits, ended - started)
        except Exception as error:  # a leg is anybody's code
            call.note_failure(error, time.perf_counter() - started, timeout)


async def arun_legs(calls: Iterable[LegCall], timeout: float | None) -> None:
    """Ask all legs at once: by their own async path where they have one that does not block, else in threads."""
    await asyncio.gather(*(_arun(call, timeout) for call in calls))


async def _arun(call: LegCall, timeout: float | None) -> None:
    started = time.perf_counter()
    try:
        if _blocks(call.leg):
            hits, _ = await asyncio.wait_for(asyncio.wrap_future(_in_thread(call)), timeout)
        else:
            hits = await asyncio.wait_for(_aask(call), timeout)
        call.result = LegResult(hits, time.perf_counter() - started)
    except Exception as error:
        call.note_failure(error, time.perf_counter() - started, timeout)


async def _aask(call: LegCall) -> list[NodeWithScore]:
    """The leg's hits; in a thread where it has no asynchronous path."""
    try:
        return await call.leg.aretrieve(call.bundle)
    except NotImplementedError:
        hits, _ = await asyncio.wrap_future(_in_thread(call))
        return hits


def _blocks(leg: BaseRetriever) -> bool:
    if isinstance(leg, VectorIndexRetriever):
        return store_blocks(leg)
    return type(leg)._aretrieve is BaseRetriever._aretrieve


def _in_thread(call: LegCall) -> Future[tuple[list[NodeWithScore], float]]:
    """Start a leg in a thread that carries this context; returns its hits and when they were there.

    A daemon thread, not a pool's: a leg that hangs must not keep the interpreter or the event loop from closing.
    """
    future: Future[tuple[list[NodeWithScore], float]] = Future()
    context = copy_context()

    def work() -> None:
        try:
            hits = context.run(_ask, call)
        except BaseException as error:
            _settle(future, error=error)
        else:
            _settle(future, hits=hits)
        finally:
            call.lane.leave(call)

    try:
        call.lane.enter(call)
    except LegBusyError as error:
        future.set_exception(error)
    else:
        threading.Thread(target=work, name="prod-rag-leg", daemon=True).start()
    return future


def _ask(call: LegCall) -> list[NodeWithScore]:
    """The leg's hits, in a thread of its own; asked again where its store was written to while it read.

    Stores that are plain dictionaries raise then, and have nothing wrong with them.
    """
    for _ in range(_READS):
        try:
            return call.leg.retrieve(call.bundle)
        except NotImplementedError:
            if type(call.leg)._aretrieve is BaseRetriever._aretrieve:
                raise
            return asyncio.run(call.leg.aretrieve(call.bundle))  # it has no synchronous path
        except RuntimeError as error:
            if "during iteration" not in str(error):
                raise
    return call.leg.retrieve(call.bundle)


def _settle(
    future: Future[tuple[list[NodeWithScore], float]],
    *,
    hits: list[NodeWithScore] | None = None,
    error: BaseException | None = None,
) -> None:
    if not future.set_running_or_notify_cancel():  # timed out: nobody is waiting
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result((hits or [], time.perf_counter()))
