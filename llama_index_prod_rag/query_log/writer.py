"""A bounded queue and one thread that empties it: writing never slows or breaks whoever is answering."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import util as multiprocessing_util
from typing import Any, Generic, TypeVar

from llama_index_prod_rag.errors import QueryLogError

_logger = logging.getLogger(__name__)
_BATCH = 200  # records a transaction: enough to amortise the commit, few enough that a reader never waits long
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 5.0  # seconds between attempts while the database cannot be written
_GRACE = 0.2  # seconds past the deadline of `close` in which the thread may still count what it gave up

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class LogStats:
    """Counts what became of the records and the feedback handed in by this process.

    Attributes:
        queued: not yet written.
        written: committed.
        dropped: lost, because the queue was full or the log was closed before they could be written.
        rejected: refused by the database for what they contain; the reason is in the Python log.
    """

    queued: int = 0
    written: int = 0
    dropped: int = 0
    rejected: int = 0


class BackgroundWriter(Generic[Item]):
    """Hands items to `write` in order and in batches, from its own thread.

    A process forked while items are queued starts with an empty queue: they are its parent's to write.

    Args:
        write: stores a batch, wholly or not at all. It raises `QueryLogError` when nothing can be written at the
            moment (the batch is tried again, so writing it twice must do no harm), and anything else when an item of
            the batch is at fault (they are then tried one by one).
        capacity: how many items may wait; a further one is dropped and counted.
    """

    def __init__(self, write: Callable[[Sequence[Item]], None], *, capacity: int) -> None:
        self._write = write
        self._capacity = capacity
        self._reset()
        _writers.add(self)

    def _reset(self) -> None:
        # A condition's lock is reentrant: a stream's finaliser may call `put` from anywhere, in this thread too.
        self._changed = threading.Condition()
        self._items: deque[Item] = deque()
        self._in_flight = self._written = self._dropped = self._rejected = 0
        self._deadline: float | None = None
        self._thread: threading.Thread | None = None
        self._at_exit: multiprocessing_util.Finalize | None = None

    @property
    def stats(self) -> LogStats:
        """Read the counts at this moment."""
        with self._changed:
            return LogStats(len(self._items) + self._in_flight, self._written, self._dropped, self._rejected)

    def put(self, item: Item) -> None:
        """Queue an item, or count it as dropped. Takes microseconds and never raises."""
        with self._changed:
            if self._deadline is not None:
                self._drop(1, "it is closed")
            elif len(self._items) >= self._capacity:
                self._drop(1, "its queue is full")
            else:
                self._items.append(item)
                self._changed.notify_all()
                if self._thread is None:
                    self._start()

    def _start(self) -> None:
        # Its finalisers run at exit, and unlike atexit's also in multiprocessing's workers, which leave by os._exit.
        self._at_exit = multiprocessing_util.Finalize(None, self.close, exitpriority=10)
        thread = threading.Thread(target=self._run, name="prod-rag-query-log", daemon=True)
        with contextlib.suppress(RuntimeError):  # an exiting interpreter starts no thread: `close` writes the rest
            thread.start()
            self._thread = thread

    def _drop(self, count: int, why: str) -> None:
        if self._dropped == 0:
            _logger.warning("The query log drops records: %s. QueryLog.stats counts them.", why)
        self._dropped += count

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything queued so far is written, dropped or rejected.

        Args:
            timeout: seconds to wait at most; None waits as long as it takes.

        Returns:
            Whether the queue ran empty in time.
        """
        with self._changed:
            return self._changed.wait_for(lambda: not self._items and not self._in_flight, timeout)

    def close(self, timeout: float = 10.0) -> None:
        """Write what is queued and stop; what cannot be written in time is dropped and counted.

        Args:
            timeout: seconds to keep trying.
        """
        with self._changed:
            if self._deadline is not None:
                return
            self._deadline = time.monotonic() + timeout
            self._changed.notify_all()
        if self._at_exit is not None:
            self._at_exit.cancel()
        if self._thread is not None:
            self._thread.join(timeout + _GRACE)
        else:
            self._run()
        with self._changed:
            if self._items:
                self._drop(len(self._items), "it was closed before they could be written")
                self._items.clear()

    def _run(self) -> None:
        while batch := self._next_batch():
            self._deliver(batch)

    def _next_batch(self) -> list[Item]:
        """Take the oldest items; none when the writer is closed and nothing is left."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._deadline is not None)
            batch = [self._items.popleft() for _ in range(min(_BATCH, len(self._items)))]
            self._in_flight = len(batch)
            return batch

    def _deliver(self, batch: Sequence[Item]) -> None:
        pause = _FIRST_PAUSE
        while (error := self._attempt(batch)) is not None:
            if pause == _FIRST_PAUSE:
                _logger.warning("The query log cannot write and keeps trying: %s", error)
            if self._time_is_up(pause):
                self._settle(dropped=len(batch))
                return
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _attempt(self, batch: Sequence[Item]) -> QueryLogError | None:
        """Write a batch, or find the items at fault; the error if the database cannot be written at the moment."""
        try:
            self._write(batch)
        except QueryLogError as error:
            return error
        except Exception:
            if len(batch) == 1:
                _logger.exception("The query log leaves out a record that the database does not take")
                self._settle(rejected=1)
            else:
                for item in batch:
                    self._deliver([item])
        else:
            self._settle(written=len(batch))
        return None

    def _settle(self, *, written: int = 0, rejected: int = 0, dropped: int = 0) -> None:
        with self._changed:
            self._in_flight -= written + rejected + dropped
            self._written += written
            self._rejected += rejected
            if dropped:
                self._drop(dropped, "it was closed before they could be written")
            self._changed.notify_all()

    def _time_is_up(self, pause: float) -> bool:
        """Wait before the next attempt, less when closing; True when there is no next one."""
        with self._changed:
            self._changed.wait_for(lambda: self._deadline is not None, pause)
            if self._deadline is None:
                return False
        time.sleep(min(_FIRST_PAUSE, pause))
        return time.monotonic() >= self._deadline


_writers: weakref.WeakSet[BackgroundWriter[Any]] = weakref.WeakSet()


def _forget_the_parents_items() -> None:
    for writer in _writers:
        writer._reset()


if hasattr(os, "register_at_fork"):  # absent on Windows, which cannot fork
    os.register_at_fork(after_in_child=_forget_the_parents_items)
