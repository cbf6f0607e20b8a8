"""Hybrid retrieval over Elasticsearch: the retriever, and helpers that create and fill an index."""

from llama_index_prod_rag.retrievers.elasticsearch.connection import Connection, serializers
from llama_index_prod_rag.retrievers.elasticsearch.index import acreate_index, create_index, index_definition
from llama_index_prod_rag.retrievers.elasticsearch.ingest import IngestOptions, IngestReport, aingest, ingest
from llama_index_prod_rag.retrievers.elasticsearch.retriever import ElasticsearchHybridRetriever
from llama_index_prod_rag.retrievers.elasticsearch.search import SearchOptions

__all__ = [
    "Connection",
    "ElasticsearchHybridRetriever",
    "IngestOptions",
    "IngestReport",
    "SearchOptions",
    "acreate_index",
    "aingest",
    "create_index",
    "index_definition",
    "ingest",
    "serializers",
]
