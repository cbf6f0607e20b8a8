from __future__ import annotations

import pytest

from llama_index_prod_rag.fusion.mentions import find_mentions, named_in
from tests.conftest import fastest

FILLER = {f"f{number}": f"pumps and valves of hall {number} are checked on day {number}" for number in range(60)}


@pytest.mark.parametrize(
    ("question", "codes"),
    [
        ("482913", ("482913",)),
        ("What does report 482913 say?", ("482913",)),
        ("Is part AX-4471-B in stock?", ("ax-4471-b",)),
        ("upgrade from 4.17.2-rc1 to v5.0", ("4.17.2-rc1", "v5.0")),
        ('who wrote "over  the hill"?', ("over the hill",)),
        ("wer schrieb „über den Berg“", ("über den berg",)),
        ("what does 'lost link' mean", ("lost link",)),
        ("错误代码E1042是什么意思", ("e1042",)),
        ("it's what we don't know in 2008, on page 7", ()),
    ],
)
def test_codes_and_quotations_are_named(question: str, codes: tuple[str, ...]) -> None:
    assert named_in(question).codes == codes


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("Who is Wallis?", ("wallis", "who is wallis")),
        ("where is parse_date called", ("parse_date", "where is parse_date called")),
        ("RAG architecture", ("rag architecture",)),
        ("HOW DO I RESET MY PASSWORD", ("how do i reset my password",)),
        ("page 404 in 2008", ("404", "2008", "page 404 in 2008")),
    ],
)
def test_names_and_the_question_itself_are_named(question: str, names: tuple[str, ...]) -> None:
    assert named_in(question).names == names


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("AX-4471-B", "the seal (part no. ax-4471-b) leaks"),
        ("What is wrong with E7573?", "It printed E7573: checksum mismatch"),
        ('Where does it say "regime, high stagnation"?', "in this regime,\n high stagnation enthalpies suffice"),
        ("Who is Wallis?", "a letter of Wallis's brother"),
        ("RAG architecture", "RAG Architecture\nAn overview"),
        ("错误代码E1042是什么意思", "如果出现E1042请重新启动"),
    ],
)
def test_the_one_text_that_holds_it_is_pointed_to(question: str, text: str) -> None:
    assert find_mentions(question, {**FILLER, "right": text}).exact == {"right": 1.0}


@pytest.mark.parametrize("text", ["XAX-4471-B", "AX-4471-BC", "AX-4471"])
def test_a_part_of_a_longer_code_is_another_code(text: str) -> None:
    assert find_mentions("AX-4471-B", {**FILLER, "other": text}).exact == {}


def test_what_many_hold_points_to_none_and_what_few_hold_to_each() -> None:
    few = {f"n{number}": "see bulletin SB-77341" for number in range(4)}
    assert find_mentions("bulletin SB-77341", {**FILLER, **few}).exact == dict.fromkeys(few, 0.25)
    many = {f"n{number}": "see bulletin SB-77341" for number in range(11)}
    assert find_mentions("bulletin SB-77341", {**FILLER, **many}).exact == {}


def test_who_holds_all_that_is_named_comes_before_who_holds_a_part() -> None:
    texts = {**FILLER, "both": "QX-1001 replaces QX-2002", "one": "QX-1001 was withdrawn"}
    exact = find_mentions("Does QX-1001 replace QX-2002?", texts).exact
    assert exact["both"] == 1.0
    assert 0.0 < exact["one"] < exact["both"]


def test_an_ordinary_word_counts_where_its_other_forms_are_rare_too() -> None:
    texts = {**FILLER, "right": "the cavitation of fluids"}
    assert find_mentions("why does cavitation harm", texts).words == {"right": 1.0}
    assert find_mentions("why does it checks", {**FILLER, "other": "he checks it"}).words == {}
    assert find_mentions("why does cavitation harm", {"right": texts["right"], "f1": "pumps"}).words == {}


def test_a_question_that_names_nothing_points_to_none() -> None:
    for question in ("", "?", "how do pumps work", '""'):
        assert find_mentions(question, FILLER).exact == {}


@pytest.mark.parametrize("unit", ["a", "a_", "1-", '"a', "'a ", "Ab ", "a1 ", '". ', "__"])
def test_time_grows_with_the_length_of_the_question_and_no_faster(unit: str) -> None:
    short, long = fastest(lambda: named_in(unit * 500)), fastest(lambda: named_in(unit * 4_000))
    assert long < 24 * short + 0.002
