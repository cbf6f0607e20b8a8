from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterator

import pytest

from llama_index_prod_rag.query_log.streams import awatch, watch

LEFT = "the reader left before the end of the stream"


class Ends(list[tuple[str, str | None]]):
    def __call__(self, text: str, error: str | None) -> None:
        self.append((text, error))


def _tokens(*tokens: str, error: Exception | None = None) -> Iterator[str]:
    yield from tokens
    if error is not None:
        raise error


async def _atokens(*tokens: str, error: Exception | None = None) -> AsyncIterator[str]:
    for token in tokens:
        yield token
    if error is not None:
        raise error


def test_a_stream_read_to_its_end() -> None:
    ends = Ends()
    assert list(watch(_tokens("a", "b"), ends)) == ["a", "b"]
    gc.collect()
    assert ends == [("ab", None)]


def test_a_stream_that_breaks_breaks_for_its_reader_too() -> None:
    ends = Ends()
    with pytest.raises(TimeoutError):
        list(watch(_tokens("a", error=TimeoutError("model")), ends))
    assert ends == [("a", "TimeoutError: model")]


def test_a_reader_who_leaves() -> None:
    ends = Ends()
    stream = watch(_tokens("a", "b"), ends)
    next(stream)
    stream.close()
    assert ends == [("a", LEFT)]


def test_a_stream_that_nobody_reads() -> None:
    ends = Ends()
    stream = watch(_tokens("a"), ends)
    del stream
    gc.collect()
    assert ends == [("", LEFT)]


async def test_asynchronous_streams_end_in_the_same_ways() -> None:
    ends = Ends()
    assert [token async for token in awatch(_atokens("a", "b"), ends)] == ["a", "b"]
    with pytest.raises(ValueError, match="model"):
        [token async for token in awatch(_atokens("c", error=ValueError("model")), ends)]
    stream = awatch(_atokens("d", "e"), ends)
    await anext(stream)
    await stream.aclose()
    unread = awatch(_atokens("f"), ends)
    del unread
    gc.collect()
    assert ends == [("ab", None), ("c", "ValueError: model"), ("d", LEFT), ("", LEFT)]
