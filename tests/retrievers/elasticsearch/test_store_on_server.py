"""One line to change in a running app: the retriever from LlamaIndex's own store, or from an index over it."""

from __future__ import annotations

import asyncio
import pickle
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from elasticsearch import VERSION, Elasticsearch
from llama_index.core import Document, StorageContext, SummaryIndex, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import QueryBundle, TextNode
from llama_index.core.vector_stores.simple import SimpleVectorStore
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.retrievers.elasticsearch import Connection, ElasticsearchHybridRetriever

pytestmark = pytest.mark.elasticsearch
stores = pytest.importorskip("llama_index.vector_stores.elasticsearch")


class Directions(BaseEmbedding):
    """Wings point one way and everything else the other."""

    def _get_text_embedding(self, text: str) -> list[float]:
        return [1.0, 0.1] if "wing" in text else [0.1, 1.0]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


NODES = [
    TextNode(id_="wing", text="The lift of a wing.", metadata={"team": "air"}),
    TextNode(id_="bread", text="Flour and water.", metadata={"team": "food"}),
]


def make_store(name: str, url: str, **settings: Any) -> Any:
    """A store as an app makes it; with client library 9, whose own clients a server 8 refuses, around one of ours."""
    if VERSION[0] < 9:
        return stores.ElasticsearchStore(name, es_url=url, **settings)
    return stores.ElasticsearchStore(name, es_client=Connection(url=url).aopen(), **settings)


@pytest.fixture(scope="module")
def name(client: Elasticsearch) -> Iterator[str]:
    made = f"prod-rag-{uuid.uuid4().hex[:12]}"
    yield made
    client.options(ignore_status=404).indices.delete(index=[made, f"{made}-bm25"], ignore_unavailable=True)


@pytest.fixture(scope="module")
def index(name: str, elasticsearch_url: str) -> VectorStoreIndex:
    store = make_store(name, elasticsearch_url, text_field="body", vector_field="vec")
    context = StorageContext.from_defaults(vector_store=store)
    return VectorStoreIndex(NODES, storage_context=context, embed_model=Directions())


def test_from_index_takes_everything_from_the_running_app(index: VectorStoreIndex) -> None:
    searcher = ElasticsearchHybridRetriever.from_index(index, similarity_top_k=5)
    hits = searcher.retrieve("Which wing has lift?")
    assert [(hit.node_id, hit.text, hit.metadata) for hit in hits] == [
        ("wing", "The lift of a wing.", {"team": "air"}),
        ("bread", "Flour and water.", {"team": "food"}),
    ]
    assert set(hits[0].retrieval.legs) == {"dense", "bm25"}  # type: ignore[attr-defined]
    food = MetadataFilters(filters=[MetadataFilter(key="team", value="food")])
    assert [hit.node_id for hit in searcher.with_filters(food).retrieve("wing")] == ["bread"]
    assert [hit.node_id for hit in asyncio.run(searcher.aretrieve("Which wing has lift?"))] == ["wing", "bread"]
    assert [hit.node_id for hit in index.as_retriever().retrieve("wing")][:1] == ["wing"]  # the app goes on


def test_from_store_with_a_client_of_the_apps_own(name: str, elasticsearch_url: str, index: VectorStoreIndex) -> None:
    login = ("me", "hunter2-secret")

    async def build() -> ElasticsearchHybridRetriever:
        async with Connection(url=elasticsearch_url, basic_auth=login).aopen() as app:
            store = stores.ElasticsearchStore(name, es_client=app, text_field="body", vector_field="vec")
            return ElasticsearchHybridRetriever.from_store(store, embed_model=Directions())

    searcher = asyncio.run(build())
    assert searcher.retrieve("wing")[0].node_id == "wing"  # the app's client and its loop are closed by now
    assert repr(searcher) == f"ElasticsearchHybridRetriever({name!r}, url={elasticsearch_url!r})"
    made = searcher._clients.sync()
    assert made is not None
    assert made._headers["authorization"].startswith("Basic ")
    kept = pickle.dumps(searcher)
    assert made._headers["authorization"].encode() not in kept
    with pytest.raises(ConfigurationError, match="call its connect"):
        pickle.loads(kept).retrieve("wing")  # noqa: S301 - made above


def test_a_login_in_any_form_is_carried_over() -> None:
    for login in ({"api_key": "key"}, {"bearer_auth": "token"}, {"basic_auth": ("a", "b")}):
        client = Elasticsearch("https://search.example:9243/es", verify_certs=False, ssl_show_warn=False, **login)  # type: ignore[arg-type]
        like = Connection.like(client)
        again = like.open()
        assert again._headers["authorization"] == client._headers["authorization"]
        (node,) = again.transport.node_pool.all()
        assert (node.config.verify_certs, node.config.path_prefix) == (False, "/es")
        assert repr(like) == "Connection(url='https://search.example:9243/es')"


def test_a_store_of_bm25_alone_gives_the_lexical_leg_alone(name: str, elasticsearch_url: str) -> None:
    strategy = stores.AsyncBM25Strategy()
    store = make_store(f"{name}-bm25", elasticsearch_url, retrieval_strategy=strategy)
    store.add(NODES)
    hits = ElasticsearchHybridRetriever.from_store(store).retrieve("lift")
    assert [hit.node_id for hit in hits] == ["wing"]
    assert set(hits[0].retrieval.legs) == {"bm25"}  # type: ignore[attr-defined]


def test_what_is_not_such_a_store_is_refused(name: str, elasticsearch_url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"not SimpleVectorStore: use HybridFusionRetriever\.from_index"):
        ElasticsearchHybridRetriever.from_store(SimpleVectorStore())
    with pytest.raises(ConfigurationError, match="SummaryIndex has no vector store"):
        ElasticsearchHybridRetriever.from_index(SummaryIndex.from_documents([Document(text="x")]))  # type: ignore[arg-type]
    sparse = make_store(name, elasticsearch_url, retrieval_strategy=stores.AsyncSparseVectorStrategy())
    with pytest.raises(ConfigurationError, match="keeps no dense vectors"):
        ElasticsearchHybridRetriever.from_store(sparse)


def test_the_question_may_bring_its_vector(index: VectorStoreIndex) -> None:
    searcher = ElasticsearchHybridRetriever.from_store(index.vector_store, similarity_top_k=1)
    assert searcher.retrieve(QueryBundle("flour", embedding=[0.1, 1.0]))[0].node_id == "bread"
