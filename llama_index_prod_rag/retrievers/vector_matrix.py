"""Exact nearest neighbours over vectors in memory: one matrix product per question instead of a loop over lists."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_Floats: TypeAlias = NDArray[np.float32]

# Candidates are found in single precision and scored again in double, as LlamaIndex's own search does; this many more
# than asked for are scored again, so that rounding cannot keep one of the best out.
_MARGIN = 32


class VectorMatrix:
    """Unit vectors by id in one contiguous matrix that follows a dictionary; safe to share between threads.

    Examples:
        >>> matrix = VectorMatrix()
        >>> vectors = {"a": [1.0, 0.0], "b": [0.0, 2.0]}
        >>> matrix.search(vectors, [1.0, 0.1], 1)[0][0]
        'a'
        >>> matrix.search(vectors, [1.0, 0.1], 1, allowed=lambda id_: id_ != "a")[0][0]
        'b'
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, Sequence[float]] = {}
        self._ids: list[str] = []
        self._room: _Floats = np.zeros((0, 0), dtype=np.float32)  # more rows than are used
        self._rows: _Floats = self._room

    def __getstate__(self) -> dict[str, object]:
        return {}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__init__()  # type: ignore[misc] # made again from the dictionary at the first search

    def search(
        self,
        vectors: Mapping[str, Sequence[float]],
        query: Sequence[float],
        top_k: int,
        *,
        allowed: Callable[[str], bool] | None = None,
    ) -> list[tuple[str, float]]:
        """Find the nearest vectors by cosine similarity.

        Args:
            vectors: the dictionary that is followed; what changed in it since the last search is taken over.
            query: of the vectors' dimensions; its length does not matter.
            top_k: at most this many.
            allowed: whether an id may be returned; asked about the nearest only, until there are enough.

        Returns:
            (id, cosine similarity) best first, equal ones by id; a vector of zeros has similarity 0.
        """
        ids, rows, seen = self._follow(vectors)
        if not ids or top_k < 1:
            return []
        direction = np.asarray(query, dtype=np.float64)
        direction /= float(np.linalg.norm(direction)) or 1.0
        similarities = rows @ direction.astype(np.float32)
        nearest = _find_nearest(ids, similarities, top_k + _MARGIN, allowed)
        exact = ((id_, _cosine(seen[id_], direction)) for id_ in nearest)
        return sorted(exact, key=lambda found: (-found[1], found[0]))[:top_k]

    def _follow(self, vectors: Mapping[str, Sequence[float]]) -> tuple[list[str], _Floats, dict[str, Sequence[float]]]:
        current = dict(vectors)  # one step of the interpreter: a writer beside this one cannot tear it
        with self._lock:
            if current != self._seen:  # lists that did not change are the same objects, so this compares pointers
                self._take_over(current)
            return self._ids, self._rows, self._seen

    def _take_over(self, current: dict[str, Sequence[float]]) -> None:
        """Add new rows behind the old ones, or build the next matrix beside them: a search may still read the old."""
        kept = [row for row, id_ in enumerate(self._ids) if current.get(id_) is self._seen[id_]]
        unchanged = {self._ids[row] for row in kept}
        added = [id_ for id_ in current if id_ not in unchanged]
        new = unit_rows([current[id_] for id_ in added])
        if len(kept) < len(self._ids):
            self._room = self._room[kept]
        self._ids = [self._ids[row] for row in kept] + added
        if added:
            self._room = _with_rows(self._room, len(kept), new)
        self._rows = self._room[: len(self._ids)]
        self._seen = current


def _with_rows(room: _Floats, used: int, new: _Floats) -> _Floats:
    """Room whose rows from `used` on are the new ones; doubled where there is too little, so adding one is cheap."""
    if not used:
        return new
    if used + len(new) > len(room):
        larger = np.empty((max(2 * used, used + len(new)), room.shape[1]), dtype=np.float32)
        larger[:used] = room[:used]
        room = larger
    room[used : used + len(new)] = new
    return room


def unit_rows(vectors: Sequence[Sequence[float]]) -> _Floats:
    """Vectors as rows of length one, shape [n, d]; a row of zeros stays zero."""
    rows = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    unit: _Floats = rows / np.where(lengths > 0, lengths, np.float32(1.0))
    return unit


def _find_nearest(
    ids: Sequence[str], similarities: _Floats, count: int, allowed: Callable[[str], bool] | None
) -> list[str]:
    if allowed is None:
        return [ids[row] for row in _top(similarities, count)]
    taken = count
    while True:  # twice as far each time: a filter that lets much through is asked about little
        found = [ids[row] for row in _top(similarities, taken) if allowed(ids[row])]
        if len(found) >= count or taken >= len(ids):
            return found[:count]
        taken *= 4


def _top(similarities: _Floats, count: int) -> list[int]:
    if count >= len(similarities):
        return np.argsort(-similarities, kind="stable").tolist()  # type: ignore[no-any-return]
    part = np.argpartition(-similarities, count)[:count]
    return part[np.argsort(-similarities[part], kind="stable")].tolist()  # type: ignore[no-any-return]


def _cosine(vector: Sequence[float], direction: NDArray[np.float64]) -> float:
    row = np.asarray(vector, dtype=np.float64)
    return float(row @ direction) / (float(np.linalg.norm(row)) or 1.0)
