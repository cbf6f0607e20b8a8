"""Text to terms, in many languages: one analysis for the lexical leg and for the gate. Core: no LlamaIndex.

Words are lower-cased, stop words dropped, the rest stemmed (Snowball). Scripts that are written without spaces between
words have no word boundaries to find without a dictionary: their runs become overlapping pairs of characters, as in
Lucene's CJKAnalyzer. Identifiers (`parse_date`, `parseDate`) and codes (`SKU-0012/B`, `v1.2.3`) count as a whole and
by their parts, as in Lucene's WordDelimiterFilter; numbers keep their points.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import regex

from llama_index_prod_rag.text.languages import DECIMAL_COMMA, function_words, language_named, stemmer, stop_words

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u30fc"
# A comma joins digits alone, and only where the whole run is one number in groups of three: 12,500 and not 12,500,7.
# At most seven groups, or a page of them would be read again from each comma on.
_GROUP_COMMA = r"(?:(?<=\b\d)|(?<=\b\d\d)|(?<=\b\d\d\d)),(?=\d\d\d(?:,\d\d\d){0,6}(?!\d|,\d))"
_DECIMAL_COMMA = r"(?<=(?<![\d.,])[\d.]{1,20}),(?=\d{1,20}(?![\d,.]))"
# One mark between two word characters may join a code; which of these are codes is looked at word by word.
_JOINED = r"{word}(?:(?:[-./:@&#+]|{comma}){word})*(?:\+\+|\#)?"
# Marks belong to the letter before them: without \p{{M}} a Hindi word falls apart at every vowel sign.
_WORD = rf"[\p{{L}}\p{{M}}\p{{N}}_--[{_UNSPACED}]]+"
_RUN = rf"[{_UNSPACED}][{_UNSPACED}\p{{M}}]*"
_IS_RUN = regex.compile(_RUN)
_CLUSTER = regex.compile(r"\X")
_ASCII_TOKEN = re.compile(_JOINED.format(word=r"\w+", comma=_GROUP_COMMA), re.ASCII)
_ANY_TOKEN, _COMMA_TOKEN = (
    regex.compile(f"{_RUN}|{_JOINED.format(word=_WORD, comma=comma)}", regex.V1)
    for comma in (_GROUP_COMMA, f"{_GROUP_COMMA}|{_DECIMAL_COMMA}")
)

_JOINTS = re.compile(r"[-/:@&#+]|\.(?!\d)|(?<!\d)\.|,")
_INNER = regex.compile(r"(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll}{2})|(?<=[^\W_])_+(?=[^\W_])")
_IS_CODE = re.compile(r"\d|[@&#]|\+\+$")
_IS_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_MEASURE = re.compile(
    r"[vV]?(\d+(?:\.\d+)+)|(\d+(?:\.\d+)*)([^\W\d_]+)"
)  # v1.2.3, 3.5mm: the number is asked for alone
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_GROUPED_BY_POINTS = re.compile(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?")
_LONGEST = 100  # characters of a code that is kept whole: longer ones are data (base64), and nobody asks for them
# Vowel signs that Arabic and Hebrew mostly leave out, and the line that stretches Arabic words.
_OPTIONAL_MARKS = re.compile("[\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]")
_ACCENTS = regex.compile(r"(?<=\p{Latin})\p{Mn}+")


@dataclass(frozen=True, slots=True)
class Analyzer:
    """Turns text into terms: its words in lower case, without stop words, reduced to their stems.

    Attributes:
        language: name or ISO 639-1 code of a Snowball language, of one that is written without spaces, or `"none"`
            for neither stemming nor stop words.
        stemming: reduce words to their stems.
        stop_words: drop the language's most frequent words, where bm25s has a list of them.
        content: drop every function word and question word too: what is left says what a text is about.

    Raises:
        ConfigurationError: the language is not known.

    Examples:
        >>> Analyzer().terms("The retrievers were retrieving R² pages")
        ['retriev', 'were', 'retriev', 'r2', 'page']
        >>> Analyzer("zh").terms("信息检索 2024")
        ['信息', '息检', '检索', '2024']
        >>> Analyzer().terms("parse_date of SKU-12, 1,250 or 3.5")
        ['parse_d', 'pars', 'date', 'sku-12', 'sku', '12', '1250', '3.5']
    """

    language: str = "english"
    stemming: bool = True
    stop_words: bool = True
    content: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "language", language_named(self.language))

    def terms(self, text: str) -> list[str]:
        """List the terms of a text, in order, repeated as often as they occur."""
        return [term for word in self._words(text) for term in self.terms_of(word)]

    def index_terms(self, text: str) -> list[str]:
        """List the terms under which a text is found: those of `terms`, and other readings of the same words.

        Single characters of unspaced scripts are among them, because a question may be one character, and both
        readings of `1,250`, which is one number in prose and may be two cells of a table.

        Examples:
            >>> Analyzer("ja").index_terms("水素")
            ['水素', '水', '素']
        """
        return [term for word in self._words(text) for term in (*self.terms_of(word), *self._other_readings(word))]

    def index_set(self, text: str) -> frozenset[str]:
        """Collect the distinct `index_terms` of a text; words are looked up once each, so long passages stay cheap."""
        words = set(self._words(text))
        return frozenset(term for word in words for term in (*self.terms_of(word), *self._other_readings(word)))

    def terms_of(self, word: str) -> tuple[str, ...]:
        """List the terms of one word: as a whole first, then its parts where it has some; none for a stop word."""
        return (_remember_terms if len(word) <= _LONGEST else _terms)(self, word)

    def spans(self, text: str) -> Iterator[tuple[int, str]]:
        """Find where each word of a text begins, and the word as written."""
        return ((match.start(), match.group()) for match in self._pattern(text).finditer(text))

    def _words(self, text: str) -> list[str]:
        text = plain(text)
        words: list[str] = self._pattern(text).findall(text)
        return words

    def _pattern(self, text: str) -> Any:  # noqa: ANN401 - a pattern of `re` or of `regex`
        if self.language in DECIMAL_COMMA:
            return _COMMA_TOKEN
        return _ASCII_TOKEN if text.isascii() else _ANY_TOKEN  # the same words, three times as fast

    def _other_readings(self, word: str) -> tuple[str, ...]:
        if word.isalpha() and word.isascii():
            return ()
        if _IS_RUN.match(word):
            clusters = _CLUSTER.findall(word)
            return tuple(clusters) if len(clusters) > 1 else ()
        if _IS_NUMBER.fullmatch(word) and (number := _number(word, self.language)) != word:
            readings = dict.fromkeys((word.replace(",", "."), *word.split(",")))
            return tuple(reading for reading in readings if reading != number)
        return ()


def plain(text: str) -> str:
    """Compatibility forms as plain ones (ﬁ as fi, Ａ as A); a text in ASCII is left as it is."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


@lru_cache(maxsize=200_000)
def _remember_terms(analyzer: Analyzer, word: str) -> tuple[str, ...]:
    return _terms(analyzer, word)


def _terms(analyzer: Analyzer, word: str) -> tuple[str, ...]:
    dropped = _choose_dropped(analyzer)
    if _IS_RUN.match(word):
        return tuple(pair for pair in _pairs(word) if pair not in dropped)
    if _IS_NUMBER.fullmatch(word):
        return (_number(word, analyzer.language),)
    stem = stemmer(analyzer.language) if analyzer.stemming else _keep
    if _is_initials(word):
        return (stem(lower_word(word.replace(".", ""), analyzer.language)),)
    parts = [part for piece in _split(word) for part in _add_parts(piece)]
    found = (stem(low) for part in parts if (low := lower_word(part, analyzer.language)) not in dropped)
    return (lower_word(word, analyzer.language), *found) if _is_code(word) else tuple(found)


def pieces_of(word: str) -> list[str]:
    """Find what counts as one word each: a code stays whole, words that only stand close (built.The) do not.

    Examples:
        >>> pieces_of("SKU-12/B"), pieces_of("North-Hall"), pieces_of("U.S.A")
        (['SKU-12/B'], ['North', 'Hall'], ['U.S.A'])
    """
    return [word] if _is_code(word) or _is_initials(word) else _split(word)


def _split(word: str) -> list[str]:
    return [piece for piece in _JOINTS.split(word) if piece]


def _is_code(word: str) -> bool:
    return len(word) <= _LONGEST and bool(_JOINTS.search(word)) and bool(_IS_CODE.search(word))


def _is_initials(word: str) -> bool:
    return "." in word and all(len(piece) == 1 and piece.isalpha() for piece in word.split("."))


def _choose_dropped(analyzer: Analyzer) -> frozenset[str]:
    if analyzer.content:
        return function_words(analyzer.language)
    return stop_words(analyzer.language) if analyzer.stop_words else frozenset()


def _add_parts(piece: str) -> list[str]:
    """A word between two joints, then what it is made of."""
    parts = _INNER.split(piece)
    if len(parts) > 1:
        return [piece, *parts]
    measure = _MEASURE.fullmatch(piece)
    return [piece, *(part for part in measure.groups() if part)] if measure and piece[0] != "." else [piece]


def lower_word(word: str, language: str) -> str:
    """Put a word in lower case as its language has it, without the marks that are often left out."""
    if word.isascii() and language != "turkish":
        return word.lower()
    if language == "turkish":
        word = word.replace("İ", "i").replace("I", "ı")
    word = _OPTIONAL_MARKS.sub("", word.lower().replace("i\u0307", "i"))
    if language == "english":  # where accents are habit and not spelling: café, naïve
        word = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", word)))
    return word


def _number(word: str, language: str) -> str:
    if language in DECIMAL_COMMA:
        return (word.replace(".", "") if _GROUPED_BY_POINTS.fullmatch(word) else word).replace(",", ".")
    return word.replace(",", "") if _GROUPED.fullmatch(word) else word


def _pairs(run: str) -> list[str]:
    clusters = _CLUSTER.findall(run)
    return ["".join(clusters[i : i + 2]) for i in range(max(1, len(clusters) - 1))]


def _keep(word: str) -> str:
    return word
