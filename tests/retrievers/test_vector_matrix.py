"""The matrix finds what a loop over all vectors finds, whatever changes in between."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Container

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core import MockEmbedding, VectorStoreIndex
from llama_index.core.indices.query.embedding_utils import get_top_k_embeddings
from llama_index.core.schema import TextNode

from llama_index_prod_rag.retrievers.dense import DenseRetriever
from llama_index_prod_rag.retrievers.vector_matrix import VectorMatrix

_SETS = st.lists(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 10**6), max_size=8), min_size=1, max_size=4
)


@given(_SETS, st.integers(1, 9))
def test_it_follows_its_dictionary_and_finds_what_llama_index_finds(states: list[dict[str, int]], top_k: int) -> None:
    matrix, vectors = VectorMatrix(), dict[str, list[float]]()
    query = np.random.default_rng(7).normal(size=5).tolist()
    for state in states:
        kept = {id_: seed for id_, seed in state.items() if seed % 3}
        for id_ in [id_ for id_ in vectors if id_ not in kept]:
            del vectors[id_]
        vectors |= {id_: np.random.default_rng(seed).normal(size=5).tolist() for id_, seed in kept.items()}
        ids, rows = list(vectors), list(vectors.values())
        scores, found_ids = get_top_k_embeddings(query, rows, similarity_top_k=9, embedding_ids=ids)
        expected = sorted(zip(np.round(scores, 12), found_ids, strict=True), key=lambda pair: (-pair[0], pair[1]))
        found = matrix.search(vectors, query, top_k)
        assert [id_ for id_, _ in found] == [id_ for _, id_ in expected[:top_k]]
        assert np.allclose([score for _, score in found], [score for score, _ in expected[:top_k]], rtol=0, atol=1e-11)


def test_a_filter_is_asked_until_there_are_enough() -> None:
    vectors = {str(n): [1.0, n / 5_000] for n in range(5_000)}
    asked: list[str] = []

    class Even(Container[str]):
        def __contains__(self, id_: object) -> bool:
            asked.append(str(id_))
            return int(str(id_)) % 2 == 0

    assert [id_ for id_, _ in VectorMatrix().search(vectors, [1.0, 0.0], 3, allowed=Even())] == ["0", "2", "4"]
    assert len(asked) < 500
    assert VectorMatrix().search(vectors, [1.0, 0.0], 3, allowed={"4999"})[0][0] == "4999"
    assert VectorMatrix().search(vectors, [1.0, 0.0], 3, allowed=set()) == []


def test_it_is_made_again_after_pickling() -> None:
    matrix = VectorMatrix()
    matrix.search({"a": [1.0, 0.0]}, [1.0, 0.0], 1)
    assert pickle.loads(pickle.dumps(matrix)).search({"b": [1.0, 0.0]}, [1.0, 0.0], 1) == [("b", 1.0)]  # noqa: S301


def test_no_search_is_lost_while_nodes_are_inserted_and_deleted() -> None:
    index = VectorStoreIndex([TextNode(id_=f"n{n}", text="key") for n in range(50)], embed_model=MockEmbedding(8))
    dense = DenseRetriever(index, similarity_top_k=200)
    errors: list[Exception] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            try:
                assert len(dense.retrieve("key")) >= 50
            except Exception as error:
                errors.append(error)

    readers = [threading.Thread(target=ask) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(60):
        index.insert_nodes([TextNode(id_=f"x{number}", text="key")])
        index.delete_nodes([f"x{number}"], delete_from_docstore=True)
    done.set()
    for reader in readers:
        reader.join(30)
    assert errors == []
