"""Node ids that are the same whenever a document is parsed again, and that tell parsers and settings apart."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from llama_index.core.schema import BaseNode, TextNode

IdFunction = Callable[[int, BaseNode], str]


def stable_ids(settings: Mapping[str, object]) -> IdFunction:
    """Make the ids of a document's chunks from the document's id and what a parser was told.

    Two parsers, or one parser with other settings, give one document's chunks other ids, so that a store can hold both.

    Examples:
        >>> from llama_index.core.schema import Document
        >>> small, large = stable_ids({"chunk_size": 100}), stable_ids({"chunk_size": 200})
        >>> document = Document(text="", id_="a")
        >>> small(0, document) == stable_ids({"chunk_size": 100})(0, Document(text="other", id_="a"))
        True
        >>> small(0, document) == large(0, document)
        False
    """
    told = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:16]

    def stable_id(i: int, doc: BaseNode) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{doc.node_id}/{told}/{i}"))

    return stable_id


def number(families: Sequence[tuple[BaseNode, Sequence[TextNode]]], id_function: IdFunction) -> None:
    """Give each node the id that the function makes of its number and its document.

    Nodes are numbered through all documents of one id that are parsed in one call, such as the pages of a book.

    Args:
        families: each document with the nodes made of it.
        id_function: (number, document) -> id.
    """
    counted: Counter[str] = Counter()
    for document, nodes in families:
        for node in nodes:
            node.id_ = id_function(counted[document.node_id], document)
            counted[document.node_id] += 1
