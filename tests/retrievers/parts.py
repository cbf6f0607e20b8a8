"""Legs and an embedding that are easy to see through, and ways to ask and to read what came back."""

from __future__ import annotations

import time
from typing import Any

import pytest
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from llama_index_prod_rag.retrievers.hybrid import HybridFusionRetriever
from llama_index_prod_rag.trace.records import RetrievalRecord
from llama_index_prod_rag.trace.scored_node import ScoredNode


class FixedLeg(BaseRetriever):
    """Returns the same hits, after a while, in the thread it is called in."""

    def __init__(self, scores: dict[str, float | None], seconds: float = 0.0, error: Exception | None = None) -> None:
        super().__init__()
        self.hits = [NodeWithScore(node=TextNode(text=f"text {i}", id_=i), score=s) for i, s in scores.items()]
        self.seconds, self.error = seconds, error

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        time.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return self.hits


class LetterEmbedding(BaseEmbedding):
    """Counts the letters a to d: a space in which similarity is easy to see."""

    def _get_text_embedding(self, text: str) -> list[float]:
        return [float(text.count(letter)) + 0.01 for letter in "abcd"]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


def record_of(hit: NodeWithScore) -> RetrievalRecord:
    assert isinstance(hit, ScoredNode)
    assert hit.retrieval is not None
    return hit.retrieval


def two_legs(**kwargs: Any) -> HybridFusionRetriever:
    legs = {"dense": FixedLeg({"a": 0.9, "b": 0.5, "c": 0.1}), "bm25": FixedLeg({"b": 12.0, "d": 4.0})}
    return HybridFusionRetriever(legs, **{"alpha": 0.5, "rule": "min-max", **kwargs})


async def ask(retriever: BaseRetriever, query: str, asynchronous: bool) -> list[NodeWithScore]:
    return await retriever.aretrieve(query) if asynchronous else retriever.retrieve(query)


both_ways = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
