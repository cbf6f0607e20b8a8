"""An index in a folder answers as one in memory does, keeps what it was given, and says when it was damaged."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sqlite3
import zlib
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from llama_index.core import StorageContext, VectorStoreIndex
from llama_index.core.schema import IndexNode, TextNode
from llama_index.core.vector_stores.types import (
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)

from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.retrievers import (
    BM25FRetriever,
    EmbeddedStore,
    HybridFusionRetriever,
)
from llama_index_prod_rag.retrievers.embedded import lexical, node_table
from tests.retrievers.embedded_nodes import EMBEDDING, index_over, node, only, question

WORDS = ["cat", "dog", "bird", "fish", "key"]


class SameAsMemory(RuleBasedStateMachine):
    """Whatever is inserted, replaced, deleted and opened again, every leg finds what LlamaIndex's own store holds."""

    ids = st.sampled_from("abcdefg")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(self._made())
        self.nodes: dict[str, TextNode] = {}
        self.open()

    @staticmethod
    def _made() -> str:
        import tempfile

        return tempfile.mkdtemp()

    @rule()
    def open(self) -> None:
        self.index = index_over(EmbeddedStore(self.folder))
        self.hybrid = HybridFusionRetriever.from_index(self.index, similarity_top_k=4)

    @rule(id_=ids, seed=st.integers(0, 99), words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4))
    def insert(self, id_: str, seed: int, words: list[str]) -> None:
        self.nodes[id_] = node(
            id_, seed, " ".join(words), document=f"doc {id_ in 'abc'}", even="yes" if seed % 2 == 0 else "no"
        )
        self.index.insert_nodes([self.nodes[id_]])

    @rule(id_=ids)
    def delete(self, id_: str) -> None:
        self.index.delete_nodes([id_])
        self.nodes.pop(id_, None)

    @rule(early=st.booleans())
    def delete_document(self, early: bool) -> None:
        self.index.delete_ref_doc(f"doc {early}")
        self.nodes = {id_: kept for id_, kept in self.nodes.items() if kept.ref_doc_id != f"doc {early}"}

    @rule(seed=st.integers(100, 199), words=st.lists(st.sampled_from(WORDS), max_size=3), filtered=st.booleans())
    def search(self, seed: int, words: list[str], filtered: bool) -> None:
        fresh = VectorStoreIndex([kept.model_copy() for kept in self.nodes.values()], embed_model=EMBEDDING)
        asked = question(seed, " ".join(["x", *words]))
        filters = only("even", "yes") if filtered else None
        expected = HybridFusionRetriever.from_index(fresh, similarity_top_k=4, filters=filters).retrieve(asked)
        found = self.hybrid.with_filters(filters).retrieve(asked)
        assert [hit.node_id for hit in found] == [hit.node_id for hit in expected]
        assert np.allclose([hit.score for hit in found], [hit.score for hit in expected], atol=1e-6)
        assert [(hit.text, hit.metadata) for hit in found] == [(hit.text, hit.metadata) for hit in expected]


TestSameAsMemory = SameAsMemory.TestCase
TestSameAsMemory.settings = settings(max_examples=10, stateful_step_count=15, deadline=None)


def test_what_was_added_is_there_after_opening_again(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    made = node("a", 1, "Rotors turn.", document="d", title="Flight", pages=[1, 2])
    pointing = IndexNode(id_="i", text="points", index_id="elsewhere", embedding=made.embedding)
    assert store.add([made, pointing]) == ["a", "i"]
    again = EmbeddedStore(tmp_path)
    [first, second] = again.get_nodes()
    assert (first.get_content(), first.metadata, first.ref_doc_id) == ("Rotors turn.", made.metadata, "d")
    assert isinstance(second, IndexNode)
    assert np.allclose(again.vectors(["a"])["a"], made.embedding)
    assert made.embedding is not None  # what came in is as it was


def test_a_new_index_can_be_built_into_a_store(tmp_path: Path) -> None:
    context = StorageContext.from_defaults(vector_store=EmbeddedStore(tmp_path))
    VectorStoreIndex([node("a", 1)], storage_context=context, embed_model=EMBEDDING)
    assert [found.node_id for found in EmbeddedStore(tmp_path).get_nodes()] == ["a"]


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([node("a"), TextNode(id_="b", text="x", embedding=[1.0])], "node b has 1 numbers and others have 6"),
        ([node("a"), TextNode(id_="b", text="x", embedding=[float("nan")] * 6)], "node b is not finite"),
        ([TextNode(id_="a", text="x", embedding=[])], "node a is empty"),
        ([node("a"), node("b", day=date(2024, 3, 1))], "the node 'b' cannot be kept .*date"),
        ([node("a"), node("b\udc80")], "cannot do that: .*surrogates"),
    ],
)
def test_embeddings_that_cannot_be_searched_are_refused_and_nothing_is_added(
    nodes: list[TextNode], message: str
) -> None:
    store = EmbeddedStore()
    with pytest.raises(InputError, match=message):
        store.add(nodes)
    assert store.get_nodes() == []


def test_nodes_without_a_document_are_deleted_with_none() -> None:
    store = EmbeddedStore()
    store.add([node("a", document="d"), node("b")])
    store.delete("")
    store.delete(None)  # type: ignore[arg-type] # the `ref_doc_id` of a node that has none
    assert store.ids() == ["a", "b"]
    assert store.query(VectorStoreQuery(query_embedding=[1.0] * 6, similarity_top_k=5, doc_ids=[""])).ids == []


def test_a_full_disk_is_told_and_nothing_is_added(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    store.add([node("a")])
    store._table._connection.execute("PRAGMA max_page_count = 20")  # to SQLite a disk of twenty pages
    with pytest.raises(OSError, match=r"nodes.sqlite: database or disk is full"):
        store.add([node(str(number), text="word " * 1000) for number in range(100)])
    assert store.ids() == ["a"]
    store.add([node("b")])
    assert EmbeddedStore(tmp_path).ids() == ["a", "b"]


def test_a_folder_may_be_named_from_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    EmbeddedStore("~/kept").add([node("a")])
    assert EmbeddedStore(tmp_path / "kept").ids() == ["a"]


def test_a_closed_store_is_not_called_damaged(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    store.close()
    with pytest.raises(InputError, match="closed") as caught:
        store.get_nodes()
    assert "delete" not in str(caught.value)


def test_a_store_comes_back_from_its_settings(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    store.add([node("a")])
    assert EmbeddedStore.from_json(store.to_json()).ids() == ["a"]


def test_questions_that_it_cannot_answer_say_what_to_do() -> None:
    store = EmbeddedStore()
    store.add([node("a")])
    with pytest.raises(ConfigurationError, match="HybridFusionRetriever"):
        store.query(VectorStoreQuery(query_embedding=[0.0] * 6, mode=VectorStoreQueryMode.MMR))
    with pytest.raises(InputError, match="2 numbers and those of the index have 6"):
        store.query(VectorStoreQuery(query_embedding=[0.0, 1.0]))
    with pytest.raises(InputError, match="not finite"):
        store.query(VectorStoreQuery(query_embedding=[float("nan")] * 6))
    with pytest.raises(InputError, match="embedding"):
        store.query(VectorStoreQuery(query_str="cat"))


def test_the_lexical_leg_is_kept_and_only_what_is_new_is_analyzed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = index_over(EmbeddedStore(tmp_path))
    index.insert_nodes([node(str(n), n, f"cat number{n}") for n in range(200)])
    before = BM25FRetriever.from_index(index)
    index.insert_nodes([node("new", 1, "a bird at last")])
    index.delete_nodes(["3"])
    analyzed: list[str] = []
    plain = lexical.LexicalStore.put

    def put(self: lexical.LexicalStore, nodes: object) -> None:
        kept = list(nodes)  # type: ignore[call-overload]
        analyzed.extend(one.node_id for one in kept)
        plain(self, kept)

    monkeypatch.setattr(lexical.LexicalStore, "put", put)
    after = BM25FRetriever.from_index(index_over(EmbeddedStore(tmp_path)))
    assert analyzed == ["new"]
    for words in ("bird", "cat number7", "number3"):
        assert [(h.node_id, h.score) for h in after.retrieve(words)] == [
            (h.node_id, h.score) for h in before.retrieve(words)
        ]


def test_a_damaged_lexical_file_is_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    index = index_over(EmbeddedStore(tmp_path))
    index.insert_nodes([node(str(n), n, f"cat number{n}") for n in range(20)])
    expected = [hit.node_id for hit in BM25FRetriever.from_index(index).retrieve("number7")]
    [file] = tmp_path.glob("bm25f-*.npz")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    again = BM25FRetriever.from_index(index_over(EmbeddedStore(tmp_path)))
    assert [hit.node_id for hit in again.retrieve("number7")] == expected == ["7"]
    assert "made again" in caplog.text
    assert file.read_bytes() == whole or BM25FRetriever.from_index(index_over(EmbeddedStore(tmp_path)))


def test_a_lexical_file_of_the_store_that_lay_here_before_is_made_again(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    store.add([node(f"old{n}", n, f"cat {n}") for n in range(5)])
    BM25FRetriever.from_index(index_over(store))
    store.close()
    for file in tmp_path.glob("nodes.sqlite*"):
        file.unlink()
    store = EmbeddedStore(tmp_path)
    store.add([node(f"new{n}", n, f"cat {n}") for n in range(6)])
    found = BM25FRetriever.from_index(index_over(store), similarity_top_k=20).retrieve("cat")
    assert sorted(hit.node_id for hit in found) == [f"new{n}" for n in range(6)]


def test_nodes_that_could_not_be_read_are_taken_over_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    store = EmbeddedStore()
    store.add([node("a", 1, "cat one")])
    lexical_leg = BM25FRetriever.from_index(index_over(store))
    store.add([node("b", 2, "cat two")])

    def fail(*_: object) -> None:
        raise OSError("away for a moment")

    with monkeypatch.context() as broken:
        broken.setattr(EmbeddedStore, "iterate", fail)
        with pytest.raises(OSError, match="away"):
            lexical_leg.retrieve("cat")
    assert sorted(hit.node_id for hit in lexical_leg.retrieve("cat")) == ["a", "b"]


def test_a_leg_of_other_settings_is_another_file(tmp_path: Path) -> None:
    index = index_over(EmbeddedStore(tmp_path))
    index.insert_nodes([node("a", 1, "cats")])
    assert [hit.node_id for hit in BM25FRetriever.from_index(index).retrieve("cat")] == ["a"]
    assert BM25FRetriever.from_index(index, stemming=False).retrieve("cat") == []
    assert len(list(tmp_path.glob("bm25f-*.npz"))) == 2


def test_nodes_that_are_added_to_the_leg_alone_are_found(tmp_path: Path) -> None:
    index = index_over(EmbeddedStore(tmp_path))
    index.insert_nodes([node("a", 1, "cats")])
    leg = BM25FRetriever.from_index(index)
    leg.add([TextNode(id_="b", text="dogs", metadata={"who": "us"})])
    assert [hit.node_id for hit in leg.retrieve("dog cat")] == ["a", "b"]
    assert [hit.node_id for hit in leg.with_filters(only("who", "us")).retrieve("dog cat")] == ["b"]


def test_a_store_that_is_damaged_says_so_and_never_answers_wrongly(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    store.add([node(str(n), n, f"text number {n}") for n in range(40)])
    expected = store.query(VectorStoreQuery(query_embedding=question(7).embedding, similarity_top_k=40))
    with sqlite3.connect(tmp_path / node_table.FILE) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    whole = (tmp_path / node_table.FILE).read_bytes()
    refused: list[str] = []
    for at in range(0, len(whole), 1013):
        for rest in tmp_path.iterdir():
            rest.unlink()
        (tmp_path / node_table.FILE).write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        try:
            damaged = EmbeddedStore(tmp_path)
            found = damaged.query(VectorStoreQuery(query_embedding=question(7).embedding, similarity_top_k=40))
        except (InputError, OSError) as error:
            refused.append(str(error))
        else:
            wanted = {one.node_id: one.get_content() for one in expected.nodes or ()}
            assert {one.node_id: one.get_content() for one in found.nodes or ()}.items() <= wanted.items()
    assert len(refused) > 3
    assert all(node_table.FILE in message for message in refused)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("nodes", "node", "not JSON"),
        ("nodes", "node", "[]"),
        ("nodes", "node", '{"__type__": "TextNode"}'),
        ("nodes", "node", '{"__type__": "NoNode", "__data__": {}}'),
        ("nodes", "node", '{"__type__": "1", "__data__": {"id_": "b", "text": "of another"}}'),
        ("nodes", "node", b"bytes"),
        ("nodes", "metadata", "5"),
        ("nodes", "metadata", b"{}"),
        ("vectors", "vector", "text"),
        ("vectors", "vector", b"123"),
        ("vectors", "vector", 5),
        ("head", "value", "many"),
    ],
)
def test_a_store_that_holds_something_else_with_a_right_checksum_says_so(
    tmp_path: Path, table: str, column: str, value: object
) -> None:
    store = EmbeddedStore(tmp_path)
    store.add([node("a", 1)])
    store.close()
    with sqlite3.connect(tmp_path / node_table.FILE) as connection:
        which = " WHERE name = 'change'" if table == "head" else ""
        connection.execute(f"UPDATE {table} SET {column} = ?{which}", (value,))  # noqa: S608 - names from above
        if isinstance(value, str) and table == "nodes":
            connection.execute("UPDATE nodes SET sum = ?", (node_table._sum("a", str(value)),))
        if isinstance(value, bytes) and table == "vectors":
            connection.execute("UPDATE vectors SET sum = ?", (zlib.crc32(value, 1),))
    with pytest.raises(InputError, match=node_table.FILE):
        EmbeddedStore(tmp_path).get_nodes(filters=MetadataFilters(filters=[]))


def test_a_writer_that_is_stopped_leaves_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = EmbeddedStore(tmp_path)
    store.add([node("a", 1)])

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(node_table, "_vector_row", stop)
        with pytest.raises(KeyboardInterrupt):
            store.add([node("a", 2, "changed"), node("b", 3)])
    for opened in (store, EmbeddedStore(tmp_path)):
        assert [one.get_content() for one in opened.get_nodes()] == ["text of a"]
    store.add([node("b", 3)])
    assert len(EmbeddedStore(tmp_path).get_nodes()) == 2


def test_what_one_opening_changes_another_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_table, "_MOST_REMOVED", 3)
    writer, reader = EmbeddedStore(tmp_path), EmbeddedStore(tmp_path)
    writer.add([node(str(n), n, f"cat number{n}") for n in range(20)])
    hybrid = HybridFusionRetriever.from_index(index_over(reader), similarity_top_k=100)
    assert len(hybrid.retrieve(question(5))) == 20
    for number in range(15):  # more than the removals that are remembered one by one
        writer.delete_nodes([str(number)])
    writer.add([node("16", 99, "changed cat")])
    found = {hit.node_id: hit.text for hit in hybrid.retrieve(question(5))}
    assert sorted(found) == ["15", "16", "17", "18", "19"]
    assert found["16"] == "changed cat"


def test_an_index_built_again_with_another_model_is_found_by_who_has_it_open(tmp_path: Path) -> None:
    writer, reader = EmbeddedStore(tmp_path), EmbeddedStore(tmp_path)
    writer.add([node("a", 1), node("b", 2)])
    assert reader.query(VectorStoreQuery(query_embedding=[1.0] * 6)).ids
    writer.clear()
    writer.add([TextNode(id_=id_, text=id_, embedding=[1.0, 2.0]) for id_ in "ab"])
    assert sorted(reader.query(VectorStoreQuery(query_embedding=[1.0, 0.0], similarity_top_k=5)).ids or []) == [
        "a",
        "b",
    ]
    with pytest.raises(InputError, match="6 and of 2 numbers"):
        reader.add([node("c", 3)])


def test_it_is_pickled_as_its_folder(tmp_path: Path) -> None:
    EmbeddedStore(tmp_path).add([node("a", 1)])
    copied = pickle.loads(pickle.dumps(EmbeddedStore(tmp_path)))  # noqa: S301 - our own bytes
    assert [one.node_id for one in copied.get_nodes()] == ["a"]
    with pytest.raises(ConfigurationError, match="folder"):
        pickle.dumps(EmbeddedStore())


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_retriever_over_it_can_be_copied(tmp_path: Path, in_memory: bool) -> None:
    store = EmbeddedStore(None if in_memory else tmp_path)
    store.add([node("a", 1, "a cat")])
    retriever = HybridFusionRetriever.from_index(index_over(store))
    copied = deepcopy(retriever)
    store.add([node("b", 2, "another cat")])
    assert [hit.node_id for hit in copied.retrieve(question(1))] == (["a"] if in_memory else ["a", "b"])
    assert [hit.node_id for hit in retriever.retrieve(question(1))] == ["a", "b"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_opens_its_own(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    store.add([node("a", 1)])
    child = multiprocessing.get_context("fork").Process(target=_add, args=(store,))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert [one.node_id for one in store.get_nodes()] == ["a", "b"]


def _add(store: EmbeddedStore) -> None:
    store.add([node("b", 2)])


def test_a_file_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_table, "_FORMAT", "0")
    EmbeddedStore(tmp_path)
    monkeypatch.undo()
    with pytest.raises(InputError, match=r"another version.*build the index again"):
        EmbeddedStore(tmp_path)


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"no database" * 500), lambda path: path.mkdir()])
def test_what_is_no_store_is_an_error_of_one_line(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    spoil(tmp_path / node_table.FILE)
    with pytest.raises((InputError, OSError), match=node_table.FILE):
        EmbeddedStore(tmp_path)
