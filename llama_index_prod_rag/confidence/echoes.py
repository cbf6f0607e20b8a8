"""Copies of the question in a passage: they raise every score and say nothing new. Core: strings alone.

A passage may be planted that holds the words of a popular question, or be a list of questions without their answers.
Legs and cross-encoders like both. So what repeats the question is taken out before a passage is judged:

* stretches of a sentence that have nearly all of its word pairs: a copy, whatever stands before and behind it;
* sentences and lines whose words are all the question's, where together they have most of its terms: its words in any
  order, once or many times;
* sentences that have its terms again and again and hardly a function word: its words among others.

What is left is judged. A list of questions with answers keeps its answers, a statement in the question's words that
adds anything keeps it all.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence, Set
from functools import lru_cache
from itertools import pairwise

import regex

from llama_index_prod_rag.text.analysis import plain
from llama_index_prod_rag.text.sentences import split_sentences
from llama_index_prod_rag.text.terms import content_analyzer, term_set

# With fewer terms the question is a name or a topic, and every passage about it has all of them close together.
_FEWEST_TERMS = 4
_COPIED_PAIRS = 0.85  # of the question's word pairs; a sentence that answers it in full keeps half to three quarters
_REPEATED_TERMS = 0.8
_STUFFED_TERMS = 0.8
_STUFFED_TIMES = 2.0  # that a sentence has each of them on average
_STUFFED_SHARE = 0.15  # of the sentence's words that are the question's
_FEWEST_FUNCTION_WORDS = 0.15  # of a sentence's words: English prose has .35 to .5, keywords none
_PUNCTUATION = regex.compile(r"[^\w\s]+")
_INVISIBLE = regex.compile(r"[\p{Cf}\uFE00-\uFE0F]+")


def find_rest(query: str, text: str, language: str = "english") -> str | None:
    """Give what a passage says beside repeating the question; None where it repeats nothing.

    Args:
        query: the question.
        text: the passage, headings and all.
        language: of both.

    Returns:
        The rest, invisible characters left out: an empty string where the passage says nothing else.

    Examples:
        >>> query = "How does the sweep of a wing change its drag?"
        >>> find_rest(query, "FAQ: how does the sweep of a wing change its drag? It delays the rise of drag.")
        'FAQ: It delays the rise of drag.'
        >>> find_rest(query, "wing sweep change drag wing drag"), find_rest(query, "Sweep delays a wing's drag rise.")
        ('', None)
    """
    wanted = term_set(query, language)
    if len(wanted) < _FEWEST_TERMS:
        return None
    shown = _INVISIBLE.sub("", plain(text))
    if not _may_repeat(query, shown, language):
        return None
    sentences = split_sentences(shown)
    asked = _asked_pairs(plain(query), language)
    copied = {span: copy for span in sentences if (copy := _find_copy(asked, shown, span, language))}
    others = [span for span in sentences if span not in copied]
    copies = frozenset[str]().union(*(term_set(shown[start:end], language) for start, end in copied.values()))
    repeated = [*copied.values(), *_find_empty(wanted, copies, shown, others, language)]
    repeated += [span for span in others if _is_stuffed(wanted, shown[span[0] : span[1]], language)]
    if not repeated:
        return None
    kept = " ".join(shown[start:end].strip() for start, end in _gaps(sorted(set(repeated)), len(shown)))
    return " ".join(kept.split()) if any(map(str.isalnum, kept)) else ""


def _may_repeat(query: str, text: str, language: str) -> bool:
    """Whether enough of the words, or of their beginnings, stand in the text at all: most passages end here."""
    folded = text.casefold()
    asked = _probes(plain(query).casefold(), language)
    return sum(probe in folded for probe in asked) >= _REPEATED_TERMS * len(asked)


@lru_cache(maxsize=64)
def _probes(query: str, language: str) -> frozenset[str]:
    """The beginnings of its words, or the terms of those that have several."""
    analyzer = content_analyzer(language)
    found = ((word, analyzer.terms_of(word)) for _, word in analyzer.spans(query))
    return frozenset(
        probe for word, terms in found for probe in ([word[: max(3, 3 * len(word) // 4)]] if len(terms) == 1 else terms)
    )


def _asked_pairs(query: str, language: str) -> list[frozenset[tuple[str, str]]]:
    """The word pairs of the question, and of each of its sentences that could be a question of its own."""
    spans = content_analyzer(language).spans
    parts = [query[start:end] for start, end in split_sentences(query)]
    whole = [query, *(part for part in parts if len(term_set(part, language)) >= _FEWEST_TERMS)]
    return [frozenset(pairwise(word.casefold() for _, word in spans(part))) for part in dict.fromkeys(whole)]


def _find_copy(
    asked: Sequence[Set[tuple[str, str]]], text: str, sentence: tuple[int, int], language: str
) -> tuple[int, int] | None:
    """Find the stretch of a sentence that has most of the word pairs of the question, or of a sentence of it."""
    spans = content_analyzer(language).spans
    words = [(sentence[0] + start, word.casefold()) for start, word in spans(text[sentence[0] : sentence[1]])]
    pairs = [(one, other) for (_, one), (_, other) in pairwise(words)]
    for part in asked:
        places = [place for place, pair in enumerate(pairs) if pair in part]
        if places and len({pairs[place] for place in places}) >= _COPIED_PAIRS * len(part):
            start, last = words[places[0]][0], words[places[-1] + 1]
            return start, _past_punctuation(text, last[0] + len(last[1]))
    return None


def _past_punctuation(text: str, end: int) -> int:
    found = _PUNCTUATION.match(text, end)
    return found.end() if found else end


def _find_empty(
    wanted: frozenset[str], copied: frozenset[str], text: str, sentences: Sequence[tuple[int, int]], language: str
) -> list[tuple[int, int]]:
    """Find the sentences with the question's terms and no other, if with the copies they have most of them."""
    found = [(span, term_set(text[span[0] : span[1]], language)) for span in sentences]
    empty = [(span, terms) for span, terms in found if terms and terms <= wanted]
    repeated = copied.union(*(terms for _, terms in empty))
    return [span for span, _ in empty] if len(repeated & wanted) >= _REPEATED_TERMS * len(wanted) else []


def _is_stuffed(wanted: frozenset[str], sentence: str, language: str) -> bool:
    analyzer = content_analyzer(language)
    words = [analyzer.terms_of(word) for _, word in analyzer.spans(sentence)]
    counts = Counter(term for terms in words for term in terms if term in wanted)
    return (
        len(counts) >= _STUFFED_TERMS * len(wanted)
        and math.fsum(counts.values()) >= _STUFFED_TIMES * len(counts)
        and math.fsum(counts.values()) >= _STUFFED_SHARE * len(words)
        and sum(not terms for terms in words) < _FEWEST_FUNCTION_WORDS * len(words)
    )


def _gaps(spans: Sequence[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """What lies between spans in order."""
    edges = [0, *(edge for span in spans for edge in span), length]
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]
