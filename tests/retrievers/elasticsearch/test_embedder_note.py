"""Two embedding models with the same number of dimensions are not mixed up in silence."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig
from elasticsearch import ApiError, Elasticsearch
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.schema import QueryBundle, TextNode

from llama_index_prod_rag.confidence import fingerprint_of, gather
from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.retrievers.elasticsearch import (
    Connection,
    ElasticsearchHybridRetriever,
    IngestOptions,
    IngestReport,
    aingest,
    create_index,
    index_definition,
    ingest,
)
from llama_index_prod_rag.trace.records import tracing

pytestmark = pytest.mark.elasticsearch

MINILM = MockEmbedding(2, model_name="all-MiniLM-L6-v2")
BGE = MockEmbedding(2, model_name="BAAI/bge-small-en-v1.5")
BOTH_NAMES = r"all-MiniLM-L6-v2, not BAAI/bge-small-en-v1\.5.*new index"


@pytest.fixture
def name(client: Elasticsearch) -> Iterator[str]:
    made = f"prod-rag-{uuid.uuid4().hex[:12]}"
    create_index(client, made, index_definition(2))
    yield made
    client.indices.delete(index=made)


def fill(client: Elasticsearch, index: str, model: MockEmbedding | None, node_id: str = "a") -> IngestReport:
    node = TextNode(id_=node_id, text="a widget", embedding=None if model else [1.0, 0.5])
    return ingest(client, index, [node], IngestOptions(embed_model=model))


def found(client: Elasticsearch, index: str, question: QueryBundle | str = "widget", **settings: Any) -> list[str]:
    searcher = ElasticsearchHybridRetriever(index, client=client, **settings)
    return [hit.node_id for hit in searcher.retrieve(question)]


def meta(client: Elasticsearch, index: str) -> Any:
    return client.indices.get_mapping(index=index)[index]["mappings"].get("_meta")


def test_a_search_with_another_model_names_both(client: Elasticsearch, elasticsearch_url: str, name: str) -> None:
    assert fill(client, name, MINILM).indexed == 1
    assert found(client, name, embed_model=MINILM) == ["a"]
    assert found(client, name, embed_model=MockEmbedding(2, model_name="/models/all-minilm-l6-v2/")) == ["a"]
    assert found(client, name, embed_model=MockEmbedding(2)) == ["a"]  # nobody knows what it is
    assert found(client, name, QueryBundle("widget", embedding=[1.0, 1.0]), embed_model=BGE) == ["a"]
    assert found(client, name, embed_model=BGE, alpha=0.0) == ["a"]  # neither of them embeds
    searcher = ElasticsearchHybridRetriever(name, url=elasticsearch_url, embed_model=BGE, similarity="cosine")
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=BOTH_NAMES):
            searcher.retrieve("widget")
    searcher.close()


def test_ingest_with_another_model_writes_nothing(client: Elasticsearch, elasticsearch_url: str, name: str) -> None:
    fill(client, name, MINILM)
    assert fill(client, name, MINILM, "b").indexed == 1
    with pytest.raises(ConfigurationError, match=BOTH_NAMES):
        fill(client, name, BGE, "c")

    async def awaited() -> None:
        async with Connection(url=elasticsearch_url).aopen() as opened:
            await aingest(opened, name, [TextNode(text="a widget")], IngestOptions(embed_model=BGE), replace=True)

    with pytest.raises(ConfigurationError, match=BOTH_NAMES):
        asyncio.run(awaited())
    client.indices.refresh(index=name)
    assert client.count(index=name)["count"] == 2


def test_an_emptied_index_takes_another_model_and_keeps_its_owners_notes(client: Elasticsearch, name: str) -> None:
    client.indices.put_mapping(index=name, meta={"owner": "search team", "prod_rag": {"embedding": {"other": "e5"}}})
    fill(client, name, MINILM)
    client.delete(index=name, id="a")
    assert fill(client, name, BGE).indexed == 1
    noted = {"other": "e5", "embedding": "BAAI/bge-small-en-v1.5"}
    assert meta(client, name) == {"owner": "search team", "prod_rag": {"embedding": noted}}


def test_without_a_name_nothing_is_noted_and_without_a_note_all_is_searched(client: Elasticsearch, name: str) -> None:
    assert fill(client, name, None).indexed == fill(client, name, MockEmbedding(2)).indexed == 1
    assert meta(client, name) is None
    client.indices.put_mapping(index=name, meta={"prod_rag": "somebody else's"})
    assert found(client, name, embed_model=BGE) == ["a"]


def test_indices_behind_an_alias_are_each_asked(client: Elasticsearch, name: str) -> None:
    second = f"{name}-b"
    create_index(client, second, index_definition(2))
    try:
        fill(client, name, BGE)
        fill(client, second, MINILM, "b")
        with pytest.raises(ConfigurationError, match=BOTH_NAMES):
            found(client, f"{name},{second}", embed_model=BGE)
    finally:
        client.indices.delete(index=second)


def test_who_may_not_change_mappings_loses_nothing(
    client: Elasticsearch, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(**_: object) -> None:
        raise ApiError("denied", ApiResponseMeta(403, "1.1", HttpHeaders(), 0.0, NodeConfig("http", "a", 1)), {})

    caplog.set_level(logging.DEBUG, "llama_index_prod_rag")
    monkeypatch.setattr(client.indices, "put_mapping", refuse)
    assert fill(client, name, MINILM).indexed == 1
    assert meta(client, name) is None
    assert "is not noted" in caplog.text


def test_who_may_not_read_mappings_loses_nothing(
    client: Elasticsearch, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    fill(client, name, MINILM)
    caplog.set_level(logging.DEBUG, "llama_index_prod_rag")
    client.indices.put_settings(index=name, settings={"index.blocks.metadata": True})
    try:
        assert fill(client, name, BGE, "b").indexed == 1
        assert "is not known" in caplog.text
        assert len(found(client, name, embed_model=BGE, similarity="cosine")) == 2
    finally:
        client.indices.put_settings(index=name, settings={"index.blocks.metadata": None})
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


def test_the_offline_model_is_known_by_its_published_name(client: Elasticsearch, name: str) -> None:
    assert fill(client, name, BGE).indexed == 1
    assert found(client, name, embed_model=MockEmbedding(2, model_name="offline")) == ["a"]


def test_the_gate_learns_which_model_embeds(client: Elasticsearch, name: str) -> None:
    fill(client, name, MINILM)
    searcher = ElasticsearchHybridRetriever(name, client=client, embed_model=MINILM)
    with tracing() as trace:
        searcher.retrieve("widget")
    (record,) = trace.records
    fingerprint = fingerprint_of(gather("widget", [], [record]))
    assert fingerprint.embedders == {"bm25": "", "dense": "all-minilm-l6-v2"}
