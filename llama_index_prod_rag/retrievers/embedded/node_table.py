"""Nodes and their vectors in one SQLite file, every change numbered so that others can follow.

A change is there as a whole or not at all, also when the process is killed or the disk is full, and processes may share
a file. Every row has a checksum: what was altered on its way is an error, not a wrong answer.
"""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any
from uuid import uuid4

import numpy as np
from llama_index.core.schema import BaseNode
from llama_index.core.storage.docstore.utils import doc_to_json, json_to_doc
from numpy.typing import NDArray

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.retrievers.filters import filterable_metadata

FILE = "nodes.sqlite"
_FORMAT = "1"
_BYTES = 4  # of a number
_AT_ONCE = 500  # SQLite before 3.32 takes at most 999 bound variables in one statement
_MOST_REMOVED = 10_000  # removals that are remembered one by one; who has not looked since compares all ids
_TABLES = """
CREATE TABLE IF NOT EXISTS head (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS nodes (
    change INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, document TEXT NOT NULL,
    node TEXT NOT NULL, metadata TEXT NOT NULL, sum INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS nodes_by_document ON nodes (document);
CREATE TABLE IF NOT EXISTS vectors (
    change INTEGER PRIMARY KEY, id TEXT NOT NULL, vector BLOB NOT NULL, sum INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS removed (change INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
"""


@dataclass(frozen=True, slots=True)
class TableChanges:
    """What happened since somebody last looked.

    Attributes:
        upto: the number of the last change.
        put: ids of nodes that are new or were replaced, in that order.
        gone: ids of nodes that are no longer there.
    """

    upto: int
    put: list[str]
    gone: set[str]


class NodeTable:
    """Nodes with their vectors by id; safe to share between threads and processes, and to use after a fork.

    Args:
        path: the file; made with its folder when missing. None keeps everything in memory.

    Raises:
        InputError: the file is damaged, no such table, or written by another version.
        OSError: the folder cannot be made.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = RLock()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._connect()

    def _connect(self) -> None:
        self._process = os.getpid()
        name = ":memory:" if self._path is None else str(self._path)
        with self._explained():
            self._connection = sqlite3.connect(name, timeout=60.0, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode=WAL")
            if not self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'removed'").fetchone():
                self._connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} COMMIT")
            with self._write():
                self._connection.execute(
                    "INSERT OR IGNORE INTO head VALUES ('format', ?), ('change', '0'), ('identity', ?)",
                    (_FORMAT, uuid4().hex),
                )
            if self._head("format") != _FORMAT:
                raise InputError(f"{self._path} was written by another version of this package: {_REMEDY}")

    def close(self) -> None:
        """Close the file; it is opened again by nobody."""
        with self._lock:
            self._connection.close()

    def copy_to(self, other: NodeTable) -> None:
        """Make another table, which nobody uses yet, what this one is."""
        with self._reading() as connection:
            connection.backup(other._connection)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Hold the lock, on a connection of this process, and say what to do about a damaged file."""
        with self._lock:
            try:
                yield
            except InputError:
                raise
            except sqlite3.OperationalError as error:  # no rights, no space, locked for a minute
                raise OSError(f"{self._path or 'the store'}: {error}") from error
            except (
                sqlite3.ProgrammingError,
                sqlite3.DataError,
                UnicodeEncodeError,
            ) as error:  # closed, too long, no UTF-8
                raise InputError(f"{self._path or 'the store'} cannot do that: {error}") from error
            except (sqlite3.DatabaseError, ValueError) as error:
                raise InputError(f"{self._path} is damaged ({error}): {_REMEDY}") from error

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        if self._process != os.getpid() and self._path is not None:
            self._lock = RLock()  # another thread may have held it when this process was forked
            _inherited.append(self._connection)  # SQLite forbids to use, or to close, what came through a fork
            self._connect()
        with self._explained():
            yield self._connection

    @contextmanager
    def _write(self) -> Iterator[int]:
        """Keep the changes of the block together or not at all; gives the number of the first one."""
        with self._reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.last_change() + 1
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # where the disk is full SQLite has undone it already
                    connection.execute("ROLLBACK")
                raise

    def _head(self, name: str) -> str:
        with self._reading() as connection:
            row = connection.execute("SELECT value FROM head WHERE name = ?", (name,)).fetchone()
        return "0" if row is None else str(row[0])

    def _set_head(self, name: str, value: int) -> None:
        self._connection.execute("INSERT OR REPLACE INTO head VALUES (?, ?)", (name, str(value)))

    def last_change(self) -> int:
        """The number of the last change."""
        return int(self._head("change"))

    def identity(self) -> str:
        """What no other table has, so that nobody takes its numbers for those of one that lay here before."""
        return self._head("identity")

    def put(self, nodes: Sequence[BaseNode], vectors: NDArray[np.float32]) -> None:
        """Add nodes, all of them or none; one whose id is there already replaces it.

        Args:
            nodes: the last one of an id counts.
            vectors: one row per node.

        Raises:
            InputError: the vectors differ in length from those that stay, or a node cannot be written as JSON.
        """
        rows = {node.node_id: (node, vector) for node, vector in zip(nodes, vectors, strict=True)}
        with self._write() as first:
            self._forget(list(rows))
            self._check_length(vectors.shape[1])
            numbered = [(number, *row) for number, row in enumerate(rows.values(), start=first)]
            of_nodes = (_node_row(number, node) for number, node, _ in numbered)
            of_vectors = (_vector_row(number, node.node_id, vector) for number, node, vector in numbered)
            self._connection.executemany("INSERT INTO nodes VALUES (?, ?, ?, ?, ?, ?)", of_nodes)
            self._connection.executemany("INSERT INTO vectors VALUES (?, ?, ?, ?)", of_vectors)
            self._set_head("change", first + len(rows) - 1)

    def _check_length(self, length: int) -> None:
        """Refuse to mix models; looked up where the change is made, for another process may just have added."""
        kept = self._connection.execute("SELECT length(vector) FROM vectors LIMIT 1").fetchone()
        if kept is not None and kept[0] != length * _BYTES:
            raise InputError(
                f"embeddings of {length} and of {kept[0] // _BYTES} numbers cannot be in one index: embed everything "
                "with the same model"
            )

    def remove(self, ids: Iterable[str]) -> None:
        """Forget nodes; unknown ids are ignored."""
        with self._write() as first:
            known = [id_ for part in parts(list(dict.fromkeys(ids))) for (id_,) in self._known(part)]
            if not known:
                return
            self._forget(known)
            self._connection.executemany("INSERT INTO removed VALUES (?, ?)", list(enumerate(known, start=first)))
            last = first + len(known) - 1
            self._set_head("change", last)
            self._forget_removals()

    def _forget_removals(self) -> None:
        """Keep a file whose nodes come and go from growing."""
        oldest = "SELECT change FROM removed ORDER BY change DESC LIMIT 1 OFFSET ?"
        if self._connection.execute(oldest, (2 * _MOST_REMOVED,)).fetchone():
            (upto,) = self._connection.execute(oldest, (_MOST_REMOVED,)).fetchone()
            self._connection.execute("DELETE FROM removed WHERE change <= ?", (upto,))
            self._set_head("forgotten", upto)

    def _known(self, ids: Sequence[str]) -> list[tuple[str]]:
        return self._connection.execute(f"SELECT id FROM nodes WHERE id IN ({_marks(ids)})", ids).fetchall()  # noqa: S608

    def _forget(self, ids: Sequence[str]) -> None:
        for part in parts(ids):
            marks = _marks(part)
            self._connection.execute(
                f"DELETE FROM vectors WHERE change IN (SELECT change FROM nodes WHERE id IN ({marks}))",  # noqa: S608
                part,
            )
            self._connection.execute(f"DELETE FROM nodes WHERE id IN ({marks})", part)  # noqa: S608
            self._connection.execute(f"DELETE FROM removed WHERE id IN ({marks})", part)  # noqa: S608

    def ids(self) -> list[str]:
        """Ids of all nodes, in the order in which they came."""
        with self._reading() as connection:
            return [id_ for (id_,) in connection.execute("SELECT id FROM nodes ORDER BY change")]

    def ids_of(self, document: str) -> list[str]:
        """Ids of one document's nodes, in the order in which they came; nodes without a document are nobody's."""
        query = "SELECT id FROM nodes WHERE document = ? AND document <> '' ORDER BY change"
        with self._reading() as connection:
            return [id_ for (id_,) in connection.execute(query, (document,))]

    def nodes(self, ids: Sequence[str]) -> dict[str, BaseNode]:
        """Nodes of given ids, each made anew, in the order of the ids; unknown ones are left out."""
        with self._explained():
            found = {id_: _node(id_, text, kept_sum) for id_, text, kept_sum in self._select("id, node, sum", ids)}
        return {id_: found[id_] for id_ in ids if id_ in found}

    def verify(self) -> None:
        """Compare every node's text with its checksum.

        Raises:
            InputError: one was altered.
        """
        with self._reading() as connection:
            for id_, text, kept_sum in connection.execute("SELECT id, node, sum FROM nodes"):
                _check(id_, text, kept_sum)

    def metadata(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """What filters look at, by id."""
        with self._explained():
            return {id_: _metadata(id_, text) for id_, text in self._select("id, metadata", ids)}

    def _select(self, columns: str, ids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        with self._reading() as connection:
            for part in parts(ids):
                query = f"SELECT {columns} FROM nodes WHERE id IN ({_marks(part)})"  # noqa: S608 - only question marks
                yield from connection.execute(query, part).fetchall()

    def vectors(self, after: int) -> tuple[list[str], NDArray[np.float32]]:
        """Ids and vectors of what was put after a change and is still there."""
        with self._reading() as connection:
            query = "SELECT change, id, vector, sum FROM vectors WHERE change > ? ORDER BY change"
            rows = connection.execute(query, (after,))
            ids, parts = [], []
            for number, id_, vector, kept_sum in rows:
                if not isinstance(vector, bytes) or zlib.crc32(vector, number & 0xFFFFFFFF) != kept_sum:
                    raise InputError(f"{self._path} is damaged (the vector of {id_}): {_REMEDY}")
                ids.append(id_)
                parts.append(vector)
            return ids, np.frombuffer(b"".join(parts), dtype="<f4").reshape(len(ids), -1 if ids else 0)

    def changes(self, after: int, known: Collection[str]) -> TableChanges:
        """What happened after a change.

        Args:
            after: its number; below 0 for everything.
            known: ids that somebody had seen by then.
        """
        with self._reading() as connection:
            connection.execute("BEGIN")
            try:
                put = [
                    id_
                    for (id_,) in connection.execute("SELECT id FROM nodes WHERE change > ? ORDER BY change", (after,))
                ]
                if after < int(self._head("forgotten")):
                    gone = set(known).difference(self.ids())
                else:
                    gone = {id_ for (id_,) in connection.execute("SELECT id FROM removed WHERE change > ?", (after,))}
                return TableChanges(self.last_change(), put, gone)
            finally:
                connection.execute("COMMIT")


_inherited: list[sqlite3.Connection] = []
_REMEDY = "delete its folder and build the index again"


def _node_row(number: int, node: BaseNode) -> tuple[Any, ...]:
    bare = node if node.embedding is None else node.model_copy(update={"embedding": None})
    try:
        text = json.dumps(doc_to_json(bare))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"the node {node.node_id!r} cannot be kept ({error}): its metadata may hold strings, numbers, true and "
            "false, lists and mappings; write a date as str(date)"
        ) from error
    metadata = json.dumps(filterable_metadata(node), default=str)
    return number, node.node_id, node.ref_doc_id or "", text, metadata, _sum(node.node_id, text)


def _sum(id_: str, text: str) -> int:
    return zlib.crc32(text.encode("utf-8"), zlib.crc32(id_.encode("utf-8")))


def _node(id_: str, text: str, kept_sum: int) -> BaseNode:
    _check(id_, text, kept_sum)
    try:
        node = json_to_doc(json.loads(text))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the text of {id_} is no node: {error!r}") from error
    if node.node_id != id_:
        raise ValueError(f"the text of {id_} is of {node.node_id}")
    return node


def _metadata(id_: str, text: str) -> dict[str, Any]:
    found = json.loads(text) if isinstance(text, str) else None
    if not isinstance(found, dict):
        raise ValueError(f"the metadata of {id_} is not what was written")
    return found


def _check(id_: str, text: object, kept_sum: int) -> None:
    if not isinstance(text, str) or _sum(id_, text) != kept_sum:
        raise ValueError(f"the text of {id_} does not match its checksum")


def _vector_row(number: int, id_: str, vector: NDArray[np.float32]) -> tuple[int, str, bytes, int]:
    data = vector.astype("<f4").tobytes()
    return number, id_, data, zlib.crc32(data, number & 0xFFFFFFFF)


def parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut ids into as many as one statement may name."""
    for start in range(0, len(ids), _AT_ONCE):
        yield ids[start : start + _AT_ONCE]


def _marks(ids: Sequence[str]) -> str:
    return ",".join("?" * len(ids))
