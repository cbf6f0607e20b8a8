"""The lexical leg of an `EmbeddedStore`, kept beside its nodes so that opening it analyses no text."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from llama_index_prod_rag.retrievers.embedded.kept import open_kept
from llama_index_prod_rag.retrievers.embedded.store import EmbeddedStore
from llama_index_prod_rag.retrievers.lexical_store import LexicalSettings, LexicalStore, make_index
from llama_index_prod_rag.retrievers.stored_nodes import NodesOfStore


def open_lexical(store: EmbeddedStore, settings: LexicalSettings) -> LexicalStore:
    """The leg that follows a store: from its folder, where it was kept with these settings, else from its nodes."""
    return open_kept(
        _path(store, settings),
        store,
        restore=lambda kept: make_index(settings, kept),
        make=lambda follower, index: LexicalStore(settings, follower, NodesOfStore(store), index),
    )


def _path(store: EmbeddedStore, settings: LexicalSettings) -> Path | None:
    if store.folder is None:
        return None
    key = hashlib.sha256(json.dumps(asdict(settings), sort_keys=True).encode()).hexdigest()
    return Path(store.folder) / f"bm25f-{key[:16]}.npz"
