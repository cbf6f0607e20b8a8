"""Watch a stream of tokens without changing it, and say once how it ended."""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable
from types import TracebackType

from llama_index_prod_rag.disclosure import describe

Ended = Callable[[str, str | None], None]
"""Takes the text that was sent and, if that is not all there was, why."""

_LEFT = "the reader left before the end of the stream"


class _Watch:
    """Keeps what was sent so far; leaving its `with` block is the end, and how it is left says which.

    Only the first end is reported: reading to the end, breaking off and being forgotten unread may all happen.
    """

    def __init__(self, ended: Ended, left: str) -> None:
        self._ended: Ended | None = ended
        self.left = left
        self._parts: list[str] = []

    def sent(self, token: str) -> str:
        """Note a token on its way to the reader."""
        self._parts.append(token)
        return token

    def end(self, error: str | None) -> None:
        """Note that the stream is over."""
        if (ended := self._ended) is not None:
            self._ended = None
            ended("".join(self._parts), error)

    def __enter__(self) -> _Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.end(None)
        else:  # a closed generator and a cancelled task are not exceptions of the model
            self.end(describe(error) if isinstance(error, Exception) else self.left)


def watch(tokens: Iterable[str], ended: Ended, *, left: str = _LEFT) -> Generator[str, None, None]:
    """Pass the tokens on, and call `ended` when they are over, break off, or nobody reads them.

    Examples:
        >>> list(watch(["a", "b"], lambda text, error: print(text, error)))
        ab None
        ['a', 'b']
    """
    watch = _Watch(ended, left)
    stream = _relay(tokens, watch)
    weakref.finalize(stream, watch.end, left)  # a generator that never started leaves no `with` block
    return stream


def awatch(tokens: AsyncIterable[str], ended: Ended, *, left: str = _LEFT) -> AsyncGenerator[str, None]:
    """Do for asynchronous streams what `watch` does."""
    watch = _Watch(ended, left)
    stream = _arelay(tokens, watch)
    weakref.finalize(stream, watch.end, left)
    return stream


def _relay(tokens: Iterable[str], watch: _Watch) -> Generator[str, None, None]:
    with watch:
        for token in tokens:
            yield watch.sent(token)


async def _arelay(tokens: AsyncIterable[str], watch: _Watch) -> AsyncGenerator[str, None]:
    with watch:
        async for token in tokens:
            yield watch.sent(token)
