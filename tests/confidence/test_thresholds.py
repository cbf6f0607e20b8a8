"""Thresholds for each kind of question: what a slice's own labels move, and what it borrows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from llama_index_prod_rag.confidence import CalibratedAssessor, Calibration, Example, Head, calibrate
from llama_index_prod_rag.confidence.evidence import Passage, gather
from llama_index_prod_rag.confidence.thresholds import Goals, Judged, estimate_unlabeled, set_thresholds
from llama_index_prod_rag.errors import InputError


def labelled(number: int, slice_: str = "", *, shift: float = 0.0, seed: int = 0) -> list[Example]:
    """Questions whose evidence is likelier the higher their pair score; a shift moves a slice's scale."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=2.0, size=number)
    good = generator.random(number) < 1 / (1 + np.exp(-2.0 * logits))
    return [
        Example({"pair.top": logit + shift}, bool(is_good), slice_) for logit, is_good in zip(logits, good, strict=True)
    ]


def test_many_labels_of_a_slice_set_its_thresholds_and_few_lean_on_the_others() -> None:
    many = calibrate([*labelled(300, "a"), *labelled(300, "b", shift=-2.0, seed=1)]).heads[0]
    few = calibrate([*labelled(300, "a"), *labelled(6, "b", shift=-2.0, seed=1)]).heads[0]
    assert set(many.by_slice) == set(few.by_slice) == {"a", "b"}
    assert many.by_slice["b"][0] < many.by_slice["a"][0] - 0.05
    assert abs(few.by_slice["b"][0] - few.refuse_below) < abs(many.by_slice["b"][0] - many.by_slice["a"][0])


def test_a_slice_promises_on_its_own_labels_and_one_with_few_keeps_the_shared_thresholds(tmp_path: Path) -> None:
    made = calibrate([*labelled(600, "a"), *labelled(40, "b", seed=1)], max_false_refusal=0.1)
    assert list(made.heads[0].by_slice) == ["a"]
    assert [promise.partition(" ")[0] for promise in made.promises] == ["at", "a:"]
    made.save(tmp_path / "c.json")
    assert Calibration.load(tmp_path / "c.json").heads[0] == made.heads[0]


def test_a_slice_without_any_evidence_among_what_it_borrows_keeps_the_shared_thresholds() -> None:
    head = Head(("pair.top",), (0.0,), (1.0,), (1.0,), 0.0)
    rare = [Judged(0.96 + place / 1000, True, "a") for place in range(5)]
    unseen = [Judged(place / 1000, False, "a") for place in range(950)] + rare + [Judged(0.3, False, "b")] * 10
    made, _ = set_thresholds(head, unseen, [], Goals())
    assert list(made.by_slice) == ["a"]


def test_two_goals_are_promised_together() -> None:
    made = calibrate(labelled(1200), max_false_refusal=0.1, min_answer_precision=0.9)
    assert all("both with 95% confidence" in promise for promise in made.promises)
    head, fresh = made.heads[0], labelled(20_000, seed=9)
    said = [(head.probability(example.signals), example.good) for example in fresh]
    assert np.mean([p < head.refuse_below for p, good in said if good]) <= 0.1
    assert np.mean([good for p, good in said if p >= head.answer_from]) >= 0.9
    assert head.refuse_below <= head.answer_from


@pytest.mark.parametrize(("language", "status"), [("german", "healthy"), ("english", "uncertain")])
def test_the_assessor_asks_what_kind_of_question_it_is(language: str, status: str) -> None:
    head = Head(
        ("coverage.first",), (0.0,), (1.0,), (0.0,), 0.0, refuse_below=0.2, answer_from=0.8,
        by_slice={"german": (0.1, 0.4)},
    )  # fmt: skip
    assessor = CalibratedAssessor(Calibration((head,), 0, 0), slice_of=lambda evidence: evidence.language)
    assert assessor.assess(gather("Flügel", [Passage("a", "Flügel")], language=language)).status == status


@pytest.mark.parametrize("probabilities", [[], [0.5, float("nan")], [0.5, 1.5]])
def test_an_estimate_without_labels_needs_probabilities(probabilities: list[float]) -> None:
    with pytest.raises(InputError, match="one question or more, each between 0 and 1"):
        estimate_unlabeled(probabilities)
    assert estimate_unlabeled([0.0, 0.0]) == 0.0
