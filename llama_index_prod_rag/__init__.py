"""LlamaIndex components for retrieval you can trust. The public names, nothing else.

Names are looked up on first use, so importing the package loads no model library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama_index_prod_rag._lazy import export
from llama_index_prod_rag._version import __version__

if TYPE_CHECKING:
    from llama_index_prod_rag.confidence.calibrated import CalibratedAssessor, default_calibration
    from llama_index_prod_rag.confidence.calibration import Calibration, Example
    from llama_index_prod_rag.confidence.fitting import calibrate
    from llama_index_prod_rag.confidence.policy import StatusPolicy
    from llama_index_prod_rag.confidence.textbook import TextbookAssessor
    from llama_index_prod_rag.confidence.verification import SupportPolicy
    from llama_index_prod_rag.errors import ProdRagError
    from llama_index_prod_rag.fusion.tuning import LabeledQuery, tune_weights
    from llama_index_prod_rag.models.embedding import load_embedding
    from llama_index_prod_rag.node_parser.document_aware import DocumentAwareNodeParser
    from llama_index_prod_rag.node_parser.semantic import SemanticChunker
    from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
    from llama_index_prod_rag.postprocessor.versions import NewestVersion
    from llama_index_prod_rag.query_engine.chat import GatedChatEngine
    from llama_index_prod_rag.query_engine.gated import ConfidenceGatedQueryEngine
    from llama_index_prod_rag.query_engine.retry import Retry
    from llama_index_prod_rag.query_log.handler import QueryLogHandler
    from llama_index_prod_rag.query_log.store import QueryLog
    from llama_index_prod_rag.retrievers.access import AccessPolicy, GuardedRetriever, Principal, acting_as
    from llama_index_prod_rag.retrievers.bm25 import BM25FRetriever
    from llama_index_prod_rag.retrievers.dense import DenseRetriever
    from llama_index_prod_rag.retrievers.elasticsearch.retriever import ElasticsearchHybridRetriever
    from llama_index_prod_rag.retrievers.embedded.store import EmbeddedStore
    from llama_index_prod_rag.retrievers.hybrid import HybridFusionRetriever
    from llama_index_prod_rag.trace.records import tracing
    from llama_index_prod_rag.trace.scored_node import ScoredNode

_HOMES = {
    "AccessPolicy": "retrievers.access",
    "BM25FRetriever": "retrievers.bm25",
    "CalibratedAssessor": "confidence.calibrated",
    "Calibration": "confidence.calibration",
    "ConfidenceGatedQueryEngine": "query_engine.gated",
    "CrossEncoderRerank": "postprocessor.cross_encoder",
    "DenseRetriever": "retrievers.dense",
    "DocumentAwareNodeParser": "node_parser.document_aware",
    "ElasticsearchHybridRetriever": "retrievers.elasticsearch.retriever",
    "EmbeddedStore": "retrievers.embedded.store",
    "Example": "confidence.calibration",
    "GatedChatEngine": "query_engine.chat",
    "GuardedRetriever": "retrievers.access",
    "HybridFusionRetriever": "retrievers.hybrid",
    "LabeledQuery": "fusion.tuning",
    "NewestVersion": "postprocessor.versions",
    "Principal": "retrievers.access",
    "ProdRagError": "errors",
    "QueryLog": "query_log.store",
    "QueryLogHandler": "query_log.handler",
    "Retry": "query_engine.retry",
    "ScoredNode": "trace.scored_node",
    "SemanticChunker": "node_parser.semantic",
    "StatusPolicy": "confidence.policy",
    "SupportPolicy": "confidence.verification",
    "TextbookAssessor": "confidence.textbook",
    "acting_as": "retrievers.access",
    "calibrate": "confidence.fitting",
    "default_calibration": "confidence.calibrated",
    "load_embedding": "models.embedding",
    "tracing": "trace.records",
    "tune_weights": "fusion.tuning",
}

__getattr__, __dir__ = export(__name__, _HOMES)

__all__ = [
    "AccessPolicy",
    "BM25FRetriever",
    "CalibratedAssessor",
    "Calibration",
    "ConfidenceGatedQueryEngine",
    "CrossEncoderRerank",
    "DenseRetriever",
    "DocumentAwareNodeParser",
    "ElasticsearchHybridRetriever",
    "EmbeddedStore",
    "Example",
    "GatedChatEngine",
    "GuardedRetriever",
    "HybridFusionRetriever",
    "LabeledQuery",
    "NewestVersion",
    "Principal",
    "ProdRagError",
    "QueryLog",
    "QueryLogHandler",
    "Retry",
    "ScoredNode",
    "SemanticChunker",
    "StatusPolicy",
    "SupportPolicy",
    "TextbookAssessor",
    "__version__",
    "acting_as",
    "calibrate",
    "default_calibration",
    "load_embedding",
    "tracing",
    "tune_weights",
]
