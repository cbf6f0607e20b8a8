"""Vectors and scores that are dear to compute, kept on disk between runs.

One SQLite file holds float32 arrays by the digest of what they were computed from: embeddings of texts, logits of
pairs. SQLite is safe to kill at any moment and to share between processes.
"""

from __future__ import annotations

import hashlib
import logging
import os
import random
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

_log = logging.getLogger(__name__)
_VARIABLES = 500  # SQLite before 3.32 takes at most 999 bound variables in one statement
MOST_BYTES = 2 * 2**30
"""Size of each thing that is kept: a million vectors of 384 numbers."""

_told: set[tuple[Path, str]] = set()  # folder and cause that this process has warned of
_PART = 1 / 8  # of the room is made free when there is none left


def cache_folder() -> Path:
    """Say where this package keeps what it computed: `PROD_RAG_CACHE` if set, else the user's cache folder."""
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


class ToleratedDatabase:
    """A SQLite file that is kept where it can be: its faults cost a warning and time, never the caller's work.

    A file that cannot be made, read or written (no rights, no space) is given up with a warning. One that is damaged is
    moved aside (`.damaged`) and begun anew.

    Args:
        path: the file; made with its folder when missing.
        table: the statement that makes its table where there is none.
    """

    def __init__(self, path: Path, table: str) -> None:
        self.path = path
        self._table = table
        self._usable = True
        with self.tolerate_failures():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._open()

    @contextmanager
    def tolerate_failures(self) -> Iterator[None]:
        """Do something with the file; a fault of it ends the block, with a warning."""
        try:
            yield
        except sqlite3.OperationalError as error:  # no rights, no space, locked: the file itself may be fine
            self._give_up(error)
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)
        except OSError as error:
            self._give_up(error)

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection | None]:
        """Open a connection whose changes are kept together or not at all; None where the file was given up."""
        if not self._usable:
            yield None
            return
        with self.tolerate_failures(), closing(self._connect()) as connection, connection:
            yield connection

    def _open(self) -> None:
        with closing(self._connect()) as connection, connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(self._table)
            tables = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table'").fetchall()
            if _columns_of(self._table) not in [_columns_of(table) for (table,) in tables]:
                raise sqlite3.DatabaseError("its table has other columns")

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=60.0)

    def _give_up(self, error: Exception) -> None:
        """Do without the file; of several in one folder that fail alike, one is told."""
        self._usable = False
        what = cache_folder(), getattr(error, "strerror", None) or str(error)
        level = logging.DEBUG if what in _told else logging.WARNING
        _told.add(what)
        _log.log(
            level,
            "what is computed is not kept in %s (%s): make room there, or set PROD_RAG_CACHE to another folder",
            self.path,
            error,
        )

    def _begin_anew(self, error: Exception) -> None:
        """Move a damaged file aside; it is not deleted, since a wrong path may name somebody else's file."""
        aside = self.path.with_name(f"{self.path.name}.damaged")
        try:
            self.path.replace(aside)
            for rest in ("-wal", "-shm"):
                self.path.with_name(f"{self.path.name}{rest}").unlink(missing_ok=True)
            self._open()
        except (OSError, sqlite3.Error) as again:
            self._give_up(again)
        else:
            _log.warning("%s was damaged (%s): moved to %s, and begun anew", self.path, error, aside.name)


def _columns_of(table: str) -> str:
    """What a statement that makes a table says of it; SQLite keeps it as it was written, without the condition."""
    return table.removeprefix("CREATE TABLE ").removeprefix("IF NOT EXISTS ")


class ArrayCache:
    """Float32 arrays by key, in one SQLite file whose faults are tolerated.

    Each array has a checksum, and one that does not match its own is not there. When the file grows too large an eighth
    of it is forgotten, drawn by chance: to know what was used the longest ago, each reading would have to write.

    Args:
        path: the file; made with its folder when missing.
        most_bytes: size of what is kept, above 0.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     cache = ArrayCache(Path(folder) / "vectors.sqlite")
        ...     cache.put({digest("m", "text"): np.array([1.0, 2.0], dtype=np.float32)})
        ...     cache.get([digest("m", "text"), digest("m", "other")]).popitem()[1].tolist()
        [1.0, 2.0]
    """

    def __init__(self, path: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self.path = path
        self._most_bytes = most_bytes
        table = "CREATE TABLE IF NOT EXISTS checked_arrays (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
        self._database = ToleratedDatabase(path, table)

    def get(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """Give the arrays that are there; keys without one are left out."""
        found: dict[bytes, NDArray[np.float32]] = {}
        with self._database.connection() as connection:
            if connection is None:
                return found
            for start in range(0, len(keys), _VARIABLES):
                part = keys[start : start + _VARIABLES]
                marks = ",".join("?" * len(part))
                rows: Iterable[tuple[bytes, object]] = connection.execute(
                    f"SELECT key, value FROM checked_arrays WHERE key IN ({marks})",  # noqa: S608 - only question marks
                    part,
                )
                found.update((key, array) for key, value in rows if (array := _verify(key, value)) is not None)
        return found

    def put(self, arrays: Mapping[bytes, NDArray[np.float32]]) -> None:
        """Add arrays; one that is already there is replaced."""
        rows = [(key, _add_checksum(key, value)) for key, value in arrays.items()]
        with self._database.connection() as connection:
            if connection is not None:
                connection.executemany("INSERT OR REPLACE INTO checked_arrays VALUES (?, ?)", rows)
                _make_room(connection, self._most_bytes)


def _kept_bytes(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _make_room(connection: sqlite3.Connection, most_bytes: int) -> None:
    """Delete the keys that begin with one byte after another, until a part of the room is free; all begin as often."""
    if _kept_bytes(connection) <= most_bytes:
        return
    for first in random.sample(range(256), 256):
        last = bytes([first]) + b"\xff" * 32
        connection.execute("DELETE FROM checked_arrays WHERE key BETWEEN ? AND ?", (bytes([first]), last))
        if _kept_bytes(connection) <= most_bytes * (1 - _PART):
            return


_SUM_BYTES = _FLOAT_BYTES = 4


def _add_checksum(key: bytes, array: NDArray[np.float32]) -> bytes:
    data = np.ascontiguousarray(array, dtype="<f4").tobytes()
    return data + zlib.crc32(key + data).to_bytes(_SUM_BYTES, "little")


def _verify(key: bytes, value: object) -> NDArray[np.float32] | None:
    if not isinstance(value, bytes) or len(value) % _FLOAT_BYTES:
        return None
    data, kept = value[:-_SUM_BYTES], value[-_SUM_BYTES:]
    if zlib.crc32(key + data).to_bytes(_SUM_BYTES, "little") != kept:
        return None
    return np.frombuffer(data, dtype="<f4")
