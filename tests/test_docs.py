"""Every Python example in the README and the documentation runs, page by page, from top to bottom."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _examples(page: Path) -> list[tuple[int, str]]:
    """Line and code of each block fenced as `python`; a page marks one that cannot run here as `python notest`."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    return [
        (token.map[0] + 2, token.content)
        for token in tokens
        if token.type == "fence" and token.info == "python" and token.map
    ]


@pytest.mark.integration
@pytest.mark.parametrize("page", [page for page in PAGES if _examples(page)], ids=lambda page: page.name)
def test_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__example__"}
    for line, code in _examples(page):
        # Blank lines in front keep line numbers in tracebacks true to the page.
        exec(compile("\n" * (line - 1) + code, os.fspath(page), "exec"), names)  # noqa: S102 - our own documentation
