from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llama_index.core import Document
from llama_index.core.schema import MetadataMode

from llama_index_prod_rag.node_parser.document_aware import DocumentAwareNodeParser
from llama_index_prod_rag.structure.definitions import Definition, find_definitions, select_used_definitions

LEASE = """\
This Lease ("Lease") is made between Harbour Ltd. (the "Owner") and Ann Reed (together with the Owner, the "Parties").

1. "Boat" means the sloop Heron. 1.2 “Late Fee” shall mean one crown a day. The term "Fee" means nine crowns.

2. "Season" or "Seasons" has the meaning given in Annex A.

3. Payment. The Owner asks a Late Fee for each of the Seasons. The boat is not his.
"""


def passages(text: str) -> dict[str, str]:
    return {each.term: text[each.start : each.end] for each in find_definitions(text)}


def test_terms_come_with_the_passage_that_defines_them() -> None:
    found = passages(LEASE)
    assert list(found) == ["Lease", "Owner", "Parties", "Boat", "Late Fee", "Fee", "Season"]
    assert found["Boat"] == '"Boat" means the sloop Heron.'
    assert found["Late Fee"] == "“Late Fee” shall mean one crown a day."
    assert found["Fee"] == '"Fee" means nine crowns.'
    assert found["Owner"].startswith("This Lease")
    assert found["Owner"].endswith('the "Parties").')


@pytest.mark.parametrize(
    "text",
    [
        'He said "so it goes" and left.',
        'Press "Save" to keep it (see "Saving" below).',
        'A quotation ("all that glitters") proves nothing.',
    ],
)
def test_other_quotation_marks_define_nothing(text: str) -> None:
    assert [each.term for each in find_definitions(text)] == []


def test_of_a_term_defined_twice_the_first_counts() -> None:
    assert passages('"Fee" means one.\n\n"Fee" means two.') == {"Fee": '"Fee" means one.'}


@pytest.mark.parametrize(
    ("passage", "used"),
    [
        ("pay the Fee", ["Fee"]),
        ("pay all Late\nFees", ["Late Fee"]),
        ("a fee, a Feeling", []),
        ("Fee and Late Fee", ["Fee", "Late Fee"]),
        ("", []),
    ],
)
def test_terms_count_as_whole_words_in_their_own_capitals(passage: str, used: list[str]) -> None:
    known = [Definition("Fee", 0, 1), Definition("Late Fee", 1, 2)]
    assert [each.term for each in select_used_definitions(passage, known)] == used


def test_chunks_carry_the_definitions_they_use_and_do_not_embed_them() -> None:
    settings = {"chunk_size": 60, "min_size": 1, "format": "legal", "tokenizer": "simple"}
    plain = DocumentAwareNodeParser.model_validate(settings)([Document(text=LEASE)])
    nodes = DocumentAwareNodeParser.model_validate({**settings, "define_terms": True})([Document(text=LEASE)])
    payment = nodes[-1]
    assert "Payment" in payment.get_content()
    assert payment.metadata["definitions"].splitlines()[1:] == [
        "“Late Fee” shall mean one crown a day.",
        '"Season" or "Seasons" has the meaning given in Annex A.',
    ]
    assert "Heron" not in payment.metadata["definitions"]
    assert "sloop" not in payment.get_content(MetadataMode.EMBED)
    assert "one crown a day" in payment.get_content(MetadataMode.LLM)
    embedded = [node.get_content(MetadataMode.EMBED) for node in nodes]
    assert embedded == [node.get_content(MetadataMode.EMBED) for node in plain]


def test_numbers_of_clauses_are_metadata_for_filters_alone() -> None:
    parser = DocumentAwareNodeParser(chunk_size=40, min_size=1, format="legal", tokenizer="simple")
    nodes = parser([Document(text=LEASE)])
    assert ["3"] in [node.metadata.get("numbering") for node in nodes]
    assert all("numbering" not in node.get_content(MetadataMode.EMBED) for node in nodes)


@pytest.mark.timeout(10)
def test_long_words_and_wide_blanks_cost_no_time() -> None:
    assert find_definitions(f'"Fee"{" " * 20_000}"Term"{" " * 20_000}x') == ()
    assert find_definitions(f'({"aan" * 60}! "Fee")') == ()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(['"Fee"', "means", "(the", ")", "(", '"', "1.2", "\n\n", " or ", "“A B”", "x " * 50])))
def test_passages_lie_in_the_text_and_name_their_term(parts: list[str]) -> None:
    text = " ".join(parts)
    for each in find_definitions(text):
        assert 0 <= each.start < each.end <= len(text)
        assert each.term in " ".join(text[each.start : each.end].split())
