"""Files are whole: a writer that is killed or meets a full disk leaves the older file alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from llama_index_prod_rag.durable_files import write_whole


def names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def test_a_failing_writer_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "weights.json"
    write_whole(path, "old")

    def fail_halfway(file: IO[bytes]) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_whole(path, fail_halfway)
    assert (path.read_text(), names(tmp_path)) == ("old", ["weights.json"])


def test_what_a_killed_writer_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "weights.json"
    write_whole(path, "old")
    program = (
        "import os, sys; from pathlib import Path; from llama_index_prod_rag.durable_files import write_whole\n"
        "write_whole(Path(sys.argv[1]), lambda file: (file.write(b'half'), file.flush(), os._exit(9)))"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == 9
    assert path.read_text() == "old"
    assert len(names(tmp_path)) == 2
    write_whole(path, "new")
    assert (path.read_text(), names(tmp_path)) == ("new", ["weights.json"])


def test_another_writer_at_work_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "weights.json"

    def write_within(file: IO[bytes]) -> None:
        file.write(b"outer")
        write_whole(path, "inner")

    write_whole(path, write_within)
    assert path.read_text() == "outer"
