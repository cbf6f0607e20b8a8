"""Write what was decided: the model's answer, a hedge with quotes, or a refusal; then log it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from textwrap import indent
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
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index_instrumentation import get_dispatcher

from llama_index_prod_rag.calls import Call
from llama_index_prod_rag.confidence.policy import Decision
from llama_index_prod_rag.confidence.verification import SupportPolicy, verify
from llama_index_prod_rag.disclosure import describe
from llama_index_prod_rag.models.pairs import EntailmentJudge
from llama_index_prod_rag.query_engine.attempt import SETTING_ERRORS
from llama_index_prod_rag.query_engine.completions import is_blank, without_numbering
from llama_index_prod_rag.query_engine.events import DecisionEvent
from llama_index_prod_rag.query_engine.extract import Quote, SentenceScorer, best_sentences, list_quotes
from llama_index_prod_rag.query_engine.logprobs import listening
from llama_index_prod_rag.query_engine.outcome import Report
from llama_index_prod_rag.query_engine.prompts import name_prompt
from llama_index_prod_rag.query_engine.responses import RefusedResponse, is_structured, writes_nothing
from llama_index_prod_rag.query_engine.sources import finite, text_of
from llama_index_prod_rag.query_engine.streaming import aone_token, awatch, one_token, watch
from llama_index_prod_rag.query_engine.texts import TEXTS, Texts, choose_language
from llama_index_prod_rag.query_engine.untrusted import enclose
from llama_index_prod_rag.query_log.record import QueryRecord
from llama_index_prod_rag.text.printable import make_line
from llama_index_prod_rag.text.sentences import split_sentences

_dispatcher = get_dispatcher(__name__)
_logger = logging.getLogger(__name__)

WROTE_NOTHING = "the language model wrote nothing"
MODEL_FAILED = "the language model failed"


class Log(Protocol):
    """Takes the record of each question; `QueryLog` is such a log."""

    def add(self, record: QueryRecord) -> None:
        """Take a record without keeping the caller waiting for it to be stored."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """Holds what a writer has at hand; the same for every question.

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
        language: of the gate's own texts; None takes the question's, or that of what was found.
        texts: language -> what the gate says in it.
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
    language: str | None = None
    texts: Mapping[str, Texts] = field(default_factory=lambda: TEXTS)


class Writer:
    """Writes one response. As the `Ending` of a stream it checks and logs what was streamed."""

    def __init__(self, means: Means, query: QueryBundle, report: Report, *, asynchronous: bool) -> None:
        self._means = means
        self._query = query
        self._report = report
        self._asynchronous = asynchronous
        self._payload: dict[str, Any] = {}
        found = report.best.language
        self._language = means.language or choose_language(query.query_str, found, means.texts)

    async def write(self) -> RESPONSE_TYPE:
        """Write the response for the report's decision. Awaits calls only."""
        self._announce()
        if self._report.decision == "answer" and self._means.synthesizer is not None:
            written = await self._synthesize(self._means.synthesizer)
            if written is not None:
                return written
        return self._respond(await self._say())

    async def close(self, text: str, error: Exception | None) -> str:
        """Say what to add to a streamed answer: nothing, or why not to rely on it and what the passages say."""
        if error is not None:
            self._note_failure(error)
            return await self._fill("interrupted_prompt")
        if is_blank(text):
            self._lower(WROTE_NOTHING)
            return await self._say()
        objection = await self._check(text, ())
        if objection is None:
            return ""
        self._lower(objection)
        return await self._fill("downgraded_prompt")

    def finish(self, text: str, stopped: str | None) -> None:
        """Bring the metadata up to date and log, once everything is out."""
        self._report.close()
        self._log(text, stopped or self._report.degraded.get("language model"))
        self._payload.update(self._report.to_json())

    async def _synthesize(self, synthesizer: BaseSynthesizer) -> RESPONSE_TYPE | None:
        try:
            response, logprobs = await self._ask(synthesizer)
        except SETTING_ERRORS:
            raise
        except Exception as error:  # any fault of any model
            self._note_failure(error)
            return None
        metadata = self._collect_metadata()
        if isinstance(response, StreamingResponse):
            return replace(response, response_gen=watch(response.response_gen, self), metadata=metadata)
        if isinstance(response, AsyncStreamingResponse):
            return replace(response, response_gen=awatch(response.response_gen, self), metadata=metadata)
        if not writes_nothing(synthesizer) and (objection := await self._object(response, logprobs)) is not None:
            self._report.withdrawn = str(response)
            self._lower(objection)
            return None
        self.finish(str(response) if response.response else "", None)
        return replace(response, metadata=metadata)

    async def _object(self, response: Response | PydanticResponse, logprobs: Sequence[float]) -> str | None:
        """Say why a finished answer is not an answer, or not to be relied on; None where nothing speaks against it."""
        if response.response is None or is_blank(str(response)):
            return WROTE_NOTHING
        # A structured answer is not made of sentences: there is nothing to check in it by words.
        return None if isinstance(response, PydanticResponse) else await self._check(str(response), logprobs)

    def _ask(self, synthesizer: BaseSynthesizer) -> Call[tuple[RESPONSE_TYPE, list[float]]]:
        query, hits = self._query, self._report.best.hits
        # Where nothing is prompted, the passages are the answer as they stand.
        read = enclose(hits) if synthesizer.get_prompts() else hits

        def sync() -> tuple[RESPONSE_TYPE, list[float]]:
            with listening() as logprobs:
                return _with_sources(synthesizer.synthesize(query, read), hits), logprobs

        async def asynchronous() -> tuple[RESPONSE_TYPE, list[float]]:
            with listening() as logprobs:
                return _with_sources(await synthesizer.asynthesize(query, read), hits), logprobs

        return Call(sync, asynchronous)

    async def _check(self, text: str, logprobs: Sequence[float]) -> str | None:
        """Check an answer and say why not to rely on it, or None."""
        query, judge, text = self._query.query_str, self._means.judge, without_numbering(text)
        sentences = [text[start:end] for start, end in split_sentences(text)]
        passages = {hit.node.node_id: text_of(hit) for hit in self._report.best.hits}
        try:
            found = await Call.in_thread(lambda: verify(query, sentences, passages, judge=judge, logprobs=logprobs))
        except Exception as error:  # any fault of any model
            self._report.degraded["checks"] = describe(error)
            return None
        self._report.checks = found.to_json()
        return self._means.support.objection(found) if self._means.support is not None else None

    async def _say(self) -> str:
        """Write the gate's own text: quotes, a hedge with quotes, or a refusal with what comes nearest."""
        if self._report.decision == "clarify":
            return self._ask_back()
        if self._report.decision != "refuse":
            text = await self._fill("extract_prompt" if self._report.decision == "answer" else "hedge_prompt")
            if self._report.quotes:
                return text
            self._lower("the passages hold no text to quote", "refuse")
        nearest = await self._find_quotes(1)
        self._report.quotes = [quote for quote in nearest if quote.relevant]
        summary = list_quotes(self._report.quotes)
        closest = self._prompt("nearest_prompt").format(summary=summary) if summary else ""
        return self._prompt("refusal_prompt").format(reason=self._reason, nearest=closest)

    def _ask_back(self) -> str:
        """Name the readings, each with what its best passage says about the question."""
        hits, lines = self._report.best.hits, []
        for number, reading in enumerate(self._report.best.assessment.readings, start=1):
            place = next(place for place, hit in enumerate(hits) if hit.node_id in reading.ids)
            found = best_sentences(self._query.query_str, [hits[place]], count=1)  # none of a passage without text
            quotes = [replace(quote, source=place + 1) for quote in found]
            self._report.quotes += quotes
            lines += [f"{number}. {make_line(reading.label)}", *(indent(list_quotes([one]), "   ") for one in quotes)]
        return self._prompt("clarify_prompt").format(reason=self._reason, summary="\n".join(lines))

    async def _fill(self, prompt: str) -> str:
        self._report.quotes = await self._find_quotes(self._means.quotes)
        return self._prompt(prompt).format(reason=self._reason, summary=list_quotes(self._report.quotes))

    @property
    def _reason(self) -> str:
        return self._report.explain(self._means.texts[self._language])

    def _prompt(self, name: str) -> BasePromptTemplate:
        return self._means.prompts[name_prompt(name, self._language)]

    async def _find_quotes(self, count: int) -> list[Quote]:
        """Find quotes that say something about the question, or the nearest one."""
        found = await self._rank_sentences(count)
        return [quote for quote in found if quote.relevant] or found[:1]

    async def _rank_sentences(self, count: int) -> list[Quote]:
        query, hits = self._query.query_str, self._report.best.hits
        scorer = self._means.sentence_scorer
        if scorer is not None and hits:
            try:
                return await Call.in_thread(lambda: best_sentences(query, hits, count=count, scorer=scorer))
            except Exception as error:  # any fault of any model
                self._report.degraded["sentence scorer"] = describe(error)
        return best_sentences(query, hits, count=count)

    def _respond(self, text: str) -> RESPONSE_TYPE:
        """Put the gate's own text in the type that the caller expects."""
        self.finish(text, None)
        hits, metadata = self._report.best.hits, self._collect_metadata()
        if not self._means.streaming:
            if is_structured(self._means.synthesizer):
                return RefusedResponse(None, hits, metadata, text)
            return Response(text, hits, metadata)
        if self._asynchronous:
            return AsyncStreamingResponse(aone_token(text), hits, metadata)
        return StreamingResponse(one_token(text), hits, metadata)

    def _collect_metadata(self) -> dict[str, Any]:
        self._payload.update(self._report.to_json())
        nodes = {hit.node.node_id: hit.node.metadata for hit in self._report.best.hits}
        return {**nodes, "prod_rag": self._payload}

    def _note_failure(self, error: Exception) -> None:
        self._report.degraded["language model"] = describe(error)
        _logger.warning("the language model failed, quoting instead: %s", self._report.degraded["language model"])
        self._lower(MODEL_FAILED)

    def _lower(self, reason: str, decision: Decision = "hedge") -> None:
        self._report.lower(decision, reason)
        self._announce()

    def _announce(self) -> None:
        report, assessment = self._report, self._report.best.assessment
        _dispatcher.event(
            DecisionEvent(
                query_id=report.asked.query_id,
                query=report.asked.query,
                status=assessment.status,
                confidence=finite(assessment.confidence),
                decision=report.decision,
                reasons=report.reasons,
            )
        )

    def _log(self, text: str, error: str | None) -> None:
        if self._means.log is None:
            return
        try:
            self._means.log.add(self._report.to_record(text, error, self._means.config_hash))
        except Exception as fault:  # a log must not cost anybody an answer
            self._report.degraded["query log"] = describe(fault)
            _logger.warning("the query log did not take the record: %s", self._report.degraded["query log"])


def _with_sources(response: RESPONSE_TYPE, hits: Sequence[NodeWithScore]) -> RESPONSE_TYPE:
    """Put the passages back as they are, not as they were put before the model; others stay."""
    known = {hit.node.node_id: hit for hit in hits}
    return replace(response, source_nodes=[known.get(hit.node.node_id, hit) for hit in response.source_nodes])
