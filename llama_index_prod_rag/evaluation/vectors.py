"""Embeddings of many texts, computed once and kept on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from llama_index_prod_rag.disk_cache import ArrayCache, cache_folder, digest
from llama_index_prod_rag.models import find_weights, load_embedding

_BATCH = 256  # texts between two writes to the cache


def embed_texts(
    texts: Sequence[str], *, model: str = "offline", progress: Callable[[int], None] = lambda _: None
) -> NDArray[np.float32]:
    """Unit vectors of texts, from the cache where they are there.

    Args:
        texts: what to embed.
        model: as `llama_index_prod_rag.models.find_weights` takes it.
        progress: called with the number of texts just done.

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
    if missing:
        embedding = load_embedding(model)
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
