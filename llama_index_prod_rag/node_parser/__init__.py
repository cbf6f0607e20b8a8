"""Chunking as LlamaIndex node parsers: structure first, then semantics, under a hard token budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama_index_prod_rag._lazy import export

if TYPE_CHECKING:
    from llama_index_prod_rag.node_parser.base import ChunkingParser
    from llama_index_prod_rag.node_parser.document_aware import DocumentAwareNodeParser
    from llama_index_prod_rag.node_parser.semantic import SemanticChunker

_HOMES = {"ChunkingParser": "base", "DocumentAwareNodeParser": "document_aware", "SemanticChunker": "semantic"}

__getattr__, __dir__ = export(__name__, _HOMES)

__all__ = ["ChunkingParser", "DocumentAwareNodeParser", "SemanticChunker"]
