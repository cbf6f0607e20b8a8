"""Which questions lean on the one before, and which stand alone."""

from __future__ import annotations

import pytest

from llama_index_prod_rag.text.follow_up import leans, names_in


@pytest.mark.parametrize(
    "question",
    [
        "When was it built?",
        "Who built it?",
        "What is the population of its largest city?",
        "And its height?",
        "What about contractors?",
        "And the Louvre?",
        "Why?",
        "What else?",
        "In which year?",
        "Does that include weekends?",
        "Who wrote this book?",
        "What does this mean for employees?",
        "How many people live there?",
        "How much does it cost?",
        "Wann wurde er gebaut?",
        "Und seine Höhe?",
        "¿Cuál es su altura?",
        "Quanto è alta questa torre?",
        "它有多高？",
    ],
)
def test_what_points_at_something_unnamed_leans(question: str) -> None:
    assert leans(question)


@pytest.mark.parametrize(
    "question",
    [
        "When was the Eiffel Tower built?",
        "When did Einstein publish his theory?",
        "How did the venus flytrap get its name?",
        "What is the function of insulin and where is it produced?",
        "Should a young student put their money into bonds?",
        "How long does it take to learn Java?",
        "Is it true that wings stall at high angles?",
        "What is the day that he left?",
        "Are prices going up this year?",
        "python sort list",
        "recursion",
        "that " * 2_000,
        "",
        "   ",
    ],
)
def test_what_names_its_subject_stands_alone(question: str) -> None:
    assert not leans(question)


def test_names_are_whole_and_the_first_word_is_none() -> None:
    assert names_in("Where did Neil Peart's band play? Afterwards in Rio de Janeiro. NASA knew.") == [
        "Neil Peart",
        "Rio de Janeiro",
        "NASA",
    ]
    assert names_in("Wo liegt das Haus von EN-1090?", "german") == ["EN-1090"]
    assert names_in("when is __getattr__ called with utf8?") == ["__getattr__", "utf8"]
    assert names_in("") == []


@pytest.mark.parametrize("question", ["What was it created to do?", "What was it built for?", "What is it used for?"])
def test_what_a_thing_was_made_for_leans(question: str) -> None:
    assert leans(question)


@pytest.mark.parametrize("question", ["Is it allowed to park here?", "Why is it recommended to rest?"])
def test_what_people_allow_and_want_stands_alone(question: str) -> None:
    assert not leans(question)
