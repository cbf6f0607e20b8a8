"""A server that is stopped, killed or frozen under the retriever: a second node, for the test alone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from llama_index.core.schema import QueryBundle, TextNode

from llama_index_prod_rag.errors import RetrievalError
from llama_index_prod_rag.retrievers.elasticsearch import (
    Connection,
    ElasticsearchHybridRetriever,
    IngestOptions,
    create_index,
    index_definition,
    ingest,
)
from tests.conftest import skip

pytestmark = pytest.mark.elasticsearch

QUESTION = QueryBundle("lift", embedding=[1.0, 0.0])
SECRET = "hunter2-secret"


@dataclass
class Node:
    """One Elasticsearch process."""

    script: str
    port: int
    data: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _run(self, *arguments: str) -> None:
        environment = {**os.environ, "ES_PORT": str(self.port), "ES_DATA": str(self.data), "ES_HEAP": "512m"}
        subprocess.run([self.script, *arguments], env=environment, check=True, capture_output=True, timeout=120)

    def start(self) -> None:
        self._run()

    def stop(self) -> None:
        self._run("--stop")

    def send(self, number: signal.Signals) -> None:
        os.kill(int((self.data / "node.pid").read_text()), number)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    script = os.environ.get("ELASTICSEARCH_RUN", "")
    if not script:
        skip("no second Elasticsearch node: set ELASTICSEARCH_RUN to the script that starts one")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = Node(script, port, tmp_path_factory.mktemp("node"))
    started.start()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def filled(node: Node) -> str:
    with Connection(url=node.url).open() as client:
        create_index(client, "docs", index_definition(2))
        ingest(client, "docs", [TextNode(id_="a", text="lift", embedding=[1.0, 0.1])]).raise_for_failures()
    return "docs"


@pytest.fixture
def searcher(node: Node, filled: str) -> Iterator[ElasticsearchHybridRetriever]:
    node.start()
    made = ElasticsearchHybridRetriever(filled, url=node.url, basic_auth=("me", SECRET), timeout=3.0)
    yield made
    made.close()


def test_stopped_before_the_question(
    node: Node, searcher: ElasticsearchHybridRetriever, caplog: pytest.LogCaptureFixture
) -> None:
    node.stop()
    with caplog.at_level("DEBUG"), pytest.raises(RetrievalError, match="cannot be reached: start the server") as raised:
        searcher.retrieve(QUESTION)
    assert node.url in str(raised.value)
    assert SECRET not in str(raised.value) + repr(raised.value.__cause__) + caplog.text


async def test_stopped_between_two_questions_and_started_again(
    node: Node, searcher: ElasticsearchHybridRetriever
) -> None:
    assert [hit.node_id for hit in searcher.retrieve(QUESTION)] == ["a"]
    assert [hit.node_id for hit in await searcher.aretrieve(QUESTION)] == ["a"]
    node.stop()
    with pytest.raises(RetrievalError, match="cannot be reached"):
        searcher.retrieve(QUESTION)
    with pytest.raises(RetrievalError, match="cannot be reached"):
        await searcher.aretrieve(QUESTION)
    node.start()
    assert [hit.node_id for hit in searcher.retrieve(QUESTION)] == ["a"]
    assert [hit.node_id for hit in await searcher.aretrieve(QUESTION)] == ["a"]
    await searcher.aclose()


async def test_slow_beyond_the_timeout(node: Node, searcher: ElasticsearchHybridRetriever) -> None:
    searcher.retrieve(QUESTION)
    node.send(signal.SIGSTOP)
    try:
        started = time.monotonic()
        with pytest.raises(RetrievalError, match="did not answer in time: raise `timeout`"):
            searcher.retrieve(QUESTION)
        with pytest.raises(RetrievalError, match="did not answer in time"):
            await searcher.aretrieve(QUESTION)
        assert 5.0 < time.monotonic() - started < 20.0
    finally:
        node.send(signal.SIGCONT)
        await searcher.aclose()


def test_ingest_comes_through_a_server_that_is_killed_while_it_writes(node: Node) -> None:
    node.start()
    nodes = [TextNode(id_=str(n), text="lift " * 20, embedding=[1.0, n]) for n in range(400)]
    revival = threading.Thread(target=lambda: (time.sleep(1.0), node.start()))

    def kill_once(indexed: int, _failed: int) -> None:
        if indexed == 100:
            node.send(signal.SIGKILL)
            revival.start()

    with Connection(url=node.url).open() as client:
        create_index(client, "killed", index_definition(2))
        report = ingest(client, "killed", nodes, IngestOptions(batch_size=50, backoff=1.0, on_progress=kill_once))
        revival.join()
        assert (report.indexed, report.failed) == (400, {})
        assert report.retries >= 1
        assert client.count(index="killed")["count"] == 400
