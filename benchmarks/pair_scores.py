"""Pair scores kept on disk between runs of the benchmarks."""

from __future__ import annotations

from llama_index_prod_rag.evaluation.pair_scores import DiskScores
from llama_index_prod_rag.models.pairs import PairScorer
from llama_index_prod_rag.postprocessor.score_cache import CachedScorer


def remember(scorer: PairScorer) -> PairScorer:
    """The scorer, with its scores kept on disk. For figures of quality only: nothing is measured of its speed."""
    return CachedScorer(scorer, DiskScores())
