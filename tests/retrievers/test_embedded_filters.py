"""A store in a folder and filters: what they let through, and what of their answers is remembered."""

from __future__ import annotations

import numpy as np
import pytest
from llama_index.core.schema import QueryBundle
from llama_index.core.vector_stores.types import VectorStoreQuery

from llama_index_prod_rag.lexical.masking import MANY
from llama_index_prod_rag.retrievers import DenseRetriever, EmbeddedStore, HybridFusionRetriever, filters
from tests.retrievers.embedded_nodes import index_over, node, only, question


def test_it_searches_what_its_filters_let_through() -> None:
    store = EmbeddedStore()
    store.add([node(str(n), n, document=f"d{n % 3}", lang="en" if n % 5 == 0 else "de") for n in range(60)])
    dense = DenseRetriever(index_over(store), similarity_top_k=100, filters=only("lang", "en"))
    assert {hit.node_id for hit in dense.retrieve(question(7))} == {str(n) for n in range(0, 60, 5)}
    vector = question(7).embedding
    asked = VectorStoreQuery(query_embedding=vector, similarity_top_k=100, doc_ids=["d1", "unknown"])
    assert set(store.query(asked).ids or ()) == {str(n) for n in range(60) if n % 3 == 1}
    asked = VectorStoreQuery(query_embedding=vector, similarity_top_k=100, doc_ids=["unknown"])
    assert store.query(asked).ids == []
    store.delete_nodes(filters=only("lang", "de"))
    assert len(store.get_nodes()) == 12
    store.delete_nodes()
    assert len(store.get_nodes()) == 12
    store.clear()
    assert store.get_nodes() == []


def test_filters_that_come_again_are_not_asked_again_about_each_node(monkeypatch: pytest.MonkeyPatch) -> None:
    count = 3 * MANY
    draw = np.random.default_rng(0)
    nodes = [
        node(str(number), seed=number, text="cat " * (1 + number % 7), rare=number % 1000) for number in range(count)
    ]
    store = EmbeddedStore()
    store.add(nodes)
    hybrid = HybridFusionRetriever.from_index(index_over(store)).with_filters(only("rare", 7))
    wanted = {str(number) for number in range(7, count, 1000)}
    vectors = np.array([of.embedding for of in nodes])
    asked: list[object] = []
    tell = filters.PassingIds.__contains__
    monkeypatch.setattr(
        filters.PassingIds,
        "__contains__",
        lambda self, id_: asked.append(id_) or tell(self, id_),  # type: ignore[func-returns-value]
    )
    counts = []
    for _ in range(3):
        asked.clear()
        bundle = QueryBundle("cat", embedding=draw.normal(size=6).tolist())
        hits = hybrid.retrieve(bundle)
        assert {hit.node_id for hit in hits} == wanted
        legs = hits[0].retrieval.legs  # type: ignore[attr-defined]
        cosines = vectors @ np.array(bundle.embedding) / np.linalg.norm(vectors, axis=1)
        assert list(legs["dense"]) == sorted(wanted, key=lambda id_: -cosines[int(id_)])
        assert list(legs["bm25"]) == sorted(wanted, key=lambda id_: (-legs["bm25"][id_].score, id_))
        counts.append(len(asked))
    assert counts[0] > 2 * count  # once for either leg
    assert counts[1] == counts[2] <= count  # those that are asked about before a mask pays
    store.add([node("new", seed=1, text="cat", rare=7), node("7", seed=7, text="cat", rare=8)])
    assert {hit.node_id for hit in hybrid.retrieve(question(3))} == wanted - {"7"} | {"new"}


def test_answers_to_the_last_filters_only_are_remembered() -> None:
    store = EmbeddedStore()
    store.add([node("a", n=1)])
    first = store.passing(only("n", 1))
    assert store.passing(only("n", 1)) is first
    assert store.passing(only("n", "1")) is not first
    assert store.passing(only("n", float("inf"))) is not store.passing(only("n", float("-inf")))
    for number in range(8):
        store.passing(only("n", 10 + number))
    assert store.passing(only("n", 1)) is not first


def test_a_metadata_value_that_was_changed_is_seen_by_the_next_filter() -> None:
    store = EmbeddedStore()
    store.add([node("a", 1, who="us"), node("b", 2, who="them")])
    dense = DenseRetriever(index_over(store), filters=only("who", "us"))
    assert [hit.node_id for hit in dense.retrieve(question(3))] == ["a"]
    store.add([node("a", 1, who="them"), node("b", 2, who="us")])
    assert [hit.node_id for hit in dense.retrieve(question(3))] == ["b"]
