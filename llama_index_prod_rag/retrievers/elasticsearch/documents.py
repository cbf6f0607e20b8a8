"""Nodes as documents of an index, and back: LlamaIndex's own layout, or a user's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llama_index.core.schema import BaseNode, MetadataMode, TextNode
from llama_index.core.vector_stores.utils import metadata_dict_to_node, node_to_metadata_dict

from llama_index_prod_rag.retrievers.elasticsearch.encodable import make_encodable, make_encodable_json
from llama_index_prod_rag.retrievers.elasticsearch.responses import Hit
from llama_index_prod_rag.retrievers.elasticsearch.stored import values_at

_NODE_CONTENT = "_node_content"


def node_document(node: BaseNode, *, text_field: str, title_field: str | None, vector_field: str) -> dict[str, Any]:
    """The document of a node, as `ElasticsearchStore` writes it, and its title as a field of its own.

    Lone surrogates become U+FFFD, and metadata numbers that are not finite null: the server keeps both, and then
    cannot be read.

    Args:
        node: a node; its embedding becomes the vector, if it has one.
        text_field: field for the text.
        title_field: field for `node.metadata["title"]`, so that it can be boosted; None leaves it in the metadata.
        vector_field: field for the embedding.
    """
    document: dict[str, Any] = {
        text_field: make_encodable(node.get_content(metadata_mode=MetadataMode.NONE)),
        "metadata": _stored_metadata(node_to_metadata_dict(node, remove_text=True)),
    }
    if node.embedding is not None:
        document[vector_field] = node.embedding
    if title_field is not None and isinstance(title := node.metadata.get("title"), str):
        document[title_field] = make_encodable(title)
    return document


def hit_node(hit: Hit, *, text_field: str, metadata_field: str | None) -> BaseNode:
    """Make the node that a hit of the server stands for.

    A document that LlamaIndex wrote becomes the node it was. Any other becomes a `TextNode` with the document's id,
    its text, and every other field as metadata.

    Args:
        hit: a hit with its source.
        text_field: field with the text; several texts are joined by line feeds, a missing one is empty.
        metadata_field: object that holds metadata; None when they are fields of the document itself.

    Examples:
        >>> source = {"body": "Lift.", "year": 1958, "metadata": {"author": "Küchemann"}}
        >>> node = hit_node(Hit("7", 1.0, source), text_field="body", metadata_field="metadata")
        >>> node.node_id, node.text, node.metadata
        ('7', 'Lift.', {'year': 1958, 'author': 'Küchemann'})
    """
    text = make_encodable(source_text(hit, text_field))
    metadata = hit.source.get(metadata_field) if metadata_field else None
    if isinstance(metadata, Mapping) and _NODE_CONTENT in metadata:
        node = metadata_dict_to_node(_stored_metadata(metadata), text=text)
        return node.model_copy(update={"id_": hit.id}) if hit.shared else node
    own = {name: value for name, value in hit.source.items() if name not in (text_field, metadata_field)}
    joined = {**own, **metadata} if isinstance(metadata, Mapping) else own
    return TextNode(id_=hit.id, text=text, metadata=make_encodable(joined))


def source_text(hit: Hit, text_field: str) -> str:
    r"""The text of a hit, whether it is one string, a list of them, or inside of an object.

    Examples:
        >>> source_text(Hit("7", 1.0, {"page": {"body": ["Lift.", "Drag."]}}), "page.body")
        'Lift.\nDrag.'
    """
    return "\n".join(str(value) for value in values_at(hit.source, text_field))


def _stored_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    content = metadata.get(_NODE_CONTENT)
    clean: dict[str, Any] = make_encodable(metadata)
    return {**clean, _NODE_CONTENT: make_encodable_json(content)} if isinstance(content, str) else clean
