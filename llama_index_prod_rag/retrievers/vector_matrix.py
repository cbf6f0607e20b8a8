"""A matrix of the vectors in a dictionary, as LlamaIndex's in-memory store keeps them."""

from __future__ import annotations

import threading
from collections.abc import Container, Mapping, Sequence

from llama_index_prod_rag.retrievers.following import Unchanged
from llama_index_prod_rag.retrievers.vector_rows import Rows, VectorRows


class VectorMatrix:
    """Vectors by id in one contiguous matrix that follows a dictionary; safe to share between threads.

    Examples:
        >>> matrix = VectorMatrix()
        >>> vectors = {"a": [1.0, 0.0], "b": [0.0, 2.0]}
        >>> matrix.search(vectors, [1.0, 0.1], 1)[0][0]
        'a'
        >>> matrix.search(vectors, [1.0, 0.1], 1, allowed={"b"})[0][0]
        'b'
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, Sequence[float]] = {}
        self._unchanged = Unchanged()
        self._rows = VectorRows()

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
        allowed: Container[str] | None = None,
    ) -> list[tuple[str, float]]:
        """Find the nearest vectors by cosine similarity.

        Args:
            vectors: the dictionary that is followed; what changed in it since the last search is taken over.
            query: as `Rows.search` takes it.
            top_k: at most this many.
            allowed: ids that may be returned; asked about the nearest only, until there are enough.

        Returns:
            (id, cosine similarity) best first, equal ones by id; a vector of zeros has similarity 0.
        """
        rows, seen = self._follow(vectors)
        return rows.search(query, top_k, allowed=allowed, exact=seen)

    def _follow(self, vectors: Mapping[str, Sequence[float]]) -> tuple[Rows, dict[str, Sequence[float]]]:
        with self._lock:
            if not self._unchanged.holds(vectors):
                self._take_over(dict(vectors))  # one step of the interpreter: a writer beside it cannot tear it
            return self._rows.view(), self._seen

    def _take_over(self, current: dict[str, Sequence[float]]) -> None:
        self._rows.remove([id_ for id_, vector in self._seen.items() if current.get(id_) is not vector])
        added = [id_ for id_, vector in current.items() if self._seen.get(id_) is not vector]
        self._rows.put(added, [current[id_] for id_ in added])
        self._seen = current
        self._unchanged = Unchanged(current)
