"""Cross-encoders on ONNX Runtime: one pair a run, in parallel workers.

Dynamic int8 quantisation takes its activation scales from the whole batch, so a score would depend on what shares the
batch, and padding costs more than batching gains. One pair a run is the fastest way on a CPU and the reproducible one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from llama_index_prod_rag.errors import ConfigurationError, MissingExtraError, ModelError
from llama_index_prod_rag.models.weights import Weights

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

    from llama_index_prod_rag.models.pairs import Pair, Progress

_FILES = ("model.onnx", "onnx/model.onnx")
_DEFAULT_MAX_TOKENS = 512  # BERT's positions; for folders that state no limit


class OnnxScorer:
    """A `PairScorer` on ONNX Runtime; fp32 and int8 files alike, and the file decides which.

    All workers share one session, whose memory is bounded by one pair a worker, not by the number of pairs.

    Args:
        weights: the model, found.
        threads: most pairs scored at once over all callers; None takes one per usable core.
        file: weights file inside the folder or repository; None takes the usual names.

    Raises:
        ConfigurationError: `threads` below 1.
        MissingExtraError: onnxruntime is not installed.
        ModelError: a file is missing or corrupt, or the model does not have one output a pair.
    """

    def __init__(self, weights: Weights, *, threads: int | None = None, file: str | None = None) -> None:
        if threads is not None and threads < 1:
            raise ConfigurationError(f"threads is {threads}: give at least 1, or None for one per core")
        self.name = weights.name
        self.fingerprint = f"{weights.fingerprint}/{file}" if file else weights.fingerprint
        folder = Path(weights.source) if weights.local else _download(weights.source, file)
        self._tokenizer = _load_tokenizer(folder)
        self.max_tokens = _read_max_tokens(folder)
        self.special_tokens = self._tokenizer.num_special_tokens_to_add(True)
        self._tokenizer.no_padding()  # the files ship with padding to 512, which every pair would pay for
        self._tokenizer.enable_truncation(self.max_tokens)
        self._session = _open_session(_find_file(folder, file))
        self._inputs = {node.name for node in self._session.get_inputs()}
        self._workers = threads or _usable_cores()
        self._slots = BoundedSemaphore(self._workers)
        self._check_one_output()

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        """(start, end) characters of each token of a text, special tokens left out."""
        # A pair's truncation does not apply to a text whose length is asked for: overflowing parts are kept apart.
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        parts = [encoding, *encoding.overflowing]
        return [span for part in parts for span in part.offsets]

    def score(self, pairs: Sequence[Pair], progress: Progress | None = None) -> list[float]:
        """Raw logits, one a pair, in the order given."""
        if not pairs:
            return []

        def score_at(index: int) -> tuple[int, float]:
            logit = self._score_one(pairs[index])
            if progress is not None:
                progress(1)
            return index, logit

        # Longest first, so that no worker is left alone with the longest pair at the end.
        order = sorted(range(len(pairs)), key=lambda index: -len(pairs[index][1]))
        workers = min(self._workers, len(pairs))
        if workers == 1:
            return [logit for _, logit in sorted(map(score_at, order))]
        with ThreadPoolExecutor(workers, thread_name_prefix="pair-scorer") as pool:
            futures = [pool.submit(copy_context().run, score_at, index) for index in order]
            return [logit for _, logit in sorted(future.result() for future in futures)]

    def _score_one(self, pair: Pair) -> float:
        return float(self._run(pair).reshape(-1)[0])

    def _run(self, pair: Pair) -> NDArray[np.float32]:
        encoding = self._tokenizer.encode(*pair)
        columns = {
            "input_ids": encoding.ids,
            "attention_mask": encoding.attention_mask,
            "token_type_ids": encoding.type_ids,
        }
        feed = {name: np.array([ids], dtype=np.int64) for name, ids in columns.items() if name in self._inputs}
        with self._slots:
            outputs: list[NDArray[np.float32]] = self._session.run(None, feed)
        return outputs[0]

    def _check_one_output(self) -> None:
        shape = self._run(("query", "passage")).shape
        if len(shape) != 2:
            raise ModelError(
                f"{self.name} returns an array of shape {shape} for a pair: it is an embedding model (bi-encoder); "
                "use a cross-encoder with one output"
            )
        if shape != (1, 1):
            raise ModelError(
                f"{self.name} gives {shape[1]} labels for a pair: a reranker needs a cross-encoder with one output"
            )


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _download(repository: str, file: str | None) -> Path:
    from huggingface_hub import snapshot_download

    wanted = [file] if file else list(_FILES)
    try:
        return Path(snapshot_download(repository, allow_patterns=[*wanted, "*.json"]))
    except Exception as error:
        raise ModelError(
            f"could not get {repository} from the hub ({error}): check the name and the connection, "
            "or give a folder or 'offline'"
        ) from error


def _find_file(folder: Path, file: str | None) -> Path:
    names = (file,) if file else _FILES
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise ModelError(f"{folder} holds no ONNX weights ({', '.join(names)}): name the file, or use backend='torch'")


def _load_tokenizer(folder: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json"
    if not path.is_file():
        raise ModelError(f"{folder} holds no tokenizer.json: save the model with its fast tokenizer")
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:
        raise ModelError(f"{path} is corrupt ({error}): get the file again") from error


def _read_max_tokens(folder: Path) -> int:
    """The smaller of what the tokenizer and the position embeddings state."""
    stated = [
        json.loads((folder / file).read_text(encoding="utf-8")).get(key)
        for file, key in (("tokenizer_config.json", "model_max_length"), ("config.json", "max_position_embeddings"))
        if (folder / file).is_file()
    ]
    # Tokenizers without a limit state 1e30.
    return min((int(limit) for limit in stated if limit and limit < 1e9), default=_DEFAULT_MAX_TOKENS)


def _open_session(path: Path) -> InferenceSession:
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtraError("scoring with ONNX weights", extra="onnx") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the workers are the parallelism
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Without VNNI, x86's 8-bit products overflow: scores move by .1 in the median, .7 at most. Elsewhere no effect.
    options.add_session_config_entry("session.x64quantprecision", "1")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{path} cannot be loaded ({error}): the file is corrupt or cut off, get it again") from error
