"""Calibration: what a head learns, what it refuses to promise, and that JSON keeps all of it."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llama_index_prod_rag.confidence.calibrated import CalibratedAssessor, default_calibration
from llama_index_prod_rag.confidence.calibration import Calibration, Example, Head
from llama_index_prod_rag.confidence.evidence import Passage, gather
from llama_index_prod_rag.confidence.fitting import ISOTONIC_FROM, calibrate
from llama_index_prod_rag.confidence.second_look import weigh
from llama_index_prod_rag.confidence.signals import compute_signals
from llama_index_prod_rag.errors import CalibrationError, ConfigurationError
from llama_index_prod_rag.trace.records import RerankRecord


def labelled(number: int, *, seed: int = 0, strength: float = 2.0) -> list[Example]:
    """Questions whose evidence is likelier the higher their pair score; the coverage says nothing."""
    generator = np.random.default_rng(seed)
    examples = []
    for _ in range(number):
        logit = generator.normal()
        good = generator.random() < 1 / (1 + math.exp(-strength * logit))
        examples.append(Example({"pair.top": logit, "coverage.first": generator.random()}, bool(good)))
    return examples


def test_a_head_learns_which_signal_tells() -> None:
    head = calibrate(labelled(400)).heads[0]
    weight = dict(zip(head.signals, head.weights, strict=True))
    assert weight["pair.top"] > 5 * abs(weight["coverage.first"])
    assert head.auroc is not None
    assert head.auroc > 0.8


@pytest.mark.parametrize("number", [400, 2 * ISOTONIC_FROM])
def test_probabilities_come_true(number: int) -> None:
    head = calibrate(labelled(number)).heads[0]
    assert bool(head.curve) is (number >= ISOTONIC_FROM)
    fresh = labelled(4000, seed=1)
    probabilities = np.array([head.probability(example.signals) for example in fresh])
    good = np.array([example.good for example in fresh])
    for low in (0.0, 0.25, 0.5, 0.75):
        inside = (probabilities >= low) & (probabilities < low + 0.25)
        assert probabilities[inside].mean() == pytest.approx(good[inside].mean(), abs=0.08)


def test_each_pipeline_has_its_head() -> None:
    calibration = calibrate(labelled(200))
    assert [head.signals for head in calibration.heads] == [("coverage.first", "pair.top"), ("coverage.first",)]
    without_reranker = calibration.head_for({"coverage.first": 0.5})
    assert without_reranker is calibration.heads[1]
    assert calibration.head_for({}) is None


def test_few_labels_lean_on_a_prior_and_many_do_not_need_it() -> None:
    prior = calibrate(labelled(2000, seed=5))
    fresh = labelled(2000, seed=1)

    def log_loss(head: Head) -> float:
        chances = [head.probability(e.signals) if e.good else 1 - head.probability(e.signals) for e in fresh]
        return float(-np.log(chances).mean())

    draws = [labelled(30, seed=seed) for seed in range(10, 20)]
    with_prior = sum(log_loss(calibrate(few, prior=prior).heads[0]) for few in draws)
    assert with_prior < sum(log_loss(calibrate(few).heads[0]) for few in draws)
    turned = [Example({**e.signals, "pair.top": -e.signals["pair.top"]}, e.good) for e in labelled(400)]
    head = calibrate(turned, prior=prior).heads[0]
    assert dict(zip(head.signals, head.weights, strict=True))["pair.top"] < 0  # a wrong prior is overruled


def test_scores_on_an_unknown_scale_take_no_part() -> None:
    examples = [Example({**example.signals, "shown.variance": 0.1}, example.good) for example in labelled(100)]
    assert all("shown.variance" not in head.signals for head in calibrate(examples).heads)


def test_a_signal_from_another_world_cannot_drown_the_others() -> None:
    head = calibrate(labelled(200)).heads[0]
    assert head.probability({"pair.top": 1e9, "coverage.first": 0.5}) == head.probability(
        {"pair.top": 1e3, "coverage.first": 0.5}
    )


def test_false_refusals_are_bounded_on_questions_never_seen() -> None:
    calibration = calibrate(labelled(600), max_false_refusal=0.1)
    head = calibration.heads[0]
    fresh = [example for example in labelled(4000, seed=1) if example.good]
    refused = np.mean([head.probability(example.signals) < head.refuse_below for example in fresh])
    assert 0.02 < refused <= 0.1
    assert calibration.promises == (
        "at most 10.0% of the questions whose evidence is there fall below, with 95% confidence "
        f"({calibration.promises[0].rpartition('(')[2]}",
    )
    assert calibration.promises[0].endswith(" labelled ones pass)")


def test_precision_is_bounded_on_questions_never_seen() -> None:
    head = calibrate(labelled(1500, strength=4.0), min_answer_precision=0.9).heads[0]
    fresh = labelled(4000, seed=1, strength=4.0)
    answered = [example.good for example in fresh if head.probability(example.signals) >= head.answer_from]
    assert len(answered) > 400
    assert np.mean(answered) >= 0.9


def test_a_head_that_cannot_promise_never_answers() -> None:
    calibration = calibrate(labelled(1500, strength=4.0), min_answer_precision=0.9)
    weaker = calibration.heads[1]
    assert all(weaker.probability(example.signals) < weaker.answer_from for example in labelled(200))


@pytest.mark.parametrize(
    ("examples", "goals", "message"),
    [
        (labelled(19), {}, "at least 20"),
        ([Example({"pair.top": 1.0}, True)] * 100, {}, "5 of each kind"),
        (labelled(100), {"max_false_refusal": 0.05}, "at least 59 are needed"),
        (labelled(100), {"min_answer_precision": 0.95}, "without one mistake"),
    ],
)
def test_too_few_labels_say_how_many_it_takes(examples: list[Example], goals: dict[str, Any], message: str) -> None:
    with pytest.raises(CalibrationError, match=message):
        calibrate(examples, **goals)


def test_json_keeps_everything(tmp_path: Path) -> None:
    calibration = calibrate(labelled(2 * ISOTONIC_FROM), max_false_refusal=0.05, note="made up")
    calibration.save(tmp_path / "gate.json")
    assert Calibration.load(tmp_path / "gate.json") == calibration


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', '{"format": 1, "heads": [{}]}'])
def test_other_files_are_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        Calibration.from_json(text)
    with pytest.raises(ConfigurationError, match="no calibration at"):
        Calibration.load(tmp_path / "missing.json")


HEAD = Head(("pair.top",), (0.0,), (1.0,), (1.0,), 0.0, refuse_below=0.4, answer_from=0.6)


@pytest.mark.parametrize(("logit", "status"), [(-1.0, "low_confidence"), (0.0, "uncertain"), (1.0, "healthy")])
def test_thresholds_make_the_status(logit: float, status: str) -> None:
    evidence = gather("q", [Passage("a", "text")], [RerankRecord("m", logits={"a": logit})])
    found = CalibratedAssessor(Calibration((HEAD,), 100, 50)).assess(evidence)
    assert found.status == status
    assert found.confidence == pytest.approx(1 / (1 + math.exp(-logit)))
    assert f"{found.confidence:.0%}" in found.reasons[0]


def test_a_pipeline_that_nothing_was_fitted_for_is_uncertain() -> None:
    found = CalibratedAssessor(Calibration((HEAD,), 100, 50)).assess(gather("q", [Passage("a", "text")]))
    assert (found.status, found.confidence) == ("uncertain", None)
    assert "no cross-encoder left its scores" in found.reasons[0]


def test_nothing_found_is_no_results_with_the_legs_faults() -> None:
    assert CalibratedAssessor(Calibration((HEAD,), 100, 50)).assess(gather("q", [])).status == "no_results"


def test_the_shipped_calibration_serves_every_pipeline() -> None:
    calibration = default_calibration()
    assert "start" in calibration.note
    words_alone = compute_signals(gather("drag of wings", [Passage("a", "drag of a swept wing")]))
    head = calibration.head_for(words_alone)
    assert head is not None
    assert 0.0 < head.probability(words_alone) < 1.0
    assert {"dense.top", "bm25.top", "pair.top"} <= set(calibration.heads[0].signals)


def test_an_estimate_uses_every_label_and_promises_nothing() -> None:
    few = labelled(60, strength=6.0)
    with pytest.raises(CalibrationError, match="at least 59 questions"):
        calibrate(few, min_answer_precision=0.95)
    guessed = calibrate(few, min_answer_precision=0.95, method="estimate")
    assert guessed.promises == ()
    fresh = labelled(4000, seed=1, strength=6.0)
    head = guessed.heads[0]
    answered = [example.good for example in fresh if head.probability(example.signals) >= head.answer_from]
    assert len(answered) > 400
    assert np.mean(answered) == pytest.approx(0.95, abs=0.05)


def test_labels_that_tell_little_leave_the_prior_where_it_is() -> None:
    prior = calibrate(labelled(2000, seed=5))
    moved = calibrate(labelled(40, seed=6), prior=prior).heads[0]
    assert moved.means == prior.heads[0].means
    assert np.abs(np.subtract(moved.weights, prior.heads[0].weights)).max() < 0.3


def test_labels_that_tell_well_apart_leave_room_for_a_hedge() -> None:
    head = calibrate(labelled(600, strength=20.0)).heads[0]
    assert head.refuse_below <= 0.5 <= head.answer_from


def test_labels_teach_what_a_ruling_is_worth(tmp_path: Path) -> None:
    draw = random.Random(0)

    def label(accuracy: float) -> Example:
        good = draw.random() < 0.5
        ruling = float(good if draw.random() < accuracy else not good)
        return Example({"pair.top": draw.gauss(0, 1), "judge.answers": ruling}, good)

    worth = {}
    for accuracy in (0.5, 0.95):
        fitted = calibrate([label(accuracy) for _ in range(200)])
        fitted.save(tmp_path / "c.json")
        second = Calibration.load(tmp_path / "c.json").second_look
        assert second == fitted.second_look
        assert second is not None
        worth[accuracy] = weigh(second, 0.5, 1.0)
    assert 0.4 < worth[0.5] < 0.65
    assert worth[0.95] > 0.85
    assert not any("judge.answers" in head.signals for head in fitted.heads)


def test_too_few_rulings_teach_nothing() -> None:
    rows = [Example({"pair.top": float(n)}, good=n % 2 == 0) for n in range(40)]
    assert calibrate([*rows, Example({"pair.top": 0.0, "judge.answers": 1.0}, good=True)]).second_look is None


def strangers(number: int, *, coverage: float) -> tuple[dict[str, float], ...]:
    """Questions about something else: the pair scores say so, and so does the coverage, which near labels never try."""
    draws = np.random.default_rng(3).normal(scale=0.1, size=(number, 2))
    return tuple({"pair.top": -6.0 + 10 * a, "coverage.first": coverage + b} for a, b in draws.tolist())


def test_near_labels_do_not_forget_what_questions_about_something_else_look_like(tmp_path: Path) -> None:
    near = [
        Example({"pair.top": -e.signals["pair.top"], "coverage.first": 0.5 + 0.1 * e.signals["pair.top"]}, e.good)
        for e in labelled(60, strength=1.0)
    ]
    prior = calibrate(labelled(400, seed=5))
    far = strangers(40, coverage=0.0)
    fresh = strangers(40, coverage=0.0)[20:]

    def said(calibration: Calibration) -> float:
        return float(np.mean([calibration.heads[0].probability(row) for row in fresh]))

    knowing = replace(prior, far=far[:20])
    knowing.save(tmp_path / "c.json")
    knowing = Calibration.load(tmp_path / "c.json")
    assert knowing.far == far[:20]
    made = calibrate(near, prior=knowing)
    assert said(made) < 0.1 < said(calibrate(near, prior=prior))
    assert made.far == knowing.far
    assert made.labels == len(near)


def test_far_questions_on_another_scale_teach_only_what_is_shared() -> None:
    prior = replace(calibrate(labelled(400, seed=5)), far=strangers(20, coverage=0.0))
    stretched = [Example({**e.signals, "pair.top": 1e4 + 100 * e.signals["pair.top"]}, e.good) for e in labelled(60)]
    alone, beside = calibrate(stretched), calibrate(stretched, prior=prior)
    assert beside.heads[0] == alone.heads[0]
    assert beside.heads[1] != alone.heads[1]
    again = calibrate(stretched, prior=replace(beside, heads=()))
    assert again.heads[0] == alone.heads[0]  # what is on another scale was not handed on
