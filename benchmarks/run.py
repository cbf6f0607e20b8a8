"""Run every benchmark, one after the other, and keep what each prints: `make bench`, `make bench-full`.

The full run writes the committed results that README and docs quote, the sample a folder of its own. Resumable: a
result that is there is not measured again. `--fresh` first removes those chosen, so an interrupted fresh run goes on
without it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
_SAMPLE = RESULTS / "sample"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One command.

    Attributes:
        result: file that keeps what it prints, without its ending.
        module: under `benchmarks`.
        full: arguments of the whole run.
        sample: arguments that make it a sample of minutes; None leaves it out of the sample.
        server: environment variable that names the server or card it needs; its name among the arguments stands for
            its value.
    """

    result: str
    module: str
    full: tuple[str, ...] = ()
    sample: tuple[str, ...] | None = ()
    server: str | None = None

    @property
    def command(self) -> str:
        """What prints the full result again."""
        arguments = (f"${argument}" if argument == self.server else argument for argument in self.full)
        return " ".join(("python -m", f"benchmarks.{self.module}", *arguments))


_ES, _PG = "ELASTICSEARCH_URL", "POSTGRES_URL"
_FEW = ("--sets", "cranfield", "fiqa_mini", "hotpotqa")  # a sample embeds these 6,000 passages, not all 17,000

BENCHMARKS = (
    Benchmark("structure", "structure"),
    Benchmark("formats", "formats"),
    Benchmark("structure_speed", "structure_speed", sample=("--megabytes", "0.2")),
    Benchmark("overhead", "overhead"),
    Benchmark("first_minutes", "first_minutes", sample=("--runs", "1")),
    Benchmark("changed_file", "changed_file", sample=("--files", "300", "--runs", "1")),
    Benchmark("access_cost", "access_cost", sample=("--sizes", "2000", "--questions", "10")),
    Benchmark("query_log", "query_log", sample=("--records", "2000")),
    Benchmark("query_log_postgresql", "query_log", ("--url", _PG), sample=None, server=_PG),
    Benchmark("report_scale", "report_scale", sample=("--queries", "10000")),
    Benchmark("embedded_scale", "embedded_scale", sample=("--sizes", "1000", "--systems", "prod_rag", "llama_index")),
    Benchmark("bm25_speed", "bm25_speed", sample=("--limit", "20000")),
    Benchmark("hybrid_choose", "hybrid", ("choose",), sample=None),
    Benchmark("hybrid_report", "hybrid", ("report",), sample=("report", *_FEW, "--limit", "200")),
    Benchmark("hybrid_report_minilm", "hybrid", ("report", "--embedding", "all-MiniLM-L6-v2"), sample=None),
    Benchmark("hybrid_identifiers", "hybrid", ("identifiers",), sample=("identifiers", *_FEW)),
    Benchmark("hybrid_identifiers_minilm", "hybrid", ("identifiers", "--embedding", "all-MiniLM-L6-v2"), sample=None),
    Benchmark("hybrid_identifiers_elasticsearch", "hybrid", ("identifiers", "--url", _ES), sample=None, server=_ES),
    Benchmark("whole_question", "whole_question", sample=(*_FEW, "--limit", "50")),
    Benchmark("tuning", "tuning", sample=(*_FEW, "--limit", "200", "--draws", "20")),
    Benchmark("elasticsearch_fields_train", "elasticsearch_fields", ("--split", "train"), sample=None, server=_ES),
    Benchmark("elasticsearch_fields", "elasticsearch_fields", sample=(*_FEW, "--limit", "200"), server=_ES),
    Benchmark("elasticsearch_latency", "elasticsearch_latency", sample=("--sizes", "10000", *_FEW), server=_ES),
    # As it was ingested: merging 500,000 vectors into one segment builds their graph a second time.
    Benchmark(
        "elasticsearch_latency_500k",
        "elasticsearch_latency",
        ("--sizes", "500000", "--as-ingested"),
        sample=None,
        server=_ES,
    ),
    Benchmark("chunking", "chunking", sample=("--corpora", "wikitexts", "--limit", "200")),
    Benchmark(
        "cuad",
        "cuad",
        ("--split", "test", "--limit", "20"),
        sample=("--split", "test", "--limit", "10", "--boundaries"),
    ),
    # A pair takes 30 to 130 ms of one core; the scores are kept, so an interrupted run goes on where it was.
    Benchmark(
        "gate", "gate", ("--limit", "80"), sample=("--data", "cranfield", "--data", "rag/hotpotqa", "--limit", "40")
    ),
    Benchmark("structured_text", "structured_text", sample=None),
    Benchmark("stuffing", "stuffing", sample=("--data", "cranfield", "--limit", "10")),
    Benchmark("gate_answers", "gate_answers", sample=("--limit", "20")),
    Benchmark(
        "gate_day_one",
        "gate_day_one",
        ("--limit", "110"),
        sample=("--data", "cranfield", "--limit", "10", "--questions", "20"),
    ),
    Benchmark(
        "judge",
        "judge",
        ("--data", "cranfield", "--data", "rag/hotpotqa", "--data", "scifact", "--limit", "80", "--read", "3"),
        sample=("--data", "cranfield", "--limit", "20", "--read", "1"),
    ),
    Benchmark(
        "two_promises",
        "two_promises",
        ("--data", "cranfield", "--data", "rag/hotpotqa", "--limit", "80", "--draws", "200"),
        sample=("--data", "cranfield", "--limit", "20", "--draws", "10"),
    ),
    Benchmark("document_weights", "document_weights", sample=(*_FEW, "--limit", "60")),
    Benchmark("rerank_speed", "rerank_speed", ("--questions", "8", "--long"), sample=("--questions", "2")),
    Benchmark("rerank_cores", "rerank_cores", sample=("--seconds", "2")),
    Benchmark("rerank_gpu", "rerank_gpu", sample=None, server="CUDA_VISIBLE_DEVICES"),
    Benchmark("rerank_text", "rerank_text", sample=("--sets", "cranfield", "hotpotqa", "--limit", "10")),
    Benchmark("rerank_savings", "rerank_savings", ("--limit", "40"), sample=("--sets", "cranfield", "--limit", "10")),
    Benchmark("rerank_quality", "rerank_quality", ("--limit", "150"), sample=(*_FEW, "--limit", "20")),
    Benchmark(
        "tuning_rerank",
        "tuning",
        ("--pipeline", "hybrid+rerank", "--limit", "100", "--draws", "30"),
        sample=("--pipeline", "hybrid+rerank", *_FEW, "--limit", "20", "--draws", "5"),
    ),
    Benchmark("rerank_trec", "rerank_trec", ("--torch",)),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing; 1 when something failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--sample", action="store_true", help="fixed samples of at most 200 queries")
    size.add_argument("--full", action="store_true", help="everything; hours on two cores")
    parser.add_argument("--fresh", action="store_true", help="remove the chosen results first")
    parser.add_argument("--only", action="append", default=[], metavar="RESULT", help="one by name; repeatable")
    options = parser.parse_args(arguments)
    chosen = [item for item in BENCHMARKS if not options.only or item.result in options.only]
    if unknown := sorted(set(options.only) - {item.result for item in BENCHMARKS}):
        parser.error(f"no such result: {', '.join(unknown)}; there are {', '.join(b.result for b in BENCHMARKS)}")
    folder = _SAMPLE if options.sample else RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    if options.fresh:
        for item in chosen:
            (folder / f"{item.result}.json").unlink(missing_ok=True)
    failed = [item.result for item in chosen if not _ensure_result(item, folder, sample=options.sample)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


def _ensure_result(benchmark: Benchmark, folder: Path, *, sample: bool) -> bool:
    """Measure what has no result yet; whether nothing failed."""
    arguments = benchmark.sample if sample else benchmark.full
    if arguments is None:
        return True
    result = folder / f"{benchmark.result}.json"
    if benchmark.server and not os.environ.get(benchmark.server):
        print(f"{benchmark.result}: left out, it needs {benchmark.server}", file=sys.stderr)
        return True
    if result.exists():
        print(f"{benchmark.result}: there ({result}); --fresh measures it anew", file=sys.stderr)
        return True
    print(f"{benchmark.result}: running", file=sys.stderr)
    began = time.monotonic()
    values = (os.environ[argument] if argument == benchmark.server else argument for argument in arguments)
    command = [sys.executable, "-m", f"benchmarks.{benchmark.module}", *values, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        return False
    result.write_text(json.dumps(json.loads(done.stdout), indent=1) + "\n", encoding="utf-8")
    print(f"{benchmark.result}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return True


if __name__ == "__main__":
    sys.exit(main())
