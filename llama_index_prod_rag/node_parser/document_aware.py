"""Chunks along a document's own structure: sections, tables, lists, code, clauses."""

from __future__ import annotations

from collections.abc import Sequence

from llama_index.core.bridge.pydantic import Field, field_validator
from llama_index.core.schema import BaseNode, TextNode

from llama_index_prod_rag.chunking.heads import free_name
from llama_index_prod_rag.chunking.units import Chunk, Plan
from llama_index_prod_rag.node_parser.base import ChunkingParser
from llama_index_prod_rag.node_parser.hierarchy import cut_sections
from llama_index_prod_rag.node_parser.nodes import nodes_of
from llama_index_prod_rag.structure.definitions import find_definitions, select_used_definitions
from llama_index_prod_rag.structure.formats import detect_format, read
from llama_index_prod_rag.structure.registry import AUTO, Reading, find_format
from llama_index_prod_rag.structure.view import PlainReading

DEFINITIONS = "definitions"
"""Metadata key of the definitions of terms that a chunk uses; shown to language models, never embedded."""


class DocumentAwareNodeParser(ChunkingParser):
    r"""Cuts each document by what it is: Markdown, HTML, code, legal text, a paper, RST, LaTeX, or plain prose.

    A section, table, list, function or clause that fits stays whole; neighbours are merged up to the budget; what does
    not fit is cut at the cheapest place. The heading path is in the metadata and embedded with the text.

    Args:
        chunk_size: most tokens of a chunk, in the embedder's own tokens, with the metadata embedded with it.
        chunk_overlap: most tokens of whole sentences repeated from the chunk before, where prose was cut.
        min_size: smaller chunks are merged with a neighbor where that fits; None: 20, half of small chunk sizes.
        format: a format for all documents, or `"auto"`: by metadata, file extension or content. Add your own with
            `structure.register_format`.
        language: programming language of source code, where metadata does not say.
        embed_model: any LlamaIndex embedding model, to cut long prose where the topic turns; None for structure alone.
        cohesion: weight of likeness against even sizes where long prose is cut, at least 0.
        tokenizer: whose tokens are counted: `"auto"` (the embedding model's, else an estimate), `"offline"`, a folder,
            a hub name, `"tiktoken:cl100k_base"`, or `"simple"` (the estimate).
        embed_headings: embed the heading path with the text.
        id_func: (index, document) -> node id; the default gives a document's chunks the same ids every time.
        include_parents: also return a node for each section that was cut, with CHILD relations; its chunks get PARENT.
        define_terms: add `metadata["definitions"]` to chunks that use terms defined elsewhere in their document, as
            `"Fee" means ...` or `Acme Inc. (the "Seller")`: the passages that define them, one per line. They are shown
            to a language model and not embedded, so that they take nothing from the budget.

    Raises:
        ConfigurationError: sizes contradict each other, or the format is not known.
        ModelError: the tokenizer cannot be found.

    Examples:
        >>> from llama_index.core import Document
        >>> text = "# Guide\n\nWhat it is for.\n\n## Install\n\nRun it and wait.\n\n## Use\n\nCall it from a shell."
        >>> nodes = DocumentAwareNodeParser(chunk_size=20, min_size=2)([Document(text=text)])
        >>> [(node.metadata["headings"], node.text) for node in nodes][1]
        ('Guide > Install', '## Install\n\nRun it and wait.')
    """

    format: str = Field(default=AUTO, description="'auto', or the format of all documents.")
    language: str | None = Field(default=None, description="Programming language of source code, where not named.")
    include_parents: bool = Field(
        default=False,
        description="Also return a node for each section that was cut, with CHILD relations; its chunks get PARENT.",
    )
    define_terms: bool = Field(
        default=False, description="Put the definitions of the terms a chunk uses into its metadata, not embedded."
    )

    @field_validator("format")
    @classmethod
    def _check_format(cls, value: str) -> str:
        return value if value == AUTO else find_format(value).name

    @classmethod
    def class_name(cls) -> str:
        """Name in serialised form and in the ingestion cache's key."""
        return "ProdRagDocumentAwareNodeParser"

    def read(self, node: BaseNode, text: str) -> Reading:
        """Read a document by its format: the tree of blocks it is cut along, and how slices of it read."""
        found, language = detect_format(text, node.metadata, _media_type(node))
        return read(text, found if self.format == AUTO else self.format, language or self.language)

    def _build(self, document: BaseNode, plan: Plan, chunks: Sequence[Chunk]) -> list[TextNode]:
        nodes = super()._build(document, plan, chunks)
        if self.define_terms and isinstance(plan.reading, PlainReading):
            _define_terms(nodes, chunks, plan.reading.text)
        return nodes

    def _sections(self, document: BaseNode, plan: Plan) -> list[TextNode]:
        """A node for each titled block that was cut."""
        if not self.include_parents:
            return []
        whole = [Chunk(owners[-1].start, owners[-1].end, plan.head_of(owners)) for owners in cut_sections(plan.units)]
        return nodes_of(document, plan, whole)


def _media_type(node: BaseNode) -> str | None:
    """A document's own media type; `text/plain`, the default of text nodes, tells nothing."""
    return getattr(getattr(node, "text_resource", None), "mimetype", None) or getattr(node, "mimetype", None)


def _define_terms(nodes: Sequence[TextNode], chunks: Sequence[Chunk], text: str) -> None:
    """Put the definitions that a chunk uses and does not hold itself into its metadata."""
    definitions = find_definitions(text)
    for node, chunk in zip(nodes, chunks, strict=True):
        used = select_used_definitions(node.text, definitions)
        away = [each for each in used if not (chunk.start <= each.start and each.end <= chunk.end)]
        if away:
            key = free_name(DEFINITIONS, node.metadata)
            node.metadata[key] = "\n".join(dict.fromkeys(text[each.start : each.end] for each in away))
            node.excluded_embed_metadata_keys.append(key)
