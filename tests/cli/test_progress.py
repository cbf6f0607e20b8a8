"""Progress where nobody watches: a line now and then, and nothing for short work."""

from __future__ import annotations

import time

import pytest

from llama_index_prod_rag.cli.progress import progress_bar


def test_piped_output_has_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 4.0, 11.0, 11.0, 15.0, 22.0, 22.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with progress_bar("embedding", total=5_000) as advance:
        for _ in range(4):
            advance(1_000)
    assert capsys.readouterr().err.splitlines() == ["embedding 2,000 of 5,000", "embedding 4,000 of 5,000"]


def test_short_work_says_nothing_there(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("embedding", total=3) as advance:
        advance(3)
    assert capsys.readouterr().err == ""
