"""Watch a stream of tokens to its end, whichever way it ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable
from typing import Protocol

from llama_index_prod_rag.calls import arun, run


class Ending(Protocol):
    """What happens when a stream is over."""

    async def close(self, text: str, error: Exception | None) -> str:
        """The tokens are over, or broke off with `error`: returns text to send after them. Awaits calls only."""
        ...

    def finish(self, text: str, stopped: str | None) -> None:
        """Nothing more will be sent; `stopped` says why the reader did not get everything."""
        ...


_LEFT = "the reader left before the end"


def watched(tokens: Iterable[str], ending: Ending) -> Generator[str, None, None]:
    """The same tokens, then what `ending` adds. An error of the model ends the stream in words, not in an exception."""
    parts: list[str] = []
    stopped: str | None = _LEFT
    try:
        error: Exception | None = None
        try:
            for token in tokens:
                parts.append(token)
                yield token
        except Exception as raised:  # any fault of any model
            error = raised
        if addition := run(ending.close("".join(parts), error)):
            parts.append(addition)
            yield addition
        stopped = None
    finally:
        ending.finish("".join(parts), stopped)


async def awatched(tokens: AsyncIterable[str], ending: Ending) -> AsyncGenerator[str, None]:
    """`watched` for async streams; a cancelled reader is one that left."""
    parts: list[str] = []
    stopped: str | None = _LEFT
    try:
        error: Exception | None = None
        try:
            async for token in tokens:
                parts.append(token)
                yield token
        except Exception as raised:  # any fault of any model
            error = raised
        if addition := await arun(ending.close("".join(parts), error)):
            parts.append(addition)
            yield addition
        stopped = None
    finally:
        ending.finish("".join(parts), stopped)


def one_token(text: str) -> Generator[str, None, None]:
    """A finished text as a stream."""
    yield text


async def aone_token(text: str) -> AsyncGenerator[str, None]:
    """A finished text as an async stream."""
    yield text
