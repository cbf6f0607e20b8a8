"""Indexes of folders take a bounded room: those used last stay, and what is in use or was tuned by hand always does."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from llama_index_prod_rag.cli.engine import WEIGHTS_FILE
from llama_index_prod_rag.cli.kept_indexes import claim_index, delete_unused
from llama_index_prod_rag.retrievers.embedded.node_table import FILE


def make_index(folder: Path, used: float) -> Path:
    folder.mkdir(parents=True)
    for name in (FILE, f"{FILE}-wal", "bm25f-0.npz", WEIGHTS_FILE):
        (folder / name).write_bytes(bytes(100))
    (folder / "in_use").touch()
    os.utime(folder / "in_use", (used, used))
    return folder


def left(indexes: Path) -> list[str]:
    return sorted(folder.name for folder in indexes.iterdir() if (folder / FILE).exists())


def test_what_was_not_used_for_the_longest_time_goes_first(tmp_path: Path) -> None:
    for name, used in {"b": 1.0, "c": 2.0, "a": 3.0}.items():
        make_index(tmp_path / name, used)
    delete_unused(tmp_path, 900)
    assert left(tmp_path) == ["a", "b", "c"]
    delete_unused(tmp_path, 600)
    assert left(tmp_path) == ["a", "c"]
    assert [path.name for path in (tmp_path / "b").iterdir() if path.stat().st_size] == [WEIGHTS_FILE]
    claim_index(tmp_path / "c")
    make_index(tmp_path / "d", 4.0)
    delete_unused(tmp_path, 600)
    assert left(tmp_path) == ["c", "d"]
    delete_unused(tmp_path, 0)
    assert left(tmp_path) == ["c"]


def _use(folder: Path, claimed: Event, done: Event) -> None:
    claim_index(folder)
    claimed.set()
    done.wait(60)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_what_another_process_uses_stays_as_long_as_that_process_does(tmp_path: Path) -> None:
    folder = make_index(tmp_path / "a", 1.0)
    context = multiprocessing.get_context("fork")
    claimed, done = context.Event(), context.Event()
    child = context.Process(target=_use, args=(folder, claimed, done))
    child.start()
    assert claimed.wait(60)
    os.utime(folder / "in_use", (1.0, 1.0))
    delete_unused(tmp_path, 0)
    assert left(tmp_path) == ["a"]
    done.set()
    child.join(60)
    delete_unused(tmp_path, 0)
    assert left(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    claim_index(tmp_path / "file" / "index")
    delete_unused(tmp_path / "file", 0)
    delete_unused(tmp_path / "nowhere", 0)
