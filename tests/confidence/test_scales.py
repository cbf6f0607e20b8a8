"""Other models' scores: placed by their quantiles, noticed by their names and ranges, and then left out."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_index_prod_rag.confidence.calibrated import CalibratedAssessor
from llama_index_prod_rag.confidence.calibration import Calibration, Head
from llama_index_prod_rag.confidence.evidence import Evidence, Passage, gather
from llama_index_prod_rag.confidence.fingerprint import Fingerprint, fingerprint_of, model_name
from llama_index_prod_rag.confidence.scales import Scale, distributions, quantiles
from llama_index_prod_rag.models.pairs import sigmoid
from llama_index_prod_rag.trace.records import LegHit, RerankRecord, RetrievalRecord

WORDS = Head(("coverage.first",), (0.5,), (0.2,), (1.0,), 0.0)
PAIRS = Head(("coverage.first", "pair.top"), (0.5, 0.0), (0.2, 4.0), (1.0, 2.0), 0.0)


def evidence(
    logits: list[float], *, model: str = "offline", embedder: str = "offline", rescale: Callable[[float], float] = float
) -> Evidence:
    ids = [f"n{place}" for place in range(len(logits))]
    hits = {id_: LegHit(rank, 1.0 / rank) for rank, id_ in enumerate(ids, start=1)}
    retrieval = RetrievalRecord(
        "q", legs={"dense": hits}, fused=dict.fromkeys(ids, 0.5), models={"dense": embedder} if embedder else {}
    )
    rerank = RerankRecord(model, logits={id_: rescale(logit) for id_, logit in zip(ids, logits, strict=True)})
    return gather("drag of wings", [Passage("n0", "the drag of a wing")], [retrieval, rerank])


def questions(number: int, seed: int = 0) -> list[list[float]]:
    """Logits of a dozen candidates: one may be relevant, most are not."""
    draw = np.random.default_rng(seed)
    return [[float(draw.normal(2, 4)), *draw.normal(-9, 1.5, 11).tolist()] for _ in range(number)]


def calibration() -> Calibration:
    known = [CalibratedAssessor(Calibration((WORDS,), 0, 0)).assess(evidence(row)).signals for row in questions(200)]
    ranges = {name: values for name, values in distributions(known).items() if name.startswith("pair.")}
    return Calibration((PAIRS, WORDS), 200, 100, fingerprint=fingerprint_of(evidence([1.0])), ranges=ranges)


@given(st.lists(st.floats(-50, 50), min_size=20, max_size=60), st.floats(-60, 60), st.floats(-60, 60))
def test_placing_keeps_the_order(values: list[float], one: float, other: float) -> None:
    scale = Scale(quantiles(values), quantiles(np.linspace(0.0, 1.0, 50)))
    low, high = sorted((one, other))
    assert scale.place(low) <= scale.place(high) + 1e-9


@pytest.mark.parametrize("rescale", [sigmoid, lambda x: 1 + 9 * sigmoid(x / 2), lambda x: 3 * x + 100])
def test_any_rising_scale_is_placed_where_it_came_from(rescale: Callable[[float], float]) -> None:
    values = np.random.default_rng(0).normal(0, 3, 2000)
    scale = Scale(quantiles(map(rescale, values)), quantiles(values))
    for value in (-4.0, -1.0, 0.0, 0.7, 3.5):
        assert scale.place(rescale(value)) == pytest.approx(value, abs=0.35)


def test_equal_scores_are_placed_in_the_middle_of_their_levels() -> None:
    assert Scale(quantiles([5.0] * 10), quantiles(range(101))).place(5.0) == 50.0


def test_names_of_models_are_told_apart_and_their_spellings_are_not() -> None:
    assert model_name("/models/BAAI/bge-small-en-v1.5-int8", "embedding") == model_name("offline", "embedding")
    l6, l12 = "cross-encoder/ms-marco-MiniLM-L6-v2", "cross-encoder/ms-marco-MiniLM-L-12-v2"
    assert model_name(l6, "cross-encoder") == model_name(l12, "cross-encoder") == model_name("offline", "cross-encoder")
    fitted = Fingerprint({"dense": "bge-small-en-v1.5", "bm25": ""}, "ms-marco-minilm-v2")
    assert fitted.differences(Fingerprint({"dense": "", "bm25": "", "mine": "gte"}, "")) == {}
    other = fitted.differences(Fingerprint({"dense": "gte-large"}, "bge-reranker-base"))
    assert other.keys() == {"leg dense", "vectors", "pair"}
    assert other["pair"] == "bge-reranker-base reranks, not ms-marco-minilm-v2"


def test_the_native_pipeline_is_judged_by_everything_and_warned_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assessor = CalibratedAssessor(calibration())
    found = [assessor.assess(evidence(row)) for row in questions(100, seed=1)]
    assert {assessment.judged_by for assessment in found} == {PAIRS.signals}
    assert not caplog.records


def test_more_candidates_are_not_another_scale(caplog: pytest.LogCaptureFixture) -> None:
    """The lowest of fifty logits is lower than the lowest of twelve, and nobody is warned of that."""
    assessor = CalibratedAssessor(calibration())
    longer = [[*row, *[-11.4] * 40] for row in questions(30, seed=1)]
    assert {assessor.assess(evidence(row)).judged_by for row in longer} == {PAIRS.signals}
    assert not caplog.records


@pytest.mark.parametrize("rescale", [sigmoid, lambda x: 1 + 9 * sigmoid(x / 2), lambda x: x * 1000])
def test_scores_on_another_scale_are_noticed_after_a_few_questions(
    rescale: Callable[[float], float], caplog: pytest.LogCaptureFixture
) -> None:
    assessor = CalibratedAssessor(calibration())
    with caplog.at_level(logging.WARNING):
        found = [assessor.assess(evidence(row, rescale=rescale)) for row in questions(20, seed=1)]
    assert {assessment.judged_by for assessment in found[4:]} == {WORDS.signals}
    assert "pair" in found[-1].not_assessed
    assert any("judged without the cross-encoder's scores" in reason for reason in found[-1].reasons)
    assert not any("best score" in reason for reason in found[-1].reasons)
    (warning,) = caplog.records
    assert "prod-rag calibrate --from-documents" in warning.getMessage()


def test_a_copy_in_another_process_knows_what_was_noticed(caplog: pytest.LogCaptureFixture) -> None:
    assessor = CalibratedAssessor(calibration())
    found = [assessor.assess(evidence(row, rescale=sigmoid)) for row in questions(20, seed=1)]
    caplog.clear()
    for copy in (pickle.loads(pickle.dumps(assessor)), deepcopy(assessor)):  # noqa: S301 - our own bytes
        again = copy.assess(evidence(questions(20, seed=1)[-1], rescale=sigmoid))
        assert (again.judged_by, again.confidence) == (found[-1].judged_by, found[-1].confidence)
        assert "last 21 questions" in again.not_assessed["pair"]
    assert not caplog.records


def test_another_model_is_noticed_by_its_name_at_once() -> None:
    assessor = CalibratedAssessor(calibration())
    assert assessor.assess(evidence(questions(1)[0], model="bge-reranker-base")).judged_by == WORDS.signals
    foreign = assessor.assess(evidence(questions(1)[0], embedder="gte-large"))
    assert foreign.judged_by == PAIRS.signals
    assert "leg dense" in foreign.not_assessed


def test_a_scale_makes_the_heads_judge_as_they_would_at_home() -> None:
    known = calibration()
    native = [CalibratedAssessor(known).assess(evidence(row)) for row in questions(100, seed=1)]
    squeezed = [
        CalibratedAssessor(Calibration((WORDS,), 0, 0)).assess(evidence(row, rescale=sigmoid)).signals
        for row in questions(200)
    ]
    own = {name: values for name, values in distributions(squeezed).items() if name.startswith("pair.")}
    placed = replace(known, ranges=own, scales={name: Scale(own[name], known.ranges[name]) for name in own})
    assessor = CalibratedAssessor(placed)
    there = [assessor.assess(evidence(row, rescale=sigmoid)) for row in questions(100, seed=1)]
    assert {assessment.judged_by for assessment in there} == {PAIRS.signals}
    apart = [abs(a.confidence - b.confidence) for a, b in zip(native, there, strict=True)]  # type: ignore[operator]
    assert np.mean(apart) < 0.06
    assert Calibration.from_json(placed.to_json()) == placed
