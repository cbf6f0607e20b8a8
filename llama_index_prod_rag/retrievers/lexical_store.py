"""Nodes under a BM25F index, following the LlamaIndex index they come from, kept on disk on request."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from llama_index.core.schema import BaseNode, MetadataMode
from llama_index.core.storage.docstore.utils import doc_to_json, json_to_doc
from llama_index.core.vector_stores.types import MetadataFilters

from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.lexical.bm25_index import BM25FIndex
from llama_index_prod_rag.locked import Locked
from llama_index_prod_rag.retrievers.following import Follower, IndexFollower
from llama_index_prod_rag.retrievers.lexical_file import FILE, Kept, load_index, save_index
from llama_index_prod_rag.retrievers.stored_nodes import HeldNodes
from llama_index_prod_rag.text.analysis import Analyzer

TEXT = "text"
METADATA = "metadata"
_TITLE = "title"  # searched by default, and many collections have none


@dataclass(frozen=True, slots=True)
class LexicalSettings:
    """What decides how nodes are indexed.

    Attributes:
        fields: what is indexed, each with an optional weight (`title^2`): `text` is the node's text, `metadata` every
            metadata value the embedder sees and that is not a field of its own, any other name is a metadata key.
        language: as `Analyzer` takes it.
        stemming: reduce words to their stems.
        stop_words: drop the most frequent words of the language.
        k1: saturation of term frequency.
        b: strength of length normalisation.

    Raises:
        ConfigurationError: a field, a parameter or the language makes no sense.
    """

    fields: tuple[str, ...]
    language: str = "english"
    stemming: bool = True
    stop_words: bool = True
    k1: float = 1.5
    b: float = 0.75

    def __post_init__(self) -> None:
        parse_fields(self.fields)
        self.analyzer()
        self.new_index()

    def analyzer(self) -> Analyzer:
        """Make the analyzer that turns text into terms under these settings."""
        return Analyzer(self.language, self.stemming, self.stop_words)

    def new_index(self) -> BM25FIndex:
        """Make an empty index with these settings."""
        return BM25FIndex(k1=self.k1, b=self.b)


def parse_fields(fields: Sequence[str]) -> dict[str, float]:
    """Weights of fields written as `name` or `name^weight`.

    Raises:
        ConfigurationError: no field, one twice, or a weight that is not above 0.

    Examples:
        >>> parse_fields(["title^2", "text"])
        {'title': 2.0, 'text': 1.0}
    """
    weights: dict[str, float] = {}
    for field in fields:
        name, _, weight = field.partition("^")
        try:
            value = float(weight) if weight else 1.0
        except ValueError:
            value = 0.0
        if not name or name in weights or not 0.0 < value < float("inf"):
            raise ConfigurationError(f"{field!r} in fields: write each name once, with a weight above 0: 'title^2'")
        weights[name] = value
    if not weights:
        raise ConfigurationError("fields is empty: give at least 'text'")
    return weights


def field_text(node: BaseNode, field: str, fields: Container[str]) -> str:
    """What a node holds in a field, as text; empty where it has no such field."""
    if field == TEXT:
        return node.get_content(metadata_mode=MetadataMode.NONE)
    if field == METADATA:
        hidden = getattr(node, "excluded_embed_metadata_keys", ())
        shown = (value for key, value in node.metadata.items() if key not in hidden and key not in fields)
        return "\n".join(map(_as_text, shown))
    return _as_text(node.metadata.get(field))


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return " ".join(map(_as_text, value)) if isinstance(value, list | tuple | set) else str(value)


class LexicalStore(Locked):
    """Nodes by id under a BM25F index; safe to share between threads.

    Args:
        settings: how nodes are indexed.
        follower: tells what changed in the index whose nodes these are; before each search it is taken over.
        nodes: where the nodes are; None keeps them here.
        index: of the nodes that were taken over so far; None for none.
    """

    def __init__(
        self,
        settings: LexicalSettings,
        follower: Follower | None = None,
        nodes: HeldNodes | None = None,
        index: BM25FIndex | None = None,
    ) -> None:
        super().__init__()
        self.settings = settings
        self._fields = parse_fields(settings.fields)
        self._analyzer = settings.analyzer()
        self._index = index or settings.new_index()
        self._nodes = nodes or HeldNodes()
        self._follower = follower or IndexFollower()

    def __len__(self) -> int:
        return len(self._index)

    def ids(self) -> Collection[str]:
        """Ids of the nodes that were taken over so far."""
        return self._index.ids()

    def put(self, nodes: Iterable[BaseNode]) -> None:
        """Add nodes; one whose id is there already replaces it."""
        with self._lock:
            for node in nodes:
                texts = ((field_text(node, name, self._fields), weight) for name, weight in self._fields.items())
                self._index.put(node.node_id, [(self._analyzer.index_terms(text), weight) for text, weight in texts])
                self._nodes.put(node)

    def find_unfilled(self) -> list[str]:
        """List the fields of a name of the user's own that no node has; none while there are no nodes."""
        own = [name for name in self._fields if name not in (TEXT, METADATA, _TITLE)]
        if not own:  # a store on disk would have to read all metadata
            return []
        with self._lock:
            metadata = list(self._nodes.metadata().values())
        return [name for name in own if metadata and not any(name in of_node for of_node in metadata)]

    def remove(self, node_ids: Iterable[str]) -> None:
        """Forget nodes; unknown ids are ignored."""
        with self._lock:
            for node_id in node_ids:
                self._index.remove(node_id)
                self._nodes.remove(node_id)

    def search(self, query: str, top_k: int, filters: MetadataFilters | None) -> list[tuple[BaseNode, float]]:
        """The best nodes that pass the filters and hold a term of the query, with scores above 0.

        The nodes are copies: a postprocessor may change them.
        """
        with self._lock:
            self.refresh()
            allowed = None if filters is None else self._nodes.passing(filters)
            found = self._index.search(self._analyzer.terms(query), top_k, allowed=allowed)
        nodes = self._nodes.copies([node_id for node_id, _ in found])
        return [(nodes[node_id], score) for node_id, score in found if node_id in nodes]

    def score(self, query: str, node_ids: Iterable[str]) -> dict[str, float]:
        """Scores of given nodes, 0 where no term matches; unknown ids are left out."""
        with self._lock:
            self.refresh()
            return self._index.score(self._analyzer.terms(query), node_ids)

    def refresh(self, *, everything: bool = False) -> None:
        """Take over what changed in the index that is followed.

        Args:
            everything: read every node again, also those that look unchanged: a docstore that is not in memory does
                not show that the text under an id has been replaced.
        """
        with self._lock:
            changes = self._follower.changes(self._index.ids(), everything=everything)
            self.remove(changes.gone)
            self.put(changes.nodes)

    def persist(self, folder: Path) -> None:
        """Write settings, nodes and index into a folder: one file, put in place whole; nothing in it is a pickle."""
        with self._lock:
            self.refresh()
            nodes = [doc_to_json(node) for node in self._nodes.copies(list(self._index.ids())).values()]
            self.save(folder / FILE, nodes)

    def save(self, path: Path, nodes: Sequence[Mapping[str, Any]] = (), **head: Any) -> None:
        """Write settings and index into a file, with the nodes given and what else the head should say.

        Raises:
            OSError: no rights, no space; an older file is untouched.
        """
        with self._lock:
            arrays, ids, vocabulary = self._index.to_arrays()
        save_index(
            path, {**head, "settings": asdict(self.settings), "ids": ids, "vocabulary": vocabulary}, nodes, arrays
        )

    @classmethod
    def load(cls, folder: Path) -> LexicalStore:
        """Load what `persist` wrote; it follows no index.

        Raises:
            InputError: the folder does not hold it whole, or holds a format this version does not read.
        """
        return load_index(folder / FILE, cls._of)

    @classmethod
    def _of(cls, kept: Kept) -> LexicalStore:
        settings = LexicalSettings(**{**kept.head["settings"], "fields": tuple(kept.head["settings"]["fields"])})
        store = cls(settings, index=make_index(settings, kept))
        for node in map(json_to_doc, kept.nodes):
            store._nodes.put(node)
        if store._nodes.metadata().keys() != store.ids():
            raise InputError("it holds other nodes than were indexed")
        return store


def make_index(settings: LexicalSettings, kept: Kept) -> BM25FIndex:
    """The index that a file holds.

    Raises:
        InputError: it holds something else.
    """
    return BM25FIndex.from_arrays(kept.arrays, kept.head["ids"], kept.head["vocabulary"], k1=settings.k1, b=settings.b)
