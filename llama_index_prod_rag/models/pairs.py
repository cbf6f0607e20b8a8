"""The ports through which pairs of texts are scored: is a passage relevant, does one text follow from another.

Core: Protocols and records alone. `models.scorers` and `models.nli` load what stands behind them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, runtime_checkable

Pair: TypeAlias = tuple[str, str]
"""A query and a passage."""

Backend = Literal["auto", "torch", "onnx"]
"""Which runtime a model is loaded in; `auto` takes ONNX where the folder or repository has ONNX weights."""

Progress: TypeAlias = Callable[[int], None]
"""Called with the number of pairs that were just scored, from any thread."""


@runtime_checkable
class PairScorer(Protocol):
    """A model that says how relevant a passage is to a query.

    Implementations may be called from several threads at once, and a pair's logit does not depend on its neighbours
    in the call beyond floating-point noise.

    Attributes:
        name: what the user called the model.
        fingerprint: identifies the weights, in caches and records.
        max_tokens: most tokens of a pair, special tokens included; what lies behind is not read.
        special_tokens: how many of them the model adds to a pair itself.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - documented above
    @property
    def fingerprint(self) -> str: ...  # noqa: D102
    @property
    def max_tokens(self) -> int: ...  # noqa: D102
    @property
    def special_tokens(self) -> int: ...  # noqa: D102

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        """(start, end) characters of each token of a text, special tokens left out."""
        ...

    def score(self, pairs: Sequence[Pair], progress: Progress | None = None) -> list[float]:
        """Raw logits, one a pair, in the order given; unbounded, higher is more relevant."""
        ...


def sigmoid(logit: float) -> float:
    """The probability that a logit stands for, without overflow at either end.

    Examples:
        >>> sigmoid(0.0), sigmoid(-1e9)
        (0.5, 0.0)
    """
    return 1.0 / (1.0 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1.0 + math.exp(logit))


@dataclass(frozen=True, slots=True)
class Entailment:
    """Whether one text follows from another, as probabilities.

    Attributes:
        supports: the premise says so.
        contradicts: the premise says otherwise.
    """

    supports: float
    contradicts: float


class EntailmentJudge(Protocol):
    """A natural language inference model."""

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[Entailment]:
        """One result for each (premise, hypothesis)."""
        ...
