"""Conversations in English and German: what each message is asked as, and what it is answered from."""

from __future__ import annotations

import pytest
from llama_index.core.schema import TextNode

from llama_index_prod_rag import BM25FRetriever, ConfidenceGatedQueryEngine, GatedChatEngine
from tests.query_engine.parts import FixedAssessor

MANUALS = {
    "AX-200": "The AX-200 has a cable of nine meters. The AX-200 costs 149 euros and has a warranty of two years.",
    "BX-300": "The BX-300 is cordless. The BX-300 costs 299 euros and has a warranty of three years.",
    "Returns": "Customers may return a device within 30 days. Shipping costs 9 euros from Austria.",
}
LEAVE = {
    "Urlaub": "Mitarbeiter haben 30 Tage Urlaub. Resturlaub verfällt am 31. März.",
    "Praktikanten": "Praktikanten haben 24 Tage Urlaub und erhalten 800 Euro im Monat.",
    "Überstunden": "Überstunden verfallen nach zwei Jahren. Die Personalabteilung genehmigt sie.",
}
RECIPES = {
    "Lasagne": "Lasagne needs minced beef and sheets of pasta. It keeps for three days.",
    "Tiramisu": "Tiramisu needs mascarpone and coffee. It keeps for one day.",
}


@pytest.mark.parametrize(
    ("pages", "turns"),
    [
        (
            MANUALS,
            [
                ("How much does the AX-200 cost?", "How much does the AX-200 cost?", "AX-200"),
                ("And the BX-300?", "And the BX-300? (cost)", "BX-300"),
                ("How long is its warranty?", "How long is its warranty? (BX-300)", "BX-300"),
                ("No, I meant the AX-200", "the AX-200 (warranty)", "AX-200"),
                ("Can I return a device?", "Can I return a device?", "Returns"),
            ],
        ),
        (
            LEAVE,
            [
                ("Wie viele Tage Urlaub haben Mitarbeiter?", "Wie viele Tage Urlaub haben Mitarbeiter?", "Urlaub"),
                ("Und Praktikanten?", "Und Praktikanten? (Tage, Urlaub, Mitarbeiter)", "Praktikanten"),
                ("Wann verfallen Überstunden?", "Wann verfallen Überstunden?", "Überstunden"),
                ("Wer genehmigt sie?", "Wer genehmigt sie? (verfallen, Überstunden)", "Überstunden"),
            ],
        ),
        (
            RECIPES,
            [
                ("What do I need for lasagne?", "What do I need for lasagne?", "Lasagne"),
                ("what about tiramisu?", "what about tiramisu? (need, lasagne)", "Tiramisu"),
                ("How long does it keep?", "How long does it keep? (tiramisu)", "Tiramisu"),
                ("I meant the lasagne", "the lasagne (keep)", "Lasagne"),
            ],
        ),
    ],
)  # fmt: skip
def test_each_message_is_asked_about_what_the_conversation_has_come_to(
    pages: dict[str, str], turns: list[tuple[str, str, str]]
) -> None:
    nodes = [TextNode(text=text, id_=title, metadata={"title": title}) for title, text in pages.items()]
    chat = GatedChatEngine(ConfidenceGatedQueryEngine(BM25FRetriever(nodes), assessor=FixedAssessor(["healthy"])))
    for message, question, source in turns:
        reply = chat.chat(message)
        assert reply.metadata["follow_up"]["question"] == question
        assert reply.source_nodes[0].node_id == source
        assert chat.chat_history[-2].content == message


def test_a_correction_of_the_version_is_asked_of_the_same_thing() -> None:
    nodes = [TextNode(text=f"The fee was {fee} euros in {year}.", id_=year) for fee, year in ((5, "2022"), (9, "2024"))]
    chat = GatedChatEngine(ConfidenceGatedQueryEngine(BM25FRetriever(nodes), assessor=FixedAssessor(["healthy"])))
    chat.chat("What is the fee in 2024?")
    reply = chat.chat("No, the 2022 version")
    assert reply.metadata["follow_up"]["question"] == "the 2022 version (fee)"
    assert reply.source_nodes[0].node_id == "2022"
