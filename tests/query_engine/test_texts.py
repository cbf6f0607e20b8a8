"""What end users read: which words were found and which not, without figures, in their language."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.prompts import PromptTemplate
from llama_index.core.schema import TextNode

import llama_index_prod_rag
from llama_index_prod_rag import BM25FRetriever, ConfidenceGatedQueryEngine
from llama_index_prod_rag.confidence.verification import SupportPolicy
from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.query_engine import TEXTS, Texts
from tests.query_engine.parts import FixedAssessor, ScriptedRetriever, ScriptedSynthesizer, make_hits

GERMAN = "Der Widerstand sinkt mit der Pfeilung des Flügels. Der Auftrieb ist dann kleiner."


def make_gate(*texts: str, **settings: Any) -> ConfidenceGatedQueryEngine:
    return ConfidenceGatedQueryEngine(BM25FRetriever([TextNode(text=text) for text in texts]), **settings)


def test_a_refusal_says_what_was_looked_for_and_what_is_missing(ask: Callable[..., Any]) -> None:
    response, text = ask(
        make_gate("Drag falls with the sweep of a wing."), "What did Prandtl say on wing drag in 1950?"
    )
    assert response.metadata["prod_rag"]["decision"] == "refuse"
    assert "they mention wing and drag, but not Prandtl and 1950." in text
    assert "%" not in text


def test_where_nothing_of_the_question_is_missing_nothing_is_said_about_it() -> None:
    gate = make_gate("Drag falls with the sweep of a wing.", assessor=FixedAssessor(["uncertain"]))
    assert str(gate.query("What is wing drag?")).startswith(
        "I am not sure that the documents answer this: it looks uncertain. The closest"
    )


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Welchen Einfluss hat der Mond auf den Widerstand?", "Das kann ich aus den Dokumenten nicht beantworten: "),
        ("What does the moon do to it?", "I cannot answer this from the documents: "),
        ("Mond?", "Das kann ich aus den Dokumenten nicht beantworten: "),
    ],
)
def test_the_language_is_the_questions_or_else_the_documents(question: str, text: str) -> None:
    gate = ConfidenceGatedQueryEngine(
        ScriptedRetriever(make_hits([GERMAN])), assessor=FixedAssessor(["low_confidence"])
    )
    assert str(gate.query(question)).startswith(text)


def test_a_german_refusal_is_german_throughout() -> None:
    text = str(make_gate(GERMAN).query("Welchen Einfluss hat der Mond auf den Widerstand?"))
    assert text.startswith(("Das kann ich aus", "Ich bin nicht sicher"))
    assert "darin kommt Widerstand vor, aber nicht Einfluss und Mond" in text
    assert not re.search(r"\b(the|passages|of|mention)\b", text)


def test_a_setting_outweighs_the_question() -> None:
    assert str(make_gate(GERMAN, language="en").query("Was ist der Mond und wo?")).startswith("I cannot answer")


def test_texts_of_ones_own_are_prompts_like_the_others() -> None:
    french = Texts(
        {name: f"[{name}] " + "{reason}" for name in TEXTS["english"].prompts},
        mentions="on y trouve {found}, mais pas {missing}",
        mentions_none="{missing} n'y est pas",
        join=" et ",
    )
    gate = make_gate("L'aile en flèche réduit la traînée.", texts={"fr": french})
    question = "Que dit la NASA de la traînée de cette aile ?"
    assert "mais pas NASA" in str(gate.query(question))
    gate.update_prompts({"french_refusal_prompt": PromptTemplate("Non: {reason}")})
    assert str(gate.query(question)).startswith("Non: ")
    assert {"refusal_prompt", "german_refusal_prompt", "french_refusal_prompt"} <= gate.get_prompts().keys()


def test_a_language_without_texts_and_texts_without_a_template_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="no texts in dutch"):
        make_gate("Drag.", language="nl")
    with pytest.raises(ConfigurationError, match="downgraded_prompt"):
        Texts({}, "", "", "")


@pytest.mark.parametrize("question", ["Was senkt den Widerstand und wie?", "What lowers the drag of it?"])
def test_objections_to_an_answer_have_no_english_in_german(question: str) -> None:
    gate = ConfidenceGatedQueryEngine(
        ScriptedRetriever(make_hits()),
        ScriptedSynthesizer(["70 Prozent."]),
        assessor=FixedAssessor(["healthy"]),
        support_policy=SupportPolicy(),
    )
    text = str(gate.query(question))
    expected = "die Zahl 70 steht in keiner Stelle" if question.startswith("Was") else "the number 70 stands in no"
    assert expected in text


def test_every_reason_for_people_has_a_german_form() -> None:
    """Reasons are sentences in the source; those that a refusal or hedge may show are named constants or verdicts."""
    from llama_index_prod_rag.confidence.assessment import NO_RESULTS, VERDICTS
    from llama_index_prod_rag.confidence.second_look import describe_ruling
    from llama_index_prod_rag.query_engine import attempt, writer

    constants = [attempt.SEARCH_FAILED, attempt.STEP_FAILED, attempt.NOTHING_CLOSE, NO_RESULTS]
    constants += [writer.WROTE_NOTHING, writer.MODEL_FAILED, *VERDICTS.values()]
    constants += [describe_ruling(value) for value in (0.0, 0.5, 1.0)]
    assert [one for one in constants if TEXTS["german"].translate(one) == one] == []
    room = Path(llama_index_prod_rag.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in room.rglob("*.py") if path.name != "texts.py")
    literal = [known for known in TEXTS["german"].phrases if "{}" not in known and known not in constants]
    assert [one for one in literal if one not in source] == []
