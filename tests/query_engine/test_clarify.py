"""A name that stands for several things is asked back, and the answer narrows the question."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from llama_index.core.schema import NodeWithScore, TextNode

from llama_index_prod_rag import BM25FRetriever, ConfidenceGatedQueryEngine, GatedChatEngine, StatusPolicy
from llama_index_prod_rag.confidence.evidence import Passage
from llama_index_prod_rag.confidence.readings import find_readings
from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.query_engine import narrow_query
from llama_index_prod_rag.query_engine.clarify import find_choice
from llama_index_prod_rag.query_engine.sources import passages_of
from llama_index_prod_rag.retrievers import AccessPolicy, Principal
from tests.query_engine.parts import FixedAssessor, ScriptedRetriever

PAGES = {
    "Mercury (planet)": "Mercury is the planet nearest to the Sun. Its year has 88 days.",
    "Mercury (singer)": "Mercury was a singer, born in 1946 on Zanzibar. His year of fame came in 1975.",
    "Venus": "Venus is the hottest planet.",
}


def nodes(**groups: str) -> list[TextNode]:
    return [
        TextNode(
            text=text,
            id_=title,
            metadata={"title": title, "groups": [groups.get(title.split()[-1].strip("()"), "all")]},
        )
        for title, text in PAGES.items()
    ]


def gate(**settings: Any) -> ConfidenceGatedQueryEngine:
    retriever = BM25FRetriever(nodes(), similarity_top_k=10)
    return ConfidenceGatedQueryEngine(retriever, **{"assessor": FixedAssessor(["healthy"]), **settings})


def report(response: Any) -> dict[str, Any]:
    found: dict[str, Any] = response.metadata["prod_rag"]
    return found


@pytest.mark.parametrize("question", ["What is Mercury?", "tell me about mercury", "How long is a year of Mercury?"])
def test_the_readings_are_named_each_with_its_best_source(question: str) -> None:
    response = gate().query(question)
    said = report(response)
    assert (said["decision"], said["status"]) == ("clarify", "ambiguous")
    assert {reading["label"] for reading in said["readings"]} == {"Mercury (planet)", "Mercury (singer)"}
    assert str(response).startswith(
        "“Mercury” stands for several things in the documents. Which one do you mean?\n\n1. "
    )
    for reading, quote in zip(said["readings"], said["quotes"], strict=True):
        assert quote["node_id"] in reading["node_ids"]
        assert response.source_nodes[quote["source"] - 1].node_id == quote["node_id"]


@pytest.mark.parametrize(
    "question",
    [
        "When was Mercury born?",
        "How many days has a year of Mercury the planet?",
        "Is Mercury (singer) famous?",
        "What is Venus?",
        "What is nearest to the Sun?",
    ],
)
def test_a_question_whose_words_settle_it_is_not_asked_back(question: str) -> None:
    said = report(gate().query(question))
    assert said["decision"] == "answer"
    assert said["readings"] == []


@pytest.mark.parametrize("choice", [1, "1", "planet", "the planet", "Mercury (planet)"])
def test_a_choice_narrows_the_question_to_one_reading(choice: int | str) -> None:
    engine = gate()
    asked = engine.query("What is Mercury?")
    order = [reading["label"] for reading in report(asked)["readings"]]
    number = order.index("Mercury (planet)") + 1
    response = engine.narrow(asked, number if choice == 1 else str(number) if choice == "1" else choice)
    assert report(response)["decision"] == "answer"
    assert response.source_nodes[0].node_id == "Mercury (planet)"
    assert "Mercury (singer)" not in {hit.node_id for hit in response.source_nodes}
    narrowed, expected = narrow_query(asked, number), [hit.node_id for hit in response.source_nodes]
    again = asyncio.run(engine.aquery(narrowed))
    assert [hit.node_id for hit in again.source_nodes] == expected
    assert [hit.node_id for hit in engine.retrieve(narrowed)] == expected
    assert [hit.node_id for hit in asyncio.run(engine.aretrieve(narrowed))] == expected


def test_what_is_no_choice_is_said() -> None:
    engine = gate()
    asked = engine.query("What is Mercury?")
    for choice in (0, 3, "Mercury", "the car"):
        with pytest.raises(InputError, match=r"Mercury \(planet\)"):
            engine.narrow(asked, choice)
    with pytest.raises(InputError, match="no readings"):
        engine.narrow(engine.query("What is Venus?"), 1)


def test_the_policy_decides_whether_to_ask() -> None:
    hedging = gate(policy=StatusPolicy({"ambiguous": "hedge"}))
    assert report(hedging.query("What is Mercury?"))["decision"] == "hedge"
    assert report(gate(assessor=FixedAssessor(["low_confidence"])).query("What is Mercury?"))["decision"] == "refuse"
    with pytest.raises(ConfigurationError, match="no readings"):
        StatusPolicy({"uncertain": "clarify"})

    class Old:
        def decide(self, assessment: Any) -> Any:
            return {"healthy": "answer"}[assessment.status]

    said = report(gate(policy=Old()).query("What is Mercury?"))
    assert (said["decision"], said["status"]) == ("answer", "healthy")
    assert "readings" in said["degraded"]


def test_a_page_that_nobody_may_see_is_no_reading() -> None:
    engine = ConfidenceGatedQueryEngine(
        BM25FRetriever(nodes(singer="board")), assessor=FixedAssessor(["healthy"]), access=AccessPolicy()
    )
    said = report(engine.for_principal(Principal(groups=("all",))).query("What is Mercury?"))
    assert said["decision"] == "answer"
    assert "singer" not in str(said)


def test_a_chat_takes_the_choice_as_its_next_message() -> None:
    chat = GatedChatEngine(gate())
    assert report(chat.chat("What is Mercury?"))["decision"] == "clarify"
    reply = chat.chat("the singer")
    assert reply.metadata["follow_up"]["question"] == "What is Mercury (singer)?"
    assert reply.source_nodes[0].node_id == "Mercury (singer)"
    assert report(chat.chat("What is Mercury?"))["decision"] == "clarify"
    assert chat.chat("What is Venus?").metadata["follow_up"]["question"] == "What is Venus?"


ILLINOIS = "Springfield is the capital of the U.S. state of Illinois. In 2020 it had a population of 114,394."
OHIO = "Springfield is a city in Clark County, Ohio. In 2020 it had a population of 58,662."
COMPANY = "Apple Inc. is an American technology company headquartered in Cupertino. Its stock trades on Nasdaq."
FRUIT = "An apple is a round, edible fruit. Apple trees are grown everywhere, and shops stock apples all year."
PLANET = "Mercury is the planet nearest to the Sun."
SINGER = "Mercury was a singer, born in 1946."
POPULATION, STOCK, WHAT = "What is the population of Springfield?", "What about Apple stock?", "What is Mercury?"


def labels(question: str, *pages: tuple[str, str], language: str = "english") -> list[str]:
    passages = [Passage(str(number), text, 0.9, heading=title) for number, (title, text) in enumerate(pages)]
    return [reading.label for reading in find_readings(question, passages, language)]


@pytest.mark.parametrize(
    ("question", "first", "second", "expected"),
    [
        (POPULATION, ("Springfield, Illinois", ILLINOIS), ("Springfield, Ohio", OHIO), None),
        (STOCK, ("Apple Inc.", COMPANY), ("Apple", FRUIT), None),
        (WHAT, ("Mercury: the planet", PLANET), ("Mercury: the singer", SINGER), None),
        (WHAT, ("Mercury \u2013 planet", PLANET), ("Mercury - singer", SINGER), None),
        ("Who is Smith?", ("Smith, John", "John Smith fought."), ("Smith, Mary", "Mary Smith is a chemist."), None),
        (
            POPULATION, ("", ILLINOIS), ("", OHIO),
            ["Springfield, the capital of the U.S. state of Illinois", "Springfield, a city in Clark County"],
        ),
        (
            WHAT, ("Mercury", PLANET), ("Mercury", SINGER),
            ["Mercury, the planet nearest to the Sun", "Mercury, a singer, born in 1946"],
        ),
        (
            STOCK, ("Apple Inc.", COMPANY), ("", FRUIT),
            ["Apple Inc.", "apple, a round, edible fruit"],
        ),
        (
            "Was ist Merkur?", ("", "Merkur ist der innerste Planet."), ("", "Merkur ist eine Zeitschrift."),
            ["Merkur, der innerste Planet", "Merkur, eine Zeitschrift"],
        ),
    ],
)  # fmt: skip
def test_titles_of_every_kind_and_first_sentences_tell_things_apart(
    question: str, first: tuple[str, str], second: tuple[str, str], expected: list[str] | None
) -> None:
    assert labels(question, first, second) == (expected or [first[0], second[0]])


@pytest.mark.parametrize(
    ("question", "pages"),
    [
        (
            "What is the population of Springfield, Ohio?",
            [("Springfield, Illinois", ILLINOIS), ("Springfield, Ohio", OHIO)],
        ),
        ("How do apple trees grow?", [("", FRUIT), ("", COMPANY)]),
        (
            "What is Springfield?",
            [("Springfield, Ohio", OHIO), ("Springfield", OHIO), ("Springfield, Ohio, USA", OHIO)],
        ),
        (
            "What is Python?",
            [
                ("Python", "Python is a programming language."),
                ("Python: functions", "Functions begin with def."),
                ("Python: data types", "The data types are numbers and strings."),
            ],
        ),
        (
            "What is a boundary layer?",
            [
                ("", "A boundary layer is the fluid near a wall. The boundary layer grows."),
                ("", "The boundary layer is a region of viscous flow. A boundary layer separates."),
            ],
        ),
        (
            "Who is Alice Faye?",
            [("Alice Faye", "Alice Faye was an actress."), ("Alice Faye", "She was the wife of Phil Harris.")],
        ),
        (
            "How do I do the installation?",
            [
                ("Installation: Linux", "Download the Linux package and run the script."),
                ("Installation: Windows", "Start the Windows setup program."),
            ],
        ),
        (
            "What does Article 5 say?",
            [
                ("Article 5 - Liability of the supplier", "Liability of the supplier is a matter of law."),
                ("Article 5 - Definitions", "Definitions in this agreement are the following."),
            ],
        ),
        ("What is this about?", [("", "This is the guide to the console."), ("", "This is a license of the fonts.")]),
        (
            "Who is responsible for backups?",
            [("", "Who is the contact for billing? Write to them."), ("", "Who is a member? Everyone on the list.")],
        ),
        (
            "What is Acme?",
            [("", "Acme is a hosting platform for small shops."), ("", "Acme is the easiest way to sell online.")],
        ),
        ("What is Mercury?", [("...\nMercury", PLANET), ("***\nMercury", PLANET)]),
        ("Is there one?", [("", "There is a chat for customers."), ("", "There is the forum of volunteers.")]),
        ("What is on?", [("on (preposition)", "On is a preposition."), ("on (switch)", "On is a state.")]),
    ],
)  # fmt: skip
def test_one_thing_in_several_passages_is_not_asked_back(question: str, pages: list[tuple[str, str]]) -> None:
    assert labels(question, *pages) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Slack is a messaging app for teams.", "Slack is the main channel for announcements."),
        ("Insulin is a hormone produced by the pancreas.", "Insulin is the main treatment of type 1 diabetes."),
        ("Anna Meyer is a senior engineer since 2019.", "Anna Meyer is the contact person for new joiners."),
        ("Redis is an in-memory store.", "Redis is a dependency of the worker; set its address first."),
        ("Falcon is an initiative with new tills.", "Falcon is a topic of the steering committee."),
        ("Die GmbH ist eine Kapitalgesellschaft.", "Die GmbH ist die häufigste Rechtsform in Deutschland."),
        ("Kubernetes is an orchestrator of containers.", "Kubernetes is one of the most used programs worldwide."),
    ],
)
def test_what_a_thing_is_to_others_makes_it_no_second_thing(first: str, second: str) -> None:
    name = next(word for word in ("GmbH", "Anna Meyer", first.split(maxsplit=1)[0]) if word in first)
    for pages in ((first, second), (second, first)):
        language = "german" if name == "GmbH" else "english"
        assert labels(f"What is {name}?", *(("", text) for text in pages), language=language) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Python is a genus of snakes that squeeze.", "Python is a programming language with dynamic types."),
        ("Jaguar is a maker of luxury cars.", "The jaguar is a large cat that hunts at dusk."),
        ("Java is a class-based language.", "Java is an island of Indonesia with 38 volcanoes."),
    ],
)
def test_kinds_of_things_are_told_apart_by_a_sentence_each(first: str, second: str) -> None:
    assert len(labels(f"What is {first.split(maxsplit=1)[0]}?", ("", first), ("", second))) == 2


@pytest.mark.parametrize(
    "titles",
    [
        ("Leave Policy (v1)", "Leave Policy (v2)"),
        ("Leave Policy (2022)", "Leave Policy (2024)"),
        ("Leave Policy, March 2024", "Leave Policy, April 2024"),
        ("Leave Policy - Fassung 2", "Leave Policy - Stand 01.05.2023"),
    ],
)
def test_versions_of_one_document_are_no_meanings(titles: tuple[str, str]) -> None:
    texts = ("Staff get 20 days.", "Everybody has 25.")
    assert labels("What is the Leave Policy?", *zip(titles, texts, strict=True)) == []


def test_a_choice_among_untitled_pages_leaves_the_others_out() -> None:
    texts = (PLANET, SINGER, "Venus is hot.")
    retriever = BM25FRetriever([TextNode(text=text, id_=text[:12]) for text in texts])
    engine = ConfidenceGatedQueryEngine(retriever, assessor=FixedAssessor(["healthy"]))
    for response in (engine.narrow(engine.query(WHAT), "the singer"), _chosen_in_a_chat(engine)):
        assert [hit.node_id for hit in response.source_nodes] == [SINGER[:12]]
        assert (
            report(response)["attempts"][0]["query"] == WHAT
        )  # not the passage's own words: they would be no evidence


def _chosen_in_a_chat(engine: ConfidenceGatedQueryEngine) -> Any:
    chat = GatedChatEngine(engine)
    chat.chat(WHAT)
    return chat.chat("the singer")


def test_nothing_is_asked_about_nothing() -> None:
    assert find_readings("", []) == ()
    assert find_readings("What is Mercury?", passages_of([])) == ()


def test_a_chat_that_did_not_ask_back_takes_nothing_for_a_choice() -> None:
    chat = GatedChatEngine(gate(policy=StatusPolicy({"ambiguous": "answer"})))
    assert report(chat.chat("What is Mercury?"))["decision"] == "answer"
    assert chat.chat("2").metadata["follow_up"]["question"] != "What is Mercury (singer)?"


@pytest.mark.parametrize("choice", ["2.", " 2 ", "(2)", "2)", "#2"])
def test_a_number_is_taken_as_people_write_it(choice: str) -> None:
    assert find_choice(choice, list(PAGES)) == "Mercury (singer)"


@pytest.mark.parametrize(
    "choice",
    [
        "the second one", "second", "The latter.", "the last one", "option 2", "number two", "I meant the singer",
        "the singer, please", "No, the singer", "der zweite", "das letzte", "Nummer 2", "le deuxième",
    ],
)  # fmt: skip
def test_a_choice_is_taken_in_words(choice: str) -> None:
    assert find_choice(choice, list(PAGES)[:2]) == "Mercury (singer)"


def test_german_choices_have_their_articles() -> None:
    labels = ["Bank (Geldinstitut)", "Bank (Möbel)"]
    assert [find_choice(choice, labels) for choice in ("das Möbel", "das Geldinstitut bitte")] == labels[::-1]


@pytest.mark.parametrize(
    "choice", ["9" * 5000, "0", "4.", "²", "...", "()", "", "neither", "both", "yes", "the fourth"]
)
def test_what_is_no_number_of_a_reading_chooses_none(choice: str) -> None:
    assert find_choice(choice, list(PAGES)) is None


def test_a_reading_whose_passage_has_no_text_is_named_without_a_quote() -> None:
    pages = [TextNode(text="", metadata={"title": title}, id_=title) for title in ("Mercury (planet)", "Mercury (car)")]
    retriever = ScriptedRetriever([NodeWithScore(node=page, score=0.9) for page in pages])
    response = ConfidenceGatedQueryEngine(retriever, assessor=FixedAssessor(["healthy"])).query("What is Mercury?")
    assert report(response)["decision"] == "clarify"
    assert str(response).endswith("1. Mercury (planet)\n2. Mercury (car)")
    assert report(response)["quotes"] == []
