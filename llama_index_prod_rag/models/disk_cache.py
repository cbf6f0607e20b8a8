"""Vectors and scores that are dear to compute, kept on disk between runs.

One SQLite file holds float32 arrays by the digest of what they were computed from: embeddings of texts, logits of
pairs. SQLite is safe to kill at any moment and to share between processes.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

_log = logging.getLogger(__name__)
_VARIABLES = 500  # SQLite before 3.32 takes at most 999 bound variables in one statement


def cache_folder() -> Path:
    """Where this package keeps what it computed: `PROD_RAG_CACHE` if set, else the user's cache folder."""
    given = os.environ.get("PROD_RAG_CACHE")
    return Path(given).expanduser() if given else user_cache_path("llama-index-prod-rag")


def digest(*parts: str) -> bytes:
    """Key of an array: the digest of the model's fingerprint and the texts that went in.

    Examples:
        >>> digest("model", "ab", "c") == digest("model", "a", "bc")
        False
    """
    sha = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        sha.update(len(encoded).to_bytes(8, "little"))
        sha.update(encoded)
    return sha.digest()


class ArrayCache:
    """Float32 arrays by key, in one SQLite file.

    A file that cannot be made, read or written (no rights, no space, not a database) costs a warning and the time to
    compute again, never the caller's work.

    Args:
        path: the file; made with its folder when missing.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     cache = ArrayCache(Path(folder) / "vectors.sqlite")
        ...     cache.put({digest("m", "text"): np.array([1.0, 2.0], dtype=np.float32)})
        ...     cache.get([digest("m", "text"), digest("m", "other")]).popitem()[1].tolist()
        [1.0, 2.0]
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._usable = True
        with self._tolerant():
            path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._connect()) as connection, connection:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS arrays (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
                )

    @contextmanager
    def _tolerant(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            self._usable = False
            _log.warning("what is computed is not kept in %s (%s): PROD_RAG_CACHE names another", self.path, error)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=60.0)

    def get(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """The arrays that are there; keys without one are left out."""
        found: dict[bytes, NDArray[np.float32]] = {}
        if not self._usable:
            return found
        with self._tolerant(), closing(self._connect()) as connection:
            for start in range(0, len(keys), _VARIABLES):
                part = keys[start : start + _VARIABLES]
                marks = ",".join("?" * len(part))
                rows: Iterable[tuple[bytes, bytes]] = connection.execute(
                    f"SELECT key, value FROM arrays WHERE key IN ({marks})",  # noqa: S608 - only question marks
                    part,
                )
                found.update((key, np.frombuffer(value, dtype="<f4")) for key, value in rows)
        return found

    def put(self, arrays: Mapping[bytes, NDArray[np.float32]]) -> None:
        """Add arrays; one that is already there is replaced."""
        if not self._usable:
            return
        rows = [(key, np.ascontiguousarray(value, dtype="<f4").tobytes()) for key, value in arrays.items()]
        with self._tolerant(), closing(self._connect()) as connection, connection:
            connection.executemany("INSERT OR REPLACE INTO arrays VALUES (?, ?)", rows)
