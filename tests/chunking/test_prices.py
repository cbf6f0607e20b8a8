"""Which of two boundaries is taken where the better place gives the less even chunks, and the other the most even."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from llama_index_prod_rag.chunking import Budget, Chunk, chunk_text
from llama_index_prod_rag.structure import Block, read
from llama_index_prod_rag.structure.registry import Reading
from llama_index_prod_rag.structure.view import PlainReading
from llama_index_prod_rag.text import SimpleCounter

_TEN = "Owls hunt over fields at night and hear well."  # ten tokens with the full stop
_SIZE = 100  # chunks are drawn to 70 of it: 14 sentences make two chunks, the most even ones of seven


def _stretch(sentences: int, first: str = "Owls") -> str:
    """So many sentences of ten tokens; the first begins with a word of its own."""
    return first + " ".join([_TEN] * sentences)[len("Owls") :]


def _prose(text: str) -> Reading:
    """One stretch without blocks."""
    return PlainReading(Block("document", 0, len(text)), text)


def _chunks(reading: Reading, *, sentences: bool = True) -> list[Chunk]:
    return chunk_text(reading, SimpleCounter(), Budget(chunk_size=_SIZE, sentences=sentences))


def _texts(reading: Reading, *, sentences: bool = True) -> list[str]:
    return [reading.text[chunk.start : chunk.end] for chunk in _chunks(reading, sentences=sentences)]


def _second_begins(reading: Reading, *, sentences: bool = True) -> str:
    first, second = _texts(reading, sentences=sentences)
    assert first
    return second.split()[0]


@pytest.mark.parametrize(("first", "next_"), [("", ""), ("- ", "  ")], ids=["in a document", "in an item"])
def test_a_paragraph_is_worth_uneven_chunks(first: str, next_: str) -> None:
    text = f"{first}{_stretch(5)}\n\n{next_}{_stretch(9, 'Then')}"
    assert _second_begins(read(text, "markdown")) == "Then"


def test_a_line_is_worth_uneven_chunks_and_a_blank_line_is_worth_more() -> None:
    only_lines = f"{_stretch(5)}\n{_stretch(9, 'Then')}\n\nEnd."
    assert _second_begins(_prose(only_lines)) == "Then"
    with_blank = f"{_stretch(5)}\n\n{_stretch(2, 'Then')}\n{_stretch(7, 'Also')}"
    assert _second_begins(_prose(with_blank)) == "Then"


def test_a_line_that_goes_on_in_lower_case_stays_with_the_one_before() -> None:
    lines = ["at night and hear well", "then bats fly about too"] * 14
    lines[8] = "Owls hunt over the fields"
    assert _second_begins(_prose("\n".join(lines))) == "Owls"


def test_a_section_is_worth_more_than_a_paragraph() -> None:
    text = f"# Birds\n\n{_stretch(7)}\n\n{_stretch(1, 'Then')}\n\n## Owls\n\n{_stretch(6)}"
    assert _second_begins(read(text, "markdown"), sentences=False) == "##"


def test_a_large_section_shares_no_chunk_with_a_tiny_one() -> None:
    text = f"# One\n\n{_stretch(5)}\n\n{_stretch(6)}\n\n# Two\n\nBarns.\n\n# Three\n\n{_stretch(5)}\n\n{_stretch(6)}"
    chunks = _chunks(read(text, "markdown"), sentences=False)
    assert {chunk.path for chunk in chunks} == {("One",), ("Two",), ("Three",)}


def test_an_introduction_goes_with_the_first_of_its_items() -> None:
    text = f"{_stretch(6)} They eat these:\n\n- mice and voles.\n" + "\n".join(f"- {_TEN}" for _ in range(6))
    assert _second_begins(read(text, "markdown")) == "They"


def test_a_sentence_that_goes_on_in_items_stays_whole() -> None:
    items = "".join(f"\n\n({letter}) {_TEN[:-1].lower()};" for letter in "abcde")
    text = f"1. {_stretch(4)} The tenant pays for{items}\n\n2. {_stretch(4)}"
    assert not any(chunk.startswith("(") for chunk in _texts(read(text, "legal")))


def test_a_sentence_over_the_budget_is_cut_between_its_lines() -> None:
    words = _TEN[:-1].lower()
    text = "\n".join([f"so {' '.join([words] * 3)} too"] * 5)
    assert [chunk.split()[0] for chunk in _texts(_prose(f"{text}."))] == ["so", "so"]


def test_a_rule_joins_a_neighbor_where_prices_invite_a_chunk_of_its_own() -> None:
    rule = "- " * 8 + "-"
    text = f"# One\n\n{_stretch(9)}\n\n{rule}\n\n# Two\n\n{_stretch(3)}"
    assert rule in "".join(_texts(read(text, "markdown"), sentences=False))


@pytest.mark.parametrize("title", ["Why do owls hunt at night over fields?", "How owls hunt at night over fields"])
def test_a_title_that_nobody_marked_goes_with_its_text(title: str) -> None:
    text = f"{_stretch(6)}\n\n{title}\n\n{_stretch(7)}"
    assert _second_begins(read(text, "rst")) == title.split(maxsplit=1)[0]


class _Joining(SimpleCounter):
    """Counts as a tokenizer that finds more in a long text than in its parts: chunks have to be cut again."""

    def count(self, texts: Sequence[str]) -> list[int]:
        return [size if size < 60 else 2 * size for size in super().count(texts)]


# Sentences of each paragraph; 0 is a title above two of them. Without its glue it would end the first of two halves.
@pytest.mark.parametrize("paragraphs", [(0, 1, 0, 0, 1, 4, 0), (2, 1, 1, 3, 0, 0, 0, 0, 0, 1)])
def test_a_title_stays_with_its_text_where_a_chunk_is_cut_again(paragraphs: tuple[int, ...]) -> None:
    text = "\n\n".join(_stretch(count) if count else f"Why do owls hunt?\n\n{_stretch(2)}" for count in paragraphs)
    chunks = chunk_text(read(text, "markdown"), _Joining(), Budget(chunk_size=_SIZE))
    assert [chunk for chunk in chunks if text[chunk.start : chunk.end].endswith("?")] == []
