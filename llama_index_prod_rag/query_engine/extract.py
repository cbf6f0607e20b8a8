"""Answer without a language model: what the passages say about the question, quoted, each quote with its place."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from textwrap import dedent
from typing import Any, Protocol, runtime_checkable

from llama_index.core.schema import NodeWithScore

from llama_index_prod_rag.confidence.echoes import find_rest
from llama_index_prod_rag.query_engine.sources import place_of, source_of
from llama_index_prod_rag.text.languages import detect_language
from llama_index_prod_rag.text.overlap import score_overlap
from llama_index_prod_rag.text.pieces import Piece, split_pieces
from llama_index_prod_rag.text.printable import make_line, make_printable

_MOST_PAIRS = 64  # pieces that a cross-encoder reads; tables have hundreds of rows, and each pair costs 10 ms
_SHORTEST = 3  # words; shorter pieces are headings, list marks and leftovers


class SentenceScorer(Protocol):
    """Scores (question, text) pairs; every `PairScorer` of the reranker does."""

    def score(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Give one score per pair, higher is more relevant."""
        ...


@runtime_checkable
class LendsScorer(Protocol):
    """Lends the model that it scores passages with; `CrossEncoderRerank` does."""

    def pair_scorer(self) -> SentenceScorer:
        """Load the model that scores pairs, and return it."""
        ...


@dataclass(frozen=True, slots=True)
class LentScorer:
    """Borrows a scorer when the first sentence is to be scored: loading it costs seconds.

    Attributes:
        lend: gives the scorer.
    """

    lend: Callable[[], SentenceScorer]

    def score(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Give one score per pair, higher is more relevant."""
        return self.lend().score(pairs)


@dataclass(frozen=True, slots=True)
class Quote:
    """Is a sentence, a row or a block of a passage, and where it stands.

    Attributes:
        text: the words as they stand there.
        node_id: the passage's node.
        source: where in the list of passages, from 1; the number printed behind the quote.
        start: first character in the source document, also where that is HTML; in the node where the node has no
            offsets of its own. Where the node's text is another parser's and not a slice of the document, the quote's
            place is the node's.
        end: one past the last character.
        score: how well it fits the question, on the scorer's scale.
        header: the header row of the table that it is a row of; empty elsewhere.
        relevant: whether it says something about the question.
        block: whether its lines are kept: a record, a function, a fence; sentences are joined to one.
    """

    text: str
    node_id: str
    source: int
    start: int
    end: int
    score: float
    header: str = ""
    relevant: bool = True
    block: bool = False

    def to_json(self) -> dict[str, Any]:
        """Make the quote a JSON object."""
        place = {"node_id": self.node_id, "source": self.source, "start": self.start, "end": self.end}
        return {"text": self.text, "header": self.header, **place}


def best_sentences(
    query: str, hits: Sequence[NodeWithScore], *, count: int = 3, scorer: SentenceScorer | None = None
) -> list[Quote]:
    """Find what says most about the question, the best first: sentences, table rows, blocks of code or settings.

    What only repeats the question is quoted where there is nothing else.

    Args:
        query: the question.
        hits: the passages, best first.
        count: most quotes to return.
        scorer: a cross-encoder; None compares words, weighted by how few of these pieces have them.

    Returns:
        Up to `count` quotes, nothing twice. What scores above 0 is relevant (to a cross-encoder; otherwise it has a
        word in common with the question); with a cross-encoder and nothing above 0, what has a word in common is. Where
        nothing is relevant, the nearest ones are returned, and marked so.
    """
    candidates = _collect(query, hits)
    shared = score_overlap(query, [piece.reading for _, piece in candidates])
    if scorer is not None and len(candidates) > _MOST_PAIRS:
        kept = sorted(sorted(range(len(candidates)), key=lambda place: -shared[place])[:_MOST_PAIRS])
        candidates, shared = [candidates[place] for place in kept], [shared[place] for place in kept]
    pairs = [(query, piece.reading) for _, piece in candidates]
    scores = shared if scorer is None or not pairs else scorer.score(pairs)
    ranked = sorted(
        (
            replace(quote, score=float(score), relevant=score > 0)
            for (quote, _), score in zip(candidates, scores, strict=True)
        ),
        key=lambda quote: -quote.score if math.isfinite(quote.score) else math.inf,
    )
    if not any(quote.relevant for quote in ranked):
        words = {quote.text for (quote, _), score in zip(candidates, shared, strict=True) if score > 0}
        ranked = [replace(quote, relevant=quote.text in words) for quote in ranked]
    return _take(ranked, count)


def _collect(query: str, hits: Sequence[NodeWithScore]) -> list[tuple[Quote, Piece]]:
    """Collect what can be quoted, each text once; what only repeats the question where there is nothing else."""
    found = [pair for number, hit in enumerate(hits, start=1) for pair in _find_quotable(hit, number)]
    unique = list({_fold(quote.text): (quote, piece) for quote, piece in reversed(found)}.values())[::-1]
    language = detect_language([*(piece.reading for _, piece in unique), query])
    return [pair for pair in unique if find_rest(query, pair[1].reading, language) != ""] or unique


def _take(ranked: Sequence[Quote], count: int) -> list[Quote]:
    """Take the first relevant ones that do not repeat one another, or the first ones."""
    taken: list[Quote] = []
    for quote in ranked:
        text = _fold(quote.text)
        if quote.relevant and not any(text in _fold(other.text) or _fold(other.text) in text for other in taken):
            taken.append(quote)
        if len(taken) == count:
            break
    return taken or list(ranked[:count])


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold()


def _find_quotable(hit: NodeWithScore, number: int) -> list[tuple[Quote, Piece]]:
    source = source_of(hit)
    text = source["text"]
    pieces = split_pieces(text, str(hit.node.metadata.get("table_header") or ""))
    long_enough = [piece for piece in pieces if not piece.prose or _count_words(piece.reading) >= _SHORTEST] or pieces
    quotes = []
    for piece in long_enough:
        place = place_of(hit, piece.start, piece.end)
        words = text[piece.start : piece.end]
        block = not piece.prose and "\n" in words.strip()
        quotes.append((Quote(words, source["node_id"], number, *place, 0.0, piece.header, block=block), piece))
    return quotes


def _count_words(text: str) -> int:
    return sum(any(map(str.isalnum, piece)) for piece in text.split())  # the marks of a heading or a list are not words


def list_quotes(quotes: Sequence[Quote]) -> str:
    """Write quotes as a list, each with its passage's number; rows stand below their header, blocks on their own lines.

    Examples:
        >>> list_quotes([Quote("Drag fell.", "n1", 2, 0, 10, 1.5)])
        '- "Drag fell." [2]'
        >>> print(list_quotes([Quote("| 2 |", "n1", 1, 0, 5, 1.5, "| wings |")]))
        - [1]:
          | wings |
          | 2 |
    """
    return "\n".join(map(_list_quote, quotes))


def _list_quote(quote: Quote) -> str:
    """The quote as a list entry; no text of a document can end it and begin another."""
    if quote.header or quote.block:
        text = dedent(f"{quote.header}\n{quote.text}" if quote.header else quote.text).strip()
        return "\n".join((f"- [{quote.source}]:", *(f"  {line}" for line in make_printable(text).splitlines())))
    return f'- "{make_line(quote.text)}" [{quote.source}]'
