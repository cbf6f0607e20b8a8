"""Signals: hand-computed values, what is left out, and that they look at nothing they should not."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_index_prod_rag.confidence.calibrated import CalibratedAssessor
from llama_index_prod_rag.confidence.calibration import Calibration, Head
from llama_index_prod_rag.confidence.evidence import Evidence, Passage, gather
from llama_index_prod_rag.confidence.measures import Measured
from llama_index_prod_rag.confidence.signals import (
    Signal,
    compute_signals,
    group_of,
    not_assessed,
    register_signal,
    signal_named,
    signal_table,
    unregister_signal,
)
from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.text.terms import TermStatistics
from llama_index_prod_rag.trace.records import LegHit, RerankRecord, RetrievalRecord

QUERY = "How does sweep change the drag of Boeing wings in 1950?"
PASSAGES = (Passage("a", "Sweep lowers drag."), Passage("b", "Boeing built swept wings."), Passage("c", "It rained."))


def leg(*scores: float, ids: str = "abcdefgh") -> dict[str, LegHit]:
    return {id_: LegHit(rank, score) for rank, (id_, score) in enumerate(zip(ids, scores, strict=False), start=1)}


def record(**legs: dict[str, LegHit]) -> RetrievalRecord:
    return RetrievalRecord(QUERY, legs=legs, fused={id_: 1.0 for hits in legs.values() for id_ in hits})


def signals_of(*records: RetrievalRecord | RerankRecord, **more: object) -> dict[str, float]:
    return compute_signals(gather(QUERY, PASSAGES, records, **more))  # type: ignore[arg-type]


def test_a_legs_shape_is_read_from_its_raw_scores() -> None:
    found = signals_of(record(dense=leg(0.9, 0.5, 0.4)))
    assert found["dense.top"] == 0.9
    assert found["dense.gap"] == pytest.approx(0.4)
    assert found["dense.lift"] == pytest.approx(0.4)
    assert found["dense.peak"] == pytest.approx((0.9 - 0.6) / math.sqrt((0.09 + 0.01 + 0.04) / 3))
    shares = (5 / 6, 1 / 6)  # of (.5, .1, 0) above the minimum
    assert found["dense.entropy"] == pytest.approx(-sum(p * math.log(p) for p in shares) / math.log(3))


def test_a_leg_whose_scores_were_distances_or_an_order_is_on_no_labelled_scale() -> None:
    retrieval = replace(record(dense=leg(-0.4, -0.9), bm25=leg(7.0, 3.0)), readings={"dense": "distances"})
    found = signals_of(retrieval)
    assert not any(name.startswith("dense.") for name in found)
    assert found["bm25.top"] == 7.0
    assert "agreement" in found  # ranks are ranks


def test_a_leg_with_one_hit_has_a_top_and_no_gap() -> None:
    found = signals_of(record(bm25=leg(7.0)))
    assert found["bm25.top"] == 7.0
    assert not {"bm25.gap", "bm25.lift", "bm25.peak", "bm25.entropy"} & found.keys()


def test_alike_scores_have_full_entropy_and_no_peak() -> None:
    found = signals_of(record(dense=leg(0.5, 0.5, 0.5)))
    assert (found["dense.entropy"], found["dense.peak"], found["dense.gap"]) == (1.0, 0.0, 0.0)


def test_agreement_counts_shared_tops_and_the_rank_of_the_first() -> None:
    found = signals_of(record(dense=leg(0.9, 0.8, ids="ab"), bm25=leg(5.0, 4.0, ids="ca")))
    assert found["agreement"] == pytest.approx(1 / 3)
    assert found["agreement_on_first"] == pytest.approx((1 + 1 / 2) / 2)


def test_pair_scores_and_their_change_of_order() -> None:
    retrieval = RetrievalRecord(QUERY, fused={"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.6})
    found = signals_of(retrieval, RerankRecord("m", logits={"a": 1.0, "b": -2.0, "c": -4.0, "d": 3.0}))
    assert (found["pair.top"], found["pair.gap"], found["pair.third"]) == (3.0, 2.0, -2.0)
    assert found["pair.lift"] == pytest.approx(3.5)
    assert found["pair.rank_change"] == 2.0  # from place 4 to the top


def test_coverage_counts_stemmed_content_words() -> None:
    found = signals_of()
    # sweep, chang, drag, boe, wing, 1950
    assert found["coverage.first"] == pytest.approx(2 / 6)
    assert found["coverage.all"] == pytest.approx(4 / 6)
    assert (found["missing.names"], found["missing.numbers"]) == (0, 1)


def test_a_heading_is_part_of_what_a_passage_says() -> None:
    bare = gather("Boeing wings", [Passage("a", "It rained.")])
    headed = gather("Boeing wings", [Passage("a", "It rained.", heading="Boeing\nWing")])
    assert compute_signals(bare)["coverage.first"] == 0.0
    assert compute_signals(headed)["coverage.first"] == 1.0
    # Two sections that say the same are still the same text.
    twice = gather("q", [Passage("a", "It rained."), Passage("b", "It rained.", heading="Boeing")])
    assert twice.duplicates == {"b"}


def test_words_are_those_of_the_passages_language() -> None:
    query = "Wie oft wird der Signaturschlüssel gewechselt?"
    found = compute_signals(gather(query, [Passage("a", "Die Signaturschlüssel werden bei uns jährlich gewechselt.")]))
    assert (found["coverage.first"], found["missing.names"]) == (1.0, 0.0)
    told = gather(query, [Passage("a", "Signaturschlüssel")], language="de")
    assert told.language == "german"


def test_rarity_weighs_terms_by_the_corpus() -> None:
    statistics = TermStatistics.from_texts(["drag"] * 99 + ["sweep"])
    found = signals_of(statistics=statistics)
    rare, common = statistics.rarity("sweep"), statistics.rarity("drag")
    total = rare + common + 4 * statistics.rarity("never seen")
    assert found["rarity.first"] == pytest.approx((rare + common) / total)


def test_vectors_give_drift_and_distance() -> None:
    retrieval = RetrievalRecord(
        QUERY, fused={"a": 1.0}, vectors={"a": [1, 0], "b": [0, 2], "c": [1, 0]}, query_vector=[2, 0]
    )
    found = signals_of(retrieval)
    assert found["similarity.passages"] == pytest.approx(1 / 3)
    assert found["similarity.query"] == pytest.approx(2 / math.sqrt(5))


def test_vectors_of_different_models_are_not_compared() -> None:
    retrieval = RetrievalRecord(QUERY, vectors={"a": [1, 0], "b": [0, 2, 0], "c": [1, 0]}, query_vector=[2, 0, 1])
    found = signals_of(retrieval)
    assert found["similarity.passages"] == pytest.approx(1)
    assert "similarity.query" not in found


def test_what_is_missing_is_said_and_not_guessed() -> None:
    evidence = gather(QUERY, PASSAGES)
    assert set(not_assessed(evidence)) == {"legs", "pairs", "rarity", "vectors"}
    assert {name.partition(".")[0] for name in compute_signals(evidence)} == {"coverage", "missing"}


def test_a_failed_rerank_counts_as_none() -> None:
    assert "pairs" in not_assessed(gather(QUERY, PASSAGES, [RerankRecord("m", failed="OOM")]))


def test_duplicate_texts_count_once_everywhere() -> None:
    copies = [PASSAGES[0], Passage("a2", "sweep  LOWERS drag."), *PASSAGES[1:]]
    hits = leg(0.9, 0.9, 0.2, ids=["a", "a2", "b"])  # type: ignore[arg-type]
    records = [record(dense=hits), RerankRecord("m", logits={"a": 2.0, "a2": 2.0, "b": 0.5})]
    found = compute_signals(gather(QUERY, copies, records))
    assert found["dense.gap"] == pytest.approx(0.7)
    assert found["pair.gap"] == pytest.approx(1.5)


def test_duplicates_that_were_cut_are_found_among_the_candidates() -> None:
    evidence = gather(QUERY, PASSAGES, candidates={"a": "", "x": "SWEEP lowers drag.", "y": "new"})
    assert evidence.duplicates == {"x"}


def test_of_several_retrievals_the_one_behind_the_passages_counts() -> None:
    other = RetrievalRecord("sub-question", fused={"z": 1.0}, legs={"dense": leg(0.1, ids="z")})
    mine = record(dense=leg(0.9, 0.8))
    assert gather(QUERY, PASSAGES, [mine, other]).retrieval is mine


def test_nan_scores_take_no_part() -> None:
    found = signals_of(record(dense=leg(float("nan"), 0.5, 0.4)), RerankRecord("m", logits={"a": float("nan")}))
    assert found["dense.top"] == 0.5
    assert "pair.top" not in found


def test_scores_too_large_to_square_leave_out_what_is_worked_out_from_them() -> None:
    passages = [replace(passage, score=sign * 1e300) for passage, sign in zip(PASSAGES, (1, 0, -1), strict=True)]
    found = compute_signals(gather(QUERY, passages, [record(dense=leg(1.7e308, 1.6e308, -1.7e308))]))
    assert "shown.variance" not in found
    assert found["dense.top"] == 1.7e308
    assert "coverage.first" in found


def test_no_passages_no_signals() -> None:
    assert compute_signals(Evidence(QUERY)) == {}


def test_every_signal_is_described() -> None:
    retrieval = RetrievalRecord(
        QUERY, legs={"dense": leg(0.9, 0.5), "bm25": leg(3.0, 1.0)}, fused={"a": 1.0},
        vectors={"a": [1, 0], "b": [0, 1]}, query_vector=[1, 1],
    )  # fmt: skip
    scored = [Passage(passage.id, passage.text, 0.5) for passage in PASSAGES]
    evidence = gather(
        QUERY, scored, [retrieval, RerankRecord("m", logits={"a": 1.0, "b": 0.0, "c": -1.0})],
        statistics=TermStatistics.from_texts(["drag"]),
        entailment={"entailment.best": 0.1, "contradiction.best": 0.2},
    )  # fmt: skip
    evidence = replace(evidence, ruling=0.5)
    named = {name.replace("dense.", "<leg>.").replace("bm25.", "<leg>.") for name in compute_signals(evidence)}
    assert named == {signal.name for signal in signal_table()}


def test_the_documentation_has_the_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "components" / "gate.md").read_text(encoding="utf-8")
    for signal in signal_table():
        assert f"| `{signal.name}` | {signal.measures} | {signal.needs or ''} |" in page


LIST = {name: Head((name,), (0.0,), (1.0,), (1.0,), 0.0) for name in ("rarity.first", "coverage.first")}


@pytest.mark.parametrize(("candidates", "head"), [(3, "coverage.first"), (12, "rarity.first")])
def test_on_a_short_list_only_what_means_the_same_there_judges(candidates: int, head: str) -> None:
    """Term frequencies over three passages are not statistics, and a list of three has no shape."""
    fused = {str(number): 1.0 for number in range(candidates)}
    evidence = gather(
        QUERY, PASSAGES, [RetrievalRecord(QUERY, fused=fused)], statistics=TermStatistics.from_texts(["sweep", "drag"])
    )
    found = CalibratedAssessor(Calibration(tuple(LIST.values()), 100, 50)).assess(evidence)
    assert found.confidence == LIST[head].probability(found.signals)
    assert found.signals["rarity.first"] != found.signals["coverage.first"]


@pytest.mark.parametrize(
    "name",
    ["dense.top", "bm25.gap", "agreement", "pair.gap", "pair.third", "rarity.all", "similarity.query"],
)
def test_shapes_of_lists_and_statistics_do_not_judge_short_lists(name: str) -> None:
    known = signal_named(name)
    assert known is not None
    assert not known.short_lists


def test_a_signal_of_ones_own_is_computed_described_and_may_fail() -> None:
    def words(measured: Measured) -> float:
        return float(len(measured.evidence.passages[0].text.split()))

    def broken(measured: Measured) -> float:
        raise ValueError(measured.evidence.query)

    own = [Signal("own.words", "words", words, group="own"), Signal("own.broken", "nothing", broken)]
    for signal in own:
        register_signal(signal)
    try:
        found = signals_of()
        assert found["own.words"] == 3.0
        assert "own.broken" not in found
        assert group_of("own.words") == "own"
    finally:
        for signal in own:
            unregister_signal(signal.name)
    assert "own.words" not in signals_of()
    with pytest.raises(ConfigurationError, match="built-in"):
        register_signal(Signal("pair.top", "mine", words))
    with pytest.raises(ConfigurationError, match="choose one of legs"):
        register_signal(Signal("own.words", "words", words, needs="luck"))


finite = st.floats(-1e6, 1e6)


@given(st.lists(finite, min_size=2, max_size=30), st.floats(-1e3, 1e3))
def test_gaps_do_not_depend_on_where_the_scale_begins(scores: list[float], shift: float) -> None:
    ids = [str(number) for number in range(len(scores))]
    first = signals_of(record(dense=leg(*scores, ids=ids)))  # type: ignore[arg-type]
    moved = signals_of(record(dense=leg(*(score + shift for score in scores), ids=ids)))  # type: ignore[arg-type]
    for name in ("dense.gap", "dense.lift"):
        assert moved[name] == pytest.approx(first[name], abs=1e-6)
    assert 0.0 <= first["dense.entropy"] <= 1.0 + 1e-9


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=4))
def test_shares_stay_between_zero_and_one(query: str, texts: list[str]) -> None:
    found = compute_signals(gather(query, [Passage(str(n), text) for n, text in enumerate(texts)]))
    assert all(0.0 <= value <= 1.0 for name, value in found.items() if name.startswith("coverage"))


def test_a_second_hop_counts_as_it_does_with_its_partner() -> None:
    passages = [Passage("first", "Ed Wood was directed by Tim Burton."), Passage("second", "Born in Burbank.")]
    logits = {"first": 1.0, "second": -9.0}
    none: dict[str, float] = {}
    for joint, top in ((none, 1.0), ({"second": 6.0}, 6.0)):
        record = RerankRecord("m", logits=logits, joint=joint)
        assert compute_signals(gather("When was he born?", passages, [record]))["pair.top"] == top
