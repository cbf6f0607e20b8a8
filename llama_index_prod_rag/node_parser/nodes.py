"""From chunks to LlamaIndex nodes: metadata, offsets in the document, ids and where a node comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llama_index.core.schema import BaseNode, Document, MetadataMode, NodeRelationship, RelatedNodeInfo, TextNode

from llama_index_prod_rag.chunking.heads import Envelope, Head, free_name
from llama_index_prod_rag.chunking.units import Chunk, Plan
from llama_index_prod_rag.structure.places import PLACES, Piece, note_places
from llama_index_prod_rag.text.graphemes import replace_surrogates

_TEMPLATES = ("metadata_template", "metadata_separator", "text_template")


def envelope_of(node: BaseNode, *, inherit: bool, embed_headings: bool) -> Envelope:
    """Find what LlamaIndex embeds around the text of a document's chunks.

    Args:
        node: the document, or what another parser made of it.
        inherit: whether chunks get its metadata.
        embed_headings: whether the heading path is embedded.
    """
    templates = {name: getattr(node, name) for name in _TEMPLATES if hasattr(node, name)}
    return Envelope(
        dict(node.metadata) if inherit else {},
        frozenset(node.excluded_embed_metadata_keys),
        embed_headings=embed_headings,
        **templates,
    )


def node_of(document: BaseNode, text: str, head: Head) -> TextNode:
    """Make a node with a chunk's text and metadata and its document's templates."""
    node = TextNode(
        text=text,
        metadata={key: _copy(value) for key, value in head.metadata.items()},
        excluded_embed_metadata_keys=sorted(head.unembedded),
        excluded_llm_metadata_keys=sorted({*document.excluded_llm_metadata_keys, *head.hidden}),
    )
    for name in _TEMPLATES:
        if hasattr(document, name):
            setattr(node, name, getattr(document, name))
    return node


def _copy(value: object) -> object:
    """A list or dictionary of its own for each node: one that is changed must not change the others."""
    if isinstance(value, list):
        return [_copy(each) for each in value]
    return {key: _copy(each) for key, each in value.items()} if isinstance(value, dict) else value


def nodes_of(document: BaseNode, plan: Plan, chunks: Sequence[Chunk]) -> list[TextNode]:
    """Make a node for each chunk, with its source and its place in the source; without an id of its own yet."""
    origin = _origin(document)
    nodes: list[TextNode] = []
    for chunk in chunks:
        node = node_of(document, plan.reading.render(chunk.start, chunk.end), chunk.head)
        _add_facts(node, plan.reading.facts(chunk.start, chunk.end))
        node.relationships[NodeRelationship.SOURCE] = origin.source
        if origin.offset is not None:
            start, end = plan.reading.origin(chunk.start, chunk.end)
            node.start_char_idx = start + origin.offset
            node.end_char_idx = end + origin.offset
            _note_places(node, plan.reading.places(chunk.start, chunk.end), start)
        nodes.append(node)
    return nodes


def _note_places(node: TextNode, pieces: Sequence[Piece], start: int) -> None:
    """Note where the node's characters stand in a source that reads otherwise."""
    if note := note_places(pieces, len(node.text), start):
        node.metadata[PLACES] = note
        node.excluded_embed_metadata_keys.append(PLACES)
        node.excluded_llm_metadata_keys.append(PLACES)


def _add_facts(node: TextNode, facts: Mapping[str, object]) -> None:
    """Add pages, speakers and the like: for filters and sources, neither embedded nor shown to a language model."""
    for key, value in facts.items():
        name = free_name(key, node.metadata)
        node.metadata[name] = value
        node.excluded_embed_metadata_keys.append(name)
        node.excluded_llm_metadata_keys.append(name)


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a parsed node's text comes from: its document, and how far into it, if that is known."""

    source: RelatedNodeInfo
    offset: int | None


def _origin(node: BaseNode) -> _Origin:
    """The document itself, or for a node that another parser made, its document and its place in it."""
    source = node.source_node
    if source is None:
        return _Origin(_relate(node), 0)
    start, end = getattr(node, "start_char_idx", None), getattr(node, "end_char_idx", None)
    # A node whose text is not the slice it points at (rendered HTML, rewritten text) has no offset to add to.
    exact = start is not None and end is not None and end - start == len(node.get_content(MetadataMode.NONE))
    return _Origin(source, start if exact else None)


def _relate(node: BaseNode) -> RelatedNodeInfo:
    try:
        return node.as_related_node_info()
    except UnicodeEncodeError:  # LlamaIndex's hash of a text with lone surrogates
        text = replace_surrogates(node.get_content(MetadataMode.NONE))
        metadata = {key: replace_surrogates(v) if isinstance(v, str) else v for key, v in node.metadata.items()}
        return Document(text=text, metadata=metadata, id_=node.node_id).as_related_node_info()
