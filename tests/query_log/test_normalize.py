from __future__ import annotations

import json
import math
from dataclasses import fields
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from llama_index_prod_rag.query_log.normalize import (
    WITHHELD,
    clean_feedback,
    clean_record,
    clean_text,
    map_texts,
    withhold,
)
from llama_index_prod_rag.query_log.record import Feedback, HitRecord, LoggedPassage, QueryRecord

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)
DIRTY = "\x00\ud800x"


def _record(text: str, number: float) -> QueryRecord:
    return QueryRecord(
        query=text,
        query_id=text,
        config_hash=text,
        decision=text,
        status=text,
        confidence=number,
        signals={text: number},
        reasons=(text,),
        seconds={text: number},
        hits=(HitRecord("leg", text, text, 1, number),),
        passages=(LoggedPassage(text, text, text),),
        failed={text: text},
        answer=text,
        error=text,
        session_id=text,
        trace_id=text,
        span_id=text,
    )


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for pair in value.items() for part in pair for leaf in _leaves(part)]
    if isinstance(value, list | tuple):
        return [leaf for part in value for leaf in _leaves(part)]
    return [value]


@given(ANY_TEXT, ANY_FLOAT)
def test_every_field_becomes_storable(text: str, number: float) -> None:
    record = clean_record(_record(text, number))
    for leaf in (leaf for field in fields(record) for leaf in _leaves(getattr(record, field.name))):
        if isinstance(leaf, str):
            assert "\x00" not in leaf
            leaf.encode()
        if isinstance(leaf, float):
            assert math.isfinite(leaf)


@given(
    st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=20),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_what_is_clean_stays_as_it_is(text: str, number: float) -> None:
    assert clean_record(record := _record(text, number)) == record


def test_numpy_numbers_become_json_numbers() -> None:
    cleaned = clean_record(_record("q", np.float32(0.5)))  # type: ignore[arg-type]
    assert json.dumps([cleaned.confidence, cleaned.hits[0].score, dict(cleaned.signals)]) == '[0.5, 0.5, {"q": 0.5}]'


def test_the_replaced_characters_leave_a_mark() -> None:
    assert clean_text(DIRTY) == "\ufffd\ufffdx"


def test_feedback_is_cleaned_too() -> None:
    cleaned = clean_feedback(Feedback(label=DIRTY, score=math.inf, comment=DIRTY, who=DIRTY, name=DIRTY))
    assert (cleaned.label, cleaned.score, cleaned.comment) == ("\ufffd\ufffdx", None, "\ufffd\ufffdx")
    assert cleaned.who == cleaned.name == "\ufffd\ufffdx"


def test_withheld_records_keep_ids_scores_and_times_and_no_word_of_anybody() -> None:
    record = map_texts(
        QueryRecord(
            query="secret",
            query_id="q1",
            answer="secret",
            error="secret",
            reasons=("secret",),
            passages=(LoggedPassage("n1", "secret", "d1"),),
            failed={"bm25": "secret"},
            hits=(HitRecord("shown", "", "n1", 1, 0.5),),
        ),
        withhold,
    )
    assert "secret" not in repr(record)
    assert (record.query_id, record.hits[0].score, record.passages[0]) == (
        "q1",
        0.5,
        LoggedPassage("n1", WITHHELD, "d1"),
    )
    assert record.failed == {"bm25": WITHHELD}
    assert map_texts(QueryRecord(query="q"), withhold).answer is None
