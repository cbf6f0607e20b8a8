"""Labelled collections in the BEIR layout, and the splits they are tuned and reported on.

Layout: `corpus.jsonl` (`_id`, `title`, `text`), `queries.jsonl` (`_id`, `text`), `qrels.tsv` (header, then query id,
document id, grade), further splits as `qrels-<split>.tsv`. Source: Thakur et al., "BEIR" (NeurIPS 2021).
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from llama_index_prod_rag.errors import InputError

Split = Literal["train", "test", "all"]
"""Which labelled queries: to tune on, to report on, or every one in `qrels.tsv`."""

_TRAIN_FILES = ("qrels-train.tsv", "qrels-dev.tsv")


@dataclass(frozen=True, slots=True)
class LabelledDocument:
    """One entry of a collection."""

    title: str
    text: str

    @property
    def full_text(self) -> str:
        """Title and text as one passage; what embedders, BM25 and cross-encoders read."""
        return f"{self.title}\n{self.text}".strip()


@dataclass(frozen=True, slots=True)
class RetrievalDataset:
    """A collection with queries and graded judgements.

    Attributes:
        name: the folder's name.
        documents: document id -> title and text.
        queries: query id -> text, only queries with at least one relevant document.
        qrels: query id -> document id -> grade; 0 or less is judged not relevant.
    """

    name: str
    documents: Mapping[str, LabelledDocument]
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]


def load_beir(folder: Path, *, split: Split = "test", limit: int | None = None) -> RetrievalDataset:
    """Read a collection.

    A set that brings a train split (`qrels-train.tsv`, `qrels-dev.tsv`) is tuned on that and reported on all of
    `qrels.tsv`. Any other is divided by the query id: train where its sha256 is even, test where it is odd.

    Args:
        folder: a folder in BEIR layout.
        split: which queries to take.
        limit: at most this many queries, drawn by the sha256 of their ids, so that the sample is always the same.

    Raises:
        InputError: a file is missing or malformed (with its line), or no query is left.
    """
    for file in ("corpus.jsonl", "queries.jsonl", "qrels.tsv"):
        if not (folder / file).is_file():
            raise InputError(f"{folder} is not in BEIR layout: {file} is missing")
    qrels = _read_split(folder, split)
    relevant = {query for query, grades in qrels.items() if any(grade > 0 for grade in grades.values())}
    texts = {row["_id"]: row["text"] for row in _read_jsonl(folder / "queries.jsonl", ("_id", "text"))}
    chosen = sorted((query for query in relevant if query in texts), key=_id_hash)[:limit]
    if not chosen:
        raise InputError(f"{folder}: no query of the split {split!r} has a relevant document")
    documents = {
        row["_id"]: LabelledDocument(row.get("title") or "", row["text"])
        for row in _read_jsonl(folder / "corpus.jsonl", ("_id", "text"))
    }
    return RetrievalDataset(
        folder.resolve().name,
        documents,
        {query: texts[query] for query in chosen},
        {query: qrels[query] for query in chosen},
    )


def _read_split(folder: Path, split: Split) -> dict[str, dict[str, int]]:
    train_file = next((folder / file for file in _TRAIN_FILES if (folder / file).is_file()), None)
    if split == "train" and train_file is not None:
        return _read_qrels(train_file)
    qrels = _read_qrels(folder / "qrels.tsv")
    if split == "all" or train_file is not None:
        return qrels
    parity = 0 if split == "train" else 1
    return {query: grades for query, grades in qrels.items() if _id_hash(query) % 2 == parity}


def _id_hash(identifier: str) -> int:
    return int(hashlib.sha256(identifier.encode()).hexdigest(), 16)


def _read_qrels(path: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.reader(file, delimiter="\t"), start=1):
            if not row or (number == 1 and not row[-1].lstrip("-").isdigit()):
                continue
            try:
                query, document, grade = row
                qrels.setdefault(query, {})[document] = int(grade)
            except ValueError:
                raise InputError(
                    f"{path}, line {number}: expected query id, document id and an integer grade"
                ) from None
    return qrels


def _read_jsonl(path: Path, required: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"{path}, line {number}: not JSON ({error.msg})") from None
            if not isinstance(row, dict) or any(not isinstance(row.get(key), str) for key in required):
                raise InputError(f"{path}, line {number}: expected an object with the strings {', '.join(required)}")
            yield row
