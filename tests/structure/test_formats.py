"""Which reader a document gets, and formats of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from llama_index.core import Document

from llama_index_prod_rag import DocumentAwareNodeParser
from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.structure import Block, detect_format, read, register_format, unregister_format

TUNE = f"X:1\nT:The Heron\nK:G\n{'|:GABc dedB:|' * 8}\nX:2\nT:The Owl\nK:D\n{'|:d2fd AdFA:|' * 8}\n"


def read_tunes(text: str) -> Block:
    """Tunes in ABC notation: each begins with its number and is titled by its T line."""
    edges = [*(index for index in range(len(text)) if text.startswith("X:", index)), len(text)]
    tunes = [
        Block("tune", start, end, title=text[start:end].split("\nT:")[1].splitlines()[0])
        for start, end in pairwise(edges)
    ]
    return Block("document", 0, len(text), tuple(tunes))


@pytest.fixture
def abc() -> Iterator[str]:
    register_format(
        "abc",
        read_tunes,
        extensions=["abc"],
        media_types=["text/vnd.abc"],
        looks_like=lambda text: text.startswith("X:") * 5.0,
        must_have=lambda text: "X:" in text,
    )
    yield "abc"
    unregister_format("abc")


@pytest.mark.parametrize(
    "metadata",
    [{}, {"file_name": "tunes.ABC"}, {"format": "abc"}, {"file_type": "text/vnd.abc; charset=utf-8"}],
)
def test_a_format_of_ones_own_is_found_like_the_built_in_ones(abc: str, metadata: dict[str, str]) -> None:
    nodes = DocumentAwareNodeParser(chunk_size=120, min_size=0)([Document(text=TUNE, metadata=metadata)])
    assert {node.metadata.get("headings") for node in nodes} == {"The Heron", "The Owl"}


def test_a_format_of_ones_own_can_be_demanded_and_goes_through_serialised_form(abc: str) -> None:
    parser = DocumentAwareNodeParser(format=abc)
    assert DocumentAwareNodeParser.from_dict(parser.to_dict()).format == "abc"


def test_a_format_that_nobody_registered_is_an_error_that_names_the_others() -> None:
    with pytest.raises(ConfigurationError, match=r"'abc'.*markdown.*register_format"):
        DocumentAwareNodeParser(format="abc")


def test_a_name_is_not_believed_where_the_text_cannot_have_the_format(abc: str) -> None:
    assert detect_format("No tune here.", {"file_name": "a.abc"}) == ("prose", None)


def test_a_reader_that_breaks_the_rules_of_trees_is_named(abc: str) -> None:
    register_format("abc", lambda text: Block("document", 0, len(text) - 1))
    with pytest.raises(InputError, match=r"'abc'.*over the whole text"):
        read(TUNE, "abc")


@pytest.mark.parametrize("name", ["", "auto"])
def test_a_format_needs_a_name_of_its_own(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"word of your own"):
        register_format(name, read_tunes)
