"""One course of action for synchronous and asynchronous callers.

A course is a generator: it yields what it needs done, is sent the outcome or thrown the failure, and returns its
result. It is written once; `run` and `arun` do what is needed, each in its own way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """Something to be done outside.

    Attributes:
        perform: does it, given the synchronous client.
        aperform: does it without blocking the event loop, given the asynchronous client.
    """

    perform: Callable[[object], object]
    aperform: Callable[[object], Awaitable[object]]


Steps: TypeAlias = Generator[Request, Any, T]
"""A course that ends with a T."""


def client_call(method: str, arguments: dict[str, Any]) -> Request:
    """A call of the Elasticsearch client, such as `"msearch"` or `"indices.create"`."""
    find = attrgetter(method)
    return Request(lambda client: find(client)(**arguments), lambda client: find(client)(**arguments))


def pause(seconds: float) -> Request:
    """A wait."""
    return Request(lambda _: time.sleep(seconds), lambda _: asyncio.sleep(seconds))


def embed_question(model: BaseEmbedding, strings: Sequence[str]) -> Request:
    """The embedding of a question; several strings are averaged, as LlamaIndex's vector retriever does."""
    texts = list(strings)
    return Request(
        lambda _: model.get_agg_embedding_from_queries(texts),
        lambda _: model.aget_agg_embedding_from_queries(texts),
    )


def embed_texts(model: BaseEmbedding, texts: list[str]) -> Request:
    """The embeddings of passages."""
    return Request(
        lambda _: model.get_text_embedding_batch(texts),
        lambda _: model.aget_text_embedding_batch(texts),
    )


def run(steps: Steps[T], client: object) -> T:
    """Go through a course with a synchronous client.

    Examples:
        >>> def course() -> Steps[str]:
        ...     yield pause(0.0)
        ...     return "done"
        >>> run(course(), client=None)
        'done'
    """
    try:
        request = next(steps)
        while True:
            try:
                outcome = request.perform(client)
            except Exception as error:
                request = steps.throw(error)
            else:
                request = steps.send(outcome)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


async def arun(steps: Steps[T], client: object) -> T:
    """Go through a course with an asynchronous client."""
    try:
        request = next(steps)
        while True:
            try:
                outcome = await request.aperform(client)
            except Exception as error:
                request = steps.throw(error)
            else:
                request = steps.send(outcome)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
