"""Exact nearest neighbours over vectors in memory: one matrix product per question instead of a loop over lists.

Exact search is what pays up to some hundred thousand chunks: at 100,000 of 384 dimensions the dense leg takes 27 ms of
processor time (`python -m benchmarks.embedded_scale`), of which an approximate index would save a half at the price of
hits. Beyond a million it grows to what a server with such an index is for.
"""

from __future__ import annotations

import threading
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.lexical.masking import MANY, Masking

_Floats: TypeAlias = NDArray[np.float32]

# Candidates are found in single precision and scored again in double, as LlamaIndex's own search does; this many more
# than asked for are scored again, so that rounding cannot keep one of the best out.
_MARGIN = 32
_MOST_DEAD = 0.1  # rows that are gone are left out of the matrix when they pass this share of it
_DEAD_FLOOR = 1_000


@dataclass(frozen=True, slots=True)
class Rows:
    """Vectors by id as they were at one moment, whatever is added and removed meanwhile.

    Attributes:
        ids: one per row, and maybe later ones.
        vectors: as they were given, shape [n, d].
        lengths: of the vectors, 1 for a vector of zeros, shape [n].
        dead: rows that are gone.
    """

    ids: Sequence[str]
    vectors: _Floats
    lengths: _Floats
    dead: NDArray[np.int64]

    def search(
        self,
        query: Sequence[float],
        top_k: int,
        *,
        allowed: Container[str] | None = None,
        exact: Mapping[str, Sequence[float]] | None = None,
    ) -> list[tuple[str, float]]:
        """Find the nearest vectors by cosine similarity.

        Args:
            query: of the vectors' dimensions; its length does not matter.
            top_k: at most this many.
            allowed: ids that may be returned; asked about the nearest only, until there are enough or it can mask all.
            exact: id -> the vector in double precision, of every id; None where single precision is all there is.

        Returns:
            (id, cosine similarity) best first, equal ones by id; a vector of zeros has similarity 0.

        Raises:
            InputError: the query has other dimensions than the vectors, or is not finite.
        """
        if not len(self.vectors) or top_k < 1:
            return []
        direction = np.asarray(query, dtype=np.float64)
        if direction.shape != self.vectors.shape[1:]:
            raise InputError(
                f"the question's embedding has {direction.size} numbers and those of the index have "
                f"{self.vectors.shape[1]}: embed both with the same model"
            )
        if not np.isfinite(direction).all():
            raise InputError("the question's embedding is not finite: check the embedding model")
        direction /= float(np.linalg.norm(direction)) or 1.0
        similarities = self.vectors @ direction.astype(np.float32)
        similarities /= self.lengths
        similarities[self.dead] = -np.inf
        nearest = self._nearest(similarities, top_k + _MARGIN, allowed)
        ids = [self.ids[row] for row in nearest]
        precise = self.vectors[nearest] if exact is None else [exact[id_] for id_ in ids]
        scores = _cosines(np.asarray(precise, dtype=np.float64).reshape(-1, direction.size), direction)
        return sorted(zip(ids, scores, strict=True), key=lambda found: (-found[1], found[0]))[:top_k]

    def _nearest(self, similarities: _Floats, count: int, allowed: Container[str] | None) -> list[int]:
        alive = len(similarities) - len(self.dead)
        if allowed is None:
            return _top(similarities, min(count, alive))
        taken = count
        while True:  # four times as far each time: a filter that lets much through is asked about little
            found = [row for row in _top(similarities, min(taken, alive)) if self.ids[row] in allowed]
            if len(found) >= count or taken >= alive:
                return found[:count]
            if taken >= MANY and isinstance(allowed, Masking):
                return self._nearest_of(similarities, count, allowed.mask(self.ids)[: len(similarities)])
            taken *= 4

    def _nearest_of(self, similarities: _Floats, count: int, mask: NDArray[np.bool_]) -> list[int]:
        similarities[~mask] = -np.inf
        return _top(similarities, min(count, int(np.count_nonzero(similarities > -np.inf))))


class VectorRows:
    """Vectors by id in one contiguous matrix that grows; safe to share between threads.

    Examples:
        >>> rows = VectorRows()
        >>> rows.put(["a", "b"], [[1.0, 0.0], [0.0, 2.0]])
        >>> rows.view().search([1.0, 0.1], 1)[0][0]
        'a'
        >>> rows.remove(["a"])
        >>> rows.view().search([1.0, 0.1], 1)[0][0]
        'b'
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._slots: dict[str, int] = {}
        self._ids: list[str] = []
        self._dead: list[int] = []
        self._vectors: _Floats = np.zeros((0, 0), dtype=np.float32)  # both have more rows than are used
        self._lengths: _Floats = np.zeros(0, dtype=np.float32)
        self._view: Rows | None = None

    def __contains__(self, id_: object) -> bool:
        return id_ in self._slots

    def __len__(self) -> int:
        return len(self._slots)

    def ids(self) -> list[str]:
        """The ids that are there."""
        with self._lock:
            return list(self._slots)

    def view(self) -> Rows:
        """What is there now; it stays as it is."""
        with self._lock:
            if self._view is None:
                used = len(self._ids)
                dead = np.array(self._dead, dtype=np.int64)
                self._view = Rows(self._ids, self._vectors[:used], self._lengths[:used], dead)
            return self._view

    def vectors(self, ids: Iterable[str]) -> dict[str, _Floats]:
        """The vectors of given ids; unknown ones are left out."""
        with self._lock:
            return {id_: self._vectors[self._slots[id_]] for id_ in ids if id_ in self._slots}

    def put(self, ids: Sequence[str], vectors: Sequence[Sequence[float]] | _Floats) -> None:
        """Add vectors; one whose id is there already replaces it.

        Args:
            ids: each once.
            vectors: one per id, all of the same dimensions.

        Raises:
            InputError: the dimensions differ from those of the vectors that stay.
        """
        new = np.asarray(vectors, dtype=np.float32)
        if not ids:
            return
        with self._lock:
            other = bool(self._ids) and new.shape[1] != self._vectors.shape[1]
            if other and self._slots.keys() - set(ids):
                raise InputError(
                    f"embeddings of {new.shape[1]} and of {self._vectors.shape[1]} numbers cannot be in one index: "
                    "embed everything with the same model"
                )
            self._drop(ids)
            if not self._slots:  # each was replaced: the dimensions may be others than before
                self._clear()
            used = len(self._ids)
            self._vectors = _with_rows(self._vectors, used, new)
            self._lengths = _with_rows(self._lengths, used, _lengths(new))
            self._slots.update(zip(ids, range(used, used + len(ids)), strict=True))
            self._ids.extend(ids)
            self._view = None

    def remove(self, ids: Iterable[str]) -> None:
        """Forget vectors; unknown ids are ignored."""
        with self._lock:
            self._drop(ids)
            if len(self._dead) > max(_DEAD_FLOOR, _MOST_DEAD * len(self._ids)) or not self._slots:
                self._compact()

    def _drop(self, ids: Iterable[str]) -> None:
        gone = [self._slots.pop(id_) for id_ in ids if id_ in self._slots]
        if gone:
            self._dead.extend(gone)
            self._view = None

    def _compact(self) -> None:
        """Leave out what is dead, in matrices of their own: a search may still read the old ones."""
        kept, vectors, lengths = sorted(self._slots.values()), self._vectors, self._lengths
        ids = [self._ids[slot] for slot in kept]
        self._clear()
        if ids:
            self._vectors, self._lengths, self._ids = vectors[kept], lengths[kept], ids
            self._slots = {id_: slot for slot, id_ in enumerate(ids)}


def _with_rows(room: _Floats, used: int, new: _Floats) -> _Floats:
    """Room whose rows from `used` on are the new ones; half as much again where there is too little.

    Memory that is not written to costs nothing, and adding one vector to many must not copy them all.
    """
    needed = used + len(new)
    if not used or needed > len(room):
        larger = np.empty((needed + needed // 2, *new.shape[1:]), dtype=np.float32)
        larger[:used] = room[:used] if used else 0
        room = larger
    room[used : used + len(new)] = new
    return room


def _lengths(vectors: _Floats) -> _Floats:
    lengths: _Floats = np.linalg.norm(vectors, axis=-1)
    return np.where(lengths > 0, lengths, np.float32(1.0))


def _top(similarities: _Floats, count: int) -> list[int]:
    if count >= len(similarities):
        return np.argsort(-similarities, kind="stable").tolist()  # type: ignore[no-any-return]
    part = np.argpartition(-similarities, count)[:count]
    return part[np.argsort(-similarities[part], kind="stable")].tolist()  # type: ignore[no-any-return]


def _cosines(vectors: NDArray[np.float64], direction: NDArray[np.float64]) -> list[float]:
    """Cosines to twelve digits: equal vectors have equal ones, in whatever order a product was summed up."""
    lengths = np.linalg.norm(vectors, axis=1)
    scores: list[float] = np.round(vectors @ direction / np.where(lengths > 0, lengths, 1.0), 12).tolist()
    return scores
