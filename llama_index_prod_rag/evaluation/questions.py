"""Questions with their contexts and right answers, and a gated engine asked each of them.

Row of a file (JSON lines): `query`, `answers` (texts), `answerable`, `contexts` (objects with `text`, optional `title`
and `gold`), optional `id` (or `query_id`, so that a label file is one of questions too). A row that brings `prediction`
(a text, null for a refusal) and optionally `confidence` is graded as it is, so that any system's answers can be
measured.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.evaluation.labels import Label, label_of
from llama_index_prod_rag.json_lines import numbered_lines
from llama_index_prod_rag.query_log.record import HitRecord, LoggedPassage, QueryRecord


@dataclass(frozen=True, slots=True)
class Question:
    """Holds one question of a file, with its label and what else its row brings.

    Attributes:
        query_id: its id; the line's number where it has none.
        query: the question.
        passages: its contexts, under ids made of the question's id and their place; None where the row brings none.
        label: what would be right; gold contexts are relevant.
        answered: a record of the answer that the row brought, or None: ask the engine.
    """

    query_id: str
    query: str
    passages: tuple[LoggedPassage, ...] | None
    label: Label
    answered: QueryRecord | None = None


def read_questions(path: Path, *, limit: int | None = None) -> list[Question]:
    """Read a file with one question per line, each with its label.

    Args:
        path: JSON lines.
        limit: at most this many, drawn by the sha256 of their ids, so that the sample is always the same.

    Raises:
        InputError: the file is missing, empty, or a line is malformed; the message names the line.
    """
    if not path.is_file():
        raise InputError(f"no file at {path}: give JSON lines with query, answers, answerable and contexts")
    questions: dict[str, Question] = {}
    for number, line in numbered_lines(path):
        try:
            question = _question(json.loads(line), str(number))
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise InputError(f"{path}, line {number}: expected query, answers, answerable, contexts") from error
        if question.query_id in questions:
            raise InputError(f"{path}, line {number}: the id {question.query_id!r} occurs twice")
        questions[question.query_id] = question
    if not questions:
        raise InputError(f"{path} holds no question")
    if limit is None or limit >= len(questions):
        return list(questions.values())
    drawn = sorted(questions, key=lambda id_: hashlib.sha256(id_.encode()).hexdigest())[:limit]
    return [questions[id_] for id_ in drawn]


def _question(row: Mapping[str, Any], number: str) -> Question:
    query, query_id = row.get("query") or row["question"], str(row.get("id") or row.get("query_id") or number)
    if not isinstance(query, str) or not query.strip():
        raise ValueError("query must be a text")
    contexts = row.get("contexts") or []
    passages = tuple(
        LoggedPassage(f"{query_id}#{place}", f"{context.get('title') or ''}\n{context['text']}".strip(), query_id)
        for place, context in enumerate(contexts)
    )
    gold = [passage.node_id for passage, context in zip(passages, contexts, strict=True) if context.get("gold")]
    label = label_of({"relevant": gold, **{key: row[key] for key in _LABEL_KEYS if key in row}})
    answered = _read_answered(row, query, query_id, passages)
    return Question(query_id, query, passages if "contexts" in row else None, label, answered)


_LABEL_KEYS = ("relevant", "answers", "answerable", "needs_all")


def _read_answered(
    row: Mapping[str, Any], query: str, query_id: str, passages: Sequence[LoggedPassage]
) -> QueryRecord | None:
    if "prediction" not in row:
        return None
    prediction, confidence = row["prediction"], row.get("confidence")
    if not isinstance(prediction, (str, type(None))):
        raise TypeError("prediction must be a text or null")
    return QueryRecord(
        query=query,
        query_id=query_id,
        decision="refuse" if prediction is None else "answer",
        answer=prediction,
        confidence=None if confidence is None else float(confidence),
        passages=tuple(passages),
        hits=tuple(
            HitRecord("shown", "", passage.node_id, rank, None) for rank, passage in enumerate(passages, start=1)
        ),
    )


def ask_all(
    questions: Sequence[Question],
    ask: Callable[[Question], QueryRecord],
    *,
    on_done: Callable[[int], None] = lambda _: None,
) -> dict[str, QueryRecord]:
    """Records of all questions: those the rows brought, the others asked.

    Args:
        questions: what to ask.
        ask: answers one question and returns its record under the question's id.
        on_done: told after each question, with 1.

    Returns:
        Query id -> record, in the order of the questions.
    """
    records: dict[str, QueryRecord] = {}
    for question in questions:
        records[question.query_id] = question.answered or ask(question)
        on_done(1)
    return records
