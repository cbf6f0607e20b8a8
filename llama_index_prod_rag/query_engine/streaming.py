"""Watch a stream of tokens to its end, whichever way it ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable
from typing import Protocol

from llama_index_prod_rag.calls import arun, run
from llama_index_prod_rag.query_engine.completions import is_blank, may_stay_blank
from llama_index_prod_rag.query_log import streams

_LEFT = "the reader left before the end"


class Ending(Protocol):
    """Says what happens when a stream is over."""

    async def close(self, text: str, error: Exception | None) -> str:
        """Say what to send after the tokens, which are over or broke off with `error`. Awaits calls only."""
        ...

    def finish(self, text: str, stopped: str | None) -> None:
        """Take note that nothing more will be sent; `stopped` says why the reader did not get everything."""
        ...


class _Held:
    """Holds back the beginning of a stream until it is sure to say something."""

    def __init__(self) -> None:
        self.text = ""
        self._waiting: list[str] | None = []

    def release(self, token: str) -> str:
        """Take a token; return what may be sent now."""
        self.text += token
        if self._waiting is None:
            return token
        self._waiting.append(token)
        if may_stay_blank(self.text):
            return ""
        return self._release()

    def rest(self) -> str:
        """Return what was held back and turned out to say something."""
        return "" if self._waiting is None or is_blank(self.text) else self._release()

    def _release(self) -> str:
        waiting, self._waiting = self._waiting or [], None
        return "".join(waiting)


def watch(tokens: Iterable[str], ending: Ending) -> Generator[str, None, None]:
    """Pass the tokens on, then what `ending` adds; a stream that nobody reads to its end is finished too.

    An error of the model ends the stream in words, not in an exception. A blank answer is not sent at all.
    """
    return streams.watch(_pass_on(tokens, ending), ending.finish, left=_LEFT)


def awatch(tokens: AsyncIterable[str], ending: Ending) -> AsyncGenerator[str, None]:
    """Do for async streams what `watch` does; a cancelled reader is one that left."""
    return streams.awatch(_apass_on(tokens, ending), ending.finish, left=_LEFT)


def _pass_on(tokens: Iterable[str], ending: Ending) -> Generator[str, None, None]:
    held, error = _Held(), None
    try:
        for token in tokens:
            if sent := held.release(token):
                yield sent
    except Exception as raised:  # any fault of any model
        error = raised
    if sent := held.rest():
        yield sent
    if addition := run(ending.close(held.text, error)):
        yield addition


async def _apass_on(tokens: AsyncIterable[str], ending: Ending) -> AsyncGenerator[str, None]:
    held, error = _Held(), None
    try:
        async for token in tokens:
            if sent := held.release(token):
                yield sent
    except Exception as raised:  # any fault of any model
        error = raised
    if sent := held.rest():
        yield sent
    if addition := await arun(ending.close(held.text, error)):
        yield addition


def one_token(text: str) -> Generator[str, None, None]:
    """Make a stream of a finished text."""
    yield text


async def aone_token(text: str) -> AsyncGenerator[str, None]:
    """Make an async stream of a finished text."""
    yield text
