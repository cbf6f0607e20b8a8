"""Ask an engine in both colours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.base.response.schema import AsyncStreamingResponse


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Asks an engine one way or the other; returns the response and its whole text."""

    def sync(engine: Any, query: Any) -> tuple[Any, str]:
        response = engine.query(query)
        return response, str(response)

    def asynchronous(engine: Any, query: Any) -> tuple[Any, str]:
        async def call() -> tuple[Any, str]:
            response = await engine.aquery(query)
            if isinstance(response, AsyncStreamingResponse):
                return response, "".join([token async for token in response.async_response_gen()])
            return response, str(response)

        return asyncio.run(call())

    return sync if request.param == "sync" else asynchronous
