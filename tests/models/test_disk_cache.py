"""Arrays on disk: what went in comes out, from several processes, whatever the text."""

from __future__ import annotations

import multiprocessing
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_index_prod_rag.models.disk_cache import ArrayCache, cache_folder, digest

texts = st.text(st.characters(exclude_categories=[]), max_size=20)  # lone surrogates included


@given(st.lists(texts, min_size=1, max_size=4), st.lists(texts, min_size=1, max_size=4))
def test_keys_differ_exactly_when_their_parts_do(left: list[str], right: list[str]) -> None:
    assert (digest(*left) == digest(*right)) == (left == right)


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    cache = ArrayCache(tmp_path / "deep" / "arrays.sqlite")
    arrays = {digest("m", str(number)): np.arange(number, dtype=np.float32) for number in range(1200)}
    cache.put(arrays)
    found = ArrayCache(cache.path).get([*arrays, digest("m", "missing")])
    assert set(found) == set(arrays)
    assert all(np.array_equal(found[key], value) for key, value in arrays.items())


def _write(path: Path, start: int) -> None:
    cache = ArrayCache(path)
    for number in range(start, start + 50):
        cache.put({digest(str(number)): np.array([number], dtype=np.float32)})


def test_a_file_that_grows_too_large_forgets_a_part(tmp_path: Path) -> None:
    cache = ArrayCache(tmp_path / "arrays.sqlite", most_bytes=400_000)
    arrays = {digest(str(number)): np.full(100, number, dtype=np.float32) for number in range(5_000)}
    keys = list(arrays)
    for start in range(0, len(keys), 50):
        cache.put({key: arrays[key] for key in keys[start : start + 50]})
    kept = cache.get(keys)
    assert 400 < len(kept) < 1_000  # 450 bytes each; some of the last eighth is always free
    assert all(np.array_equal(array, arrays[key]) for key, array in kept.items())
    with closing(sqlite3.connect(tmp_path / "arrays.sqlite")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert (tmp_path / "arrays.sqlite").stat().st_size < 500_000


def test_four_processes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "arrays.sqlite"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_write, args=(path, start)) for start in range(0, 200, 50)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert len(ArrayCache(path).get([digest(str(number)) for number in range(200)])) == 200


def test_the_folder_can_be_chosen(tmp_path: Path) -> None:
    assert cache_folder() == tmp_path / "cache"  # conftest.py sets the variable for every unit test


@pytest.mark.parametrize("value", ["text", 5, None, b"", b"abc", bytes(9)])
def test_a_row_that_holds_something_else_is_not_there(tmp_path: Path, value: object) -> None:
    cache, key = ArrayCache(tmp_path / "arrays.sqlite"), digest("m", "text")
    with closing(sqlite3.connect(cache.path)) as connection, connection:
        connection.execute("INSERT INTO checked_arrays VALUES (?, COALESCE(?, 0))", (key, value))
    assert cache.get([key]) == {}


def test_a_table_with_other_columns_is_moved_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "arrays.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE checked_arrays (key BLOB PRIMARY KEY, vector BLOB)")
    cache, key = ArrayCache(path), digest("m", "text")
    cache.put({key: np.ones(2, dtype=np.float32)})
    assert list(cache.get([key])) == [key]
    assert "other columns" in caplog.text


def test_a_file_that_is_no_database_is_moved_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "arrays.sqlite").write_bytes(b"not a database, " * 100)
    cache = ArrayCache(tmp_path / "arrays.sqlite")
    cache.put({b"k": np.zeros(2, dtype=np.float32)})
    assert list(cache.get([b"k"])) == [b"k"]
    assert (tmp_path / "arrays.sqlite.damaged").read_bytes().startswith(b"not a database")
    assert caplog.text.count("was damaged") == 1


def test_a_damaged_file_never_gives_another_array(tmp_path: Path) -> None:
    keys = [digest(str(number)) for number in range(60)]
    arrays = {key: np.full(50, number, dtype=np.float32) for number, key in enumerate(keys)}
    path = tmp_path / "arrays.sqlite"
    ArrayCache(path).put(arrays)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = path.read_bytes()
    for at in range(0, len(whole), len(whole) // 60):
        for rest in tmp_path.iterdir():
            rest.unlink()
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        for key, array in ArrayCache(path).get(keys).items():
            assert np.array_equal(array, arrays[key])


def test_a_folder_that_cannot_be_made_costs_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    assert ArrayCache(tmp_path / "file" / "arrays.sqlite").get([b"k"]) == {}
    assert "PROD_RAG_CACHE" in caplog.text


def test_several_files_that_fail_alike_are_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("PROD_RAG_CACHE", str(tmp_path / "file"))
    for name in ("embeddings", "pairs"):
        cache = ArrayCache(cache_folder() / "below" / f"{name}.sqlite")
        cache.put({digest(name): np.ones(2, dtype=np.float32)})
        assert cache.get([digest(name)]) == {}
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "set PROD_RAG_CACHE to another folder" in warning.getMessage()
