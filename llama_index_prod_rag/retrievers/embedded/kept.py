"""What was worked out from an `EmbeddedStore`'s nodes, kept beside them so that opening it reads no node.

What is kept holds nothing that the nodes do not: a file that is damaged, holds something else, or is of another version
or another store than the one that lies there now, is made again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Protocol, TypeVar

from llama_index_prod_rag._version import __version__
from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.retrievers.embedded.store import EmbeddedStore
from llama_index_prod_rag.retrievers.following import StoreFollower
from llama_index_prod_rag.retrievers.lexical_file import Kept, load_index

_log = logging.getLogger(__name__)

# Kept again when the changes since pass this share of the nodes: taking those over is a matter of milliseconds each.
_MUCH = 0.02


class Following(Protocol):
    """Is made of a store's nodes, and follows them."""

    def ids(self) -> Collection[str]:
        """Ids of the nodes that were taken over so far."""
        ...

    def refresh(self) -> None:
        """Take over what changed in the store."""
        ...

    def save(self, path: Path, **head: Any) -> None:
        """Write it into a file, with what else the head should say."""
        ...


Part = TypeVar("Part")
Made = TypeVar("Made", bound=Following)


def open_kept(
    path: Path | None,
    store: EmbeddedStore,
    *,
    restore: Callable[[Kept], Part],
    make: Callable[[StoreFollower, Part | None], Made],
) -> Made:
    """What follows a store: from a file, where it was kept and can be used, else from the store's nodes.

    Args:
        path: the file; None keeps nothing.
        store: the nodes.
        restore: makes what the file is there for; whatever it raises means that the file holds something else.
        make: makes what follows the store, of that or of nothing.
    """
    before, part = _read(path, store, restore) or (-1, None)
    follower = StoreFollower(store, before)
    made = make(follower, part)
    made.refresh()
    if part is not None and set(made.ids()) != set(store.ids()):
        _log.warning("%s is made again: it is of other nodes", path)
        before, follower = -1, StoreFollower(store)
        made = make(follower, None)
        made.refresh()
    if path is not None and follower.upto - before > _MUCH * len(made.ids()):
        _keep(made, path, store, follower.upto)
    return made


def _read(path: Path | None, store: EmbeddedStore, restore: Callable[[Kept], Part]) -> tuple[int, Part] | None:
    """What a file holds, with the number of the last change that it knows; None where it is not of this store as it is.

    One of another version may split words in another way.
    """

    def read(kept: Kept) -> tuple[int, Part] | None:
        upto = int(kept.head["upto"])
        is_current = kept.head["version"] == __version__ and kept.head["identity"] == store.identity()
        if not is_current or upto > store.last_change():  # begun anew, or from a backup
            return None
        return upto, restore(kept)

    if path is None or not path.is_file():
        return None
    try:
        return load_index(path, read)
    except InputError as error:
        _log.warning("%s is made again: it cannot be used as it is", path)
        _log.debug("%s", error)
        return None


def _keep(made: Following, path: Path, store: EmbeddedStore, upto: int) -> None:
    try:
        made.save(path, version=__version__, identity=store.identity(), upto=upto)
    except OSError as error:  # no rights, no space: questions are answered all the same
        _log.warning("%s cannot be kept (%s): it will be made again", path, error)
