"""Write what was decided: the model's answer, a hedge with quotes, or a refusal; then log it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from llama_index.core.base.response.schema import (
    RESPONSE_TYPE,
    AsyncStreamingResponse,
    PydanticResponse,
    Response,
    StreamingResponse,
)
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.response_synthesizers import BaseSynthesizer
from llama_index.core.schema import QueryBundle
from llama_index_instrumentation import get_dispatcher

from llama_index_prod_rag.calls import Call
from llama_index_prod_rag.confidence.verification import SupportPolicy, verify
from llama_index_prod_rag.models.pairs import EntailmentJudge
from llama_index_prod_rag.query_engine.attempt import reason_of
from llama_index_prod_rag.query_engine.events import DecisionEvent
from llama_index_prod_rag.query_engine.extract import SentenceScorer, best_sentences, quoted
from llama_index_prod_rag.query_engine.logprobs import listening
from llama_index_prod_rag.query_engine.outcome import Report
from llama_index_prod_rag.query_engine.sources import finite, text_of
from llama_index_prod_rag.query_engine.streaming import aone_token, awatched, one_token, watched
from llama_index_prod_rag.query_log.record import QueryRecord
from llama_index_prod_rag.text.sentences import split_sentences

_dispatcher = get_dispatcher(__name__)
_logger = logging.getLogger(__name__)


class Log(Protocol):
    """Where records go; `QueryLog` is one."""

    def add(self, record: QueryRecord) -> None:
        """Take a record without blocking."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """What a writer has at hand; the same for every question.

    Attributes:
        synthesizer: writes answers; None quotes instead.
        prompts: the gate's own texts by name.
        sentence_scorer: picks quotes; None compares words.
        quotes: most sentences to quote.
        streaming: whether own texts are streams.
        log: takes the record.
        config_hash: names the configuration in the record.
        judge: an NLI model for the checks of an answer; None compares words.
        support: which findings turn an answer into a hedge; None reports them only.
    """

    synthesizer: BaseSynthesizer | None
    prompts: Mapping[str, BasePromptTemplate]
    sentence_scorer: SentenceScorer | None
    quotes: int
    streaming: bool
    log: Log | None
    config_hash: str
    judge: EntailmentJudge | None = None
    support: SupportPolicy | None = None


class Writer:
    """Writes one response. As the `Ending` of a stream it checks and logs what was streamed."""

    def __init__(self, means: Means, query: QueryBundle, report: Report, *, asynchronous: bool) -> None:
        self._means = means
        self._query = query
        self._report = report
        self._asynchronous = asynchronous
        self._payload: dict[str, Any] = {}

    async def write(self) -> RESPONSE_TYPE:
        """The response for the report's decision."""
        self._announce()
        if self._report.decision == "answer" and self._means.synthesizer is not None:
            written = await self._synthesized(self._means.synthesizer)
            if written is not None:
                return written
        return self._own(await self._text())

    async def close(self, text: str, error: Exception | None) -> str:
        """What to add to a streamed answer: nothing, or why not to rely on it and what the passages say instead."""
        if error is not None:
            self._broke(error)
            return await self._formatted("interrupted_prompt")
        if not text.strip():
            self._lower("the language model wrote nothing")
            return await self._formatted("hedge_prompt")
        objection = await self._checked(text, ())
        if objection is None:
            return ""
        self._lower(objection)
        return await self._formatted("downgraded_prompt")

    def finish(self, text: str, stopped: str | None) -> None:
        """Bring the metadata up to date and log, once everything is out."""
        self._report.close()
        self._logged(text, stopped or self._report.degraded.get("language model"))
        self._payload.update(self._report.to_json())

    async def _synthesized(self, synthesizer: BaseSynthesizer) -> RESPONSE_TYPE | None:
        response: RESPONSE_TYPE
        try:
            response, logprobs = await self._synthesis(synthesizer)
        except Exception as error:  # any fault of any model
            self._broke(error)
            return None
        metadata = self._metadata()
        if isinstance(response, StreamingResponse):
            return replace(response, response_gen=watched(response.response_gen, self), metadata=metadata)
        if isinstance(response, AsyncStreamingResponse):
            return replace(response, response_gen=awatched(response.response_gen, self), metadata=metadata)
        text = str(response)
        # A structured answer is not made of sentences: there is nothing to check in it by words.
        if not isinstance(response, PydanticResponse):
            objection = await self._checked(text, logprobs) if text.strip() else "the language model wrote nothing"
            if objection is not None:
                self._report.withdrawn = text
                self._lower(objection)
                return None
        self.finish(text, None)
        return replace(response, metadata=metadata)

    def _synthesis(self, synthesizer: BaseSynthesizer) -> Call[tuple[RESPONSE_TYPE, list[float]]]:
        query, hits = self._query, self._report.best.hits

        def sync() -> tuple[RESPONSE_TYPE, list[float]]:
            with listening() as logprobs:
                return synthesizer.synthesize(query, hits), logprobs

        async def asynchronous() -> tuple[RESPONSE_TYPE, list[float]]:
            with listening() as logprobs:
                return await synthesizer.asynthesize(query, hits), logprobs

        return Call(sync, asynchronous)

    async def _checked(self, text: str, logprobs: Sequence[float]) -> str | None:
        """Check an answer; why not to rely on it, or None."""
        query, judge = self._query.query_str, self._means.judge
        sentences = [text[start:end] for start, end in split_sentences(text)]
        passages = {hit.node.node_id: text_of(hit) for hit in self._report.best.hits}
        try:
            found = await Call.in_thread(lambda: verify(query, sentences, passages, judge=judge, logprobs=logprobs))
        except Exception as error:  # any fault of any model
            self._report.degraded["checks"] = reason_of(error)
            return None
        self._report.checks = found.to_json()
        return self._means.support.objection(found) if self._means.support is not None else None

    async def _text(self) -> str:
        if self._report.decision != "refuse":
            prompt = "extract_prompt" if self._report.decision == "answer" else "hedge_prompt"
            text = await self._formatted(prompt)
            if self._report.quotes:
                return text
            self._lower("the passages hold no text to quote", "refuse")
        return self._means.prompts["refusal_prompt"].format(reason=self._report.reason)

    async def _formatted(self, prompt: str) -> str:
        self._report.quotes = await self._quotes()
        return self._means.prompts[prompt].format(reason=self._report.reason, summary=quoted(self._report.quotes))

    async def _quotes(self) -> list[Any]:
        query, hits, count = self._query.query_str, self._report.best.hits, self._means.quotes
        scorer = self._means.sentence_scorer
        if scorer is not None:
            try:
                found = await Call.in_thread(lambda: best_sentences(query, hits, count=count, scorer=scorer))
            except Exception as error:  # any fault of any model
                self._report.degraded["sentence scorer"] = reason_of(error)
            else:
                return found
        return best_sentences(query, hits, count=count)

    def _own(self, text: str) -> RESPONSE_TYPE:
        """The gate's own text in the type that the caller expects."""
        self.finish(text, None)
        hits, metadata = self._report.best.hits, self._metadata()
        if not self._means.streaming:
            return Response(text, hits, metadata)
        if self._asynchronous:
            return AsyncStreamingResponse(aone_token(text), hits, metadata)
        return StreamingResponse(one_token(text), hits, metadata)

    def _metadata(self) -> dict[str, Any]:
        self._payload.update(self._report.to_json())
        nodes = {hit.node.node_id: hit.node.metadata for hit in self._report.best.hits}
        return {**nodes, "prod_rag": self._payload}

    def _broke(self, error: Exception) -> None:
        _logger.warning("the language model failed, quoting instead: %s", reason_of(error))
        self._report.degraded["language model"] = reason_of(error)
        self._lower(f"the language model failed ({reason_of(error)})")

    def _lower(self, reason: str, decision: str = "hedge") -> None:
        self._report.lower("refuse" if decision == "refuse" else "hedge", reason)
        self._announce()

    def _announce(self) -> None:
        report, assessment = self._report, self._report.best.assessment
        _dispatcher.event(
            DecisionEvent(
                query_id=report.query_id,
                query=report.query,
                status=assessment.status,
                confidence=finite(assessment.confidence),
                decision=report.decision,
                reasons=report.reasons,
            )
        )

    def _logged(self, text: str, error: str | None) -> None:
        if self._means.log is None:
            return
        try:
            self._means.log.add(self._report.to_record(text, error, self._means.config_hash))
        except Exception as fault:  # a log must not cost anybody an answer
            _logger.warning("the query log did not take the record: %s", reason_of(fault))
            self._report.degraded["query log"] = reason_of(fault)
