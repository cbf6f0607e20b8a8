"""What models on ONNX Runtime share: finding their files, one session, one tokenizer, one long-lived pool of workers.

Dynamic int8 quantisation takes its activation scales from the whole batch, so what a text gives would depend on what
shares its batch, and padding costs more than batching gains. One text per run is the fastest way on a processor and
the reproducible one; the cores are kept busy by several runs at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from pathlib import Path
from threading import BoundedSemaphore
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from llama_index_prod_rag.errors import ConfigurationError, ModelError
from llama_index_prod_rag.extras import require
from llama_index_prod_rag.models.weights import ONNX_FILES, Weights, read_settings

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

T = TypeVar("T")

_DEFAULT_MAX_TOKENS = 512  # BERT's positions; for folders that state no limit
_LIMITS = (
    ("tokenizer_config.json", "model_max_length"),
    ("config.json", "max_position_embeddings"),
    ("sentence_bert_config.json", "max_seq_length"),
)
# Their positions begin behind the padding's, so that two fewer are there for tokens than the configuration counts.
_OFFSET_POSITIONS = frozenset({"camembert", "mpnet", "roberta", "xlm-roberta"})

# An ONNX model of one node, c = MatMulInteger(a, b), of unsigned and signed bytes, at operator set 10.
_PRODUCT = (
    b'\x08\x05:>\n\x18\n\x01a\n\x01b\x12\x01c"\rMatMulInteger\x12\x01pZ\t\n\x01a\x12\x04\n\x02\x08\x02'
    b"Z\t\n\x01b\x12\x04\n\x02\x08\x03b\t\n\x01c\x12\x04\n\x02\x08\x06B\x04\n\x00\x10\n"
)


class OnnxModel:
    """One session that several threads may run at once, and the tokenizer that belongs to it.

    Memory is bounded by one text per worker, not by the number of texts.

    Args:
        weights: the model, found.
        threads: most runs at once over all callers, at least 1; None takes one per usable core.
        file: weights file inside the folder or repository; None takes the usual names.
        max_tokens: most tokens of a run; None takes the limit that the model's files state, and more is cut to it.

    Attributes:
        folder: where the model's files are.
        tokenizer: pads nothing and truncates to `max_tokens`.
        max_tokens: most tokens that the model reads, special tokens included.
        outputs: name of each output of the session -> how many dimensions it has.

    Raises:
        ConfigurationError: `threads` is below 1, or `max_tokens` leaves no room for a text.
        MissingExtraError: the `onnx` extra is not installed.
        ModelError: a file is missing or corrupt.
    """

    def __init__(
        self,
        weights: Weights,
        *,
        threads: int | None = None,
        file: str | None = None,
        max_tokens: int | None = None,
    ) -> None:
        if threads is not None and threads < 1:
            raise ConfigurationError(f"threads is {threads}: give at least 1, or None for one per core")
        require("onnxruntime", "tokenizers", needed_for=f"{weights.name} as ONNX weights", extra="onnx")
        self.folder = Path(weights.source) if weights.local else download_onnx(weights.source, file)
        self.tokenizer = _load_tokenizer(self.folder)
        limit = _read_max_tokens(self.folder)
        self.max_tokens = limit if max_tokens is None else min(max_tokens, limit)
        if self.max_tokens <= self.tokenizer.num_special_tokens_to_add(False):
            raise ConfigurationError(f"a limit of {self.max_tokens} tokens leaves none for the text: give more")
        self.tokenizer.no_padding()  # some files ship with padding to 512, which every text would pay for
        self.tokenizer.enable_truncation(self.max_tokens)
        self._session = _open_session(_find_file(self.folder, file))
        self._inputs = {node.name for node in self._session.get_inputs()}
        self.outputs: dict[str, int] = {node.name: len(node.shape) for node in self._session.get_outputs()}
        self._workers = _Workers(threads or _usable_cores())

    def run(self, ids: Sequence[int], type_ids: Sequence[int], output: str | None = None) -> NDArray[np.float32]:
        """One output of the model for one row of token ids.

        Args:
            ids: of the text, special tokens included.
            type_ids: 0 for the first text, 1 for the second, as long as `ids`.
            output: which one; None takes the first.

        Returns:
            What the model gives for a batch of one: the first dimension is 1.
        """
        return self.run_outputs(ids, type_ids, None if output is None else [output])[0]

    def run_outputs(
        self, ids: Sequence[int], type_ids: Sequence[int], names: Sequence[str] | None
    ) -> list[NDArray[np.float32]]:
        """Several outputs of the model for one row of token ids, as `run` gives one; None takes all."""
        row = np.array([ids], dtype=np.int64)
        columns = {
            "input_ids": row,
            "attention_mask": np.ones_like(row),
            "token_type_ids": np.array([type_ids], dtype=np.int64),
        }
        feed = {name: column for name, column in columns.items() if name in self._inputs}
        with self._workers.current().slots:
            try:
                outputs: list[NDArray[np.float32]] = self._session.run(names, feed)
            except Exception as error:
                raise ModelError(
                    f"{self.folder} cannot read {len(ids)} tokens ({error}): its files may state a limit that it does "
                    "not have"
                ) from error
        return outputs

    def each(self, work: Callable[[int], T], lengths: Sequence[int]) -> list[T]:
        """Call `work` with the index of each length, on all workers, the longest first.

        Longest first, so that no worker is left alone with the longest text at the end.
        """
        order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
        workers = self._workers.current()
        if workers.count == 1 or len(order) <= 1:
            done = {index: work(index) for index in order}
            return [done[index] for index in range(len(order))]
        futures = {index: workers.pool.submit(copy_context().run, work, index) for index in order}
        try:
            return [futures[index].result() for index in range(len(order))]
        finally:
            for future in futures.values():  # after an error the rest is not wanted
                future.cancel()


class _Running:
    def __init__(self, count: int) -> None:
        self.count, self.process = count, os.getpid()
        self.slots = BoundedSemaphore(count)
        self.pool = ThreadPoolExecutor(count, thread_name_prefix="onnx")


class _Workers:
    """A pool that lives as long as its model; a forked process, whose threads are gone, gets one of its own."""

    def __init__(self, count: int) -> None:
        self._running = _Running(count)

    def current(self) -> _Running:
        if self._running.process != os.getpid():
            self._running = _Running(self._running.count)
        return self._running


def download_onnx(repository: str, file: str | None) -> Path:
    """Find the folder of a repository's ONNX weights and settings, downloaded or from the hub's cache.

    Raises:
        ModelError: the repository cannot be reached.
    """
    from huggingface_hub import snapshot_download

    wanted = [file] if file else list(ONNX_FILES)
    patterns = [*wanted, *(f"{name}_data" for name in wanted), "*.json", "*/config.json"]
    try:
        return Path(snapshot_download(repository, allow_patterns=patterns))
    except Exception as error:
        raise ModelError(
            f"could not get {repository} from the hub ({error}): check the name and the connection, "
            "or give a folder or 'offline'"
        ) from error


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _find_file(folder: Path, file: str | None) -> Path:
    names = (file,) if file else ONNX_FILES
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
    """The smallest of what the tokenizer, the position embeddings and sentence-transformers state."""
    stated = [_limit(read_settings(folder / file), key) for file, key in _LIMITS]
    return min((limit for limit in stated if limit), default=_DEFAULT_MAX_TOKENS)


def _limit(settings: Mapping[str, Any], key: str) -> int:
    """A limit of a settings file, 0 where it has none: tokenizers without one state 1e30."""
    stated = settings.get(key)
    if not isinstance(stated, int | float) or not 0 < stated < 1e9:
        return 0
    behind = key == "max_position_embeddings" and settings.get("model_type") in _OFFSET_POSITIONS
    return int(stated) - 2 * behind


def import_runtime() -> ModuleType:
    """Import ONNX Runtime, without the events that its newer versions collect, on Linux too, and send to Microsoft.

    They name the machine, the program's path and the model. Whoever wants to send them sets ORT_DISABLE_TELEMETRY=0;
    where another library has imported it before, nothing changes.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    runtime: ModuleType = onnxruntime
    return runtime


@cache
def _products_overflow() -> bool:
    """Whether this processor's fast 8-bit products overflow, as x86's without VNNI do.

    Scores then move by .1 in the median and .7 at most, and the products that do not overflow are to be asked for.
    Where nothing overflows they give the same scores in 1.7 times the time. ONNX Runtime does not say which of its
    kernels it takes, so the largest numbers are multiplied once.
    """
    session = import_runtime().InferenceSession(_PRODUCT, providers=["CPUExecutionProvider"])
    left, right = np.full((4, 64), 255, dtype=np.uint8), np.full((64, 16), 127, dtype=np.int8)
    (product,) = session.run(None, {"a": left, "b": right})
    return bool((product != 255 * 127 * 64).any())


def _open_session(path: Path) -> InferenceSession:
    onnxruntime = import_runtime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the workers are the parallelism
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if _products_overflow():
        options.add_session_config_entry("session.x64quantprecision", "1")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{path} cannot be loaded ({error}): the file is corrupt or cut off, get it again") from error
