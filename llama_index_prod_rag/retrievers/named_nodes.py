"""Nodes by what they are called: which of them a passage names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from llama_index.core.schema import BaseNode, MetadataMode
from llama_index.core.vector_stores.types import MetadataFilters

from llama_index_prod_rag.locked import Locked
from llama_index_prod_rag.retrievers.filters import metadata_test
from llama_index_prod_rag.retrievers.following import Follower, IndexFollower
from llama_index_prod_rag.retrievers.lexical_file import save_index
from llama_index_prod_rag.retrievers.stored_nodes import HeldNodes
from llama_index_prod_rag.structure.definitions import find_definitions
from llama_index_prod_rag.text.names import Mentioned
from llama_index_prod_rag.text.pointers import file_name_of, headings_of, names_inside, places_of, pointers_in
from llama_index_prod_rag.trace.records import Link

# Passages that one hop leads to, strongest links first: a heading that every file has ("Usage") would add thousands,
# and a reranker would read them. The five best of BM25 lead to at most 9 in hotpotqa, scifact and cranfield, and to
# more than 20 for 12 of 500 questions in cosqa (37 at most).
_MOST_LINKED = 20


class NamedNodes(Locked):
    """Nodes by what they are called; safe to share between threads.

    Args:
        nodes: where the nodes are; None keeps them here.
        follower: tells what changed in the index whose nodes these are.
        mentioned: names of the nodes that were taken over so far; None for none.
    """

    def __init__(
        self, nodes: HeldNodes | None = None, follower: Follower | None = None, mentioned: Mentioned | None = None
    ) -> None:
        super().__init__()
        self._mentioned = mentioned or Mentioned()
        self._nodes = nodes or HeldNodes()
        self._follower = follower or IndexFollower()

    def __len__(self) -> int:
        return len(self._mentioned.owners())

    def ids(self) -> Collection[str]:
        """Ids of the nodes that were taken over so far."""
        return self._mentioned.owners()

    def put(self, nodes: Iterable[BaseNode]) -> None:
        """Add nodes; one whose id is there already replaces it."""
        with self._lock:
            for node in nodes:
                self._nodes.put(node)
                places = places_of(_text_of(node), node.metadata, node.ref_doc_id)
                self._mentioned.add(node.node_id, names_of(node), places)

    def refresh(self, *, everything: bool = False) -> None:
        """Take over what changed in the index that is followed."""
        with self._lock:
            changes = self._follower.changes(self._mentioned.owners(), everything=everything)
            for node_id in changes.gone:
                self._nodes.remove(node_id)
                self._mentioned.discard(node_id)
            self.put(changes.nodes)

    def find_linked(
        self, passages: Sequence[BaseNode], hops: int, filters: MetadataFilters | None = None
    ) -> dict[str, tuple[BaseNode, Link]]:
        """Copies of nodes that passages name, each with the first link to it; further hops halve its strength.

        A passage is linked to by those before it alone: where two name one another, the first leads to the second. What
        the filters exclude is neither found nor followed further, and of many links a hop keeps the strongest.
        """
        with self._lock:
            self.refresh()
            found: dict[str, tuple[BaseNode, Link]] = {}
            seen: set[str] = set()
            frontier, share = list(passages), 1.0
            for _ in range(hops):
                here = dict[str, Link]()
                for passage in frontier:
                    seen.add(passage.node_id)
                    for node_id, link in self._find_named(passage, share):
                        if node_id not in seen:
                            here.setdefault(node_id, link)
                here = _keep_strongest(self._leave_permitted(here, filters))
                nodes = self._nodes.copies(list(here))
                there = {node_id: (nodes[node_id], link) for node_id, link in here.items() if node_id in nodes}
                found = {**there, **found}
                frontier, share = [node for node, _ in there.values()], share / 2
            return found

    def save(self, path: Path, **head: Any) -> None:
        """Write the names into a file, with what else the head should say.

        Raises:
            OSError: no rights, no space; an older file is untouched.
        """
        with self._lock:
            arrays, ids, names = self._mentioned.to_arrays()
        save_index(path, {**head, "ids": ids, "names": names}, (), arrays)

    def _leave_permitted(self, links: dict[str, Link], filters: MetadataFilters | None) -> dict[str, Link]:
        if filters is None:
            return links
        passes, metadata = metadata_test(filters), self._nodes.metadata()
        return {id_: link for id_, link in links.items() if id_ in metadata and passes(metadata[id_])}

    def _find_named(self, passage: BaseNode, share: float) -> list[tuple[str, Link]]:
        text = _text_of(passage)
        mentions = self._mentioned.find_places(text, pointers_in(text, passage.ref_doc_id))
        return [
            (node_id, Link(passage.node_id, share * strength, start))
            for node_id, (strength, start) in mentions.items()
            if node_id != passage.node_id
        ]


def _keep_strongest(links: Mapping[str, Link]) -> dict[str, Link]:
    return dict(sorted(links.items(), key=lambda pair: -pair[1].strength)[:_MOST_LINKED])


def names_of(node: BaseNode) -> list[str]:
    """What a node is called: its title, its last heading, its file's name, and the terms, functions and ids it defines.

    Examples:
        >>> from llama_index.core.schema import TextNode
        >>> names_of(TextNode(text="", metadata={"title": "Ed Wood", "file_path": "films/ed-wood.md"}))
        ['Ed Wood', 'ed-wood.md']
        >>> names_of(TextNode(text='"Late Fee" means 5 euros.'))
        ['Late Fee']
    """
    metadata, text = node.metadata, _text_of(node)
    terms = [definition.term for definition in find_definitions(text)]
    inside = names_inside(text, metadata, node.ref_doc_id or node.node_id)
    called = (metadata.get("title"), *headings_of(metadata)[-1:], file_name_of(metadata), *terms, *inside)
    return [str(name) for name in called if name]


def _text_of(node: BaseNode) -> str:
    return node.get_content(metadata_mode=MetadataMode.NONE)
