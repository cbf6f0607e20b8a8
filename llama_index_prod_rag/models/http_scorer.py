"""Cross-encoders behind a server: Hugging Face TEI, vLLM, Infinity, Jina, Cohere."""

from __future__ import annotations

import json
import logging
import math
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

import httpx

from llama_index_prod_rag.errors import ConfigurationError, ScoringError
from llama_index_prod_rag.models.pairs import Pair, Progress
from llama_index_prod_rag.text.graphemes import replace_surrogates

_log = logging.getLogger(__name__)

Api = Literal["tei", "vllm", "infinity", "jina", "cohere"]
"""Whose requests and answers the server speaks."""

_APIS = ("tei", "vllm", "infinity", "jina", "cohere")
_BUSY = frozenset({429, 502, 503, 504})  # the request was not worked on: asking again is safe
_FIRST_WAIT = 0.1  # seconds before the first retry; doubled for each further one
_LONGEST_ANSWER = 16 * 2**20  # bytes; a thousand scores take fifty thousand
_NEAREST = 1e-7  # to 0 and 1 that a probability may be: logits stay within 16


@dataclass(slots=True)
class _Circuit:
    """Counts failures in a row, and keeps callers away for a while after too many."""

    failures: int
    pause: float
    failed: int = 0
    closed_until: float = 0.0
    lock: Lock = field(default_factory=Lock)

    def check(self, name: str) -> None:
        left = self.closed_until - time.monotonic()
        if left > 0.0:
            raise ScoringError(f"{name} failed {self.failed} times in a row: it is left out for {left:.0f} s more")

    def note(self, *, worked: bool) -> None:
        with self.lock:
            self.failed = 0 if worked else self.failed + 1
            if self.failed >= self.failures:
                self.closed_until = time.monotonic() + self.pause


class HttpPairScorer:
    """A `PairScorer` that asks a server; give it to `CrossEncoderRerank(scorer=...)`.

    Whole texts are sent, and the server cuts what its model cannot read. Connections are kept and shared by threads.
    Scoring changes nothing on the server, so a request that was refused for want of time or room is sent again, after
    a wait and within the deadline; one that ran out of its time is not. After `failures` failed calls in a row the
    server is left alone for `pause` seconds: calls fail at once, and with `on_failure="keep_order"` the reranker then
    keeps the retrieval's order and says why.

    Args:
        url: of the endpoint, for example `"http://localhost:8080/rerank"` or `"https://api.jina.ai/v1/rerank"`.
        api: whose shape it speaks.
        model: the model's name; every API but TEI's wants one.
        key_variable: name of the environment variable that holds the key. It is read for each request and nowhere kept.
        raw: whether the server answers logits, as TEI is asked to, and not probabilities.
        batch_size: texts per request, at least 1; TEI's own limit is 32.
        timeout: seconds that a request may take, above 0.
        deadline: seconds that all requests of one call may take together; None has no limit.
        retries: how often a request is sent again, at least 0.
        failures: failed calls in a row after which the server is left alone, at least 1.
        pause: seconds that it is left alone.

    Raises:
        ConfigurationError: a setting is out of range, or the key's variable is not set when a request is made.
        ScoringError: from `score`: the server cannot be reached, is too slow, refuses, or answers something else.

    Examples:
        >>> scorer = HttpPairScorer("http://localhost:8080/rerank", api="tei")
        >>> scorer
        HttpPairScorer('http://localhost:8080/rerank', api='tei', model=None)
    """

    max_tokens = 2**31  # the server cuts
    special_tokens = 0

    def __init__(
        self,
        url: str,
        *,
        api: Api,
        model: str | None = None,
        key_variable: str | None = None,
        raw: bool = False,
        batch_size: int = 32,
        timeout: float = 10.0,
        deadline: float | None = 30.0,
        retries: int = 2,
        failures: int = 5,
        pause: float = 30.0,
    ) -> None:
        self._settings: dict[str, Any] = {
            "url": url, "api": api, "model": model, "key_variable": key_variable, "raw": raw, "batch_size": batch_size,
            "timeout": timeout, "deadline": deadline, "retries": retries, "failures": failures, "pause": pause,
        }  # fmt: skip
        _check(self._settings)
        self._url, self._api, self._model, self._key_variable = url, api, model, key_variable
        self._batch_size, self._timeout, self._deadline, self._retries = batch_size, timeout, deadline, retries
        self._raw = raw or api == "tei"
        self.name = f"{model or api} at {_strip_secrets(url)}"
        self.fingerprint = f"{api}:{_strip_secrets(url)}:{model}"
        self._circuit = _Circuit(failures, pause)
        self._lock = Lock()
        self._client: tuple[int, httpx.Client] | None = None

    def __repr__(self) -> str:
        return f"HttpPairScorer({_strip_secrets(self._url)!r}, api={self._api!r}, model={self._model!r})"

    def __getstate__(self) -> dict[str, Any]:
        """Settings alone: connections and what is known of the server's state belong to a process."""
        return self._settings

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make the copy as a new one is made."""
        settings = dict(state)
        self.__init__(settings.pop("url"), **settings)  # type: ignore[misc]

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        """Take the whole text as one token: nothing is cut on this side."""
        return [(0, len(text))] if text else []

    def score(self, pairs: Sequence[Pair], progress: Progress | None = None) -> list[float]:
        """Logits, one per pair, in the order given; a server that answers probabilities gives the logits of those."""
        self._circuit.check(self.name)
        until = math.inf if self._deadline is None else time.monotonic() + self._deadline
        logits = [math.nan] * len(pairs)
        try:
            for batch in self._batches(pairs):
                texts = [str(pairs[index][1]) for index in batch]
                for index, logit in zip(batch, self._ask(str(pairs[batch[0]][0]), texts, until), strict=True):
                    logits[index] = logit
                if progress is not None:
                    progress(len(batch))
        except ScoringError:
            self._circuit.note(worked=False)
            raise
        self._circuit.note(worked=True)
        return logits

    def _batches(self, pairs: Sequence[Pair]) -> Iterator[list[int]]:
        """Indices of pairs with one query."""
        by_query: dict[str, list[int]] = {}
        for index, (query, _) in enumerate(pairs):
            by_query.setdefault(query, []).append(index)
        for indices in by_query.values():
            for start in range(0, len(indices), self._batch_size):
                yield indices[start : start + self._batch_size]

    def _ask(self, query: str, texts: list[str], until: float) -> list[float]:
        body = _request(self._api, self._model, replace_surrogates(query), [replace_surrogates(t) for t in texts])
        for attempt in range(self._retries + 1):
            left = until - time.monotonic()
            if left <= 0.0:
                raise ScoringError(f"{self.name} did not answer within {self._deadline} s")
            try:
                status, headers, answer = self._send(body, min(self._timeout, left))
            except httpx.ConnectError as error:
                problem, wait = f"{self.name} cannot be reached ({error})", None
            except httpx.HTTPError as error:  # the server may be at work on it: not again
                raise ScoringError(f"{self.name} did not answer: {type(error).__name__}") from None
            else:
                if status == 200:
                    return self._logits(answer, len(texts))
                problem, wait = f"{self.name} answered {status}: {self._mask_key(answer)}", _retry_after(headers)
                if status not in _BUSY:
                    raise ScoringError(problem + self._remedy(status))
            wait = _FIRST_WAIT * 2**attempt * random.uniform(0.5, 1.5) if wait is None else wait
            if attempt == self._retries or time.monotonic() + wait >= until:
                raise ScoringError(problem)
            _log.warning("%s; again in %.1f s", problem, wait)
            time.sleep(wait)
        raise AssertionError  # the last attempt returns or raises

    def _send(self, body: Mapping[str, Any], seconds: float) -> tuple[int, httpx.Headers, bytes]:
        """Status, headers and body; the seconds hold for the whole answer, not for each of its parts."""
        until = time.monotonic() + seconds
        answer = b""
        with self._connect().stream("POST", self._url, json=body, headers=self._headers(), timeout=seconds) as response:
            for part in response.iter_bytes():
                answer += part
                if time.monotonic() > until or len(answer) > _LONGEST_ANSWER:
                    raise httpx.ReadTimeout("the answer does not end")
            return response.status_code, response.headers, answer

    def _logits(self, answer: bytes, count: int) -> list[float]:
        scores = _scores(self.name, answer, count)
        if self._raw:
            return scores
        if not all(0.0 <= score <= 1.0 for score in scores):
            raise ScoringError(
                f"{self.name} answered scores outside of 0 to 1, which are not probabilities: set raw=True"
            )
        return [_logit(score) for score in scores]

    def _connect(self) -> httpx.Client:
        with self._lock:
            if self._client is None or self._client[0] != os.getpid():  # a forked process must not share connections
                self._client = os.getpid(), httpx.Client()
            return self._client[1]

    def _key(self) -> str | None:
        if self._key_variable is None:
            return None
        if not (key := os.environ.get(self._key_variable, "").strip()):
            raise ConfigurationError(f"{self.name} needs a key: set the environment variable {self._key_variable}")
        if not (key.isascii() and key.isprintable()):
            raise ConfigurationError(f"{self._key_variable} holds what no key can: set it to the key alone")
        return key

    def _headers(self) -> dict[str, str]:
        key = self._key()
        return {} if key is None else {"Authorization": f"Bearer {key}"}

    def _mask_key(self, answer: bytes) -> str:
        text = answer.decode("utf-8", "replace")
        key = self._key()
        return (text.replace(key, "***") if key else text)[:200]

    def _remedy(self, status: int) -> str:
        if status in (401, 403):
            return f" (check the key in {self._key_variable})" if self._key_variable else " (give key_variable)"
        moved = 300 <= status < 400  # followed, it might take the key to somebody else
        return " (check url, api and batch_size)" if moved or status in (404, 405, 413, 422) else ""


def _check(settings: Mapping[str, Any]) -> None:
    if settings["api"] not in _APIS:
        raise ConfigurationError(f"unknown api {settings['api']!r}: choose one of {', '.join(_APIS)}")
    if urlsplit(settings["url"]).scheme not in ("http", "https"):
        raise ConfigurationError(f"{settings['url']!r} is not an address: give one like http://localhost:8080/rerank")
    if settings["model"] is None and settings["api"] != "tei":
        raise ConfigurationError(f"{settings['api']} serves several models: name one with model=")
    fewest = {"batch_size": 1, "retries": 0, "failures": 1}
    if low := {name: settings[name] for name, least in fewest.items() if settings[name] < least}:
        raise ConfigurationError(f"too small: {low}")
    times = {name: settings[name] for name in ("timeout", "pause", "deadline") if settings[name] is not None}
    if low := {name: seconds for name, seconds in times.items() if not seconds > 0.0}:
        raise ConfigurationError(f"must be above 0 seconds: {low}")


def _strip_secrets(url: str) -> str:
    """The address without user, password and query, where keys may stand."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _request(api: Api, model: str | None, query: str, texts: list[str]) -> dict[str, Any]:
    if api == "tei":
        return {"query": query, "texts": texts, "raw_scores": True, "truncate": True}
    return {"model": model, "query": query, "documents": texts, "top_n": len(texts)}


def _scores(name: str, answer: bytes, count: int) -> list[float]:
    """TEI answers a list, the others an object with a list under `results`; each in any order."""
    try:
        found = json.loads(answer)
        if isinstance(found, list):
            by_index = {int(one["index"]): float(one["score"]) for one in found}
        else:
            by_index = {int(one["index"]): float(one["relevance_score"]) for one in found["results"]}
        return [by_index[index] for index in range(count)]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ScoringError(f"{name} answered something else than {count} scores ({error!r}): check api=") from None


def _logit(probability: float) -> float:
    p = min(max(probability, _NEAREST), 1.0 - _NEAREST)
    return math.log(p / (1.0 - p))


def _retry_after(headers: httpx.Headers) -> float | None:
    """Seconds that the server asks for; a date, which servers of models do not send, is not read."""
    asked = headers.get("Retry-After", "")
    return float(asked) if asked.isdigit() else None
