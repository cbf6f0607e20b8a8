from __future__ import annotations

import math
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.postprocessor.score_cache import CachedScorer, LruScores

_PAIRS = [("q", "q a"), ("q", "b"), ("q", "q a")]


def test_a_pair_is_scored_once_and_keeps_its_logit(scorer: Any) -> None:
    cached = CachedScorer(scorer, LruScores(10))
    assert cached.score(_PAIRS) == [1.0, -1.0, 1.0]
    assert cached.score(_PAIRS) == [1.0, -1.0, 1.0]
    assert scorer.seen == _PAIRS[:2]


def test_the_question_and_the_model_are_part_of_the_key(scorer: Any) -> None:
    store = LruScores(10)
    CachedScorer(scorer, store).score([("q", "q")])
    scorer.fingerprint = "other weights"
    CachedScorer(scorer, store).score([("q", "q"), ("other", "q")])
    assert len(scorer.seen) == 3


def test_progress_counts_remembered_pairs_too(scorer: Any) -> None:
    cached = CachedScorer(scorer, LruScores(10))
    cached.score(_PAIRS[:1])
    counted: list[int] = []
    cached.score(_PAIRS[:2], counted.append)
    assert sum(counted) == 2


def test_what_is_no_number_is_not_remembered(scorer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = CachedScorer(scorer, LruScores(10))
    monkeypatch.setattr(scorer, "score", lambda pairs, _: [math.nan] * len(pairs))
    assert math.isnan(cached.score(_PAIRS[:1])[0])
    monkeypatch.undo()
    assert cached.score(_PAIRS[:1]) == [1.0]


@given(st.lists(st.integers(0, 20).map(lambda number: bytes([number])), max_size=60), st.integers(1, 8))
def test_the_size_is_kept_and_the_latest_survive(keys: list[bytes], size: int) -> None:
    store = LruScores(size)
    for key in keys:
        store.put({key: 1.0})
    latest = list(dict.fromkeys(reversed(keys)))[:size]
    assert store.get(bytes([number]) for number in range(21)).keys() == set(latest)


def test_a_copy_in_another_process_starts_empty() -> None:
    store = LruScores(3)
    store.put({b"a": 1.0})
    assert pickle.loads(pickle.dumps(store)).get([b"a"]) == {}  # noqa: S301 - our own bytes


def test_a_cache_that_holds_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="at least 1"):
        LruScores(0)
