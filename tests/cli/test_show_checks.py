"""What is printed of the checks of an answer, and as JSON."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from llama_index.core.base.response.schema import Response
from llama_index.core.schema import NodeWithScore, TextNode
from rich.console import Console

from llama_index_prod_rag.cli.show import as_json, print_answer, print_json
from llama_index_prod_rag.query_engine.gated import ConfidenceGatedQueryEngine
from tests.query_engine.parts import FixedAssessor, ScriptedRetriever, ScriptedSynthesizer

HARMFUL = chr(27) + "]52;c;aGk=" + chr(7) + chr(0x202E) + chr(0x9B) + "31m"


def ask(answer: str | None = None, text: str = "Drag falls with the sweep.") -> Response:
    node = TextNode(text=text, id_="n", metadata={"file_name": f"wings{HARMFUL}.md", "headings": [HARMFUL]})
    gate = ConfidenceGatedQueryEngine(
        ScriptedRetriever([NodeWithScore(node=node, score=0.9)]),
        None if answer is None else ScriptedSynthesizer([answer]),
        assessor=FixedAssessor(["healthy"]),
    )
    response = gate.query("Does drag fall?")
    assert isinstance(response, Response)
    return response


def printed(response: Response, question: str = "Does drag fall?") -> str:
    out = io.StringIO()
    print_answer(Console(file=out, width=120), question, response)
    return out.getvalue()


def test_json_keeps_the_text_and_shows_none_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    response = ask(text=f"Drag {HARMFUL} fällt with the sweep.")
    print_json(as_json("Does drag fall?", response))
    out = capsys.readouterr().out
    assert not set(out) & set(HARMFUL) - set("]52;c;aGk=31m")
    told: dict[str, Any] = json.loads(out)
    assert HARMFUL in told["sources"][0]["text"]
    assert "fällt" in out
    whole = len(response.source_nodes[0].node.get_content())
    assert [(quote["start"], quote["end"]) for quote in told["quotes"]] == [(0, whole)]


def test_the_checks_of_a_written_answer_are_printed() -> None:
    shown = printed(ask("Drag falls by 70 percent."))
    assert 'checked "Drag falls by 70 percent.": supported' in shown
    assert "70 stands in no passage" in shown
    assert "chance of evidence 50%" in shown
