"""The query engine that answers only when the retrieval looks like evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from time import perf_counter
from typing import Any

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.response.schema import RESPONSE_TYPE
from llama_index.core.callbacks import CallbackManager
from llama_index.core.callbacks.schema import CBEventType, EventPayload
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
from llama_index_prod_rag.models.pairs import EntailmentJudge
from llama_index_prod_rag.query_engine.access_check import AccessCheck
from llama_index_prod_rag.query_engine.attempt import FIRST, Attempt, Judge, look
from llama_index_prod_rag.query_engine.events import AssessmentEvent
from llama_index_prod_rag.query_engine.extract import SentenceScorer
from llama_index_prod_rag.query_engine.outcome import Report
from llama_index_prod_rag.query_engine.prompts import default_prompts
from llama_index_prod_rag.query_engine.retry import Retry
from llama_index_prod_rag.query_engine.writer import Log, Means, Writer
from llama_index_prod_rag.query_log.configuration import engine_hash
from llama_index_prod_rag.retrievers.access import AccessPolicy, Principal, acting_as, filtered
from llama_index_prod_rag.text.terms import TermStatistics
from llama_index_prod_rag.trace.records import QueryTrace, tracing

_dispatcher = get_dispatcher(__name__)
_MERIT = {"refuse": 0, "hedge": 1, "answer": 2}


class ConfidenceGatedQueryEngine(BaseQueryEngine):
    """Answers with sources, hedges with quotes, or refuses with a reason.

    Takes what `RetrieverQueryEngine` takes. The retriever's nodes go through the postprocessors, an assessor says how
    likely the evidence is there, a policy decides, and only then is anything written. Whatever fails on the way, the
    user gets an answer, a hedge or a refusal, and `response.metadata["prod_rag"]` says what was missing.

    `response.metadata["prod_rag"]` is JSON-safe: `query_id`, `decision`, `status`, `confidence`, `signals`,
    `not_assessed`, `reasons`, `sources`, `quotes`, `attempts`, `checks`, `degraded`, `timings` (seconds). For a stream
    it is brought up to date when the last token is out.

    Args:
        retriever: any retriever. Metadata filters and query embeddings pass through untouched.
        response_synthesizer: writes the answer. None quotes the best sentences instead; it never means "whatever
            model is in `Settings`".
        node_postprocessors: any postprocessors, in order; a `CrossEncoderRerank` gives the gate its best signal.
        assessor: judges the retrieval; None takes the shipped calibration, which is a start and promises nothing.
        policy: turns the judgement into a decision.
        retries: further attempts at questions that would be refused, in order, until one would not be.
        sentence_scorer: picks the quoted sentences, usually the reranker's scorer; None compares words.
        term_statistics: how rare terms are in the corpus, for the rarity signals.
        entailment_judge: an NLI model: gives the assessor entailment signals and checks written answers. Costs one
            call for the top passages, and one for each answer sentence and passage.
        support_policy: which findings about a written answer turn it into a hedge; None reports them in `checks` only.
        access: who may see what. Every search, also of retries, carries the principal's filters, and what
            postprocessors fetch beside the hits (neighbours, parents) is checked after the last of them. A question of
            nobody is an error, before anything is searched.
        query_log: takes one record a question; its faults never reach the user.
        streaming: whether own texts are streams; None follows the synthesizer.
        quotes: most sentences in a hedge or an extractive answer.
        config_hash: names this configuration in the log; empty takes `query_log.settings.engine_hash` of the parts.
        callback_manager: LlamaIndex's; None takes the synthesizer's.

    Raises:
        ConfigurationError: fewer than one quote, or two retries of one name.
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
        sentence_scorer: SentenceScorer | None = None,
        term_statistics: TermStatistics | None = None,
        entailment_judge: EntailmentJudge | None = None,
        support_policy: SupportPolicy | None = None,
        access: AccessPolicy | None = None,
        query_log: Log | None = None,
        streaming: bool | None = None,
        quotes: int = 3,
        config_hash: str = "",
        callback_manager: CallbackManager | None = None,
    ) -> None:
        if quotes < 1:
            raise ConfigurationError(f"quotes={quotes}: a hedge needs at least one sentence")
        if len({retry.name for retry in retries} | {FIRST}) <= len(retries):
            raise ConfigurationError(f"retries need different names, and none may be called {FIRST!r}")
        self._access = access
        self._principal: Principal | None = None
        self._retriever = retriever if access is None else access.guard(retriever)
        self._postprocessors = [*(node_postprocessors or ()), *([] if access is None else [AccessCheck(policy=access)])]
        self._judge = Judge(
            assessor or CalibratedAssessor(), policy or StatusPolicy(), term_statistics, entailment_judge
        )
        self._retries = tuple(retries if access is None else (_guarded(retry, access) for retry in retries))
        self._prompts = default_prompts()
        self.config_hash = config_hash or engine_hash(
            {
                "retriever": retriever,
                "response_synthesizer": response_synthesizer,
                "node_postprocessors": self._postprocessors,
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
            sentence_scorer,
            quotes,
            bool(getattr(response_synthesizer, "_streaming", False)) if streaming is None else streaming,
            query_log,
            self.config_hash,
            entailment_judge,
            support_policy,
        )
        super().__init__(callback_manager or getattr(response_synthesizer, "callback_manager", None))

    @property
    def retriever(self) -> BaseRetriever:
        """The retriever that the first attempt asks."""
        return self._retriever

    def with_filters(self, filters: MetadataFilters | None) -> ConfidenceGatedQueryEngine:
        """The same gate with one request's metadata filters in every retriever it asks, those of retries included.

        Costs nothing to speak of: models, prompts, log and configuration hash are shared.

        Args:
            filters: only nodes whose metadata passes are searched; None for all.

        Raises:
            ConfigurationError: a retriever does not take filters per query, so it could return what they exclude.
        """
        view = copy(self)
        view._retriever = filtered(self._retriever, filters)
        view._retries = tuple(
            retry if retry.retriever is None else replace(retry, retriever=filtered(retry.retriever, filters))
            for retry in self._retries
        )
        return view

    def for_principal(self, principal: Principal) -> ConfidenceGatedQueryEngine:
        """The same gate asked by somebody, whatever `acting_as` says; costs nothing to speak of.

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
        """Nodes after every postprocessor, without a judgement; faults are raised."""
        with self._asked():
            nodes = self._retriever.retrieve(query_bundle)
            for postprocessor in self._postprocessors:
                nodes = postprocessor.postprocess_nodes(nodes, query_bundle=query_bundle)
        return nodes

    async def aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        """`retrieve`, without blocking the loop."""
        with self._asked():
            nodes = await self._retriever.aretrieve(query_bundle)
            for postprocessor in self._postprocessors:
                nodes = await postprocessor.apostprocess_nodes(nodes, query_bundle=query_bundle)
        return nodes

    def _query(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
        with self._asked(), self._observed(query_bundle) as (trace, event):
            response = run(self._steps(query_bundle, trace, asynchronous=False))
            event.on_end(payload={EventPayload.RESPONSE: response})
            return response

    async def _aquery(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
        with self._asked(), self._observed(query_bundle) as (trace, event):
            response = await arun(self._steps(query_bundle, trace, asynchronous=True))
            event.on_end(payload={EventPayload.RESPONSE: response})
            return response

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Ask as the principal that the policy finds; nobody is an error here, before anything is searched."""
        if self._access is None:
            yield
        else:
            with acting_as(self._access.principal(self._principal)):
                yield

    @contextmanager
    def _observed(self, query: QueryBundle) -> Iterator[tuple[QueryTrace, Any]]:
        payload: dict[str, Any] = {EventPayload.QUERY_STR: query.query_str}
        with self.callback_manager.event(CBEventType.QUERY, payload=payload) as event, tracing() as trace:
            yield trace, event

    async def _steps(self, query: QueryBundle, trace: QueryTrace, *, asynchronous: bool) -> RESPONSE_TYPE:
        began = perf_counter()
        attempts = await self._attempts(query, trace)
        best = max(attempts, key=_merit)  # the first among equals
        report = Report(query.query_str, attempts, best, began)
        return await Writer(self._means, query, report, asynchronous=asynchronous).write()

    async def _attempts(self, query: QueryBundle, trace: QueryTrace) -> list[Attempt]:
        first = await look(FIRST, query, self._retriever, self._postprocessors, judge=self._judge, trace=trace)
        attempts = [first]
        for retry in self._retries:
            if attempts[-1].decision != "refuse":
                break
            trace.begin_attempt()
            again = await look(
                retry.name,
                query,
                retry.retriever or self._retriever,
                self._postprocessors,
                judge=self._judge,
                trace=trace,
                rewriter=retry.rewriter,
            )
            attempts.append(again)
        for attempt in attempts:
            _dispatcher.event(
                AssessmentEvent(query=query.query_str, attempt=attempt.name, assessment=attempt.assessment)
            )
        return attempts


def _guarded(retry: Retry, access: AccessPolicy) -> Retry:
    return retry if retry.retriever is None else replace(retry, retriever=access.guard(retry.retriever))


def _merit(attempt: Attempt) -> tuple[int, float]:
    return _MERIT[attempt.decision], attempt.assessment.confidence or 0.0
