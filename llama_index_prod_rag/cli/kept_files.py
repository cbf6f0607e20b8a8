"""What is known of a corpus's files: which chunks were made of each, and whether it has changed since.

The chunks themselves lie in the `EmbeddedStore` beside it. A row that does not match its checksum, or whose chunks are
not all there because a run was killed, counts as a file that changed.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from llama_index_prod_rag.models.disk_cache import ToleratedDatabase

FILE = "files.sqlite"


@dataclass(frozen=True, slots=True)
class KeptFile:
    """What was made of one file.

    Attributes:
        stamp: of the file when it was read.
        left_out: why it has no chunks; None where it has.
        chunks: their ids.
    """

    stamp: str
    left_out: str | None
    chunks: tuple[str, ...]


class KeptFiles:
    """The files of one corpus.

    Args:
        folder: where `files.sqlite` lies.
    """

    def __init__(self, folder: Path) -> None:
        table = (
            "CREATE TABLE IF NOT EXISTS files (name TEXT PRIMARY KEY, stamp TEXT NOT NULL, left_out TEXT, "
            "chunks TEXT NOT NULL, sum INTEGER NOT NULL)"
        )
        self._database = ToleratedDatabase(folder / FILE, table)

    def read(self) -> dict[str, KeptFile]:
        """Read what is known of every file, by its name."""
        with self._database.connection() as connection:
            rows = () if connection is None else connection.execute("SELECT * FROM files").fetchall()
            return {row[0]: file for row in rows if (file := _file(row))}
        return {}

    def replace(self, files: Mapping[str, KeptFile], gone: Iterable[str]) -> None:
        """Keep files, and forget those that are gone, together.

        Args:
            files: what was read now.
            gone: names of files that are no longer there.
        """
        rows = [_row(name, file) for name, file in files.items()]
        with self._database.connection() as connection:
            if connection is not None:
                connection.executemany("DELETE FROM files WHERE name = ?", [(name,) for name in gone])
                connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", rows)


def _file(row: tuple[Any, ...]) -> KeptFile | None:
    """What a row says; None where it is not what was written."""
    try:
        name, stamp, left_out, chunks, kept_sum = row
        if _sum(name, stamp, left_out, chunks) != kept_sum:
            return None
        return TypeAdapter(KeptFile).validate_python(
            {"stamp": stamp, "left_out": left_out, "chunks": json.loads(chunks)}
        )
    except (TypeError, ValueError):
        return None


def _row(name: str, file: KeptFile) -> tuple[Any, ...]:
    chunks = json.dumps(file.chunks)
    return name, file.stamp, file.left_out, chunks, _sum(name, file.stamp, file.left_out, chunks)


def _sum(*parts: str | None) -> int:
    return zlib.crc32(json.dumps(parts).encode("ascii"))
