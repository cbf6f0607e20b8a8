"""BM25 over weighted fields, kept current under adds and deletes. Core: strings and numbers.

Term frequencies and lengths of the fields are blended first and scored once (the simple BM25F: Robertson, Zaragoza,
Taylor, "Simple BM25 Extension to Multiple Weighted Fields", CIKM 2004), with the formula that bm25s calls `lucene`; on
one field the scores are those of bm25s. bm25s itself works every score out when it indexes, and any added or deleted
document changes them all (document frequencies, mean length). Here they are worked out per query, from postings that
an add or a delete touches in one place.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from llama_index_prod_rag.checked_arrays import check_amounts, check_groups
from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.lexical.masking import MANY, Masking

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
        self._lengths: list[float] = []
        self._recent: dict[int, _Recent] = {}  # term -> what the merged postings do not know yet
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

    def ids(self) -> Collection[str]:
        """Ids of the documents that are there, as they are now and will be."""
        return self._slots.keys()

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
        slot = self._slots[document] = len(self._ids)
        self._ids.append(document)
        self._lengths.append(math.fsum(frequencies.values()))
        for number, frequency in frequencies.items():
            recent = self._recent.get(number) or self._recent.setdefault(number, _Recent(array("i"), array("d")))
            recent.slots.append(slot)
            recent.frequencies.append(frequency)
        self._norms = None

    def remove(self, document: str) -> bool:
        """Forget a document, and say whether it was there."""
        if self._slots.pop(document, None) is None:
            return False
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
        eligible: NDArray[np.signedinteger[Any]] = np.flatnonzero((scores > 0) & self._live)
        if top_k < 1 or not len(eligible):
            return []
        if allowed is not None:
            eligible = self._allowed(eligible, scores, top_k, allowed)
        if len(eligible) > top_k:  # everything that ties with the last place takes part in the sorting by id
            cut = np.partition(scores[eligible], -top_k)[-top_k]
            eligible = eligible[scores[eligible] >= cut]
        found = ((self._ids[slot], float(scores[slot])) for slot in eligible)
        return sorted(found, key=lambda item: (-item[1], item[0]))[:top_k]

    def _allowed(self, eligible: NDArray[np.int64], scores: _Floats, top_k: int, allowed: Container[str]) -> _Ints:
        """Slots that may be returned, asked about from the best one on, until there are enough and no further tie."""
        kept: list[int] = []
        for asked, slot in enumerate(eligible[np.argsort(-scores[eligible], kind="stable")].tolist()):
            if len(kept) >= top_k and scores[slot] < scores[kept[-1]]:
                break
            if asked == MANY and isinstance(allowed, Masking):
                return eligible[allowed.mask(self._ids)[eligible]].astype(np.int32)
            if self._ids[slot] in allowed:
                kept.append(slot)
        return np.array(kept, dtype=np.int32)

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
            postings = list(self._postings(self._vocabulary.get(term, -1)))
            weight = count * self._idf(sum(int(np.count_nonzero(self._live[slots])) for slots, _ in postings))
            for slots, frequencies in postings:
                scores[slots] += weight * (frequencies / (frequencies + norms[slots]))
        return scores

    def _idf(self, containing: int) -> float:
        return math.log(1.0 + (len(self._slots) - containing + 0.5) / (containing + 0.5))

    def _postings(self, term: int) -> Iterator[tuple[_Ints, _Floats]]:
        if 0 <= term < len(self._starts) - 1:
            part = slice(self._starts[term], self._starts[term + 1])
            yield self._posting_slots[part], self._posting_frequencies[part]
        if recent := self._recent.get(term):
            yield np.array(recent.slots, dtype=np.int32), np.array(recent.frequencies)

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
        """Put what is recent into the postings, and leave out what is dead: documents, and terms that only they had."""
        self._length_norms()
        terms, slots, frequencies = self._every_posting()
        alive = self._live[slots]
        terms, slots, frequencies = terms[alive], slots[alive], frequencies[alive]
        terms = self._forget_unused(terms)
        order = np.argsort(terms, kind="stable")  # two sorted runs: merged in one go
        self._posting_slots = _numbers_of(self._live)[slots[order]]
        self._posting_frequencies = frequencies[order]
        self._starts = np.zeros(len(self._vocabulary) + 1, dtype=np.int64)
        np.cumsum(np.bincount(terms, minlength=len(self._vocabulary)), out=self._starts[1:])
        kept = np.flatnonzero(self._live).tolist()
        self._ids = [self._ids[slot] for slot in kept]
        self._lengths = [self._lengths[slot] for slot in kept]
        self._slots = {document: slot for slot, document in enumerate(self._ids)}
        self._recent, self._merged, self._norms = {}, len(kept), None

    def _every_posting(self) -> tuple[_Ints, _Ints, _Floats]:
        """Term, slot and frequency of every posting: those that are merged in the order of terms, then the others."""
        recent = sorted(self._recent.items())
        counts = [len(found.slots) for _, found in recent]
        merged = np.repeat(np.arange(len(self._starts) - 1, dtype=np.int32), np.diff(self._starts))
        later = np.repeat(np.array([term for term, _ in recent], dtype=np.int32), counts)
        slots = [np.array(found.slots, dtype=np.int32) for _, found in recent]
        frequencies = [np.array(found.frequencies) for _, found in recent]
        return (
            np.concatenate([merged, later]),
            np.concatenate([self._posting_slots, *slots]),
            np.concatenate([self._posting_frequencies, *frequencies]),
        )

    def _forget_unused(self, terms: _Ints) -> _Ints:
        """Number the vocabulary anew without the terms of deleted documents; returns the postings' new numbers."""
        used = np.bincount(terms, minlength=len(self._vocabulary)) > 0
        if used.all():
            return terms
        kept = [name for name, there in zip(self._vocabulary, used.tolist(), strict=True) if there]
        self._vocabulary = {name: number for number, name in enumerate(kept)}
        return _numbers_of(used)[terms]

    def to_arrays(self) -> tuple[dict[str, NDArray[np.generic]], list[str], list[str]]:
        """Give the live documents as arrays, their ids and the vocabulary; `from_arrays` is the way back."""
        self._merge()
        arrays: dict[str, NDArray[np.generic]] = {
            "starts": self._starts,
            "slots": self._posting_slots,
            "frequencies": self._posting_frequencies,
            "lengths": np.asarray(self._lengths, dtype=np.float64),
        }
        return arrays, list(self._ids), list(self._vocabulary)

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, NDArray[Any]],
        ids: Sequence[str],
        vocabulary: Sequence[str],
        *,
        k1: float,
        b: float,
    ) -> BM25FIndex:
        """Make an index from what `to_arrays` gave; the arrays are searched as they are.

        Raises:
            InputError: they are something else, or do not fit together.
        """
        check_groups(vocabulary, ids, arrays["starts"], arrays["slots"])
        check_amounts(arrays["frequencies"], len(arrays["slots"]))
        check_amounts(arrays["lengths"], len(ids))
        summed = np.bincount(arrays["slots"], arrays["frequencies"], len(ids))
        if not np.allclose(summed, arrays["lengths"]):
            raise InputError("the lengths are not those of the frequencies")
        index = cls(k1=k1, b=b)
        index._vocabulary = {term: number for number, term in enumerate(vocabulary)}
        index._ids = list(ids)
        index._slots = {document: slot for slot, document in enumerate(ids)}
        index._lengths = arrays["lengths"].tolist()
        index._starts = arrays["starts"]
        index._posting_slots = arrays["slots"]
        index._posting_frequencies = arrays["frequencies"]
        index._merged = len(index._ids)
        return index


class _Recent(NamedTuple):
    """Documents that hold a term, and how often."""

    slots: array[int]
    frequencies: array[float]


def _numbers_of(there: NDArray[np.bool_]) -> _Ints:
    """New numbers, from 0 on, of those that are there, by their old ones."""
    numbers: _Ints = np.cumsum(there, dtype=np.int32) - np.int32(1)
    return numbers
