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


SECTIONS = ENGLISH.replace("Article", "Section")


@pytest.mark.parametrize(
    "reference",
    [
        "Section 13 Harbours Act 1999 applies.",
        "Section 3 Harbours Act 1999 applies.",
        "Section 13 of the Harbours Act 1999 applies.",
        "Section 13, Harbours Act 1999, applies.",
        "Section 13(2) Harbours Act 1999 applies.",
        "Section 13 Harbours Act 1999 (c. 12), as amended, does not apply.",
        "Section 13 Harbours Act 1999;",
        "Section 13 Harbours Act 1999.",
        "Section 13 HA 1999 applies.",
        "SECTION 13 HARBOURS ACT 1999 APPLIES.",
        "Section 4 Law of Property (Miscellaneous Provisions) Act 1989 must be observed.",
        "Section 5 Code of Federal Regulations applies.",
        "Schedule 2 Harbours Act 1999 applies.",
        "Part 3 Harbours Act 1999 applies.",
        "Rule 5 Civil Procedure Rules 1998 governs costs.",
        "Section 6 (1) GDPR applies.",
    ],
)
def test_a_sentence_about_another_law_by_its_name_is_no_clause(reference: str) -> None:
    found = [number for number, _ in rows(SECTIONS.format(reference)) if number != ["Section 2", "(2)"]]
    assert found == [["Section 1"], ["Section 2"], ["Section 3"]]


@pytest.mark.parametrize(
    "reference",
    [
        "Art. 6 Regulation (EU) 2016/679 applies.",
        "Art. 5 Directive 95/46/EC remains in force.",
        "Art. 12 Rome I Regulation governs this.",
        "Art. 5 Treaty on European Union applies.",
        "Art. 1103 Code civil s'applique.",
        "Art. 5 Código Civil se aplica.",
        "§ 5 Bundesdatenschutzgesetz gilt.",
        "§ 433 Bürgerliches Gesetzbuch bleibt unberührt.",
        "§ 5 Gewerbeordnung gilt.",
        "§ 5 Betriebskostenverordnung (BetrKV) gilt.",
        "Art. 3 Handelsgesetzbuch findet Anwendung.",
    ],
)
def test_neither_is_one_in_other_languages(reference: str) -> None:
    assert [number for number, _ in rows(GERMAN.format(reference))] == [["Art. 1"], ["Art. 2"], ["Art. 3"]]


@pytest.mark.parametrize(
    "text",
    [
        "Section 1 Rules\nA is.\nSection 2 Code of Conduct\nB is.\nSection 3 Orders and invoices\nC is.\n",
        "Section 1 Title\nA is.\nSection 2 Harbours Act 1999\nB is.\nSection 3 Docks Act 2004\nC is.\n",
        "Section 1 Fees\nA is.\nSection 2 Orders shall be signed.\nSection 3 Purchase Orders must be numbered.\n",
        "Section 1 Fees\nA is.\nSection 2 Rules of the Board apply to all.\nSection 3 Acts of God are excused.\n",
        "Section 1 Fees\nA is.\nSection 2 Code reviews are done.\nSection 3 Employment Act Claims\nB is.\n",
        "Section 1 Order of precedence The contract is first.\nSection 2 The Act applies.\nSection 3 Last\nC is.\n",
        "§ 1 Hausordnung\nA gilt.\n§ 2 Satzung\nB gilt.\n§ 3 Die Gewerbeordnung gilt.\n",
        "Art. 1º Esta Lei dispõe sobre dados.\nArt. 2º Para os fins desta Lei, são dados.\nArt. 3º Fim.\n",
    ],
)
def test_a_clause_about_orders_rules_and_acts_is_one(text: str) -> None:
    assert len(rows(text)) == 3
