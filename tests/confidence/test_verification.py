"""Checks on a written answer: support, contradiction, numbers, perplexity."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from llama_index_prod_rag.confidence.verification import SupportPolicy, perplexity, verify
from llama_index_prod_rag.errors import ConfigurationError, ScoringError
from llama_index_prod_rag.models.pairs import Entailment

PASSAGES = {"a": "The wing of 1950 had a sweep of 35 degrees.", "b": "Drag falls with sweep."}


def test_each_sentence_is_traced_to_its_best_passage() -> None:
    found = verify("What about drag?", ["Drag falls with sweep.", "Cats purr."], PASSAGES)
    assert [(sentence.passage, sentence.support) for sentence in found.sentences] == [("b", 1.0), (None, 0.0)]
    assert found.support == 0.0
    assert found.contradiction is None


def test_the_questions_own_words_support_nothing() -> None:
    found = verify("Does drag fall with sweep?", ["Drag falls with sweep because of magnets."], PASSAGES)
    assert found.support == 0.0


@pytest.mark.parametrize(
    ("answer", "unfounded"),
    [("It had 35 degrees.", ()), ("It had 45 degrees [1].", ("45",)), ("In 1903 it flew.", ())],
)
def test_numbers_must_stand_somewhere(answer: str, unfounded: tuple[str, ...]) -> None:
    found = verify("What happened in 1903?", [answer], PASSAGES)
    assert found.sentences[0].unfounded_numbers == unfounded


class Scripted:
    def __init__(self, results: Sequence[Entailment]) -> None:
        self.results = list(results)
        self.pairs: list[tuple[str, str]] = []

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[Entailment]:
        self.pairs = list(pairs)
        return self.results


def test_an_nli_model_judges_each_sentence_against_each_passage() -> None:
    judge = Scripted([Entailment(0.1, 0.7), Entailment(0.8, 0.1), Entailment(0.2, 0.0), Entailment(0.1, 0.0)])
    found = verify("Drag?", ["Drag falls.", "Cats purr."], PASSAGES, judge=judge)
    assert judge.pairs[:2] == [(PASSAGES["a"], "Drag falls."), (PASSAGES["b"], "Drag falls.")]
    assert [(s.passage, s.support, s.contradiction) for s in found.sentences] == [("b", 0.8, 0.7), ("a", 0.2, 0.0)]


@pytest.mark.parametrize("results", [[], [Entailment(1.5, 0.0)] * 2, [Entailment(float("nan"), 0.0)] * 2])
def test_an_nli_model_that_returns_no_probabilities_is_an_error(results: list[Entailment]) -> None:
    with pytest.raises(ScoringError, match="NLI model"):
        verify("Drag?", ["Drag falls."], PASSAGES, judge=Scripted(results))


def test_perplexity_of_what_was_written() -> None:
    assert perplexity([]) is None
    assert verify("q", ["Drag."], PASSAGES, logprobs=[math.log(0.25)] * 3).perplexity == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("policy", "answer", "objection"),
    [
        (SupportPolicy(), "Drag falls.", None),
        (SupportPolicy(), "It fell by 70 percent.", "the number 70 stands in no passage"),
        (SupportPolicy(numbers=False, min_support=0.0), "It fell by 70 percent.", None),
        (SupportPolicy(), "Cats purr.", "no passage supports it ('Cats purr.')"),
        (SupportPolicy(max_perplexity=3.0), "Drag falls.", "unsure of its own words (perplexity 4.0)"),
    ],
)
def test_a_policy_objects_in_words(policy: SupportPolicy, answer: str, objection: str | None) -> None:
    found = policy.objection(verify("What?", [answer], PASSAGES, logprobs=[math.log(0.25)] * 3))
    assert found == objection if objection is None else objection in str(found)


def test_a_contradiction_is_an_objection() -> None:
    judge = Scripted([Entailment(0.9, 0.95), Entailment(0.9, 0.0)])
    found = verify("Drag?", ["Drag falls."], PASSAGES, judge=judge)
    assert "a passage contradicts it" in str(SupportPolicy().objection(found))


def test_policies_have_ranges() -> None:
    for wrong in ({"min_support": 2.0}, {"max_contradiction": -1.0}, {"max_perplexity": 0.5}):
        with pytest.raises(ConfigurationError):
            SupportPolicy(**wrong)  # type: ignore[arg-type]
