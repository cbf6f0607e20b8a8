"""The HTTP example as its users meet it: a real server in its own process, a real client, real refusals."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from llama_index_prod_rag import QueryLog
from llama_index_prod_rag.models.llm import OfflineLLM
from llama_index_prod_rag.query_log.record import QueryRecord
from tests.examples.conftest import ANSWERED, REFUSED

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
_LISTENING = re.compile(r"running on (http://127\.0\.0\.1:\d+)")


@dataclass
class Server:
    """The example under uvicorn, on a port that the system chose."""

    log: Path
    environment: dict[str, str]
    errors: list[str] = field(default_factory=list)

    def start(self) -> Server:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "examples.fastapi_app:app", "--port", "0"],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PROD_RAG_LOG": f"sqlite:///{self.log}", **self.environment},
        )
        self._listening, self.url = threading.Event(), ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._listening.wait(120), "".join(self.errors)
        assert self.url, "".join(self.errors)
        return self

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.errors.append(line)
            if found := _LISTENING.search(line):
                self.url = found[1]
                self._listening.set()
        self._listening.set()  # it has ended

    def stop(self) -> int:
        """End it as a service manager does; its exit code."""
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(60)
        self._reader.join(10)
        return code

    def records(self) -> list[QueryRecord]:
        with QueryLog(f"sqlite:///{self.log}") as log:
            return list(log.records())

    def record_of(self, question: str) -> QueryRecord:
        """The record of a question, which may still be on its way."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.log.exists() and (found := [record for record in self.records() if record.query == question]):
                return found[0]
            time.sleep(0.1)
        raise AssertionError(f"no record of {question!r}: {''.join(self.errors)}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server that quotes."""
    running = Server(tmp_path_factory.mktemp("quoting") / "queries.sqlite", {}).start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def writing_server(tmp_path_factory: pytest.TempPathFactory, offline_llm: OfflineLLM) -> Iterator[Server]:
    """One server whose answers the bundled language model writes."""
    offline_llm.complete("Hello")  # makes the converted copy, where there is none yet
    running = Server(tmp_path_factory.mktemp("writing") / "queries.sqlite", {"PROD_RAG_LLM": "offline"}).start()
    yield running
    running.stop()


def client_of(server: Server) -> httpx.Client:
    return httpx.Client(base_url=server.url, timeout=120, trust_env=False)


def events(response: httpx.Response) -> Iterator[tuple[str, Any]]:
    """Name and data of each server-sent event, as it comes in."""
    name = ""
    for line in response.iter_lines():
        key, _, value = line.partition(": ")
        if key == "event":
            name = value
        elif key == "data":
            yield name, json.loads(value)


def streamed(client: httpx.Client, question: str) -> list[tuple[str, Any]]:
    with client.stream("POST", "/ask/stream", json={"question": question}) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        return list(events(response))


def test_an_answer_comes_with_its_decision_and_sources(server: Server) -> None:
    with client_of(server) as client:
        answer = client.post("/ask", json={"question": ANSWERED}).json()
    assert answer["decision"] == "answer"
    assert "90 days" in answer["answer"]
    source = answer["sources"][0]
    text = (ROOT / "examples" / "handbook" / source["file"]).read_text(encoding="utf-8")
    assert text[source["start"] : source["end"]] == source["text"]


def test_a_refusal_is_a_stream_like_any_other(server: Server) -> None:
    with client_of(server) as client:
        came = streamed(client, REFUSED)
    assert [name for name, _ in came] == ["decision", "token", "end"]
    decided, token, ended = (data for _, data in came)
    assert decided["decision"] == ended["decision"] == "refuse"
    assert token.startswith("I cannot answer this from the documents")
    assert decided["query_id"] == ended["query_id"]


@pytest.mark.parametrize(
    "body",
    [{}, {"question": ""}, {"question": "x" * 2001}, {"question": 7}, {"question": "why?", "session": "s" * 201}],
    ids=["nothing", "empty", "too long", "no text", "long session"],
)
@pytest.mark.parametrize("path", ["/ask", "/ask/stream"])
def test_bad_input_is_a_client_error(server: Server, path: str, body: dict[str, Any]) -> None:
    with client_of(server) as client:
        response = client.post(path, json=body)
    assert response.status_code == 422
    assert response.json()["detail"]


def test_feedback_finds_its_question(server: Server) -> None:
    question = "How many days of holiday do I have?"
    with client_of(server) as client:
        asked = client.post("/ask", json={"question": question, "session": "s-7"}).json()
        judged = {"query_id": asked["query_id"], "helpful": True, "comment": "Danke, schön ☂"}
        assert client.post("/feedback", json=judged).status_code == 202
        assert client.post("/feedback", json={**judged, "query_id": "no-such-question"}).status_code == 404
        assert client.post("/feedback", json={"query_id": asked["query_id"]}).status_code == 422
    deadline = time.monotonic() + 30
    while not (record := server.record_of(question)).feedback and time.monotonic() < deadline:
        time.sleep(0.1)
    assert record.query_id == asked["query_id"]
    assert record.session_id == "s-7"
    assert [(given.helpful, given.comment) for given in record.feedback] == [(True, "Danke, schön ☂")]


def test_concurrent_questions_do_not_mix(server: Server) -> None:
    questions = [f"{text} (case {number})" for number in range(6) for text in (ANSWERED, REFUSED)]
    with client_of(server) as client, ThreadPoolExecutor(12) as pool:
        streams = list(pool.map(lambda question: streamed(client, question), questions))
    ids = set()
    for question, came in zip(questions, streams, strict=True):
        expected = "refuse" if question.startswith(REFUSED) else "answer"
        assert came[-1][1]["decision"] == expected, question
        record = server.record_of(question)
        assert record.query_id == came[0][1]["query_id"]
        assert record.answer == "".join(data for name, data in came if name == "token")
        ids.add(record.query_id)
    assert len(ids) == len(questions)


@pytest.mark.llm
def test_tokens_arrive_while_the_model_writes(writing_server: Server) -> None:
    moments = []
    with (
        client_of(writing_server) as client,
        client.stream("POST", "/ask/stream", json={"question": ANSWERED}) as response,
    ):
        came = []
        for event in events(response):
            came.append(event)
            moments.append(time.monotonic())
    tokens = [data for name, data in came if name == "token"]
    assert len(tokens) > 3
    assert "90 days" in "".join(tokens)
    assert moments[-1] - moments[1] > 0.05  # sent one by one, not held back until the end
    assert came[-1][0] == "end"
    assert writing_server.record_of(ANSWERED).answer == "".join(tokens)


@pytest.mark.llm
def test_a_reader_who_leaves_is_logged_with_what_was_sent(writing_server: Server) -> None:
    question = "How long is parental leave, and how may it be taken?"
    with (
        client_of(writing_server) as client,
        client.stream("POST", "/ask/stream", json={"question": question}) as response,
    ):
        got = ""
        for name, data in events(response):
            got += data if name == "token" else ""
            if len(got) > 10:
                break
    record = writing_server.record_of(question)
    assert record.error == "the reader left before the end"
    assert record.answer is not None
    assert record.answer.startswith(got)
    with client_of(writing_server) as client:  # and the server goes on
        assert client.post("/ask", json={"question": REFUSED}).json()["decision"] == "refuse"
    assert "Traceback" not in "".join(writing_server.errors)


def test_a_stopped_server_has_written_its_log_and_said_goodbye(tmp_path: Path) -> None:
    server = Server(tmp_path / "queries.sqlite", {}).start()
    questions = [f"{ANSWERED} ({number})" for number in range(5)]
    with client_of(server) as client:
        for question in questions:
            client.post("/ask", json={"question": question}).raise_for_status()
        asked = client.post("/ask", json={"question": REFUSED}).json()
        client.post("/feedback", json={"query_id": asked["query_id"], "helpful": False}).raise_for_status()
    code = server.stop()
    assert code in {0, -signal.SIGTERM}  # uvicorn ends itself by the signal it caught, after its shutdown
    assert "Application shutdown complete" in "".join(server.errors)
    assert "Traceback" not in "".join(server.errors)
    records = server.records()
    assert {record.query for record in records} == {*questions, REFUSED}
    assert [given.helpful for record in records for given in record.feedback] == [False]


@pytest.mark.llm
def test_a_stream_under_way_ends_before_the_server_does(tmp_path: Path, offline_llm: OfflineLLM) -> None:
    offline_llm.complete("Hello")
    server = Server(tmp_path / "queries.sqlite", {"PROD_RAG_LLM": "offline"}).start()
    with client_of(server) as client, client.stream("POST", "/ask/stream", json={"question": ANSWERED}) as response:
        came = []
        stopping: threading.Thread | None = None
        for event in events(response):
            came.append(event)
            if event[0] == "token" and stopping is None:
                stopping = threading.Thread(target=server.stop)
                stopping.start()
        assert stopping is not None
        stopping.join(60)
    assert came[-1][0] == "end"
    [record] = server.records()
    assert record.error is None
    assert record.answer == "".join(data for name, data in came if name == "token")
