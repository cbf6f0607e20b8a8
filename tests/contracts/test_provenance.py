"""Ranks, scores and timings reach the gate through whatever stands between: the cases that each carrier alone fails."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.llms import MockLLM
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import get_response_synthesizer
from llama_index.core.schema import IndexNode, NodeWithScore, QueryBundle, TextNode

from llama_index_prod_rag.trace.events import emit
from llama_index_prod_rag.trace.records import LegHit, Record, RerankRecord, RetrievalRecord, join_records, tracing
from llama_index_prod_rag.trace.scored_node import ScoredNode, carried_records, rescore

NODES = [TextNode(text=f"text {number}", id_=f"n{number}") for number in range(5)]


class Legs(BaseRetriever):
    """A retriever that records, as ours do."""

    def __init__(self, nodes: Sequence[TextNode] = NODES, *, seconds: float = 0.0) -> None:
        super().__init__()
        self.nodes, self.seconds = nodes, seconds

    def _found(self, bundle: QueryBundle) -> list[NodeWithScore]:
        record = RetrievalRecord(
            bundle.query_str,
            legs={"dense": {node.node_id: LegHit(rank, 1.0 / rank) for rank, node in enumerate(self.nodes, 1)}},
            fused={node.node_id: 1.0 / rank for rank, node in enumerate(self.nodes, 1)},
            failed={} if self.nodes else {"dense": "no such index"},
        )
        emit(record)
        return [ScoredNode(node=node, score=record.fused[node.node_id], retrieval=record) for node in self.nodes]

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return self._found(query_bundle)

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        await asyncio.sleep(self.seconds)
        return self._found(query_bundle)


class Pairs(BaseNodePostprocessor):
    """A reranker that records, as ours does."""

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        logits = {hit.node_id: float(-number) for number, hit in enumerate(nodes)}
        record = RerankRecord("pairs", logits=logits, scores=logits)
        emit(record)
        return [rescore(hit, logits[hit.node_id], rerank=record) for hit in nodes][:2]


class Rebuilding(BaseNodePostprocessor):
    """A third-party postprocessor that makes new hits."""

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        return [NodeWithScore(node=hit.node, score=hit.score) for hit in nodes]


class Rewriting(BaseRetriever):
    """A third-party retriever that asks another question."""

    def __init__(self, inner: BaseRetriever) -> None:
        super().__init__()
        self.inner = inner

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return self.inner.retrieve(QueryBundle("rewritten"))

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await self.inner.aretrieve(QueryBundle("rewritten"))


class BareExecutor(Rewriting):
    """A third-party retriever whose worker threads lose the context."""

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(self.inner.retrieve, query_bundle).result()

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.get_running_loop().run_in_executor(None, self.inner.retrieve, query_bundle)


class ToThread(Rewriting):
    """A third-party retriever that moves to a thread with its context."""

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self.inner.retrieve, query_bundle)


def _index_node() -> BaseRetriever:
    return Legs([IndexNode(text="to the inner one", index_id="inner", obj=Legs(), id_="ix"), NODES[0]])


def _ask(retriever: BaseRetriever, stages: Sequence[BaseNodePostprocessor]) -> tuple[Record, ...]:
    with tracing() as trace:
        hits = retriever.retrieve(QueryBundle("q"))
        for stage in stages:
            hits = stage.postprocess_nodes(hits, query_bundle=QueryBundle("q"))
    return join_records(trace, carried_records(hits))


async def _aask(retriever: BaseRetriever, stages: Sequence[BaseNodePostprocessor]) -> tuple[Record, ...]:
    with tracing() as trace:
        hits = await retriever.aretrieve(QueryBundle("q"))
        for stage in stages:
            hits = await stage.apostprocess_nodes(hits, query_bundle=QueryBundle("q"))
    return join_records(trace, carried_records(hits))


CASES = {
    "plain": (Legs(), [Pairs()]),
    "rebuilt after reranking": (Legs(), [Pairs(), Rebuilding()]),
    "rebuilt before reranking": (Legs(), [Rebuilding(), Pairs()]),
    "no hits": (Legs([]), [Pairs()]),
    "question rewritten": (Rewriting(Legs()), [Pairs()]),
    "thread with context": (ToThread(Legs()), [Pairs()]),
    "thread without context": (BareExecutor(Legs()), [Pairs()]),
    "nested retriever": (_index_node(), [Pairs()]),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_both_records_reach_the_gate(case: str, mode: str) -> None:
    retriever, stages = CASES[case]
    records = _ask(retriever, stages) if mode == "sync" else asyncio.run(_aask(retriever, stages))
    assert any(isinstance(record, RetrievalRecord) for record in records)
    assert any(isinstance(record, RerankRecord) for record in records)


def test_forty_concurrent_calls_on_one_bundle_keep_their_own_records() -> None:
    slow, bundle = Legs(seconds=0.01), QueryBundle("same")

    async def one() -> int:
        with tracing() as trace:
            await slow.aretrieve(bundle)
        return len(trace.records)

    async def many() -> list[int]:
        return list(await asyncio.gather(*(one() for _ in range(40))))

    assert asyncio.run(many()) == [1] * 40


@pytest.mark.parametrize("streaming", [False, True])
def test_stock_engine_returns_hits_with_their_records(streaming: bool) -> None:
    engine = RetrieverQueryEngine(
        Legs(),
        response_synthesizer=get_response_synthesizer(llm=MockLLM(), streaming=streaming),
        node_postprocessors=[Pairs()],
    )
    hit = engine.query("q").source_nodes[0]
    assert isinstance(hit, ScoredNode)
    assert hit.retrieval is not None
    assert hit.retrieval.legs["dense"][hit.node_id].rank == 1
    assert hit.rerank is not None


def test_a_hit_is_a_plain_node_with_score_to_everybody_else() -> None:
    hit = Legs().retrieve("q")[0]
    assert isinstance(hit, NodeWithScore)
    assert hit.class_name() == NodeWithScore.class_name()
    assert "retrieval" not in hit.to_json()
    assert "retrieval" not in hit.to_dict()


@pytest.mark.parametrize("move", [copy.deepcopy, copy.copy, lambda hit: pickle.loads(pickle.dumps(hit))])  # noqa: S301
def test_records_survive_copies_and_pickling(move: object) -> None:
    hit = Legs().retrieve("q")[0]
    moved = move(hit)  # type: ignore[operator]
    assert moved.retrieval.fused == hit.retrieval.fused  # type: ignore[attr-defined]


def test_rescoring_leaves_the_input_alone_and_keeps_other_subclasses() -> None:
    class Theirs(NodeWithScore):
        note: str = ""

    theirs = Theirs(node=NODES[0], score=0.1, note="kept")
    moved = rescore(theirs, 0.9, rerank=RerankRecord("m"))
    assert (theirs.score, moved.score) == (0.1, 0.9)
    assert isinstance(moved, Theirs)
    assert moved.note == "kept"
    ours = rescore(NodeWithScore(node=NODES[0], score=0.1), 0.9, rerank=RerankRecord("m"))
    assert isinstance(ours, ScoredNode)
    assert rescore(ours, 0.2).rerank is ours.rerank  # type: ignore[attr-defined]
