"""The ports through which pairs of texts are scored: is a passage relevant, does one text follow from another.

Core: Protocols and records alone. `models.scorers` and `models.nli` load what stands behind them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from typing_extensions import Self

from llama_index_prod_rag.errors import ScoringError

Pair: TypeAlias = tuple[str, str]
"""A query and a passage."""

Backend = Literal["auto", "torch", "onnx"]
"""Which runtime a model is loaded in; `auto` takes ONNX where the folder or repository has ONNX weights."""

Dtype = Literal["auto", "float32", "float16", "bfloat16"]
"""Precision in torch; `auto` halves it on a GPU, where logits move by less than .02, and keeps it on a processor."""

Progress: TypeAlias = Callable[[int], None]
"""Called with the number of pairs that were just scored, from any thread."""


class TokenText(str):
    """A text that remembers its tokens, so that what is read in windows and in pairs is tokenised once.

    It is equal to the plain text, and everything that takes a text takes it.

    Attributes:
        offsets: (start, end) characters of each token, special tokens left out.
        ids: the token's numbers, as many as offsets; empty where only the offsets are known.
        encoder: whose numbers they are; nobody else may use them.

    Examples:
        >>> text = TokenText("berlin is large", [(0, 6), (7, 9), (10, 15)], [4, 5, 6])
        >>> text.part(1, 3), text.part(1, 3).ids
        ('is large', [5, 6])
    """

    offsets: Sequence[tuple[int, int]]
    ids: Sequence[int]
    encoder: object

    def __new__(
        cls, text: str, offsets: Sequence[tuple[int, int]], ids: Sequence[int] = (), encoder: object = None
    ) -> Self:
        """Make a string that carries the places and numbers of its tokens."""
        made = super().__new__(cls, text)
        made.offsets, made.ids, made.encoder = offsets, ids, encoder
        return made

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """A copy in another process is the plain text: another encoder's numbers are of no use there."""
        return str, (str(self),)

    def part(self, start: int, end: int) -> TokenText:
        """Cut out the text of the tokens from `start` up to `end`; its own offsets are left out."""
        if start >= end:
            return TokenText("", (), (), self.encoder)
        text = self[self.offsets[start][0] : self.offsets[end - 1][1]]
        return TokenText(text, (), self.ids[start:end], self.encoder)


@runtime_checkable
class Tokenizes(Protocol):
    """What a `PairScorer` may offer besides: texts tokenised in one call, whose pairs it need not tokenise again."""

    def tokenize(self, texts: Sequence[str]) -> list[TokenText]:
        """Give the texts with their tokens, special tokens left out and nothing cut off."""
        ...


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
        """Raw logits, one per pair, in the order given; unbounded, higher is more relevant."""
        ...


def tokenize(scorer: PairScorer, texts: Sequence[str]) -> list[TokenText]:
    """Give the texts with their tokens as a scorer sees them: in one call where it can, else one by one."""
    if isinstance(scorer, Tokenizes):
        return scorer.tokenize(texts)
    return [TokenText(text, scorer.token_offsets(text)) for text in texts]


def score_pairs(scorer: PairScorer, pairs: Sequence[Pair], progress: Progress | None = None) -> list[float]:
    """Ask a scorer, which may be anybody's, and count what it gives back.

    Raises:
        ScoringError: there is not one score for each pair.
    """
    scores = scorer.score(pairs, progress)
    if len(scores) != len(pairs):
        raise ScoringError(f"{scorer.name} gave {len(scores)} scores for {len(pairs)} pairs: `score` returns one each")
    return scores


def sigmoid(logit: float) -> float:
    """Compute the probability that a logit stands for, without overflow at either end.

    Examples:
        >>> sigmoid(0.0), sigmoid(-1e9)
        (0.5, 0.0)
    """
    return 1.0 / (1.0 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1.0 + math.exp(logit))


@dataclass(frozen=True, slots=True)
class Entailment:
    """Says whether one text follows from another, as probabilities.

    Attributes:
        supports: the premise says so.
        contradicts: the premise says otherwise.
    """

    supports: float
    contradicts: float


@dataclass(frozen=True, slots=True)
class Ruling:
    """Says whether passages answer a question.

    Attributes:
        answers: 0 for no, 1 for yes, between them for a part of it, or the probability of yes.
        quote: the words of a passage that answer; without them a yes does not count.

    Raises:
        ValueError: `answers` is not a number from 0 to 1.
    """

    answers: float
    quote: str = ""

    def __post_init__(self) -> None:
        if not 0.0 <= self.answers <= 1.0:
            raise ValueError(f"a ruling of {self.answers}: give 0 for no, 1 for yes, or what lies between them")


class EvidenceJudge(Protocol):
    """Reads the first passages and rules whether they answer the question; any function of this shape is one.

    It is called from several threads at once. What it raises leaves the decision as it was.
    """

    def __call__(self, question: str, passages: Sequence[str]) -> Ruling:
        """Rule on one question; passages come with their headings, the best first."""
        ...


class EntailmentJudge(Protocol):
    """Judges, as natural language inference models do, whether one text supports or contradicts another."""

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[Entailment]:
        """Give one result for each (premise, hypothesis)."""
        ...
