"""What the hybrid retriever returns: fused lists, their records, filters, settings and other wordings."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from llama_index.core import MockEmbedding, VectorStoreIndex
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.llms import MockLLM
from llama_index.core.prompts import PromptTemplate
from llama_index.core.schema import IndexNode, NodeWithScore, QueryBundle, TextNode
from llama_index.core.vector_stores import MetadataFilter, MetadataFilters, SimpleVectorStore

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.fusion import RULE_NAMES
from llama_index_prod_rag.retrievers.bm25 import BM25FRetriever
from llama_index_prod_rag.retrievers.dense import DenseRetriever
from llama_index_prod_rag.retrievers.hybrid import HybridFusionRetriever
from llama_index_prod_rag.trace.records import LegHit, RetrievalRecord, tracing
from tests.retrievers.parts import FixedLeg, LetterEmbedding, ask, both_ways, record_of, two_legs


@both_ways
async def test_hits_are_fused_and_carry_every_legs_rank_and_raw_score(asynchronous: bool) -> None:
    hits = await ask(two_legs(), "q", asynchronous)
    assert [(hit.node_id, hit.score) for hit in hits] == [("b", 0.75), ("a", 0.5), ("c", 0.0), ("d", 0.0)]
    record = record_of(hits[0])
    assert record.query == "q"
    assert record.legs == {
        "dense": {"a": LegHit(1, 0.9), "b": LegHit(2, 0.5), "c": LegHit(3, 0.1)},
        "bm25": {"b": LegHit(1, 12.0), "d": LegHit(2, 4.0)},
    }
    assert (record.rule, record.weights, record.failed) == ("min-max", {"dense": 0.5, "bm25": 0.5}, {})
    assert set(record.seconds) == {"dense", "bm25", "fusion"}
    assert all(hit.node.metadata == {} for hit in hits)


def test_the_record_keeps_what_the_cut_removes() -> None:
    with tracing() as trace:
        hits = two_legs(similarity_top_k=1).retrieve("q")
    assert [hit.node_id for hit in hits] == ["b"]
    (record,) = trace.records
    assert isinstance(record, RetrievalRecord)
    assert list(record.fused) == ["b", "a", "c", "d"]
    assert record is record_of(hits[0])


@both_ways
async def test_nothing_that_came_in_is_changed_and_a_second_call_scores_the_same(asynchronous: bool) -> None:
    retriever = two_legs()
    leg_scores = {name: [hit.score for hit in leg.hits] for name, leg in retriever.legs.items()}  # type: ignore[attr-defined]
    bundle = QueryBundle("q")
    first = await retriever.aretrieve(bundle) if asynchronous else retriever.retrieve(bundle)
    second = await ask(retriever, "q", asynchronous)
    assert [hit.score for hit in first] == [hit.score for hit in second]
    assert {name: [hit.score for hit in leg.hits] for name, leg in retriever.legs.items()} == leg_scores  # type: ignore[attr-defined]
    assert bundle == QueryBundle("q")


def test_the_query_bundle_is_not_given_an_embedding(letters: VectorStoreIndex) -> None:
    bundle = QueryBundle("aab")
    hits = HybridFusionRetriever.from_index(letters).retrieve(bundle)
    assert bundle.embedding is None
    assert record_of(hits[0]).query_vector == pytest.approx([2.01, 1.01, 0.01, 0.01])


def test_one_object_returned_by_two_legs_is_one_hit_and_is_normalized_once() -> None:
    leg = FixedLeg({"a": 0.9, "b": 0.1})
    hits = HybridFusionRetriever({"one": leg, "two": leg}, rule="min-max").retrieve("q")
    assert [(hit.node_id, hit.score) for hit in hits] == [("a", 1.0), ("b", 0.0)]


def test_equal_text_from_two_documents_is_two_hits() -> None:
    nodes = [TextNode(text="the same boilerplate", id_=i) for i in ("one", "two")]
    assert len(HybridFusionRetriever({"bm25": BM25FRetriever(nodes)}).retrieve("boilerplate")) == 2


def test_a_leg_without_scores_is_read_by_rank() -> None:
    legs = {"plain": FixedLeg({"x": None, "y": None, "z": None})}
    hits = HybridFusionRetriever(legs, rule="rrf").retrieve("q")
    assert [hit.node_id for hit in hits] == ["x", "y", "z"]


@pytest.mark.parametrize("copied", [False, True], ids=["itself", "unpickled"])
def test_from_index_follows_the_index(letters: VectorStoreIndex, copied: bool) -> None:
    retriever = HybridFusionRetriever.from_index(letters)
    if copied:
        retriever = pickle.loads(pickle.dumps(retriever))  # noqa: S301 - our own bytes
        letters = retriever.legs["dense"]._index  # type: ignore[attr-defined]
    letters.insert_nodes([TextNode(text="zebra aaaa", id_="new")])
    assert retriever.retrieve("zebra a")[0].node_id == "new"
    letters.delete_nodes(["new"])
    assert "new" not in [hit.node_id for hit in retriever.retrieve("zebra a")]


@both_ways
async def test_vectors_come_from_the_store(letters: VectorStoreIndex, asynchronous: bool) -> None:
    hits = await ask(HybridFusionRetriever.from_index(letters), "aaa", asynchronous)
    record = record_of(hits[0])
    assert set(record.vectors) == set(record.fused)
    assert list(record.vectors["aaa b"]) == pytest.approx([3.01, 1.01, 0.01, 0.01])
    assert record.query_vector == pytest.approx([3.01, 0.01, 0.01, 0.01])


def test_the_questions_vector_is_of_the_leg_whose_vectors_are_known(letters: VectorStoreIndex) -> None:
    nodes = letters.docstore.get_nodes(list(letters.docstore.docs))
    other = VectorStoreIndex(nodes, embed_model=MockEmbedding(3)).as_retriever()
    legs = {"other": other, "dense": DenseRetriever(letters)}
    record = record_of(HybridFusionRetriever(legs).retrieve("aaa")[0])
    assert list(record.vectors["aaa b"]) == pytest.approx([3.01, 1.01, 0.01, 0.01])
    assert record.query_vector == pytest.approx([3.01, 0.01, 0.01, 0.01])


@both_ways
async def test_missing_scores_can_be_computed(letters: VectorStoreIndex, asynchronous: bool) -> None:
    retriever = HybridFusionRetriever.from_index(
        letters, alpha=0.9, leg_top_k=2, rule="theoretical-min-max", complete_scores=True
    )
    record = record_of((await ask(retriever, "abcd ddd", asynchronous))[0])
    for leg in ("dense", "bm25"):
        assert set(record.legs[leg]) | set(record.completed.get(leg, {})) == set(record.fused)
    every = HybridFusionRetriever.from_index(letters, alpha=0.9, leg_top_k=5, rule="theoretical-min-max")
    whole = record_of((await ask(every, "abcd ddd", asynchronous))[0])
    for node, score in record.completed.get("dense", {}).items():
        assert score == pytest.approx(whole.legs["dense"][node].score)


def test_completed_scores_do_not_move_the_bounds() -> None:
    class Leg(FixedLeg):
        def score_nodes(self, query_bundle: QueryBundle, node_ids: list[str]) -> dict[str, float]:
            return dict.fromkeys(node_ids, -5.0)

    legs = {"known": Leg({"a": 0.9, "b": 0.5}), "other": FixedLeg({"c": 2.0})}
    hits = HybridFusionRetriever(legs, complete_scores=True).retrieve("q")
    assert record_of(hits[0]).bounds["known"].low == 0.5
    assert record_of(hits[0]).completed == {"known": {"c": -5.0}}


def test_filters_are_set_per_query_in_every_leg(letters: VectorStoreIndex) -> None:
    retriever = HybridFusionRetriever.from_index(letters)
    only_c = MetadataFilters(filters=[MetadataFilter(key="kind", value="c")])
    assert {hit.node_id for hit in retriever.with_filters(only_c).retrieve("abcd ccc")} == {"ccc d"}
    assert len(retriever.retrieve("abcd ccc")) == 5


def test_nested_filters_work_in_both_legs(letters: VectorStoreIndex) -> None:
    kinds = [MetadataFilters(filters=[MetadataFilter(key="kind", value=kind)]) for kind in "cd"]
    filters = MetadataFilters(filters=list(kinds), condition="or")
    hits = HybridFusionRetriever.from_index(letters, filters=filters).retrieve("abcd ccc")
    assert {hit.node_id for hit in hits} == {"ccc d", "ddd c"}
    assert record_of(hits[0]).failed == {}


def test_a_leg_that_cannot_filter_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="with_filters"):
        two_legs().with_filters(None)


class TextKeepingStore(SimpleVectorStore):
    stores_text: bool = True


def test_a_store_without_docstore_nodes_is_an_error_that_names_the_remedy() -> None:
    index = VectorStoreIndex.from_vector_store(TextKeepingStore(), embed_model=MockEmbedding(4))
    with pytest.raises(ConfigurationError, match="store_nodes_override"):
        HybridFusionRetriever.from_index(index)
    retriever = HybridFusionRetriever.from_index(index, nodes=[TextNode(text="given", id_="n")])
    assert [hit.node_id for hit in retriever.retrieve("given")] == ["n"]


def test_an_index_node_is_resolved_after_the_fusion() -> None:
    inner = TextNode(text="the table itself", id_="table")
    index = VectorStoreIndex(
        objects=[IndexNode(text="a summary", index_id="i", obj=inner)], embed_model=LetterEmbedding()
    )
    assert [hit.node_id for hit in HybridFusionRetriever.from_index(index).retrieve("summary")] == ["table"]


class Wordings(MockLLM):
    def complete(self, prompt: str, *args: Any, **kwargs: Any) -> Any:
        response = super().complete(prompt, *args, **kwargs)
        response.text = "1. red wine\n2. white wine\n3. too many"
        return response

    async def acomplete(self, prompt: str, *args: Any, **kwargs: Any) -> Any:
        return self.complete(prompt)


@both_ways
async def test_expansion_searches_for_every_wording(asynchronous: bool) -> None:
    nodes = [TextNode(text=text, id_=text) for text in ("red wine", "white wine", "beer")]
    retriever = HybridFusionRetriever({"bm25": BM25FRetriever(nodes)}, num_queries=3, llm=Wordings())
    hits = await ask(retriever, "beer", asynchronous)
    assert {hit.node_id for hit in hits} == {"beer", "red wine", "white wine"}
    assert set(record_of(hits[0]).legs) == {"bm25", "bm25#2", "bm25#3"}
    assert sum(record_of(hits[0]).weights.values()) == pytest.approx(1.0)


@both_ways
async def test_a_failing_language_model_leaves_the_question_itself(asynchronous: bool) -> None:
    class Broken(MockLLM):
        def complete(self, *args: Any, **kwargs: Any) -> Any:
            raise ConnectionError("refused")

        async def acomplete(self, *args: Any, **kwargs: Any) -> Any:
            raise ConnectionError("refused")

    hits = await ask(two_legs(num_queries=3, llm=Broken()), "q", asynchronous)
    assert record_of(hits[0]).failed == {"expansion": "ConnectionError: refused"}
    assert set(record_of(hits[0]).legs) == {"dense", "bm25"}


def test_one_query_needs_no_language_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HybridFusionRetriever, "_model", lambda _: pytest.fail("asked for a language model"))
    assert two_legs().retrieve("q")


def test_prompts_can_be_read_and_replaced() -> None:
    retriever = two_legs()
    retriever.update_prompts({"query_gen_prompt": PromptTemplate("{num_queries} of {query}")})
    assert retriever.get_prompts()["query_gen_prompt"].get_template() == "{num_queries} of {query}"


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"alpha": 1.5}, "alpha"),
        ({"alpha": 0.5, "weights": {"dense": 1, "bm25": 1}}, "not both"),
        ({"alpha": None, "weights": {"dense": 1}}, "no weight for bm25"),
        ({"similarity_top_k": 0}, "at least 1"),
        ({"similarity_top_k": 2.5}, "whole number"),
        ({"similarity_top_k": "2"}, "whole number"),
        ({"num_queries": True}, "whole number"),
        ({"timeout": 0.0}, "timeout"),
        ({"on_leg_failure": "ignore"}, "degrade"),
        ({"rule": "sum"}, "unknown fusion rule"),
    ],
)
def test_settings_that_make_no_sense_are_refused(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        two_legs(**kwargs)


def test_alpha_is_for_two_legs() -> None:
    with pytest.raises(ConfigurationError, match="two legs"):
        HybridFusionRetriever({"one": FixedLeg({})}, alpha=0.5)
    with pytest.raises(ConfigurationError, match="at least one leg"):
        HybridFusionRetriever({})
    with pytest.raises(ConfigurationError, match="cannot name a leg"):
        HybridFusionRetriever({"bm25#2": FixedLeg({})})


@pytest.mark.parametrize(
    ("scores", "reading"),
    [
        ({"a": 0.1, "b": 0.7, "c": 2.5}, "distances"),
        ({"a": -8.0, "b": -3.0, "c": -1.0}, "distances"),
        ({"a": 1.0, "b": 2.0, "c": 3.0}, "distances"),
        ({"a": 0.5, "b": 0.9, "c": 0.1}, "order"),
        ({"a": None, "b": None, "c": None}, "order"),
        ({"a": float("nan"), "b": 1.0, "c": 0.5}, "order"),
        ({"a": 80.0, "b": 60.0, "c": -5.0}, None),
        ({"a": 1.7e308, "b": 0.0, "c": -1.7e308}, None),
    ],
)
@pytest.mark.parametrize("rule", RULE_NAMES)
def test_the_order_of_a_leg_is_kept_whatever_its_scores_are(
    scores: dict[str, float | None], reading: str | None, rule: str
) -> None:
    hits = HybridFusionRetriever({"leg": FixedLeg(scores)}, rule=rule).retrieve("q")
    assert [hit.node_id for hit in hits] == ["a", "b", "c"]
    record = record_of(hits[0])
    assert record.readings.get("leg") == reading
    assert [hit.rank for hit in record.legs["leg"].values()] == [1, 2, 3]


def test_distances_that_a_leg_computes_afterwards_are_turned_round_as_well() -> None:
    class Leg(FixedLeg):
        def score_nodes(self, query_bundle: QueryBundle, node_ids: list[str]) -> dict[str, float]:
            return dict.fromkeys(node_ids, 1.5)

    legs = {"far": Leg({"a": 1.0, "b": 2.0}), "other": FixedLeg({"c": 2.0})}
    record = record_of(HybridFusionRetriever(legs, complete_scores=True).retrieve("q")[0])
    assert record.completed == {"far": {"c": -1.5}}
    assert record.leg_score("far", "a") == -1.0


def test_a_code_that_one_document_holds_is_found_and_stays_first() -> None:
    texts = {f"n{number}": f"Minutes of meeting {number}: pumps, valves and seals" for number in range(40)}
    texts["n17"] += " (report 482913)"
    nodes = {id_: TextNode(text=text, id_=id_) for id_, text in texts.items()}

    class Elsewhere(BaseRetriever):
        """A dense leg that prefers every other node."""

        def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
            return [NodeWithScore(node=node, score=0.9 - 0.01 * n) for n, node in enumerate(nodes.values())]

    legs = {"dense": Elsewhere(), "bm25": BM25FRetriever(nodes.values())}
    for question in ("482913", "What does report 482913 say of pumps and valves?"):
        hits = HybridFusionRetriever(legs, alpha=0.65).retrieve(question)
        assert hits[0].node_id == "n17"
        assert record_of(hits[0]).lifts["n17"] == 1.0
    plain = HybridFusionRetriever(legs, alpha=1.0, lift_mentions=False).retrieve("482913")
    assert plain[0].node_id == "n0"
    assert record_of(plain[0]).lifts == {}


def test_a_leg_without_weight_brings_nobody_in() -> None:
    legs = {"dense": FixedLeg({"a": 0.9, "b": 0.2}), "bm25": BM25FRetriever([TextNode(text="code 482913", id_="n")])}
    assert HybridFusionRetriever(legs, alpha=1.0, rule="min-max").retrieve("482913")[0].node_id == "a"
