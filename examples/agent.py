"""The gate as an agent's tool: the agent reads the refusal as text, your code reads the decision as data.

    python -m examples.agent mymodels:make_llm "How many days of holiday do I have?"

Any model that calls functions will do; the bundled one is too small to.
"""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module
from typing import Any

from llama_index.core.agent.workflow import FunctionAgent, ToolCallResult
from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.tools import QueryEngineTool

from examples.pipeline import build_gate


def build_agent(gate: BaseQueryEngine, llm: FunctionCallingLLM) -> FunctionAgent:
    """An agent that asks the handbook; the gate must not stream, because a tool's result is a whole text."""
    tool = QueryEngineTool.from_defaults(
        gate,
        name="handbook",
        description="Answers questions about the company's handbook, and says so when the handbook does not.",
    )
    return FunctionAgent(
        tools=[tool],
        llm=llm,
        system_prompt="Ask the handbook. If it cannot answer, say that it does not say; never fill in from memory.",
    )


async def ask(agent: FunctionAgent, question: str) -> tuple[str, list[dict[str, Any]]]:
    """The agent's answer, and what the gate reported for each time it was asked on the way."""
    running = agent.run(question)
    reports = [
        event.tool_output.raw_output.metadata["prod_rag"]
        async for event in running.stream_events()
        if isinstance(event, ToolCallResult) and not event.tool_output.is_error
    ]
    return str(await running), reports


async def main(llm: str, question: str) -> None:
    module, _, name = llm.partition(":")
    agent = build_agent(build_gate(), getattr(import_module(module), name)())
    answer, reports = await ask(agent, question)
    print(answer, *(f"{report['decision']}: {report['reasons'][0]}" for report in reports), sep="\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
