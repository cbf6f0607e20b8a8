"""The query log's promises: nothing lost, hardly any time taken from the caller, a long log read quickly.

    python -m benchmarks.query_log --json
    python -m benchmarks.query_log --url postgresql://user@host/database --json

Records carry what a hybrid retriever with a reranker leaves: two legs of `--depth` places each, their fusion, 50 pair
scores, the reranked list, and ten passages of a thousand characters.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from llama_index_prod_rag.query_log.record import LoggedPassage, QueryRecord, hits_of, seconds_of
from llama_index_prod_rag.query_log.store import QueryLog
from llama_index_prod_rag.trace.records import LegHit, Record, RerankRecord, RetrievalRecord

_PAIRS = 50
_SHOWN = 10
_TEXT = "A passage about something that somebody wants to know. " * 18


def trace_of_a_query(depth: int) -> list[Record]:
    """The trace records of one question; the legs share half of their passages."""
    nodes = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(depth + depth // 2)]
    legs = {"dense": nodes[:depth], "bm25": nodes[depth // 2 :]}
    fused = {node: 1.0 - rank / len(nodes) for rank, node in enumerate(nodes)}
    pairs = {node: 5.0 - rank / 7 for rank, node in enumerate(nodes[:_PAIRS])}
    return [
        RetrievalRecord(
            "who wants to know?",
            legs={
                leg: {node: LegHit(rank, 1.0 / rank) for rank, node in enumerate(found, 1)}
                for leg, found in legs.items()
            },
            fused=fused,
            seconds={"dense": 0.01, "bm25": 0.005, "fusion": 0.001},
        ),
        RerankRecord("offline", logits=pairs, scores=pairs, seconds=0.5),
    ]


def build_record(trace: Sequence[Record], query_id: str) -> QueryRecord:
    """What the gate does for each question on the caller's side, before `QueryLog.add`."""
    shown: dict[str, float | None] = dict(list(trace[-1].scores.items())[:_SHOWN])  # type: ignore[union-attr]
    return QueryRecord(
        query="who wants to know?",
        query_id=query_id,
        decision="answer",
        status="healthy",
        confidence=0.75,
        signals={f"signal_{number}": number / 18 for number in range(18)},
        reasons=("The best passage covers 4 of 5 query terms.",),
        seconds=seconds_of(trace),
        hits=hits_of(trace, shown),
        passages=tuple(LoggedPassage(node, _TEXT, node) for node in shown),
        answer="Somebody.",
    )


def write_records(url: str, name: str, count: int, depth: int, results: Any) -> None:  # noqa: ANN401 - a queue
    """One process's share, as fast as it can be built; reports what was written and what was not."""
    trace = trace_of_a_query(depth)
    with QueryLog(url, capacity=count) as log:
        for number in range(count):
            log.add(build_record(trace, f"{name}-{number}"))
        log.flush()
        results.put((log.stats.written, log.stats.dropped + log.stats.rejected))


def measure_writing(url: str, processes: int, records: int, depth: int) -> dict[str, Any]:
    """Several processes write at once; afterwards everything has to be there."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    share = records // processes
    start = time.perf_counter()
    workers = [
        context.Process(target=write_records, args=(url, f"process{number}", share, depth, results))
        for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    reports = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    elapsed = time.perf_counter() - start
    with QueryLog(url) as log:
        found = {record.query_id for record in log.records(passages=False)}
    expected = {f"process{number}-{place}" for number in range(processes) for place in range(share)}
    return {
        "processes": processes,
        "records": len(expected),
        "lost": len(expected - found),
        "dropped_or_rejected": sum(failed for *_, failed in reports),
        "records_per_second": round(len(expected) / elapsed),
    }


def measure_caller(url: str, queries: int, depth: int, pause: float) -> dict[str, float]:
    """Milliseconds a question on the caller's side, at a steady pace with the writer at work in between."""
    trace = trace_of_a_query(depth)
    seconds: dict[str, list[float]] = {"build": [], "add": []}
    with QueryLog(url) as log:
        for number in range(queries):
            start = time.perf_counter()
            record = build_record(trace, f"paced-{number}")
            built = time.perf_counter()
            log.add(record)
            seconds["build"].append(built - start)
            seconds["add"].append(time.perf_counter() - built)
            time.sleep(pause)
    totals = [1e3 * (build + add) for build, add in zip(seconds["build"], seconds["add"], strict=True)]
    return {
        "caller_ms_p50": round(statistics.median(totals), 4),
        "caller_ms_p99": round(statistics.quantiles(totals, n=100)[98], 4),
        "add_ms_p50": round(1e3 * statistics.median(seconds["add"]), 4),
    }


def measure_reading(url: str) -> dict[str, float]:
    """Read the whole log, with and without passages."""
    measured: dict[str, float] = {}
    with QueryLog(url) as log:
        for name, passages in (("read_seconds", True), ("read_seconds_without_passages", False)):
            start = time.perf_counter()
            measured["records_read"] = sum(1 for _ in log.records(passages=passages))
            measured[name] = round(time.perf_counter() - start, 2)
    return measured


@contextmanager
def database(url: str | None) -> Iterator[str]:
    """The database to write to: the one given, or a SQLite file that is deleted afterwards."""
    if url is not None:
        yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{Path(folder) / 'queries.db'}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="an empty database of its own; default: a temporary SQLite file")
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--depth", type=int, default=100, help="places kept of each leg")
    parser.add_argument("--queries", type=int, default=500, help="questions of the caller's side measurement")
    parser.add_argument("--pause", type=float, default=0.01, help="seconds between them")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    with database(arguments.url) as url:
        result = {
            "database": url.partition(":")[0],
            "depth": arguments.depth,
            **measure_writing(url, arguments.processes, arguments.records, arguments.depth),
            **measure_caller(url, arguments.queries, arguments.depth, arguments.pause),
            **measure_reading(url),
        }
    if arguments.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:32} {value}")


if __name__ == "__main__":
    main()
