"""Which indexes of folders stay in the cache: those used last, as far as the room goes.

What was tuned for an index is never deleted: it cannot be made again.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from llama_index_prod_rag.models.disk_cache import MOST_BYTES
from llama_index_prod_rag.retrievers.embedded.node_table import FILE

try:
    import fcntl
except ImportError:  # Windows, which does not delete a file that a process has open: that is the lock there
    fcntl = None  # type: ignore[assignment]

_log = logging.getLogger(__name__)
_IN_USE = "in_use"  # locked by every process that has the index open; its time says when that was last
_MADE_AGAIN = (FILE, "*.sqlite*", "*.npz", "terms.json", "stamp.json")
_claims: dict[Path, IO[bytes]] = {}  # until this process ends: an index may be asked as long


def claim_index(folder: Path) -> None:
    """Keep other processes from deleting an index, and note that it is used now."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if folder not in _claims:
            _claims[folder] = (folder / _IN_USE).open("ab")
            _lock(_claims[folder], shared=True)
        os.utime(folder / _IN_USE)
    except OSError as error:  # no rights, no space: the index is not kept either
        _log.debug("%s is not claimed: %s", folder, error)


def delete_unused(indexes: Path, most_bytes: int = MOST_BYTES) -> None:
    """Delete the indexes that were not used for the longest time, until the others fit; never one that is in use.

    Args:
        indexes: the folder that holds them.
        most_bytes: size of what is kept.
    """
    sizes = {folder: _size(folder) for folder in indexes.glob("*/")}
    too_many = sum(sizes.values()) - most_bytes
    for folder in sorted(sizes, key=_last_used):
        if too_many <= 0:
            return
        if sizes[folder] and _delete(folder):
            too_many -= sizes[folder]


def _delete(folder: Path) -> bool:
    """Delete what can be made again; False where the index is in use."""
    try:
        with (folder / _IN_USE).open("ab") as file:
            _lock(file, shared=False)
            for path in _made_again(folder):
                path.unlink(missing_ok=True)
    except OSError as error:
        _log.debug("%s is not deleted: %s", folder, error)
        return False
    _log.info("the index in %s was not used for the longest time and is deleted: it is made again when needed", folder)
    return True


def _lock(file: IO[bytes], *, shared: bool) -> None:
    """Lock a file until it is closed: with others, after whoever is deleting, or alone and at once.

    Raises:
        OSError: somebody has it locked.
    """
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX | fcntl.LOCK_NB)


def _made_again(folder: Path) -> Iterator[Path]:
    """The nodes first: without them nothing else is taken for an index."""
    for pattern in _MADE_AGAIN:
        yield from folder.glob(pattern)


def _size(folder: Path) -> int:
    return sum(_stat(path).st_size for path in set(_made_again(folder)))


def _last_used(folder: Path) -> float:
    """When it was claimed, or made by a version that claimed none."""
    marks = [folder / _IN_USE, folder]
    return next((found.st_mtime for path in marks if (found := _stat(path)).st_mtime), 0.0)


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError:  # another process has just deleted it
        return os.stat_result((0,) * 10)
