"""What labels call the passages of a corpus, and what a log of that corpus needs to be read by such labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from llama_index.core.schema import BaseNode, MetadataMode

from llama_index_prod_rag.evaluation.labels import Label
from llama_index_prod_rag.evaluation.report.worst import Describe, Described
from llama_index_prod_rag.text.terms import TermStatistics

_SOURCE_KEYS = ("file_path", "file_name", "filename", "source", "url", "title")


class Names:
    """What people call a passage: its own id, its document's id, its file's path or name, its title.

    Args:
        nodes: every passage of the corpus.

    Examples:
        >>> from llama_index.core.schema import TextNode
        >>> names = Names([TextNode(text="a", id_="n1", metadata={"file_path": "docs/guide/setup.md"})])
        >>> names.relevant({"guide/setup.md": 2}), names.relevant({"n1": 1})
        ({'n1': 2}, {'n1': 1})
    """

    def __init__(self, nodes: Iterable[BaseNode]) -> None:
        self._passages: dict[str, list[str]] = {}
        for node in nodes:
            for name in _names(node):
                self._passages.setdefault(name, []).append(node.node_id)

    def known(self, labeled: Iterable[str]) -> set[str]:
        """Those of the labels' names that name something indexed."""
        return {name for name in labeled if name.removeprefix("./") in self._passages}

    def identify(self, labeled: Iterable[str]) -> Callable[[str], str]:
        """Passage id -> the name that labels use for it: its own, or that of its document or file.

        Args:
            labeled: every name that occurs in the labels; the first of a passage's names among them counts.

        Examples:
            >>> from llama_index.core.schema import TextNode
            >>> nodes = [TextNode(text="a", id_=id_, metadata={"file_name": "a.md"}) for id_ in ("n1", "n2")]
            >>> [Names(nodes).identify(["n1", "a.md"])(id_) for id_ in ("n1", "n2", "unknown")]
            ['n1', 'a.md', 'unknown']
        """
        called: dict[str, str] = {}
        for name in labeled:
            for node_id in self._passages.get(name.removeprefix("./"), ()):
                if name == node_id or node_id not in called:
                    called[node_id] = name
        return lambda node_id: called.get(node_id, node_id)

    def relevant(self, label: Mapping[str, int]) -> dict[str, int]:
        """Node id -> grade, for a label by any of the names; a source stands for all of its passages."""
        grades: dict[str, int] = {}
        for name, grade in label.items():
            for node_id in self._passages.get(name.removeprefix("./"), ()):
                grades[node_id] = max(grade, grades.get(node_id, grade))
        return grades


def _names(node: BaseNode) -> set[str]:
    names = {node.node_id, *filter(None, [node.ref_doc_id])}
    for key in _SOURCE_KEYS:
        if isinstance(value := node.metadata.get(key), str):
            steps = value.replace("\\", "/").split("/")
            names |= {value, *("/".join(steps[start:]) for start in range(len(steps)))}  # any end of a path
    return names - {""}


def _describer(nodes: Sequence[BaseNode]) -> Describe:
    """Tell of each passage its file, its headings and its text; of what is no passage nothing."""
    told = {node.node_id: node for node in nodes}

    def describe(node_id: str) -> Described:
        node = told.get(node_id)
        if node is None:
            return Described()
        file = next((str(node.metadata[key]) for key in _SOURCE_KEYS if node.metadata.get(key)), node.ref_doc_id or "")
        return Described(file, str(node.metadata.get("headings", "")), node.get_content(MetadataMode.NONE))

    return describe


def corpus_settings(nodes: Iterable[BaseNode], labels: Iterable[Label]) -> dict[str, Any]:
    """What the corpus adds to a report: settings of `report.numbers.report_numbers`.

    With them labels may name files and documents, a passage that is not indexed is told from one that was not found,
    and rare entities are told by the whole corpus.

    Args:
        nodes: every passage of the corpus.
        labels: what would be right.
    """
    names = Names(nodes := list(nodes))
    labeled = list(dict.fromkeys(name for label in labels for name in label.relevant))
    texts = (node.get_content(metadata_mode=MetadataMode.NONE) for node in nodes)
    return {
        "identify": names.identify(labeled),
        "corpus": names.known(labeled),
        "corpus_terms": TermStatistics.from_texts(texts),
        "describe": _describer(nodes),
    }
