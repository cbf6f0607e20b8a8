"""Score the rows, records and lines of structured passages by themselves. Core: knows scorers only by their port.

A cross-encoder that reads a table as a whole misses the row that answers, and finds it in the row alone. Of prose,
sentences say no more than the passage does, so they are not read again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llama_index_prod_rag.models.pairs import PairScorer
from llama_index_prod_rag.postprocessor.cascade import score_in_time
from llama_index_prod_rag.postprocessor.passages import score_passages
from llama_index_prod_rag.text.overlap import pick_nearest
from llama_index_prod_rag.text.pieces import structured_pieces


@dataclass(frozen=True, slots=True)
class Structured:
    """Is a passage whose pieces are asked for.

    Attributes:
        id: node id.
        text: the node's own text.
        table_header: the header row of a table that the text begins in the middle of; empty where there is none.
    """

    id: str
    text: str
    table_header: str = ""


def score_pieces(
    scorer: PairScorer,
    query: str,
    passages: Sequence[Structured],
    most: int,
    remaining: Callable[[], float] = lambda: math.inf,
) -> dict[str, float]:
    """Score the pieces of passages that share most with the question.

    Args:
        scorer: the model.
        query: the question.
        passages: the passages, best first.
        most: pairs that the model reads, over all passages.
        remaining: seconds that are left for it.

    Returns:
        Node id -> the highest finite logit of its pieces that were read; passages of prose are not there.
    """
    pieces = [
        (passage.id, piece.reading)
        for passage in passages
        for piece in structured_pieces(passage.text, passage.table_header)
    ]
    read = [pieces[place] for place in pick_nearest(query, [reading for _, reading in pieces], most)]
    if not read:
        return {}

    def score(readings: Sequence[str]) -> dict[str, float]:
        return dict(zip(readings, score_passages(scorer, query, readings, max_windows=1).logits, strict=True))

    logits = score_in_time(list(dict.fromkeys(reading for _, reading in read)), score, remaining, block=1)
    best: dict[str, float] = {}
    for node, reading in read:
        if math.isfinite(logit := logits.get(reading, math.nan)):
            best[node] = max(logit, best.get(node, -math.inf))
    return best
