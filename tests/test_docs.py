"""Examples in the README and the documentation run, page by page; fragments of a longer program at least compile."""

from __future__ import annotations

import ast
import importlib
import os
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _blocks(page: Path, info: str) -> list[tuple[int, str]]:
    """Line and code of each block that is fenced with this info."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    return [(token.map[0] + 2, token.content) for token in tokens if token.info.strip() == info and token.map]


def _examples(page: Path) -> list[tuple[int, str]]:
    return _blocks(page, "python")


def _fragments(page: Path) -> list[tuple[int, str]]:
    return _blocks(page, "{ .python .fragment }")


@pytest.mark.integration
@pytest.mark.parametrize("page", [page for page in PAGES if _examples(page)], ids=lambda page: page.name)
def test_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__example__"}
    for line, code in _examples(page):
        # Blank lines in front keep line numbers in tracebacks true to the page.
        exec(compile("\n" * (line - 1) + code, os.fspath(page), "exec"), names)  # noqa: S102 - our own documentation


@pytest.mark.parametrize("page", [page for page in PAGES if _fragments(page)], ids=lambda page: page.name)
def test_what_fragments_import_is_there(page: Path) -> None:
    for line, code in _fragments(page):
        imports = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ImportFrom)]
        for node in imports:
            module = importlib.import_module(node.module or "")
            missing = [alias.name for alias in node.names if not hasattr(module, alias.name)]
            assert not missing, f"{page.name}, line {line}: {module.__name__} has no {missing}"
