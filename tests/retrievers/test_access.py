"""Who may see what: nobody's question is an error, and no way out shows what the policy hides."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from llama_index.core import Document, MockEmbedding, VectorStoreIndex
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from llama_index_prod_rag import (
    AccessPolicy,
    BM25FRetriever,
    DocumentAwareNodeParser,
    HybridFusionRetriever,
    Principal,
    acting_as,
)
from llama_index_prod_rag.errors import AccessError, ConfigurationError
from llama_index_prod_rag.retrievers.dense import DenseRetriever

ANNA = Principal(user="anna", groups=("staff",))


def node(name: str, **metadata: Any) -> TextNode:
    return TextNode(id_=name, text=f"key {name}", metadata=metadata)


NODES = [
    node("own", groups=["anna"]),
    node("team", groups=["staff", "board"]),
    node("single", groups="staff"),
    node("longer", groups="staffing"),
    node("board", groups=["board"]),
    node("unlisted"),
    node("empty", groups=[]),
    node("denied", groups=["staff"], denied=["anna"]),
    node("other-tenant", groups=["staff"], tenant="b"),
]


def seen(retriever: BaseRetriever) -> set[str]:
    return {hit.node_id for hit in retriever.retrieve("key")}


@pytest.fixture
def index() -> VectorStoreIndex:
    return VectorStoreIndex(NODES, embed_model=MockEmbedding(4))


def every_retriever(index: VectorStoreIndex, policy: AccessPolicy) -> list[BaseRetriever]:
    return [
        BM25FRetriever(NODES, access=policy),
        BM25FRetriever.from_index(index, access=policy),
        DenseRetriever(index, access=policy),
        HybridFusionRetriever.from_index(index, access=policy),
        HybridFusionRetriever({"bm25": BM25FRetriever(NODES)}, access=policy),
        policy.guard(HybridFusionRetriever.from_index(index)),
        policy.guard(BM25FRetriever(NODES)),
    ]


@pytest.mark.parametrize(
    ("policy", "principal", "expected"),
    [
        (AccessPolicy(), ANNA, {"own", "team", "single", "denied", "other-tenant"}),
        (AccessPolicy(deny_key="denied"), ANNA, {"own", "team", "single", "other-tenant"}),
        (AccessPolicy(tenant_key="tenant"), Principal(groups=("staff",), tenant="b"), {"other-tenant"}),
        (AccessPolicy(public=True), Principal(user="guest"), {"unlisted", "empty"}),
        (AccessPolicy(), Principal(), set()),
    ],
)
def test_what_somebody_sees(
    index: VectorStoreIndex, policy: AccessPolicy, principal: Principal, expected: set[str]
) -> None:
    for retriever in every_retriever(index, policy):
        with acting_as(principal):
            assert seen(retriever) == expected
            assert {hit.node_id for hit in asyncio.run(retriever.aretrieve("key"))} == expected


def test_nobodys_question_is_an_error_before_anything_is_searched(index: VectorStoreIndex) -> None:
    for retriever in every_retriever(index, AccessPolicy()):
        with pytest.raises(AccessError, match="nobody asks"):
            retriever.retrieve("key")
        with pytest.raises(AccessError, match="nobody asks"):
            asyncio.run(retriever.aretrieve("key"))
    with acting_as(ANNA), pytest.raises(AccessError, match="no tenant"):
        BM25FRetriever(NODES, access=AccessPolicy(tenant_key="tenant")).retrieve("key")


def test_where_nobody_is_required_nobody_sees_what_is_public(index: VectorStoreIndex) -> None:
    for retriever in every_retriever(index, AccessPolicy(required=False, public=True)):
        assert seen(retriever) == {"unlisted", "empty"}
    assert seen(BM25FRetriever(NODES, access=AccessPolicy(required=False))) == set()


def test_filters_of_the_question_and_of_the_legs_only_take_away(index: VectorStoreIndex) -> None:
    policy = AccessPolicy()
    of_board = AccessPolicy().filters(Principal(groups=("board",)))
    leg = BM25FRetriever(NODES, filters=of_board)
    with acting_as(ANNA):
        for retriever in (
            BM25FRetriever(NODES, access=policy).with_filters(of_board),
            BM25FRetriever(NODES, access=policy, filters=of_board),
            HybridFusionRetriever({"bm25": leg}, access=policy),
            HybridFusionRetriever.from_index(index, filters=of_board, access=policy),
            policy.guard(leg),
            policy.guard(BM25FRetriever(NODES)).with_filters(of_board),
            policy.guard(HybridFusionRetriever({"bm25": leg})),
        ):
            assert seen(retriever) == {"team"}


class Foreign(BaseRetriever):
    """Knows no filters."""

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [NodeWithScore(node=node, score=1.0) for node in NODES]


def test_a_foreign_retriever_is_refused_or_filtered_afterwards() -> None:
    with pytest.raises(ConfigurationError, match="Foreign takes no filters"):
        AccessPolicy().guard(Foreign())
    guarded = AccessPolicy(foreign="filter").guard(Foreign())
    with acting_as(ANNA):
        assert seen(guarded) == {"own", "team", "single", "denied", "other-tenant"}
        assert seen(guarded.with_filters(AccessPolicy().filters(Principal(groups=("board",))))) == {"team"}


def test_each_thread_and_task_asks_as_its_own_principal() -> None:
    retriever = BM25FRetriever([node(f"n{n}", groups=[f"g{n}"]) for n in range(8)], access=AccessPolicy())

    def ask(number: int) -> set[str]:
        with acting_as(Principal(groups=(f"g{number}",))):
            return seen(retriever)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, list(range(8)) * 20)) == [{f"n{n}"} for n in range(8)] * 20

    async def both() -> list[list[NodeWithScore]]:
        async def one(number: int) -> list[NodeWithScore]:
            with acting_as(Principal(groups=(f"g{number}",))):
                await asyncio.sleep(0.01)
                return await retriever.aretrieve("key")

        return await asyncio.gather(*map(one, range(8)))

    assert [[hit.node_id for hit in hits] for hits in asyncio.run(both())] == [[f"n{n}"] for n in range(8)]


def test_chunks_inherit_their_documents_list() -> None:
    document = Document(
        text="# Keys\n\n" + "They turn every day. " * 80, metadata={"groups": ["staff"], "path": "a.md"}
    )
    chunks = DocumentAwareNodeParser(chunk_size=60).get_nodes_from_documents([document])
    assert len(chunks) > 3
    assert all(chunk.metadata["groups"] == ["staff"] for chunk in chunks)


def test_a_principal_of_one_string_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="list of names"):
        Principal(groups="staff")  # type: ignore[arg-type]


_NAMES = ("anna", "bob", "staff", "board", "sta")
_LISTS = st.one_of(st.none(), st.sampled_from(_NAMES), st.lists(st.sampled_from(_NAMES), max_size=2))
_METADATA = st.fixed_dictionaries({"groups": _LISTS, "denied": _LISTS, "tenant": st.sampled_from(["a", "b", None])})
_PRINCIPALS = st.builds(
    Principal,
    user=st.sampled_from([None, "anna", "bob"]),
    groups=st.lists(st.sampled_from(_NAMES[2:]), max_size=2).map(tuple),
    tenant=st.sampled_from(["a", "b"]),
)
_POLICIES = [
    AccessPolicy(),
    AccessPolicy(public=True),
    AccessPolicy(deny_key="denied"),
    AccessPolicy(deny_key="denied", tenant_key="tenant", public=True),
]


def may_see(policy: AccessPolicy, principal: Principal, metadata: dict[str, Any]) -> bool:
    """The plainest statement of a policy."""
    names = set(principal.names)
    allowed, denied = (_as_set(metadata.get(key)) for key in ("groups", "denied"))
    if policy.tenant_key is not None and metadata.get("tenant") != principal.tenant:
        return False
    if policy.deny_key is not None and names & denied:
        return False
    return bool(names & allowed) or (policy.public and not allowed)


def _as_set(value: str | list[str] | None) -> set[str]:
    return set() if value is None else {value} if isinstance(value, str) else set(value)


class Failing(BM25FRetriever):
    """A leg that fails every other time."""

    calls = 0

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        Failing.calls += 1
        if Failing.calls % 2:
            raise OSError("down")
        return super()._retrieve(query_bundle)


class AccessMachine(RuleBasedStateMachine):
    """Inserts, updates, deletes and questions in any order, against the plainest statement of the policy."""

    questions = 0

    @initialize()
    def start(self) -> None:
        self.truth: dict[str, dict[str, Any]] = {}
        self.index = VectorStoreIndex([], embed_model=MockEmbedding(4))
        self.hybrid = HybridFusionRetriever.from_index(self.index)
        lexical = Failing.from_index(self.index)
        self.degraded = HybridFusionRetriever({"dense": DenseRetriever(self.index), "bm25": lexical})
        self.legs = [
            (
                policy,
                leg.from_index(self.index, access=policy) if leg is BM25FRetriever else leg(self.index, access=policy),
            )
            for policy in _POLICIES
            for leg in (BM25FRetriever, DenseRetriever)
        ]

    @rule(number=st.integers(0, 5), metadata=_METADATA)
    def put(self, number: int, metadata: dict[str, Any]) -> None:
        name = f"n{number}"
        self.drop(number)
        self.index.insert_nodes([TextNode(id_=name, text=f"key {number}", metadata=metadata)])
        self.truth[name] = metadata

    @rule(number=st.integers(0, 5))
    def drop(self, number: int) -> None:
        if self.truth.pop(f"n{number}", None) is not None:
            self.index.delete_nodes([f"n{number}"], delete_from_docstore=True)

    @rule(principals=st.lists(_PRINCIPALS, min_size=5, max_size=5), policy=st.sampled_from(_POLICIES))
    def ask(self, principals: list[Principal], policy: AccessPolicy) -> None:
        for principal in principals:
            for of_leg, leg in self.legs:
                assert self.seen(leg, principal) == self.visible(of_leg, principal)
        asking = principals[0]  # a hybrid takes as long as four legs: one principal and one policy at a time
        assert self.seen(policy.guard(self.hybrid), asking) == self.visible(policy, asking)
        assert self.seen(policy.guard(self.degraded), asking) <= self.visible(policy, asking)

    def visible(self, policy: AccessPolicy, principal: Principal) -> set[str]:
        return {id_ for id_, metadata in self.truth.items() if may_see(policy, principal, metadata)}

    def seen(self, retriever: BaseRetriever, principal: Principal) -> set[str]:
        AccessMachine.questions += 1
        with acting_as(principal):
            return seen(retriever)


_TRIALS = int(os.environ.get("PROD_RAG_TRIALS", "1"))  # multiplies the questions, for a long run


def test_nothing_leaks() -> None:
    AccessMachine.questions = 0
    while AccessMachine.questions < 20_000 * _TRIALS:  # how many an example asks is drawn as well: 200 to 700
        run_state_machine_as_test(
            AccessMachine, settings=settings(max_examples=18, stateful_step_count=40, deadline=None)
        )
    print(f"{AccessMachine.questions:,} questions, nothing leaked")  # noqa: T201 - what a long run is run for
    assert AccessMachine.questions > 10_000 * _TRIALS
