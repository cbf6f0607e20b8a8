"""Embedding models by name, and embeddings of many texts, computed once and kept on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from llama_index_prod_rag.models.disk_cache import ArrayCache, cache_folder, digest
from llama_index_prod_rag.models.weights import OFFLINE, find_weights

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

_BATCH = 64  # texts embedded between two writes to the cache: what an interruption can lose


def load_embedding(model: str | Path = OFFLINE, *, batch_size: int = 32, device: str | None = None) -> BaseEmbedding:
    """A LlamaIndex embedding model from a hub name, a folder, or the bundled all-MiniLM-L6-v2.

    Args:
        model: as in `find_weights`.
        batch_size: texts per forward pass.
        device: torch device; None lets sentence-transformers choose.

    Raises:
        ModelError: as in `find_weights`.
    """
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding

    weights = find_weights(model, "embedding")
    embedding: BaseEmbedding = HuggingFaceEmbedding(
        model_name=weights.source, embed_batch_size=batch_size, device=device, trust_remote_code=False
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
        One row a text, of length 1.

    Raises:
        ModelError: the model cannot be found.
    """
    fingerprint = find_weights(model, "embedding").fingerprint
    keys = [digest(fingerprint, text) for text in texts]
    cache = ArrayCache(cache_folder() / "embeddings.sqlite")
    known = cache.get(list(dict.fromkeys(keys)))
    missing = [(key, text) for key, text in dict(zip(keys, texts, strict=True)).items() if key not in known]
    progress(len(texts) - len(missing))
    missing.sort(key=lambda pair: len(pair[1]))  # a batch costs what its longest text costs
    if missing:
        embedding = embedding or load_embedding(model)
        for start in range(0, len(missing), _BATCH):
            part = missing[start : start + _BATCH]
            vectors = embedding.get_text_embedding_batch([text for _, text in part])
            computed = {
                key: np.asarray(vector, dtype=np.float32) for (key, _), vector in zip(part, vectors, strict=True)
            }
            cache.put(computed)
            known.update(computed)
            progress(len(part))
    matrix = np.stack([known[key] for key in keys])
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return (matrix / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
