"""The gold set: what must stay whole stays whole, and every chunk tells the headings above it."""

from __future__ import annotations

import pytest

from benchmarks.structure import ours
from benchmarks.structure_gold import GoldDocument, is_whole, knows_path, load_gold

GOLD = load_gold()


@pytest.mark.parametrize("chunk_size", [140, 200, 1_000])
@pytest.mark.parametrize("gold", GOLD, ids=lambda gold: gold.file)
def test_blocks_stay_whole_and_chunks_know_their_headings(gold: GoldDocument, chunk_size: int) -> None:
    chunks = ours(gold, chunk_size)
    torn = [block for block in gold.whole if not is_whole(block, chunks)]
    lost = [(words, path) for words, path in gold.paths if not knows_path(words, path, chunks)]
    assert (torn, lost) == ([], [])


def test_every_kind_of_document_is_in_the_gold_set() -> None:
    assert {gold.format for gold in GOLD} == {
        *("markdown", "html", "rst", "latex", "code", "legal", "paper", "notebook", "csv", "email", "lines"),
        *("chat", "docling"),
    }
