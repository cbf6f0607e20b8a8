"""Spend the full model on candidates that can still matter. Core: numbers keyed by node id.

Two independent savings: a cheaper first pass chooses what the full model reads at all, and the full model stops when
no candidate that is left can reach the best few.
"""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Callable, Mapping, Sequence

from llama_index_prod_rag.postprocessor.blending import Blend

ScoreNodes = Callable[[Sequence[str]], Mapping[str, float]]
"""Node ids -> their logits."""

BLOCK = 8
"""Candidates between two looks at whether to stop: enough work for the workers of a small machine."""

_FIRST = 2
"""Candidates read before the first look at the clock: a slow model takes half a second for eight long passages."""

_BEGINNING = re.compile(r"\s*(?:\S+\s+){0,39}\S*")


def beginning(passage: str) -> str:
    """The first forty words of a passage: what a first pass reads.

    Examples:
        >>> len(beginning("word " * 100).split())
        40
    """
    found = _BEGINNING.match(passage)
    return found.group() if found else ""


def score_in_time(
    candidates: Sequence[str], score: ScoreNodes, remaining: Callable[[], float], block: int = _FIRST
) -> dict[str, float]:
    """Score candidates in the order given, until the time is up.

    Blocks grow as long as one takes less than a fourth of the time that is left, so that a fast model has enough to do
    at once, and shrink where another as large would run beyond.

    Args:
        candidates: node ids.
        score: the model.
        remaining: seconds that are left.
        block: candidates of the first block.

    Returns:
        Node id -> logit of those that were scored; with no end to the time, all of them at once.
    """
    if remaining() == math.inf:
        return dict(score(candidates))
    waiting = list(candidates)
    logits: dict[str, float] = {}
    while waiting and (left := remaining()) > 0.0:
        logits.update(score(waiting[:block]))
        waiting = waiting[block:]
        after = remaining()
        if left - after < left / 4:
            block *= 2
        elif after < left - after:
            block = max(1, block // 2)
    return logits


def score_until_settled(
    blend: Blend,
    candidates: Sequence[str],
    top_n: int,
    score: ScoreNodes,
    *,
    block: int = BLOCK,
    remaining: Callable[[], float] = lambda: math.inf,
) -> dict[str, float]:
    """Score candidates from the highest ceiling down, until the rest cannot reach the best `top_n`.

    A candidate's ceiling is its score if its pair score were the best of all. The stop is exact while no unread pair
    score lies outside the range of those already read, since that range is what pair scores are normalised by.

    Args:
        blend: what the candidates already have.
        candidates: node ids.
        top_n: how many are wanted, at least 1.
        score: the model.
        block: candidates scored at once.
        remaining: seconds that are left.

    Returns:
        Node id -> logit of those that were scored.
    """
    ceilings = blend.ceilings(candidates)
    waiting = list(ceilings)
    logits: dict[str, float] = {}
    while waiting and remaining() > 0.0:
        size = max(block, top_n - len(logits))
        logits.update(score(waiting[:size]))
        waiting = waiting[size:]
        best = heapq.nlargest(top_n, blend.scores(logits).values())
        if waiting and len(best) == top_n and ceilings[waiting[0]] <= best[-1]:
            break
    return logits
