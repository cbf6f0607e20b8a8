"""Hybrid retrieval over Elasticsearch: the retriever, and helpers that create and fill an index."""

from llama_index_prod_rag.retrievers.elasticsearch.ingest import (
    IngestOptions,
    IngestReport,
    acreate_index,
    aingest,
    create_index,
    index_definition,
    ingest,
)
from llama_index_prod_rag.retrievers.elasticsearch.retriever import ElasticsearchHybridRetriever

__all__ = [
    "ElasticsearchHybridRetriever",
    "IngestOptions",
    "IngestReport",
    "acreate_index",
    "aingest",
    "create_index",
    "index_definition",
    "ingest",
]
