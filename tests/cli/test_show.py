"""What a person sees of an answer, and what no document can do to their terminal."""

from __future__ import annotations

import io
import json
import re

import pytest
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from rich.console import Console

from llama_index_prod_rag import BM25FRetriever, ConfidenceGatedQueryEngine, GatedChatEngine
from llama_index_prod_rag.cli.ask import _converse
from llama_index_prod_rag.cli.show import as_json, print_answer
from tests.query_engine.parts import FixedAssessor

HOSTILE = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\u202e\u009b31m"


def node(text: str, name: str, **metadata: object) -> TextNode:
    made = TextNode(text=text, metadata={"file_path": name, "headings": ["Keys"], **metadata})
    made.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=name)
    return made


def gate(*nodes: TextNode) -> ConfidenceGatedQueryEngine:
    return ConfidenceGatedQueryEngine(BM25FRetriever(nodes), assessor=FixedAssessor(["healthy"]))


def shown(engine: ConfidenceGatedQueryEngine, question: str, width: int = 80, *, text: bool = False) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    print_answer(console, question, engine.query(question), text=text)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_nothing_that_a_document_or_question_holds_reaches_the_terminal_as_a_command() -> None:
    engine = gate(node(f"The key {HOSTILE} turns.", f"a{HOSTILE}.md", title=HOSTILE))
    printed = shown(engine, f"key {HOSTILE}?", text=True)
    assert "turns" in printed
    assert not set(printed) & set("\x1b\x07\u202e\u009b")


@pytest.mark.parametrize("width", [80, 120])
def test_the_end_of_a_long_path_is_shown(width: int) -> None:
    name = f"{'very/' * 20}deep/handbook-of-2024.md"
    printed = shown(gate(node("The key turns.", name)), "key", width)
    joined = "".join(character for character in printed if not character.isspace())
    assert "handbook-of-2024.md" in joined


@pytest.mark.parametrize("width", [80, 120])
def test_what_tells_files_apart_is_never_cut(width: int) -> None:
    names = [
        f"runbooks/europe-{side}/payment-gateway-maintenance-and-restart-procedure.md" for side in ("west", "east")
    ]
    printed = shown(gate(*(node(f"The key turns {name}.", name) for name in names)), "key", width)
    words = set(re.split(r"[\s/.-]+", printed))
    assert {"west", "east", "maintenance", "procedure", "md"} <= words


def test_positions_are_those_that_a_person_can_use() -> None:
    pages = gate(node("The key turns.", "a.pdf", page_label="7"), node("A key bends.", "b.md", lines=[3, 5]))
    printed = shown(pages, "key", 120)
    assert "a.pdf p. 7" in printed
    assert "b.md lines 3-5" in printed
    sources = as_json("key", pages.query("key"))["sources"]
    assert {(source["file"], source["page"], str(source["lines"])) for source in sources} == {
        ("a.pdf", "7", "None"),
        ("b.md", None, "[3, 5]"),
    }
    json.dumps(as_json("key", pages.query("key")))


def test_many_questions_in_one_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["/sources 1", "key", "/sources 1", "/sources 9", "/sources x", "x" * 3_000, "", "never asked"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines)))
    console = Console(file=io.StringIO(), width=100)
    _converse(GatedChatEngine(gate(node("The key turns twice a day.", "a.md"))), console)
    printed, errors = console.file.getvalue(), " ".join(capsys.readouterr().err.split())  # type: ignore[attr-defined]
    assert printed.count("The key turns twice a day.") == 2
    assert "never asked" not in printed
    assert "nothing was asked yet" in errors
    assert "there is no source 9: the last answer has 1" in errors
    assert "3,000 characters is not a question" in errors


def test_a_follow_up_is_shown_as_it_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("Where is the Key of Anna kept?\nWho made it?\n\n"))
    console = Console(file=io.StringIO(), width=100)
    _converse(GatedChatEngine(gate(node("The Key of Anna is kept in a box that Bob made.", "a.md"))), console)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\nWho made it? (Key of Anna, Keys)\n" in printed
