"""What was worked out from an `EmbeddedStore`'s nodes, kept beside them so that opening it reads no node.

What is kept holds nothing that the nodes do not: a file that is damaged, of another version, or of another store than
the one that lies there now, is made again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llama_index_prod_rag._version import __version__
from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.retrievers.embedded.store import EmbeddedStore
from llama_index_prod_rag.retrievers.lexical_file import load_index

_log = logging.getLogger(__name__)

# Kept again when the changes since pass this share of the nodes: taking those over is a matter of milliseconds each.
_MUCH = 0.02


@dataclass(frozen=True, slots=True)
class Kept:
    """Is what a file holds.

    Attributes:
        head: what it says of itself.
        arrays: its arrays.
    """

    head: Mapping[str, Any]
    arrays: Mapping[str, NDArray[np.generic]]

    @property
    def upto(self) -> int:
        """Give the number of the last change that it knows."""
        return int(self.head["upto"])


def read_kept(path: Path | None, store: EmbeddedStore) -> Kept | None:
    """Read a file; None where there is none of this store as it is."""
    if path is None or not path.is_file():
        return None
    try:
        head, _, arrays = load_index(path)
    except InputError as error:
        _log.warning("%s is made again: it cannot be used as it is", path)
        _log.debug("%s", error)
        return None
    if head.get("version") != __version__:  # which may split words in another way
        return None
    kept = Kept(head, arrays)
    if head.get("identity") != store.identity() or kept.upto > store.last_change():  # begun anew, or from a backup
        return None
    return kept


def keep(
    save: Callable[..., None], path: Path | None, store: EmbeddedStore, *, before: int, upto: int, of: int
) -> None:
    """Write a file where enough has changed since it was written.

    Args:
        save: writes it, given its path and what its head says.
        path: of the file; None keeps nothing.
        store: the nodes.
        before: the last change that the file knows.
        upto: the last change that was taken over now.
        of: how many nodes there are.
    """
    if path is None or upto - before <= _MUCH * of:
        return
    try:
        save(path, version=__version__, identity=store.identity(), upto=upto)
    except OSError as error:  # no rights, no space: questions are answered all the same
        _log.warning("%s cannot be kept (%s): it will be made again", path, error)
