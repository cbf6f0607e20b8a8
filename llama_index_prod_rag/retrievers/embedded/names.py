"""What the nodes of an `EmbeddedStore` are called, kept beside them so that opening it reads none of them."""

from __future__ import annotations

from pathlib import Path

from llama_index_prod_rag.retrievers.embedded.kept import keep, read_kept
from llama_index_prod_rag.retrievers.embedded.store import EmbeddedStore
from llama_index_prod_rag.retrievers.following import StoreFollower
from llama_index_prod_rag.retrievers.named_nodes import NamedNodes
from llama_index_prod_rag.retrievers.stored_nodes import NodesOfStore
from llama_index_prod_rag.text.names import Mentioned

FILE = "names.npz"


def open_names(store: EmbeddedStore) -> NamedNodes:
    """The names of a store's nodes, which follow it: from its folder, where they were kept, else from its nodes."""
    path = None if store.folder is None else Path(store.folder) / FILE
    kept = read_kept(path, store)
    before = kept.upto if kept else -1
    mentioned = Mentioned.from_arrays(kept.arrays, kept.head["ids"], kept.head["names"]) if kept else None
    follower = StoreFollower(store, before)
    named = NamedNodes(NodesOfStore(store), follower, mentioned)
    named.refresh()
    keep(named.save, path, store, before=before, upto=follower.upto, of=len(named))
    return named
