"""Which runtime a model is loaded in: ONNX Runtime where there are ONNX weights, torch where it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from llama_index_prod_rag.errors import ConfigurationError, ModelError
from llama_index_prod_rag.extras import is_installed, require
from llama_index_prod_rag.models.pairs import Backend
from llama_index_prod_rag.models.weights import OFFLINE, Weights, has_onnx

TORCH_EXTRA = "torch"
"""The extra that brings torch, sentence-transformers and LlamaIndex's embeddings on them."""

_TORCH_MODULE = "sentence_transformers"


def choose_runtime(
    weights: Weights, backend: Backend, *, needed_for: str, device: str | None = None, onnx_file: str | None = None
) -> Literal["torch", "onnx"]:
    """Choose the runtime that loads a model, and check that it can.

    Args:
        weights: the model, found.
        backend: what the user asked for.
        needed_for: what is loaded, as a noun phrase, for the message.
        device: torch device; one that is given asks for torch.
        onnx_file: weights file; one that is given asks for ONNX Runtime.

    Raises:
        ConfigurationError: the backend does not exist, or cannot load this model.
        MissingExtraError: torch is needed and not installed.
    """
    if backend not in ("auto", "torch", "onnx"):
        raise ConfigurationError(f"unknown backend {backend!r}: choose auto, torch or onnx")
    if backend == "torch" and weights.name == OFFLINE:
        raise ConfigurationError("the offline weights are an ONNX file: use backend='onnx' or 'auto'")
    if backend == "onnx" or onnx_file is not None:
        return "onnx"
    if backend == "auto" and _prefers_onnx(weights, device):
        return "onnx"
    require(_TORCH_MODULE, needed_for=f"{needed_for} in torch", extra=TORCH_EXTRA)
    return "torch"


def _prefers_onnx(weights: Weights, device: str | None) -> bool:
    if weights.local:
        return has_onnx(Path(weights.source)) and (device is None or weights.name == OFFLINE)
    return device is None and is_installed("onnxruntime") and _repository_has_onnx(weights.source)


def _repository_has_onnx(repository: str) -> bool:
    from llama_index_prod_rag.models.onnx_model import download_onnx

    try:
        return has_onnx(download_onnx(repository, None))
    except ModelError:
        if is_installed(_TORCH_MODULE):  # says so itself, or has the model in its cache
            return False
        raise
