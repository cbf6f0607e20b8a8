"""An index without a server at 1,000, 10,000 and 100,000 chunks: how fast it opens, answers and changes.

    python -m benchmarks.embedded_scale [--sizes N ...] [--systems NAME ...] --json

Seeded text and clustered vectors of 384 dimensions (`benchmarks.embedded_data`), so speed is measured and not quality.
Building is one process, and opening, asking and changing another, so that the peak memory (`rss`) is that of what
serves. `open` ends with the first answer. Questions bring their vectors: embedding one is not in the figures. `insert`
and `delete` end when a hybrid question after them has been answered, less what such a question takes. `exact` is the
share of the true ten nearest that the dense leg finds. LanceDB takes part where it is installed (pip install
lancedb), and `--systems prod_rag_in_memory` is the hybrid over LlamaIndex's in-memory stores.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.embedded_data import Corpus, Question
from benchmarks.embedded_systems import COMPARED, SYSTEMS, Search, available
from benchmarks.rerank_speed import _peak_mb as peak_mb

_QUESTIONS = 100
_SECONDS = 20.0  # that one leg is asked for at most
_CHANGES = 5


def build(name: str, size: int, folder: Path) -> dict[str, float]:
    """Make an index in this process; the chunks themselves are made before the clock starts."""
    nodes = list(Corpus(size).nodes())
    began, began_cpu = time.perf_counter(), time.process_time()
    SYSTEMS[name](folder).build(nodes)
    return {"build_seconds": time.perf_counter() - began, "build_cpu_seconds": time.process_time() - began_cpu}


def serve(name: str, folder: Path, questions: Sequence[Question]) -> dict[str, Any]:
    """Open an index in this process, ask it and change it."""
    system = SYSTEMS[name](folder)
    began, began_cpu = time.perf_counter(), time.process_time()
    searches = system.open()
    searches["hybrid"](questions[0])
    row: dict[str, Any] = {
        "open_seconds": time.perf_counter() - began,
        "open_cpu_seconds": time.process_time() - began_cpu,
    }
    for leg, search in searches.items():
        row[leg] = _latency(search, questions)
    row["rss_mb"] = peak_mb()
    nodes = list(Corpus(_CHANGES).nodes())
    for number, node in enumerate(nodes):
        node.id_ = f"new-{number}"
    row["insert_ms"] = _change_ms(system.insert, nodes, searches["hybrid"], questions)
    row["delete_ms"] = _change_ms(system.delete, [node.id_ for node in nodes], searches["hybrid"], questions)
    row["found"] = [searches["dense"](question)[:10] for question in questions[:20]]
    return row


def _latency(search: Search, questions: Sequence[Question]) -> dict[str, float]:
    times, cpu, until = [], time.process_time(), time.perf_counter() + _SECONDS
    for question in questions:
        began = time.perf_counter()
        search(question)
        times.append((time.perf_counter() - began) * 1000)
        if time.perf_counter() > until:
            break
    spent = (time.process_time() - cpu) * 1000 / len(times)
    times.sort()
    return {"p50_ms": statistics.median(times), "p95_ms": times[int(0.95 * len(times))], "cpu_ms": spent}


def _change_ms(
    change: Callable[[Any], None], values: Sequence[Any], search: Search, questions: Sequence[Question]
) -> float:
    """Milliseconds of a change and what it costs the next question; the median."""
    took = []
    for value, question in zip(values, questions, strict=False):
        search(question)
        began = time.perf_counter()
        search(question)
        plain = time.perf_counter() - began
        began = time.perf_counter()
        change(value)
        search(question)
        took.append((time.perf_counter() - began - plain) * 1000)
    return max(0.0, statistics.median(took))


def _truth(size: int, questions: Sequence[Question], count: int) -> list[list[str]]:
    vectors = Corpus(size).vectors().astype(np.float64)
    scores = vectors @ np.array([question.vector for question in questions[:count]]).T
    return [[f"chunk-{row:07}" for row in np.argsort(-column)[:10]] for column in scores.T]


def _disk_mb(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20


def measure(name: str, size: int) -> dict[str, Any]:
    """One system at one size, each half in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "index"
        folder.mkdir()
        row = _in_own_process("build", name, size, folder)
        row["disk_mb"] = _disk_mb(folder)
        row |= _in_own_process("serve", name, size, folder)
    questions = Corpus(size).questions(_QUESTIONS)
    found = row.pop("found")
    truth = _truth(size, questions, len(found))
    row["exact"] = float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found, truth, strict=True)]))
    return row


def _in_own_process(half: str, name: str, size: int, folder: Path) -> dict[str, Any]:
    print(f"{name} at {size:,}: {half}", file=sys.stderr)
    command = [sys.executable, "-m", "benchmarks.embedded_scale", "--half", half, "--systems", name]
    command += ["--sizes", str(size), "--folder", str(folder)]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=False, env={**os.environ, "TQDM_DISABLE": "1"}
    )
    if done.returncode:
        raise RuntimeError(f"{name} at {size} failed")
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def _run_half(arguments: argparse.Namespace) -> dict[str, Any]:
    name, size, folder = arguments.systems[0], arguments.sizes[0], arguments.folder
    if arguments.half == "build":
        return build(name, size, folder)
    # Made in a process of its own as well: the vectors of all chunks must not count as this one's memory.
    command = [sys.executable, "-m", "benchmarks.embedded_scale", "--half", "questions", "--sizes", str(size)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return serve(name, folder, [Question(**question) for question in json.loads(done.stdout)])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="*", type=int, default=[1_000, 10_000, 100_000])
    parser.add_argument("--systems", nargs="*", choices=list(SYSTEMS), default=[*filter(available, COMPARED)])
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--half", choices=["build", "serve", "questions"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.half == "questions":
        questions = Corpus(arguments.sizes[0]).questions(_QUESTIONS)
        print(json.dumps([{"text": question.text, "vector": question.vector} for question in questions]))
        return
    if arguments.half:
        print(json.dumps(_run_half(arguments)))
        return
    sizes = {str(size): {name: measure(name, size) for name in arguments.systems} for size in arguments.sizes}
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    if arguments.json:
        print(json.dumps({"cores": os.cpu_count(), "load": load, "sizes": sizes}, indent=2))
        return
    for size, rows in sizes.items():
        for name, row in rows.items():
            print(
                f"{size:>7} {name:20} build {row['build_seconds']:6.1f} s  open {row['open_seconds']:6.2f} s  "
                f"hybrid p50 {row['hybrid']['p50_ms']:7.1f} p95 {row['hybrid']['p95_ms']:7.1f} ms  "
                f"insert {row['insert_ms']:7.1f} delete {row['delete_ms']:7.1f} ms  "
                f"disk {row['disk_mb']:6.0f} MB  rss {row['rss_mb']:6.0f} MB  exact {row['exact']:.0%}"
            )


if __name__ == "__main__":
    main()
