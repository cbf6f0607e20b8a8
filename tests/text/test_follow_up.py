"""Which questions lean on the one before, and which stand alone."""

from __future__ import annotations

import pytest

from llama_index_prod_rag.text.ellipsis import correction_in
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


@pytest.mark.parametrize(
    "question",
    [
        "How often?", "Which one?", "Since when?", "Go on", "Are you sure?", "What is the difference?",
        "What happens next?", "Does the same apply to contractors?", "The same for Germany",
        "In Germany too?",
        "Or on Linux?", "No, the other one", "I meant the fruit", "Not the Lite, the Pro",
        "Actually, the one from 2021",
        "What does the second one say?", "Where can I buy one?", "How do I turn it off?", "Who said that?",
        "How do I reset it to factory settings?", "Was kostet das?", "Gilt das auch für Teilzeitkräfte?",
        "Auch für Praktikanten?", "Wie sieht es bei Praktikanten aus?", "Wie kann ich es zurücksetzen?",
        "Ist es wasserdicht?", "Wo finde ich die?", "Nein, ich meinte die Version 2", "Erzähl mir mehr", "Seit wann?",
        "Kannst du das genauer erklären?", "Was passiert dann?", "Wie heißt die Hauptstadt seines Landes?",
        "Quand a-t-elle été construite ?", "Combien coûte-t-il ?", "¿Cuánto cuesta?", "¿Cuándo se construyó?",
        "Quanto costa?", "А в Москве?",
    ],
)  # fmt: skip
def test_parts_of_questions_and_corrections_lean(question: str) -> None:
    assert leans(question)


@pytest.mark.parametrize(
    "question",
    [
        "If a customer returns their order, who pays for shipping?", "If I deposit money as cash, does it count?",
        "Are those who work part-time entitled to leave?", 'how to fix "this app can\'t open"',
        "What is a “retail account”, and does it improve my score?", "Split a house 3 ways. How do I approach this?",
        "Why do prices differ on different sites? Which one should I believe?", "when is new one piece episodes coming",
        "No parking signs: where?", "Men are more susceptible than women.", "Is the same password used everywhere?",
        "Wer darf seine Arbeitszeit selbst bestimmen?", "Muss die Kündigung schriftlich sein?",
        "Welche Unterlagen muss ein Mieter seinem Vermieter vorlegen?", "Wo finde ich Ihre Preise?",
        "Wann muss der Arbeitgeber dem Arbeitnehmer sein Zeugnis geben?", "Wann haben Sie geöffnet?",
        "Was sind diese Woche die Öffnungszeiten?", "Gibt es einen Betriebsrat?", "Wie spät ist es in Tokio?",
        "Ist es erlaubt, im Büro zu rauchen?", "Was kostet das Modell Pro?", "Wer haftet dafür, dass das Tier beißt?",
        "Il y a combien de jours de congé ?", "Est-ce qu'il y a un parking ?", "La tour est-elle haute ?",
        "En route delivery times", "How many planets are there?",
        "What is the last one percent problem?", "Gilt für Praktikanten der Mindestlohn?",
        "Ci sono parcheggi vicino all'ufficio?", "¿Cómo registrarse?", "Come arrivare?",
    ],
)  # fmt: skip
def test_pronouns_that_stand_for_nothing_or_for_what_is_named_do_not_lean(question: str) -> None:
    assert not leans(question)


@pytest.mark.parametrize(
    ("message", "instead"),
    [
        ("No, I meant the Pro", "the Pro"), ("Sorry, the Pro", "the Pro"),
        ("Not the Lite, the Pro", "Not the Lite, the Pro"),
        ("Nein, ich meinte die Version 2", "die Version 2"), ("Actually the one from 2021", "the one from 2021"),
        ("No", ""), ("No fees?", ""), ("Sorry, how do I log in?", ""), ("I mean that prices rise", ""), ("", ""),
    ],
)  # fmt: skip
def test_what_a_correction_puts_in_the_place_of_what_was_meant(message: str, instead: str) -> None:
    assert correction_in(message) == instead


def test_names_are_whole_and_the_first_word_is_none() -> None:
    assert names_in("Where did Neil Peart's band play? Afterwards in Rio de Janeiro. NASA knew.") == [
        "Neil Peart",
        "Rio de Janeiro",
        "NASA",
    ]
    assert names_in("Wo liegt das Haus von EN-1090?", "german") == ["EN-1090"]
    assert names_in("when is __getattr__ called with utf8?") == ["__getattr__", "utf8"]
    assert names_in("How do I, or I'd, turn it on?") == []
    assert names_in("") == []


@pytest.mark.parametrize("question", ["What was it created to do?", "What was it built for?", "What is it used for?"])
def test_what_a_thing_was_made_for_leans(question: str) -> None:
    assert leans(question)


@pytest.mark.parametrize("question", ["Is it allowed to park here?", "Why is it recommended to rest?"])
def test_what_people_allow_and_want_stands_alone(question: str) -> None:
    assert not leans(question)


@pytest.mark.parametrize(
    "question",
    [
        "What time is it in Tokyo?",
        "What time is it?",
        "What time is it right now in New York?",
        "What day is it today?",
        "What year will it be when Halley's comet returns?",
        "How late is it in London?",
        "Is it Monday today?",
        "Is it already midnight in Sydney?",
        "Is it raining in Seattle?",
        "Does it ever snow in Rome?",
        "How often does it rain in Hamburg?",
        "Has it ever snowed in the Sahara?",
        "Will it rain tomorrow?",
        "Is it going to rain in Paris?",
        "How cold is it in Siberia?",
        "How cold does it get in Siberia in winter?",
        "Is it hot on Venus?",
        "Is it always dark on the far side of the moon?",
        "How far is it from Berlin to Munich?",
        "How far is it to the moon?",
        "How long is it until Christmas?",
        "How long does it take by train from Rome to Milan?",
        "How long does it take to learn Java?",
        "Is it possible to fly without wings?",
        "Is it possible?",
        "Is it safe to eat raw eggs?",
        "Is it worth buying an electric car?",
        "Is it legal in the United States to own a tank?",
        "Is it true that wings stall at high angles?",
        "Why is it that cats purr?",
        "Was it Edison who invented the light bulb?",
        "Does it matter which port the server uses?",
        "It seems the login fails after an update, what can cause that?",
        "What is it like living in Oslo?",
        "What is it like in Norway in winter?",
        "How much does it cost to build a house?",
        "Is it okay if I park in the yard?",
        "What does it mean to default on a loan?",
        "Wie spät ist es in Tokio?",
        "Wie viel Uhr ist es?",
        "Welcher Tag ist es heute?",
        "Regnet es morgen in Hamburg?",
        "Wird es morgen in Hamburg regnen?",
        "Wie oft schneit es in Rom?",
        "Hat es jemals in der Sahara geschneit?",
        "Wie kalt ist es in Oslo?",
        "Ist es in Oslo kalt?",
        "Wie weit ist es von Berlin nach München?",
        "Wie weit ist es bis zum Mond?",
        "Wie lange dauert es, bis der Antrag bearbeitet ist?",
        "Wie lange dauert es, Java zu lernen?",
        "Ist es erlaubt, hier zu parken?",
        "Ist es möglich, den Vertrag zu kündigen?",
        "Stimmt es, dass Katzen schnurren?",
        "Gibt es eine Frist für den Widerspruch?",
        "Welche Fristen gibt es?",
        "Worum geht es in der Verordnung?",
        "Wie geht es den Bienen in Europa?",
        "Es scheint, dass die Anmeldung fehlschlägt, woran liegt das?",
        "Was bedeutet es, wenn die rote Lampe blinkt?",
        "Was kostet es, ein Haus zu bauen?",
        "Kann man das Gerät zurückgeben, wenn es kaputt ist?",
        "Wo bekomme ich das Formular und wie fülle ich es aus?",
        "Was macht das Programm, wenn es abstürzt?",
        "Wie wird das Brot gebacken, damit es knusprig wird?",
    ],
)
def test_a_pronoun_that_stands_for_nothing_does_not_lean(question: str) -> None:
    assert not leans(question)


@pytest.mark.parametrize(
    "question",
    [
        "When was it built?",
        "What year was it built?",
        "What time is it open?",
        "What time does it open?",
        "What day is it closed?",
        "What time is it there?",
        "Is it hot there?",
        "How cold does it get in winter?",
        "Is it cold in winter?",
        "How far is it from the station?",
        "How far is it?",
        "How much does it cost?",
        "How long does it take?",
        "What was it created to do?",
        "What is it used for?",
        "Is it legal in Germany?",
        "Is it available in Germany?",
        "Is it safe?",
        "What is it like?",
        "Does it work in the rain?",
        "Does it appear in version 2?",
        "Why does it matter?",
        "Who wrote it?",
        "What is it?",
        "Is it waterproof?",
        "Where is it located?",
        "Does it come in red?",
        "Wann wurde es gebaut?",
        "Was kostet es?",
        "Wie groß ist es?",
        "Wer hat es geschrieben?",
        "Wie funktioniert es?",
        "Wo liegt es?",
        "Ist es kalt im Winter?",
        "Wie lange dauert es?",
        "Wird es in Deutschland verkauft?",
        "Ist es in Deutschland erlaubt?",
        "Wann wurde er gebaut?",
        "What lake connects it to Lake Constance?",
        "Gehört es zu Schweden?",
    ],
)
def test_a_pronoun_that_stands_for_a_thing_leans(question: str) -> None:
    assert leans(question)
