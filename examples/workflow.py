"""The gate as a step of a workflow: the decision, not a string in the answer, chooses the way.

Run it: `python -m examples.workflow "How long is parental leave?"`.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.workflow import Event, StartEvent, StopEvent, Workflow, step

from examples.pipeline import build_gate


class Asked(StartEvent):
    question: str


class Answered(Event):
    answer: str
    report: dict[str, Any]


class Unsure(Event):
    question: str
    answer: str
    report: dict[str, Any]


class Refused(Event):
    question: str
    report: dict[str, Any]


class Desk(Workflow):
    """Answers go out, hedges go out marked, and refusals become tickets for a person."""

    def __init__(self, gate: BaseQueryEngine, **options: Any) -> None:
        super().__init__(**options)
        self.gate = gate

    @step
    async def ask(self, asked: Asked) -> Answered | Unsure | Refused:
        response = await self.gate.aquery(asked.question)
        report = (response.metadata or {})["prod_rag"]
        if report["decision"] == "answer":
            return Answered(answer=str(response), report=report)
        if report["decision"] == "hedge":
            return Unsure(question=asked.question, answer=str(response), report=report)
        return Refused(question=asked.question, report=report)

    @step
    async def send(self, found: Answered) -> StopEvent:
        return StopEvent(result={"text": found.answer, "sources": found.report["sources"], "ticket": None})

    @step
    async def mark(self, found: Unsure) -> StopEvent:
        text = f"Please check this before you rely on it.\n\n{found.answer}"
        return StopEvent(result={"text": text, "sources": found.report["sources"], "ticket": None})

    @step
    async def hand_over(self, found: Refused) -> StopEvent:
        ticket = {"question": found.question, "why": found.report["reasons"][0], "query_id": found.report["query_id"]}
        return StopEvent(result={"text": "A colleague will get back to you.", "sources": [], "ticket": ticket})


async def main(question: str) -> None:
    print(await Desk(build_gate(), timeout=120).run(start_event=Asked(question=question)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "How long is parental leave?"))
