"""BM25 over weighted fields, kept current under adds and deletes. Core: strings and numbers.

Term frequencies and lengths of the fields are blended first and scored once (the simple BM25F: Robertson, Zaragoza,
Taylor, "Simple BM25 Extension to Multiple Weighted Fields", CIKM 2004), with the formula that bm25s calls `lucene`; on
one field the scores are those of bm25s. bm25s itself works every score out when it indexes, and any added or deleted
document changes them all (document frequencies, mean length). Here they are worked out per query, from postings that
an add or a delete touches in one place.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from llama_index_prod_rag.errors import ConfigurationError

_Ints: TypeAlias = NDArray[np.int32]
_Floats: TypeAlias = NDArray[np.float64]
_MERGE_SHARE = 0.1  # merge recent changes into the postings when they pass this share of the index; amortises to O(1)
_MERGE_FLOOR = 1_000


class BM25FIndex:
    """Holds documents as bags of weighted terms, searched by BM25F.

    Not synchronised: whoever shares one between threads holds a lock around each call.

    Args:
        k1: saturation of term frequency, at least 0.
        b: strength of length normalisation, 0 to 1.

    Raises:
        ConfigurationError: a parameter is out of range.

    Examples:
        >>> index = BM25FIndex()
        >>> index.put("a", [(["cat"], 2.0), (["cats", "purr"], 1.0)])
        >>> index.put("b", [([], 2.0), (["dog", "purr"], 1.0)])
        >>> index.search(["cat", "purr"], 10)[0][0], index.search(["bird"], 10)
        ('a', [])
    """

    def __init__(self, *, k1: float = 1.5, b: float = 0.75) -> None:
        if not (math.isfinite(k1) and k1 >= 0 and 0 <= b <= 1):
            raise ConfigurationError(f"BM25 needs k1 of at least 0 and b between 0 and 1, not k1={k1}, b={b}")
        self.k1, self.b = k1, b
        self._clear()

    def _clear(self) -> None:
        self._vocabulary: dict[str, int] = {}
        self._slots: dict[str, int] = {}  # live documents only
        self._ids: list[str] = []  # by slot, dead ones included until the next merge
        self._terms: list[_Ints] = []
        self._frequencies: list[_Floats] = []
        self._lengths: list[float] = []
        self._document_frequency: Counter[int] = Counter()
        self._recent: dict[int, list[int]] = {}  # term -> slots that the merged postings do not know yet
        self._merged = 0  # slots below this are in the postings
        self._starts = np.zeros(1, dtype=np.int64)
        self._posting_slots = np.zeros(0, dtype=np.int32)
        self._posting_frequencies = np.zeros(0)
        self._norms: _Floats | None = None  # these two by slot, worked out at the first search after a change
        self._live: NDArray[np.bool_] = np.zeros(0, dtype=bool)

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, document: str) -> bool:
        return document in self._slots

    def put(self, document: str, fields: Iterable[tuple[Sequence[str], float]]) -> None:
        """Add a document, or replace it.

        Args:
            document: its id.
            fields: terms and weight of each field; a field without terms is fine, and so is a document without any.
        """
        self.remove(document)
        frequencies: dict[int, float] = {}
        for terms, weight in fields:
            for term, count in Counter(terms).items():
                number = self._vocabulary.setdefault(term, len(self._vocabulary))
                frequencies[number] = frequencies.get(number, 0.0) + weight * count
        self._append(
            document,
            np.fromiter(frequencies.keys(), dtype=np.int32, count=len(frequencies)),
            np.fromiter(frequencies.values(), dtype=np.float64, count=len(frequencies)),
        )

    def _append(self, document: str, terms: _Ints, frequencies: _Floats) -> None:
        slot = self._slots[document] = len(self._ids)
        self._ids.append(document)
        self._terms.append(terms)
        self._frequencies.append(frequencies)
        self._lengths.append(math.fsum(frequencies))
        self._document_frequency.update(terms.tolist())
        for term in terms.tolist():
            self._recent.setdefault(term, []).append(slot)
        self._norms = None

    def remove(self, document: str) -> bool:
        """Forget a document, and say whether it was there."""
        slot = self._slots.pop(document, None)
        if slot is None:
            return False
        self._document_frequency.subtract(self._terms[slot].tolist())
        self._norms = None
        return True

    def search(
        self, terms: Iterable[str], top_k: int, *, allowed: Container[str] | None = None
    ) -> list[tuple[str, float]]:
        """Find the best documents that contain at least one of the terms.

        Args:
            terms: the query's terms; a repeated one counts as often as it is there.
            top_k: at most this many.
            allowed: ids of the documents that may be returned at all; None allows every one.

        Returns:
            (id, score) best first, scores above 0, equal scores by id. Nothing where nothing matches.
        """
        scores = self._scores(terms)
        eligible = np.flatnonzero((scores > 0) & self._live)
        if allowed is not None:
            eligible = eligible[[self._ids[slot] in allowed for slot in eligible.tolist()]]
        if top_k < 1 or not len(eligible):
            return []
        if len(eligible) > top_k:  # everything that ties with the last place takes part in the sorting by id
            cut = np.partition(scores[eligible], -top_k)[-top_k]
            eligible = eligible[scores[eligible] >= cut]
        found = ((self._ids[slot], float(scores[slot])) for slot in eligible)
        return sorted(found, key=lambda item: (-item[1], item[0]))[:top_k]

    def score(self, terms: Iterable[str], documents: Iterable[str]) -> dict[str, float]:
        """Scores of given documents, 0 where no term matches; unknown documents are left out."""
        scores = self._scores(terms)
        return {document: float(scores[self._slots[document]]) for document in documents if document in self._slots}

    def _scores(self, terms: Iterable[str]) -> _Floats:
        self._merge_if_due()
        norms = self._length_norms()
        scores = np.zeros(len(self._ids))
        # Sorted, so that float sums do not depend on how the vocabulary grew.
        for term, count in sorted(Counter(terms).items()):
            number = self._vocabulary.get(term)
            if number is not None:
                weight = count * self._idf(number)
                for slots, frequencies in self._postings(number):
                    scores[slots] += weight * (frequencies / (frequencies + norms[slots]))
        return scores

    def _idf(self, term: int) -> float:
        total, containing = len(self._slots), self._document_frequency[term]
        return math.log(1.0 + (total - containing + 0.5) / (containing + 0.5))

    def _postings(self, term: int) -> Iterable[tuple[_Ints, _Floats]]:
        if term + 1 < len(self._starts):
            part = slice(self._starts[term], self._starts[term + 1])
            yield self._posting_slots[part], self._posting_frequencies[part]
        if slots := self._recent.get(term):
            frequencies = [self._frequencies[slot][self._terms[slot] == term][0] for slot in slots]
            yield np.asarray(slots, dtype=np.int32), np.asarray(frequencies)

    def _length_norms(self) -> _Floats:
        if self._norms is None:
            self._live = np.zeros(len(self._ids), dtype=bool)
            self._live[list(self._slots.values())] = True
            lengths = np.asarray(self._lengths)
            live = lengths[self._live]
            mean = (math.fsum(live) / len(live) if len(live) else 0.0) or 1.0  # fsum: exact, whatever the order
            self._norms = self.k1 * (1.0 - self.b + self.b * lengths / mean)
        return self._norms

    def _merge_if_due(self) -> None:
        changed = len(self._ids) - self._merged + (len(self._ids) - len(self._slots))
        if changed > max(_MERGE_FLOOR, _MERGE_SHARE * len(self._slots)):
            self._merge()

    def _merge(self) -> None:
        kept = sorted(self._slots.values())
        self._ids = [self._ids[slot] for slot in kept]
        self._terms = [self._terms[slot] for slot in kept]
        self._frequencies = [self._frequencies[slot] for slot in kept]
        self._lengths = [self._lengths[slot] for slot in kept]
        self._slots = {document: slot for slot, document in enumerate(self._ids)}
        terms = np.concatenate([*self._terms, np.zeros(0, dtype=np.int32)])
        owners = np.repeat(np.arange(len(kept), dtype=np.int32), [len(part) for part in self._terms])
        terms = self._forget_unused(terms)
        order = np.argsort(terms, kind="stable")
        self._posting_slots = owners[order]
        self._posting_frequencies = np.concatenate([*self._frequencies, np.zeros(0)])[order]
        self._starts = np.zeros(len(self._vocabulary) + 1, dtype=np.int64)
        np.cumsum(np.bincount(terms, minlength=len(self._vocabulary)), out=self._starts[1:])
        self._recent, self._merged, self._norms = {}, len(kept), None

    def _forget_unused(self, terms: _Ints) -> _Ints:
        """Number the vocabulary anew without the terms of deleted documents; returns the postings' new numbers."""
        used, numbers = np.unique(terms, return_inverse=True)
        if len(used) == len(self._vocabulary):
            return terms
        names = list(self._vocabulary)
        self._vocabulary = {names[old]: new for new, old in enumerate(used.tolist())}
        renumbered: _Ints = numbers.astype(np.int32)
        self._terms = np.split(renumbered, np.cumsum([len(part) for part in self._terms])[:-1]) if self._terms else []
        self._document_frequency = Counter(renumbered.tolist())  # a term stands once in each document's terms
        return renumbered

    def to_arrays(self) -> tuple[dict[str, NDArray[np.generic]], list[str], list[str]]:
        """Give the live documents as arrays, their ids and the vocabulary; `from_arrays` is the way back."""
        self._merge()
        sizes = np.asarray([len(part) for part in self._terms], dtype=np.int64)
        arrays: dict[str, NDArray[np.generic]] = {
            "terms": np.concatenate([*self._terms, np.zeros(0, dtype=np.int32)]),
            "frequencies": np.concatenate([*self._frequencies, np.zeros(0)]),
            "sizes": sizes,
        }
        return arrays, list(self._ids), list(self._vocabulary)

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, NDArray[np.generic]],
        ids: Sequence[str],
        vocabulary: Sequence[str],
        *,
        k1: float,
        b: float,
    ) -> BM25FIndex:
        """Make an index from what `to_arrays` gave."""
        index = cls(k1=k1, b=b)
        index._vocabulary = {term: number for number, term in enumerate(vocabulary)}
        edges = np.cumsum(arrays["sizes"])[:-1]
        terms = np.split(arrays["terms"].astype(np.int32), edges)
        frequencies = np.split(arrays["frequencies"].astype(np.float64), edges)
        for document, part, counts in zip(ids, terms, frequencies, strict=False):
            index._append(document, part, counts)
        return index
