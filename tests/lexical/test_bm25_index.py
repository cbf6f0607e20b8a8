from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import bm25s
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from numpy.typing import NDArray

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.lexical import bm25_index
from llama_index_prod_rag.lexical.bm25_index import BM25FIndex
from llama_index_prod_rag.lexical.masking import MANY

words = st.sampled_from(["red", "green", "blue", "cat", "dog", "fish", "bird"])
texts = st.lists(words, max_size=8)
ids = st.sampled_from("abcdefgh")
fields = st.tuples(texts, texts)


def by_hand(documents: dict[str, tuple[list[str], list[str]]], query: list[str], title: float) -> dict[str, float]:
    """BM25F as written in the paper, one document at a time."""
    frequency = {d: Counter({t: title * x.count(t) + y.count(t) for t in {*x, *y}}) for d, (x, y) in documents.items()}
    length = {d: sum(counts.values()) for d, counts in frequency.items()}
    mean = sum(length.values()) / len(length) if any(length.values()) else 1.0
    scores = {}
    for document, counts in frequency.items():
        score = 0.0
        for term in query:
            holding = sum(term in other for other in frequency.values())
            idf = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
            norm = 1.5 * (1 - 0.75 + 0.75 * length[document] / mean)
            score += idf * counts[term] / (counts[term] + norm)
        if score > 0:
            scores[document] = score
    return scores


def build(documents: dict[str, tuple[list[str], list[str]]], title: float = 2.0) -> BM25FIndex:
    index = BM25FIndex()
    for document, (head, body) in documents.items():
        index.put(document, [(head, title), (body, 1.0)])
    return index


@given(st.dictionaries(ids, fields, max_size=8), texts, st.sampled_from([0.5, 1.0, 2.0, 4.0]))
def test_scores_are_the_papers(
    documents: dict[str, tuple[list[str], list[str]]], query: list[str], title: float
) -> None:
    found = build(documents, title).search(query, 100)
    assert dict(found) == pytest.approx(by_hand(documents, query, title))
    assert found == sorted(found, key=lambda item: (-item[1], item[0]))


@given(st.lists(texts.filter(bool), min_size=1, max_size=8), texts.filter(bool))
def test_on_one_field_scores_are_those_of_bm25s(corpus: list[list[str]], query: list[str]) -> None:
    theirs = bm25s.BM25(method="lucene")
    theirs.index(corpus, show_progress=False)
    known = [term for term in query if any(term in document for document in corpus)]
    expected = theirs.get_scores(known) if known else [0.0] * len(corpus)
    index = BM25FIndex()
    for number, terms in enumerate(corpus):
        index.put(str(number), [(terms, 1.0)])
    scores = index.score(query, map(str, range(len(corpus))))
    assert list(scores.values()) == pytest.approx(list(map(float, expected)), abs=1e-5)


class Changes(RuleBasedStateMachine):
    """Any sequence of changes and searches leaves an index that answers exactly as a fresh one."""

    def __init__(self) -> None:
        super().__init__()
        self.index, self.documents = BM25FIndex(), dict[str, tuple[list[str], list[str]]]()

    @rule(document=ids, content=fields)
    def put(self, document: str, content: tuple[list[str], list[str]]) -> None:
        self.index.put(document, [(content[0], 2.0), (content[1], 1.0)])
        self.documents.pop(document, None)
        self.documents[document] = content

    @rule(document=ids)
    def remove(self, document: str) -> None:
        assert self.index.remove(document) == (self.documents.pop(document, None) is not None)

    @rule(query=texts, top_k=st.integers(1, 4))
    def search(self, query: list[str], top_k: int) -> None:
        fresh = build(dict(sorted(self.documents.items())))
        assert self.index.search(query, top_k) == fresh.search(query, top_k)

    @precondition(lambda self: self.documents)
    @rule()
    def write_and_read(self) -> None:
        arrays, names, vocabulary = self.index.to_arrays()
        self.index = BM25FIndex.from_arrays(arrays, names, vocabulary, k1=1.5, b=0.75)

    @invariant()
    def counts(self) -> None:
        assert len(self.index) == len(self.documents)


class ChangesWithEagerMerges(Changes):
    """The same with merges at every search instead of once in a thousand changes."""

    def search(self, query: list[str], top_k: int) -> None:  # type: ignore[override]
        self.index._merge()
        super().search(query, top_k)


TestChanges = Changes.TestCase
TestChangesWithEagerMerges = ChangesWithEagerMerges.TestCase
TestChanges.settings = TestChangesWithEagerMerges.settings = settings(max_examples=60, stateful_step_count=20)


def test_many_changes_are_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bm25_index, "_MERGE_FLOOR", 5)
    index = BM25FIndex()
    for number in range(100):
        index.put(str(number % 20), [(["cat", f"n{number}"], 1.0)])
        index.search(["cat"], 3)
    assert len(index._ids) < 30
    assert [found for found, _ in index.search(["n99"], 3)] == ["19"]


def test_only_what_is_allowed_is_returned_also_when_it_ranks_last() -> None:
    index = BM25FIndex()
    for number in range(50):
        index.put(f"{number:02}", [(["cat"] * (50 - number), 1.0)])
    assert [found for found, _ in index.search(["cat"], 3, allowed={"49"})] == ["49"]
    assert index.search(["cat"], 3, allowed=set()) == []


class _Masked(set[str]):
    def mask(self, ids: Sequence[str]) -> NDArray[np.bool_]:
        return np.array([id_ in self for id_ in ids])


def test_a_mask_says_the_same_as_asking_one_by_one() -> None:
    index = BM25FIndex()
    draw = np.random.default_rng(0)
    for number in range(2 * MANY):
        index.put(f"{number:05}", [(["cat"] * int(draw.integers(1, 9)) + ["dog"] * int(draw.integers(0, 9)), 1.0)])
    for every in (1, 3, 700):
        allowed = {f"{number:05}" for number in range(0, 2 * MANY, every)}
        one_by_one = index.search(["cat", "dog"], 40, allowed=allowed)
        assert index.search(["cat", "dog"], 40, allowed=_Masked(allowed)) == one_by_one
        assert len(one_by_one) == min(40, len(allowed))


def test_ties_at_the_cut_go_by_id() -> None:
    index = BM25FIndex()
    for name in "dbca":
        index.put(name, [(["cat"], 1.0)])
    assert [found for found, _ in index.search(["cat"], 2)] == ["a", "b"]


@pytest.mark.parametrize(("k1", "b"), [(-1.0, 0.5), (1.5, 1.5), (math.nan, 0.5), (1.5, -0.1)])
def test_parameters_out_of_range_are_refused(k1: float, b: float) -> None:
    with pytest.raises(ConfigurationError, match="k1"):
        BM25FIndex(k1=k1, b=b)


def test_the_vocabulary_forgets_what_was_deleted() -> None:
    index = BM25FIndex()
    index.put("kept", [(["pump", "valve"], 1.0)])
    fresh = BM25FIndex()
    fresh.put("kept", [(["pump", "valve"], 1.0)])
    for number in range(5_000):
        index.put(f"passing{number}", [([f"term{number}", "pump"], 1.0)])
        index.remove(f"passing{number}")
        if number % 500 == 0:
            index.search(["pump"], 1)
    assert len(index._vocabulary) < 2_500
    assert index.search(["valve", "pump"], 10) == fresh.search(["valve", "pump"], 10)
    _, ids, vocabulary = index.to_arrays()
    assert (ids, sorted(vocabulary)) == (["kept"], ["pump", "valve"])
    assert index.search(["valve", "pump"], 10) == fresh.search(["valve", "pump"], 10)
