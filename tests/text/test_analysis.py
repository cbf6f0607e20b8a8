from __future__ import annotations

import pickle
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.text.analysis import Analyzer

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
    ("english", "parseURL HTTPServer", ["parseurl", "pars", "url", "httpserver", "http", "server"]),
    ("english", "runner,North Hall,Ubuntu", ["runner", "north", "hall", "ubuntu"]),
    ("english", "it was built.The next", ["built", "next"]),
    ("english", "SKU-0012/B, v1.2.3", ["sku-0012/b", "sku", "0012", "b", "v1.2.3", "1.2.3"]),
    ("english", "3.5 of 192.168.0.1 in 1950s", ["3.5", "192.168.0.1", "1950s", "1950"]),
    ("english", "12,500 and 12,500,7", ["12500", "12", "500", "7"]),
    ("german", "1.250,5 und 3,5 oder 3,5,7", ["1250.5", "3.5", "3", "5", "7"]),
    ("english", "C++, C# at AT&T in the U.S.A.", ["c++", "c", "c#", "c", "at&t", "usa"]),
    ("english", "naïve café İstanbul", ["naiv", "cafe", "istanbul"]),
    ("turkish", "İSTANBUL IŞIK ışık IMZA imza", ["istanbul", "işik", "işik", "imza", "imza"]),
    ("ar", "مِفْتَاحِ مفتاح", ["مفتاح", "مفتاح"]),
    ("english", "", []),
    ("english", " \n…—!", []),
]


@pytest.mark.parametrize(("language", "text", "terms"), CASES)
def test_text_becomes_terms(language: str, text: str, terms: list[str]) -> None:
    assert Analyzer(language).terms(text) == terms


def test_a_text_is_found_under_every_reading_of_its_words() -> None:
    assert Analyzer("ja").index_terms("水素は") == ["水素", "素は", "水", "素", "は"]
    assert {"3", "1", "250", "basel"} <= set(Analyzer().index_terms("3,1,250,Basel"))
    assert set(Analyzer().index_terms("1,250,Basel")) == {"1250", "1.250", "1", "250", "basel"}
    assert set(Analyzer("de").index_terms("1.250")) == {"1250", "1.250"}


def test_content_words_leave_out_question_words_in_every_language() -> None:
    assert Analyzer(content=True).terms("How often is the key rotated?") == ["often", "key", "rotat"]
    assert Analyzer("de", content=True).terms("Wie oft wird der Schlüssel gewechselt?") == ["schlussel", "gewechselt"]


@pytest.mark.parametrize("unit", ["100,", "1.1,", "a.", "a_", "_", "aB", "1", "漢", "a\u0301", "-1", "1,1"])
@pytest.mark.parametrize("language", ["english", "german"])
def test_no_text_takes_more_than_linear_time(unit: str, language: str) -> None:
    def seconds(length: int) -> float:
        text, began = unit * (length // len(unit)), process_time()
        Analyzer(language).index_terms(text)
        return process_time() - began

    assert seconds(40_000) < 0.2 + 12 * seconds(10_000)


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
