"""Chunks of prose that stay on one topic, under a hard token budget."""

from __future__ import annotations

from dataclasses import replace

from llama_index.core.schema import BaseNode

from llama_index_prod_rag.chunking.units import Budget
from llama_index_prod_rag.node_parser.base import ChunkingParser
from llama_index_prod_rag.structure.registry import Reading
from llama_index_prod_rag.structure.tree import Block
from llama_index_prod_rag.structure.view import PlainReading


class SemanticChunker(ChunkingParser):
    """Cuts text into chunks of whole sentences where the topic turns, none over `chunk_size` tokens.

    Sentences are units, each embedded once; dynamic programming finds the boundaries that keep each chunk's centroid
    close to its sentences and sizes even. Without an embedding model paragraphs and sizes decide alone, which costs
    little quality (see the chunking benchmark).

    Args:
        chunk_size: most tokens of a chunk, in the embedder's own tokens, with the metadata embedded with it. Chunks
            have about 0.6 of it on average. Leave the embedder two tokens for its special ones.
        chunk_overlap: most tokens of whole sentences repeated from the chunk before; at most half of `chunk_size`.
        min_size: smaller chunks are merged with a neighbor where that fits; None: 20, half of small chunk sizes.
        embed_model: any LlamaIndex embedding model; None for structure and size alone.
        cohesion: weight of likeness against even sizes, at least 0.
        tokenizer: whose tokens are counted: `"auto"` (the embedding model's, else an estimate), `"offline"`, a folder,
            a hub name, `"tiktoken:cl100k_base"`, or `"simple"` (the estimate).
        embed_headings: embed the heading path with the text, where an earlier parser found one.
        id_func: (index, document) -> node id; the default gives a document's chunks the same ids every time.

    Raises:
        ConfigurationError: sizes contradict each other.
        ModelError: the tokenizer cannot be found.

    Examples:
        >>> from llama_index.core import Document
        >>> text = "Owls hunt at night. They hear well. " * 3
        >>> nodes = SemanticChunker(chunk_size=20, min_size=4)([Document(text=text)])
        >>> all(text[node.start_char_idx : node.end_char_idx] == node.text for node in nodes), len(nodes)
        (True, 2)
    """

    @classmethod
    def class_name(cls) -> str:
        """Name in serialised form and in the ingestion cache's key."""
        return "ProdRagSemanticChunker"

    def _budget(self) -> Budget:
        return replace(super()._budget(), sentences=True)

    def read(self, node: BaseNode, text: str) -> Reading:  # noqa: ARG002 - the base's signature
        """Read a text as one block, whatever its format, so that sentences decide alone."""
        return PlainReading(Block("document", 0, len(text)), text)
