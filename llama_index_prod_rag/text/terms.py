"""What a question asks about: its terms, names and numbers, and how rare they are. Core: strings and counts.

A term is a stemmed word that carries meaning: function words and question words are left out, so that the share of
covered terms says something about the subject of the question. Words are those of `text.analysis`, in any language.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice

from llama_index_prod_rag.text.analysis import Analyzer, pieces_of
from llama_index_prod_rag.text.languages import CAPITAL_NOUNS, detect_language

_ENDS_SENTENCE = re.compile(r"[.!?]\s")
_NUMBER = re.compile(r"\d[\d.,]*")
_DETECTED_FROM = 50  # texts of a corpus
_LITERAL_FROM = 4  # characters of a name that is also looked for inside longer words, as German compounds hide it


@lru_cache(maxsize=64)
def content_analyzer(language: str) -> Analyzer:
    """Make the analyzer that keeps what a text is about."""
    return Analyzer(language, content=True)


def terms(text: str, language: str = "english") -> list[str]:
    """List the stemmed content words of a text in order, with repeats.

    Examples:
        >>> terms("What were the causes of the flooding?")
        ['caus', 'flood']
        >>> terms("Was waren die Ursachen der Überschwemmung?", "german")
        ['ursach', 'uberschwemm']
    """
    return content_analyzer(language).terms(text)


def term_set(text: str, language: str = "english") -> frozenset[str]:
    """Collect the distinct terms that a question asks for."""
    return frozenset(terms(text, language))


def found_terms(text: str, language: str = "english") -> frozenset[str]:
    """Collect the distinct terms under which a passage is found, other readings of its words included."""
    return content_analyzer(language).index_set(text)


def content_words(text: str, language: str = "english") -> list[tuple[str, list[str]]]:
    """List the words that carry meaning, as they are written, each with its terms; repeats are left out.

    Examples:
        >>> [word for word, _ in content_words("What were the causes of the flooding?")]
        ['causes', 'flooding']
    """
    analyzer = content_analyzer(language)
    words = dict.fromkeys(word for _, word in analyzer.spans(text))
    return [(word, terms_) for word in words if (terms_ := list(analyzer.terms_of(word)))]


def names(text: str, language: str = "english") -> tuple[str, ...]:
    """Find words written as names are: a capital anywhere but at the start of a sentence, acronyms, identifiers, codes.

    Where nouns have capitals too (German), only the other signs count.

    Examples:
        >>> names("Which band did Neil Peart join? He left NASA.")
        ('Neil', 'Peart', 'NASA')
        >>> names("Welche Norm gilt für das Bauteil EN-1090?", "german")
        ('EN-1090',)
    """
    analyzer = content_analyzer(language)
    shouted = not any(map(str.islower, text))
    found = (
        piece
        for starts, word in _words(text, analyzer)
        for piece in pieces_of(word)
        if _looks_like_a_name(piece, starts=starts or language in CAPITAL_NOUNS, shouted=shouted)
        and analyzer.terms_of(piece)
    )
    return tuple(dict.fromkeys(found))


def _words(text: str, analyzer: Analyzer) -> Iterator[tuple[bool, str]]:
    """Each word, and whether a sentence starts with it."""
    end = None
    for start, word in analyzer.spans(text):
        yield end is None or bool(_ENDS_SENTENCE.search(text, end, start)), word
        end = start + len(word)


def _looks_like_a_name(word: str, *, starts: bool, shouted: bool) -> bool:
    if shouted or not any(map(str.isalpha, word)):
        return False
    if (any(map(str.isdigit, word)) and not word[0].isdigit()) or "_" in word.strip("_"):
        return True  # a code or an identifier, also in lower case
    return any(map(str.isupper, word[1:])) if starts else any(map(str.isupper, word))


def numbers(text: str, language: str = "english") -> frozenset[str]:
    """Numbers in one spelling: no thousands separators, a point before decimals.

    Examples:
        >>> sorted(numbers("1,250 of 3.5 in 2019"))
        ['1250', '2019', '3.5']
        >>> sorted(numbers("1.250 von 3,5", "german"))
        ['1250', '3.5']
    """
    return frozenset(chain.from_iterable(_numbers_as_written(text, language).values()))


def _numbers_as_written(text: str, language: str) -> dict[str, tuple[str, ...]]:
    """Number as written -> its one spelling; the 2 of a name such as B2 is not a number."""
    analyzer = content_analyzer(language)
    return {
        word: analyzer.terms_of(word)[:1]
        for _, joined in analyzer.spans(text)
        if joined[0].isdecimal()
        for word in _leading_numbers(joined)
    }


def _leading_numbers(word: str) -> list[str]:
    """The numbers of a word that begins with one: 5 of 5mm, 2019 and 20 of 2019/20, 1.5 of 1.5."""
    return [piece.rstrip(".,") for piece in _NUMBER.findall(word)]


def find_unmentioned(
    query: str, texts: Sequence[str], found: frozenset[str], language: str = "english"
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Find names and numbers of a question that none of the texts mentions, as the question writes them.

    Args:
        query: the question.
        texts: the passages.
        found: their `found_terms`; a name is looked up as a term, because passages may write it in capitals.
        language: of both.

    Examples:
        >>> passage = "runner,North Hall,7"
        >>> find_unmentioned("Did Hall meet Ubuntu in 2019?", [passage], found_terms(passage))
        (('Ubuntu',), ('2019',))
    """
    lost_names = [name for name in names(query, language) if not _has(name, found, language)]
    asked = _numbers_as_written(query, language)
    lost_numbers = [written for written, spelled in asked.items() if found.isdisjoint(spelled)]
    if lost_names or lost_numbers:
        everything = "\n".join(texts)
        folded = everything.casefold()
        lost_names = [name for name in lost_names if len(name) < _LITERAL_FROM or name.casefold() not in folded]
        lost_numbers = [one for one in lost_numbers if not re.search(rf"(?<!\d){re.escape(one)}(?!\d)", everything)]
    return tuple(lost_names), tuple(lost_numbers)


def _has(name: str, found: frozenset[str], language: str) -> bool:
    whole, *parts = content_analyzer(language).terms_of(name)  # written apart it is mentioned as well
    return whole in found or (bool(parts) and found.issuperset(parts))


@dataclass(frozen=True, slots=True)
class TermStatistics:
    """In how many passages of a corpus each term occurs.

    Attributes:
        passages: passages in the corpus.
        frequencies: term -> passages that contain it.
        language: of the corpus, whose words these terms were made of.

    Examples:
        >>> statistics = TermStatistics.from_texts(["wing flow", "wing drag"])
        >>> statistics.rarity("drag") > statistics.rarity("wing")
        True
    """

    passages: int
    frequencies: Mapping[str, int]
    language: str = "english"

    @classmethod
    def from_texts(cls, texts: Iterable[str], *, language: str | None = None) -> TermStatistics:
        """Count in how many passages of a corpus each term occurs.

        Args:
            texts: its passages.
            language: as `Analyzer` takes it; None tells it from the first passages.

        Raises:
            ConfigurationError: the language is not known.
        """
        coming = iter(texts)
        first = list(islice(coming, _DETECTED_FROM))
        analyzer = content_analyzer(language or detect_language(first))
        counts: Counter[str] = Counter()
        number = 0
        for number, text in enumerate(chain(first, coming), start=1):  # noqa: B007 - the last number is the count
            counts.update(analyzer.index_set(text))
        return cls(number, counts, analyzer.language)

    def replace(self, gone: Iterable[str], come: Iterable[str]) -> TermStatistics:
        """The statistics of a corpus in which some passages were replaced by others.

        Args:
            gone: passages that were counted and are no longer there.
            come: new ones.

        Examples:
            >>> statistics = TermStatistics.from_texts(["wing flow", "wing drag"], language="english")
            >>> sorted(statistics.replace(["wing drag"], ["rotor"]).frequencies.items())
            [('flow', 1), ('rotor', 1), ('wing', 1)]
        """
        analyzer = content_analyzer(self.language)
        counts, passages = dict(self.frequencies), self.passages
        for texts, step in ((gone, -1), (come, 1)):
            for text in texts:
                passages += step
                for term in analyzer.index_set(text):
                    counts[term] = counts.get(term, 0) + step
        return TermStatistics(passages, {term: count for term, count in counts.items() if count > 0}, self.language)

    def passages_with(self, word: str) -> int:
        """How many passages have a word, as a whole where it is a code or an identifier."""
        whole = content_analyzer(self.language).terms_of(word)[:1]
        return max((self.frequencies.get(term, 0) for term in whole), default=self.passages)

    def rarity(self, term: str) -> float:
        """Inverse document frequency, log((N + 1) / (df + 1/2)), at least 0; highest for a term never seen."""
        return max(0.0, math.log((self.passages + 1) / (self.frequencies.get(term, 0) + 0.5)))
