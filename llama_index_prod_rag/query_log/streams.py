"""Watch a stream of tokens without changing it, and say once how it ended."""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable

Ended = Callable[[str, str | None], None]
"""Takes the text that was sent and, if that is not all there was, why."""

_LEFT = "the reader left before the end of the stream"


class _Once:
    """Reports the first end only: reading to the end, breaking off and being forgotten unread may all happen."""

    def __init__(self, ended: Ended) -> None:
        self._ended: Ended | None = ended

    def __call__(self, text: str, error: str | None) -> None:
        if (ended := self._ended) is not None:
            self._ended = None
            ended(text, error)


def watched(tokens: Iterable[str], ended: Ended) -> Generator[str, None, None]:
    """The same tokens, and a call of `ended` when they are over, break off, or nobody reads them.

    Examples:
        >>> list(watched(["a", "b"], lambda text, error: print(text, error)))
        ab None
        ['a', 'b']
    """
    once = _Once(ended)
    stream = _relayed(tokens, once)
    weakref.finalize(stream, once, "", _LEFT)  # a generator that never started runs no `finally`
    return stream


def _relayed(tokens: Iterable[str], ended: Ended) -> Generator[str, None, None]:
    parts: list[str] = []
    error: str | None = _LEFT
    try:
        for token in tokens:
            parts.append(token)
            yield token
        error = None
    except Exception as raised:
        error = describe(raised)
        raise
    finally:
        ended("".join(parts), error)


def awatched(tokens: AsyncIterable[str], ended: Ended) -> AsyncGenerator[str, None]:
    """`watched` for asynchronous streams."""
    once = _Once(ended)
    stream = _arelayed(tokens, once)
    weakref.finalize(stream, once, "", _LEFT)
    return stream


async def _arelayed(tokens: AsyncIterable[str], ended: Ended) -> AsyncGenerator[str, None]:
    parts: list[str] = []
    error: str | None = _LEFT
    try:
        async for token in tokens:
            parts.append(token)
            yield token
        error = None
    except Exception as raised:
        error = describe(raised)
        raise
    finally:
        ended("".join(parts), error)


def describe(error: BaseException) -> str:
    """An exception in one line: its kind and what it says."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
