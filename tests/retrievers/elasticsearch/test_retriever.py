"""The retriever without a server: what it asks, what it makes of answers, what it never tells."""

from __future__ import annotations

import asyncio
import logging
import pickle
from typing import Any

import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig
from elasticsearch import ApiError
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters

from llama_index_prod_rag.errors import ConfigurationError, RetrievalError
from llama_index_prod_rag.retrievers.elasticsearch import ElasticsearchHybridRetriever
from llama_index_prod_rag.trace.records import RetrievalRecord, tracing

BUNDLE = QueryBundle("lift of a wing", embedding=[0.6, 0.8])


def hits(scores: dict[str, float]) -> dict[str, Any]:
    found = [
        {
            "_id": i,
            "_score": s,
            "_source": {"content": f"text {i}", "metadata": {"n": i, "team": "hr"}},
            "fields": {"embedding": [s, 0.0]},
        }
        for i, s in scores.items()
    ]
    return {"status": 200, "took": 5, "hits": {"hits": found}}


def error(status: int, reason: str) -> dict[str, Any]:
    return {"status": status, "error": {"type": "t", "reason": reason}}


class FakeClient:
    """Answers `_msearch` from a list, and remembers what it was asked."""

    def __init__(self, *responses: list[dict[str, Any]], kinds: dict[str, str] | None = None) -> None:
        self.responses = list(responses)
        self.kinds = kinds or {}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def options(self, **_: object) -> FakeClient:
        return self

    @property
    def indices(self) -> FakeClient:
        return self

    def get_field_mapping(self, **_: object) -> dict[str, Any]:
        return {"docs": {"mappings": {}}}

    def msearch(self, **arguments: Any) -> dict[str, Any]:
        self.calls.append(("msearch", arguments))
        return {"responses": self.responses.pop(0)}

    def field_caps(self, **arguments: Any) -> dict[str, Any]:
        self.calls.append(("field_caps", arguments))
        return {"fields": {f: {k: {}} for f, k in self.kinds.items() if f in arguments["fields"]}}


class FakeAsyncClient(FakeClient):
    async def msearch(self, **arguments: Any) -> dict[str, Any]:  # type: ignore[override]
        return super().msearch(**arguments)

    async def field_caps(self, **arguments: Any) -> dict[str, Any]:  # type: ignore[override]
        return super().field_caps(**arguments)


DENSE = hits({"a": 0.95, "b": 0.9, "c": 0.6})
BM25 = hits({"b": 12.0, "d": 4.0})


def retriever(client: FakeClient, **settings: Any) -> ElasticsearchHybridRetriever:
    kind = "async_client" if isinstance(client, FakeAsyncClient) else "client"
    return ElasticsearchHybridRetriever(
        "docs", **{kind: client, "alpha": 0.5, "rule": "min-max", "similarity": "cosine", "vectors": False, **settings}
    )


def record(found: list[NodeWithScore]) -> RetrievalRecord:
    return found[0].retrieval  # type: ignore[attr-defined, no-any-return]


def test_both_legs_travel_in_one_request_and_keep_their_raw_scores() -> None:
    client = FakeClient([DENSE, BM25])
    with tracing() as trace:
        found = retriever(client).retrieve(BUNDLE)
    (kept,) = trace.records
    assert [name for name, _ in client.calls] == ["msearch", "field_caps"]  # types, at the first search alone
    assert {leg: {i: h.score for i, h in ranks.items()} for leg, ranks in kept.legs.items()} == {
        "dense": pytest.approx({"a": 0.9, "b": 0.8, "c": 0.2}),  # cosines: 2 * score - 1
        "bm25": {"b": 12.0, "d": 4.0},
    }
    assert [hit.node_id for hit in found] == ["b", "a", "c", "d"]
    assert [hit.score for hit in found] == pytest.approx([0.5 * 6 / 7 + 0.5, 0.5, 0.0, 0.0])
    assert found[0].text == "text b"
    assert found[0].metadata == {"n": "b", "team": "hr"}
    assert kept is record(found)
    assert kept.query_vector == [0.6, 0.8]


def test_the_returned_hits_vectors_are_fetched_for_the_record() -> None:
    client = FakeClient([DENSE, BM25], [hits({"b": 1.0, "a": 0.5})])
    found = retriever(client, vectors=True, similarity_top_k=2).retrieve(BUNDLE)
    assert record(found).vectors == {"b": [1.0, 0.0], "a": [0.5, 0.0]}
    (_, body) = client.calls[2][1]["searches"]
    assert body["query"] == {"ids": {"values": ["a", "b"]}}
    assert (body["_source"], body["fields"], body["size"]) == (False, ["embedding"], 2)


def test_hits_whose_vectors_cannot_be_fetched_are_still_returned() -> None:
    client = FakeClient([DENSE, BM25], [error(429, "queue full")])
    found = retriever(client, vectors=True).retrieve(BUNDLE)
    assert (len(found), record(found).vectors, record(found).failed) == (4, {}, {})


async def test_async_is_the_same() -> None:
    asynchronous = await retriever(FakeAsyncClient([DENSE, BM25])).aretrieve(BUNDLE)
    threaded = await retriever(FakeClient([DENSE, BM25])).aretrieve(BUNDLE)
    serial = await asyncio.to_thread(retriever(FakeClient([DENSE, BM25])).retrieve, BUNDLE)
    assert [(h.node_id, h.score) for h in asynchronous] == [(h.node_id, h.score) for h in serial]
    assert [(h.node_id, h.score) for h in threaded] == [(h.node_id, h.score) for h in serial]


def test_an_async_client_cannot_serve_retrieve() -> None:
    with pytest.raises(ConfigurationError, match="give a client or the url"):
        retriever(FakeAsyncClient()).retrieve(BUNDLE)


def test_a_failed_leg_is_left_out_and_named(caplog: pytest.LogCaptureFixture) -> None:
    client = FakeClient([error(400, "number of dimensions [2] than the document vectors [3]"), BM25])
    with caplog.at_level(logging.WARNING):
        found = retriever(client).retrieve(BUNDLE)
    assert [hit.node_id for hit in found] == ["b", "d"]
    reason = record(found).failed["dense"]
    assert "embed the question with the model" in reason
    assert reason in caplog.text


def test_a_failed_leg_raises_where_that_is_asked_for() -> None:
    with pytest.raises(RetrievalError, match="bm25: queue full: the server is overloaded"):
        retriever(FakeClient([DENSE, error(429, "queue full")]), on_leg_failure="raise").retrieve(BUNDLE)


def test_no_leg_left_is_an_error_with_every_reason() -> None:
    gone = error(404, "no such index [docs]")
    with pytest.raises(RetrievalError, match=r"dense: no such index .* create_index.*; bm25: no such index"):
        retriever(FakeClient([gone, gone])).retrieve(BUNDLE)


def test_a_field_that_is_not_there_is_told_from_one_that_matches_nothing() -> None:
    nothing = hits({})
    client = FakeClient([nothing, BM25], [nothing, BM25], [DENSE, nothing])
    searcher = retriever(client, vector_field="embedding")
    assert record(searcher.retrieve(BUNDLE)).failed == {
        "dense": "index docs has no field embedding: set vector_field to one that it has"
    }
    client.kinds = {"embedding": "dense_vector", "content": "text"}
    assert record(searcher.retrieve(BUNDLE)).failed == {}
    assert record(searcher.retrieve(BUNDLE)).failed == {}


def test_a_question_that_matches_nothing_is_an_empty_list() -> None:
    client = FakeClient([hits({}), hits({})], kinds={"embedding": "dense_vector", "content": "text"})
    assert retriever(client).retrieve(BUNDLE) == []


class CountingEmbedding(MockEmbedding):
    calls: int = 0

    def _get_query_embedding(self, query: str) -> list[float]:
        self.calls += 1
        return super()._get_query_embedding(query)


class BrokenEmbedding(MockEmbedding):
    def _get_query_embedding(self, query: str) -> list[float]:
        raise OSError("weights are gone")

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


def test_a_question_is_embedded_once_and_not_when_it_brings_its_vector() -> None:
    model = CountingEmbedding(embed_dim=2)
    client = FakeClient(*[[DENSE, BM25] for _ in range(2)], [BM25])
    bundle = QueryBundle("lift")
    retriever(client, embed_model=model).retrieve(BUNDLE)
    assert model.calls == 0
    retriever(client, embed_model=model).retrieve(bundle)
    assert (model.calls, bundle.embedding) == (1, None)
    retriever(client, embed_model=model, alpha=0.0).retrieve(bundle)
    assert model.calls == 1


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_without_a_vector_the_lexical_leg_answers(asynchronous: bool) -> None:
    model: BaseEmbedding = BrokenEmbedding(embed_dim=2)
    if asynchronous:
        found = await retriever(FakeAsyncClient([BM25]), embed_model=model).aretrieve("lift")
    else:
        found = retriever(FakeClient([BM25]), embed_model=model).retrieve("lift")
    assert [hit.node_id for hit in found] == ["b", "d"]
    assert "weights are gone" in record(found).failed["dense"]


def test_filters_reach_both_legs_and_their_types_are_asked_once() -> None:
    team = MetadataFilters(filters=[MetadataFilter(key="team", value="hr")])
    client = FakeClient(*[[DENSE, BM25] for _ in range(3)], kinds={"metadata.team": "keyword"})
    filtered = retriever(client, filters=team)
    filtered.retrieve(BUNDLE)
    filtered.retrieve(BUNDLE)
    assert [name for name, _ in client.calls] == ["field_caps", "msearch", "field_caps", "msearch"]
    dense, lexical = client.calls[1][1]["searches"][1::2]
    clause = {"bool": {"filter": [{"term": {"metadata.team": {"value": "hr"}}}]}}
    assert dense["knn"]["filter"] == clause
    assert lexical["query"]["bool"]["filter"] == [clause]
    filtered.with_filters(None).retrieve(BUNDLE)
    assert "filter" not in client.calls[-1][1]["searches"][1]["knn"]
    assert filtered.filters is team


def test_what_the_question_names_lifts_the_hit_that_holds_it() -> None:
    lexical = hits({"b": 12.0, "d": 4.0})
    lexical["hits"]["hits"][1]["_source"] |= {"content": "see report", "title": "482913"}
    bundle = QueryBundle("report 482913", embedding=[0.6, 0.8])
    plain, lifted = (
        retriever(FakeClient([DENSE, lexical]), fields=["title", "content"], lift_mentions=lift).retrieve(bundle)
        for lift in (False, True)
    )
    assert plain[-1].node_id == "d"
    assert lifted[0].node_id == "d"


def test_missing_scores_can_be_completed() -> None:
    completed = [hits({"d": 1.3}), hits({"a": 2.0})]
    client = FakeClient([DENSE, BM25], completed)
    found = retriever(client, complete_scores=True).retrieve(BUNDLE)
    assert record(found).completed == {"dense": {"d": pytest.approx(0.3)}, "bm25": {"a": 2.0, "c": 0.0}}
    dense, lexical = client.calls[2][1]["searches"][1::2]
    assert {"ids": {"values": ["d"]}} in dense["query"]["script_score"]["query"]["bool"]["filter"]
    assert lexical["query"]["bool"]["filter"] == [{"ids": {"values": ["a", "c"]}}]


def test_the_servers_fusion_keeps_its_scores() -> None:
    client = FakeClient([hits({"b": 0.032, "a": 0.016})])
    found = retriever(client, server_fusion="rrf", similarity_top_k=1).retrieve(BUNDLE)
    assert [(hit.node_id, hit.score) for hit in found] == [("b", 0.032)]
    assert record(found).rule == "server rrf"
    assert set(record(found).fused) == {"a", "b"}


def test_a_license_that_does_not_allow_the_servers_fusion_is_named() -> None:
    client = FakeClient([error(403, "current license is non-compliant for [Reciprocal Rank Fusion (RRF)]")])
    with pytest.raises(RetrievalError, match="leave server_fusion=None, which needs no licence"):
        retriever(client, server_fusion="rrf").retrieve(BUNDLE)


def test_the_same_question_twice_scores_the_same() -> None:
    searcher = retriever(FakeClient([DENSE, BM25], [DENSE, BM25]))
    first, second = searcher.retrieve(BUNDLE), searcher.retrieve(BUNDLE)
    assert [(h.node_id, h.score) for h in first] == [(h.node_id, h.score) for h in second]


class RefusingClient(FakeClient):
    """Lets nobody read mappings; a server with security is not at hand."""

    asked = 0

    def get_field_mapping(self, **_: object) -> dict[str, Any]:
        self.asked += 1
        raise ApiError(
            "security_exception", ApiResponseMeta(403, "1.1", HttpHeaders(), 0.1, NodeConfig("http", "a", 1)), {}
        )


def test_a_mapping_that_may_not_be_read_is_taken_for_cosine_and_not_asked_for_each_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = RefusingClient([DENSE, BM25], [DENSE, BM25])
    searcher = retriever(client, similarity=None)
    assert record(searcher.retrieve(BUNDLE)).legs["dense"]["a"].score == pytest.approx(0.9)
    searcher.retrieve(BUNDLE)
    assert client.asked == 1
    assert "give similarity=" in caplog.text


SECRET = "hunter2-secret"


@pytest.mark.parametrize(
    "login",
    [
        {"url": "https://localhost:9200", "api_key": SECRET},
        {"url": "https://localhost:9200", "basic_auth": ("me", SECRET)},
        {"url": f"https://me:{SECRET}@localhost:9200"},
    ],
)
def test_credentials_are_neither_shown_nor_pickled(login: dict[str, Any]) -> None:
    searcher = ElasticsearchHybridRetriever("docs", **login)
    assert SECRET not in repr(searcher) + str(vars(searcher)) + repr(searcher._clients.connection)
    pickled = pickle.dumps(searcher)
    assert SECRET.encode() not in pickled
    restored = pickle.loads(pickled)  # noqa: S301 - made three lines above
    with pytest.raises(ConfigurationError, match="connect"):
        restored.retrieve(BUNDLE)
    with pytest.raises(ConfigurationError, match="connect"):
        pickle.loads(pickle.dumps(restored)).retrieve(BUNDLE)  # noqa: S301
    restored.connect(client=FakeClient([DENSE, BM25], [hits({"b": 1.0})]))  # type: ignore[arg-type]
    assert len(restored.retrieve(BUNDLE)) == 4


def test_a_given_client_is_not_pickled() -> None:
    restored = pickle.loads(pickle.dumps(retriever(FakeClient())))  # noqa: S301
    with pytest.raises(ConfigurationError, match="clients are not pickled"):
        restored.retrieve(BUNDLE)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "url of the Elasticsearch server or a cloud_id"),
        ({"url": "localhost:9200"}, "https://host:9200"),
        ({"url": "http://a:9200", "cloud_id": "b"}, "either the url"),
        ({"url": "http://a:9200", "api_key": "k", "basic_auth": ("u", "p")}, "not both"),
        ({"client": FakeClient(), "url": "http://a:9200"}, "give them, or the client"),
        ({"url": "http://a:9200", "alpha": 1.5}, "between 0 and 1"),
        ({"url": "http://a:9200", "similarity_top_k": 0}, "at least 1"),
        ({"url": "http://a:9200", "exact": True, "server_fusion": "rrf"}, "kNN alone"),
        ({"url": "http://a:9200", "rule": "best"}, "unknown fusion rule"),
        ({"url": "http://a:9200", "text_filed": "body"}, "there is no setting 'text_filed': did you mean text_field?"),
        ({"url": "http://a:9200", "lost": "x"}, "there is no setting 'lost'"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        ElasticsearchHybridRetriever("docs", **settings)
    assert "None" not in str(raised.value)


class Versioned(FakeClient):
    """A server of some version whose vectors are indexed in some way."""

    def __init__(self, number: str | None, kind: str) -> None:
        super().__init__([DENSE, BM25])
        self.number, self.kind = number, kind

    def get_field_mapping(self, **_: object) -> dict[str, Any]:
        vector = {"similarity": "cosine", "index_options": {"type": self.kind}}
        return {"docs": {"mappings": {"embedding": {"mapping": {"embedding": vector}}}}}

    def info(self) -> dict[str, Any]:
        if self.number is None:
            raise ApiError("no", ApiResponseMeta(403, "1.1", HttpHeaders(), 0.1, NodeConfig("http", "a", 1)), {})
        return {"version": {"number": self.number}}


@pytest.mark.parametrize(
    ("number", "kind", "asked", "rescored"),
    [
        ("8.18.0", "int8_hnsw", None, True),
        ("9.2.1-SNAPSHOT", "int4_flat", None, True),
        ("8.17.4", "int8_hnsw", None, False),
        ("8.19.0", "hnsw", None, False),
        ("8.19.0", "bbq_hnsw", None, False),  # the server does so itself
        ("8.19.0", "int8_hnsw", False, False),
        ("8.17.0", "int8_hnsw", True, True),
        (None, "int8_hnsw", None, False),
    ],
)
def test_quantised_vectors_are_compared_again_where_the_server_can(
    number: str | None, kind: str, asked: bool | None, rescored: bool
) -> None:
    client = Versioned(number, kind)
    retriever(client, similarity=None, rescore=asked).retrieve(BUNDLE)
    searches = next(arguments["searches"] for name, arguments in client.calls if name == "msearch")
    assert ("rescore_vector" in searches[1]["knn"]) is rescored
