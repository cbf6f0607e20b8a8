"""Recall, precision and intersection over union of retrieved characters: Chroma's chunking evaluation.

Source: Smith and Troynikov, "Evaluating Chunking Strategies for Retrieval" (Chroma technical report, 2024). Ranges are
characters. `recall@500` and `recall@1000` are added here: the retrieved chunks are read in order until about so many
tokens are spent, which takes the advantage of large chunks away.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CHARACTERS_PER_TOKEN = 4.4  # English text in cl100k tokens, over these corpora
TOP = 5
METRICS = ("recall", "precision", "iou", "precision_omega", "recall@500", "recall@1000")

Ranges = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Question:
    """A question and where its answer stands."""

    text: str
    corpus: str
    excerpts: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk: its corpus and its characters there."""

    corpus: str
    start: int
    end: int


def load_chunking_data(folder: Path) -> tuple[dict[str, str], list[Question]]:
    """Corpora by name, and the questions about them."""
    corpora = {path.stem: path.read_bytes().decode() for path in sorted((folder / "corpora").glob("*.md"))}
    with (folder / "questions_df.csv").open(encoding="utf-8", newline="") as file:
        questions = [
            Question(
                row["question"],
                row["corpus_id"],
                tuple((span["start_index"], span["end_index"]) for span in json.loads(row["references"])),
            )
            for row in csv.DictReader(file)
        ]
    return corpora, questions


def union(ranges: Ranges) -> list[tuple[int, int]]:
    """The same characters as disjoint ranges in order.

    Examples:
        >>> union([(5, 8), (1, 3), (2, 6)])
        [(1, 8)]
    """
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif start < end:
            merged.append((start, end))
    return merged


def overlap(one: Ranges, other: Ranges) -> int:
    """Characters in both of two lists of disjoint ranges."""
    return sum(max(0, min(a[1], b[1]) - max(a[0], b[0])) for a in one for b in other)


def _length(ranges: Ranges) -> int:
    return sum(end - start for start, end in ranges)


def score_question(question: Question, pieces: Sequence[Piece], ranking: Sequence[int]) -> dict[str, float]:
    """All metrics of one question.

    Args:
        question: the question.
        pieces: all chunks of the index.
        ranking: indices into `pieces`, best first.
    """
    excerpts = union(question.excerpts)
    asked = _length(excerpts)
    top = [pieces[index] for index in ranking[:TOP]]
    found = _measure_overlap(question.corpus, excerpts, top)
    retrieved = sum(piece.end - piece.start for piece in top)
    touching = [p for p in pieces if p.corpus == question.corpus and overlap(excerpts, [(p.start, p.end)]) > 0]
    omega = sum(piece.end - piece.start for piece in touching)
    within = {
        f"recall@{tokens}": _measure_overlap(question.corpus, excerpts, _read(pieces, ranking, tokens)) / asked
        for tokens in (500, 1000)
    }
    return {
        "recall": found / asked,
        "precision": found / retrieved if retrieved else 0.0,
        "iou": found / (retrieved + asked - found),
        "precision_omega": _measure_overlap(question.corpus, excerpts, touching) / omega if omega else 0.0,
        **within,
    }


def _measure_overlap(corpus: str, excerpts: Ranges, pieces: Sequence[Piece]) -> int:
    return overlap(excerpts, union([(piece.start, piece.end) for piece in pieces if piece.corpus == corpus]))


def _read(pieces: Sequence[Piece], ranking: Sequence[int], tokens: int) -> list[Piece]:
    """The first characters of the ranking, as many as the tokens allow; the last chunk is cut."""
    left = round(tokens * CHARACTERS_PER_TOKEN)
    read: list[Piece] = []
    for index in ranking:
        piece = pieces[index]
        read.append(Piece(piece.corpus, piece.start, min(piece.end, piece.start + left)))
        left -= piece.end - piece.start
        if left <= 0:
            break
    return read


def score_system(
    questions: Sequence[Question],
    query_vectors: NDArray[np.float32],
    pieces: Sequence[Piece],
    vectors: NDArray[np.float32],
) -> dict[str, list[float]]:
    """Metric -> value of each question, all corpora in one index, ranked by cosine.

    Args:
        questions: the questions.
        query_vectors: unit vectors, shape [questions, d].
        pieces: the chunks.
        vectors: their unit vectors, shape [chunks, d].
    """
    values: dict[str, list[float]] = {metric: [] for metric in METRICS}
    for question, similarities in zip(questions, query_vectors @ vectors.T, strict=True):
        scores = score_question(question, pieces, np.argsort(-similarities, kind="stable").tolist())
        for metric, value in scores.items():
            values[metric].append(value)
    return values


def by_corpus(questions: Sequence[Question], values: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """Means a corpus, and over all questions as `all`."""
    groups: dict[str, list[int]] = {"all": list(range(len(questions)))}
    for index, question in enumerate(questions):
        groups.setdefault(question.corpus, []).append(index)
    return {
        name: {metric: float(np.mean([row[index] for index in members])) for metric, row in values.items()}
        for name, members in groups.items()
    }
