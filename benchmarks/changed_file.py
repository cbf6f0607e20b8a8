"""What one changed file among ten thousand costs: a question to the folder, the first time, again, and after a change.

    python -m benchmarks.changed_file [--files 10000] [--runs 3] [--json]

The files are paragraphs of the Python language reference, each with a number of its own. `first` reads and embeds all
of them, once; the other steps are medians of whole processes, from the start of Python to its end.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path
from statistics import median

from benchmarks.first_minutes import measure

_SHORTEST = 200  # characters: a paragraph that says something
_QUESTION = "What does the nonlocal statement do?"


def write_files(folder: Path, number: int) -> list[Path]:
    """Write a folder of small files, a hundred in each of its own folders."""
    from pydoc_data.topics import topics

    paragraphs = [part for topic in sorted(topics) for part in topics[topic].split("\n\n") if len(part) >= _SHORTEST]
    files = []
    for count, paragraph in enumerate(islice(cycle(paragraphs), number)):
        file = folder / f"{count // 100:03}" / f"note-{count:05}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"Note {count}\n\n{paragraph}\n", encoding="utf-8")
        files.append(file)
    return files


def run(folder: Path, number: int, runs: int) -> dict[str, dict[str, float]]:
    """Ask once with nothing computed, then again, then after a change, as often as wanted."""
    files, cache = write_files(folder / "files", number), folder / "cache"
    ask = ["ask", str(folder / "files"), _QUESTION]
    steps = {"first": [measure(ask, cache)], "again": [], "one file changed": []}
    for count in range(runs):
        print(f"round {count + 1} of {runs}", file=sys.stderr)
        steps["again"].append(measure(ask, cache))
        files[count].write_text(f"Note {count}\n\nThe cistern was emptied on day {count}.\n", encoding="utf-8")
        steps["one file changed"].append(measure(ask, cache))
    return {
        step: {figure: round(median(each[figure] for each in found), 1) for figure in found[0]}
        for step, found in steps.items()
    }


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3, help="rounds; the medians are over them")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        steps = run(Path(name), chosen.files, chosen.runs)
    if chosen.json:
        print(
            json.dumps({"files": chosen.files, "runs": chosen.runs, "cores": os.cpu_count(), "steps": steps}, indent=1)
        )
        return
    for step, figures in steps.items():
        print(f"{step:24}", *(f"{figure} {value:7.1f}" for figure, value in figures.items()))


if __name__ == "__main__":
    main()
