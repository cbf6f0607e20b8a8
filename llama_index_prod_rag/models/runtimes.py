"""Which runtime a model is loaded in: ONNX Runtime where there are ONNX weights, torch where it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from llama_index_prod_rag.errors import ConfigurationError, ModelError, ProdRagError
from llama_index_prod_rag.extras import is_installed, require
from llama_index_prod_rag.models.pairs import Backend
from llama_index_prod_rag.models.weights import OFFLINE, Weights, has_onnx

TORCH_EXTRA = "torch"
"""The extra that brings torch, sentence-transformers and LlamaIndex's embeddings on them."""

_TORCH_MODULE = "sentence_transformers"

SAFE: dict[str, Any] = {"use_safetensors": True}
"""What keeps transformers from falling back to a pickle."""


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
    smaller = backend == "auto" and not weights.local and not is_installed("onnxruntime")
    hint = " (or the extra onnx, if its repository has ONNX weights)" if smaller else ""
    require(_TORCH_MODULE, needed_for=f"{needed_for} in torch{hint}", extra=TORCH_EXTRA)
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


@contextmanager
def loading(weights: Weights, *, instead: str = "") -> Iterator[None]:
    """Load weights in torch; whatever the libraries below raise becomes an error that names them and what to do.

    Args:
        weights: what is loaded.
        instead: another way out, to end the message with.

    Raises:
        ModelError: the weights cannot be loaded.
    """
    try:
        yield
    except ProdRagError:
        raise
    except Exception as error:
        remedy = (
            "the folder is damaged or incomplete, get it again"
            if weights.local
            else "check the name, the connection, and that the repository has safetensors weights"
        )
        raise ModelError(f"{weights.name} cannot be loaded ({error}): {remedy}{instead}") from error
