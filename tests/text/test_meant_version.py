"""Which versions a question means."""

from __future__ import annotations

from datetime import date

import pytest

from llama_index_prod_rag.text.meant_version import choose, meant_time, named_versions
from llama_index_prod_rag.text.versions import Stamp, detect_version, stamp_of

TODAY = date(2024, 6, 1)
POLICIES = {
    "2": {"version": "2", "valid_from": "2020-01-01", "valid_to": "2021-12-31"},
    "3": {"version": "3", "valid_from": "2022-01-01", "valid_to": "2023-12-31"},
    "4": {"version": "4", "valid_from": "2024-01-01"},
    "5": {"version": "5", "valid_from": "2025-01-01"},  # not in force yet
}


def stamp(metadata: dict[str, str]) -> Stamp:
    found = stamp_of(metadata)
    assert found is not None
    return found


def meant(question: str) -> str:
    stamps = {name: stamp(metadata) for name, metadata in POLICIES.items()}
    found = choose(list(stamps.values()), question, TODAY)
    return "".join(name for name, one in stamps.items() if one in found)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many days?", "4"),
        ("What is the newest version?", "4"),
        ("How many days currently?", "4"),
        ("How many days in March 2021?", "2"),
        ("How many days before 2022?", "2"),
        ("Wie viele Tage vor Januar 2024?", "3"),
        ("How many days since 2022?", "4"),
        ("Wie viele Tage seit 2020?", "4"),
        ("How many days from 2020 to 2021?", "2"),
        ("ab 2020 bis 2021", "2"),
        ("How many days last year?", "3"),
        ("Wie viele Tage waren es vor drei Jahren?", "2"),
        ("How many days two years ago?", "3"),
        ("días en marzo de 2021", "2"),
        ("jours le 3 mars 2021", "2"),
        ("giorni in 05/2021", "2"),
        ("under version 3", "3"),
        ("nach Fassung 2", "2"),
        ("in der 3. Auflage", "3"),
        ("in the second edition", "2"),
        ("How many days in the previous version?", "3"),
        ("Was galt nach der alten Regelung?", "3"),
        ("in the original policy", "2"),
        ("What changed between version 2 and 4?", "24"),
        ("What is the difference between v2 and v3?", "23"),
        ("What has changed?", "2345"),
        ("What has changed since version 3?", "2345"),
        ("What is new in version 3?", "3"),
        ("How do changes of pressure act, as of 2021?", "2"),
        ("Was hat sich geändert?", "2345"),
        ("Compare the rules of 2021 with 2023", "23"),
        ("all versions of the leave policy", "2345"),
        ("How do I change my old password?", "4"),
        ("What is the difference between part-time and full-time?", "4"),
        ("Which former employees are entitled?", "4"),
        ("How many days for the first child?", "4"),
    ],
)
def test_a_question_means_these_versions(question: str, expected: str) -> None:
    assert meant(question) == expected


def test_times_that_are_told_by_today() -> None:
    assert meant_time("last month", TODAY) == (date(2024, 5, 1), date(2024, 5, 31))
    assert meant_time("vor zwei Monaten", date(2024, 1, 15)) == (date(2023, 11, 1), date(2023, 11, 30))
    assert meant_time("99 years ago", date(50, 1, 1)) == (date(1, 1, 1), date(1, 12, 31))
    assert meant_time("before the meeting, after lunch", TODAY) is None
    assert named_versions("versions 1.2, 1.3 and v2; Windows 11") == [(1, 2), (1, 3), (2,)]


def test_previews_come_before_what_they_are_previews_of() -> None:
    written = ["1.9", "1.10.0-alpha2", "1.10.0-rc1", "1.10", "1.10.1", "2.0-beta"]
    stamps = [stamp({"version": version}) for version in written]
    assert sorted(stamps, key=lambda one: one.order) == stamps
    assert str(stamps[2]) == "version 1.10.0 preview"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("handbook-2023.pdf", "", {"date": "2023"}),
        ("policy 01.05.2023.docx", "", {"date": "2023-05-01"}),
        ("Policy_May_2023.docx", "", {"date": "2023-05"}),
        ("Release Notes 4.2.md", "", {"version": "4.2"}),
        ("release-notes-4.2.1.md", "", {"version": "4.2.1"}),
        ("AX-2021.pdf", "", {}),
        ("a.md", "# Arbeitsordnung\n\nStand: Januar 2023\n", {"date": "2023-01"}),
        ("a.md", "Manual\n**Version:** 2.1\nLast updated: 3 May 2024", {"version": "2.1", "date": "2024-05-03"}),
        ("a.md", "Gültig ab 01.05.2024", {"date": "2024-05-01", "valid_from": "2024-05-01"}),
        ("a.md", "Version 3 of the device has a lamp.\nDates are printed on page 2.", {"version": "3"}),
        ("a.md", "The law of 2019 stands.\n" + "x\n" * 20 + "Stand: 2023", {}),
    ],
)
def test_what_documents_say_of_their_age(name: str, text: str, expected: dict[str, str]) -> None:
    assert detect_version(name, text) == expected
