"""A lexical index as one file, so that no half of it can be of another generation than the rest.

An `.npz` with the index's arrays; the head and the nodes are JSON in two more. The head holds the others' SHA-256 sums
and its own stands beside it: what was changed on its way is refused, not searched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from llama_index_prod_rag.disclosure import describe
from llama_index_prod_rag.durable_files import write_whole
from llama_index_prod_rag.errors import InputError

FILE = "bm25f.npz"
_FORMAT = 3
_HEAD, _SUM, _NODES = "head", "head_sha256", "nodes"
_REMEDY = "write it again with persist()"

T = TypeVar("T")


def save_index(
    path: Path,
    head: Mapping[str, Any],
    nodes: Sequence[Mapping[str, Any]],
    arrays: Mapping[str, NDArray[np.generic]],
) -> None:
    """Write an index; a reader meets the older one or this one.

    Args:
        path: the file; its folder is made when missing.
        head: settings, ids and vocabulary, as JSON takes them.
        nodes: the documents, in the order of the ids; none where they are kept elsewhere.
        arrays: what `BM25FIndex.to_arrays` gives.

    Raises:
        OSError: no rights, no space; an older file is untouched.
    """
    parts: dict[str, Any] = {**arrays, _NODES: _as_bytes(list(nodes))}
    sums = {name: _sum(part) for name, part in parts.items()}
    parts[_HEAD] = _as_bytes({**head, "format": _FORMAT, "sha256": sums})
    parts[_SUM] = np.frombuffer(bytes.fromhex(_sum(parts[_HEAD])), dtype=np.uint8)
    write_whole(path, lambda file: np.savez(file, **parts))


@dataclass(frozen=True, slots=True)
class Kept:
    """Is what a file holds.

    Attributes:
        head: what it says of itself.
        nodes: the documents, in the order of the ids; none where they are kept elsewhere.
        arrays: its arrays.
    """

    head: Mapping[str, Any]
    nodes: Sequence[dict[str, Any]]
    arrays: Mapping[str, NDArray[np.generic]]


def load_index(path: Path, make: Callable[[Kept], T]) -> T:
    """What a file holds.

    Args:
        path: the file.
        make: makes it from the file's content; whatever it raises means that the content is something else.

    Raises:
        InputError: there is none, it is damaged, or another version wrote it; the message says what to do.
    """
    try:
        return make(_read(path))
    except FileNotFoundError as error:
        raise InputError(f"{path.parent} holds no BM25 index ({path.name} is not there): {_REMEDY}") from error
    except _OtherVersionError:
        raise InputError(f"{path} was written by another version of this package: {_REMEDY}") from None
    except Exception as error:  # a damaged archive raises whatever its readers meet first
        raise InputError(f"{path} is damaged or no BM25 index ({describe(error)}): {_REMEDY}") from error


def _read(path: Path) -> Kept:
    with np.load(path, allow_pickle=False) as file:
        parts: dict[str, NDArray[np.generic]] = dict(file)
    head_sum = parts.pop(_SUM).tobytes().hex()
    if _sum(parts[_HEAD]) != head_sum:
        raise InputError("its head does not match its checksum")
    head: dict[str, Any] = json.loads(parts.pop(_HEAD).tobytes())
    if head.get("format") != _FORMAT:
        raise _OtherVersionError
    if {name: _sum(part) for name, part in parts.items()} != head["sha256"]:
        raise InputError("a part does not match its checksum")
    return Kept(head, json.loads(parts.pop(_NODES).tobytes()), parts)


class _OtherVersionError(Exception):
    pass


def _as_bytes(value: object) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(value).encode("ascii"), dtype=np.uint8)


def _sum(part: NDArray[np.generic]) -> str:
    return hashlib.sha256(str(part.dtype).encode() + np.ascontiguousarray(part).tobytes()).hexdigest()
