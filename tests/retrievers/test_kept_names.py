"""What an embedded store's nodes are called lies beside them: opening it again reads no node."""

from __future__ import annotations

from pathlib import Path

import pytest
from llama_index.core import MockEmbedding, VectorStoreIndex
from llama_index.core.schema import TextNode

from llama_index_prod_rag.retrievers.bm25 import BM25FRetriever
from llama_index_prod_rag.retrievers.embedded import names
from llama_index_prod_rag.retrievers.embedded.store import EmbeddedStore
from llama_index_prod_rag.retrievers.links import LinkedRetriever
from llama_index_prod_rag.retrievers.named_nodes import NamedNodes

SERVICE = "Tokens are signed by the Key Vault."
VAULT = "It rotates every ninety days."


def page(title: str, text: str, id_: str = "") -> TextNode:
    return TextNode(text=text, id_=id_ or title, metadata={"title": title}, embedding=[1.0, 0.0])


def fill(folder: Path) -> EmbeddedStore:
    store = EmbeddedStore(folder)
    store.add([page("Token service", SERVICE), page("Key Vault", VAULT), *(page(f"Page {n}", "x") for n in range(200))])
    return store


def linked(folder: Path) -> list[str]:
    """What the retriever finds that opens the folder anew."""
    index = VectorStoreIndex.from_vector_store(EmbeddedStore(folder), embed_model=MockEmbedding(2))
    hits = LinkedRetriever(BM25FRetriever.from_index(index), index=index).retrieve("Who signs tokens?")
    return [hit.node_id for hit in hits]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the nodes whose names are read."""
    ids: list[str] = []
    plain = NamedNodes.put

    def put(self: NamedNodes, nodes: object) -> None:
        kept = list(nodes)  # type: ignore[call-overload]
        ids.extend(node.node_id for node in kept)
        plain(self, kept)

    monkeypatch.setattr(NamedNodes, "put", put)
    return ids


def test_names_that_are_kept_are_not_read_again(tmp_path: Path, read: list[str]) -> None:
    fill(tmp_path)
    first = linked(tmp_path)
    assert first == ["Token service", "Key Vault"]
    assert len(read) == 202
    read.clear()
    assert linked(tmp_path) == first
    assert read == []


def test_what_changed_since_is_read_alone(tmp_path: Path, read: list[str]) -> None:
    store = fill(tmp_path)
    linked(tmp_path)
    read.clear()
    store.delete_nodes(["Key Vault"])
    assert linked(tmp_path) == ["Token service"]
    store.add([page("Key Vault", VAULT, "new"), page("Renamed", "x", "Page 7")])
    assert linked(tmp_path) == ["Token service", "new"]
    assert sorted(read) == ["Page 7", "new"]


def test_a_file_is_written_again_after_many_changes(tmp_path: Path, read: list[str]) -> None:
    store = fill(tmp_path)
    linked(tmp_path)
    store.add([page(f"More {n}", "x") for n in range(20)])
    linked(tmp_path)
    read.clear()
    assert linked(tmp_path) == ["Token service", "Key Vault"]
    assert read == []


@pytest.mark.parametrize("damage", [lambda whole: whole[: len(whole) // 2], lambda whole: whole[:-300] + bytes(300)])
def test_a_damaged_file_is_made_again(
    tmp_path: Path, read: list[str], caplog: pytest.LogCaptureFixture, damage: object
) -> None:
    fill(tmp_path)
    first, file = linked(tmp_path), tmp_path / names.FILE
    file.write_bytes(damage(file.read_bytes()))  # type: ignore[operator]
    read.clear()
    assert linked(tmp_path) == first
    assert len(read) == 202
    assert "names.npz is made again" in caplog.text


def test_names_of_the_store_that_lay_here_before_are_not_taken(tmp_path: Path) -> None:
    store = fill(tmp_path)
    linked(tmp_path)
    store.close()
    for file in tmp_path.glob("nodes.sqlite*"):
        file.unlink()
    fill(tmp_path).delete_nodes(["Key Vault"])
    assert linked(tmp_path) == ["Token service"]
