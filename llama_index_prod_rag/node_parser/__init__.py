"""Chunking as LlamaIndex node parsers: structure first, then semantics, under a hard token budget."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llama_index_prod_rag.node_parser.base import ChunkingParser
    from llama_index_prod_rag.node_parser.document_aware import DocumentAwareNodeParser
    from llama_index_prod_rag.node_parser.semantic import SemanticChunker

_HOMES = {"ChunkingParser": "base", "DocumentAwareNodeParser": "document_aware", "SemanticChunker": "semantic"}

__all__ = ["ChunkingParser", "DocumentAwareNodeParser", "SemanticChunker"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
