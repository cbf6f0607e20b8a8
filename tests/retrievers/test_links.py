"""What the first passages name is looked up, behind them, and under the same filters."""

from __future__ import annotations

import asyncio
import pickle
import re
from collections.abc import Sequence
from typing import Any

import pytest
from llama_index.core import MockEmbedding, VectorStoreIndex
from llama_index.core.llms import MockLLM
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode

from llama_index_prod_rag import AccessPolicy, BM25FRetriever, HybridFusionRetriever, Principal, acting_as
from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.postprocessor import CrossEncoderRerank, cross_encoder
from llama_index_prod_rag.postprocessor.blending import blend_with_legs
from llama_index_prod_rag.retrievers.links import LinkedRetriever
from llama_index_prod_rag.text.names import Mentioned
from llama_index_prod_rag.text.pointers import pointers_in
from llama_index_prod_rag.trace.records import LegHit, Link, RerankRecord, RetrievalRecord, tracing

TEXTS = {
    "Ed Wood (film)": "Ed Wood is a biographical film that was directed by Tim Burton in 1994.",
    "Tim Burton": "Born in Burbank, he studied animation.",
    "Burbank": "Burbank lies in Los Angeles County.",
    "Los Angeles County": "The most populous county.",
    "Wood": "The material of trees.",
    "Animation": "Pictures that move.",
}
QUESTION = "Who made the biographical film of 1994?"


def make_nodes() -> list[TextNode]:
    groups = {"Tim Burton": "board"}
    return [
        TextNode(text=text, id_=title, metadata={"title": title, "groups": [groups.get(title, "staff")]})
        for title, text in TEXTS.items()
    ]


def found(retriever: LinkedRetriever) -> list[str]:
    hits = retriever.retrieve(QUESTION)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), key=lambda score: -(score or 0))
    assert [hit.node_id for hit in asyncio.run(retriever.aretrieve(QUESTION))] == [hit.node_id for hit in hits]
    return [hit.node_id for hit in hits]


def test_what_a_passage_names_stands_behind_it() -> None:
    plain = BM25FRetriever(make_nodes())
    assert [hit.node_id for hit in plain.retrieve(QUESTION)] == ["Ed Wood (film)"]
    assert found(LinkedRetriever(plain, make_nodes())) == ["Ed Wood (film)", "Tim Burton"]
    assert found(LinkedRetriever(plain, make_nodes(), hops=3))[:4] == [
        "Ed Wood (film)", "Tim Burton", "Burbank", "Los Angeles County",
    ]  # fmt: skip


def test_a_heading_that_many_pages_have_adds_few_of_them() -> None:
    pages = [TextNode(text="Call it.", id_=f"page {number}", metadata={"title": "Usage"}) for number in range(200)]
    maker = TextNode(text="He filmed it.", id_="maker", metadata={"title": "Tim Burton"})
    film = TextNode(text="The biographical film of 1994. See Usage, and Tim Burton.", id_="film")
    hits = LinkedRetriever(BM25FRetriever([film]), [*pages, maker, film], hops=2).retrieve(QUESTION)
    assert [hit.node_id for hit in hits][:2] == ["film", "maker"]
    assert len(hits) < 50


def test_hits_of_several_searches_keep_their_records() -> None:
    halves = [make_nodes()[:2], [TextNode(text="A film of 1994.", id_="other"), TextNode(text="A film.", id_="last")]]
    indexes = [VectorStoreIndex(nodes, embed_model=MockEmbedding(4)) for nodes in halves]
    hybrids = [HybridFusionRetriever.from_index(index) for index in indexes]
    both = QueryFusionRetriever(hybrids, llm=MockLLM(), num_queries=1, similarity_top_k=4, use_async=False)
    hits = LinkedRetriever(both, make_nodes()).retrieve(QUESTION)
    assert "Tim Burton" in [hit.node_id for hit in hits]
    assert all(hit.node_id in hit.retrieval.fused for hit in hits if hit.retrieval)
    assert len({id(hit.retrieval) for hit in hits if hit.retrieval}) == 2


def test_the_first_passages_and_what_came_in_stay_as_they_were() -> None:
    index = VectorStoreIndex(make_nodes(), embed_model=MockEmbedding(4))
    hybrid = HybridFusionRetriever.from_index(index)
    before = hybrid.retrieve(QUESTION)
    linked = LinkedRetriever(hybrid, index=index, first=2).retrieve(QUESTION)
    assert [(hit.node_id, hit.score) for hit in linked[:2]] == [(hit.node_id, hit.score) for hit in before[:2]]
    assert {hit.node_id for hit in linked} == {hit.node_id for hit in before}
    assert linked[0].retrieval is not None  # type: ignore[attr-defined]


def test_documents_without_names_change_nothing() -> None:
    nodes = [TextNode(text=text, id_=title) for title, text in TEXTS.items()]
    plain = BM25FRetriever(nodes)
    assert found(LinkedRetriever(plain, nodes)) == [hit.node_id for hit in plain.retrieve(QUESTION)]


def test_links_obey_filters_and_access() -> None:
    index = VectorStoreIndex(make_nodes(), embed_model=MockEmbedding(4))
    policy = AccessPolicy()
    for retriever in (
        policy.guard(LinkedRetriever(BM25FRetriever.from_index(index), index=index)),
        LinkedRetriever(BM25FRetriever.from_index(index), index=index, access=policy),
    ):
        with acting_as(Principal(groups=("staff",))):
            assert [hit.node_id for hit in retriever.retrieve(QUESTION)] == ["Ed Wood (film)"]
        with acting_as(Principal(groups=("staff", "board"))):
            assert [hit.node_id for hit in retriever.retrieve(QUESTION)] == ["Ed Wood (film)", "Tim Burton"]


def test_sections_and_links_lead_on_and_are_kept_with_the_index() -> None:
    texts = {
        "intro": "Who may see the vault? Section 4.2 tells, and [prices](prices.md#fees).",
        "keys": "### 4.2 Keys\n\nNinety days.",
        "other": "### 4.3 Locks\n\nNever.",
        "prices": "## Fees\n\nFive euros.",
    }
    nodes = [TextNode(text=text, id_=id_) for id_, text in texts.items()]
    for node in nodes:
        document = "prices.md" if node.node_id == "prices" else "manual"
        node.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=document)
    index = VectorStoreIndex(nodes, embed_model=MockEmbedding(4))
    linked = LinkedRetriever(BM25FRetriever.from_index(index, similarity_top_k=1), index=index)
    hits = linked.retrieve("Who may see the vault?")
    assert [hit.node_id for hit in hits] == ["intro", "keys", "prices"]
    arrays, owners, known = linked._named._mentioned.to_arrays()
    again = Mentioned.from_arrays(arrays, owners, known)
    assert set(again.find_places("", pointers_in(texts["intro"], "manual"))) == {"keys", "prices"}


def test_the_index_is_followed() -> None:
    index = VectorStoreIndex(make_nodes(), embed_model=MockEmbedding(4))
    linked = LinkedRetriever(BM25FRetriever.from_index(index), index=index)
    index.delete_nodes(["Tim Burton"], delete_from_docstore=True)
    assert found(linked) == ["Ed Wood (film)"]
    index.insert_nodes([TextNode(text="Another one.", id_="new", metadata={"title": "Tim Burton"})])
    assert found(pickle.loads(pickle.dumps(linked))) == ["Ed Wood (film)", "new"]  # noqa: S301


def test_a_name_that_many_have_is_a_weak_link() -> None:
    names = Mentioned()
    for number in range(4):
        names.add(f"n{number}", ["Safety rules"])
    assert names.find("See the Safety rules.") == dict.fromkeys(("n0", "n1", "n2", "n3"), 0.25)
    assert names.find("safety rules") == {}


@pytest.mark.parametrize("settings", [{"weight": -1}, {"first": 0}, {"hops": 0}, {"weight": float("nan")}])
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="links need"):
        LinkedRetriever(BM25FRetriever(), [], **settings)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="nodes"):
        LinkedRetriever(BM25FRetriever())


def test_the_record_knows_the_links() -> None:
    index = VectorStoreIndex(make_nodes(), embed_model=MockEmbedding(4))
    hybrid = HybridFusionRetriever.from_index(index)
    with tracing() as trace:
        hits = LinkedRetriever(hybrid, index=index, first=1).retrieve(QUESTION)
    (record,) = trace.records
    assert isinstance(record, RetrievalRecord)
    assert {id(hit.retrieval) for hit in hits} == {id(record)}  # type: ignore[attr-defined]
    link = record.links["Tim Burton"]
    assert (link.partner, link.strength) == ("Ed Wood (film)", 1.0)
    assert TEXTS[link.partner][link.start :].startswith("Tim Burton")
    assert record.link_weight == pytest.approx(0.15)
    assert set(record.legs) == {"dense", "bm25"}
    assert record.without({"Ed Wood (film)"}).links == {}
    assert record.without({"Wood"}).links == record.links


def test_passages_that_name_one_another_are_linked_one_way() -> None:
    nodes = [
        TextNode(text=text, id_=title, metadata={"title": title})
        for title, text in {
            "Pollux Nine": "Castor Nine and Pollux Nine fly. Pollux Nine flies more.",
            "Castor Nine": "Castor Nine is the twin of Pollux Nine.",
        }.items()
    ]
    hits = LinkedRetriever(BM25FRetriever(nodes), nodes).retrieve("Pollux Nine flies")
    assert [hit.node_id for hit in hits] == ["Pollux Nine", "Castor Nine"]
    assert {node: link.partner for node, link in hits[0].retrieval.links.items()} == {"Castor Nine": "Pollux Nine"}  # type: ignore[attr-defined]


def test_what_nobody_may_see_is_not_followed_further() -> None:
    policy = AccessPolicy()
    linked = policy.guard(LinkedRetriever(BM25FRetriever(make_nodes()), make_nodes(), hops=3))
    with acting_as(Principal(groups=("staff",))):
        assert [hit.node_id for hit in linked.retrieve(QUESTION)] == ["Ed Wood (film)"]


class SharesWords:
    """A pair scorer that counts how many of its question's words a passage has."""

    name, fingerprint, max_tokens, special_tokens = "shares words", "1", 128, 3

    def __init__(self) -> None:
        self.read: list[str] = []

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"\S+", text)]

    def score(self, pairs: Sequence[tuple[str, str]], progress: object = None) -> list[float]:
        del progress
        texts = [(str(query), str(passage)) for query, passage in pairs]
        self.read += [passage for _, passage in texts]
        return [float(sum(word in passage for word in query.split())) for query, passage in texts]


def rerank(**settings: Any) -> tuple[list[str], RerankRecord, SharesWords]:
    index = VectorStoreIndex(make_nodes(), embed_model=MockEmbedding(4))
    linked = LinkedRetriever(HybridFusionRetriever.from_index(index, alpha=0.0), index=index)
    scorer = SharesWords()
    reranker = CrossEncoderRerank(scorer=scorer, top_n=6, **settings)
    hits = reranker.postprocess_nodes(
        linked.retrieve("biographical film animation"), query_str="biographical film animation"
    )
    record = hits[0].rerank  # type: ignore[attr-defined]
    return [hit.node_id for hit in hits], record, scorer


def test_a_second_hop_is_read_behind_its_partner() -> None:
    order, record, scorer = rerank()
    assert record.joint == {"Tim Burton": 3.0}
    assert record.logits["Tim Burton"] == 1.0
    assert order[:2] == ["Ed Wood (film)", "Tim Burton"]
    (both,) = [passage for passage in scorer.read if "Burbank, he" in passage and "biographical" in passage]
    assert both == f"Ed Wood (film)\n{TEXTS['Ed Wood (film)']}\nTim Burton\n{TEXTS['Tim Burton']}"


def test_no_pairs_of_passages_are_read_where_none_are_wanted() -> None:
    _, record, scorer = rerank(linked=0)
    assert record.joint == {}
    assert not [passage for passage in scorer.read if "Burbank, he" in passage and "biographical" in passage]
    with pytest.raises(ConfigurationError, match="linked=-1"):
        CrossEncoderRerank(scorer=scorer, linked=-1)


def test_a_deadline_holds_between_linked_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"Castor {n}" for n in range(8)]
    pages = [TextNode(text=f"{name} is a ship.", id_=name, metadata={"title": name}) for name in names]
    fleet = TextNode(text="The fleet has " + ", ".join(names) + ".", id_="fleet")
    hits = LinkedRetriever(BM25FRetriever([fleet]), [*pages, fleet]).retrieve("fleet")
    scorer = SharesWords()
    monkeypatch.setattr(cross_encoder.time, "monotonic", lambda: float(len(scorer.read)))  # a second per pair
    (first, *_) = CrossEncoderRerank(scorer=scorer, deadline=11.5).postprocess_nodes(hits, query_str="fleet ship")
    assert len(first.rerank.logits) == 9  # type: ignore[attr-defined]
    assert 9 < len(scorer.read) < 17


def test_a_blend_shares_the_weight_of_the_legs_with_links() -> None:
    record = RetrievalRecord(
        "q",
        legs={"bm25": {"a": LegHit(1, 9.0), "b": LegHit(2, 3.0)}},
        links={"c": Link("a", 1.0)},
        link_weight=0.5,
    )
    blend = blend_with_legs(["a", "b", "c"], record, None, share=0.2)
    assert sum(blend.weights.values()) == pytest.approx(1.0)
    assert blend.scores({"a": 0.0, "b": 0.0, "c": 0.0}) == pytest.approx({"a": 0.5, "c": 0.5, "b": 0.1})
    tuned = blend_with_legs(["a", "b", "c"], record, {"bm25": 0.6, "cross_encoder": 0.4}, share=0.2)
    assert tuned.weights["cross_encoder"] == pytest.approx(0.4)
    assert blend_with_legs(["a", "b"], record, None, share=0.2).weights == {"bm25": 0.8, "cross_encoder": 0.2}
