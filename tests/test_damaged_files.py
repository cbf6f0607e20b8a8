"""Every file that the package keeps is read right, begun anew, or refused by an error that names it: never read wrong.

Folders of the lexical index and of the command line have tests of their own, which damage them in the same ways.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from llama_index_prod_rag.checked_json import dump_checked
from llama_index_prod_rag.cli.engine import WEIGHTS_FILE, saved_weights
from llama_index_prod_rag.confidence.calibrated import CalibratedAssessor, default_calibration
from llama_index_prod_rag.confidence.calibration import Calibration, Head
from llama_index_prod_rag.confidence.evidence import Passage, gather
from llama_index_prod_rag.errors import ProdRagError
from llama_index_prod_rag.evaluation.labels import read_labels
from llama_index_prod_rag.models.disk_cache import ArrayCache
from llama_index_prod_rag.query_log.sheets import import_sheet
from llama_index_prod_rag.trace.records import RerankRecord

KEY = b"k" * 32
ROWS = [
    {
        "query_id": f"q{n}",
        "drawn": "",
        "query": f"why {n}?",
        "relevant": {f"n{n}": 1},
        "answers": [],
        "answerable": True,
    }
    for n in range(20)
]
HEAD = "query_id,drawn,query,passage_id,passage,relevant,answerable,right_answer"


def write_cache(path: Path) -> None:
    ArrayCache(path).put({KEY: np.arange(50, dtype=np.float32)})
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def read_cache(path: Path) -> object:
    found = ArrayCache(path).get([KEY])
    return found[KEY].tolist() if found else "begun anew"


def read_sheet(path: Path) -> object:
    import_sheet(path, path.with_name("labels.jsonl"))
    return path.with_name("labels.jsonl").read_text()


# What people fill in has no checksum: a turned bit in a word is another word. Structure that is gone must be noticed.
CHECKED = {
    "calibration.json": (lambda path: default_calibration().save(path), Calibration.load),
    WEIGHTS_FILE: (
        lambda path: path.write_text(dump_checked({"dense": 0.625, "bm25": 0.375})),
        lambda path: saved_weights(path.parent),
    ),
    "pairs.sqlite": (write_cache, read_cache),
}
FILLED_IN = {
    "labels.jsonl": (
        lambda path: path.write_text("".join(json.dumps(row) + "\n" for row in ROWS)),
        read_labels,
    ),
    "sheet.jsonl": (lambda path: path.write_text("".join(json.dumps(row) + "\n" for row in ROWS)), read_sheet),
    "sheet.csv": (
        lambda path: path.write_text(f"{HEAD}\n" + "".join(f"q{n},,why,n{n},text,1,yes,\n" for n in range(20))),
        read_sheet,
    ),
}


def outcome(read: Callable[[Path], object], path: Path) -> object:
    """What is read; the name of the file where it is refused."""
    try:
        return read(path)
    except ProdRagError as error:
        return path.name if path.name in str(error) else f"an error that names no file: {error}"


def clean(path: Path) -> None:
    for rest in path.parent.iterdir():
        rest.unlink()


@pytest.mark.parametrize("name", CHECKED)
def test_a_turned_bit_changes_nothing_that_is_read(tmp_path: Path, name: str) -> None:
    write, read = CHECKED[name]
    path = tmp_path / name
    write(path)
    whole, right = path.read_bytes(), read(path)
    for place in range(0, len(whole), max(1, len(whole) // 40)):
        clean(path)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :])
        assert outcome(read, path) in (right, name, "begun anew")


@pytest.mark.parametrize("name", CHECKED)
def test_half_a_file_is_not_read_as_a_whole(tmp_path: Path, name: str) -> None:
    write, read = CHECKED[name]
    path = tmp_path / name
    write(path)
    whole, right = path.read_bytes(), read(path)
    for share in (0.1, 0.5, 0.9, 0.999):
        clean(path)
        path.write_bytes(whole[: int(share * len(whole))])
        assert outcome(read, path) in (right, name, "begun anew")


def changed(value: object) -> Iterator[object]:
    """A JSON value with one thing in it that is something else; of long lists and objects the ends alone."""
    yield from (None, "text", -1, 10**400, 1e999, [], {}, [[]], {"a": None})
    if isinstance(value, dict):
        for key in [*value][:2] + [*value][2:][-2:] if "format" not in value else value:
            yield {name: part for name, part in value.items() if name != key}
            yield from ({**value, key: other} for other in changed(value[key]))
    elif isinstance(value, list) and value:
        yield value[:-1]
        yield from ([*value[:-1], other] for other in changed(value[-1]))


CALIBRATION = Calibration((Head(("pair.top",), (0.0,), (1.0,), (1.0,), 0.0, by_slice={"de": (0.1, 0.2)}),), 9, 5)


def judge(path: Path) -> bool:
    evidence = gather("q", [Passage("a", "text")], [RerankRecord("m", logits={"a": 1.0})])
    confidence = CalibratedAssessor(Calibration.load(path)).assess(evidence).confidence
    return confidence is None or 0.0 <= confidence <= 1.0


@pytest.mark.parametrize(
    ("name", "content", "use"),
    [
        (WEIGHTS_FILE, {"dense": 0.625, "bm25": 0.375}, lambda path: saved_weights(path.parent) is not None),
        ("calibration.json", json.loads(CALIBRATION.to_json()), judge),
    ],
)
def test_something_else_with_a_right_checksum_is_refused_by_name_or_does_no_harm(
    tmp_path: Path, name: str, content: dict[str, object], use: Callable[[Path], bool]
) -> None:
    content.pop("sha256", None)
    refused = 0
    for other in changed(content):
        (tmp_path / name).write_text(json.dumps(other))
        found = outcome(use, tmp_path / name)
        assert found in (True, name), other
        refused += found == name
    assert refused > 20


STRANGE = {
    "empty": b"",
    "zeros": bytes(4096),
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "a pickle": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94.",
    "prose": b"Dear Sir or Madam,\n",
    "a list": b"[1, 2, 3]",
    "deep JSON": b"[" * 100_000,
    "nothing but null": b"null",
    "UTF-16": "q,w".encode("utf-16"),
}


@pytest.mark.parametrize("content", STRANGE)
@pytest.mark.parametrize("name", [*CHECKED, *FILLED_IN])
def test_what_is_something_else_is_refused_by_name(tmp_path: Path, name: str, content: str) -> None:
    _, read = {**CHECKED, **FILLED_IN}[name]
    (tmp_path / name).write_bytes(STRANGE[content])
    assert outcome(read, tmp_path / name) in (name, "begun anew", {})


@pytest.mark.parametrize("name", FILLED_IN)
def test_a_sheet_that_is_cut_or_torn_is_read_in_part_or_refused_by_name(tmp_path: Path, name: str) -> None:
    write, read = FILLED_IN[name]
    path = tmp_path / name
    write(path)
    whole = path.read_bytes()
    for place in range(0, len(whole), len(whole) // 40):
        for damaged in (whole[:place], whole[:place] + bytes(8) + whole[place + 8 :], whole[:place] + b"\xff\xfe"):
            clean(path)
            path.write_bytes(damaged)
            assert not str(outcome(read, path)).startswith("an error")


WRITER = """
import sys; from pathlib import Path
from llama_index_prod_rag.durable_files import write_whole
folder = Path(sys.argv[1])
for number in range(1_000_000):
    write_whole(folder / "kept.json", lambda file: [file.write(b"%d " % number) for _ in range(20_000)])
    if number == 1: print("begun", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_writer_that_is_killed_leaves_a_whole_file(tmp_path: Path) -> None:
    for wait in (0.0, 0.01, 0.03):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(wait)
            child.send_signal(signal.SIGKILL)
        words = (tmp_path / "kept.json").read_text().split()
        assert (len(words), len(set(words))) == (20_000, 1)
