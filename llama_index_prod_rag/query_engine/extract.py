"""Answer without a language model: the best sentences of the passages, quoted, each with its place."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from llama_index.core.schema import NodeWithScore

from llama_index_prod_rag.query_engine.sources import source_of
from llama_index_prod_rag.text.languages import detect_language
from llama_index_prod_rag.text.sentences import split_sentences
from llama_index_prod_rag.text.terms import found_terms, term_set

_SHORTEST = 3  # words; shorter pieces are headings, list marks and leftovers


class SentenceScorer(Protocol):
    """Anything that scores (question, text) pairs; every `PairScorer` of the reranker does."""

    def score(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """One score a pair, higher is more relevant."""
        ...


@dataclass(frozen=True, slots=True)
class Quote:
    """One sentence of a passage.

    Attributes:
        text: the sentence as it stands there.
        node_id: the passage's node.
        source: where in the list of passages, from 1; the number printed behind the quote.
        start: first character in the source document; in the node where the node has no offsets of its own.
        end: one past the last character.
        score: how well it fits the question, on the scorer's scale.
    """

    text: str
    node_id: str
    source: int
    start: int
    end: int
    score: float

    def to_json(self) -> dict[str, Any]:
        """The quote as a JSON object."""
        return {"text": self.text, "node_id": self.node_id, "source": self.source, "start": self.start, "end": self.end}


def best_sentences(
    query: str, hits: Sequence[NodeWithScore], *, count: int = 3, scorer: SentenceScorer | None = None
) -> list[Quote]:
    """The sentences that say most about the question, in the order of the passages and their text.

    Args:
        query: the question.
        hits: the passages, best first.
        count: most sentences to return.
        scorer: a cross-encoder; None compares words, weighted by how few of these sentences have them.

    Returns:
        Up to `count` quotes, no sentence twice. Beside a sentence that scores above 0 (relevant to a cross-encoder, a
        word in common otherwise) none is quoted that does not. A passage without sentences is quoted whole.
    """
    found = [quote for number, hit in enumerate(hits, start=1) for quote in _sentences(hit, number)]
    sentences = list({quote.text: quote for quote in reversed(found)}.values())[::-1]
    if not sentences:
        return []
    texts = [quote.text for quote in sentences]
    scores = _lexical(query, texts) if scorer is None else scorer.score([(query, text) for text in texts])
    ranked = sorted(
        range(len(sentences)), key=lambda index: -scores[index] if math.isfinite(scores[index]) else math.inf
    )
    relevant = [index for index in ranked[:count] if scores[index] > 0]
    return [_scored(sentences[index], scores[index]) for index in sorted(relevant or ranked[:count])]


def _sentences(hit: NodeWithScore, number: int) -> list[Quote]:
    source = source_of(hit)
    text, offset = source["text"], source["start"] or 0
    spans = split_sentences(text)
    long_enough = [(start, end) for start, end in spans if _words(text[start:end]) >= _SHORTEST] or spans
    return [
        Quote(text[start:end], source["node_id"], number, offset + start, offset + end, 0.0)
        for start, end in long_enough
    ]


def _words(text: str) -> int:
    return sum(any(map(str.isalnum, piece)) for piece in text.split())  # the marks of a heading or a list are no words


def _scored(quote: Quote, score: float) -> Quote:
    return Quote(quote.text, quote.node_id, quote.source, quote.start, quote.end, float(score))


def _lexical(query: str, texts: Sequence[str]) -> list[float]:
    language = detect_language([*texts, query])
    wanted = term_set(query, language)
    found = [wanted & found_terms(text, language) for text in texts]
    counts = Counter(term for terms in found for term in terms)
    # Among sentences with the same terms the earlier passage is the better one: the sort is stable.
    return [math.fsum(math.log((len(texts) + 1) / (counts[term] + 0.5)) for term in terms) for terms in found]


def quoted(quotes: Sequence[Quote]) -> str:
    """Quotes as a list, each with the number of its passage.

    Examples:
        >>> quoted([Quote("Drag fell.", "n1", 2, 0, 10, 1.5)])
        '- "Drag fell." [2]'
    """
    return "\n".join(f'- "{quote.text}" [{quote.source}]' for quote in quotes)
