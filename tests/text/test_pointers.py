"""What a passage points to is found at the passage that lies there, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from llama_index_prod_rag.text.names import Mentioned
from llama_index_prod_rag.text.pointers import Place, names_inside, places_of, pointers_in


def meets(text: str, other: str, document: str = "here", other_document: str = "here", **metadata: Any) -> bool:
    """Whether a text points to or names another passage."""
    known = Mentioned()
    known.add(
        "other",
        names_inside(other, metadata, other_document),
        places_of(other, metadata, other_document),
    )
    return "other" in known.find_places(text, pointers_in(text, document))


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("For keys see section 4.2.", "### 4.2 Key rotation\n\nEvery ninety days."),
        ("Sections 2 and 4.2 apply.", "4.2. Key rotation\n\nEvery ninety days."),
        ("Follow step 3 again.", "Step 3: Drain the pasta."),
        ("Nach § 439 haftet er.", "§ 439 Nacherfüllung\n\nDer Käufer kann wählen."),
        ("nach den §§ 437, 439 und 440", "§ 439 Nacherfüllung"),
        ("gemäß § 15a", "§ 15a Frist"),
        ("laut Artikel 5 und Anhang B", "Artikel 5\nHaftung"),
        ("laut Artikel 5 und Anhang B", "## Anhang B: Preise"),
        ("as Article IV says", "ARTICLE IV\nTerm"),
        ("Table 3 lists the fees.", "Table 3: Fees"),
        ("[the set-up](#first-start)", "## First start\n\nPlug it in."),
        ("Call vault.rotate_key() first.", "class Vault:\n    def rotate_key(self):\n        pass"),
        ("It opens a KeyVault.", "export class KeyVault {\n}"),
        ("Solange „Vertrauliche Angaben“ oder Vertrauliche Angaben", "„Vertrauliche Angaben“ sind alle Unterlagen."),
    ],
)
def test_parts_of_the_same_document_are_met(text: str, other: str) -> None:
    assert meets(text, other)


@pytest.mark.parametrize(
    ("text", "other", "metadata"),
    [
        ("Es gilt § 433 Abs. 1 BGB.", "§ 433 Kauf", {"file_name": "BGB.txt"}),
        ("Es gilt § 433 BGB.", "§ 433 Kauf", {"title": "Bürgerliches Gesetzbuch (BGB)"}),
        ("See section 4.2 of the Admin Guide.", "4.2 Keys", {"title": "Admin Guide"}),
        ("[fees](../billing.md#late-fees)", "## Late fees\n5 euros", {"file_path": "docs/billing.md"}),
        ("[fees](../billing/)", "5 euros", {"file_name": "billing.html"}),
        ("see [[Refund policy|refunds]]", "5 euros", {"file_name": "refund-policy.md"}),
        ("(https://www.acme.com/billing/?from=mail).", "5 euros", {"url": "http://acme.com/billing"}),
        ("Solved as PAY-1042 says.", "Try again.", {"title": "PAY-1042: refunds fail"}),
    ],
)
def test_other_documents_are_met_by_what_they_are_called(text: str, other: str, metadata: dict[str, str]) -> None:
    assert meets(text, other, other_document="there", **metadata)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("For keys see section 4.2.", "4.20 Locks"),
        ("Nach § 439 haftet er.", "§ 439a Ausnahmen"),
        ("Es gilt § 433 BGB.", "§ 433 Firma"),  # of another law
        ("See section 4.2 of the Admin Guide.", "4.2 Keys"),
        ("in article I wrote", "I wrote it."),
        ("Article 5 says so.", "5 Prices"),
        ("Take 4 eggs.", "4 Eggs"),
        ("items.get(name)", "def get(name):\n    pass"),
        ("Phase 3 was long.", "Phase 3 trials of a drug"),
        ("See section 4.", ""),
    ],
)
def test_nothing_else_is_met(text: str, other: str) -> None:
    assert not meets(text, other)


def test_numbers_of_another_document_are_not_met() -> None:
    assert not meets("See section 4.2.", "4.2 Keys", other_document="there")
    assert not meets("[the set-up](#first-start)", "## First start", other_document="there")


def test_headings_above_a_passage_count_and_no_document_points_nowhere() -> None:
    assert meets("See chapter 4.", "Ninety days.", heading_path=["Manual", "4 Security", "4.2 Keys"])
    assert list(pointers_in("See section 4.", None)) == []
    nothing: list[Place] = places_of("Text", {}, None)
    assert nothing == []
