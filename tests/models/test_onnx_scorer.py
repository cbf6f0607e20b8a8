from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from llama_index_prod_rag.errors import ConfigurationError, MissingExtraError, ModelError
from llama_index_prod_rag.models.onnx_scorer import OnnxScorer
from llama_index_prod_rag.models.scorers import load_scorer
from llama_index_prod_rag.models.weights import find_weights


def test_a_folder_without_onnx_weights_says_what_it_looked_for(tiny_model: Path) -> None:
    with pytest.raises(ModelError, match=r"no ONNX weights \(model.onnx, onnx/model.onnx\)"):
        load_scorer(tiny_model, backend="onnx")


def test_corrupt_weights_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    shutil.copy(tiny_model / "tokenizer.json", tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"half a download")
    with pytest.raises(ModelError, match="corrupt or cut off"):
        load_scorer(tmp_path)


def test_a_corrupt_tokenizer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"")
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match=r"tokenizer\.json is corrupt"):
        load_scorer(tmp_path)


def test_a_missing_tokenizer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"")
    with pytest.raises(ModelError, match=r"no tokenizer\.json"):
        load_scorer(tmp_path)


def test_a_missing_runtime_names_the_extra(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(tiny_model / "tokenizer.json", tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"llama-index-prod-rag\[onnx\]"):
        load_scorer(tmp_path)


@pytest.mark.parametrize("settings", [{"backend": "openvino"}, {"backend": "torch"}])
def test_a_backend_that_cannot_load_the_model_is_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="auto"):
        load_scorer("offline", **settings)  # type: ignore[arg-type]


def test_at_least_one_worker_is_needed(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="threads is 0"):
        OnnxScorer(find_weights(tmp_path, "cross-encoder"), threads=0)
