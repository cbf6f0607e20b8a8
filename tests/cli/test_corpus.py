"""The index is kept, refreshed when documents change, and survives being interrupted."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.embeddings import BaseEmbedding, MockEmbedding
from llama_index.core.schema import MetadataMode
from typer.testing import CliRunner

from llama_index_prod_rag.checked_json import dump_checked, parse_checked
from llama_index_prod_rag.cli import corpus as module
from llama_index_prod_rag.cli import kept_files, kept_indexes, kept_terms
from llama_index_prod_rag.cli.app import build_app
from llama_index_prod_rag.cli.corpus import open_corpus
from llama_index_prod_rag.cli.sources import files_source
from llama_index_prod_rag.models import embedding
from llama_index_prod_rag.models.weights import Weights
from llama_index_prod_rag.postprocessor import cross_encoder
from llama_index_prod_rag.retrievers.embedded import node_table
from llama_index_prod_rag.retrievers.embedded.node_table import FILE
from tests.pair_scorers import OverlapScorer
from tests.readers.office_files import docx, paragraph


class Counting(MockEmbedding):
    """Counts what it embeds, and can be interrupted."""

    embedded: list[str]
    patience: int = 10**9

    def _get_text_embedding(self, text: str) -> list[float]:
        if len(self.embedded) >= self.patience:
            raise KeyboardInterrupt
        self.embedded.append(text)
        return [float(len(text)), 1.0]


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Counting:
    counting = Counting(embed_dim=2, embedded=[])

    def load(*_: Any) -> BaseEmbedding:
        return counting

    monkeypatch.setattr(module, "load_embedding", load)
    use_model("m", monkeypatch)
    return counting


def use_model(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = Weights(name, name, local=False, fingerprint=name)
    monkeypatch.setattr(module, "find_weights", lambda *_: weights)
    monkeypatch.setattr(embedding, "find_weights", lambda *_: weights)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(100):
        (docs / f"{number}.txt").write_text(f"Document number {number} says {number * 7} things about wings.")
    return docs


def test_the_second_opening_embeds_nothing(folder: Path, model: Counting) -> None:
    first = open_corpus(files_source(folder), embed_model="simple")
    embedded = len(model.embedded)
    second = open_corpus(files_source(folder), embed_model="simple")
    assert (first.fresh, second.fresh) == (True, False)
    assert first.chunks == second.chunks == embedded == len(model.embedded) == 100


def test_a_change_embeds_only_what_is_new_and_forgets_what_is_gone(folder: Path, model: Counting) -> None:
    open_corpus(files_source(folder), embed_model="simple")
    (folder / "0.txt").write_text("Now it speaks of drag.")
    (folder / "1.txt").unlink()
    changed = open_corpus(files_source(folder), embed_model="simple")
    texts = [node.get_content() for node in changed.nodes()]
    assert model.embedded[100:] == ["Now it speaks of drag."]
    assert "Now it speaks of drag." in texts
    assert len(texts) == 99


def test_an_interrupted_run_goes_on_where_it_stopped(folder: Path, model: Counting) -> None:
    model.patience = 70
    with pytest.raises(KeyboardInterrupt):
        open_corpus(files_source(folder), embed_model="simple")
    model.patience = 10**9
    assert open_corpus(files_source(folder), embed_model="simple").chunks == 100
    assert len(model.embedded) - 70 < 100 - 60  # the first batch of 64 was kept


def test_a_damaged_index_is_made_again(folder: Path, model: Counting) -> None:
    first = open_corpus(files_source(folder), embed_model="simple")
    texts = sorted(node.get_content() for node in first.nodes())
    file = first.folder / FILE
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = file.read_bytes()
    for at in range(0, len(whole), len(whole) // 12):
        for rest in first.folder.glob(f"{FILE}*"):
            rest.unlink()
        file.write_bytes(whole[:at] + bytes(byte ^ 0x55 for byte in whole[at : at + 40]) + whole[at + 40 :])
        again = open_corpus(files_source(folder), embed_model="simple")
        assert sorted(node.get_content() for node in again.nodes()) == texts
    assert len(model.embedded) == 100


ROWS = [("5", "1"), ("5", "{}"), ("5", "[1, 2]"), ("5", "not JSON"), (b"5", "[]"), ("5", b"[]"), (5, '["a"]')]
TERMS = [
    {},
    {"passages": "many"},
    {"passages": -1},
    {"passages": 1},
    {"frequencies": ["drag"]},
    {"frequencies": {"drag": -5}},
    {"frequencies": {"drag": None}},
    {"language": "klingon"},
    {"language": None},
]


@pytest.mark.parametrize(("stamp", "chunks"), ROWS)
def test_rows_that_say_something_else_are_files_that_changed(
    folder: Path, model: Counting, stamp: object, chunks: object
) -> None:
    first = open_corpus(files_source(folder), embed_model="simple")
    with closing(sqlite3.connect(first.folder / kept_files.FILE)) as connection, connection:
        connection.create_function("kept_sum", 4, lambda *row: 0 if bytes in map(type, row) else kept_files._sum(*row))
        connection.execute("UPDATE files SET stamp = ?, chunks = ?", (stamp, chunks))
        connection.execute("UPDATE files SET sum = kept_sum(name, stamp, left_out, chunks)")
    assert open_corpus(files_source(folder), embed_model="simple").chunks == 100
    assert len(model.embedded) == 100


def test_an_index_that_had_to_make_room_is_made_again(
    folder: Path, model: Counting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = open_corpus(files_source(folder), embed_model="simple")
    kept_indexes._claims.pop(first.folder).close()  # the process ends
    monkeypatch.setattr(module, "delete_unused", lambda indexes: kept_indexes.delete_unused(indexes, 1))
    (tmp_path / "one.txt").write_text("A single file about drag.")
    other = open_corpus(files_source(tmp_path / "one.txt"), embed_model="simple")
    assert (other.folder / FILE).exists()
    assert not (first.folder / FILE).exists()
    assert open_corpus(files_source(folder), embed_model="simple").chunks == 100
    assert len(model.embedded) == 101  # vectors have a cache of their own


def test_a_table_with_other_columns_is_begun_anew(folder: Path, model: Counting) -> None:
    first = open_corpus(files_source(folder), embed_model="simple")
    with closing(sqlite3.connect(first.folder / kept_files.FILE)) as connection, connection:
        connection.execute("ALTER TABLE files ADD COLUMN title TEXT")
    assert open_corpus(files_source(folder), embed_model="simple").chunks == 100
    assert not open_corpus(files_source(folder), embed_model="simple").fresh
    assert len(model.embedded) == 100


@pytest.mark.parametrize("change", TERMS)
def test_terms_that_are_something_else_are_counted_again(
    folder: Path, model: Counting, change: dict[str, object]
) -> None:
    first = open_corpus(files_source(folder), embed_model="simple")
    file = first.folder / kept_terms.FILE
    kept = {**parse_checked(file.read_text()), **change} if change else {}
    file.write_text(dump_checked(kept))
    assert open_corpus(files_source(folder), embed_model="simple").terms == first.terms


def test_a_run_that_is_killed_while_it_writes_leaves_the_older_index(
    folder: Path, model: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_corpus(files_source(folder), embed_model="simple")
    (folder / "0.txt").write_text("Now it speaks of drag.")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(node_table, "_vector_row", stop)
        with pytest.raises(KeyboardInterrupt):
            open_corpus(files_source(folder), embed_model="simple")
    assert open_corpus(files_source(folder), embed_model="simple").chunks == 100
    assert len(model.embedded) == 101


def test_a_read_only_cache_costs_no_answer(folder: Path, model: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROD_RAG_CACHE", "/proc/no-such-folder")
    assert open_corpus(files_source(folder), embed_model="simple").chunks == 100


def test_a_chunk_knows_its_lines(folder: Path, model: Counting) -> None:
    (folder / "lines.txt").write_text("one\n\ntwo\nthree\n")
    corpus = open_corpus(files_source(folder), embed_model="simple")
    [node] = [node for node in corpus.nodes() if node.metadata["file_path"] == "lines.txt"]
    assert node.metadata["lines"] == [1, 4]
    assert "lines" not in node.get_content(MetadataMode.EMBED)


def test_a_chunk_of_a_word_file_has_none(folder: Path, model: Counting) -> None:
    docx(folder, paragraph("The loom weaves at night.")).rename(folder / "loom.docx")
    corpus = open_corpus(files_source(folder), embed_model="simple")
    [node] = [node for node in corpus.nodes() if node.metadata["file_path"] == "loom.docx"]
    assert "lines" not in node.metadata


def test_an_index_of_another_model_is_made_again_and_says_so(
    folder: Path, model: Counting, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = open_corpus(files_source(folder), embed_model="simple")
    assert "another embedding model" not in capsys.readouterr().err
    use_model("better", monkeypatch)
    new = open_corpus(files_source(folder), embed_model="simple")
    assert new.fresh
    assert new.folder != old.folder
    assert len(model.embedded) == 200  # no vector of the old model, kept or cached, is used
    assert "another embedding model" in " ".join(capsys.readouterr().err.split())


def test_what_was_tuned_for_an_index_stays_beside_it_when_it_is_refreshed(folder: Path, model: Counting) -> None:
    first = open_corpus(files_source(folder), embed_model="simple")
    (first.folder / "weights.json").write_text('{"dense": 1.0}')
    (folder / "0.txt").write_text("changed")
    second = open_corpus(files_source(folder), embed_model="simple")
    assert second.fresh
    assert (second.folder / "weights.json").read_text() == '{"dense": 1.0}'


def test_a_file_that_is_most_of_the_index_is_named_before_the_work_begins(
    folder: Path, model: Counting, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_MANY", 100)
    (folder / "huge.log").write_text(
        "".join(f"12:{n % 60:02} door {n} opened by guest {n * 7}\n" for n in range(9_000))
    )
    model.patience = 0  # nothing is embedded
    with pytest.raises(KeyboardInterrupt):
        open_corpus(files_source(folder))
    assert "huge.log is " in caplog.text
    assert "--exclude 'huge.log' leaves it out" in caplog.text


def test_the_same_folder_by_another_path_is_the_same_index(
    folder: Path, model: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_corpus(files_source(folder))
    (folder.parent / "link").symlink_to(folder)
    monkeypatch.chdir(folder.parent)
    embedded = len(model.embedded)
    for path in (Path("docs"), Path("docs/../docs/"), folder.parent / "link"):
        again = open_corpus(files_source(path))
        assert (again.folder, again.fresh) == (first.folder, False)
    assert len(model.embedded) == embedded


@pytest.mark.usefixtures("model")
def test_weights_are_estimated_from_the_documents_of_an_index(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross_encoder, "shared_scorer", lambda *_, **__: OverlapScorer())  # a model takes seconds
    result = CliRunner().invoke(build_app(), ["tune", str(folder), "--from-documents", "--json"])
    told = json.loads(result.stdout)
    assert told["questions"] >= 15
    assert set(told["weights"]) == {"dense", "bm25", "cross_encoder"}
