"""Models by hub name, from a hub on this machine: downloads that work, stop half-way, or never begin."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from llama_index_prod_rag.models.pairs import Backend
from llama_index_prod_rag.models.scorers import load_scorer
from llama_index_prod_rag.models.weights import find_weights
from tests.models.local_hub import serving

_PAIRS = [("berlin", "is large"), ("madrid", "berlin is large")]
_PROGRAM = f"""
import json, sys
from llama_index_prod_rag.errors import ModelError
from llama_index_prod_rag.models.scorers import load_scorer
try:
    scorer = load_scorer("any/model", backend=sys.argv[1], device="cpu")
except ModelError as error:
    sys.exit(f"ModelError: {{error}}")
print(json.dumps(scorer.score({_PAIRS!r})))
"""


def _process(backend: Backend, cache: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, backend],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment, "HF_HOME": str(cache)},
    )


def _scores(process: subprocess.Popen[str]) -> list[float]:
    out, error = process.communicate(timeout=600)
    assert process.returncode == 0, error
    scores: list[float] = json.loads(out.splitlines()[-1])
    return scores


def test_a_download_that_was_killed_is_begun_again_and_never_used_by_half(tiny_model: Path, tmp_path: Path) -> None:
    with serving(tiny_model, stall_in="model.safetensors") as hub:
        killed = _process("torch", tmp_path, hub.environment)
        assert hub.halfway.wait(600)
        killed.kill()
        killed.communicate()
    offline = _process("torch", tmp_path, {"HF_HUB_OFFLINE": "1"})
    _, error = offline.communicate(timeout=600)
    assert "ModelError: any/model cannot be loaded" in error
    assert "check the name, the connection" in error
    with serving(tiny_model) as hub:
        scores = _scores(_process("torch", tmp_path, hub.environment))
        assert "model.safetensors" in hub.served
    assert scores == pytest.approx(load_scorer(tiny_model, backend="torch", device="cpu").score(_PAIRS), abs=1e-5)


def test_a_repository_with_pickled_weights_only_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    folder = tmp_path / "pickled"
    shutil.copytree(tiny_model, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    torch.save(load_file(tiny_model / "model.safetensors"), folder / "pytorch_model.bin")
    with serving(folder) as hub:
        _, error = _process("torch", tmp_path, hub.environment).communicate(timeout=600)
        assert "pytorch_model.bin" not in hub.served
    assert "ModelError: any/model" in error
    assert "has safetensors weights" in error


@pytest.mark.integration
def test_onnx_weights_come_from_the_hub_alone(tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    shutil.copytree(find_weights("offline", "cross-encoder").source, folder)
    (folder / "model.safetensors").write_bytes(b"not asked for")
    with serving(folder) as hub:
        scores = _scores(_process("onnx", tmp_path, hub.environment))
        assert "model.safetensors" not in hub.served
    assert scores == load_scorer("offline").score(_PAIRS)
