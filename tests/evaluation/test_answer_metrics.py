from __future__ import annotations

import collections
import random
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.evaluation.answer_metrics import (
    ANSWER_METRICS,
    answer_metric,
    contains_answer,
    exact_match,
    normalize_answer,
    rouge,
    token_f1,
)

WORDS = ["the", "a", "cat", "cats", "sat", "mat.", "U.S.", "2019", "(on)", "running", "Ran", "An", "naïve", ""]


def random_text(generator: random.Random) -> str:
    return " ".join(generator.choices(WORDS, k=generator.randint(0, 9)))


def cases() -> list[tuple[str, list[str]]]:
    generator = random.Random(11)
    return [
        (random_text(generator), [random_text(generator) for _ in range(generator.randint(1, 3))]) for _ in range(500)
    ]


# The official SQuAD 2.0 script (evaluate-v2.0.py), unchanged but for names: the reference for the next two tests.
def squad_normalize(s: str) -> str:
    def remove_articles(text: str) -> str:
        return re.sub(re.compile(r"\b(a|an|the)\b", re.UNICODE), " ", text)

    def remove_punc(text: str) -> str:
        exclude = set(string.punctuation)
        return "".join(ch for ch in text if ch not in exclude)

    return " ".join(remove_articles(remove_punc(s.lower())).split())


def squad_f1(a_gold: str, a_pred: str) -> float:
    gold_toks = squad_normalize(a_gold).split() if a_gold else []
    pred_toks = squad_normalize(a_pred).split() if a_pred else []
    common = collections.Counter(gold_toks) & collections.Counter(pred_toks)
    num_same = sum(common.values())
    if len(gold_toks) == 0 or len(pred_toks) == 0:
        return int(gold_toks == pred_toks)
    if num_same == 0:
        return 0
    precision = 1.0 * num_same / len(pred_toks)
    recall = 1.0 * num_same / len(gold_toks)
    return (2 * precision * recall) / (precision + recall)


def test_token_f1_equals_the_official_script_on_500_random_cases() -> None:
    for prediction, references in cases():
        assert token_f1(prediction, references) == pytest.approx(max(squad_f1(gold, prediction) for gold in references))


def test_exact_match_equals_the_official_script_on_500_random_cases() -> None:
    for prediction, references in cases():
        expected = max(int(squad_normalize(gold) == squad_normalize(prediction)) for gold in references)
        assert exact_match(prediction, references) == expected


def test_rouge_equals_the_reference_package_on_500_random_cases() -> None:
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    for prediction, references in cases():
        expected = [scorer.score(reference, prediction) for reference in references]
        for name, value in rouge(prediction, references).items():
            assert value == pytest.approx(max(scores[name].fmeasure for scores in expected))


def test_rouge_by_hand() -> None:
    values = rouge("the cat sat on mat", ["the cat on the mat"])
    assert values["rouge1"] == pytest.approx(4 / 5)  # the, cat, on, mat of five each
    assert values["rouge2"] == pytest.approx(1 / 4)  # "the cat" of four each
    assert values["rougeL"] == pytest.approx(4 / 5)  # the cat on mat


@pytest.mark.parametrize("name", ANSWER_METRICS)
def test_edges(name: str) -> None:
    metric = answer_metric(name)
    assert metric("", ["cat"]) == 0.0
    assert metric("cat", []) == 0.0
    assert metric("cat", [""]) == 0.0
    assert metric("big cat sat", ["big cat sat"]) == 1.0


def test_an_empty_answer_matches_an_empty_reference_as_in_squad_2() -> None:
    assert exact_match("", [""]) == token_f1("the", [""]) == 1.0


def test_repeated_tokens_count_once_each() -> None:
    assert token_f1("cat cat cat", ["cat"]) == pytest.approx(0.5)


def test_containment_takes_whole_words_and_ignores_empty_references() -> None:
    assert contains_answer("In 1961, at RAND.", ["rand"]) == 1.0
    assert contains_answer("branding", ["rand"]) == 0.0
    assert contains_answer("anything", ["the", ""]) == 0.0


@given(st.text(max_size=30), st.lists(st.text(max_size=30), max_size=3))
def test_every_value_lies_between_zero_and_one(prediction: str, references: list[str]) -> None:
    for metric in ANSWER_METRICS.values():
        assert 0.0 <= metric(prediction, references) <= 1.0


@given(st.text(max_size=40).filter(lambda text: text == text.lower()))
def test_normalizing_twice_changes_no_score(text: str) -> None:
    assert exact_match(normalize_answer(text), [text]) in (0.0, 1.0)
    assert token_f1(text, [text]) == 1.0


def test_an_unknown_metric_names_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="token_f1"):
        answer_metric("bleu")
