"""The query engine that answers only when the retrieval looks like evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import Any

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.response.schema import RESPONSE_TYPE
from llama_index.core.callbacks import CallbackManager
from llama_index.core.callbacks.schema import CBEventType, EventPayload
from llama_index.core.indices.base import BaseIndex
from llama_index.core.indices.vector_store.base import VectorStoreIndex
from llama_index.core.llms import LLM
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.prompts.mixin import PromptDictType, PromptMixin, PromptMixinType
from llama_index.core.response_synthesizers import BaseSynthesizer
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index.core.vector_stores.types import MetadataFilters
from llama_index_instrumentation import get_dispatcher

from llama_index_prod_rag.calls import arun, run
from llama_index_prod_rag.confidence.assessment import Assessor
from llama_index_prod_rag.confidence.calibrated import CalibratedAssessor
from llama_index_prod_rag.confidence.policy import Policy, StatusPolicy
from llama_index_prod_rag.confidence.verification import SupportPolicy
from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.models.pairs import EntailmentJudge, EvidenceJudge
from llama_index_prod_rag.query_engine.access_check import AccessCheck
from llama_index_prod_rag.query_engine.attempt import FIRST, Attempt, Judge, Search, look, refuse, retrieve
from llama_index_prod_rag.query_engine.clarify import narrow_query
from llama_index_prod_rag.query_engine.events import AssessmentEvent
from llama_index_prod_rag.query_engine.extract import LendsScorer, LentScorer, SentenceScorer
from llama_index_prod_rag.query_engine.outcome import Asked, Report
from llama_index_prod_rag.query_engine.parts import check_can_stream, check_parts, make_synthesizer
from llama_index_prod_rag.query_engine.prompts import default_prompts
from llama_index_prod_rag.query_engine.retry import Retry
from llama_index_prod_rag.query_engine.skipping import check_required
from llama_index_prod_rag.query_engine.texts import Texts, check_languages
from llama_index_prod_rag.query_engine.writer import Log, Means, Writer
from llama_index_prod_rag.query_log.configuration import engine_hash
from llama_index_prod_rag.retrievers.access import AccessPolicy, Principal, acting_as, replace_filters
from llama_index_prod_rag.retrievers.hybrid import HybridFusionRetriever
from llama_index_prod_rag.text.terms import TermStatistics
from llama_index_prod_rag.trace.records import QueryTrace, tracing

_dispatcher = get_dispatcher(__name__)
_MERIT = {"refuse": 0, "hedge": 1, "clarify": 2, "answer": 3}


class ConfidenceGatedQueryEngine(BaseQueryEngine):
    """Answers with sources, asks back, hedges with quotes, or refuses with a reason.

    Takes what `RetrieverQueryEngine` takes. The retriever's nodes go through the postprocessors, an assessor says how
    likely the evidence is there, a policy decides, and only then is anything written. Where a store or a model fails,
    the user still gets an answer, a hedge or a refusal, in words without the error's; `response.metadata["prod_rag"]`
    has those for operators, credentials masked. Settings that cannot work (`ConfigurationError`, `ImportError`) are
    raised.

    `response.metadata["prod_rag"]` is JSON-safe: `query_id`, `decision`, `status`, `confidence`, `judged_by`,
    `signals`, `not_assessed`, `reasons`, `sources`, `readings`, `left_out`, `quotes`, `attempts`, `second_look`,
    `checks`, `withdrawn_answer`, `degraded`, `timings` (seconds). For a stream it is brought up to date when the last
    token is out. Where the synthesizer fills in objects, a refusal or hedge is a `RefusedResponse`: its `response` is
    None and its `refused` has the text.

    Args:
        retriever: any retriever. Metadata filters and query embeddings pass through untouched.
        response_synthesizer: writes the answer. None quotes the best sentences instead; it never means "whatever
            model is in `Settings`". The model reads each passage between marks that say it is not to be obeyed.
        node_postprocessors: any postprocessors, in order; a `CrossEncoderRerank` gives the gate its best signal and
            picks the quotes.
        assessor: judges the retrieval; None takes the shipped calibration, which is a start and promises nothing.
        policy: turns the judgment into a decision.
        retries: further attempts at questions that would be refused, in order, until one would not be.
        required: class name of a postprocessor -> whether it must work. Rerankers and others that only reorder or cut
            are skipped when they fail; any other one that fails, such as one that masks names or checks permissions,
            turns the question into a refusal.
        sentence_scorer: picks the quotes; None takes the reranker's model, or compares words where there is none.
        term_statistics: how rare terms are in the corpus, for the rarity signals.
        entailment_judge: an NLI model: gives the assessor entailment signals and checks written answers. Costs one
            call for the top passages, and one for each answer sentence and passage.
        evidence_judge: one more look before a hedge: reads the first passages that would be shown and rules whether
            they answer; an `LLMEvidenceJudge`, an `ExtractiveReader` or any function of a question and passages that
            returns a `Ruling`. The ruling is one more signal and moves the hedge up, down or not at all; a ruling
            whose quote no passage has is a no, and a fault leaves the hedge.
        support_policy: which findings about a written answer turn it into a hedge; None reports them in `checks` only.
        access: who may see what. Every search, also of retries, carries the principal's filters, and what
            postprocessors fetch beside the hits (neighbors, parents) is checked before the next one sees it. A question
            of nobody is an error, before anything is searched.
        query_log: takes one record per question; its faults never reach the user.
        language: of the gate's own texts, such as "german"; None takes the question's, or that of what was found.
        texts: language -> `Texts`, beside English and German.
        streaming: whether own texts are streams; None follows the synthesizer.
        quotes: most quotes in a hedge or an extractive answer, at least 1.
        max_query_length: characters of the longest question that is searched for; longer ones are refused.
        config_hash: names this configuration in the log; empty takes `query_log.configuration.engine_hash` of the
            parts.
        callback_manager: LlamaIndex's; None takes the synthesizer's.

    Raises:
        ConfigurationError: the retriever is not a retriever, there is less than one quote, two retries have one name,
            or `required` names a postprocessor that is not there.

    Examples:
        >>> from llama_index.core.schema import TextNode
        >>> from llama_index_prod_rag import BM25FRetriever
        >>> gate = ConfidenceGatedQueryEngine(BM25FRetriever([TextNode(text="Drag falls with sweep.")]))
        >>> gate.query("Who won the cup?").metadata["prod_rag"]["decision"]
        'refuse'
    """

    def __init__(
        self,
        retriever: BaseRetriever,
        response_synthesizer: BaseSynthesizer | None = None,
        node_postprocessors: Sequence[BaseNodePostprocessor] | None = None,
        *,
        assessor: Assessor | None = None,
        policy: Policy | None = None,
        retries: Sequence[Retry] = (),
        required: Mapping[str, bool] | None = None,
        sentence_scorer: SentenceScorer | None = None,
        term_statistics: TermStatistics | None = None,
        entailment_judge: EntailmentJudge | None = None,
        evidence_judge: EvidenceJudge | None = None,
        support_policy: SupportPolicy | None = None,
        access: AccessPolicy | None = None,
        query_log: Log | None = None,
        language: str | None = None,
        texts: Mapping[str, Texts] | None = None,
        streaming: bool | None = None,
        quotes: int = 3,
        max_query_length: int = 8_000,
        config_hash: str = "",
        callback_manager: CallbackManager | None = None,
    ) -> None:
        stages = list(node_postprocessors or ())
        check_parts(retriever, response_synthesizer, stages)
        check_required(stages, required or {})
        _check_numbers(quotes, max_query_length, retries)
        self._access = access
        self._principal: Principal | None = None
        if access is not None:
            check = AccessCheck(policy=access)
            retriever, stages = access.guard(retriever), [part for stage in stages for part in (stage, check)]
            retries = [_guard(retry, access) for retry in retries]
        self._search = Search(retriever, stages, dict(required or {}))
        self._judge = Judge(
            assessor or CalibratedAssessor(),
            policy or StatusPolicy(),
            term_statistics,
            entailment_judge,
            evidence_judge,
            _lend_scorer(stages),
        )
        self._retries = tuple(retries)
        language, known = check_languages(language, texts or {})
        self._prompts = default_prompts(known)
        self._max_query_length = max_query_length
        self.config_hash = config_hash or engine_hash(
            {
                "retriever": retriever,
                "response_synthesizer": response_synthesizer,
                "node_postprocessors": stages,
                "required": dict(required or {}),
                "judge": self._judge,
                "retries": self._retries,
                "prompts": self._prompts,
                "sentence_scorer": sentence_scorer,
                "support_policy": support_policy,
                "quotes": quotes,
            }
        )
        self._means = Means(
            response_synthesizer,
            self._prompts,
            sentence_scorer or _lend_scorer(stages),
            quotes,
            bool(getattr(response_synthesizer, "_streaming", False)) if streaming is None else streaming,
            query_log,
            self.config_hash,
            entailment_judge,
            support_policy,
            language,
            known,
        )
        super().__init__(callback_manager or getattr(response_synthesizer, "callback_manager", None))

    @classmethod
    def from_args(
        cls,
        retriever: BaseRetriever,
        llm: LLM | None = None,
        response_synthesizer: BaseSynthesizer | None = None,
        node_postprocessors: Sequence[BaseNodePostprocessor] | None = None,
        callback_manager: CallbackManager | None = None,
        **settings: Any,
    ) -> ConfidenceGatedQueryEngine:
        """Make a gate from the arguments of `RetrieverQueryEngine.from_args`.

        Args:
            retriever: any retriever.
            llm: writes the answers; None, without a synthesizer either, quotes the documents instead: `Settings.llm`
                is never taken.
            response_synthesizer: instead of `llm` and everything that shapes its answers.
            node_postprocessors: any postprocessors, in order.
            callback_manager: LlamaIndex's.
            settings: what shapes the answers of `llm`, as `get_response_synthesizer` takes it (`response_mode`,
                `text_qa_template`, `output_cls`, `streaming`, ...), and what else the constructor takes.

        Raises:
            ConfigurationError: a synthesizer stands beside an `llm` or what would shape its answers, those are shaped
                without an `llm`, or settings cannot work.

        Examples:
            >>> from llama_index.core.llms import MockLLM
            >>> from llama_index.core.schema import TextNode
            >>> from llama_index_prod_rag import BM25FRetriever
            >>> retriever = BM25FRetriever([TextNode(text="Drag falls with sweep.")])
            >>> ConfidenceGatedQueryEngine.from_args(retriever, llm=MockLLM(), response_mode="tree_summarize")
            ConfidenceGatedQueryEngine(BM25FRetriever, TreeSummarize)
        """
        check_parts(retriever, response_synthesizer, node_postprocessors or ())
        synthesizer, rest = make_synthesizer(llm, response_synthesizer, callback_manager, settings)
        return cls(retriever, synthesizer, node_postprocessors, callback_manager=callback_manager, **rest)

    @classmethod
    def from_index(
        cls, index: VectorStoreIndex, llm: LLM | None = None, *, similarity_top_k: int = 10, **settings: Any
    ) -> ConfidenceGatedQueryEngine:
        """Make a gate over an index, with `HybridFusionRetriever.from_index` as its retriever.

        Args:
            index: the index.
            llm: writes the answers; None quotes the documents instead.
            similarity_top_k: passages that go to the postprocessors, or to the answer where there are none.
            settings: what else `from_args` takes.

        Raises:
            ConfigurationError: the index cannot be searched by words, or settings cannot work.
        """
        if not isinstance(index, BaseIndex):
            raise ConfigurationError(
                f"from_index takes an index, not {type(index).__name__}: pass a retriever to from_args"
            )
        retriever = HybridFusionRetriever.from_index(index, similarity_top_k=similarity_top_k)
        return cls.from_args(retriever, llm, **settings)

    def __repr__(self) -> str:
        parts = [self._search.retriever, *self._search.postprocessors, self._means.synthesizer]
        return f"{type(self).__name__}({', '.join(type(part).__name__ for part in parts if part is not None)})"

    @property
    def retriever(self) -> BaseRetriever:
        """Give the retriever that the first attempt asks."""
        return self._search.retriever

    @property
    def query_log(self) -> Log | None:
        """Give the log that takes this gate's own records."""
        return self._means.log

    def with_filters(self, filters: MetadataFilters | None) -> ConfidenceGatedQueryEngine:
        """Make the same gate with one request's metadata filters in every retriever it asks, those of retries included.

        What postprocessors bring in besides, such as neighbors and parents, is held against the filters too. Costs
        nothing to speak of: models, prompts, log and configuration hash are shared.

        Args:
            filters: only nodes whose metadata passes are searched; None for all.

        Raises:
            ConfigurationError: a retriever does not take filters per query, so it could return what they exclude.
        """
        view = copy(self)
        view._search = replace(
            self._search, retriever=replace_filters(self._search.retriever, filters), filters=filters
        )
        view._retries = tuple(
            retry if retry.retriever is None else replace(retry, retriever=replace_filters(retry.retriever, filters))
            for retry in self._retries
        )
        return view

    def for_principal(self, principal: Principal) -> ConfidenceGatedQueryEngine:
        """Make the same gate asked by somebody, whatever `acting_as` says; costs nothing to speak of.

        Args:
            principal: who asks.

        Raises:
            ConfigurationError: the gate has no access policy.
        """
        if self._access is None:
            raise ConfigurationError("the gate has no access policy: give ConfidenceGatedQueryEngine(access=...)")
        view = copy(self)
        view._principal = principal
        return view

    def streaming(self, on: bool = True) -> ConfidenceGatedQueryEngine:
        """Make the same gate with responses that stream, or that do not, whatever its synthesizer was made for.

        Args:
            on: whether a response is a stream of tokens.

        Raises:
            ConfigurationError: the synthesizer cannot stream.
        """
        synthesizer = copy(self._means.synthesizer)
        if synthesizer is not None:
            check_can_stream(synthesizer, streaming=on)
            synthesizer._streaming = on
        view = copy(self)
        view._means = replace(self._means, synthesizer=synthesizer, streaming=on)
        return view

    def narrow(self, response: RESPONSE_TYPE, choice: int | str) -> RESPONSE_TYPE:
        """Ask again with one of the readings that a response with the decision `clarify` named.

        For asynchronous callers there is `await gate.aquery(narrow_query(response, choice))`.

        Args:
            response: the gate's.
            choice: the reading's number, from 1, its label, or words of it that no other label has.

        Raises:
            InputError: the response has no such reading.
        """
        return self.query(narrow_query(response, choice))

    # Prompts: flat modules, because LlamaIndex cannot update keys with two colons.

    def _get_prompts(self) -> PromptDictType:
        return dict(self._prompts)

    def _update_prompts(self, prompts_dict: PromptDictType) -> None:
        self._prompts.update({name: prompt for name, prompt in prompts_dict.items() if name in self._prompts})

    def _get_prompt_modules(self) -> PromptMixinType:
        modules: PromptMixinType = {}
        for retry in self._retries:
            if isinstance(retry.rewriter, PromptMixin):
                modules[retry.name] = retry.rewriter
        if self._means.synthesizer is not None:
            modules["response_synthesizer"] = self._means.synthesizer
        return modules

    # The parts that RetrieverQueryEngine offers too.

    def retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        """Retrieve and postprocess, without a judgment; faults are raised."""
        with self._act():
            return run(retrieve(query_bundle, self._search))

    async def aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        """Do what `retrieve` does without blocking the loop."""
        with self._act():
            return await arun(retrieve(query_bundle, self._search))

    def _query(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
        with self._act(), self._observe(query_bundle) as (trace, event):
            response = run(self._answer(query_bundle, trace, asynchronous=False))
            event.on_end(payload={EventPayload.RESPONSE: response})
            return response

    async def _aquery(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
        with self._act(), self._observe(query_bundle) as (trace, event):
            response = await arun(self._answer(query_bundle, trace, asynchronous=True))
            event.on_end(payload={EventPayload.RESPONSE: response})
            return response

    @contextmanager
    def _act(self) -> Iterator[None]:
        """Ask as the principal that the policy finds; nobody is an error here, before anything is searched."""
        if self._access is None:
            yield
        else:
            with acting_as(self._access.principal(self._principal)):
                yield

    @contextmanager
    def _observe(self, query: QueryBundle) -> Iterator[tuple[QueryTrace, Any]]:
        payload: dict[str, Any] = {EventPayload.QUERY_STR: query.query_str}
        with self.callback_manager.event(CBEventType.QUERY, payload=payload) as event, tracing() as trace:
            yield trace, event

    async def _answer(self, query: QueryBundle, trace: QueryTrace, *, asynchronous: bool) -> RESPONSE_TYPE:
        asked = Asked(query.query_str)
        try:
            attempts = self._refuse_unsearched(query) or await self._attempt(query, trace)
            report = Report(asked, attempts, max(attempts, key=_merit))  # the first among equals
            return await Writer(self._means, query, report, asynchronous=asynchronous).write()
        except BaseException as error:  # a client that left, or settings that cannot work: asked it was
            if self._means.log is not None:
                self._means.log.add(asked.to_record(error, self.config_hash))
            raise

    def _refuse_unsearched(self, query: QueryBundle) -> list[Attempt]:
        """Refuse what is not a question that one could search for; nothing is returned for the others."""
        length = len(query.query_str)
        if query.query_str.strip() and length <= self._max_query_length:
            return []
        reason = f"the question has {length:,} characters, and {self._max_query_length:,} is the most"
        return [refuse(query.query_str, reason if length > self._max_query_length else "the question is empty")]

    async def _attempt(self, query: QueryBundle, trace: QueryTrace) -> list[Attempt]:
        attempts = [await look(FIRST, query, self._search, self._judge, trace)]
        for retry in self._retries:
            if attempts[-1].decision != "refuse":
                break
            trace.begin_attempt()
            search = replace(self._search, retriever=retry.retriever or self._search.retriever, rewriter=retry.rewriter)
            attempts.append(await look(retry.name, query, search, self._judge, trace))
        for attempt in attempts:
            _dispatcher.event(
                AssessmentEvent(query=query.query_str, attempt=attempt.name, assessment=attempt.assessment)
            )
        return attempts


def _check_numbers(quotes: int, max_query_length: int, retries: Sequence[Retry]) -> None:
    if quotes < 1:
        raise ConfigurationError(f"quotes={quotes}: a hedge needs at least one sentence")
    if max_query_length < 1:
        raise ConfigurationError(f"max_query_length={max_query_length}: a question needs at least one character")
    if len({retry.name for retry in retries} | {FIRST}) <= len(retries):
        raise ConfigurationError(f"retries need different names, and none may be called {FIRST!r}")


def _lend_scorer(stages: Sequence[BaseNodePostprocessor]) -> SentenceScorer | None:
    lender = next((stage for stage in stages if isinstance(stage, LendsScorer)), None)
    return None if lender is None else LentScorer(lender.pair_scorer)


def _guard(retry: Retry, access: AccessPolicy) -> Retry:
    return retry if retry.retriever is None else replace(retry, retriever=access.guard(retry.retriever))


def _merit(attempt: Attempt) -> tuple[int, float]:
    return _MERIT[attempt.decision], attempt.assessment.confidence or 0.0
