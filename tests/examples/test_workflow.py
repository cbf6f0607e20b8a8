"""The workflow example: each decision takes its own way."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.base.base_query_engine import BaseQueryEngine

from examples.pipeline import build_gate
from examples.workflow import Asked, Desk
from llama_index_prod_rag import ConfidenceGatedQueryEngine
from tests.examples.conftest import ANSWERED, REFUSED
from tests.query_engine.parts import FixedAssessor, ScriptedRetriever, make_hits


async def run(gate: BaseQueryEngine, question: str) -> dict[str, Any]:
    result = await Desk(gate, timeout=120).run(start_event=Asked(question=question))
    assert isinstance(result, dict)
    return result


@pytest.mark.integration
async def test_an_answer_goes_out_with_its_sources() -> None:
    sent = await run(build_gate(), ANSWERED)
    assert "90 days" in sent["text"]
    assert sent["sources"]
    assert sent["ticket"] is None


@pytest.mark.integration
async def test_a_refusal_becomes_a_ticket_that_names_the_question_and_why() -> None:
    sent = await run(build_gate(), REFUSED)
    assert sent["ticket"]["question"] == REFUSED
    assert sent["ticket"]["why"]
    assert sent["sources"] == []


async def test_a_hedge_goes_out_marked() -> None:
    gate = ConfidenceGatedQueryEngine(ScriptedRetriever(make_hits()), assessor=FixedAssessor(["uncertain"]))
    sent = await run(gate, "How does sweep change drag?")
    assert sent["text"].startswith("Please check this before you rely on it.")
    assert "Drag falls" in sent["text"]
    assert sent["ticket"] is None
