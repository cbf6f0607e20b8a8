"""Which sentences are quoted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llama_index_prod_rag.query_engine.extract import best_sentences
from tests.query_engine.parts import make_hits


@dataclass
class FixedScorer:
    scores: list[float]

    def score(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        return self.scores[: len(pairs)]


TEXTS = ("The garage closes at ten. Bring your own cup.", "Call before ten in the morning.")


def test_what_does_not_fit_is_not_quoted_beside_what_does() -> None:
    quotes = best_sentences("When does the garage close?", make_hits(TEXTS), scorer=FixedScorer([7.0, -10.0, -4.0]))
    assert [quote.text for quote in quotes] == ["The garage closes at ten."]


def test_where_nothing_fits_the_nearest_are_quoted() -> None:
    quotes = best_sentences("Where is the dog?", make_hits(TEXTS), count=2, scorer=FixedScorer([-7.0, -10.0, -4.0]))
    assert [quote.text for quote in quotes] == ["Call before ten in the morning.", "The garage closes at ten."]


def test_without_a_scorer_a_sentence_needs_a_word_of_the_question() -> None:
    quotes = best_sentences("garage hours", make_hits(TEXTS))
    assert [quote.text for quote in quotes] == ["The garage closes at ten."]


def test_a_headings_marks_are_no_words() -> None:
    quotes = best_sentences("keys", make_hits(("## Signing keys\n\nThe signing keys lie in a vault.",)))
    assert [quote.text for quote in quotes] == ["The signing keys lie in a vault."]
