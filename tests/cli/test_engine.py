"""What the command line's names stand for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from llama_index.core.llms import MockLLM

from llama_index_prod_rag.cli.engine import load_llm


def test_the_users_own_llm_is_found_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models_of_a_user.py").write_text("from llama_index.core.llms import MockLLM\n\nmake = MockLLM\n")
    monkeypatch.chdir(tmp_path)
    # The console script's own folder is first there, not the current one.
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder])
    assert isinstance(load_llm("models_of_a_user:make"), MockLLM)
