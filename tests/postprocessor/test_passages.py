from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_index_prod_rag.errors import ScoringError
from llama_index_prod_rag.postprocessor.passages import PassageReader, score_passages
from llama_index_prod_rag.postprocessor.score_cache import CachedScorer, LruScores

_TWELVE_WORDS = "a b c d e f g h i j k berlin"


def test_a_long_passage_gets_its_best_window(short_scorer: Any) -> None:
    scores = score_passages(short_scorer, "berlin", ["berlin", "madrid", _TWELVE_WORDS])
    assert scores.logits == [1.0, -1.0, 1.0]
    assert scores.truncated == frozenset()


def test_what_is_not_read_is_reported(short_scorer: Any) -> None:
    scores = score_passages(short_scorer, "berlin", ["berlin", _TWELVE_WORDS], max_windows=1)
    assert scores.logits == [1.0, -1.0]
    assert scores.truncated == frozenset({1})


def test_no_pair_exceeds_what_the_model_reads(short_scorer: Any) -> None:
    score_passages(short_scorer, "where is berlin", [_TWELVE_WORDS * 3, "short"])
    for query, window in short_scorer.seen:
        tokens = len(query.split()) + len(window.split()) + short_scorer.special_tokens
        assert tokens <= short_scorer.max_tokens


def test_equal_passages_are_scored_once(scorer: Any) -> None:
    scores = score_passages(scorer, "q", ["same text", "other", "same text"])
    assert len(scorer.seen) == scores.pairs == 2
    assert scores.logits[0] == scores.logits[2]


def test_a_query_longer_than_the_model_is_cut_with_a_warning(
    short_scorer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    score_passages(short_scorer, "one two three four five six", ["one"])
    assert short_scorer.seen == [("one two three", "one")]
    assert "query of 6 tokens cut to 3" in caplog.text


def test_empty_passages_and_empty_lists_have_scores_too(scorer: Any) -> None:
    assert score_passages(scorer, "q", ["", "  "]).logits == [-1.0, -1.0]
    assert score_passages(scorer, "q", []).logits == []


@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=40), max_size=5))
def test_windows_never_score_below_the_first_one(passages: list[list[str]]) -> None:
    from tests.pair_scorers import OverlapScorer

    texts = [" ".join(words) for words in passages]
    scorer = OverlapScorer(max_tokens=10)
    everything = score_passages(scorer, "a b", texts).logits
    beginning = score_passages(scorer, "a b", texts, max_windows=1).logits
    assert all(full >= first for full, first in zip(everything, beginning, strict=True))


def test_a_reader_asks_the_model_once_a_text_over_all_its_calls(scorer: Any) -> None:
    reader = PassageReader(scorer, "q", {"a": "q", "b": "other", "again": "q"})
    assert reader.logits(["a", "b"]) == {"a": 1.0, "b": -1.0}
    assert reader.logits(["again"]) == {"again": 1.0}
    assert len(scorer.seen) == 2


def test_a_reader_names_what_it_did_not_read_to_the_end(short_scorer: Any) -> None:
    reader = PassageReader(short_scorer, "q", {"a": _TWELVE_WORDS, "b": "short", "c": _TWELVE_WORDS}, max_windows=1)
    reader.logits(["a", "b"])
    assert reader.truncated == {"a", "c"}


def test_a_model_that_gives_too_few_scores_is_named(scorer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scorer, "score", lambda pairs, _: [0.5])
    for asked in (scorer, CachedScorer(scorer, LruScores(10))):
        with pytest.raises(ScoringError, match=f"{scorer.name} gave 1 scores for 2 pairs"):
            score_passages(asked, "q", ["a", "b"])


@pytest.mark.parametrize("logit", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_names_its_node(scorer: Any, monkeypatch: pytest.MonkeyPatch, logit: float) -> None:
    monkeypatch.setattr(scorer, "score", lambda pairs, _: [0.5 if text == "a" else logit for _, text in pairs])
    with pytest.raises(ScoringError, match="node second"):
        PassageReader(scorer, "q", {"first": "a", "second": "b"}).logits(["first", "second"])
