from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.lexical.analysis import Analyzer

CASES = [
    ("english", "Running runners ran", ["run", "runner", "ran"]),
    ("english", "R and C, it's fine; don't", ["r", "c", "fine", "don"]),
    ("german", "Die Häuser der Straßen", ["haus", "strass"]),
    ("fr", "l'homme mangeait des pommes", ["homm", "mang", "pomm"]),
    ("ru", "книги и книгами", ["книг", "книг"]),
    ("hi", "हिन्दी खोज", ["हिन्द", "खोज"]),
    ("zh", "信息检索2024年", ["信息", "息检", "检索", "2024", "年"]),
    ("ja", "東京タワー", ["東京", "京タ", "タワ", "ワー"]),
    ("ko", "정보 검색", ["정보", "검색"]),
    ("th", "ค้นหา", ["ค้น", "นห", "หา"]),
    ("none", "The Cats", ["the", "cats"]),
    ("english", "ﬁne ＡＢＣ", ["fine", "abc"]),  # compatibility forms
    ("english", "汉字 in English text", ["汉字", "english", "text"]),
    ("english", "parseHttpDate", ["parsehttpd", "pars", "http", "date"]),
    ("english", "parse_http_date v2", ["parse_http_d", "pars", "http", "date", "v2"]),
    ("english", "__init__ NASA iPhones", ["__init__", "nasa", "iphon", "i", "phone"]),
    ("english", "", []),
    ("english", " \n…—!", []),
]


@pytest.mark.parametrize(("language", "text", "terms"), CASES)
def test_text_becomes_terms(language: str, text: str, terms: list[str]) -> None:
    assert Analyzer(language).terms(text) == terms


def test_stemming_and_stop_words_can_be_switched_off() -> None:
    assert Analyzer(stemming=False).terms("the cats") == ["cats"]
    assert Analyzer(stop_words=False).terms("the cats") == ["the", "cat"]


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_the_short_way_through_ascii_gives_the_same_terms(text: str) -> None:
    assert Analyzer().terms(text) == Analyzer().terms(text + " \N{EM DASH}")


@given(st.text(), st.sampled_from(["english", "zh", "ar", "none"]))
def test_any_text_in_any_language(text: str, language: str) -> None:
    assert all(Analyzer(language).terms(text))


def test_an_unknown_language_is_refused_with_the_choices() -> None:
    with pytest.raises(ConfigurationError, match="spanish"):
        Analyzer("klingon")


def test_codes_and_names_are_the_same() -> None:
    assert Analyzer("EN") == Analyzer("english") == pickle.loads(pickle.dumps(Analyzer("en")))  # noqa: S301 - our bytes
