"""The lexical leg of an `EmbeddedStore`, kept beside its nodes so that opening it analyses no text."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

from llama_index_prod_rag._version import __version__
from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.lexical.bm25_index import BM25FIndex
from llama_index_prod_rag.retrievers.embedded.store import EmbeddedStore
from llama_index_prod_rag.retrievers.following import StoreFollower
from llama_index_prod_rag.retrievers.lexical_file import load_index
from llama_index_prod_rag.retrievers.lexical_store import LexicalSettings, LexicalStore, make_index
from llama_index_prod_rag.retrievers.stored_nodes import NodesOfStore

_log = logging.getLogger(__name__)

# Kept again when the changes since pass this share of the nodes: taking those over is a matter of milliseconds each.
_MUCH = 0.02


def open_lexical(store: EmbeddedStore, settings: LexicalSettings) -> LexicalStore:
    """The leg that follows a store: from its folder, where it was kept with these settings, else from its nodes.

    What is kept holds nothing that the nodes do not: a file that is damaged, or of another version, is made again.
    """
    path = _path(store, settings)
    index, upto = _load(path, settings, store)
    follower = StoreFollower(store, upto)
    lexical = LexicalStore(settings, follower, NodesOfStore(store), index)
    lexical.refresh()
    if path is not None and follower.upto - upto > _MUCH * len(lexical):
        _keep(lexical, path, identity=store.identity(), upto=follower.upto)
    return lexical


def _path(store: EmbeddedStore, settings: LexicalSettings) -> Path | None:
    if store.folder is None:
        return None
    key = hashlib.sha256(json.dumps(asdict(settings), sort_keys=True).encode()).hexdigest()
    return Path(store.folder) / f"bm25f-{key[:16]}.npz"


def _load(path: Path | None, settings: LexicalSettings, store: EmbeddedStore) -> tuple[BM25FIndex | None, int]:
    """The index, and the number of the last change that it knows; none where it is not of this store as it is."""
    if path is None or not path.is_file():
        return None, -1
    try:
        head, _, arrays = load_index(path)
    except InputError as error:
        _log.warning("the lexical index is made again: %s", error)
        return None, -1
    if head.get("version") != __version__:  # which may split words in another way
        return None, -1
    upto = int(head["upto"])
    if head.get("identity") != store.identity() or upto > store.last_change():  # begun anew, or from a backup
        return None, -1
    return make_index(settings, head, arrays), upto


def _keep(lexical: LexicalStore, path: Path, **head: Any) -> None:
    try:
        lexical.save(path, version=__version__, **head)
    except OSError as error:  # no rights, no space: questions are answered all the same
        _log.warning("the lexical index is not kept in %s (%s): it will be made again", path, error)
