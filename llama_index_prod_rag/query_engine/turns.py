"""One turn of a conversation after the other, whichever thread or event loop it is taken from.

A message may lean on the answer before it, and two that are written into a memory at once lose one of them there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from threading import Lock
from weakref import WeakValueDictionary

from llama_index_prod_rag.calls import Call
from llama_index_prod_rag.errors import InputError

Leave = Callable[[], None]
"""Says that a turn is over."""


class Turns:
    """The turns of one conversation, in the order in which they were begun.

    Examples:
        >>> from llama_index_prod_rag.calls import run
        >>> turns = Turns()
        >>> leave = run(turns.enter())
        >>> leave()
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._last: Future[None] | None = None
        self._loops: dict[Future[None], asyncio.AbstractEventLoop] = {}  # of the turns that an event loop takes

    async def enter(self) -> Leave:
        """Wait for every turn before, and give what to call when this one is over. Awaits calls only.

        Raises:
            InputError: a turn before needs the event loop that this call would block.
        """
        mine: Future[None] = Future()
        with self._lock:
            before, self._last = self._last, mine

        def leave() -> None:
            self._loops.pop(mine, None)
            mine.set_result(None)

        try:
            await Call(lambda: self._wait(before), lambda: self._await(before, mine))
        except BaseException:  # whoever comes next still has to wait for those before
            leave() if before is None else before.add_done_callback(lambda _: leave())
            raise
        return leave

    def _wait(self, before: Future[None] | None) -> None:
        if before is None or before.done():
            return
        if _running_loop() in self._loops.values():
            raise InputError(
                "another turn of this conversation is under way in the event loop that this call would block: await "
                "achat or astream_chat instead"
            )
        before.result()

    def _await(self, before: Future[None] | None, mine: Future[None]) -> Awaitable[None]:
        self._loops[mine] = asyncio.get_running_loop()
        done = asyncio.sleep(0) if before is None else asyncio.wrap_future(before)
        return asyncio.shield(done)  # who stops waiting does not stop the turn before


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


_turns: WeakValueDictionary[int, Turns] = WeakValueDictionary()  # whoever is taking a turn holds both
_looking = Lock()


def turns_of(memory: object) -> Turns:
    """The turns of whatever conversation a memory keeps, several engines over it included."""
    with _looking:
        found = _turns.get(id(memory))
        if found is None:
            found = _turns[id(memory)] = Turns()
        return found
