"""Pair scores of a cross-encoder, kept on disk between runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from llama_index_prod_rag.models.disk_cache import ArrayCache, cache_folder


class DiskScores:
    """A `llama_index_prod_rag.postprocessor.score_cache.ScoreStore` in the cache folder."""

    def __init__(self) -> None:
        self._arrays = ArrayCache(cache_folder() / "pairs.sqlite")

    def get(self, keys: Iterable[bytes]) -> dict[bytes, float]:
        """The logits that are there; keys without one are left out."""
        return {key: value.item() for key, value in self._arrays.get(list(keys)).items() if value.shape == (1,)}

    def put(self, logits: Mapping[bytes, float]) -> None:
        """Add logits; one that is already there is replaced."""
        if logits:
            self._arrays.put({key: np.array([logit], dtype=np.float32) for key, logit in logits.items()})
