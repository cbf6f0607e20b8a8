"""One logic for synchronous and asynchronous callers: a coroutine that awaits calls, and two drivers that make them.

The logic is a plain `async def` that awaits nothing but `Call`s and other such coroutines. `run` makes each call in
this thread, `arun` awaits its asynchronous form; results and errors arrive where the call was awaited. So the two can
never drift apart, and a type checker infers what a call returns.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from operator import attrgetter
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")


class Call(Generic[T]):
    """Something that takes time, in both colors; to be awaited inside a course.

    Args:
        sync: makes the call and returns its result.
        asynchronous: makes it without blocking the event loop, such as a coroutine function.
    """

    __slots__ = ("_asynchronous", "_sync")

    def __init__(self, sync: Callable[[], T], asynchronous: Callable[[], Awaitable[T]]) -> None:
        self._sync: Callable[[Any], T] = lambda _: sync()
        self._asynchronous: Callable[[Any], Awaitable[T]] = lambda _: asynchronous()

    @classmethod
    def in_thread(cls, function: Callable[[], T]) -> Call[T]:
        """Make a call that only exists in blocking form; async callers move it off the loop."""
        return cls(function, lambda: asyncio.to_thread(function))

    @classmethod
    def either(cls, sync: Callable[[], T], asynchronous: Callable[[], Coroutine[Any, Any, T]]) -> Call[T]:
        """Make a call of a component that may have one form alone: where one is not implemented, the other is made."""

        def make() -> T:
            try:
                return sync()
            except NotImplementedError:
                return _run_aside(asynchronous)

        async def amake() -> T:
            try:
                return await asynchronous()
            except NotImplementedError:
                return await asyncio.to_thread(sync)

        return cls(make, amake)

    @classmethod
    def of_client(cls, method: str, **arguments: Any) -> Call[Any]:
        """Call a method of the client that the driver was given, such as `"msearch"` or `"indices.create"`.

        The synchronous driver's client returns a result, the asynchronous one's an awaitable of it.
        """
        find = attrgetter(method)
        call: Call[Any] = cls.__new__(cls)
        call._sync = call._asynchronous = lambda client: find(client)(**arguments)
        return call

    @classmethod
    def pause(cls, seconds: float) -> Call[None]:
        """Pause for some seconds without blocking the event loop, where there is one."""
        return Call(lambda: time.sleep(seconds), lambda: asyncio.sleep(seconds))

    def __await__(self) -> Generator[Call[Any], Any, T]:
        result: T = yield self  # to the driver, which sends the result or throws the error
        return result

    def make(self, client: object) -> T:
        """Make the call in this thread."""
        return self._sync(client)

    def amake(self, client: object) -> Awaitable[T]:
        """Begin the call on the running loop."""
        return self._asynchronous(client)


Course: TypeAlias = Coroutine[Any, Any, T]
"""What calling an `async def` returns that awaits nothing but calls and other courses, and ends with a T."""


def run(course: Course[T], client: object = None) -> T:
    """Drive a course in this thread.

    Args:
        course: the coroutine.
        client: what `Call.of_client` calls; a synchronous one.

    Raises:
        TypeError: the course awaits something that is not a call.

    Examples:
        >>> async def doubled() -> int:
        ...     return 2 * await Call.in_thread(lambda: 21)
        >>> run(doubled()), asyncio.run(arun(doubled()))
        (42, 42)
    """
    try:
        awaited = course.send(None)
        while True:
            try:
                result = _call(awaited).make(client)
            except BaseException as error:  # the course decides what an error means, and cleans up in any case
                awaited = course.throw(error)
            else:
                awaited = course.send(result)
    except StopIteration as end:
        value: T = end.value
        return value


async def arun(course: Course[T], client: object = None) -> T:
    """Drive a course on the running loop; a cancellation is raised in the course, where it waits.

    Args:
        course: the coroutine.
        client: what `Call.of_client` calls; an asynchronous one.

    Raises:
        TypeError: the course awaits something that is not a call.
    """
    try:
        awaited = course.send(None)
        while True:
            try:
                result = await _call(awaited).amake(client)
            except BaseException as error:
                awaited = course.throw(error)
            else:
                awaited = course.send(result)
    except StopIteration as end:
        value: T = end.value
        return value


def _run_aside(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of a coroutine in an event loop of its own: this thread may be in another one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(copy_context().run, lambda: asyncio.run(make())).result()


def _call(awaited: object) -> Call[Any]:
    if not isinstance(awaited, Call):
        raise TypeError(f"a course awaits calls only, not {type(awaited).__name__}: wrap it in a Call")
    return awaited
