"""How rare terms are in a corpus, kept beside its index: a file that changed is counted, not the corpus."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from llama_index.core.schema import BaseNode, MetadataMode
from pydantic import TypeAdapter

from llama_index_prod_rag.checked_json import dump_checked, parse_checked
from llama_index_prod_rag.durable_files import write_whole
from llama_index_prod_rag.retrievers.embedded.store import EmbeddedStore
from llama_index_prod_rag.text.terms import TermStatistics, content_analyzer

_log = logging.getLogger(__name__)

FILE = "terms.json"


def update_terms(
    folder: Path, store: EmbeddedStore, before: int, gone: Sequence[BaseNode], come: Sequence[BaseNode]
) -> TermStatistics:
    """Terms of all nodes of a store.

    Args:
        folder: where they are kept.
        store: the nodes.
        before: the number of its last change before nodes went and came.
        gone: those that went.
        come: those that came.
    """
    kept = _read(folder, before)
    if kept is not None and not gone and not come:
        return kept
    terms = (
        TermStatistics.from_texts(_texts(store.get_nodes()))
        if kept is None
        else kept.replace(_texts(gone), _texts(come))
    )
    _write(folder, store.last_change(), terms)
    return terms


def _texts(nodes: Sequence[BaseNode]) -> list[str]:
    return [node.get_content(metadata_mode=MetadataMode.NONE) for node in nodes]


def _read(folder: Path, change: int) -> TermStatistics | None:
    """What was counted at a change; None where that is not known."""
    try:
        kept = parse_checked((folder / FILE).read_text(encoding="utf-8"))
        if kept.pop("change") == change:
            return _check(TypeAdapter(TermStatistics).validate_python(kept))
    except (OSError, ValueError, KeyError, RecursionError) as error:
        _log.debug("terms are counted again: %s", error)
    return None


def _check(terms: TermStatistics) -> TermStatistics:
    content_analyzer(terms.language)  # raises where nobody knows it
    if not all(0 < count <= terms.passages for count in terms.frequencies.values()):
        raise ValueError("a term occurs in more passages than there are, or in none")
    return terms


def _write(folder: Path, change: int, terms: TermStatistics) -> None:
    content = {
        "change": change,
        "passages": terms.passages,
        "language": terms.language,
        "frequencies": dict(terms.frequencies),
    }
    try:
        write_whole(folder / FILE, dump_checked(content))
    except OSError as error:  # no rights, no space: the question can be answered all the same
        _log.debug("%s is not kept: %s", FILE, error)
