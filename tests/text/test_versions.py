"""When a text holds, and which version a question means."""

from __future__ import annotations

from datetime import date, datetime, timezone

import pytest

from llama_index_prod_rag.text.meant_version import named_version
from llama_index_prod_rag.text.versions import detect_version, named_time, similarity, stamp_of


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("in 2021", date(2021, 1, 1), date(2021, 12, 31)),
        ("in February 2024", date(2024, 2, 1), date(2024, 2, 29)),
        ("on 3 March 2021", date(2021, 3, 3), date(2021, 3, 3)),
        ("on March 3rd, 2021", date(2021, 3, 3), date(2021, 3, 3)),
        ("am 3. Dezember 2021", date(2021, 12, 3), date(2021, 12, 3)),
        ("am 03.12.2021", date(2021, 12, 3), date(2021, 12, 3)),
        ("2021-12", date(2021, 12, 1), date(2021, 12, 31)),
        ("2021-12-03T10:00:00Z", date(2021, 12, 3), date(2021, 12, 3)),
        ("in 2019-2021", date(2021, 1, 1), date(2021, 12, 31)),
        ("from 2019 to 2021", date(2021, 1, 1), date(2021, 12, 31)),
        ("on 31 February 2021", date(2021, 2, 1), date(2021, 2, 28)),
    ],
)
def test_times_as_people_write_them(text: str, first: date, last: date) -> None:
    assert named_time(text) == (first, last)


@pytest.mark.parametrize("text", ["", "2500 cards", "part AX-2021", "20210", "v2021.5", "soon"])
def test_what_is_no_time(text: str) -> None:
    assert named_time(text) is None


@pytest.mark.parametrize(
    "value",
    ["2024-05-01", "20240501", 20240501, date(2024, 5, 1), datetime(2024, 5, 1, 9, tzinfo=timezone.utc), "May 1, 2024"],
)
def test_dates_in_metadata(value: object) -> None:
    stamp = stamp_of({"date": value})
    assert stamp is not None
    assert stamp.since == date(2024, 5, 1)


@pytest.mark.parametrize("metadata", [{}, {"date": None}, {"date": "soon"}, {"version": ""}, {"supersedes": []}])
def test_no_stamp_without_a_time(metadata: dict[str, object]) -> None:
    assert stamp_of(metadata) is None


def test_versions_are_numbers() -> None:
    assert named_version("in release 1.10") == (1, 10)
    assert named_version("the version") == ()
    assert similarity("", "") <= 1.0
    assert detect_version("notes.md") == {}
