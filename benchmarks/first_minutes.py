"""What the first five minutes cost: the demo and a question to a folder of 20 small files, the first time and again.

    python -m benchmarks.first_minutes [--runs 5] [--json]

Every figure is the median of whole processes, from the start of Python to its end, each round in a cache folder of its
own. Wall seconds depend on what else the machine does; processor seconds, over all cores, hardly do.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

_COMMAND = (sys.executable, "-c", "from llama_index_prod_rag.cli import main; main()")
_FILES = (
    *("assert", "async", "bltin-code-objects", "bltin-ellipsis-object", "bltin-null-object", "break", "conversions"),
    *("customization", "del", "else", "exprlists", "global", "identifiers", "lambda", "nonlocal", "operator-summary"),
    *("pass", "raise", "return", "while"),
)
"""Topics of the Python language reference, .3 to 14 kB each."""


def measure(arguments: Sequence[str], cache: Path) -> dict[str, float]:
    """Run the command once: its seconds on the clock and on the processors, and the most memory it held."""
    environment = {**os.environ, "PROD_RAG_CACHE": str(cache), "HF_HUB_OFFLINE": "1"}
    began = time.perf_counter()
    process = subprocess.Popen(
        [*_COMMAND, *arguments], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None  # noqa: S101 - asked for above
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"prod-rag {' '.join(arguments)} failed: {said.decode(errors='replace')}")
    return {
        "wall_seconds": time.perf_counter() - began,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mb": _megabytes(usage),
    }


def _megabytes(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)  # bytes there, kilobytes elsewhere


def run_once(folder: Path) -> dict[str, dict[str, float]]:
    """One round of all steps, beginning with nothing computed."""
    from pydoc_data.topics import topics

    files = folder / "files"
    files.mkdir()
    for name in _FILES:
        (files / f"{name}.rst").write_text(topics[name], encoding="utf-8")
    demo, asked, other = folder / "demo", "What does the nonlocal statement do?", "When does a while loop run its else?"
    return {
        "demo": measure(["demo"], demo),
        "demo, again": measure(["demo"], demo),
        "ask, 20 files": measure(["ask", str(files), asked], folder / "ask"),
        "ask, the same again": measure(["ask", str(files), asked], folder / "ask"),
        "ask, another question": measure(["ask", str(files), other], folder / "ask"),
    }


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="rounds; the medians are over them")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    rounds = []
    for number in range(chosen.runs):
        with tempfile.TemporaryDirectory() as name:
            rounds.append(run_once(Path(name)))
        print(f"round {number + 1} of {chosen.runs}", file=sys.stderr)
    steps = {
        step: {figure: round(median(each[step][figure] for each in rounds), 1) for figure in rounds[0][step]}
        for step in rounds[0]
    }
    if chosen.json:
        print(json.dumps({"runs": chosen.runs, "cores": os.cpu_count(), "steps": steps}, indent=1))
        return
    for step, figures in steps.items():
        print(f"{step:24}", *(f"{name} {value:7.1f}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
