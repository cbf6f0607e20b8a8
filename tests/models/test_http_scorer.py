"""A reranker behind a server that speaks each API for real, and is made slow, busy and broken on purpose."""

from __future__ import annotations

import json
import logging
import math
import pickle
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from llama_index.core.schema import NodeWithScore, TextNode

from llama_index_prod_rag.errors import ConfigurationError, ScoringError
from llama_index_prod_rag.models.http_scorer import HttpPairScorer
from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
from llama_index_prod_rag.trace.records import RerankRecord, tracing

KEY = "very-secret-key"
TEXTS = ["berlin is large", "madrid", "berlin", "is it"]


def logit(query: str, text: str) -> float:
    return 2.0 * len(set(query.split()) & set(text.split())) - 1.0


class Server(ThreadingHTTPServer):
    """Answers as TEI where texts are sent, and as the others where documents are; best first, as they do.

    Attributes:
        planned: statuses for the next requests, before it works again.
        wait: seconds before each answer.
        requests: bodies, in order; `keys` and `ports` what else came with them.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.planned: list[int] = []
        self.wait = 0.0
        self.raw = False
        self.body: bytes | None = None
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.ports: set[int] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/rerank"


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        self.server.keys.append(self.headers["Authorization"])
        self.server.ports.add(self.client_address[1])
        time.sleep(self.server.wait)
        if self.server.planned:
            status = self.server.planned.pop(0)
            self._answer(status, f"no, {self.headers['Authorization']}".encode(), {"Retry-After": "0"})
            return
        self._answer(200, self.server.body or self._scores(body), {})

    def _scores(self, body: dict[str, Any]) -> bytes:
        tei = "texts" in body
        raw = [(n, logit(body["query"], text)) for n, text in enumerate(body["texts" if tei else "documents"])]
        raw.sort(key=lambda one: -one[1])
        if tei:
            assert (body["raw_scores"], body["truncate"]) == (True, True)
            return json.dumps([{"index": n, "score": score} for n, score in raw]).encode()
        assert (body["model"], body["top_n"]) == ("m", len(raw))
        scores = [(n, score if self.server.raw else 1 / (1 + math.exp(-score))) for n, score in raw]
        return json.dumps({"results": [{"index": n, "relevance_score": score} for n, score in scores]}).encode()

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        try:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # who asked went away
            self.close_connection = True


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


def scorer_of(server: Server, **settings: Any) -> HttpPairScorer:
    return HttpPairScorer(server.url, **{"api": "tei", **settings})


def ask(scorer: HttpPairScorer) -> list[float]:
    return scorer.score([("is berlin", text) for text in TEXTS])


EXPECTED = [logit("is berlin", text) for text in TEXTS]


@pytest.mark.parametrize("api", ["tei", "vllm", "infinity", "jina", "cohere"])
def test_each_api_gives_logits_in_the_order_asked(server: Server, api: Any) -> None:
    scorer = scorer_of(server, api=api, model=None if api == "tei" else "m")
    assert ask(scorer) == pytest.approx(EXPECTED, abs=1e-6)
    assert scorer.score([]) == []


def test_servers_that_answer_logits_are_told_apart(server: Server) -> None:
    server.raw = True
    assert ask(scorer_of(server, api="vllm", model="m", raw=True)) == EXPECTED
    with pytest.raises(ScoringError, match="set raw=True"):
        ask(scorer_of(server, api="vllm", model="m"))


def test_texts_go_in_batches_by_query_over_one_connection(server: Server) -> None:
    done: list[int] = []
    pairs = [("berlin", "a"), ("madrid", "b"), ("berlin", "c"), ("berlin", "d")]
    scorer_of(server, batch_size=2).score(pairs, done.append)
    assert [body["texts"] for body in server.requests] == [["a", "c"], ["d"], ["b"]]
    assert sum(done) == 4
    assert len(server.ports) == 1


def test_threads_share_it(server: Server) -> None:
    scorer = scorer_of(server)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: ask(scorer), range(16))) == [EXPECTED] * 16


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(server: Server, status: int) -> None:
    server.planned = [status, status]
    assert ask(scorer_of(server)) == EXPECTED
    assert len(server.requests) == 3


def test_but_not_for_ever(server: Server) -> None:
    server.planned = [503] * 9
    with pytest.raises(ScoringError, match="answered 503"):
        ask(scorer_of(server, retries=1))
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(401, "check the key in RERANK_KEY"), (404, "check url"), (307, "check url"), (500, "500")],
)
def test_what_would_fail_again_is_not_asked_again(
    server: Server, status: int, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RERANK_KEY", KEY)
    server.planned = [status] * 3
    with pytest.raises(ScoringError, match=remedy):
        ask(scorer_of(server, key_variable="RERANK_KEY"))
    assert len(server.requests) == 1


def test_a_slow_server_is_given_up_in_time_and_not_asked_again(server: Server) -> None:
    server.wait = 3.0
    began = time.monotonic()
    with pytest.raises(ScoringError, match="did not answer"):
        ask(scorer_of(server, timeout=0.2))
    assert time.monotonic() - began < 2.5
    assert len(server.requests) <= 1


def test_all_requests_of_a_call_share_its_deadline(server: Server) -> None:
    server.wait = 0.2
    with pytest.raises(ScoringError, match="did not answer"):
        scorer_of(server, batch_size=1, deadline=0.5).score([("q", str(n)) for n in range(50)])
    assert len(server.requests) < 5


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'[{"index": 0, "score": 1.0}]', b'[{"index": 0}]', b'"x"'])
def test_an_answer_that_is_none_is_an_error(server: Server, body: bytes) -> None:
    server.body = body
    with pytest.raises(ScoringError, match="check api="):
        ask(scorer_of(server))


def test_nobody_there_is_an_error() -> None:
    with pytest.raises(ScoringError, match="cannot be reached"):
        ask(HttpPairScorer("http://127.0.0.1:9/rerank", api="tei", retries=0))


def test_after_failures_in_a_row_the_server_is_left_alone_for_a_while(server: Server) -> None:
    scorer = scorer_of(server, failures=2, pause=0.5)
    server.planned = [500, 500]
    for _ in range(2):
        with pytest.raises(ScoringError, match="answered 500"):
            ask(scorer)
    with pytest.raises(ScoringError, match="failed 2 times in a row: it is left out"):
        ask(scorer)
    assert len(server.requests) == 2
    time.sleep(0.6)
    assert ask(scorer) == EXPECTED


def test_the_reranker_keeps_the_order_and_says_why(server: Server) -> None:
    server.planned = [500]
    hits = [NodeWithScore(node=TextNode(text=text), score=1.0 - n / 10) for n, text in enumerate(TEXTS)]
    rerank = CrossEncoderRerank(scorer=scorer_of(server), top_n=2, on_failure="keep_order")
    with tracing() as trace:
        kept = rerank.postprocess_nodes(hits, query_str="is berlin")
    assert [hit.score for hit in kept] == [1.0, 0.9]
    (record,) = trace.records
    assert isinstance(record, RerankRecord)
    assert record.failed
    assert rerank.postprocess_nodes(hits, query_str="is berlin")[0].node.get_content() == "berlin is large"


def test_the_key_comes_from_the_environment_and_is_seen_nowhere(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scorer = scorer_of(server, key_variable="RERANK_KEY")
    with pytest.raises(ConfigurationError, match="set the environment variable RERANK_KEY"):
        ask(scorer)
    monkeypatch.setenv("RERANK_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    server.planned = [503, 400]
    with pytest.raises(ScoringError) as refused:
        ask(scorer)
    assert server.keys[-1] == f"Bearer {KEY}"
    shown = [
        repr(scorer),
        str(scorer.__dict__),
        scorer.name,
        str(refused.value),
        caplog.text,
        str(pickle.dumps(scorer)),
    ]
    assert not any(KEY in text for text in shown)


def test_a_key_may_end_in_a_line_feed_and_holds_what_a_header_can(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = scorer_of(server, key_variable="RERANK_KEY")
    monkeypatch.setenv("RERANK_KEY", f"{KEY}\n")
    ask(scorer)
    assert server.keys[-1] == f"Bearer {KEY}"
    monkeypatch.setenv("RERANK_KEY", "schlüssel")
    with pytest.raises(ConfigurationError, match="RERANK_KEY holds what no key can"):
        ask(scorer)


def test_what_stands_in_the_address_is_not_shown() -> None:
    scorer = HttpPairScorer(f"https://me:{KEY}@host/rerank?key={KEY}", api="tei")
    assert KEY not in f"{scorer!r} {scorer.name} {scorer.fingerprint}"


def test_a_copy_asks_alike(server: Server) -> None:
    copy = pickle.loads(pickle.dumps(scorer_of(server, batch_size=3)))  # noqa: S301 - our own
    assert ask(copy) == EXPECTED
    assert [len(body["texts"]) for body in server.requests] == [3, 1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"api": "other"}, "choose one of tei"),
        ({"url": "localhost:80"}, "not an address"),
        ({"api": "jina"}, "name one with model="),
        ({"batch_size": 0}, "too small"),
        ({"timeout": 0.0}, "above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        HttpPairScorer(**{"url": "http://host/rerank", "api": "tei", **settings})
