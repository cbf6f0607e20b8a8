"""Names and numbers of a question, in several languages, and whether passages mention them."""

from __future__ import annotations

from time import process_time

import pytest

from llama_index_prod_rag.text.terms import TermStatistics, find_unmentioned, found_terms, names, numbers


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("Which band did Neil Peart join? He left NASA.", "english", ("Neil", "Peart", "NASA")),
        ("Does parse_date fail on x86 in Node.js?", "english", ("parse_date", "x86", "Node")),
        ("Is SKU-12/B in North-Hall?", "english", ("SKU-12/B", "North", "Hall")),
        ("WHAT IS THE CAPITAL OF FRANCE", "english", ()),
        ("Welche Frist gilt für den Signaturschlüssel bei SAP?", "german", ("SAP",)),
        ("Welche Norm gilt für Bauteil-Typ EN-1090?", "german", ("EN-1090",)),
        ("签名密钥多久轮换一次？", "chinese", ()),
    ],
)
def test_names_are_what_is_written_as_names_are(text: str, language: str, found: tuple[str, ...]) -> None:
    assert names(text, language) == found


def test_numbers_have_one_spelling() -> None:
    assert numbers("1,250 and 3.5mm since 2019/20, not B2") == {"1250", "3.5", "2019", "20"}
    assert numbers("1.250 und 3,5", "german") == {"1250", "3.5"}


@pytest.mark.parametrize(
    ("query", "passage"),
    [
        ("Which runner is in North Hall with Ubuntu?", "runner,North Hall,Ubuntu"),
        ("Who has 250 seats?", "3,1,250,Basel"),
        ("Is 1,250 enough?", "at least 1250 are needed"),
        ("What does ParseDate do?", "parse_date reads a date"),
        ("What is AT&T?", "at&t is a company"),
        ("Ask NASA about B2.", "nasa: see b2"),
        ("When did the USA join?", "The U.S.A. joined late."),
        ("Is it in Haupt?", "Das Hauptgebäude"),
    ],
)
def test_what_a_passage_has_is_never_called_unmentioned(query: str, passage: str) -> None:
    assert find_unmentioned(query, [passage], found_terms(passage)) == ((), ())


def test_what_is_missing_is_named_as_the_question_writes_it() -> None:
    passage = "runner,North Hall,7"
    unmentioned = find_unmentioned("Did Hall meet Ubuntu in 2,019?", [passage], found_terms(passage))
    assert unmentioned == (("Ubuntu",), ("2,019",))


@pytest.mark.parametrize("unit", [". ", " . . .", "a. ", "A! ", "100,"])
def test_names_take_linear_time(unit: str) -> None:
    def seconds(length: int) -> float:
        text, began = "Which key" + unit * (length // len(unit)), process_time()
        find_unmentioned(text, [text], frozenset())
        return process_time() - began

    assert seconds(40_000) < 0.2 + 12 * seconds(10_000)


def test_statistics_know_their_language() -> None:
    statistics = TermStatistics.from_texts(["Der Schlüssel wird gewechselt.", "Die Schlüssel liegen im Haus."])
    assert statistics.language == "german"
    assert statistics.passages_with("Schlüssel") == 2
    assert statistics.passages_with("Häuser") == 1
