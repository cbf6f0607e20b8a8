"""How the int8 cross-encoder uses a machine's cores: pairs per second by the number of its threads.

    python -m benchmarks.rerank_cores [--model FOLDER_OR_NAME] [--threads 1 2 4 8 16] [--seconds 6] --json

Questions of 100 passages each, cut from this project's own pages, of about 350 and 140 tokens.
`efficiency` is the pairs per second by those of one thread times the threads; `busy` is the processor time by the time
times the threads, so what is lost while busy is lost in the processor (its caches, clock and memory), and what is lost
idle is lost by waiting. On a machine that others use, `efficiency` says more about them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from llama_index_prod_rag.models.pairs import Pair, PairScorer
from llama_index_prod_rag.models.scorers import load_scorer

_PAGES = Path(__file__).parent.parent / "docs"
_CANDIDATES = 100
_QUESTIONS = 20
_WORDS = {"350 tokens": 165, "140 tokens": 65}  # 2.1 tokens each on these pages


def questions(words: int) -> list[list[Pair]]:
    """Lists of pairs, each of one question with its passages of about so many words."""
    draw = random.Random(0)
    pool = " ".join(path.read_text(encoding="utf-8") for path in sorted(_PAGES.rglob("*.md"))).split()

    def text(length: int) -> str:
        start = draw.randrange(len(pool) - length)
        return " ".join(pool[start : start + length])

    return [
        [(query, text(max(10, round(draw.gauss(words, words / 4))))) for _ in range(_CANDIDATES)]
        for query in (text(10) for _ in range(_QUESTIONS))
    ]


def measure(scorer: PairScorer, tasks: Sequence[Sequence[Pair]], seconds: float) -> tuple[float, float]:
    """Pairs per second, and seconds of processor time per second."""
    scorer.score(tasks[0][:20])
    pairs, began, began_cpu = 0, time.perf_counter(), time.process_time()
    for task in tasks:
        pairs += len(scorer.score(task))
        if time.perf_counter() - began > seconds:
            break
    took = time.perf_counter() - began
    return pairs / took, (time.process_time() - began_cpu) / took


def run(model: str, threads: Sequence[int], seconds: float) -> dict[str, dict[str, dict[str, float]]]:
    """Workload -> threads -> figures."""
    result: dict[str, dict[str, dict[str, float]]] = {}
    for workload, words in _WORDS.items():
        tasks, alone = questions(words), 0.0
        for count in threads:
            rate, busy = measure(load_scorer(model, threads=count), tasks, seconds)
            alone = alone or rate / count
            figures = {"pairs_per_second": rate, "efficiency": rate / count / alone, "busy": busy / count}
            result.setdefault(workload, {})[str(count)] = figures
            shown = ", ".join(f"{name} {value:.3g}" for name, value in figures.items())
            print(f"{workload}, {count} threads: {shown}", file=sys.stderr)
    return result


def _up_to_the_cores() -> list[int]:
    return [count for count in (1, 2, 4, 8, 16, 32, 64) if count <= (os.cpu_count() or 1)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="offline", help="folder or hub name of ONNX weights")
    parser.add_argument("--threads", nargs="+", type=int, default=_up_to_the_cores())
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--json", action="store_true", help="print JSON; the lines go to stderr")
    arguments = parser.parse_args()
    found = run(arguments.model, arguments.threads, arguments.seconds)
    if arguments.json:
        print(json.dumps({"cores": os.cpu_count(), "workloads": found}))
