"""What loads weights, the ports it is used through, and the arrays kept on disk.

Names are looked up on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama_index_prod_rag._lazy import export

if TYPE_CHECKING:
    from llama_index_prod_rag.models.disk_cache import ArrayCache, cache_folder, digest
    from llama_index_prod_rag.models.embedding import embed_queries, embed_texts, load_embedding
    from llama_index_prod_rag.models.http_scorer import HttpPairScorer
    from llama_index_prod_rag.models.llm import OfflineLLM
    from llama_index_prod_rag.models.nli import CrossEncoderNLI
    from llama_index_prod_rag.models.onnx_embedding import OnnxEmbedding
    from llama_index_prod_rag.models.pairs import (
        Backend,
        Dtype,
        Entailment,
        EntailmentJudge,
        EvidenceJudge,
        Pair,
        PairScorer,
        Progress,
        Ruling,
        TokenText,
    )
    from llama_index_prod_rag.models.reader import ExtractiveReader
    from llama_index_prod_rag.models.scorers import load_scorer, shared_scorer
    from llama_index_prod_rag.models.tokenizers import load_counter
    from llama_index_prod_rag.models.weights import OFFLINE, Weights, find_weights

_HOMES = {
    "ArrayCache": "disk_cache",
    "Backend": "pairs",
    "CrossEncoderNLI": "nli",
    "Dtype": "pairs",
    "Entailment": "pairs",
    "EntailmentJudge": "pairs",
    "EvidenceJudge": "pairs",
    "ExtractiveReader": "reader",
    "HttpPairScorer": "http_scorer",
    "OFFLINE": "weights",
    "OfflineLLM": "llm",
    "OnnxEmbedding": "onnx_embedding",
    "Pair": "pairs",
    "PairScorer": "pairs",
    "Progress": "pairs",
    "Ruling": "pairs",
    "TokenText": "pairs",
    "Weights": "weights",
    "cache_folder": "disk_cache",
    "digest": "disk_cache",
    "embed_queries": "embedding",
    "embed_texts": "embedding",
    "find_weights": "weights",
    "load_counter": "tokenizers",
    "load_embedding": "embedding",
    "load_scorer": "scorers",
    "shared_scorer": "scorers",
}

__getattr__, __dir__ = export(__name__, _HOMES)

__all__ = [
    "OFFLINE",
    "ArrayCache",
    "Backend",
    "CrossEncoderNLI",
    "Dtype",
    "Entailment",
    "EntailmentJudge",
    "EvidenceJudge",
    "ExtractiveReader",
    "HttpPairScorer",
    "OfflineLLM",
    "OnnxEmbedding",
    "Pair",
    "PairScorer",
    "Progress",
    "Ruling",
    "TokenText",
    "Weights",
    "cache_folder",
    "digest",
    "embed_queries",
    "embed_texts",
    "find_weights",
    "load_counter",
    "load_embedding",
    "load_scorer",
    "shared_scorer",
]
