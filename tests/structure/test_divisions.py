"""Divisions of laws whose number is written out, before or behind the kind of division, in many languages."""

from __future__ import annotations

import pytest

from tests.structure.test_statutes import place, rows

LAWS = {
    "german": (
        "Erster Teil\nAllgemeines\nErstes Kapitel: Geltung\nErster Abschnitt. Zweck\n§ 1 Schutz\nEs gilt.\n"
        "Zweiter Abschnitt\nBegriffe\n§ 2 Hafen\nEin Hafen ist ein Hafen.\nZweites Kapitel\nKosten\n§ 3 Gebühr\n"
        "Die Gebühr ist fällig.\nDRITTER TEIL\nSchluss\n§ 4 Ende\nDas Gesetz endet.\n",
        [
            "Erster Teil Allgemeines",
            "Erstes Kapitel Geltung",
            "Erster Abschnitt. Zweck",
            "Zweiter Abschnitt Begriffe",
            "Zweites Kapitel Kosten",
            "DRITTER TEIL Schluss",
        ],
    ),
    "swiss": (
        "Erste Abteilung: Allgemeines\n\nErster Titel: Die Entstehung\n\nErster Abschnitt: Vertrag\n\nArt. 1\n"
        "Es wird erklärt.\n\nZwölfter Titel: Das Ende\n\nArt. 2\nEs endet.\n",
        [
            "Erste Abteilung Allgemeines",
            "Erster Titel Die Entstehung",
            "Erster Abschnitt Vertrag",
            "Zwölfter Titel Das Ende",
        ],
    ),
    "austrian": (
        "1. Hauptstück\nAllgemeines\n1. Abschnitt\nGeltung\n§ 1. (1) Es gilt.\n(2) Immer.\nII. Teil\nEnde\n"
        "§ 2. Es endet.\n",
        ["1. Hauptstück Allgemeines", "1. Abschnitt Geltung", "II. Teil Ende"],
    ),
    "french": (
        "Première partie\nGénéral\nLivre premier\nDu jeu\nTitre premier\nDes joueurs\nChapitre II\nDes règles\n"
        "Article 1er\nTous jouent.\nDeuxième partie\nFin\nArticle 2\nRien.\n",
        [
            "Première partie Général",
            "Livre premier Du jeu",
            "Titre premier Des joueurs",
            "Chapitre II Des règles",
            "Deuxième partie Fin",
        ],
    ),
    "spanish": (
        "Primera parte\nDe todo\nTítulo primero\nDe la ley\nCapítulo segundo\nDel objeto\nArtículo 1. Objeto.\n"
        "La ley regula.\n",
        ["Primera parte De todo", "Título primero De la ley", "Capítulo segundo Del objeto"],
    ),
    "italian": (
        "Parte prima\nDiritti\nTitolo primo\nRapporti\nCapo secondo\nNorme\nArt. 1\nTutto vale.\n",
        ["Parte prima Diritti", "Titolo primo Rapporti", "Capo secondo Norme"],
    ),
    "portuguese": (
        "Título primeiro\nPrincípios\nCapítulo segundo\nDireitos\nArtigo 1.º\nA lei vale.\n",
        ["Título primeiro Princípios", "Capítulo segundo Direitos"],
    ),
    "dutch": (
        "Eerste afdeling\nAlgemeen\nArtikel 1\nDe wet geldt.\nTweede afdeling. Kosten\nArtikel 2\nHet kost wat.\n",
        ["Eerste afdeling Algemeen", "Tweede afdeling. Kosten"],
    ),
    "polish": (
        "DZIAŁ PIERWSZY\nOgólne\nRozdział drugi\nZakres\nArt. 1\nUstawa określa zasady.\n",
        ["DZIAŁ PIERWSZY Ogólne", "Rozdział drugi Zakres"],
    ),
    "czech": (
        "ČÁST PRVNÍ\nOBECNÁ\nHLAVA II\nPojmy\n§ 1\nPojem se vymezuje.\n",
        ["ČÁST PRVNÍ OBECNÁ", "HLAVA II Pojmy"],
    ),
    "russian": (
        "Раздел первый\nОбщее\nГлава вторая. Сборы\nСтатья 1\nСбор уплачивается.\n",
        ["Раздел первый Общее", "Глава вторая. Сборы"],
    ),
    "swedish": (
        "Första avdelningen\nAllmänt\n2 kap. Lagens syfte\nLagen gäller.\n",
        ["Första avdelningen Allmänt", "2 kap. Lagens syfte"],
    ),
    "danish": (
        "Anden del\nSlut\nKapitel 1\nFormål\n§ 1\nLoven gælder.\n",
        ["Anden del Slut", "Kapitel 1 Formål"],
    ),
    "english": (
        "PART ONE\nGeneral\n\nArticle 1. Fees are due.\n\nTHE FIRST SCHEDULE\n\nThe fee is low.\n\nSecond Schedule\n\n"
        "The form is blue.\n",
        ["PART ONE General", "THE FIRST SCHEDULE", "Second Schedule"],
    ),
}


@pytest.mark.parametrize("language", sorted(LAWS))
def test_divisions_have_their_numbers_written_out(language: str) -> None:
    text, expected = LAWS[language]
    found = [title for _, title in rows(text) if title]
    assert [title for title in found if not title.startswith(("§", "Art", "Ст", "("))] == expected


def test_articles_stand_below_the_divisions_around_them() -> None:
    text = LAWS["german"][0]
    assert place(text, "Ein Hafen")[0] == ["Erster Teil", "Erstes Kapitel", "Zweiter Abschnitt", "§ 2"]
    assert place(text, "Die Gebühr ist")[0] == ["Erster Teil", "Zweites Kapitel", "§ 3"]
    assert place(text, "Das Gesetz endet")[0] == ["DRITTER TEIL", "§ 4"]
    assert place(LAWS["english"][0], "The form is")[0] == ["Second Schedule"]


@pytest.mark.parametrize(
    "text",
    [
        "§ 1 Zahlung\nDies ist ein\nErster Teil der Zahlung.\nZweiter Teil des Preises ist er.\n",
        "§ 1 Angaben\nAnzugeben sind:\n1. Titel\n2. Teil\n3. Buch\n",
        "§ 1 Form\nNeuer Titel\nEs gilt ein neuer Titel.\n",
    ],
)
def test_words_in_passing_and_items_of_lists_are_no_divisions(text: str) -> None:
    assert {str(number[0]) for number, _ in rows(text)} == {"§ 1"}  # type: ignore[index]
