"""What goes into an index: hostile text, ids the server refuses, documents that are replaced."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen

import pytest
from elasticsearch import VERSION, Elasticsearch
from llama_index.core.schema import NodeRelationship, QueryBundle, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters

from llama_index_prod_rag.calls import run
from llama_index_prod_rag.errors import RetrievalError
from llama_index_prod_rag.retrievers.elasticsearch import (
    Connection,
    ElasticsearchHybridRetriever,
    IngestOptions,
    aingest,
    create_index,
    index_definition,
    ingest,
)
from llama_index_prod_rag.retrievers.elasticsearch.bulk import parts, write

pytestmark = pytest.mark.elasticsearch

QUESTION = QueryBundle("widget", embedding=[1.0, 0.0])
LATIN_1 = os.fsdecode(b"caf\xe9.md")  # a file name in another encoding: a lone surrogate


@pytest.fixture
def name(client: Elasticsearch) -> Iterator[str]:
    made = f"prod-rag-{uuid.uuid4().hex[:12]}"
    create_index(client, made, index_definition(2))
    yield made
    client.indices.delete(index=made)


def node(node_id: str, text: str = "widget", source: str | None = None, **metadata: Any) -> TextNode:
    relations = {NodeRelationship.SOURCE: RelatedNodeInfo(node_id=source)} if source else {}
    return TextNode(id_=node_id, text=text, metadata=metadata, embedding=[1.0, 0.1], relationships=relations)


def test_lone_surrogates_do_not_poison_the_index(client: Elasticsearch, elasticsearch_url: str, name: str) -> None:
    poison = node("bad", "widget \ud83d", file_name=LATIN_1, title="\udc00")
    assert ingest(client, name, [node("good"), poison]).failed == {}
    assert poison.metadata["file_name"] == LATIN_1
    named = MetadataFilters(filters=[MetadataFilter(key="file_name", value=LATIN_1)])
    for searcher in (
        ElasticsearchHybridRetriever(name, url=elasticsearch_url),
        ElasticsearchHybridRetriever(name, client=client),
    ):
        hits = {hit.node_id: hit for hit in searcher.retrieve(QueryBundle("widget \ud83d", embedding=[1.0, 0.0]))}
        assert (hits["bad"].text, hits["bad"].metadata["file_name"]) == ("widget \ufffd", "caf\ufffd.md")
        assert [hit.node_id for hit in searcher.with_filters(named).retrieve(QUESTION)] == ["bad"]
        searcher.close()


def test_what_another_program_wrote_is_read_whatever_it_holds(
    client: Elasticsearch, elasticsearch_url: str, name: str
) -> None:
    """The server keeps broken UTF-8, and gives it back."""
    lines = b'{"index":{"_id":"bad"}}\n{"content":"widget \xed\xb3\xa9","embedding":[1.0,0.1]}\n'
    client.perform_request(
        "POST",
        f"/{name}/_bulk?refresh=true",
        body=lines,
        headers={"content-type": "application/x-ndjson", "accept": "application/json"},
    )
    client.index(index=name, id="good", document={"content": "widget", "embedding": [1.0, 0.2]}, refresh=True)
    searchers = [ElasticsearchHybridRetriever(name, url=elasticsearch_url)]
    if VERSION[0] == 8:  # a server 8 refuses plain clients of library 9
        searchers.append(ElasticsearchHybridRetriever(name, client=Elasticsearch(elasticsearch_url)))
    for searcher in searchers:
        texts = {hit.node_id: hit.text for hit in searcher.retrieve(QUESTION)}
        assert texts["good"] == "widget"
        assert texts["bad"].startswith("widget \ufffd")
        assert texts["bad"].encode()


@pytest.mark.skipif(VERSION[0] < 9, reason="client library 8 talks to servers 8 and 9")
def test_a_plain_client_of_library_9_is_told_what_to_do(elasticsearch_url: str, name: str) -> None:
    with Elasticsearch(elasticsearch_url) as plain:
        if b'number" : "9' in urlopen(elasticsearch_url).read():  # noqa: S310 - the test's own server
            pytest.skip("a server 9 understands it")
        with pytest.raises(RetrievalError, match="newer than the server: pip install 'elasticsearch<9'"):
            ingest(plain, name, [node("a")])
        with pytest.raises(RetrievalError, match="newer than the server"):
            ElasticsearchHybridRetriever(name, client=plain).retrieve(QUESTION)


def test_numbers_that_are_not_finite_are_kept_beside_the_filters(client: Elasticsearch, name: str) -> None:
    assert ingest(client, name, [node("nan", score=float("nan")), node("inf", score=float("inf"))]).failed == {}
    high = MetadataFilters(filters=[MetadataFilter(key="score", operator=">", value=1.0)])  # type: ignore[arg-type]
    searcher = ElasticsearchHybridRetriever(name, client=client)
    assert searcher.with_filters(high).retrieve(QUESTION) == []
    assert len(searcher.retrieve(QUESTION)) == 2


def test_ids_that_the_server_refuses_take_nothing_with_them(client: Elasticsearch, name: str) -> None:
    longest = "ä" * 256
    report = ingest(
        client, name, [node("a"), node("x" * 513), node("ä" * 257), node(""), node("\ud800"), node(longest)]
    )
    assert report.indexed == 2
    assert (
        report.failed["x" * 513] == "its id has 513 bytes, and Elasticsearch takes at most 512: give it a shorter one"
    )
    assert "514 bytes" in report.failed["ä" * 257]
    assert "empty" in report.failed[""]
    assert "lone surrogate" in report.failed["\ud800"]
    assert client.count(index=name)["count"] == 2


def test_a_batch_that_is_refused_as_a_whole_is_halved_until_the_culprit_is_alone(
    client: Elasticsearch, name: str
) -> None:
    documents = {str(number): '{"content": "widget"}' for number in range(20)}
    documents["y" * 600] = '{"content": "widget"}'
    reasons, retries = run(write(name, documents, max_retries=2, backoff=0.01), client)
    assert list(reasons) == ["y" * 600]
    assert 0 < retries <= 12
    client.indices.refresh(index=name)
    assert client.count(index=name)["count"] == 20


def test_parts_keep_to_their_size() -> None:
    assert [list(part) for part in parts({"a": "12", "b": "34", "c": "5" * 9, "d": "6"}, 4)] == [
        ["a", "b"],
        ["c"],
        ["d"],
    ]


def test_metadata_that_is_not_json_fails_alone(client: Elasticsearch, name: str) -> None:
    report = ingest(client, name, [node("a"), node("b", what=object()), node("c")])
    assert report.indexed == 2
    assert "cannot be written as JSON" in report.failed["b"]


def test_a_progress_bar(client: Elasticsearch, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    ingest(client, name, [node(str(number)) for number in range(7)], IngestOptions(show_progress=True, batch_size=3))
    assert "7/7" in capsys.readouterr().err


# Replacing


def chunks(client: Elasticsearch, name: str) -> set[str]:
    return {hit["_id"] for hit in client.search(index=name, size=1000, source=False)["hits"]["hits"]}


def test_a_document_that_shrinks_leaves_no_old_chunks(client: Elasticsearch, name: str) -> None:
    old = [node(f"a{number}", source="a") for number in range(5)]
    ingest(client, name, [*old, node("b0", source="b"), node("own")])
    report = ingest(client, name, [node("a0", "new widget", source="a"), node("a9", source="a")], replace=True)
    assert (report.indexed, report.removed, report.failed) == (2, 4, {})
    assert chunks(client, name) == {"a0", "a9", "b0", "own"}
    hits = {hit.node_id: hit.text for hit in ElasticsearchHybridRetriever(name, client=client).retrieve(QUESTION)}
    assert hits["a0"] == "new widget"
    assert "refresh_interval" not in client.indices.get_settings(index=name)[name]["settings"]["index"]


async def test_the_same_asynchronously(client: Elasticsearch, elasticsearch_url: str, name: str) -> None:
    ingest(client, name, [node("a0", source="a"), node("a1", source="a")])
    async with Connection(url=elasticsearch_url).aopen() as asynchronous:
        report = await aingest(asynchronous, name, iter([node("a2", source="a")]), replace=True)
    assert report.removed == 2
    assert chunks(client, name) == {"a2"}


def test_a_source_with_a_node_that_failed_keeps_its_old_chunks(
    client: Elasticsearch, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    ingest(client, name, [node("a0", source="a"), node("b0", source="b")])
    bare = TextNode(id_="a1", text="widget", relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id="a")})
    report = ingest(client, name, [bare, node("b1", source="b")], replace=True)
    assert report.removed == 1
    assert chunks(client, name) == {"a0", "b1"}
    assert "1 sources keep their old chunks" in caplog.text


def test_readers_never_see_a_document_half_replaced(client: Elasticsearch, elasticsearch_url: str, name: str) -> None:
    def version(number: int, count: int) -> list[TextNode]:
        return [node(f"{number}-{chunk}", f"v{number}", source="a") for chunk in range(count)]

    client.indices.put_settings(index=name, settings={"index": {"refresh_interval": "5ms"}})
    ingest(client, name, version(0, 40), replace=True)
    seen: set[frozenset[str]] = set()
    done = threading.Event()

    def read() -> None:
        with Connection(url=elasticsearch_url).open() as reader:
            while not done.is_set():
                answer = reader.search(index=name, size=1000, source_includes=["content"])["hits"]["hits"]
                seen.add(frozenset(hit["_source"]["content"] + f"*{len(answer)}" for hit in answer))

    reading = threading.Thread(target=read)
    reading.start()
    slow = IngestOptions(batch_size=10, on_progress=lambda *_: time.sleep(0.03))
    try:
        for number, count in ((1, 40), (2, 20), (3, 60)):
            ingest(client, name, version(number, count), slow, replace=True)
    finally:
        done.set()
        reading.join()
    assert seen <= {frozenset({"v0*40"}), frozenset({"v1*40"}), frozenset({"v2*20"}), frozenset({"v3*60"})}
    assert len(seen) >= 3
    assert client.indices.get_settings(index=name)[name]["settings"]["index"]["refresh_interval"] == "5ms"


def test_a_replacement_that_was_killed_does_not_hold_refreshes_for_good(client: Elasticsearch, name: str) -> None:
    client.indices.put_settings(index=name, settings={"index": {"refresh_interval": "3599s"}})  # as a kill leaves it
    ingest(client, name, [node("a0", source="a")], replace=True)
    assert "refresh_interval" not in client.indices.get_settings(index=name)[name]["settings"]["index"]
    with pytest.raises(KeyboardInterrupt):
        ingest(client, name, [node("a1", source="a")], IngestOptions(on_progress=interrupt), replace=True)
    assert "refresh_interval" not in client.indices.get_settings(index=name)[name]["settings"]["index"]


def interrupt(*_: int) -> None:
    raise KeyboardInterrupt
