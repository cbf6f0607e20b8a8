"""The legs over stores that people have: FAISS, Chroma and Qdrant, embedded and real."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

import numpy as np
import pytest
from llama_index.core import MockEmbedding, StorageContext, SummaryIndex, VectorStoreIndex
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.schema import IndexNode, TextNode
from llama_index.core.vector_stores import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters

from llama_index_prod_rag import BM25FRetriever, HybridFusionRetriever
from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.retrievers.dense import DenseRetriever
from llama_index_prod_rag.retrievers.filters import filterable_metadata, matches

_TEXTS = {
    "keys": "The signing key is rotated every ninety days.",
    "error": "Error E1042 means that the key has expired.",
    "cats": "Cats purr when they are content.",
    "tax": "Invoices need two signatures of the finance office.",
    "fire": "In case of fire leave by the stairs.",
}


class HashedWords(BaseEmbedding):
    """Words hashed into sixteen dimensions: texts that share words are near."""

    def _get_text_embedding(self, text: str) -> list[float]:
        vector = np.full(16, 0.01)
        for word in text.lower().split():
            vector[uuid5(NAMESPACE_DNS, word).int % 16] += 1.0
        return (vector / np.linalg.norm(vector)).tolist()  # type: ignore[no-any-return]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


def make_nodes() -> list[TextNode]:
    return [
        TextNode(
            id_=str(uuid5(NAMESPACE_DNS, name)), text=text, metadata={"team": "ab"[number % 2], "year": 2020 + number}
        )
        for number, (name, text) in enumerate(_TEXTS.items())
    ]


def faiss_store() -> Any:
    import faiss
    from llama_index.vector_stores.faiss import FaissVectorStore

    return FaissVectorStore(faiss_index=faiss.IndexFlatIP(16))


def chroma_store() -> Any:
    import chromadb
    from llama_index.vector_stores.chroma import ChromaVectorStore

    client = chromadb.EphemeralClient()
    return ChromaVectorStore(chroma_collection=client.create_collection(f"c{np.random.default_rng().integers(10**9)}"))


def qdrant_store() -> Any:
    from llama_index.vector_stores.qdrant import QdrantVectorStore
    from qdrant_client import QdrantClient

    return QdrantVectorStore(client=QdrantClient(":memory:"), collection_name="nodes")


every_store = pytest.mark.parametrize("make_store", [faiss_store, chroma_store, qdrant_store])
stores_with_text = pytest.mark.parametrize("make_store", [chroma_store, qdrant_store])


def index_over(store: Any, nodes: list[TextNode]) -> VectorStoreIndex:
    context = StorageContext.from_defaults(vector_store=store)
    return VectorStoreIndex(nodes, storage_context=context, embed_model=HashedWords())


@stores_with_text
@pytest.mark.parametrize("override", [False, True])
def test_an_index_whose_text_lives_in_its_store_has_a_lexical_leg(
    make_store: Callable[[], Any], override: bool, caplog: pytest.LogCaptureFixture
) -> None:
    store = make_store()
    index_over(store, make_nodes())
    reopened = VectorStoreIndex.from_vector_store(store, embed_model=HashedWords(), store_nodes_override=override)
    with caplog.at_level(logging.INFO):
        hybrid = HybridFusionRetriever.from_index(reopened)
    assert "5 nodes read from" in caplog.text
    best = hybrid.retrieve("E1042")[0]
    assert best.node.get_content() == _TEXTS["error"]
    assert best.node.metadata == {"team": "b", "year": 2021}
    assert set(best.retrieval.legs["bm25"]) == {best.node_id}  # type: ignore[attr-defined]


def test_more_nodes_than_a_store_gives_at_a_time() -> None:
    store = qdrant_store()
    nodes = [TextNode(id_=str(uuid5(NAMESPACE_DNS, str(n))), text=f"part number{n}") for n in range(1_234)]
    index_over(store, nodes)
    lexical = BM25FRetriever.from_index(VectorStoreIndex.from_vector_store(store, embed_model=HashedWords()))
    assert [hit.node_id for hit in lexical.retrieve("number1233")] == [nodes[1_233].node_id]


@stores_with_text
def test_refresh_reads_the_store_again(make_store: Callable[[], Any]) -> None:
    store = make_store()
    index = index_over(store, make_nodes())
    lexical = BM25FRetriever.from_index(index)
    index.insert_nodes([TextNode(id_=str(uuid5(NAMESPACE_DNS, "new")), text="Zebras gallop.")])
    index.delete_nodes([make_nodes()[2].node_id])
    lexical.refresh()
    assert len(lexical.retrieve("zebras")) == 1
    assert lexical.retrieve("cats") == []


_FILTERS = {
    "equal": MetadataFilters(filters=[MetadataFilter(key="team", value="a")]),
    "not equal": MetadataFilters(filters=[MetadataFilter(key="team", value="a", operator=FilterOperator.NE)]),
    "above": MetadataFilters(filters=[MetadataFilter(key="year", value=2022, operator=FilterOperator.GT)]),
    "not": MetadataFilters(filters=[MetadataFilter(key="team", value="a")], condition=FilterCondition.NOT),
    "text": MetadataFilters(
        filters=[MetadataFilter(key="team", value="A", operator=FilterOperator.TEXT_MATCH_INSENSITIVE)]
    ),
    "nested": MetadataFilters(
        filters=[
            MetadataFilter(key="team", value="a"),
            MetadataFilters(
                filters=[MetadataFilter(key="year", value=2020), MetadataFilter(key="year", value=2024)],
                condition=FilterCondition.OR,
            ),
        ]
    ),
}


@every_store
@pytest.mark.parametrize("filters", _FILTERS.values(), ids=_FILTERS)
async def test_no_leg_dies_of_a_filter_and_none_shows_what_it_excludes(
    make_store: Callable[[], Any], filters: MetadataFilters
) -> None:
    nodes = make_nodes()
    index = index_over(make_store(), nodes)
    allowed = {node.node_id for node in nodes if matches(filterable_metadata(node), filters)}
    hybrid = HybridFusionRetriever.from_index(index).with_filters(filters)
    for hits in (hybrid.retrieve("key cats fire"), await hybrid.aretrieve("key cats fire")):
        record = hits[0].retrieval  # type: ignore[attr-defined]
        assert record.failed == {}
        assert {hit.node_id for hit in hits} <= allowed
        if "Qdrant" not in type(index.vector_store).__name__:  # Qdrant's text match is of whole words
            assert set(record.legs["dense"]) == allowed


def test_a_store_that_cannot_filter_says_so_once_and_is_searched_far_enough(caplog: pytest.LogCaptureFixture) -> None:
    nodes = [TextNode(id_=str(n), text="key", metadata={"rare": int(n == 499)}) for n in range(500)]
    dense = DenseRetriever(index_over(faiss_store(), nodes), similarity_top_k=2)
    only_one = dense.with_filters(MetadataFilters(filters=[MetadataFilter(key="rare", value=1)]))
    for _ in range(3):
        assert [hit.node_id for hit in only_one.retrieve("key")] == ["499"]
    assert caplog.text.count("FaissVectorStore cannot filter by this") == 1


async def test_qdrant_with_one_client_is_asked_in_a_thread() -> None:
    hybrid = HybridFusionRetriever.from_index(index_over(qdrant_store(), make_nodes()))
    record = (await hybrid.aretrieve("key"))[0].retrieval  # type: ignore[attr-defined]
    assert (record.failed, len(record.legs["dense"])) == ({}, 5)


def test_objects_behind_nodes_are_resolved_and_must_pass_the_filters_themselves() -> None:
    secret = TextNode(id_="secret", text="secret key", metadata={"team": "b"})
    public = TextNode(id_="public", text="public key", metadata={"team": "a"})
    pointers = [
        IndexNode(id_=f"to-{node.node_id}", text="key", index_id=node.node_id, obj=node, metadata={"team": "a"})
        for node in (secret, public)
    ]
    index = VectorStoreIndex([], objects=pointers, embed_model=HashedWords())
    filters = MetadataFilters(filters=[MetadataFilter(key="team", value="a")])
    for retriever in (DenseRetriever(index), BM25FRetriever.from_index(index), HybridFusionRetriever.from_index(index)):
        assert {hit.node_id for hit in retriever.retrieve("key")} == {"secret", "public"}
        assert {hit.node_id for hit in retriever.with_filters(filters).retrieve("key")} == {"public"}


def test_metadata_that_was_changed_in_the_docstore_alone_counts() -> None:
    index = VectorStoreIndex([TextNode(id_="a", text="key", metadata={"team": "a"})], embed_model=HashedWords())
    hybrid = HybridFusionRetriever.from_index(index)
    changed = index.docstore.get_node("a")
    changed.metadata["team"] = "b"
    index.docstore.add_documents([changed])
    for team, expected in (("a", []), ("b", ["a"])):
        filters = MetadataFilters(filters=[MetadataFilter(key="team", value=team)])
        assert [hit.node_id for hit in hybrid.with_filters(filters).retrieve("key")] == expected


def test_other_kinds_of_index_are_an_error_that_says_what_to_do() -> None:
    index: Any = SummaryIndex([TextNode(text="key")])
    for make in (DenseRetriever, BM25FRetriever.from_index, HybridFusionRetriever.from_index):
        with pytest.raises(ConfigurationError, match=r"SummaryIndex has no vectors.*as legs"):
            make(index)


def test_a_documents_own_doc_id_means_the_same_to_both_legs() -> None:
    index = VectorStoreIndex([TextNode(id_="a", text="key", metadata={"doc_id": "D1"})], embed_model=MockEmbedding(4))
    filters = MetadataFilters(filters=[MetadataFilter(key="doc_id", value="D1")])
    assert HybridFusionRetriever.from_index(index).with_filters(filters).retrieve("key") == []
