"""Kept files that are whole but hold something else are made again, or refused by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llama_index.core import MockEmbedding, VectorStoreIndex
from llama_index.core.schema import TextNode

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.retrievers.bm25 import BM25FRetriever
from llama_index_prod_rag.retrievers.embedded.store import EmbeddedStore
from llama_index_prod_rag.retrievers.lexical_file import Kept, load_index, save_index
from llama_index_prod_rag.retrievers.links import LinkedRetriever

QUESTION = "Who signs tokens?"
NODES = [
    TextNode(text=text, id_=title, metadata={"title": title}, embedding=[1.0, 0.0])
    for title, text in {
        "Token service": "Tokens are signed by the Key Vault.",
        "Key Vault": "It rotates every ninety days.",
        "Wine Cellar": "Bottles lie in the dark.",
    }.items()
]
OTHERS: dict[str, Callable[[Any], Any]] = {
    "none": lambda _: None,
    "a number": lambda _: 5,
    "text": lambda _: "text",
    "empty": lambda _: [],
    "numbers": lambda value: list(range(len(value))),
    "cut": lambda value: value[:-1],
    "repeated": lambda value: [value[0], *value[:-1]],
}
ARRAYS: dict[str, Callable[[Any], Any]] = {
    "cut": lambda array: array[:-1],
    "deeper": lambda array: array[None],
    "text": lambda array: array.astype(str),
    "booleans": lambda array: array > 0,
    "negative": lambda array: -array - 1,
    "far": lambda array: array + 1_000_000,
    "not a number": lambda array: array * np.nan,
    "smaller": lambda array: array.astype(np.int8),
}


def variants(kept: Kept) -> Iterator[tuple[str, Kept]]:
    """What somebody else might have written under the same version, each with what it is."""
    for part, changes in ((kept.head, OTHERS), (kept.arrays, ARRAYS)):
        for name in part:
            changed = [{key: value for key, value in part.items() if key != name}]
            for change in changes.values():
                try:
                    changed.append({**part, name: change(part[name])})
                except (TypeError, ValueError, KeyError):  # a change of lists
                    continue
            for number, one in enumerate(changed):
                head, arrays = (one, kept.arrays) if part is kept.head else (kept.head, one)
                yield f"{name} {number}", Kept(head, kept.nodes, arrays)
    renamed = [f"{id_} of another index" for id_ in kept.head["ids"]]
    yield "other nodes", Kept({**kept.head, "ids": renamed}, kept.nodes, kept.arrays)


@pytest.fixture(autouse=True)
def no_power_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of files are written, and none has to outlive the machine."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def answers(folder: Path) -> list[str]:
    index = VectorStoreIndex.from_vector_store(EmbeddedStore(folder), embed_model=MockEmbedding(2))
    retriever = LinkedRetriever(BM25FRetriever.from_index(index), index=index)
    return [hit.node_id for question in (QUESTION, "dark bottles") for hit in retriever.retrieve(question)]


def test_what_is_kept_beside_a_store_is_made_again(tmp_path: Path) -> None:
    EmbeddedStore(tmp_path).add(NODES)
    right = answers(tmp_path)
    assert right == ["Token service", "Key Vault", "Wine Cellar"]
    files = [*tmp_path.glob("names.npz"), *tmp_path.glob("bm25f-*.npz")]
    kept = [list(variants(load_index(file, lambda kept: kept))) for file in files]
    for others in zip_longest(*kept):
        for file, other in zip(files, others, strict=True):
            if other is not None:
                save_index(file, other[1].head, other[1].nodes, other[1].arrays)
        assert answers(tmp_path) == right, others


def test_a_persisted_index_is_refused(tmp_path: Path) -> None:
    made = BM25FRetriever(NODES)
    made.persist(tmp_path)
    [file] = tmp_path.iterdir()
    right = [(hit.node_id, hit.score) for hit in made.retrieve(QUESTION)]
    kept, refused = load_index(file, lambda kept: kept), 0
    for name, other in variants(kept):
        save_index(file, other.head, other.nodes, other.arrays)
        try:
            read = BM25FRetriever.from_persist_dir(tmp_path)
        except InputError as error:
            refused += "bm25f.npz" in str(error)
        else:
            assert [(hit.node_id, hit.score) for hit in read.retrieve(QUESTION)] == right, name
    assert refused > 30
