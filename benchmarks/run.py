"""Run every benchmark, one after the other, and keep what each prints: `make bench`, `make bench-full`.

Resumable: a result that is there is not measured again; `--fresh` measures everything anew.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One command.

    Attributes:
        name: module under `benchmarks`.
        sample: arguments that make it a sample of minutes.
        full: arguments of the whole run.
        needs_server: whether it needs an Elasticsearch, named by ELASTICSEARCH_URL.
    """

    name: str
    sample: tuple[str, ...] = ()
    full: tuple[str, ...] = ()
    needs_server: bool = False


BENCHMARKS = (
    Benchmark("structure"),
    Benchmark("overhead"),
    Benchmark("query_log", ("--records", "2000")),
    Benchmark("report_scale", ("--queries", "10000")),
    Benchmark("bm25_speed", ("--limit", "20000")),
    Benchmark("hybrid", ("report", "--limit", "200"), ("report",)),
    Benchmark("tuning", ("--limit", "200", "--draws", "20")),
    Benchmark("elasticsearch_fields", ("--limit", "200"), needs_server=True),
    Benchmark("elasticsearch_latency", ("--sizes", "10000"), ("--sizes", "10000", "100000"), needs_server=True),
    Benchmark("chunking", ("--limit", "200")),
    Benchmark("cuad", ("--split", "test", "--boundaries"), ("--split", "test", "--limit", "0")),
    # A pair takes 30 to 130 ms of one core; the scores are kept, so an interrupted run goes on where it was.
    Benchmark("gate", ("--limit", "40"), ("--limit", "200")),
    Benchmark("gate_answers", ("--limit", "40"), ("--limit", "200")),
    Benchmark("rerank_speed", ("--questions", "5")),
    Benchmark("rerank_quality", ("--limit", "20"), ("--limit", "200")),
    Benchmark("rerank_trec"),
)


def main() -> int:
    """Run what is missing; 1 when something failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--sample", action="store_true", help="fixed samples of at most 200 queries")
    size.add_argument("--full", action="store_true", help="everything; hours on two cores")
    parser.add_argument("--fresh", action="store_true", help="measure again what has a result")
    parser.add_argument("--only", action="append", default=[], help="a benchmark by name; repeatable")
    options = parser.parse_args()
    folder = _RESULTS / ("sample" if options.sample else "full")
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [benchmark for benchmark in BENCHMARKS if not options.only or benchmark.name in options.only]
    failed = [item.name for item in chosen if not _run(item, folder, sample=options.sample, fresh=options.fresh)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


def _run(benchmark: Benchmark, folder: Path, *, sample: bool, fresh: bool) -> bool:
    result = folder / f"{benchmark.name}.json"
    if benchmark.needs_server and not os.environ.get("ELASTICSEARCH_URL"):
        print(f"{benchmark.name}: left out, it needs ELASTICSEARCH_URL", file=sys.stderr)
        return True
    if result.exists() and not fresh:
        print(f"{benchmark.name}: there ({result})", file=sys.stderr)
        return True
    print(f"{benchmark.name}: running", file=sys.stderr)
    began = time.monotonic()
    arguments = benchmark.sample if sample else benchmark.full
    command = [sys.executable, "-m", f"benchmarks.{benchmark.name}", *arguments, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        return False
    result.write_text(json.dumps(json.loads(done.stdout), indent=1) + "\n", encoding="utf-8")
    print(f"{benchmark.name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return True


if __name__ == "__main__":
    sys.exit(main())
