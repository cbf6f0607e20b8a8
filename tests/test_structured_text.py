"""The benchmark of structured text asks what it says that it asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.structured_folders import TEST, TRAIN
from benchmarks.structured_text import Asked, Outcome, figures, make_folder, says
from benchmarks.structured_text_files import WRITERS, Domain, split_names

_SPECIAL = {"one word", "yes or no", "list", "typo", "long", "prose", "far", "small folder"}


@pytest.mark.parametrize("domain", [*TRAIN, *TEST], ids=lambda domain: domain.name)
def test_answers_stand_in_the_folder_and_absent_names_do_not(domain: Domain, tmp_path: Path) -> None:
    asked = make_folder(domain, tmp_path)
    files = {file.name: file.read_text(encoding="utf-8") for file in tmp_path.iterdir()}
    for question in asked:
        assert not question.answer or any(says(text, question.answer) for text in files.values()), question
    for table in domain.tables:
        assert not [name for name in split_names(table.absent) if says(files[table.file], name)], table.file
    assert [(file.name, file.read_text(encoding="utf-8")) for file in tmp_path.iterdir()] == list(files.items())
    assert make_folder(domain, tmp_path) == asked


@pytest.mark.parametrize("domains", [TRAIN, TEST], ids=["train", "test"])
def test_every_form_and_every_special_kind_is_asked_about_with_and_without_an_answer(
    domains: tuple[Domain, ...], tmp_path: Path
) -> None:
    asked = [one for place, domain in enumerate(domains) for one in make_folder(domain, tmp_path / str(place))]
    there = {one.kind for one in asked if one.answer}
    gone = {one.kind for one in asked if not one.answer}
    assert there | gone == {*WRITERS, *_SPECIAL}
    assert there - gone == {"prose"}
    assert gone - there == {"far"}
    assert len(asked) > 250
    assert 0.45 < sum(bool(one.answer) for one in asked) / len(asked) < 0.55
    assert all(80 < len(one.text.split()) < 110 for one in asked if one.kind == "long")


def test_figures_count_each_kind_of_mistake() -> None:
    there, gone = Asked("How much?", "csv", "CHF 15"), Asked("How many?", "csv")
    outcomes = [
        Outcome("f", there, "refuse", 0.1, ("limit\nCHF 15",), found=True),
        Outcome("f", there, "answer", 0.9, ("Doors", "CHF 15"), found=True),
        Outcome("f", gone, "answer", 0.9, ("Doors",), found=False),
        Outcome("f", gone, "hedge", 0.5, (), found=False),
    ]
    every = figures(outcomes)["all"]
    assert [every["there"][name]["rate"] for name in ("refused", "quoted", "among the quotes")] == [0.5, 0.5, 1.0]
    assert [every["gone"][name]["rate"] for name in ("answered", "hedged", "refused")] == [0.5, 0.5, 0.0]
