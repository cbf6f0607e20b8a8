"""How much of a question's wording texts share with it: a first choice before a model reads. Core."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from llama_index_prod_rag.text.languages import detect_language
from llama_index_prod_rag.text.terms import found_terms, term_set


def score_overlap(query: str, texts: Sequence[str]) -> list[float]:
    """Sum for each text the question's terms that it has, each weighted by how few of these texts have it.

    Args:
        query: the question.
        texts: what is compared with it.

    Returns:
        A score of at least 0 for each text, in their order; 0 where nothing is shared.

    Examples:
        >>> [round(score, 2) for score in score_overlap("hotel limit", ["limit of hotels", "limit of trains", "doors"])]
        [1.45, 0.47, 0.0]
    """
    language = detect_language([*texts, query])
    wanted = term_set(query, language)
    found = [wanted & found_terms(text, language) for text in texts]
    counts = Counter(term for terms in found for term in terms)
    # Among sentences with the same terms the earlier passage is the better one: the sort is stable.
    return [math.fsum(math.log((len(texts) + 1) / (counts[term] + 0.5)) for term in terms) for terms in found]


def pick_nearest(query: str, texts: Sequence[str], count: int) -> list[int]:
    """Choose the texts that share most with a question; places in the list, in its order.

    Examples:
        >>> pick_nearest("hotel limit", ["doors", "limit of trains", "limit of hotels"], 2)
        [1, 2]
    """
    if len(texts) <= count:
        return list(range(len(texts)))
    shared = score_overlap(query, texts)
    return sorted(sorted(range(len(texts)), key=lambda place: -shared[place])[:count])
