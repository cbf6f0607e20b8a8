"""Terms of a question and how rare they are. Core: strings and counts.

A term is a stemmed word that carries meaning: function words and question words are left out, so that the share of
covered terms says something about the subject of the question.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

# Function words, auxiliaries and question words: present in any passage, or in none, whatever it is about.
_FUNCTION_WORDS = frozenset(
    """
    a an the and or but if then than so as of at by for with about into to from in on off over under between
    through during before after above below up down out is am are was were be been being do does did doing done
    have has had having can could may might must shall should will would i you he she it we they me him her us
    them my your his its our their this that these those there here what which who whom whose when where why how
    not no nor only same own such both each few more most other some any all s t 's
    """.split()  # noqa: SIM905 - a word list reads better as text
)
# Han, kana and Hangul are written without blanks: pairs of neighbouring characters stand for words.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+(?:[.,'’][^\W_{_UNSPACED}]+)*")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")
_NUMBER = re.compile(r"(?<!\w)\d+(?:[.,]\d+)*")  # the 2 of a name such as B2 is no number


def terms(text: str) -> list[str]:
    """Stemmed content words in order, with repeats.

    Examples:
        >>> terms("What were the causes of the flooding?")
        ['caus', 'flood']
    """
    return [term for word in _WORD.findall(text) for term in _terms_of(word)]


def term_set(text: str) -> frozenset[str]:
    """The distinct terms of a text; words are looked up once each, so long passages stay cheap."""
    return frozenset(term for word in set(_WORD.findall(text)) for term in _terms_of(word))


def names(text: str) -> frozenset[str]:
    """Terms written with a capital letter anywhere but at the start of a sentence: names, acronyms, codes.

    Examples:
        >>> sorted(names("Which band did Neil Peart join? He left NASA."))
        ['nasa', 'neil', 'peart']
    """
    inside = re.sub(r"(^|[.!?]\s+)\W*\w+", r"\1", text)
    return frozenset(term for word in _WORD.findall(inside) if word[0].isupper() for term in _terms_of(word))


def numbers(text: str) -> frozenset[str]:
    """Numbers as written, thousands separators removed.

    Examples:
        >>> sorted(numbers("1,250 of 3.5 in 2019"))
        ['1250', '2019', '3.5']
    """
    return frozenset(re.sub(r",(?=\d{3})", "", number) for number in _NUMBER.findall(text))


def unmentioned(query: str, texts: Sequence[str], found: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Names and numbers of a question that none of the texts mentions.

    Args:
        query: the question.
        texts: the passages.
        found: their terms; a name is looked up as a term, because passages may write it in capitals.
    """
    asked = numbers(query)
    stated = frozenset().union(*map(numbers, texts)) if asked else asked
    return names(query) - found, asked - stated


@lru_cache(maxsize=100_000)
def _terms_of(word: str) -> tuple[str, ...]:
    lowered = word.casefold()
    if _IS_UNSPACED.match(lowered):
        return tuple(lowered[i : i + 2] for i in range(max(1, len(lowered) - 1)))
    return () if lowered in _FUNCTION_WORDS else (_stemmer().stemWord(lowered),)


@lru_cache(maxsize=1)
def _stemmer() -> Any:  # noqa: ANN401 - PyStemmer has no types
    import Stemmer

    return Stemmer.Stemmer("english")


@dataclass(frozen=True, slots=True)
class TermStatistics:
    """In how many passages of a corpus each term occurs.

    Attributes:
        passages: passages in the corpus.
        frequencies: term -> passages that contain it.

    Examples:
        >>> statistics = TermStatistics.from_texts(["wing flow", "wing drag"])
        >>> statistics.rarity("drag") > statistics.rarity("wing")
        True
    """

    passages: int
    frequencies: Mapping[str, int]

    @classmethod
    def from_texts(cls, texts: Iterable[str]) -> TermStatistics:
        """Count a corpus."""
        counts: Counter[str] = Counter()
        number = 0
        for number, text in enumerate(texts, start=1):  # noqa: B007 - the last number is the count
            counts.update(term_set(text))
        return cls(number, counts)

    def rarity(self, term: str) -> float:
        """Inverse document frequency, log((N + 1) / (df + 1/2)), at least 0; highest for a term never seen."""
        return max(0.0, math.log((self.passages + 1) / (self.frequencies.get(term, 0) + 0.5)))
