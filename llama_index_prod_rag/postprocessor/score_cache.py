"""Remember pair scores: the same question over the same passages costs nothing the second time."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import Protocol

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.models.disk_cache import digest
from llama_index_prod_rag.models.pairs import Pair, PairScorer, Progress, TokenText, score_pairs, tokenize


class ScoreStore(Protocol):
    """Logits by key, safe to use from several threads."""

    def get(self, keys: Iterable[bytes]) -> dict[bytes, float]:
        """The logits that are there; keys without one are left out."""
        ...

    def put(self, logits: Mapping[bytes, float]) -> None:
        """Add logits; one that is already there is replaced."""
        ...


class LruScores:
    """A `ScoreStore` in memory that forgets what was not asked for the longest.

    Args:
        size: most logits kept, at least 1; one takes about 150 bytes.

    Raises:
        ConfigurationError: `size` is below 1.

    Examples:
        >>> store = LruScores(2)
        >>> store.put({b"a": 1.0, b"b": 2.0})
        >>> store.get([b"a"])
        {b'a': 1.0}
        >>> store.put({b"c": 3.0})
        >>> store.get([b"a", b"b", b"c"])
        {b'a': 1.0, b'c': 3.0}
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ConfigurationError(f"a score cache of {size} holds nothing: give at least 1")
        self._size = size
        self._lock = Lock()
        self._logits: OrderedDict[bytes, float] = OrderedDict()

    def __reduce__(self) -> tuple[type[LruScores], tuple[int]]:
        """A copy in another process starts empty."""
        return LruScores, (self._size,)

    def get(self, keys: Iterable[bytes]) -> dict[bytes, float]:
        """The logits that are there, now the most recently used."""
        with self._lock:
            found = {key: self._logits[key] for key in keys if key in self._logits}
            for key in found:
                self._logits.move_to_end(key)
        return found

    def put(self, logits: Mapping[bytes, float]) -> None:
        """Add logits, dropping the least recently used beyond the size."""
        with self._lock:
            self._logits.update(logits)
            for key in logits:
                self._logits.move_to_end(key)
            while len(self._logits) > self._size:
                self._logits.popitem(last=False)


class CachedScorer:
    """A `PairScorer` that asks its model only for pairs its store does not hold.

    Args:
        scorer: the model.
        store: where logits are kept, by the digest of the model's fingerprint, the query and the passage.
    """

    def __init__(self, scorer: PairScorer, store: ScoreStore) -> None:
        self._scorer = scorer
        self._store = store
        self.name = scorer.name
        self.fingerprint = scorer.fingerprint
        self.max_tokens = scorer.max_tokens
        self.special_tokens = scorer.special_tokens

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        """(start, end) characters of each token of a text, special tokens left out."""
        return self._scorer.token_offsets(text)

    def tokenize(self, texts: Sequence[str]) -> list[TokenText]:
        """The texts with their tokens, special tokens left out and nothing cut off."""
        return tokenize(self._scorer, texts)

    def score(self, pairs: Sequence[Pair], progress: Progress | None = None) -> list[float]:
        """Raw logits, one per pair, in the order given."""
        keys = [digest(self.fingerprint, *pair) for pair in pairs]
        known = self._store.get(keys)
        if progress is not None:
            progress(sum(key in known for key in keys))
        missing = {key: pair for key, pair in zip(keys, pairs, strict=True) if key not in known}
        fresh = dict(zip(missing, score_pairs(self._scorer, list(missing.values()), progress), strict=True))
        # What is not a number is for the caller to refuse, and not to be remembered.
        self._store.put({key: logit for key, logit in fresh.items() if math.isfinite(logit)})
        return [known[key] if key in known else fresh[key] for key in keys]
