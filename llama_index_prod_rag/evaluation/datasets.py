"""Labelled collections in the BEIR layout, and the splits they are tuned and reported on.

Layout: `corpus.jsonl` (`_id`, `title`, `text`), `queries.jsonl` (`_id`, `text`), `qrels.tsv` (header, then query id,
document id, grade), further splits as `qrels-<split>.tsv`; the published folders' `qrels/<split>.tsv` is read as well.
Source: Thakur et al., "BEIR" (NeurIPS 2021).
"""

from __future__ import annotations

import csv
import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.json_lines import numbered_lines

Split: TypeAlias = str
"""Which labelled queries: `train` to tune on, `test` to report on, `all`, or another that the folder has a file for."""

_TRAIN_SPLITS = ("train", "dev")  # the first that the folder has a file for
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LabeledDocument:
    """Holds the title and the text of one document of a collection."""

    title: str
    text: str

    @property
    def full_text(self) -> str:
        """Title and text as one passage; what embedders, BM25 and cross-encoders read."""
        return f"{self.title}\n{self.text}".strip()


@dataclass(frozen=True, slots=True)
class RetrievalDataset:
    """A collection with queries and graded judgments.

    Attributes:
        name: the folder's name.
        documents: document id -> title and text.
        queries: query id -> text, only queries with at least one relevant document.
        qrels: query id -> document id -> grade; 0 or less is judged not relevant.
    """

    name: str
    documents: Mapping[str, LabeledDocument]
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]


def load_beir(folder: Path, *, split: Split = "test", limit: int | None = None) -> RetrievalDataset:
    """Read documents, queries and graded judgments of a collection in BEIR layout.

    A set that brings a train split (`train`, else `dev`) is tuned on that and reported on all of `qrels.tsv`, or of
    `test` where it has a file of that name. Any other is divided by the query id: train where its sha256 is even,
    test where it is odd.

    Args:
        folder: a folder in BEIR layout.
        split: which queries to take; `all` are those of `qrels.tsv`, or of every split where there is no such file.
        limit: at most this many queries, drawn by the sha256 of their ids, so that the sample is always the same.

    Raises:
        InputError: a file is missing or malformed (with its line), or no query or document is left.
    """
    for file in ("corpus.jsonl", "queries.jsonl"):
        if not (folder / file).is_file():
            raise InputError(f"{folder} is not in BEIR layout: {file} is missing")
    qrels = _read_split(folder, split)
    relevant = {query for query, grades in qrels.items() if any(grade > 0 for grade in grades.values())}
    texts = {id_: row["text"] or "" for id_, row in _read_jsonl(folder / "queries.jsonl").items()}
    chosen = sorted((query for query in relevant if query in texts), key=_id_hash)[:limit]
    if not chosen:
        raise InputError(f"{folder}: no query of the split {split!r} has a relevant document")
    documents = {
        id_: LabeledDocument(row.get("title") or "", row["text"] or "")
        for id_, row in _read_jsonl(folder / "corpus.jsonl").items()
    }
    if not documents:
        raise InputError(f"{folder}: corpus.jsonl holds no document")
    return RetrievalDataset(
        folder.resolve().name,
        documents,
        {query: texts[query] for query in chosen},
        {query: qrels[query] for query in chosen},
    )


def _read_split(folder: Path, split: Split) -> dict[str, dict[str, int]]:
    files = _split_files(folder)
    own_train = next((files[name] for name in _TRAIN_SPLITS if name in files), None)
    everything = [files[""]] if "" in files else list(files.values())
    if not everything:
        raise InputError(f"{folder} is not in BEIR layout: qrels.tsv is missing")
    if split == "all":
        return _read_qrels(*everything)
    if split == "train" and own_train is not None:
        return _read_qrels(own_train)
    if split in files:
        return _read_qrels(files[split])
    if split not in ("train", "test") or "" not in files:
        named = ", ".join(sorted(files.keys() - {""} | {"train", "test", "all"}))
        raise InputError(f"{folder} has no split {split!r}: choose one of {named}")
    qrels = _read_qrels(files[""])
    if own_train is not None:
        return qrels
    parity = 0 if split == "train" else 1
    return {query: grades for query, grades in qrels.items() if _id_hash(query) % 2 == parity}


def _split_files(folder: Path) -> dict[str, Path]:
    """Split -> file of judgments; `qrels.tsv` itself under the empty name."""
    files = {path.stem: path for path in sorted(folder.glob("qrels/*.tsv"))}
    files |= {path.stem.removeprefix("qrels-"): path for path in sorted(folder.glob("qrels-*.tsv"))}
    plain = folder / "qrels.tsv"
    return {**files, "": plain} if plain.is_file() else files


def _id_hash(identifier: str) -> int:
    return int(hashlib.sha256(identifier.encode()).hexdigest(), 16)


def _read_qrels(*paths: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for path in paths:
        for query, document, grade in _judgments(path):
            qrels.setdefault(query, {})[document] = grade
    return qrels


def _judgments(path: Path) -> Iterator[tuple[str, str, int]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        # An id may hold a quotation mark: nothing is quoted in these files.
        for number, row in enumerate(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE), start=1):
            grade = _grade(row[-1]) if row else None
            if not row or (number == 1 and grade is None):
                continue
            if len(row) != 3 or grade is None:
                raise InputError(f"{path}, line {number}: expected query id, document id and an integer grade")
            yield row[0], row[1], grade


def _grade(text: str) -> int | None:
    try:
        return int(float(text)) if float(text).is_integer() else None  # some tools write 1.0
    except (ValueError, OverflowError):
        return None


def _read_jsonl(path: Path) -> dict[str, dict[str, Any]]:
    """Read a file of JSON lines into a mapping from each row's id to the row."""
    rows: dict[str, dict[str, Any]] = {}
    replaced = 0
    for number, row in _parse_lines(path):
        id_, text = row.get("_id"), row.get("text", 0)
        if isinstance(id_, bool) or not isinstance(id_, str | int) or not isinstance(text, str | None):
            raise InputError(f"{path}, line {number}: expected an object with an _id and the string text")
        if not isinstance(row.get("title"), str | None):
            raise InputError(f"{path}, line {number}: the title is not a string")
        replaced += str(id_) in rows
        rows[str(id_)] = row
    if replaced:
        _log.warning("%s: %d lines replace an earlier one with the same _id", path, replaced)
    return rows


def _parse_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in numbered_lines(path):
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise InputError(f"{path}, line {number}: not JSON ({getattr(error, 'msg', error)})") from None
        if not isinstance(row, dict):
            raise InputError(f"{path}, line {number}: expected an object")
        yield number, row
