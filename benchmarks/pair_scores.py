"""Pair scores kept on disk between runs of the benchmarks, by model, query and text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from llama_index_prod_rag.disk_cache import ArrayCache, cache_folder
from llama_index_prod_rag.postprocessor.score_cache import CachedScorer
from llama_index_prod_rag.postprocessor.scorers import PairScorer


class DiskScores:
    """A `ScoreStore` in the cache folder."""

    def __init__(self) -> None:
        self._arrays = ArrayCache(cache_folder() / "pairs.sqlite")

    def get(self, keys: Iterable[bytes]) -> dict[bytes, float]:
        """The logits that are there."""
        return {key: float(value[0]) for key, value in self._arrays.get(list(keys)).items()}

    def put(self, logits: Mapping[bytes, float]) -> None:
        """Add logits."""
        if logits:
            self._arrays.put({key: np.array([logit], dtype=np.float32) for key, logit in logits.items()})


def remembered(scorer: PairScorer) -> PairScorer:
    """The scorer, with its scores kept on disk. For figures of quality only: nothing is measured of its speed."""
    return CachedScorer(scorer, DiskScores())
