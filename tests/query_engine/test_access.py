"""A gate with an access policy: no stage, retry, neighbour or message shows what the one who asks may not see."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from llama_index.core import MockEmbedding, VectorStoreIndex
from llama_index.core.postprocessor import PrevNextNodePostprocessor
from llama_index.core.schema import NodeRelationship, QueryBundle, TextNode
from llama_index.core.tools import QueryEngineTool

from llama_index_prod_rag import (
    AccessPolicy,
    BM25FRetriever,
    ConfidenceGatedQueryEngine,
    CrossEncoderRerank,
    HybridFusionRetriever,
    NewestVersion,
    Principal,
    acting_as,
)
from llama_index_prod_rag.errors import AccessError, ConfigurationError
from llama_index_prod_rag.query_engine.retry import Retry
from tests.pair_scorers import OverlapScorer
from tests.query_engine.parts import FixedAssessor, ListLog, ScriptedRetriever, make_hits

STAFF, BOARD = Principal(groups=("staff",)), Principal(groups=("board",))
SECRET = "The merger with Acme is signed on Friday."


@pytest.fixture
def index() -> VectorStoreIndex:
    open_node = TextNode(id_="open", text="The keys are turned on Friday.", metadata={"groups": ["staff", "board"]})
    secret = TextNode(id_="secret", text=SECRET, metadata={"groups": ["board"]})
    open_node.relationships[NodeRelationship.NEXT] = secret.as_related_node_info()
    secret.relationships[NodeRelationship.PREVIOUS] = open_node.as_related_node_info()
    return VectorStoreIndex([open_node, secret], embed_model=MockEmbedding(4))


def gate_over(index: VectorStoreIndex, **kwargs: Any) -> ConfidenceGatedQueryEngine:
    retriever = HybridFusionRetriever.from_index(index)
    neighbors = PrevNextNodePostprocessor(docstore=index.docstore, mode="both", num_nodes=1)
    return ConfidenceGatedQueryEngine(
        retriever,
        node_postprocessors=[neighbors],
        retries=[Retry("again", retriever=BM25FRetriever.from_index(index))],
        access=AccessPolicy(),
        **kwargs,
    )


@pytest.mark.parametrize("status", ["healthy", "uncertain", "low_confidence"])
def test_nothing_of_another_group_is_in_the_response_the_log_or_a_message(
    index: VectorStoreIndex, status: Any, caplog: pytest.LogCaptureFixture
) -> None:
    log = ListLog()
    gate = gate_over(index, assessor=FixedAssessor(status), query_log=log)
    with caplog.at_level(logging.DEBUG, logger="llama_index_prod_rag"):
        as_staff = [gate.for_principal(STAFF).query("Friday merger Acme")]
        with acting_as(STAFF):
            as_staff += [gate.query("Friday merger Acme"), asyncio.run(gate.aquery("Friday merger Acme"))]
            tool_output = QueryEngineTool.from_defaults(gate).call("Friday merger Acme")
    for response in as_staff:
        assert {hit.node_id for hit in response.source_nodes} <= {"open"}
        assert "signed" not in f"{response.response} {response.metadata}"
    assert "signed" not in f"{tool_output.content} {log.records} {caplog.text}"
    assert "secret" in {hit.node_id for hit in gate.for_principal(BOARD).query("Friday merger Acme").source_nodes}


@pytest.mark.parametrize("by", ["access", "filters"])
def test_what_a_postprocessor_fetched_and_nobody_may_see_reaches_no_later_stage(
    index: VectorStoreIndex, by: str
) -> None:
    log, rerank = ListLog(), CrossEncoderRerank(scorer=OverlapScorer())
    nodes = list(index.docstore.get_nodes(["open", "secret"]))
    nodes[0].metadata["date"], nodes[1].metadata["date"] = "2020-01-01", "2024-01-01"
    nodes[1].metadata["supersedes"] = "open"
    index.docstore.add_documents(nodes)
    neighbors = PrevNextNodePostprocessor(docstore=index.docstore, mode="both", num_nodes=1)
    gate = ConfidenceGatedQueryEngine(
        BM25FRetriever.from_index(index),
        node_postprocessors=[neighbors, NewestVersion(), rerank],
        access=AccessPolicy() if by == "access" else None,
        query_log=log,
    )
    asked = gate.for_principal(STAFF) if by == "access" else gate.with_filters(AccessPolicy().filters(STAFF))
    response = asked.query("merger Acme signed Friday")
    assert [hit.node_id for hit in response.source_nodes] == ["open"]
    assert "secret" not in f"{response.metadata} {log.records}"
    assert response.metadata["prod_rag"]["signals"]["pair.top"] < 0.5


def test_nobodys_question_is_an_error_and_nothing_is_asked(index: VectorStoreIndex) -> None:
    gate = gate_over(index)
    for call in (
        lambda: gate.query("Friday"),
        lambda: asyncio.run(gate.aquery("Friday")),
        lambda: gate.retrieve(QueryBundle("Friday")),
        lambda: asyncio.run(gate.aretrieve(QueryBundle("Friday"))),
    ):
        with pytest.raises(AccessError, match="nobody asks"):
            call()


def test_a_questions_own_filters_only_take_away(index: VectorStoreIndex) -> None:
    gate = gate_over(index).with_filters(AccessPolicy().filters(BOARD))
    assert {hit.node_id for hit in gate.for_principal(STAFF).query("Friday merger").source_nodes} == {"open"}


def test_a_retriever_without_filters_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="ScriptedRetriever takes no filters"):
        ConfidenceGatedQueryEngine(ScriptedRetriever(make_hits()), access=AccessPolicy())
    with pytest.raises(ConfigurationError, match="no access policy"):
        ConfidenceGatedQueryEngine(ScriptedRetriever(make_hits())).for_principal(STAFF)
