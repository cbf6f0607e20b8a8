"""Stores that give distances, similarities and inner products, embedded and real: the order is kept by all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import NAMESPACE_DNS, uuid4, uuid5

import numpy as np
import pytest
from llama_index.core import StorageContext, VectorStoreIndex
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.schema import TextNode

from llama_index_prod_rag import CrossEncoderRerank, HybridFusionRetriever
from llama_index_prod_rag.fusion import RULE_NAMES
from llama_index_prod_rag.models.pairs import Pair, Progress
from llama_index_prod_rag.retrievers.dense import DenseRetriever
from llama_index_prod_rag.trace.scored_node import ScoredNode

_TEXTS = [f"{animal} number {number}" for number, animal in enumerate(("cat", "dog", "hen", "cow") * 5)]
_QUESTION = "which cat is it"


class RandomSpace(BaseEmbedding):
    """Each text has a place of its own, at a distance from the origin that differs, as some models give them."""

    unit: bool = True

    def _get_text_embedding(self, text: str) -> list[float]:
        rng = np.random.default_rng(uuid5(NAMESPACE_DNS, text).int % 2**32)
        vector = rng.normal(size=8)
        length = np.linalg.norm(vector) if self.unit else 0.2
        return (vector / length).tolist()  # type: ignore[no-any-return]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


def faiss_store(kind: str) -> Any:
    import faiss
    from llama_index.vector_stores.faiss import FaissVectorStore

    return FaissVectorStore(faiss_index=getattr(faiss, kind)(8))


def chroma_store(space: str) -> Any:
    import chromadb
    from llama_index.vector_stores.chroma import ChromaVectorStore

    collection = chromadb.EphemeralClient().create_collection(f"c{uuid4().hex}", metadata={"hnsw:space": space})
    return ChromaVectorStore(chroma_collection=collection)


def qdrant_store(distance: str) -> Any:
    from llama_index.vector_stores.qdrant import QdrantVectorStore
    from qdrant_client import QdrantClient, models

    config = models.VectorParams(size=8, distance=models.Distance[distance])
    return QdrantVectorStore(client=QdrantClient(":memory:"), collection_name="nodes", dense_config=config)


_STORES: dict[str, tuple[Callable[[], Any], str | None]] = {
    "faiss L2": (lambda: faiss_store("IndexFlatL2"), "distances"),
    "faiss inner product": (lambda: faiss_store("IndexFlatIP"), None),
    "chroma L2": (lambda: chroma_store("l2"), None),
    "chroma cosine": (lambda: chroma_store("cosine"), None),
    "chroma inner product": (lambda: chroma_store("ip"), None),
    "qdrant Euclid": (lambda: qdrant_store("EUCLID"), "distances"),
    "qdrant Manhattan": (lambda: qdrant_store("MANHATTAN"), "distances"),
    "qdrant dot": (lambda: qdrant_store("DOT"), None),
    "qdrant cosine": (lambda: qdrant_store("COSINE"), None),
}
every_store = pytest.mark.parametrize("name", _STORES)
any_length = pytest.mark.parametrize("unit", [True, False], ids=["unit vectors", "longer vectors"])


def make_index(name: str, unit: bool) -> VectorStoreIndex:
    nodes = [TextNode(id_=str(uuid5(NAMESPACE_DNS, text)), text=text) for text in _TEXTS]
    context = StorageContext.from_defaults(vector_store=_STORES[name][0]())
    return VectorStoreIndex(nodes, storage_context=context, embed_model=RandomSpace(unit=unit))


def ids(hits: Sequence[Any]) -> list[str]:
    return [hit.node_id for hit in hits]


@every_store
@any_length
def test_a_leg_keeps_the_order_of_its_store_under_every_rule(name: str, unit: bool) -> None:
    index = make_index(name, unit)
    expected = ids(index.as_retriever(similarity_top_k=20).retrieve(_QUESTION))
    for rule in RULE_NAMES:
        legs = {"dense": DenseRetriever(index, similarity_top_k=20)}
        hits = HybridFusionRetriever(legs, rule=rule, similarity_top_k=20, lift_mentions=False).retrieve(_QUESTION)
        first = hits[0]
        assert isinstance(first, ScoredNode)
        assert first.retrieval is not None
        assert list(first.retrieval.legs["dense"]) == expected
        scores = {hit.node_id: hit.score or 0.0 for hit in hits}
        marks = [scores[node_id] for node_id in expected]
        assert marks == sorted(marks, reverse=True)  # equal ones are ordered by id: z-score cuts its best
        assert marks[0] > marks[-1]
        assert first.retrieval.readings.get("dense") == _STORES[name][1]


class Undecided:
    """A cross-encoder to which all passages are alike."""

    name = fingerprint = "undecided"
    max_tokens, special_tokens = 512, 3

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        return [(0, len(text))]

    def score(self, pairs: Sequence[Pair], progress: Progress | None = None) -> list[float]:
        return [0.5] * len(pairs)


@every_store
def test_the_reranker_keeps_the_order_of_llamaindexs_own_retriever(name: str) -> None:
    hits = make_index(name, unit=True).as_retriever(similarity_top_k=12).retrieve(_QUESTION)
    reranked = CrossEncoderRerank(scorer=Undecided(), top_n=12).postprocess_nodes(hits, query_str=_QUESTION)
    assert ids(reranked) == ids(hits)


def test_one_collection_is_ranked_alike_by_distance_and_by_similarity() -> None:
    ranked = [
        ids(HybridFusionRetriever.from_index(make_index(name, unit=True)).retrieve(_QUESTION))
        for name in ("faiss L2", "faiss inner product")
    ]
    assert ranked[0] == ranked[1]
