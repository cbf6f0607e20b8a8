"""LlamaIndex components for retrieval you can trust. The public names, nothing else.

Names are looked up on first use, so importing the package loads no model library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from llama_index_prod_rag._version import __version__

if TYPE_CHECKING:
    from llama_index_prod_rag.confidence.calibrated import CalibratedAssessor
    from llama_index_prod_rag.confidence.calibration import Calibration
    from llama_index_prod_rag.confidence.fitting import calibrate
    from llama_index_prod_rag.confidence.textbook import TextbookAssessor
    from llama_index_prod_rag.fusion.tuning import tune_weights
    from llama_index_prod_rag.node_parser.document_aware import DocumentAwareNodeParser
    from llama_index_prod_rag.node_parser.semantic import SemanticChunker
    from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
    from llama_index_prod_rag.query_engine.gated import ConfidenceGatedQueryEngine
    from llama_index_prod_rag.query_log.handler import QueryLogHandler
    from llama_index_prod_rag.query_log.store import QueryLog
    from llama_index_prod_rag.retrievers.access import AccessPolicy, Principal, acting_as
    from llama_index_prod_rag.retrievers.bm25 import BM25FRetriever
    from llama_index_prod_rag.retrievers.elasticsearch.retriever import ElasticsearchHybridRetriever
    from llama_index_prod_rag.retrievers.hybrid import HybridFusionRetriever
    from llama_index_prod_rag.trace.records import tracing

_HOMES = {
    "AccessPolicy": "retrievers.access",
    "Principal": "retrievers.access",
    "acting_as": "retrievers.access",
    "BM25FRetriever": "retrievers.bm25",
    "CalibratedAssessor": "confidence.calibrated",
    "Calibration": "confidence.calibration",
    "ConfidenceGatedQueryEngine": "query_engine.gated",
    "CrossEncoderRerank": "postprocessor.cross_encoder",
    "DocumentAwareNodeParser": "node_parser.document_aware",
    "ElasticsearchHybridRetriever": "retrievers.elasticsearch.retriever",
    "HybridFusionRetriever": "retrievers.hybrid",
    "QueryLog": "query_log.store",
    "QueryLogHandler": "query_log.handler",
    "SemanticChunker": "node_parser.semantic",
    "TextbookAssessor": "confidence.textbook",
    "calibrate": "confidence.fitting",
    "tracing": "trace.records",
    "tune_weights": "fusion.tuning",
}

__all__ = [
    "AccessPolicy",
    "BM25FRetriever",
    "CalibratedAssessor",
    "Calibration",
    "ConfidenceGatedQueryEngine",
    "CrossEncoderRerank",
    "DocumentAwareNodeParser",
    "ElasticsearchHybridRetriever",
    "HybridFusionRetriever",
    "Principal",
    "QueryLog",
    "QueryLogHandler",
    "SemanticChunker",
    "TextbookAssessor",
    "__version__",
    "acting_as",
    "calibrate",
    "tracing",
    "tune_weights",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
