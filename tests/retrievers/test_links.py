"""What the first passages name is looked up, behind them, and under the same filters."""

from __future__ import annotations

import asyncio
import pickle

import pytest
from llama_index.core import MockEmbedding, VectorStoreIndex
from llama_index.core.schema import TextNode

from llama_index_prod_rag import AccessPolicy, BM25FRetriever, HybridFusionRetriever, Principal, acting_as
from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.retrievers.links import LinkedRetriever
from llama_index_prod_rag.text.names import Mentioned

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
