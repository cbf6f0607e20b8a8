"""What the nodes of an `EmbeddedStore` are called, kept beside them so that opening it reads none of them."""

from __future__ import annotations

from pathlib import Path

from llama_index_prod_rag.retrievers.embedded.kept import open_kept
from llama_index_prod_rag.retrievers.embedded.store import EmbeddedStore
from llama_index_prod_rag.retrievers.named_nodes import NamedNodes
from llama_index_prod_rag.retrievers.stored_nodes import NodesOfStore
from llama_index_prod_rag.text.names import Mentioned

FILE = "names.npz"


def open_names(store: EmbeddedStore) -> NamedNodes:
    """The names of a store's nodes, which follow it: from its folder, where they were kept, else from its nodes."""
    return open_kept(
        None if store.folder is None else Path(store.folder) / FILE,
        store,
        restore=lambda kept: Mentioned.from_arrays(kept.arrays, kept.head["ids"], kept.head["names"]),
        make=lambda follower, mentioned: NamedNodes(NodesOfStore(store), follower, mentioned),
    )
