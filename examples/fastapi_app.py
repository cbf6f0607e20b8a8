"""Gated answers over HTTP: whole, as a stream of server-sent events, and with feedback that finds its question again.

    pip install 'llama-index-prod-rag[offline]' fastapi uvicorn
    uvicorn examples.fastapi_app:app
    curl -N localhost:8000/ask/stream --json '{"question": "How often is the signing key rotated?"}'

PROD_RAG_LLM=offline lets the bundled language model write; without it the passages are quoted.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse
from llama_index.core.base.response.schema import AsyncStreamingResponse
from llama_index_instrumentation.dispatcher import instrument_tags
from pydantic import BaseModel, Field
from starlette.types import Receive, Scope, Send

from examples.pipeline import build_gate
from llama_index_prod_rag import QueryLog
from llama_index_prod_rag.errors import QueryLogError
from llama_index_prod_rag.models import OfflineLLM


class Question(BaseModel):
    question: str = Field(min_length=1, max_length=2000)
    session: str | None = Field(default=None, max_length=200)


class Judgment(BaseModel):
    query_id: str = Field(min_length=1, max_length=100)
    helpful: bool
    comment: str | None = Field(default=None, max_length=2000)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    llm = OfflineLLM() if os.environ.get("PROD_RAG_LLM") == "offline" else None
    # The server stops accepting, lets running answers end, then comes here: leaving the log writes what is queued.
    with QueryLog(os.environ.get("PROD_RAG_LOG", "sqlite:///queries.sqlite")) as app.state.log:
        app.state.gate = build_gate(llm=llm, query_log=app.state.log)
        app.state.streaming_gate = build_gate(llm=llm, query_log=app.state.log, streaming=True)
        yield


app = FastAPI(title="Gated answers", lifespan=lifespan)


@app.post("/ask")
async def ask(asked: Question, request: Request) -> dict[str, Any]:
    with in_session(asked):
        response = await request.app.state.gate.aquery(asked.question)
    return {"answer": str(response)} | public(response.metadata["prod_rag"])


class EventStream(StreamingResponse):
    """Server-sent events whose generator is closed when the reader leaves; the base class leaves that to chance."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[str, None]) -> None:
        super().__init__(events, headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        self.events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self.events):
            await super().__call__(scope, receive, send)


@app.post("/ask/stream")
async def ask_in_a_stream(asked: Question, request: Request) -> EventStream:
    with in_session(asked):
        response = await request.app.state.streaming_gate.aquery(asked.question)
    return EventStream(events_of(response))


async def events_of(response: AsyncStreamingResponse) -> AsyncGenerator[str, None]:
    """Events: `decision`, `token` for each piece of the answer (a refusal is one piece), `end`."""
    report = (response.metadata or {})["prod_rag"]
    yield event("decision", public(report))
    # Closing the gate's stream, early or not, makes it log what was sent.
    async with aclosing(response.response_gen) as tokens:
        async for token in tokens:
            yield event("token", token)
    # Checks of the written answer may have lowered the decision: this one counts.
    yield event("end", public(report))


def event(name: str, data: object) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


@app.post("/feedback", status_code=202)
async def feedback(judgment: Judgment, request: Request) -> dict[str, str]:
    log: QueryLog = request.app.state.log
    if not await asyncio.to_thread(is_known, log, judgment.query_id):
        raise HTTPException(404, "no question with this query_id has been answered")
    log.add_feedback(judgment.query_id, helpful=judgment.helpful, comment=judgment.comment)
    return {"query_id": judgment.query_id}


def is_known(log: QueryLog, query_id: str) -> bool:
    log.flush(timeout=2)  # the question may still be queued
    try:
        return log.get(query_id) is not None
    except QueryLogError as error:  # no question yet, or no database
        raise HTTPException(503, "the query log cannot be read") from error


@contextmanager
def in_session(asked: Question) -> Iterator[None]:
    """Questions of one conversation carry its id in the log."""
    with instrument_tags({"session.id": asked.session} if asked.session else {}):
        yield


def public(report: dict[str, Any]) -> dict[str, Any]:
    """What a reader may see of the gate's report."""
    return {key: report[key] for key in ("query_id", "decision", "confidence", "reasons", "sources", "degraded")}
