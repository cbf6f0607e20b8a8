"""One look at the documents: retrieve, postprocess, judge. A stage that fails is left out, and said so."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle

from llama_index_prod_rag.calls import Call
from llama_index_prod_rag.confidence.assessment import Assessor, RetrievalAssessment, no_results
from llama_index_prod_rag.confidence.evidence import Evidence, gather
from llama_index_prod_rag.confidence.policy import Decision, Policy
from llama_index_prod_rag.confidence.signals import compute_signals, not_assessed
from llama_index_prod_rag.models.pairs import EntailmentJudge
from llama_index_prod_rag.query_engine.retry import QueryRewriter
from llama_index_prod_rag.query_engine.sources import passages_of, text_of
from llama_index_prod_rag.text.terms import TermStatistics
from llama_index_prod_rag.trace.records import QueryTrace, Record, join_records
from llama_index_prod_rag.trace.scored_node import carried_records

_logger = logging.getLogger(__name__)

FIRST = "first"
"""Name of the attempt that is always made."""

_ENTAILMENT_DEPTH = 3  # passages that the NLI model compares with the question
_KEPT_WITHOUT_RERANKER = 5  # passages, where a reranker that would have cut the list failed and names no top_n


@dataclass(frozen=True, slots=True)
class Judge:
    """What decides: an assessor, a policy, what the corpus's terms are worth, and an NLI model if there is one."""

    assessor: Assessor
    policy: Policy
    statistics: TermStatistics | None = None
    entailment: EntailmentJudge | None = None


@dataclass(slots=True)
class Attempt:
    """What one look found and what to make of it.

    Attributes:
        name: `"first"`, or the retry's name.
        hits: the passages after every postprocessor.
        records: what the stages noted.
        degraded: stage -> why it is missing.
        seconds: stage -> wall time.
        query: the words that were searched for.
        assessment: the judgement.
        decision: what the policy makes of it.
    """

    name: str
    query: str
    hits: list[NodeWithScore] = field(default_factory=list)
    records: tuple[Record, ...] = ()
    degraded: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    assessment: RetrievalAssessment = field(default_factory=lambda: RetrievalAssessment("no_results", 0.0))
    decision: Decision = "refuse"

    def degrade(self, stage: str, error: Exception) -> None:
        """Note that a stage is missing."""
        _logger.warning("%s failed, going on without it: %s", stage, reason_of(error))
        self.degraded[stage] = reason_of(error)


def reason_of(error: Exception) -> str:
    """An error in one line for the user, without its traceback."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


async def look(
    name: str,
    query: QueryBundle,
    retriever: BaseRetriever,
    postprocessors: Sequence[BaseNodePostprocessor],
    *,
    judge: Judge,
    trace: QueryTrace,
    rewriter: QueryRewriter | None = None,
) -> Attempt:
    """Retrieve, postprocess and judge once.

    The bundle goes to the retriever as it came, embedding and all, unless a rewriter changes its words.
    """
    attempt = Attempt(name, query.query_str)
    wanted = query if rewriter is None else await _reworded(attempt, query, rewriter)
    candidates = await _retrieved(attempt, retriever, wanted)
    await _postprocessed(attempt, candidates, postprocessors, query)
    entailment = await _entailed(attempt, query.query_str, judge.entailment)
    began = perf_counter()
    attempt.records = join_records(trace, carried_records(attempt.hits or candidates))
    evidence = gather(
        query.query_str,
        passages_of(attempt.hits),
        attempt.records,
        candidates={hit.node.node_id: text_of(hit) for hit in candidates},
        statistics=judge.statistics,
        entailment=entailment,
    )
    _judged(attempt, evidence, judge)
    attempt.seconds["assess"] = perf_counter() - began
    return attempt


async def _reworded(attempt: Attempt, query: QueryBundle, rewriter: QueryRewriter) -> QueryBundle:
    began = perf_counter()
    try:
        words = await Call(lambda: rewriter.rewrite(query.query_str), lambda: rewriter.arewrite(query.query_str))
    except Exception as error:  # any fault of any model
        attempt.degrade("rewrite", error)
        return query
    attempt.seconds["rewrite"] = perf_counter() - began
    attempt.query = words
    return QueryBundle(words)


async def _retrieved(attempt: Attempt, retriever: BaseRetriever, query: QueryBundle) -> list[NodeWithScore]:
    began = perf_counter()
    try:
        hits = await Call(lambda: retriever.retrieve(query), lambda: retriever.aretrieve(query))
    except Exception as error:  # any fault of any store
        attempt.degrade("retriever", error)
        return []
    finally:
        attempt.seconds["retrieve"] = perf_counter() - began
    return hits


async def _postprocessed(
    attempt: Attempt,
    candidates: list[NodeWithScore],
    postprocessors: Sequence[BaseNodePostprocessor],
    query: QueryBundle,
) -> None:
    began = perf_counter()
    attempt.hits = candidates
    for postprocessor in postprocessors:
        attempt.hits = await _staged(attempt, attempt.hits, postprocessor, query)
    attempt.seconds["postprocess"] = perf_counter() - began


async def _staged(
    attempt: Attempt, hits: list[NodeWithScore], stage: BaseNodePostprocessor, query: QueryBundle
) -> list[NodeWithScore]:
    try:
        left = await Call(
            lambda: stage.postprocess_nodes(hits, query_bundle=query),
            lambda: stage.apostprocess_nodes(hits, query_bundle=query),
        )
    except Exception as error:  # any fault of any model
        attempt.degrade(type(stage).__name__, error)
        # Without its cut, dozens of candidates would reach the language model.
        return hits[: getattr(stage, "top_n", _KEPT_WITHOUT_RERANKER)]
    return left


async def _entailed(attempt: Attempt, query: str, judge: EntailmentJudge | None) -> dict[str, float]:
    """How strongly the top passages support or contradict the words of the question."""
    pairs = [(text_of(hit), query) for hit in attempt.hits[:_ENTAILMENT_DEPTH]]
    if judge is None or not pairs:
        return {}
    began = perf_counter()
    try:
        found = await Call.in_thread(lambda: judge.judge(pairs))
    except Exception as error:  # any fault of any model
        attempt.degrade("entailment", error)
        return {}
    attempt.seconds["entailment"] = perf_counter() - began
    return {
        "entailment.best": max(result.supports for result in found),
        "contradiction.best": max(result.contradicts for result in found),
    }


def _judged(attempt: Attempt, evidence: Evidence, judge: Judge) -> None:
    try:
        if not evidence.passages:
            why = attempt.degraded.get("retriever")
            attempt.assessment = no_results(evidence, f"the search failed ({why})") if why else no_results(evidence)
        else:
            attempt.assessment = judge.assessor.assess(evidence)
        attempt.decision = judge.policy.decide(attempt.assessment)
    except Exception as error:  # an assessor may be the user's own
        # What cannot be judged is neither trusted nor thrown away.
        attempt.degrade("assessment", error)
        attempt.assessment = RetrievalAssessment(
            "uncertain",
            None,
            compute_signals(evidence),
            (f"the retrieval could not be assessed ({reason_of(error)})",),
            not_assessed(evidence),
        )
        attempt.decision = "hedge"
