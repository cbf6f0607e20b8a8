from __future__ import annotations

from pathlib import Path

import pytest

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.evaluation.labels import Label, read_labels, verdict
from llama_index_prod_rag.query_log.record import Feedback


def test_labels_are_read_by_id_or_by_question(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_text(
        '{"query_id": "1", "relevant": {"n1": 2, "n2": 0}, "needs_all": true}\n'
        "\n"
        '{"query": "who?", "answers": ["Ada"], "relevant": ["n3"]}\n'
        '{"query": "why?", "answerable": false}\n'
    )
    assert read_labels(file) == {
        "1": Label(relevant={"n1": 2, "n2": 0}, needs_all=True),
        "who?": Label(relevant={"n3": 1}, references=("Ada",)),
        "why?": Label(answerable=False),
    }


def test_a_label_goes_by_its_id_and_by_its_question(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_text('{"query_id": "1", "query": "who?", "relevant": "n1"}\n{"query_id": "2", "relevant": "n2"}')
    labels = read_labels(file)
    assert set(labels) == {"1", "who?", "2"}
    assert labels["1"] == labels["who?"] == Label(relevant={"n1": 1})


def test_lines_about_one_question_are_taken_together_and_only_newlines_end_them(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    lines = [
        '{"query": "a\u2028b", "relevant": ["n1"]}',
        '{"query": "a\u2028b", "relevant": {"n2": 2}, "answers": ["x"]}',
    ]
    file.write_text("\ufeff" + "\r\n".join(lines), encoding="utf-8")
    assert read_labels(file) == {"a\u2028b": Label(relevant={"n1": 1, "n2": 2}, references=("x",))}


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "{}",
        '{"query": "q", "answers": "one text"}',
        '{"query": "q", "answers": [1]}',
        '{"query": "q", "answerable": "yes"}',
        '{"query": "q", "relevant": {"a": "high"}}',
        '{"query": "q", "relevant": 3}',
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_text('{"query": "fine"}\n' + line)
    with pytest.raises(InputError, match="line 2"):
        read_labels(file)


def test_a_missing_file_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="JSONL"):
        read_labels(tmp_path / "none.jsonl")


def test_what_implies_an_answer() -> None:
    assert Label(relevant={"a": 1}).can_be_answered
    assert Label(references=("x",)).can_be_answered
    assert Label(relevant={"a": 0}).can_be_answered is None
    assert Label(relevant={"a": 1}, answerable=False).can_be_answered is False


def test_each_persons_last_word_counts_and_the_majority_decides() -> None:
    yes, no = Feedback(helpful=True, who="ada"), Feedback(helpful=False, who="ada")
    assert verdict([]) is None
    assert verdict([yes, no]) is False
    assert verdict([no, Feedback(helpful=True, who="bob")]) is None
    assert verdict([Feedback(helpful=True), Feedback(helpful=True), no]) is True
    assert verdict([Feedback(score=0.1, who="judge")]) is None
