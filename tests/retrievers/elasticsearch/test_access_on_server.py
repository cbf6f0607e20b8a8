"""Who may see what on a real server: inserts, updates, deletes and questions at random against a plain statement."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from llama_index.core.schema import QueryBundle, TextNode

from llama_index_prod_rag import AccessPolicy, Principal, acting_as
from llama_index_prod_rag.errors import AccessError
from llama_index_prod_rag.retrievers.elasticsearch import (
    ElasticsearchHybridRetriever,
    create_index,
    index_definition,
    ingest,
)
from tests.retrievers.test_access import may_see

pytestmark = pytest.mark.elasticsearch

_TRIALS = int(os.environ.get("PROD_RAG_TRIALS", "1"))  # multiplies the questions, for a long run
_NODES, _CHANGES, _ASKING = 12, 4, 4
_NAMES = ("anna", "bob", "staff", "board", "sta")
_POLICIES = (
    AccessPolicy(),
    AccessPolicy(public=True),
    AccessPolicy(deny_key="denied"),
    AccessPolicy(deny_key="denied", tenant_key="tenant", public=True),
)
_QUESTION = QueryBundle("key", embedding=[1.0, 0.5])


def draw_list(draw: random.Random) -> Any:
    return draw.choice([None, draw.choice(_NAMES), draw.sample(_NAMES, draw.randint(0, 2))])


def draw_metadata(draw: random.Random) -> dict[str, Any]:
    drawn = {"groups": draw_list(draw), "denied": draw_list(draw), "tenant": draw.choice(["a", "b", None])}
    return {key: value for key, value in drawn.items() if draw.random() < 0.9}


def draw_principal(draw: random.Random) -> Principal:
    groups = tuple(draw.sample(_NAMES[2:], draw.randint(0, 2)))
    return Principal(draw.choice([None, "anna", "bob"]), groups, draw.choice(["a", "b"]))


def change(draw: random.Random, client: Elasticsearch, index: str, truth: dict[str, dict[str, Any]]) -> None:
    """Put a node in, replace one, or delete one."""
    name = f"n{draw.randrange(_NODES)}"
    if name in truth and draw.random() < 0.4:
        del truth[name]
        client.delete(index=index, id=name)
    else:
        truth[name] = draw_metadata(draw)
        node = TextNode(id_=name, text=f"key {name}", metadata=truth[name], embedding=[draw.random(), 1.0])
        ingest(client, index, [node]).raise_for_failures()


def test_nothing_leaks(client: Elasticsearch, index: str, elasticsearch_url: str) -> None:
    create_index(client, index, index_definition(2))
    draw = random.Random(0)
    truth: dict[str, dict[str, Any]] = {}
    retrievers = [
        (policy, ElasticsearchHybridRetriever(index, url=elasticsearch_url, similarity_top_k=_NODES, access=policy))
        for policy in _POLICIES
    ]
    retrievers += [
        (policy, policy.guard(ElasticsearchHybridRetriever(index, url=elasticsearch_url, similarity_top_k=_NODES)))
        for policy in _POLICIES
    ]
    questions = returned = 0
    for _ in range(5 * _TRIALS):
        for _ in range(_CHANGES):
            change(draw, client, index, truth)
        client.indices.refresh(index=index)
        for principal in [draw_principal(draw) for _ in range(_ASKING)]:
            for policy, retriever in retrievers:
                with acting_as(principal):
                    found = {hit.node_id for hit in retriever.retrieve(_QUESTION)}
                assert found == {id_ for id_, data in truth.items() if may_see(policy, principal, data)}
                questions, returned = questions + 1, returned + len(found)
    print(f"{questions:,} questions, nothing leaked")  # noqa: T201 - what a long run is run for
    assert questions == 160 * _TRIALS
    assert returned > questions


def test_nobodys_question_does_not_reach_the_server() -> None:
    retriever = ElasticsearchHybridRetriever("none", url="http://127.0.0.1:9", access=AccessPolicy())
    with pytest.raises(AccessError, match="nobody asks"):
        retriever.retrieve(_QUESTION)
