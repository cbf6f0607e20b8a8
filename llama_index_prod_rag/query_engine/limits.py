"""Bounds on calls to a model that somebody else runs: how long one may take, and how many there are per minute."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, TimeoutError  # noqa: A004 - not the built-in one before Python 3.11
from contextvars import copy_context
from functools import partial
from threading import BoundedSemaphore, Lock, Thread
from typing import TypeVar

from llama_index_prod_rag.errors import ConfigurationError, ModelError

T = TypeVar("T")

_AT_ONCE = 8  # calls under way, those included that nobody waits for any more: a model that hangs costs no more threads
_MINUTE = 60.0


class Limits:
    """Makes calls within a time limit and a budget. May be used from several threads.

    Args:
        name: what is called, for messages.
        time_limit: seconds that a call may take, above 0; it goes on in a thread of its own, and nobody waits.
        per_minute: most calls that begin within 60 seconds, at least 1; None has no limit.

    Raises:
        ConfigurationError: a limit that leaves nothing.
    """

    def __init__(self, name: str, *, time_limit: float, per_minute: int | None) -> None:
        if not time_limit > 0.0 or (per_minute is not None and per_minute < 1):
            raise ConfigurationError(
                f"time_limit={time_limit} s and per_minute={per_minute} leave nothing: give more than 0 and at least 1"
            )
        self._name, self._time_limit, self._per_minute = name, time_limit, per_minute
        self._begun: deque[float] = deque()
        self._lock = Lock()
        self._slots = BoundedSemaphore(_AT_ONCE)

    def __reduce__(self) -> tuple[Callable[[], Limits], tuple[()]]:
        """Let a copy begin with a budget of its own, and no call under way."""
        return partial(Limits, self._name, time_limit=self._time_limit, per_minute=self._per_minute), ()

    def call(self, work: Callable[[], T]) -> T:
        """Call and wait, at most as long as the limit says.

        Raises:
            ModelError: the budget is spent, too many calls are under way, or this one took too long.
        """
        self._spend()
        if not self._slots.acquire(blocking=False):
            raise ModelError(f"{self._name} has not answered {_AT_ONCE} calls yet: no further one is made")
        done: Future[T] = Future()
        context = copy_context()
        Thread(target=context.run, args=(self._run, work, done), name=self._name, daemon=True).start()
        try:
            return done.result(self._time_limit)
        except TimeoutError:
            if done.done():  # the work's own error
                raise
            raise ModelError(f"{self._name} gave no answer within {self._time_limit:g} s") from None

    def _run(self, work: Callable[[], T], done: Future[T]) -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # whoever waits gets it
            done.set_exception(error)
        finally:
            self._slots.release()

    def _spend(self) -> None:
        if self._per_minute is None:
            return
        with self._lock:
            now = time.monotonic()
            while self._begun and self._begun[0] <= now - _MINUTE:
                self._begun.popleft()
            if len(self._begun) >= self._per_minute:
                raise ModelError(f"the budget of {self._name} is spent: {self._per_minute} calls per minute")
            self._begun.append(now)
