"""Rows, records and lines are read by themselves, for the gate, and change no order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from llama_index.core.schema import NodeWithScore, TextNode

from llama_index_prod_rag.confidence.evidence import Passage, gather
from llama_index_prod_rag.confidence.signals import compute_signals
from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.postprocessor import cross_encoder
from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
from llama_index_prod_rag.trace.records import RerankRecord, tracing

TABLE = "| kind | limit |\n|---|---|\n| Hotel | CHF 220 |\n| Train | CHF 100 |"
PROSE = "A hotel has a limit. It is written in the table."
QUERY = "What is the limit of a hotel?"


class Scripted:
    """Scores a row with both words of the question 4, and everything else -5; counts its pairs."""

    name = fingerprint = "scripted"
    max_tokens, special_tokens = 512, 3

    def __init__(self) -> None:
        self.read: list[str] = []

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        return [(0, len(text))]

    def score(self, pairs: Sequence[tuple[str, str]], progress: Any = None) -> list[float]:
        self.read += [text for _, text in pairs]
        return [4.0 if text == "kind: Hotel; limit: CHF 220" else -5.0 for _, text in pairs]


def rerank(texts: Sequence[str], **settings: Any) -> tuple[RerankRecord, Scripted, list[str]]:
    hits = [NodeWithScore(node=TextNode(text=text, id_=text[:8]), score=1 - n / 9) for n, text in enumerate(texts)]
    scorer = Scripted()
    with tracing() as trace:
        ranked = CrossEncoderRerank(scorer=scorer, **settings).postprocess_nodes(hits, query_str=QUERY)
    record = trace.records[0]
    assert isinstance(record, RerankRecord)
    return record, scorer, [hit.node_id for hit in ranked]


def test_the_best_row_stands_in_the_record_and_changes_no_order() -> None:
    record, _, order = rerank([PROSE, TABLE])
    assert record.pieces == {TABLE[:8]: 4.0}
    assert record.logits == {PROSE[:8]: -5.0, TABLE[:8]: -5.0}
    assert order == rerank([PROSE, TABLE], pieces=0)[2]


def test_the_gate_judges_a_table_by_its_best_row() -> None:
    record, _, _ = rerank([PROSE, TABLE])
    passages = [Passage(text[:8], text) for text in (PROSE, TABLE)]
    signals = compute_signals(gather(QUERY, passages, [record]))
    assert (signals["pair.top"], signals["pair.low"]) == (4.0, -5.0)


def test_prose_is_read_once() -> None:
    record, scorer, _ = rerank([PROSE])
    assert (record.pieces, scorer.read) == ({}, [PROSE])


def test_of_a_long_table_the_rows_that_share_most_are_read() -> None:
    rows = "".join(f"| Kind {number} | CHF {number} |\n" for number in range(300))
    _, scorer, _ = rerank([f"| kind | limit |\n|---|---|\n{rows}| Hotel | CHF 220 |"], pieces=16)
    assert len(scorer.read) == 17
    assert "kind: Hotel; limit: CHF 220" in scorer.read


def test_less_than_no_pairs_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="pieces=-1"):
        CrossEncoderRerank(pieces=-1)


def test_a_row_that_copies_the_question_is_no_evidence() -> None:
    query = "How does the sweep of a wing change its drag?"
    table = f"| asked | by |\n|---|---|\n| {query} | Ann |\n| When is lunch? | Bo |"
    record = RerankRecord("m", logits={"t": 5.0}, pieces={"t": 7.0})
    evidence = gather(query, [Passage("t", table)], [record])
    assert "pair.top" not in compute_signals(evidence)
    assert compute_signals(evidence.reread({"t": -6.0}))["pair.top"] == -6.0


def test_rows_are_read_while_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    table = "| kind | limit |\n|---|---|\n" + "\n".join(f"| Hotel {n} | CHF {n} |" for n in range(16))
    scorer = Scripted()
    monkeypatch.setattr(cross_encoder.time, "monotonic", lambda: float(len(scorer.read)))  # a second per pair
    record, rows = read_in_time(scorer, table)
    assert (len(record.logits), record.unread) == (1, frozenset())
    assert 1 <= rows < 8


def read_in_time(scorer: Scripted, table: str) -> tuple[RerankRecord, int]:
    hits = [NodeWithScore(node=TextNode(text=table, id_="table"), score=1.0)]
    with tracing() as trace:
        CrossEncoderRerank(scorer=scorer, deadline=4.0).postprocess_nodes(hits, query_str=QUERY)
    record = trace.records[0]
    assert isinstance(record, RerankRecord)
    return record, len(scorer.read) - len(record.logits)
