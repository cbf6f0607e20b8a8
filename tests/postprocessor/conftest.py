"""A scorer whose scores can be computed by hand, for tests of everything around a model."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest


class OverlapScorer:
    """Logit = 2 x words of the query in the passage - 1; one word is one token. Remembers what it was asked."""

    name = "overlap"
    fingerprint = "overlap"
    special_tokens = 3

    def __init__(self, max_tokens: int = 512) -> None:
        self.max_tokens = max_tokens
        self.seen: list[tuple[str, str]] = []

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"\S+", text)]

    def score(self, pairs: Sequence[tuple[str, str]], progress: Callable[[int], None] | None = None) -> list[float]:
        self.seen += pairs
        if progress is not None:
            progress(len(pairs))
        return [2.0 * len(set(query.split()) & set(passage.split())) - 1.0 for query, passage in pairs]


@pytest.fixture
def scorer() -> OverlapScorer:
    return OverlapScorer()


@pytest.fixture
def short_scorer() -> OverlapScorer:
    """Reads ten tokens: a query of one word leaves six for the passage."""
    return OverlapScorer(max_tokens=10)
