"""Retrieved nodes as the gate sees them: passages to judge, sources to show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from llama_index.core.schema import MetadataMode, NodeWithScore, TextNode

from llama_index_prod_rag.confidence.evidence import Passage
from llama_index_prod_rag.structure.places import PLACES, find_place

_FILE_KEYS = ("file_path", "file_name", "filename", "source", "url")  # what LlamaIndex's readers write, best first
_HEADING_KEYS = ("heading_path", "headings", "header_path")  # this package's parser, LlamaIndex's Markdown one


def text_of(hit: NodeWithScore) -> str:
    """Read the node's own text, without metadata: what the character offsets are about."""
    return hit.node.get_content(metadata_mode=MetadataMode.NONE)


def passages_of(hits: Sequence[NodeWithScore]) -> list[Passage]:
    """Read nodes as passages, in the same order; a score that is missing or not a number becomes None."""
    return [
        Passage(hit.node.node_id, text_of(hit), finite(hit.score), hit.node.embedding, _heading(hit.node.metadata))
        for hit in hits
    ]


def source_of(hit: NodeWithScore) -> dict[str, Any]:
    """Make a node a JSON object that says where its text stands.

    Returns:
        `node_id`, `ref_doc_id`, `file`, `start`, `end` (characters in the document), `heading_path` (a list, from the
        outside in), `text`, `score`; None where the node does not say.
    """
    node, metadata = hit.node, hit.node.metadata
    start, end = (node.start_char_idx, node.end_char_idx) if isinstance(node, TextNode) else (None, None)
    return {
        "node_id": node.node_id,
        "ref_doc_id": node.ref_doc_id,
        "file": _first(metadata, _FILE_KEYS),
        "start": start,
        "end": end,
        "heading_path": _headings(metadata),
        "text": text_of(hit),
        "score": finite(hit.score),
    }


def place_of(hit: NodeWithScore, start: int, end: int) -> tuple[int, int]:
    """Find where a stretch of a node's text stands in its document.

    Args:
        hit: the node.
        start: first character in the node's text.
        end: behind the last one.

    Returns:
        Characters in the document; in the node where it has no place of its own. Where its text is not the document's
        (HTML) and nothing more is known, the place of the whole node.
    """
    first, last = (hit.node.start_char_idx, hit.node.end_char_idx) if isinstance(hit.node, TextNode) else (None, None)
    if first is None or last is None:
        return start, end
    if note := hit.node.metadata.get(PLACES):
        begin, until = find_place(str(note), start, end)
        return first + begin, first + until
    return (first + start, first + end) if last - first == len(text_of(hit)) else (first, last)


def finite(value: float | None) -> float | None:
    """Make a number a Python float that JSON can hold, or None."""
    return float(value) if value is not None and math.isfinite(value) else None


def _first(metadata: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    value = next((metadata[key] for key in keys if metadata.get(key)), None)
    return None if value is None else str(value)


def _heading(metadata: Mapping[str, Any]) -> str:
    title = metadata.get("title")
    return "\n".join([*([str(title)] if title else []), *_headings(metadata)])


def _headings(metadata: Mapping[str, Any]) -> list[str]:
    """Read the heading path from the outside in; LlamaIndex's own parsers write one string, which is one step."""
    value: object = next((metadata[key] for key in _HEADING_KEYS if metadata.get(key)), [])
    return [str(step) for step in value] if isinstance(value, (list, tuple)) else [str(value)]
