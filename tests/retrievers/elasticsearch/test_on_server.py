"""Search and ingest on a real server: our index, LlamaIndex's, a user's own; and what each fault ends in."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from elasticsearch import AsyncElasticsearch, Elasticsearch
from llama_index.core.schema import NodeRelationship, NodeWithScore, QueryBundle, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters

from llama_index_prod_rag.errors import InputError, RetrievalError
from llama_index_prod_rag.retrievers.elasticsearch import (
    Connection,
    ElasticsearchHybridRetriever,
    IngestOptions,
    aingest,
    create_index,
    index_definition,
    ingest,
)
from llama_index_prod_rag.trace.records import RetrievalRecord

pytestmark = pytest.mark.elasticsearch

# (title, text, vector): the third is close to the question's vector and shares no word with it
PASSAGES = {
    "wing": ("Wings", "The lift of a wing grows with the angle of attack.", [0.8, 0.6]),
    "rotor": ("Rotors", "A rotor blade is a wing that turns.", [0.6, 0.8]),
    "kite": ("Kites", "Tethered gliders.", [1.0, 0.1]),
    "bread": ("Bread", "Flour, water, salt and yeast.", [-0.2, 1.0]),
}
QUESTION = QueryBundle("lift of a wing", embedding=[1.0, 0.0])


def make_nodes() -> list[TextNode]:
    return [
        TextNode(
            id_=node_id,
            text=text,
            embedding=vector,
            metadata={"title": title, "length": len(text)},
            relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id="book")},
        )
        for node_id, (title, text, vector) in PASSAGES.items()
    ]


@pytest.fixture(scope="module")
def filled(client: Elasticsearch, index: str) -> str:
    create_index(client, index, index_definition(2))
    assert create_index(client, index, index_definition(2)) is False
    report = ingest(client, index, make_nodes())
    assert (report.indexed, report.failed, report.retries) == (4, {}, 0)
    return index


def record(hits: list[NodeWithScore]) -> RetrievalRecord:
    return hits[0].retrieval  # type: ignore[attr-defined, no-any-return]


def test_hits_are_the_nodes_that_went_in(client: Elasticsearch, filled: str) -> None:
    searcher = ElasticsearchHybridRetriever(filled, client=client, fields=["title", "content"])
    hits = searcher.retrieve(QUESTION)
    originals = {node.node_id: node for node in make_nodes()}
    assert [hit.node_id for hit in hits][:1] == ["wing"]
    assert {hit.node_id for hit in hits} == set(originals)
    for hit in hits:
        original = originals[hit.node_id]
        assert (hit.text, hit.metadata) == (original.text, original.metadata)
        assert hit.node.ref_doc_id == "book"
    found = record(hits)
    assert found.legs["dense"]["kite"].score == pytest.approx(1.0 / 1.01**0.5, abs=0.02)  # a cosine, quantised
    assert set(found.legs["bm25"]) == {"wing", "rotor"}
    assert {node_id: list(vector) for node_id, vector in found.vectors.items()} == {
        node_id: vector for node_id, (_, _, vector) in PASSAGES.items()
    }


def test_exact_scores_are_cosines(client: Elasticsearch, filled: str) -> None:
    hits = ElasticsearchHybridRetriever(filled, client=client, exact=True, vectors=False).retrieve(QUESTION)
    scores = {node_id: hit.score for node_id, hit in record(hits).legs["dense"].items()}
    expected = {i: v[0] / (v[0] ** 2 + v[1] ** 2) ** 0.5 for i, (_, _, v) in PASSAGES.items()}
    assert scores == pytest.approx(expected, abs=1e-6)
    assert record(hits).vectors == {}


@pytest.mark.parametrize("lexical", ["cross_fields", "combined_fields", "most_fields", "best_fields"])
def test_every_lexical_kind_runs(client: Elasticsearch, filled: str, lexical: Any) -> None:
    searcher = ElasticsearchHybridRetriever(
        filled, client=client, fields=["title^2", "content"], lexical=lexical, alpha=0.0
    )
    assert [hit.node_id for hit in searcher.retrieve("wings and lift")] == ["wing", "rotor"]


def test_scores_completed_by_the_server_are_the_legs_own(client: Elasticsearch, filled: str) -> None:
    settings: dict[str, Any] = {"client": client, "exact": True, "similarity_top_k": 1}
    short = ElasticsearchHybridRetriever(filled, **settings, leg_top_k=1, complete_scores=True).retrieve(QUESTION)
    whole = ElasticsearchHybridRetriever(filled, **settings).retrieve(QUESTION)
    completed = record(short).completed
    assert set(completed) == {"dense", "bm25"}
    for leg, scores in completed.items():
        for node_id, score in scores.items():
            known = record(whole).legs[leg].get(node_id)
            assert score == pytest.approx(known.score if known else 0.0, abs=1e-6)


def test_filters_exclude_in_both_legs(client: Elasticsearch, filled: str) -> None:
    title = MetadataFilters(filters=[MetadataFilter(key="title", operator="in", value=["Rotors", "Bread"])])  # type: ignore[arg-type]
    hits = ElasticsearchHybridRetriever(filled, client=client, filters=title).retrieve(QUESTION)
    assert {hit.node_id for hit in hits} == {"rotor", "bread"}


@pytest.mark.parametrize(
    "question",
    ["title:wing OR *", '"lift" AND (', "_exists_:content", "lift~2^9 /.*/", "\\", "{}", "wing\x00", "🪁", "", "  "],
)
def test_a_question_is_text_and_nothing_else(client: Elasticsearch, filled: str, question: str) -> None:
    hits = ElasticsearchHybridRetriever(filled, client=client, fields=["title", "content"]).retrieve(
        QueryBundle(question, embedding=[1.0, 0.0])
    )
    assert record(hits).failed == {}
    assert "bread" not in record(hits).legs["bm25"]


@pytest.fixture
async def async_client(elasticsearch_url: str) -> AsyncIterator[AsyncElasticsearch]:
    async with Connection(url=elasticsearch_url).aopen() as connected:
        yield connected


@pytest.fixture
async def relay(elasticsearch_url: str) -> AsyncIterator[str]:
    """The server behind a relay that runs in the test's own event loop: a call that blocks the loop never returns."""
    server = urlsplit(elasticsearch_url)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(server.hostname, server.port)
        await asyncio.gather(pump(reader, to_server), pump(from_server, writer), return_exceptions=True)

    listening = await asyncio.start_server(connect, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    listening.close()


async def test_async_is_the_same_and_leaves_the_loop_free(client: Elasticsearch, filled: str, relay: str) -> None:
    expected = [
        (hit.node_id, hit.score) for hit in ElasticsearchHybridRetriever(filled, client=client).retrieve(QUESTION)
    ]
    async with Connection(url=relay).aopen() as asynchronous:
        loop_bound = ElasticsearchHybridRetriever(filled, async_client=asynchronous)
        several = await asyncio.gather(*(loop_bound.aretrieve(QUESTION) for _ in range(5)))
    with Connection(url=relay).open() as synchronous:
        several.append(await ElasticsearchHybridRetriever(filled, client=synchronous).aretrieve(QUESTION))
    assert all([(hit.node_id, hit.score) for hit in hits] == expected for hits in several)


def test_each_event_loop_gets_its_own_connection(elasticsearch_url: str, filled: str) -> None:
    searcher = ElasticsearchHybridRetriever(filled, url=elasticsearch_url)

    async def ask() -> list[str]:
        try:
            return [hit.node_id for hit in await searcher.aretrieve(QUESTION)]
        finally:
            await searcher.aclose()

    first, second = asyncio.run(ask()), asyncio.run(ask())
    assert first == second == [hit.node_id for hit in searcher.retrieve(QUESTION)]
    searcher.close()


@pytest.fixture(scope="module")
def stores_index(elasticsearch_url: str, index: str) -> str:
    """An index that LlamaIndex's own store wrote."""
    elasticsearch_store = pytest.importorskip("llama_index.vector_stores.elasticsearch")
    name = f"{index}-store"

    async def write() -> None:
        async with Connection(url=elasticsearch_url).aopen() as connected:
            store = elasticsearch_store.ElasticsearchStore(index_name=name, es_client=connected)
            await store.async_add(make_nodes())

    asyncio.run(write())
    return name


def test_an_index_that_llamaindex_wrote(client: Elasticsearch, stores_index: str) -> None:
    title = MetadataFilters(filters=[MetadataFilter(key="title", value="Wings")])
    searcher = ElasticsearchHybridRetriever(stores_index, client=client)
    hits = searcher.retrieve(QUESTION)
    assert hits[0].node_id == "wing"
    assert hits[0].metadata == {"title": "Wings", "length": 50}
    assert hits[0].node.ref_doc_id == "book"
    assert [hit.node_id for hit in searcher.with_filters(title).retrieve(QUESTION)] == ["wing"]


def test_an_index_of_ones_own(client: Elasticsearch, index: str) -> None:
    name = f"{index}-own"
    properties = {
        "headline": {"type": "text"},
        "body": {"type": "text"},
        "vec": {"type": "dense_vector", "dims": 2, "similarity": "dot_product"},
        "year": {"type": "integer"},
    }
    client.indices.create(index=name, mappings={"properties": properties})
    client.index(index=name, id="1", document={"headline": "Wings", "body": "Lift.", "vec": [0.6, 0.8], "year": 1958})
    client.index(index=name, id="2", document={"headline": "Bread", "body": "Yeast.", "vec": [1.0, 0.0], "year": 1999})
    client.indices.refresh(index=name)
    searcher = ElasticsearchHybridRetriever(
        name,
        client=client,
        fields=["headline^2", "body"],
        text_field="body",
        vector_field="vec",
        metadata_field=None,
        similarity="dot_product",
        filters=MetadataFilters(filters=[MetadataFilter(key="year", operator="<", value=1990)]),  # type: ignore[arg-type]
    )
    (hit,) = searcher.retrieve(QueryBundle("lift", embedding=[0.6, 0.8]))
    assert (hit.node_id, hit.text, hit.metadata) == ("1", "Lift.", {"headline": "Wings", "year": 1958})
    assert record([hit]).legs["dense"]["1"].score == pytest.approx(1.0, abs=0.02)


# Faults: each ends in fewer legs with a reason, or in an error that names the cause and the remedy.


def test_no_such_index(client: Elasticsearch, index: str) -> None:
    with pytest.raises(RetrievalError, match=r"no such index \[.*-gone\]: check the index's name, or create it"):
        ElasticsearchHybridRetriever(f"{index}-gone", client=client).retrieve(QUESTION)


@pytest.mark.parametrize("exact", [False, True])
def test_a_vector_of_another_model(client: Elasticsearch, filled: str, exact: bool) -> None:
    question = QueryBundle("lift", embedding=[1.0, 0.0, 0.0])
    hits = ElasticsearchHybridRetriever(filled, client=client, exact=exact).retrieve(question)
    assert [hit.node_id for hit in hits] == ["wing"]
    assert "embed the question with the model that the index was built with" in record(hits).failed["dense"]


@pytest.mark.parametrize("exact", [False, True])
def test_no_vector_field(client: Elasticsearch, filled: str, exact: bool) -> None:
    searcher = ElasticsearchHybridRetriever(filled, client=client, vector_field="vec", exact=exact)
    assert "no field vec: set vector_field" in record(searcher.retrieve(QUESTION)).failed["dense"]


def test_no_text_field(client: Elasticsearch, filled: str) -> None:
    hits = ElasticsearchHybridRetriever(filled, client=client, fields=["body", "head"], lift_mentions=False).retrieve(
        QUESTION
    )
    assert "no field body or head: set fields" in record(hits).failed["bm25"]
    assert hits[0].node_id == "kite"


def test_a_code_that_one_document_holds_is_found(client: Elasticsearch, filled: str) -> None:
    body = {"content": "Gliders of type AX-4471-B are grounded.", "embedding": [0.1, 1.0]}
    client.index(index=filled, id="code", document=body, refresh=True)
    try:
        searcher = ElasticsearchHybridRetriever(filled, client=client, alpha=0.9)
        hits = searcher.retrieve(QueryBundle("what turns on a wing of AX-4471-B", embedding=[1.0, 0.0]))
        assert (hits[0].node_id, record(hits).lifts["code"]) == ("code", 1.0)
    finally:
        client.delete(index=filled, id="code", refresh=True)


def test_one_leg_rejected(client: Elasticsearch, filled: str, caplog: pytest.LogCaptureFixture) -> None:
    words = " ".join(f"word{number}" for number in range(70_000))  # more clauses than the server allows
    with caplog.at_level(logging.WARNING):
        hits = ElasticsearchHybridRetriever(filled, client=client).retrieve(QueryBundle(words, embedding=[1.0, 0.0]))
    assert hits[0].node_id == "kite"
    assert "shorten the question" in record(hits).failed["bm25"]
    assert "word7" not in caplog.text


@pytest.mark.parametrize("rule", ["rrf", "linear"])
def test_a_server_without_its_own_fusion(client: Elasticsearch, filled: str, rule: Any) -> None:
    with pytest.raises(RetrievalError, match="leave server_fusion=None, which needs no licence"):
        ElasticsearchHybridRetriever(filled, client=client, server_fusion=rule).retrieve(QUESTION)


@pytest.fixture
def overloaded(client: Elasticsearch) -> Iterator[None]:
    """The server rejects what needs memory, with 429, as it does when it runs out of it."""
    limits = ("indices.breaker.total.limit", "indices.breaker.request.limit", "network.breaker.inflight_requests.limit")
    client.cluster.put_settings(transient={limits[2]: "2kb"})
    yield
    client.cluster.put_settings(transient=dict.fromkeys(limits))


@pytest.mark.usefixtures("overloaded")
def test_an_overloaded_server(client: Elasticsearch, filled: str) -> None:
    long = QueryBundle("lift " * 1000, embedding=[1.0, 0.0])
    with pytest.raises(RetrievalError, match="the server is overloaded: retry later"):
        ElasticsearchHybridRetriever(filled, client=client).retrieve(long)


def test_ingest_waits_for_an_overloaded_server(
    client: Elasticsearch, index: str, overloaded: None, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"{index}-waiting"
    create_index(client, name, index_definition(2))
    nodes = [TextNode(id_=str(n), text="lift " * 200, embedding=[1.0, n]) for n in range(20)]
    started = time.monotonic()

    def relieve(_indexed: int, _failed: int) -> None:
        client.cluster.put_settings(transient={"network.breaker.inflight_requests.limit": None})

    hopeless = ingest(client, name, nodes, IngestOptions(max_retries=1, backoff=0.05, on_progress=relieve))
    assert hopeless.indexed == 0
    assert set(hopeless.failed) == {node.node_id for node in nodes}
    assert "overloaded" in hopeless.failed["0"]
    assert "20 of 20 documents were not indexed" in caplog.text
    assert time.monotonic() - started < 30
    assert ingest(client, name, nodes).indexed == 20
    assert client.count(index=name)["count"] == 20


async def test_ingest_comes_through_an_overload_that_passes(
    client: Elasticsearch, async_client: AsyncElasticsearch, index: str, overloaded: None
) -> None:
    name = f"{index}-passing"
    create_index(client, name, index_definition(2))
    nodes = [TextNode(id_=str(n), text="lift " * 200, embedding=[1.0, n]) for n in range(20)]

    async def relieve() -> None:
        await asyncio.sleep(0.5)
        await async_client.cluster.put_settings(transient={"network.breaker.inflight_requests.limit": None})

    relief = asyncio.create_task(relieve())
    report = await aingest(async_client, name, nodes, IngestOptions(backoff=0.2, batch_size=7))
    await relief
    assert (report.indexed, report.failed) == (20, {})
    assert report.retries >= 1


def test_documents_that_cannot_be_indexed_are_reported(client: Elasticsearch, filled: str) -> None:
    good, bare, long, zero = (TextNode(id_=i, text=i) for i in ("good", "bare", "long", "zero"))
    good.embedding, long.embedding, zero.embedding = [0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0]
    progress: list[tuple[int, int]] = []
    report = ingest(
        client, filled, [good, bare, long, zero], IngestOptions(on_progress=lambda *done: progress.append(done))
    )
    assert report.indexed == 1
    assert "give an embed_model" in report.failed["bare"]
    assert "dimension" in report.failed["long"]
    assert "zero magnitude" in report.failed["zero"]
    assert progress == [(1, 3)]
    assert good.metadata == {}
    with pytest.raises(InputError, match="3 documents were not indexed; the first, bare"):
        report.raise_for_failures()
    client.delete(index=filled, id="good", refresh=True)


def test_ingest_does_not_invent_an_index(client: Elasticsearch, index: str) -> None:
    with pytest.raises(RetrievalError, match="create it first"):
        ingest(client, f"{index}-gone", make_nodes())


def test_what_the_first_passages_name_is_looked_up_behind_the_server_too(client: Elasticsearch, index: str) -> None:
    from llama_index_prod_rag.retrievers import LinkedRetriever

    texts = {
        "Ed Wood": ("A film that Tim Burton directed.", "staff"),
        "Tim Burton": ("Born in Burbank.", "staff"),
        "Burbank": ("A city.", "board"),
    }
    nodes = [
        TextNode(id_=title, text=text, embedding=[1.0, 0.1 * n], metadata={"title": title, "group": group})
        for n, (title, (text, group)) in enumerate(texts.items())
    ]
    create_index(client, f"{index}-links", index_definition(2))
    ingest(client, f"{index}-links", nodes)
    searcher = ElasticsearchHybridRetriever(f"{index}-links", client=client, similarity_top_k=1)
    question = QueryBundle("film", embedding=[1.0, 0.0])
    assert [hit.node_id for hit in searcher.retrieve(question)] == ["Ed Wood"]
    linked = LinkedRetriever(searcher, nodes, hops=2)
    hits = linked.retrieve(question)
    assert [hit.node_id for hit in hits] == ["Ed Wood", "Tim Burton", "Burbank"]
    assert record(hits).legs
    assert [hit.node_id for hit in asyncio.run(linked.aretrieve(question))] == ["Ed Wood", "Tim Burton", "Burbank"]
    staff = linked.with_filters(MetadataFilters(filters=[MetadataFilter(key="group", value="staff")]))
    assert [hit.node_id for hit in staff.retrieve(question)] == ["Ed Wood", "Tim Burton"]
