"""One look at the documents: retrieve, postprocess, judge. A stage that may be skipped is left out when it fails."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index.core.vector_stores.types import MetadataFilters

from llama_index_prod_rag.calls import Call
from llama_index_prod_rag.confidence.assessment import Assessor, RetrievalAssessment, no_results
from llama_index_prod_rag.confidence.evidence import Evidence, gather
from llama_index_prod_rag.confidence.policy import Decision, Policy
from llama_index_prod_rag.confidence.second_look import heed
from llama_index_prod_rag.confidence.signals import compute_signals, not_assessed
from llama_index_prod_rag.disclosure import describe, mask
from llama_index_prod_rag.errors import AccessError, ConfigurationError
from llama_index_prod_rag.models.pairs import EntailmentJudge, EvidenceJudge
from llama_index_prod_rag.query_engine.clarify import AMBIGUOUS, NarrowedQuery, readings_shown
from llama_index_prod_rag.query_engine.extract import SentenceScorer
from llama_index_prod_rag.query_engine.retry import QueryRewriter
from llama_index_prod_rag.query_engine.skipping import may_be_skipped
from llama_index_prod_rag.query_engine.sources import passages_of, text_of
from llama_index_prod_rag.retrievers.filters import passing
from llama_index_prod_rag.text.printable import make_line
from llama_index_prod_rag.text.terms import TermStatistics
from llama_index_prod_rag.trace.records import QueryTrace, Record, RetrievalRecord, join_records
from llama_index_prod_rag.trace.scored_node import carried_records

_logger = logging.getLogger(__name__)

SETTING_ERRORS = (AccessError, ConfigurationError, ImportError)
"""The developer's to mend, today: no question goes better without what they are about, so they are raised."""

FIRST = "first"
"""Name of the attempt that is always made."""

_ENTAILMENT_DEPTH = 3  # passages that the NLI model compares with the question
_RULED_ON = 5  # passages that a second look reads, at most: what is shown by default
_KEPT_WITHOUT_RERANKER = 5  # passages, where a reranker that would have cut the list failed and names no top_n

SEARCH_FAILED = "the search failed"
STEP_FAILED = "a step of the search that no answer may go without failed"
NOTHING_CLOSE = "passages were found, but none of them is close enough to the question"


@dataclass(frozen=True, slots=True)
class Judge:
    """Holds what decides: an assessor, a policy, what the corpus's terms are worth, and models that are asked besides.

    Attributes:
        assessor: judges the retrieval.
        policy: decides.
        statistics: how rare terms are.
        entailment: compares passages with the question.
        second: rules on the first passages of what would be a hedge.
        scorer: the reranker's model, for what passages say beside repeating the question.
    """

    assessor: Assessor
    policy: Policy
    statistics: TermStatistics | None = None
    entailment: EntailmentJudge | None = None
    second: EvidenceJudge | None = None
    scorer: SentenceScorer | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """Says who is asked and what is done with the hits.

    Attributes:
        retriever: who is asked.
        postprocessors: what the hits go through, in order.
        required: class name -> whether that postprocessor must work, see `skipping`.
        filters: what the metadata of every passage must pass, whoever brought it; None for all.
        rewriter: puts the question in other words for the search.
    """

    retriever: BaseRetriever
    postprocessors: Sequence[BaseNodePostprocessor] = ()
    required: Mapping[str, bool] = field(default_factory=dict)
    filters: MetadataFilters | None = None
    rewriter: QueryRewriter | None = None


@dataclass(frozen=True, slots=True)
class SecondLook:
    """Holds a judge's ruling on a hedge.

    Attributes:
        answers: what it said, 0 to 1.
        quote: the words that it rests on.
        counted: what that was worth: 0 where no passage has the quote.
        decision: what became of the hedge.
    """

    answers: float
    quote: str
    counted: float
    decision: Decision


@dataclass(slots=True)
class Attempt:
    """Holds what one look found and what to make of it.

    Attributes:
        name: `"first"`, or the retry's name.
        query: the words that were searched for.
        hits: the passages after every postprocessor.
        records: what the stages noted.
        left_out: node id -> why a stage left it out.
        degraded: stage -> why it is missing, for operators.
        seconds: stage -> wall time.
        empty: why there are no hits, for people, where something else is to blame than the documents.
        mentioned: what the question asks about that a passage mentions, as the question writes it.
        missing: what none mentions; empty where nothing was found at all.
        language: of what was found.
        assessment: the judgment.
        decision: what the policy makes of it.
        second_look: what the judge said of what would have been a hedge; None where it was not asked.
    """

    name: str
    query: str
    hits: list[NodeWithScore] = field(default_factory=list)
    records: tuple[Record, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)
    degraded: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    empty: str | None = None
    mentioned: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    language: str = "english"
    assessment: RetrievalAssessment = field(default_factory=lambda: RetrievalAssessment("no_results", 0.0))
    decision: Decision = "refuse"
    second_look: SecondLook | None = None

    def degrade(self, stage: str, error: Exception) -> None:
        """Note that a stage is missing; an error of the settings is raised instead."""
        if isinstance(error, SETTING_ERRORS):
            raise error
        self.degraded[stage] = describe(error)
        _logger.warning("%s failed, going on without it: %s", stage, self.degraded[stage])


async def look(name: str, query: QueryBundle, search: Search, judge: Judge, trace: QueryTrace) -> Attempt:
    """Retrieve, postprocess and judge once. Awaits calls only.

    The bundle goes to the retriever as it came, embedding and all, unless a rewriter changes its words.

    Raises:
        AccessError: nobody asks, or one who may not.
        ConfigurationError: a stage has settings that cannot work.
        ImportError: a stage lacks a package.
    """
    attempt = Attempt(name, query.query_str)
    wanted = query if search.rewriter is None else await _reword(attempt, query, search.rewriter)
    candidates = await _retrieve(attempt, search.retriever, wanted)
    if isinstance(query, NarrowedQuery):
        candidates = query.keep(candidates)
    await _postprocess(attempt, candidates, search, query)
    entailment = await _compare_with_question(attempt, query.query_str, judge.entailment)
    began = perf_counter()
    attempt.records = join_records(trace, carried_records(attempt.hits or candidates))
    shown = {hit.node.node_id for hit in attempt.hits}  # what an earlier attempt left out may be all that this one has
    attempt.left_out = {node_id: why for node_id, why in trace.left_out.items() if node_id not in shown}
    attempt.degraded.update(_failures(attempt.records))
    evidence = gather(
        query.query_str,
        passages_of(attempt.hits),
        attempt.records,
        candidates={hit.node.node_id: text_of(hit) for hit in candidates} if attempt.hits else {},
        statistics=judge.statistics,
        entailment=entailment,
    )
    evidence = await _reread(attempt, evidence, judge.scorer)
    judged = _assess(attempt, evidence, judge)
    attempt.seconds["assess"] = perf_counter() - began
    if judged and attempt.decision == "hedge" and judge.second is not None:
        await _look_again(attempt, evidence, judge, judge.second)
    if judged and attempt.decision != "refuse" and not isinstance(query, NarrowedQuery):
        _ask_back(attempt, query.query_str, candidates, judge.policy)
    return attempt


async def retrieve(query: QueryBundle, search: Search) -> list[NodeWithScore]:
    """Retrieve and postprocess without a judgment; faults are raised. Awaits calls only."""
    candidates = await _ask(search.retriever, query)
    hits = candidates = query.keep(candidates) if isinstance(query, NarrowedQuery) else candidates
    for stage in search.postprocessors:
        hits = _keep_permitted(await _process(stage, hits, query), candidates, search.filters)
    return hits


def refuse(query: str, reason: str) -> Attempt:
    """Make the attempt at a question that is not searched for."""
    return Attempt(FIRST, query, assessment=RetrievalAssessment("no_results", 0.0, {}, (reason,)))


def _ask(retriever: BaseRetriever, query: QueryBundle) -> Call[list[NodeWithScore]]:
    return Call.either(lambda: retriever.retrieve(query), lambda: retriever.aretrieve(query))


def _process(stage: BaseNodePostprocessor, hits: list[NodeWithScore], query: QueryBundle) -> Call[list[NodeWithScore]]:
    return Call(
        lambda: stage.postprocess_nodes(hits, query_bundle=query),
        lambda: stage.apostprocess_nodes(hits, query_bundle=query),
    )


async def _reword(attempt: Attempt, query: QueryBundle, rewriter: QueryRewriter) -> QueryBundle:
    began = perf_counter()
    try:
        words = await Call(lambda: rewriter.rewrite(query.query_str), lambda: rewriter.arewrite(query.query_str))
    except Exception as error:  # any fault of any model
        attempt.degrade("rewrite", error)
        return query
    attempt.seconds["rewrite"] = perf_counter() - began
    attempt.query = words
    return QueryBundle(words)


async def _retrieve(attempt: Attempt, retriever: BaseRetriever, query: QueryBundle) -> list[NodeWithScore]:
    began = perf_counter()
    try:
        return await _ask(retriever, query)
    except Exception as error:  # any fault of any store
        attempt.degrade("retriever", error)
        attempt.empty = SEARCH_FAILED
        return []
    finally:
        attempt.seconds["retrieve"] = perf_counter() - began


async def _postprocess(attempt: Attempt, candidates: list[NodeWithScore], search: Search, query: QueryBundle) -> None:
    began = perf_counter()
    hits = candidates
    for stage in search.postprocessors:
        before, hits = hits, await _apply(attempt, hits, stage, query, search.required)
        hits = _keep_permitted(hits, candidates, search.filters)  # before the next stage reads or prefers it
        if before and not hits and attempt.empty is None and may_be_skipped(stage, search.required):
            attempt.empty = NOTHING_CLOSE
        if attempt.empty is not None:
            break
    attempt.hits = hits
    attempt.seconds["postprocess"] = perf_counter() - began


async def _apply(
    attempt: Attempt,
    hits: list[NodeWithScore],
    stage: BaseNodePostprocessor,
    query: QueryBundle,
    required: Mapping[str, bool],
) -> list[NodeWithScore]:
    try:
        return await _process(stage, hits, query)
    except Exception as error:  # any fault of any model
        attempt.degrade(type(stage).__name__, error)
        if not may_be_skipped(stage, required):
            attempt.empty = STEP_FAILED
            return []
        # Without its cut, dozens of candidates would reach the language model.
        return hits[: getattr(stage, "top_n", _KEPT_WITHOUT_RERANKER)]


def _keep_permitted(
    hits: list[NodeWithScore], candidates: Sequence[NodeWithScore], filters: MetadataFilters | None
) -> list[NodeWithScore]:
    """Drop neighbors, parents and other nodes that came in after the search and that its filters exclude."""
    if filters is None:
        return hits
    searched = {hit.node.node_id for hit in candidates}
    strangers = [hit for hit in hits if hit.node.node_id not in searched]
    permitted = searched.union(hit.node.node_id for hit in passing(strangers, filters))
    return [hit for hit in hits if hit.node.node_id in permitted]


async def _compare_with_question(attempt: Attempt, query: str, judge: EntailmentJudge | None) -> dict[str, float]:
    """Measure how strongly the top passages support or contradict the words of the question."""
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


async def _reread(attempt: Attempt, evidence: Evidence, scorer: SentenceScorer | None) -> Evidence:
    """Have the reranker read what passages say beside repeating the question; without it they have no pair score."""
    rests = evidence.unread
    if scorer is None or not rests:
        return evidence
    try:
        pairs = [(evidence.query, rest) for rest in rests.values()]
        scores = await Call.in_thread(lambda: scorer.score(pairs))
    except Exception as error:  # any fault of any model
        attempt.degrade("reread", error)
        return evidence
    return evidence.reread(dict(zip(rests, map(float, scores), strict=True)))


def _failures(records: Sequence[Record]) -> dict[str, str]:
    """Collect what stages said that went on without a part of theirs; anybody's stage may leave a record."""
    failed: dict[str, str] = {}
    for record in records:
        if isinstance(record, RetrievalRecord):
            failed.update({leg: make_line(mask(why)) for leg, why in record.failed.items()})
        elif record.failed is not None:
            failed["rerank"] = make_line(mask(record.failed))
    return failed


async def _look_again(attempt: Attempt, evidence: Evidence, judge: Judge, second: EvidenceJudge) -> None:
    """Ask whether the first passages answer the question, and judge once more with the ruling as one more signal."""
    shown = [passage.wording for passage in evidence.passages[:_RULED_ON]]
    began = perf_counter()
    try:
        ruling = await Call.in_thread(lambda: second(evidence.query, shown))
        counted = heed(ruling, shown)
    except Exception as error:  # any fault of any model
        attempt.degrade("second look", error)
        return
    finally:
        attempt.seconds["second look"] = perf_counter() - began
    _assess(attempt, replace(evidence, ruling=counted), judge)
    attempt.second_look = SecondLook(ruling.answers, ruling.quote, counted, attempt.decision)


def _ask_back(attempt: Attempt, question: str, candidates: Sequence[NodeWithScore], policy: Policy) -> None:
    """Have the policy decide anew where a name of the question stands for several things that are shown."""
    candidates = [hit for hit in candidates if hit.node_id not in attempt.left_out]
    try:
        readings = readings_shown(question, candidates, attempt.hits, attempt.language)
        if readings:
            verdict = AMBIGUOUS.format(readings[0].name)
            reasons = (verdict, *attempt.assessment.reasons)
            ambiguous = replace(
                attempt.assessment, status="ambiguous", reasons=reasons, verdict=verdict, readings=readings
            )
            attempt.decision = policy.decide(ambiguous)  # a policy may be the user's own, and not know the status
            attempt.assessment = ambiguous
    except Exception as error:
        attempt.degrade("readings", error)


def _signals_at_hand(evidence: Evidence) -> dict[str, float]:
    try:
        return compute_signals(evidence)
    except Exception:  # they may be what could not be judged
        return {}


def _assess(attempt: Attempt, evidence: Evidence, judge: Judge) -> bool:
    """Judge and decide; whether the assessor could."""
    try:
        if not evidence.passages:
            attempt.assessment = no_results(evidence, attempt.empty or "")
        else:
            attempt.assessment = judge.assessor.assess(evidence)
        attempt.language = evidence.language
        if evidence.passages:
            attempt.mentioned, attempt.missing = evidence.find_mentioned()
            # Without any there is nothing to answer from, whatever the policy.
            attempt.decision = judge.policy.decide(attempt.assessment)
    except Exception as error:  # an assessor may be the user's own
        # What cannot be judged is neither trusted nor thrown away.
        attempt.degrade("assessment", error)
        attempt.assessment = RetrievalAssessment(
            "uncertain",
            None,
            _signals_at_hand(evidence),
            ("the passages that were found could not be judged",),
            not_assessed(evidence),
        )
        attempt.decision = "hedge"
        return False
    return True
