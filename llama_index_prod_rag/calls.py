"""One logic for sync and async: a generator asks for calls, and a driver makes them its own way.

The gate's order of events is written once, as a generator that yields `Call`s and receives their results or their
exceptions. `run` makes each call directly, `arun` awaits it, so the two can never drift apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """Something that takes time, in both colours.

    Attributes:
        sync: makes the call and returns its result.
        asynchronous: the same as a coroutine function.
    """

    sync: Callable[[], Any]
    asynchronous: Callable[[], Awaitable[Any]]

    @classmethod
    def in_thread(cls, function: Callable[[], Any]) -> Call:
        """A call that only exists in blocking form; async callers move it off the loop."""
        return cls(function, lambda: asyncio.to_thread(function))


Steps: TypeAlias = Generator[Call, Any, T]
"""A generator that yields calls and finally returns a value."""


def run(steps: Steps[T]) -> T:
    """Drive the steps in this thread.

    Examples:
        >>> def double():
        ...     number = yield Call.in_thread(lambda: 21)
        ...     return 2 * number
        >>> run(double())
        42
    """
    try:
        call = next(steps)
        while True:
            try:
                result = call.sync()
            except Exception as error:  # the steps decide what an error means
                call = steps.throw(error)
            else:
                call = steps.send(result)
    except StopIteration as finished:
        value: T = finished.value
        return value


async def arun(steps: Steps[T]) -> T:
    """Drive the steps on the running loop."""
    try:
        call = next(steps)
        while True:
            try:
                result = await call.asynchronous()
            except Exception as error:  # the steps decide what an error means
                call = steps.throw(error)
            else:
                call = steps.send(result)
    except StopIteration as finished:
        value: T = finished.value
        return value
