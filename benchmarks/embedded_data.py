"""Seeded chunks, vectors and questions of any number: words as unequal as those of a language, vectors in clusters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from llama_index.core.schema import TextNode
from numpy.typing import NDArray

DIMENSIONS = 384
_VOCABULARY = 60_000
_WORDS = 100  # a chunk of about 140 tokens
_CLUSTERS = 500
_SPREAD = 1.0  # of a cluster's vectors around its middle, which is of length one
_SYLLABLES = [first + second for first in "bcdfglmnprstv" for second in ("a", "e", "i", "o", "u", "an", "er", "on")]


@dataclass(frozen=True, slots=True)
class Question:
    """Words of one chunk, and a vector near its own."""

    text: str
    vector: list[float]


class Corpus:
    """The same chunks whenever it is made.

    Args:
        size: how many.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        rng = np.random.default_rng(20)
        self._words = np.array([_word(number) for number in range(_VOCABULARY)])
        # Zipf's law: the n-th most frequent word is n times as rare as the first.
        self._shares = np.cumsum(1.0 / np.arange(1, _VOCABULARY + 1))
        self._middles = rng.normal(size=(_CLUSTERS, DIMENSIONS)) / np.sqrt(DIMENSIONS)

    def nodes(self) -> Iterator[TextNode]:
        """The chunks with their embeddings, one at a time; ten make a document."""
        vectors = self.vectors()
        for number in range(self.size):
            yield self.node(number, vectors[number])

    def node(self, number: int, vector: NDArray[np.float32]) -> TextNode:
        """One chunk."""
        metadata = {
            "title": self._text(number // 10 + 10**7, 3),
            "part": number % 10,
            "lang": "en" if number % 2 else "de",
        }
        return TextNode(
            id_=f"chunk-{number:07}", text=self._text(number, _WORDS), metadata=metadata, embedding=vector.tolist()
        )

    def vectors(self) -> NDArray[np.float32]:
        """Unit vectors of all chunks, shape [size, 384]."""
        rng = np.random.default_rng(21)
        near = self._middles[rng.integers(_CLUSTERS, size=self.size)]
        found = near + rng.normal(size=near.shape) * _SPREAD / np.sqrt(DIMENSIONS)
        unit: NDArray[np.float32] = (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)
        return unit

    def questions(self, count: int) -> list[Question]:
        """Six words of a chunk in the middle range of frequency, and its vector with noise."""
        rng, vectors = np.random.default_rng(22), self.vectors()
        chosen = rng.integers(self.size, size=count)
        noise = rng.normal(size=(count, DIMENSIONS)) * 0.5 / np.sqrt(DIMENSIONS)
        return [
            Question(" ".join(self._text(int(number), _WORDS).split()[:6]), (vectors[number] + shift).tolist())
            for number, shift in zip(chosen, noise, strict=True)
        ]

    def _text(self, seed: int, words: int) -> str:
        places = np.random.default_rng(seed).random(words) * self._shares[-1]
        return " ".join(self._words[np.searchsorted(self._shares, places)])


def _word(number: int) -> str:
    parts = []
    while True:
        number, part = divmod(number, len(_SYLLABLES))
        parts.append(_SYLLABLES[part])
        if not number:
            return "".join(parts) + "s" * (len(parts) == 1)
