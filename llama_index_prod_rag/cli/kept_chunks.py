"""A corpus's chunks with their vectors on disk, by file: what changed is made again, and nothing else.

One SQLite database per corpus. A run that is killed leaves what it had or what it was writing, never half of it; a row
that does not match its checksum counts as a file that changed.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from llama_index.core.schema import BaseNode
from llama_index.core.storage.docstore.utils import doc_to_json, json_to_doc

from llama_index_prod_rag.models.disk_cache import ToleratedDatabase

FILE = "chunks.sqlite"


@dataclass(frozen=True, slots=True)
class KeptFile:
    """What was made of one file.

    Attributes:
        stamp: of the file when it was read.
        left_out: why it has no chunks; None where it has.
        nodes: its chunks, with embeddings.
    """

    stamp: str
    left_out: str | None
    nodes: tuple[BaseNode, ...]


class KeptChunks:
    """The kept files of one corpus.

    Args:
        folder: where `chunks.sqlite` lies.
    """

    def __init__(self, folder: Path) -> None:
        table = (
            "CREATE TABLE IF NOT EXISTS files (name TEXT PRIMARY KEY, stamp TEXT NOT NULL, left_out TEXT, "
            "nodes BLOB NOT NULL, vectors BLOB NOT NULL, sum INTEGER NOT NULL)"
        )
        self._database = ToleratedDatabase(folder / FILE, table)

    def read(self, wanted: Mapping[str, str]) -> dict[str, KeptFile]:
        """Read what was kept of the given files, where it is whole.

        Args:
            wanted: file name -> stamp; a file with another stamp is not read.
        """
        found: dict[str, KeptFile] = {}
        with self._database.connection() as connection:
            rows = () if connection is None else connection.execute("SELECT * FROM files")
            for name, stamp, left_out, nodes, vectors, kept_sum in rows:
                if wanted.get(name) == stamp and _sum(name, stamp, left_out, nodes, vectors) == kept_sum:
                    found[name] = KeptFile(stamp, left_out, _nodes(nodes, vectors))
        return found

    def replace(self, files: Mapping[str, KeptFile], present: Iterable[str]) -> None:
        """Keep files, and forget those that are no longer there, together.

        Args:
            files: what was read now.
            present: the names of all files of the corpus.
        """
        rows = [_row(name, file) for name, file in files.items()]
        with self._database.connection() as connection:
            if connection is None:
                return
            names = {name for (name,) in connection.execute("SELECT name FROM files")}
            connection.executemany("DELETE FROM files WHERE name = ?", [(name,) for name in names - set(present)])
            connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)", rows)


def _row(name: str, file: KeptFile) -> tuple[Any, ...]:
    bare = [doc_to_json(node.model_copy(update={"embedding": None})) for node in file.nodes]
    nodes = zlib.compress(json.dumps(bare).encode("ascii"), 1)
    vectors = np.asarray([node.embedding for node in file.nodes], dtype="<f4").tobytes()
    return name, file.stamp, file.left_out, nodes, vectors, _sum(name, file.stamp, file.left_out, nodes, vectors)


def _nodes(nodes: bytes, vectors: bytes) -> tuple[BaseNode, ...]:
    read = [json_to_doc(entry) for entry in json.loads(zlib.decompress(nodes))]
    if read:
        matrix = np.frombuffer(vectors, dtype="<f4").reshape(len(read), -1).tolist()
        for node, vector in zip(read, matrix, strict=True):
            node.embedding = vector
    return tuple(read)


def _sum(name: str, stamp: str, left_out: str | None, nodes: bytes, vectors: bytes) -> int:
    head = json.dumps([name, stamp, left_out]).encode("ascii")
    return zlib.crc32(vectors, zlib.crc32(nodes, zlib.crc32(head)))
