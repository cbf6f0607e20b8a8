"""What is known of each language: names, stems, stop words, and how a text's language is told. Core: no LlamaIndex."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import islice

import regex

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.text.function_words import WORDS

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

DECIMAL_COMMA = frozenset(
    {
        "armenian", "basque", "catalan", "danish", "dutch", "finnish", "french", "german", "greek", "hungarian",
        "indonesian", "italian", "lithuanian", "norwegian", "portuguese", "romanian", "russian", "serbian", "spanish",
        "swedish", "turkish",
    }
)  # fmt: skip
"""Languages that write 3,5 for three and a half and 1.250 for a thousand and more (Unicode CLDR)."""

CAPITAL_NOUNS = frozenset({"german"})
"""Languages in which a capital letter says that a word is a noun, not that it is a name."""

# The first script of which a text has a fair share tells the language; the words decide where languages share one.
_SCRIPTS = {
    "japanese": r"\p{Hiragana}\p{Katakana}", "chinese": r"\p{Han}", "korean": r"\p{Hangul}", "thai": r"\p{Thai}",
    "lao": r"\p{Lao}", "khmer": r"\p{Khmer}", "burmese": r"\p{Myanmar}", "hindi": r"\p{Devanagari}",
    "tamil": r"\p{Tamil}", "greek": r"\p{Greek}", "armenian": r"\p{Armenian}", "russian": r"\p{Cyrillic}",
    "arabic": r"\p{Arabic}", "none": r"\p{Hebrew}",
}  # fmt: skip
_SHARED = {"hindi": ("hindi", "nepali"), "russian": ("russian", "serbian")}
_FAIR_SHARE = 0.2  # of a text's letters: a Japanese text is mostly Han, a German one may quote a Russian sentence
_SAMPLE = 4_000  # characters of each text that are looked at
_SAMPLED = 50  # texts
_WORD = regex.compile(r"[\p{L}\p{M}]+")
_NOT_LATIN = regex.compile(r"[^\P{L}\p{Latin}]")


def language_named(name: str) -> str:
    """Find the language's name in lower case, from its name or ISO 639-1 code.

    Raises:
        ConfigurationError: the language is not known.

    Examples:
        >>> language_named("DE")
        'german'
    """
    language = _CODES.get(name.lower(), name.lower())
    if language not in _NO_STEMMER and language not in _CODES.values():
        raise ConfigurationError(f"unknown language {name!r}: choose 'none' or one of {', '.join(_CODES.values())}")
    return language


def detect_language(texts: Iterable[str], *, default: str = "english") -> str:
    """Find the language that most of the texts are in, told by script and by function words.

    Args:
        texts: one is enough; the beginnings of the first fifty are looked at.
        default: what to say of texts without a function word, such as tables, code and short questions.

    Returns:
        A name that `language_named` knows, `"none"` for a script without an entry.

    Examples:
        >>> detect_language(["Wie oft wird der Schlüssel gewechselt?"]), detect_language(["署名鍵はどこですか"])
        ('german', 'japanese')
    """
    sample = " ".join(text[:_SAMPLE] for text in islice(texts, _SAMPLED))
    if _NOT_LATIN.search(sample) and (by_script := _detect_by_script(sample)):
        candidates = _SHARED.get(by_script, ())
        return _detect_by_words(sample, by_script, candidates) if candidates else by_script
    return _detect_by_words(sample, default, None)


def _detect_by_script(text: str) -> str | None:
    letters = len(regex.findall(r"\p{L}", text))
    for language, script in _SCRIPTS.items():
        found = len(regex.findall(f"[{script}]", text))
        if found > _FAIR_SHARE * letters:
            return language
    return None


def _detect_by_words(text: str, default: str, candidates: Iterable[str] | None) -> str:
    """The language whose function words are there most often; a word of several languages counts for each in part."""
    evidence: dict[str, float] = defaultdict(float)
    languages = _languages_by_word()
    for word, count in Counter(_WORD.findall(text.lower())).items():
        owners = languages.get(word, ())
        for language in owners:
            if candidates is None or language in candidates:
                evidence[language] += count / len(owners)
    # Sorted, so that a tie goes to the default and then by name, not to whichever list was read first.
    ordered = sorted(evidence, key=lambda language: (language != default, language))
    return max(ordered, key=lambda language: evidence[language], default=default)


@lru_cache(maxsize=1)
def _languages_by_word() -> dict[str, tuple[str, ...]]:
    owners: dict[str, tuple[str, ...]] = {}
    for language in sorted(set(_CODES.values()) - _NO_STEMMER):
        for word in function_words(language):
            owners[word] = (*owners.get(word, ()), language)
    return owners


@lru_cache
def stemmer(language: str) -> Callable[[str], str]:
    """Make the function from a word in lower case to its stem (Snowball); words of unspaced scripts stay as is."""
    if language in _NO_STEMMER:
        return str
    import Stemmer

    snowball = Stemmer.Stemmer(language)
    if language == "turkish":
        # Capitals are often typed without their dots (IMZA for İMZA): both i become one once the suffixes are off.
        return lambda word: str(snowball.stemWord(word)).replace("ı", "i")
    return lambda word: str(snowball.stemWord(word))


@lru_cache
def stop_words(language: str) -> frozenset[str]:
    """List the words that a search index leaves out, where bm25s has a list of them."""
    if language == "none":
        return frozenset()
    from bm25s import stopwords

    name = "STOPWORDS_EN" if language == "english" else f"STOPWORDS_{language.upper()}"
    words = frozenset(getattr(stopwords, name, ()))
    return words | _ENDINGS if language == "english" else words


@lru_cache
def function_words(language: str) -> frozenset[str]:
    """Stop words, auxiliaries and question words: in any passage or in none, whatever it is about."""
    return stop_words(language) | WORDS.get(language, frozenset())
