"""Text to index terms, in many languages. Core: no LlamaIndex.

Words are lower-cased, stop words dropped, the rest stemmed (Snowball). Scripts that are written without spaces between
words have no word boundaries to find without a dictionary: their runs become overlapping pairs of characters, as in
Lucene's CJKAnalyzer. Identifiers (`parse_date`, `parseDate`) count as a whole and by their parts, as in Lucene's
WordDelimiterFilter: questions about code name the parts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import regex

from llama_index_prod_rag.errors import ConfigurationError

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u30fc"
# Marks belong to the letter before them: without \p{M} a Hindi word falls apart at every vowel sign.
_WORD = regex.compile(rf"(?P<run>[{_UNSPACED}][{_UNSPACED}\p{{M}}]*)|[\p{{L}}\p{{M}}\p{{N}}_--{_UNSPACED}]+", regex.V1)
_JOINT = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[^\W_])_+(?=[^\W_])")
_ANY_WORD = re.compile(r"\w+")
_ASCII_WORD = re.compile(r"\w+", re.ASCII)
_CLUSTER = regex.compile(r"\X")

_CODES = {
    "ar": "arabic", "hy": "armenian", "eu": "basque", "ca": "catalan", "da": "danish", "nl": "dutch", "en": "english",
    "fi": "finnish", "fr": "french", "de": "german", "el": "greek", "hi": "hindi", "hu": "hungarian",
    "id": "indonesian", "ga": "irish", "it": "italian", "lt": "lithuanian", "ne": "nepali", "no": "norwegian",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "es": "spanish", "sv": "swedish",
    "ta": "tamil", "tr": "turkish", "yi": "yiddish", "zh": "chinese", "ja": "japanese", "ko": "korean",
    "th": "thai", "lo": "lao", "km": "khmer", "my": "burmese",
}  # fmt: skip
_NO_STEMMER = {"chinese", "japanese", "korean", "thai", "lao", "khmer", "burmese", "none"}
_ENDINGS = frozenset("st")  # what an apostrophe leaves of "it's" and "don't"


@dataclass(frozen=True, slots=True)
class Analyzer:
    """How text becomes terms.

    Attributes:
        language: name or ISO 639-1 code of a Snowball language, of one that is written without spaces, or `"none"`
            for neither stemming nor stop words.
        stemming: reduce words to their stems.
        stop_words: drop the language's most frequent words, where bm25s has a list of them.

    Raises:
        ConfigurationError: the language is not known.

    Examples:
        >>> Analyzer().terms("The retrievers were retrieving R² pages")
        ['retriev', 'were', 'retriev', 'r2', 'page']
        >>> Analyzer("zh").terms("信息检索 2024")
        ['信息', '息检', '检索', '2024']
        >>> Analyzer().terms("parse_date")
        ['parse_d', 'pars', 'date']
    """

    language: str = "english"
    stemming: bool = True
    stop_words: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "language", _language(self.language))

    def terms(self, text: str) -> list[str]:
        """The terms of a text, in order, repeated as often as they occur."""
        dropped = _stop_words(self.language) if self.stop_words else frozenset[str]()
        stem = _stemmer(self.language) if self.stemming else _unstemmed
        if _JOINT.search(text):
            text = _ANY_WORD.sub(_with_parts, text)
        if text.isascii():  # same terms, three times as fast
            return [stem(word) for word in _ASCII_WORD.findall(text.lower()) if word not in dropped]
        found: list[str] = []
        for match in _WORD.finditer(unicodedata.normalize("NFKC", text).lower()):
            word = match.group()
            if match.group("run") is not None:
                found += (pair for pair in _pairs(word) if pair not in dropped)
            elif word not in dropped:
                found.append(stem(word))
        return found


def _language(name: str) -> str:
    language = _CODES.get(name.lower(), name.lower())
    if language not in _NO_STEMMER and language not in _CODES.values():
        raise ConfigurationError(f"unknown language {name!r}: choose 'none' or one of {', '.join(_CODES.values())}")
    return language


def _with_parts(word: re.Match[str]) -> str:
    parts = _JOINT.sub(" ", word.group())
    return word.group() if parts == word.group() else f"{word.group()} {parts}"


def _pairs(run: str) -> list[str]:
    clusters = _CLUSTER.findall(run)
    return ["".join(clusters[i : i + 2]) for i in range(max(1, len(clusters) - 1))]


def _unstemmed(word: str) -> str:
    return word


@lru_cache
def _stemmer(language: str) -> Callable[[str], str]:
    if language in _NO_STEMMER:
        return _unstemmed
    import Stemmer

    snowball = Stemmer.Stemmer(language)

    @lru_cache(maxsize=200_000)
    def stem(word: str) -> str:
        return str(snowball.stemWord(word))

    return stem


@lru_cache
def _stop_words(language: str) -> frozenset[str]:
    if language == "none":
        return frozenset()
    from bm25s import stopwords

    name = "STOPWORDS_EN" if language == "english" else f"STOPWORDS_{language.upper()}"
    words = frozenset(getattr(stopwords, name, ()))
    return words | _ENDINGS if language == "english" else words
