from __future__ import annotations

import asyncio
import pickle
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from llama_index.core import Document, MockEmbedding, VectorStoreIndex
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.schema import QueryBundle, TextNode
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters

from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.retrievers import lexical_file
from llama_index_prod_rag.retrievers.bm25 import BM25FRetriever
from llama_index_prod_rag.retrievers.lexical_store import METADATA, TEXT, field_text, parse_fields

EMBEDDING = MockEmbedding(2)


def node(text: str, id_: str = "", **metadata: object) -> TextNode:
    return TextNode(text=text, id_=id_ or text, metadata=metadata)


def found(retriever: BM25FRetriever, query: str) -> list[str]:
    return [hit.node_id for hit in retriever.retrieve(query)]


def test_no_term_no_hit() -> None:
    assert found(BM25FRetriever([node("cats"), node("dogs")]), "birds") == []
    assert found(BM25FRetriever([node("cats")]), "the of and") == []
    assert found(BM25FRetriever([node("cats")]), "") == []
    assert found(BM25FRetriever(), "cats") == []


def test_a_boosted_title_counts_more() -> None:
    nodes = [node("about cats and cats", "body", title="dogs"), node("about dogs and dogs", "head", title="cats")]
    assert found(BM25FRetriever(nodes, fields=["title^5", "text"]), "cats") == ["head", "body"]
    assert found(BM25FRetriever(nodes, fields=["title^0.1", "text"]), "cats") == ["body", "head"]


def test_a_field_that_no_node_has_is_told(caplog: pytest.LogCaptureFixture) -> None:
    nodes = [node("about cats", "a", author="Ada"), node("about dogs", "b")]
    assert found(BM25FRetriever(nodes, fields=["title", "author^2", "content"]), "cats") == []
    BM25FRetriever.from_index(VectorStoreIndex(nodes, embed_model=EMBEDDING), fields=["body"])
    BM25FRetriever(nodes)
    BM25FRetriever(fields=["content"])
    assert [record.args for record in caplog.records] == [("content",), ("body",)]


def test_what_a_field_holds() -> None:
    made = node("the text", title="T", tags=["x", "y"], secret="no", none=None)
    made.excluded_embed_metadata_keys = ["secret"]
    fields = {"title": 2.0, METADATA: 1.0, TEXT: 1.0}
    assert field_text(made, "title", fields) == "T"
    assert field_text(made, TEXT, fields) == "the text"
    assert field_text(made, METADATA, fields) == "x y\n"
    assert field_text(made, "secret", fields) == "no"
    assert field_text(made, "absent", fields) == ""


@pytest.mark.parametrize("fields", [[], ["title^x"], ["title^0"], ["title^-1"], ["^2"], ["text", "text^2"], ["a^inf"]])
def test_fields_that_make_no_sense_are_refused(fields: list[str]) -> None:
    with pytest.raises(ConfigurationError):
        parse_fields(fields)


def test_other_languages() -> None:
    assert found(BM25FRetriever([node("Die Katzen schnurren")], language="de"), "schnurrende Katze")
    assert found(BM25FRetriever([node("信息检索系统"), node("天气预报")], language="zh"), "检索") == ["信息检索系统"]


def test_a_retriever_returns_copies_that_may_be_changed() -> None:
    retriever = BM25FRetriever([node("cats", "a", title="t")])
    hit = retriever.retrieve("cats")[0]
    hit.node.metadata["title"] = "changed"
    hit.node.set_content("changed")
    again = retriever.retrieve("cats")[0]
    assert (again.text, again.metadata) == ("cats", {"title": "t"})


async def test_async_is_the_same_and_leaves_the_loop_free() -> None:
    retriever = BM25FRetriever([node("cats"), node("cats and dogs")])
    hits, _ = await asyncio.gather(retriever.aretrieve("cats"), asyncio.sleep(0))
    assert [(hit.node_id, hit.score) for hit in hits] == [(h.node_id, h.score) for h in retriever.retrieve("cats")]
    assert all(type(hit.score) is float for hit in hits)


def test_adds_deletes_and_updates_by_hand() -> None:
    retriever = BM25FRetriever([node("cats", "a")])
    retriever.add([node("dogs", "b")])
    assert found(retriever, "dogs") == ["b"]
    retriever.add([node("birds", "b")])
    assert found(retriever, "dogs") == []
    retriever.delete(["b", "unknown"])
    assert found(retriever, "birds") == []


def test_filters_are_set_per_query_without_a_rebuild() -> None:
    retriever = BM25FRetriever([node("cats", "a", team="x"), node("cats", "b", team="y")])
    only_y = retriever.with_filters(MetadataFilters(filters=[MetadataFilter(key="team", value="y")]))
    assert found(only_y, "cats") == ["b"]
    assert found(retriever, "cats") == ["a", "b"]
    retriever.add([node("cats", "c", team="y")])
    assert found(only_y, "cats") == ["b", "c"]


def test_scores_of_given_nodes() -> None:
    retriever = BM25FRetriever([node("cats", "a"), node("dogs", "b")])
    scores = retriever.score_nodes(QueryBundle("cats"), ["a", "b", "unknown"])
    assert scores == {"a": retriever.retrieve("cats")[0].score, "b": 0.0}


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    made = BM25FRetriever(
        [node("Die Häuser", "a", title="Straßen"), node("Haus\u2028Baum", "b")],
        language="de",
        fields=["title^3", "text"],
    )
    made.delete(["b"])
    made.add([node("Häuser und Bäume", "c", n=1)])
    made.persist(tmp_path / "bm25")
    read = BM25FRetriever.from_persist_dir(tmp_path / "bm25")
    for query in ("Haus", "Straße", "Bäume", "und"):
        assert [(h.node_id, h.score, h.metadata) for h in read.retrieve(query)] == [
            (h.node_id, h.score, h.metadata) for h in made.retrieve(query)
        ]
    read.add([node("Katzen", "d")])
    assert found(read, "Katze") == ["d"]


def test_a_folder_that_holds_no_index_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"holds no BM25 index.*persist\(\)"):
        BM25FRetriever.from_persist_dir(tmp_path)
    monkeypatch.setattr(lexical_file, "_FORMAT", 0)
    BM25FRetriever([node("cats")]).persist(tmp_path)
    monkeypatch.undo()
    with pytest.raises(InputError, match="another version"):
        BM25FRetriever.from_persist_dir(tmp_path)


def test_a_damaged_index_is_refused_and_never_searched(tmp_path: Path) -> None:
    made = BM25FRetriever([node(f"cat number{number}", str(number)) for number in range(5)])
    made.persist(tmp_path)
    answer = [(hit.node_id, hit.score) for hit in made.retrieve("cat number3")]
    whole = (tmp_path / lexical_file.FILE).read_bytes()
    outcomes: set[bool] = set()
    for at in range(0, len(whole), 23):
        for damaged in (whole[:at], whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :]):
            (tmp_path / lexical_file.FILE).write_bytes(damaged)
            try:
                read = BM25FRetriever.from_persist_dir(tmp_path)
            except InputError as error:
                outcomes.add(lexical_file.FILE in str(error) and "persist()" in str(error))
            else:  # a byte that means nothing, such as a date in the archive
                assert [(hit.node_id, hit.score) for hit in read.retrieve("cat number3")] == answer
    assert outcomes == {True}


def test_an_index_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    BM25FRetriever([node("cats")]).persist(tmp_path)

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("numpy.savez", stop)
    with pytest.raises(KeyboardInterrupt):
        BM25FRetriever([node("dogs")]).persist(tmp_path)
    assert found(BM25FRetriever.from_persist_dir(tmp_path), "cats") == ["cats"]
    assert [file.name for file in tmp_path.iterdir()] == [lexical_file.FILE]


def test_a_pickled_retriever_works() -> None:
    retriever = pickle.loads(pickle.dumps(BM25FRetriever([node("cats")])))  # noqa: S301 - our own bytes
    retriever.add([node("dogs")])
    assert found(retriever, "cats") + found(retriever, "dogs") == ["cats", "dogs"]


@pytest.mark.parametrize("delete_from_docstore", [False, True])
def test_documents_of_an_index_come_and_go(delete_from_docstore: bool) -> None:
    splitter = SentenceSplitter()
    documents = [Document(text=text, doc_id=text) for text in ("cats", "dogs")]
    index = VectorStoreIndex.from_documents(documents, embed_model=EMBEDDING, transformations=[splitter])
    retriever = BM25FRetriever.from_index(index)
    assert len(found(retriever, "cats")) == 1
    index.insert(Document(text="birds", doc_id="birds"))
    assert len(found(retriever, "birds")) == 1
    index.update_ref_doc(Document(text="fish", doc_id="dogs"))
    assert len(found(retriever, "fish")) == 1
    assert found(retriever, "dogs") == []
    index.delete_ref_doc("cats", delete_from_docstore=delete_from_docstore)
    assert found(retriever, "cats") == []


class FollowedIndex(RuleBasedStateMachine):
    """Whatever happens to an index, the leg ranks as one built afresh from what the index holds."""

    ids = st.sampled_from("abcde")
    texts = st.lists(st.sampled_from(["cat", "dog", "bird"]), max_size=4).map(lambda words: " ".join(["x", *words]))

    def __init__(self) -> None:
        super().__init__()
        self.index = VectorStoreIndex([], embed_model=EMBEDDING)
        self.retriever = BM25FRetriever.from_index(self.index)
        self.nodes: dict[str, TextNode] = {}

    @rule(id_=ids, text=texts)
    def insert(self, id_: str, text: str) -> None:
        self.index.insert_nodes([node(text, id_)])
        self.nodes[id_] = node(text, id_)

    @rule(id_=ids, thoroughly=st.booleans())
    def delete(self, id_: str, thoroughly: bool) -> None:
        known = id_ in self.index.index_struct.nodes_dict  # LlamaIndex raises on a thorough delete of what it lacks
        self.index.delete_nodes([id_], delete_from_docstore=thoroughly and known)
        self.nodes.pop(id_, None)

    @rule(query=texts)
    def search(self, query: str) -> None:
        fresh = BM25FRetriever(sorted(self.nodes.values(), key=lambda n: n.node_id))
        ranked = [(hit.node_id, hit.score) for hit in fresh.retrieve(query)]
        assert [(hit.node_id, hit.score) for hit in self.retriever.retrieve(query)] == ranked


TestFollowedIndex = FollowedIndex.TestCase
TestFollowedIndex.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)


def test_a_docstore_that_was_away_is_read_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    index = VectorStoreIndex([TextNode(text="one cat", id_="a")], embed_model=MockEmbedding(2))
    retriever = BM25FRetriever.from_index(index)
    index.insert_nodes([TextNode(text="two cats", id_="b")])

    def fail(*_: object, **__: object) -> None:
        raise ConnectionError("away for a moment")

    with monkeypatch.context() as broken:
        broken.setattr(type(index.docstore), "get_nodes", fail)
        with pytest.raises(ConnectionError):
            retriever.retrieve("cat")
    assert sorted(hit.node_id for hit in retriever.retrieve("cat")) == ["a", "b"]


def test_a_replaced_text_in_a_docstore_that_is_not_watched_is_seen_after_refresh(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index = VectorStoreIndex([node("cats", "a")], embed_model=EMBEDDING)
    monkeypatch.setattr("llama_index_prod_rag.retrievers.following.SimpleDocumentStore", type("Other", (), {}))
    retriever = BM25FRetriever.from_index(index)
    index.docstore.add_documents([node("dogs", "a")])
    assert found(retriever, "dogs") == []
    retriever.refresh()
    assert found(retriever, "dogs") == ["a"]


@pytest.mark.parametrize("settings", [{"similarity_top_k": 0}, {"language": "klingon"}, {"k1": -1.0}, {"fields": []}])
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        BM25FRetriever(**settings)  # type: ignore[arg-type]
