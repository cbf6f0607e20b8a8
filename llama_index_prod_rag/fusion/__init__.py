"""Several legs' scores to one order; retrievers and the reranker share it. Core: no LlamaIndex, no I/O."""

from __future__ import annotations

from llama_index_prod_rag.fusion.mentions import Mentions, find_mentions
from llama_index_prod_rag.fusion.normalizers import Bounds, Normalizer, find_bounds
from llama_index_prod_rag.fusion.readings import Reading, read_scores
from llama_index_prod_rag.fusion.rules import (
    RULE_NAMES,
    ConvexCombination,
    Fusion,
    FusionRule,
    ReciprocalRankFusion,
    fuse,
    parse_rule,
    share_weights,
)
from llama_index_prod_rag.fusion.tuning import LabeledQuery, Tuning, WeightTable, tune_weights

__all__ = [
    "RULE_NAMES",
    "Bounds",
    "ConvexCombination",
    "Fusion",
    "FusionRule",
    "LabeledQuery",
    "Mentions",
    "Normalizer",
    "Reading",
    "ReciprocalRankFusion",
    "Tuning",
    "WeightTable",
    "find_bounds",
    "find_mentions",
    "fuse",
    "parse_rule",
    "read_scores",
    "share_weights",
    "tune_weights",
]
