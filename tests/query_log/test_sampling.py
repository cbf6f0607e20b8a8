from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.query_log.normalize import WITHHELD
from llama_index_prod_rag.query_log.record import QueryRecord
from llama_index_prod_rag.query_log.sampling import sample, uncertainty


def _log(*confidences: float | None) -> list[QueryRecord]:
    return [QueryRecord(query=f"q{place}", query_id=f"q{place}", confidence=c) for place, c in enumerate(confidences)]


@given(
    st.lists(st.none() | st.floats(0, 1), max_size=30),
    st.integers(1, 40),
    st.floats(0, 1),
    st.integers(0, 5),
)
def test_a_sample_has_no_question_twice_and_as_many_as_there_are(
    confidences: list[float | None], number: int, uncertain: float, seed: int
) -> None:
    drawn = sample(_log(*confidences), number, uncertain=uncertain, seed=seed)
    ids = [one.record.query_id for one in drawn]
    assert len(ids) == len(set(ids)) == min(number, len(confidences))
    doubts = [round(uncertainty(one.record.confidence or 0.0), 9) for one in drawn if one.drawn == "uncertain"]
    assert doubts == sorted(doubts, reverse=True)
    assert len(doubts) <= round(number * uncertain)


def test_the_uncertain_ones_are_those_nearest_to_a_half() -> None:
    drawn = sample(_log(0.9, 0.1, 0.45, 0.99, 0.6), 2, uncertain=1.0)
    assert [(one.record.confidence, one.drawn) for one in drawn] == [(0.45, "uncertain"), (0.6, "uncertain")]


def test_without_confidences_all_are_drawn_at_random() -> None:
    drawn = sample(_log(*[None] * 20), 6, uncertain=1.0)
    assert [one.drawn for one in drawn] == ["random"] * 6


def test_the_random_part_gives_every_record_the_same_chance() -> None:
    log = _log(*[None] * 20)
    drawn = Counter(one.record.query_id for seed in range(2000) for one in sample(log, 5, uncertain=0.0, seed=seed))
    # 500 expected each, standard deviation 19.4: five of them are as good as never exceeded by chance
    assert set(drawn) == {record.query_id for record in log}
    assert all(abs(count - 500) < 97 for count in drawn.values())


def test_a_seed_draws_the_same_again_and_another_differently() -> None:
    log = _log(*[place / 100 for place in range(100)])
    assert sample(log, 20, seed=1) == sample(log, 20, seed=1) != sample(log, 20, seed=2)


def test_a_repeated_question_is_drawn_once_with_its_newest_record() -> None:
    log = [QueryRecord(query=text, query_id=text) for text in ("Who  Pays?", "who pays?", "what now?")]
    assert {one.record.query_id for one in sample(log, 3)} == {"Who  Pays?", "what now?"}


def test_withheld_questions_are_not_taken_for_one() -> None:
    assert len(sample([QueryRecord(query=WITHHELD) for _ in range(3)], 5)) == 3


@pytest.mark.parametrize(("number", "uncertain"), [(0, 0.5), (5, -0.1), (5, 1.1), (5, float("nan"))])
def test_settings_out_of_range_are_errors(number: int, uncertain: float) -> None:
    with pytest.raises(ConfigurationError):
        sample([], number, uncertain=uncertain)
