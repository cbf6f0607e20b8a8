from __future__ import annotations

import json
from pathlib import Path

import pytest

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.evaluation.questions import Question, ask_all, read_questions
from llama_index_prod_rag.query_log.record import QueryRecord


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


ROW = {
    "id": "7",
    "query": "Who?",
    "answers": ["Ada"],
    "answerable": True,
    "contexts": [{"title": "T", "text": "Ada did.", "gold": True}, {"text": "Bob did not.", "gold": False}],
}


def test_contexts_become_passages_and_gold_ones_the_label(tmp_path: Path) -> None:
    (question,) = read_questions(write(tmp_path / "q.jsonl", ROW))
    assert [passage.text for passage in question.passages] == ["T\nAda did.", "Bob did not."]
    assert question.label.gold == ("7#0",)
    assert question.label.references == ("Ada",)
    assert question.answered is None


def test_a_row_that_brings_its_answer_is_not_asked(tmp_path: Path) -> None:
    rows = [{**ROW, "prediction": "Ada", "confidence": 0.9}, {**ROW, "id": "8", "prediction": None}, {**ROW, "id": "9"}]
    questions = read_questions(write(tmp_path / "q.jsonl", *rows))
    asked: list[str] = []

    def ask(question: Question) -> QueryRecord:
        asked.append(question.query_id)
        return QueryRecord(query=question.query, query_id=question.query_id)

    records = ask_all(questions, ask)
    assert asked == ["9"]
    assert (records["7"].decision, records["7"].answer, records["7"].confidence) == ("answer", "Ada", 0.9)
    assert (records["8"].decision, records["8"].answer) == ("refuse", None)
    assert records["7"].ranking("shown") == ("7#0", "7#1")


def test_a_limit_always_draws_the_same_questions(tmp_path: Path) -> None:
    rows = [{**ROW, "id": str(number)} for number in range(30)]
    forward = read_questions(write(tmp_path / "a.jsonl", *rows), limit=5)
    backward = read_questions(write(tmp_path / "b.jsonl", *reversed(rows)), limit=5)
    assert [question.query_id for question in forward] == [question.query_id for question in backward]
    assert len(forward) == 5


@pytest.mark.parametrize(
    "row",
    [
        {"answers": ["x"]},
        {"query": " "},
        {"query": 5},
        {**ROW, "contexts": [{"title": "no text"}]},
        {**ROW, "prediction": 4},
        {**ROW, "confidence": "high", "prediction": "x"},
        {**ROW, "answers": "Ada"},
        [],
    ],
)
def test_a_malformed_row_is_named(tmp_path: Path, row: object) -> None:
    with pytest.raises(InputError, match="line 2"):
        read_questions(write(tmp_path / "q.jsonl", {**ROW, "id": "first"}, row))


def test_missing_empty_and_repeated(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file"):
        read_questions(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="no question"):
        read_questions(write(tmp_path / "empty.jsonl"))
    with pytest.raises(InputError, match="twice"):
        read_questions(write(tmp_path / "twice.jsonl", ROW, ROW))
