"""The agent example. Its model is scripted, because none that calls functions is small enough for a test machine: it
calls the tool with the user's words and then repeats what the tool said. Retrieval, reranking and the gate are real."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, MessageRole, ToolCallBlock
from llama_index.core.llms.mock import MockFunctionCallingLLM

from examples.agent import ask, build_agent
from examples.pipeline import build_gate
from llama_index_prod_rag import ConfidenceGatedQueryEngine
from tests.examples.conftest import ANSWERED, REFUSED
from tests.query_engine.parts import ScriptedRetriever


def scripted(messages: Sequence[ChatMessage], **_: Any) -> ChatMessage:
    last = messages[-1]
    if last.role == MessageRole.TOOL:
        return ChatMessage(role=MessageRole.ASSISTANT, content=f"The handbook says: {last.content}")
    call = ToolCallBlock(tool_call_id="1", tool_name="handbook", tool_kwargs={"input": last.content})
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=[call])


def model() -> MockFunctionCallingLLM:
    return MockFunctionCallingLLM(response_generator=scripted)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("question", "decision", "said"),
    [(ANSWERED, "answer", "90 days"), (REFUSED, "refuse", "I cannot answer this from the documents")],
)
async def test_the_agent_reads_the_text_and_the_caller_the_decision(question: str, decision: str, said: str) -> None:
    answer, reports = await ask(build_agent(build_gate(), model()), question)
    assert said in answer
    assert [report["decision"] for report in reports] == [decision]
    assert reports[0]["reasons"]


async def test_a_search_that_fails_is_a_refusal_and_not_the_end_of_the_agent() -> None:
    gate = ConfidenceGatedQueryEngine(ScriptedRetriever(OSError("the index is gone")))
    answer, reports = await ask(build_agent(gate, model()), ANSWERED)
    assert "I cannot answer this from the documents" in answer
    assert (reports[0]["reasons"][0], reports[0]["degraded"]) == (
        "the search failed",
        {"retriever": "OSError: the index is gone"},
    )
