"""The benchmark page says what the committed results say."""

from __future__ import annotations

from pathlib import Path

from benchmarks.run import BENCHMARKS, RESULTS
from benchmarks.write_docs import SECTIONS, render

ROOT = Path(__file__).parents[1]


def test_the_page_is_written_from_the_results() -> None:
    page = render()
    assert (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8") == page
    for section in SECTIONS:
        if (ROOT / "benchmarks" / "results" / f"{section.name}.json").is_file():
            assert f"## {section.title} " in page


def test_links_to_the_page_find_their_section() -> None:
    page = render()
    for file in (ROOT / "docs").rglob("*.md"):
        for part in file.read_text(encoding="utf-8").split("benchmarks.md#")[1:]:
            assert f"{{ #{part.split(')')[0]} }}" in page, file.name


def test_every_committed_result_is_one_of_the_full_run() -> None:
    known = {benchmark.result for benchmark in BENCHMARKS} | {
        "evaluate_answers"
    }  # that one: `prod-rag evaluate answers`
    assert {file.stem for file in RESULTS.glob("*.json")} <= known
    assert {section.name for section in SECTIONS} <= known
