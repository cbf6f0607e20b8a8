from __future__ import annotations

import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from llama_index_prod_rag.errors import ConfigurationError, MissingExtraError, ModelError
from llama_index_prod_rag.models.onnx_scorer import OnnxScorer
from llama_index_prod_rag.models.pairs import Pair, Progress
from llama_index_prod_rag.models.scorers import load_scorer
from llama_index_prod_rag.models.weights import find_weights
from llama_index_prod_rag.postprocessor.score_cache import CachedScorer, LruScores


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


def test_threads_score_as_one_does_and_none_waits_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four callers meet inside of the model: with a lock around it, or around what comes before, they never would."""
    count = 4
    scorer = OnnxScorer(find_weights("offline", "cross-encoder"), threads=count)
    pairs = [(f"Which city is number {n}?", f"City {n} lies " + "by the river " * (n % 7)) for n in range(count)]
    serial = [scorer.score([pair])[0] for pair in pairs]
    meeting, session = threading.Barrier(count, timeout=30), scorer._model._session

    class Meeting:
        def run(self, *arguments: Any) -> Any:
            meeting.wait()
            return session.run(*arguments)

    monkeypatch.setattr(scorer._model, "_session", Meeting())
    with ThreadPoolExecutor(count) as pool:
        assert [logit for [logit] in pool.map(scorer.score, [[pair] for pair in pairs])] == serial
    monkeypatch.setattr(scorer._model, "_session", session)
    with ThreadPoolExecutor(8) as pool:  # more callers than workers
        assert list(pool.map(scorer.score, [pairs] * 8)) == [serial] * 8


def test_remembered_scores_hold_no_lock_while_the_model_works() -> None:
    meeting = threading.Barrier(3, timeout=30)

    class Meeting:
        name = fingerprint = "meeting"
        max_tokens, special_tokens = 512, 3

        def token_offsets(self, text: str) -> list[tuple[int, int]]:
            return [(0, len(text))]

        def score(self, pairs: list[Pair], progress: Progress | None = None) -> list[float]:
            meeting.wait()
            return [float(len(passage)) for _, passage in pairs]

    scorer = CachedScorer(Meeting(), LruScores(100))
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(scorer.score, [[("q", "a" * n)] for n in range(3)])) == [[0.0], [1.0], [2.0]]
