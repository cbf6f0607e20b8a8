"""Score whole passages with a model that reads a limited number of tokens. Core: knows scorers only by their port."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llama_index_prod_rag.errors import ScoringError
from llama_index_prod_rag.models.pairs import PairScorer, Progress, TokenText, score_pairs, tokenize
from llama_index_prod_rag.postprocessor.windows import window_ranges

_logger = logging.getLogger(__name__)

_OVERLAP = 64  # tokens that neighbouring windows share: two or three sentences, so that an answer is whole in one


@dataclass(frozen=True, slots=True)
class PassageScores:
    """What a model says about a list of passages.

    Attributes:
        logits: the best window's raw output for each passage; it may be NaN where the model gave NaN.
        truncated: indices of passages with windows that were not read.
        pairs: how many pairs the model scored.
    """

    logits: list[float]
    truncated: frozenset[int]
    pairs: int


def score_passages(
    scorer: PairScorer,
    query: str,
    passages: Sequence[str],
    *,
    max_windows: int | None = None,
    progress: Progress | None = None,
) -> PassageScores:
    """Score passages by the maximum over their windows; equal windows are scored once.

    A query longer than half of what the model reads is cut to that half, with a warning.

    Args:
        scorer: the model.
        query: the question.
        passages: texts of any length, empty ones included.
        max_windows: windows read of a passage, from its beginning; None reads it to its end.
        progress: called with the number of pairs just scored.
    """
    return _score(scorer, fit_query(scorer, query), passages, max_windows, progress)


@dataclass(frozen=True, slots=True)
class FittedQuery:
    """A question as far as the model should read it.

    Attributes:
        text: the question, its tokens known.
        room: tokens that are left for a passage.
    """

    text: TokenText
    room: int


def fit_query(scorer: PairScorer, query: str) -> FittedQuery:
    """Tokenise a question, and cut it to half of what the model reads."""
    room = scorer.max_tokens - scorer.special_tokens
    (text,) = tokenize(scorer, [query])
    tokens = len(text.offsets)
    if tokens > room // 2:
        _logger.warning("query of %d tokens cut to %d: %s reads %d", tokens, room // 2, scorer.name, room)
    read = min(tokens, room // 2)
    return FittedQuery(text.part(0, read), room - read)


def _score(
    scorer: PairScorer, query: FittedQuery, passages: Sequence[str], max_windows: int | None, progress: Progress | None
) -> PassageScores:
    windows = [_windows(passage, query.room) for passage in tokenize(scorer, passages)]
    read = [parts[:max_windows] for parts in windows]
    unique = list(dict.fromkeys(part for parts in read for part in parts))
    scores = dict(zip(unique, score_pairs(scorer, [(query.text, part) for part in unique], progress), strict=True))
    return PassageScores(
        logits=[_maximum([scores[part] for part in parts]) for parts in read],
        truncated=frozenset(index for index, parts in enumerate(windows) if len(parts) > len(read[index])),
        pairs=len(unique),
    )


class PassageReader:
    """One question over passages that are asked for bit by bit; equal texts are scored once.

    Args:
        scorer: the model.
        query: the question, or as `fit_query` cut it for this model: it is not tokenised again.
        passages: node id -> text.
        max_windows: as in `score_passages`.
        progress: as in `score_passages`.

    Attributes:
        truncated: ids of passages that were asked for and not read to the end.
    """

    def __init__(
        self,
        scorer: PairScorer,
        query: str | FittedQuery,
        passages: Mapping[str, str],
        *,
        max_windows: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.truncated: set[str] = set()
        self._scorer = scorer
        self._query = query if isinstance(query, FittedQuery) else fit_query(scorer, query)
        self._passages = passages
        self._max_windows = max_windows
        self._progress = progress
        self._known: dict[str, float] = {}

    def logits(self, node_ids: Sequence[str]) -> dict[str, float]:
        """Node id -> the best window's raw logit.

        Raises:
            ScoringError: the model's output for a node is NaN or infinite.
        """
        new = list(dict.fromkeys(text for node in node_ids if (text := self._passages[node]) not in self._known))
        found = _score(self._scorer, self._query, new, self._max_windows, self._progress)
        self._known.update(zip(new, found.logits, strict=True))
        cut = {new[index] for index in found.truncated}
        self.truncated |= {node for node, text in self._passages.items() if text in cut}
        return {node: self._check_finite(node) for node in node_ids}

    def _check_finite(self, node: str) -> float:
        logit = self._known[self._passages[node]]
        if not math.isfinite(logit):
            raise ScoringError(
                f"{self._scorer.name} scored node {node} with {logit}: check its text and the model's weights"
            )
        return logit


def _windows(passage: TokenText, room: int) -> list[TokenText]:
    ranges = window_ranges(len(passage.offsets), room, min(_OVERLAP, room // 4))
    return [passage.part(start, end) for start, end in ranges]


def _maximum(logits: Sequence[float]) -> float:
    # max() lets a NaN pass or not depending on its position
    return math.nan if any(map(math.isnan, logits)) else max(logits)
