"""What is embedded with a chunk beside its text, and how many tokens that takes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from llama_index.core.schema import BaseNode, MetadataMode, TextNode

from llama_index_prod_rag.text.graphemes import without_surrogates
from llama_index_prod_rag.text.tokens import TokenCounter

_logger = logging.getLogger(__name__)

HEADING_PATH = "heading_path"
"""Metadata key of the heading path as a list; never embedded."""

HEADINGS = "headings"
"""Metadata key of the heading path as people read it; embedded with the text."""

_SEPARATOR = " > "
_FOR_FILTERS = frozenset({HEADING_PATH, "numbering"})
"""Keys that repeat in lists what `headings` says: never embedded, never shown."""


@dataclass(frozen=True, slots=True)
class ChunkMetadata:
    """Metadata of one chunk, and what of it stays out of the text that is embedded or shown to a language model."""

    values: Mapping[str, object]
    excluded_embed: tuple[str, ...]
    excluded_llm: tuple[str, ...]
    tokens: int


class EmbeddedMetadata:
    """Makes chunks' metadata from their document's, their heading path and their blocks' facts.

    Metadata may take half of `chunk_size`. Past that, keys leave the embedded text, longest first, with a warning;
    their values stay where they are. A heading path past a quarter loses its outermost steps in `headings` alone.
    """

    def __init__(
        self, node: BaseNode, counter: TokenCounter, chunk_size: int, *, inherit: bool, embed_headings: bool
    ) -> None:
        self._node, self._counter, self._target = node, counter, chunk_size
        self._inherited: dict[str, object] = dict(node.metadata) if inherit else {}
        self._embed_headings = embed_headings
        self._known: dict[tuple[tuple[str, ...], str], ChunkMetadata] = {}
        self._named: set[str] = set()

    def overhead(self, path: tuple[str, ...], facts: Mapping[str, object]) -> int:
        """Tokens of the metadata that a chunk with this path and these facts is embedded with."""
        return self.of(path, facts).tokens

    def of(self, path: tuple[str, ...], facts: Mapping[str, object]) -> ChunkMetadata:
        """Metadata of a chunk with this heading path and these facts."""
        key = (path, repr(facts))
        if key not in self._known:
            self._known[key] = self._make(path, facts)
        return self._known[key]

    def _make(self, path: tuple[str, ...], facts: Mapping[str, object]) -> ChunkMetadata:
        values = {**self._inherited, **facts}
        excluded = set(self._node.excluded_embed_metadata_keys)
        hidden = set(self._node.excluded_llm_metadata_keys)
        if path:
            values[HEADING_PATH] = list(path)
            values[HEADINGS] = self._readable(path)
        excluded |= _FOR_FILTERS & values.keys()
        hidden |= _FOR_FILTERS & values.keys()
        if path and not self._embed_headings:
            excluded.add(HEADINGS)
        tokens = self._tokens(values, excluded)
        if tokens > self._target // 2:
            tokens = self._shorten(values, excluded, tokens)
        return ChunkMetadata(values, tuple(sorted(excluded)), tuple(sorted(hidden)), tokens)

    def _readable(self, path: tuple[str, ...]) -> str:
        for first in range(len(path)):
            text = _SEPARATOR.join(path[first:])
            if self._counter.count([text])[0] <= self._target // 4 or first == len(path) - 1:
                return text
        return ""

    def _shorten(self, values: Mapping[str, object], excluded: set[str], tokens: int) -> int:
        """Exclude keys, longest first, until the rest takes at most half of `chunk_size`."""
        candidates = sorted((key for key in values if key not in excluded), key=lambda key: -len(str(values[key])))
        dropped: list[str] = []
        for key in candidates:
            if tokens <= self._target // 2:
                break
            excluded.add(key)
            dropped.append(key)
            tokens = self._tokens(values, excluded)
        if fresh := [key for key in dropped if key not in self._named]:
            self._named.update(fresh)
            _logger.warning(
                "metadata of %s is too long to embed with chunks of %d tokens; left out of the embedded text: %s. "
                "Exclude these keys yourself (excluded_embed_metadata_keys) or raise chunk_size.",
                self._node.node_id,
                self._target,
                ", ".join(fresh),
            )
        return tokens

    def _tokens(self, values: Mapping[str, object], excluded: set[str]) -> int:
        shown = self.node("", ChunkMetadata(values, tuple(excluded), (), 0)).get_content(MetadataMode.EMBED)
        return self._counter.count([without_surrogates(shown)])[0]

    def node(self, text: str, metadata: ChunkMetadata) -> TextNode:
        """A node with this text and metadata, and the document's templates."""
        node = TextNode(
            text=text,
            metadata=dict(metadata.values),
            excluded_embed_metadata_keys=list(metadata.excluded_embed),
            excluded_llm_metadata_keys=list(metadata.excluded_llm),
        )
        for name in ("metadata_template", "metadata_separator", "text_template"):
            if hasattr(self._node, name):
                setattr(node, name, getattr(self._node, name))
        return node
