"""BEIR folders: the splits are the stated ones, and a broken file names its line."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.evaluation.datasets import load_beir

QUERIES = [f"q{number}" for number in range(40)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    _write(tmp_path / "corpus.jsonl", [{"_id": "d1", "title": "T", "text": "body"}, {"_id": "d2", "text": "other"}])
    _write(tmp_path / "queries.jsonl", [{"_id": query, "text": f"text of {query}"} for query in QUERIES])
    _qrels(tmp_path / "qrels.tsv", [(query, "d1", 2) for query in QUERIES])
    return tmp_path


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _qrels(path: Path, rows: list[tuple[str, str, int]]) -> None:
    lines = ["query-id\tcorpus-id\tscore", *("\t".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _is_even(query: str) -> bool:
    return int(hashlib.sha256(query.encode()).hexdigest(), 16) % 2 == 0


def test_without_a_train_file_the_hash_of_the_id_decides(folder: Path) -> None:
    train, test, both = (load_beir(folder, split=split) for split in ("train", "test", "all"))
    assert set(train.queries) == {query for query in QUERIES if _is_even(query)}
    assert set(test.queries) == {query for query in QUERIES if not _is_even(query)}
    assert set(both.queries) == set(QUERIES)


@pytest.mark.parametrize("name", ["qrels-train.tsv", "qrels-dev.tsv"])
def test_a_train_file_of_its_own_leaves_the_test_split_whole(folder: Path, name: str) -> None:
    _qrels(folder / name, [("q0", "d2", 1)])
    assert load_beir(folder, split="train").qrels == {"q0": {"d2": 1}}
    assert set(load_beir(folder, split="test").queries) == set(QUERIES)


def test_a_limit_is_always_the_same_sample(folder: Path) -> None:
    few, more = load_beir(folder, split="all", limit=5), load_beir(folder, split="all", limit=10)
    assert len(few.queries) == 5
    assert set(few.queries) < set(more.queries)


def test_queries_without_a_relevant_document_are_left_out(folder: Path) -> None:
    _qrels(folder / "qrels.tsv", [("q0", "d1", 0), ("q1", "d1", 1)])
    assert set(load_beir(folder, split="all").queries) == {"q1"}


def test_documents_read_as_title_and_text(folder: Path) -> None:
    documents = load_beir(folder, split="all").documents
    assert documents["d1"].full_text == "T\nbody"
    assert documents["d2"].full_text == "other"


def test_the_published_folders_keep_their_splits_in_a_folder(folder: Path) -> None:
    (folder / "qrels.tsv").unlink()
    (folder / "qrels").mkdir()
    _qrels(folder / "qrels" / "train.tsv", [("q0", "d1", 1)])
    _qrels(folder / "qrels" / "test.tsv", [("q1", "d1", 1)])
    assert [set(load_beir(folder, split=split).queries) for split in ("train", "test", "all")] == [
        {"q0"}, {"q1"}, {"q0", "q1"},
    ]  # fmt: skip


def test_a_split_of_any_name_is_read(folder: Path) -> None:
    _qrels(folder / "qrels-hard.tsv", [("q2", "d2", 1)])
    assert load_beir(folder, split="hard").qrels == {"q2": {"d2": 1}}
    assert len(load_beir(folder, split="all").queries) == len(QUERIES)


def test_odd_ids_grades_and_texts_are_read_as_they_are(folder: Path) -> None:
    corpus = '{"_id": "\\"x y\\u2028", "title": null, "text": "quoted"}\n{"_id": 7, "text": null}\n'
    (folder / "corpus.jsonl").write_text("\ufeff" + corpus, encoding="utf-8")
    (folder / "queries.jsonl").write_text('{"_id": "q,\\"1", "text": "?"}\n{"_id": 2, "text": ""}\n', encoding="utf-8")
    qrels = 'query-id\tcorpus-id\tscore\r\nq,"1\t"x y\u2028\t2.0\r\nq,"1\t7\t-1\r\n2\t7\t1\r\nunknown\t7\t1\r\n'
    (folder / "qrels.tsv").write_text(qrels, encoding="utf-8")
    dataset = load_beir(folder, split="all")
    assert {id_: document.full_text for id_, document in dataset.documents.items()} == {'"x y\u2028': "quoted", "7": ""}
    assert dataset.queries == {'q,"1': "?", "2": ""}
    assert dataset.qrels == {'q,"1': {'"x y\u2028': 2, "7": -1}, "2": {"7": 1}}


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("corpus.jsonl", '{"_id": "d1", "text": "ok"}\n{broken\n', "line 2: not JSON"),
        ("queries.jsonl", '{"_id": 3.5, "text": "ok"}\n', "line 1: expected an object"),
        ("corpus.jsonl", '["d1", "ok"]\n', "line 1: expected an object"),
        ("corpus.jsonl", '{"_id": "d1"}\n', "line 1: expected an object"),
        ("corpus.jsonl", '{"_id": "d1", "title": 5, "text": "ok"}\n', "line 1: the title"),
        ("corpus.jsonl", "", "holds no document"),
        ("qrels.tsv", "q0\td1\t1\nq1\td1\n", "line 2: expected query id"),
        ("qrels.tsv", "q0\td1\t0.5\nq1\td1\t0.5\n", "line 2: expected query id"),
        ("qrels.tsv", "query-id\tcorpus-id\tscore\nq0\td1\thigh\n", "line 2: expected query id"),
    ],
)
def test_a_broken_file_names_its_line(folder: Path, file: str, content: str, message: str) -> None:
    (folder / file).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        load_beir(folder, split="all")


def test_only_a_newline_ends_a_line(folder: Path) -> None:
    rows = (b'{"_id": "d1",\r "text": "one\xe2\x80\xa8two"}', b'{"_id": "d2", "text": "\xff"}')
    (folder / "corpus.jsonl").write_bytes(rows[0] + b"\r\n\r\n")
    assert load_beir(folder, split="all").documents["d1"].text == "one\u2028two"
    (folder / "corpus.jsonl").write_bytes(b"\n".join(rows))
    with pytest.raises(InputError, match=r"corpus\.jsonl, line 2: not UTF-8"):
        load_beir(folder, split="all")


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "qrels.tsv").unlink()
    with pytest.raises(InputError, match=r"qrels\.tsv is missing"):
        load_beir(folder)
