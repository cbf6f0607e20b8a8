"""What the speed of rerankers is measured on: labeled questions with their BM25 candidates, as plain JSON.

`scifact` brings whole abstracts (about 350 tokens per pair), `chunks` three long documents cut into pieces of 120
tokens (about 140 per pair), `long` one question over 300 passages that each fill the model.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

import bm25s
import numpy as np
import Stemmer

from llama_index_prod_rag.evaluation.datasets import load_beir
from llama_index_prod_rag.models.pairs import PairScorer
from llama_index_prod_rag.postprocessor.windows import window_ranges

CANDIDATES = 50
"""Candidates per question: what the second stage is handed in practice."""

_CHUNK_TOKENS = 120


class Candidate(TypedDict):
    """A passage that the first stage found."""

    id: str
    text: str
    score: float


class Task(TypedDict):
    """One question: what is timed, and what its order is judged by."""

    query: str
    candidates: list[Candidate]
    grades: dict[str, int]


def scifact_tasks(data: Path, questions: int) -> list[Task]:
    """Claims over abstracts of scientific papers."""
    dataset = load_beir(data / "scifact", limit=questions)
    texts = {name: document.full_text for name, document in dataset.documents.items()}
    labeled = [(dataset.queries[query], dict(grades)) for query, grades in dataset.qrels.items()]
    return _tasks(texts, labeled)


def chunk_tasks(data: Path, questions: int, scorer: PairScorer) -> list[Task]:
    """Questions over chunks; a chunk is relevant where it overlaps a marked passage."""
    texts: dict[str, str] = {}
    spans: dict[str, tuple[str, int, int]] = {}
    for path in sorted((data / "chunking" / "corpora").glob("*.md")):
        document = path.read_text(encoding="utf-8")
        offsets = scorer.token_offsets(document)
        for first, last in window_ranges(len(offsets), _CHUNK_TOKENS, 0):
            start, end = offsets[first][0], offsets[last - 1][1]
            name = f"{path.stem}:{start}"
            texts[name], spans[name] = document[start:end], (path.stem, start, end)
    labeled = []
    with (data / "chunking" / "questions_df.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows[:: max(1, len(rows) // questions)][:questions]:
        marks = [(mark["start_index"], mark["end_index"]) for mark in json.loads(row["references"])]
        grades = {
            name: 1
            for name, (corpus, start, end) in spans.items()
            if corpus == row["corpus_id"] and any(start < last and first < end for first, last in marks)
        }
        labeled.append((row["question"], grades))
    return _tasks(texts, labeled)


def long_task(data: Path, passages: int = 300) -> list[Task]:
    """One question over passages that fill the model's 512 tokens: for peak memory."""
    dataset = load_beir(data / "scifact", limit=1)
    words = " ".join(document.full_text for document in list(dataset.documents.values())[: 4 * passages]).split()
    cut = [" ".join(words[start * 450 : (start + 1) * 450]) for start in range(passages)]
    candidates: list[Candidate] = [
        {"id": str(n), "text": text, "score": 1.0 - n / passages} for n, text in enumerate(cut)
    ]
    return [{"query": next(iter(dataset.queries.values())), "candidates": candidates, "grades": {"0": 1}}]


def _tasks(texts: Mapping[str, str], labeled: Sequence[tuple[str, Mapping[str, int]]]) -> list[Task]:
    names, stemmer = list(texts), Stemmer.Stemmer("english")
    index = bm25s.BM25()
    index.index(
        bm25s.tokenize(list(texts.values()), stopwords="en", stemmer=stemmer, show_progress=False), show_progress=False
    )
    tasks: list[Task] = []
    for query, grades in labeled:
        (tokens,) = bm25s.tokenize([query], stopwords="en", stemmer=stemmer, return_ids=False, show_progress=False)
        scores = index.get_scores(tokens) if tokens else np.zeros(len(names))
        best = np.argsort(-scores, kind="stable")[:CANDIDATES]
        found: list[Candidate] = [{"id": names[n], "text": texts[names[n]], "score": float(scores[n])} for n in best]
        tasks.append({"query": query, "candidates": found, "grades": dict(grades)})
    return tasks
