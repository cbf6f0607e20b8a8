"""Full stops that end no sentence in languages other than English, and those that do in English."""

from __future__ import annotations

import pytest

from llama_index_prod_rag.text.sentences import split_sentences


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Das Gesetz trat am 1. Mai 2024 in Kraft.",
        "Der 3. Oktober ist ein Feiertag.",
        "Am 24. Dezember feiert man.",
        "Am 1. und 2. Mai ist das Amt zu.",
        "Die Frist läuft vom 1. bis 15. April.",
        "Im 19. Jahrhundert wurde es gebaut.",
        "Die 1. Bundesliga und die 2. Bundesliga sind im Fernsehen.",
        "Es gilt Art. 5 Abs. 2 Nr. 3 des Gesetzes.",
        "Kaiser Wilhelm II. reiste nach Norwegen.",
        "Papst Johannes XXIII. wurde im Jahr 1958 gewählt.",
        "Man nimmt z. B. Äpfel und d. h. keine Birnen.",
        "Siehe § 3 i. V. m. § 5 des Gesetzes.",
        "Das Haus in der Hauptstr. 5 ist vgl. mit anderen alt.",
        "Mødet blev holdt den 1. maj på rådhuset.",
        "Det skete i det 19. århundrede og er kendt.",
        "Grunnloven er fra 17. mai og er gammel.",
        "Zákon platí od 1. května a je nový.",
        "Zakon je iz 19. stoljeća i još vrijedi.",
        "Laki tuli voimaan 1. tammikuuta ja on uusi.",
        "A törvény 2024. május 1-jén lépett hatályba, és ez új.",
        "Bu yasa 19. yüzyılda ve sonra geçerliydi, bir de bugün.",
        "Zgodnie z art. 5 ust. 2 pkt. 3 jest nowa i nie jest stara.",
        "Voir p. ex. la page 5 du livre.",
        "Zie bijv. het boek van de man.",
    ],
)
def test_ordinals_and_abbreviations_end_no_sentence(text: str) -> None:
    assert sentences(text) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "Er ist 12 Jahre alt, sie ist 13. Das ist alles.",
        "Die Zahl ist 5. Im Winter ist es kalt.",
        "Der Vertrag endet 2024. Danach ist er nichtig.",
        "Das ist Kaiser Wilhelm II. Er war der letzte.",
        "Prisen er 5. Den er ikke høj.",
        "The bus is the number 12. It is late.",
        "I am 12. My dad is old.",
        "i am 12. my dad is old and so is the dog",
        "He was born in 1990. August was hot.",
        "The Berlin office, the Wien office and the Hamburg office sold 5. the rest sold none.",
        "It was met in 1990. The street is the Rue de la Paix.",
        "Es begann im Jahr 1999. August war da und es war heiß.",
        "Unser Hund heißt Max. Er ist alt und schläft.",
        "Han satte sig. Det regnade och var kallt.",
        "Det vill jag ej. Jag har en annan.",
        "Il vit avec son ex. Elle est dans la rue.",
    ],
)
def test_a_number_may_end_a_sentence(text: str) -> None:
    assert len(sentences(text)) == 2
