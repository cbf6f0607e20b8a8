"""A line that points to another law is no clause of this document; a clause may still be called after a law."""

from __future__ import annotations

import pytest

from tests.structure.test_statutes import rows

GERMAN = "Art. 1 Zweck\nEr regelt die Miete.\nArt. 2 Pflichten\nEs gilt:\n{}\nArt. 3 Ende\nDer Vertrag endet.\n"
ENGLISH = "Article 1 Purpose\nIt regulates rent.\nArticle 2 Duties\nThese apply:\n{}\nArticle 3 End\nIt ends.\n"


@pytest.mark.parametrize(
    "reference",
    [
        "Art. 12 OR gilt.",
        "Art. 12 OR, soweit anwendbar.",
        "Art. 12 ff. OR gelten.",
        "Art. 6 DSGVO bleibt unberührt.",
        "Art. 6 UAbs. 2 AEUV gilt.",
        "Art. 8 EMRK.",
        "Art. 4 Ziff. 2 UWG gilt.",
        "Art. 4 Bst. b BV gilt.",
        "Art. 9 lit. a DSG gilt.",
        "Art. 5 B-VG gilt.",
        "Art. 7 AsylG",
        "§ 823 BGB gilt.",
        "§ 5 AGG bleibt.",
        "§ 3 S. 1 KSchG gilt.",
        "§ 12 i.V.m. § 13 BGB gilt.",
    ],
)
def test_a_provision_of_another_law_is_no_clause(reference: str) -> None:
    assert [number for number, _ in rows(GERMAN.format(reference))] == [["Art. 1"], ["Art. 2"], ["Art. 3"]]


@pytest.mark.parametrize(
    "reference",
    [
        "Article 6 GDPR applies.",
        "Article 6 UK GDPR applies.",
        "Article 6 para. 1 GDPR applies.",
        "Article 101 TFEU applies.",
        "Article 5 RGPD s'applique.",
        "Article 1103 C. civ. s'applique.",
        "Article 1104 CC.",
        "Article 3 GDPR applies.",
    ],
)
def test_neither_is_one_of_a_regulation_or_a_treaty(reference: str) -> None:
    found = [number for number, _ in rows(ENGLISH.format(reference))]
    assert found == [["Article 1"], ["Article 2"], ["Article 3"]]


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        (
            "Art. 1 Zweck\nA gilt.\nArt. 2 AGB\nB gilt.\nArt. 3 GmbH\nC gilt.\n",
            ["Art. 1 Zweck", "Art. 2 AGB", "Art. 3 GmbH"],
        ),
        ("ARTICLE 1 TERM\nA is.\nARTICLE 4 NDA\nB is.\n", ["ARTICLE 1 TERM", "ARTICLE 4 NDA"]),
        ("§ 1 BGB-Gesellschaft\nA gilt.\n§ 2 DSGVO\nB gilt.\n", ["§ 1 BGB-Gesellschaft", "§ 2 DSGVO"]),
        (
            "Article 1 IP rights\nA is.\nArticle 2 GDPR\nB is.\nArticle 3 GDPR compliance\nC is.\n",
            ["Article 1 IP rights", "Article 2 GDPR", "Article 3 GDPR compliance"],
        ),
        (
            "Section 1. GDPR. The Processor shall act.\nSection 4. VAT and fees\nB is due.\n",
            ["Section 1. GDPR", "Section 4. VAT and fees"],
        ),
        ("EXHIBIT A\nLogo\nEXHIBIT B NFLA agrees to help.\n", ["EXHIBIT A Logo", "EXHIBIT B"]),
    ],
)
def test_a_clause_may_be_called_after_a_law(text: str, titles: list[str]) -> None:
    assert [title for _, title in rows(text)] == titles
