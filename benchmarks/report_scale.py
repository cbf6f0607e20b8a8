"""Time and memory of a report over a log of many questions.

Writes a synthetic log (two legs of 100, fused, reranked, shown) into SQLite, then makes the report of it:
`python -m benchmarks.report_scale --queries 100000 --json`. Texts and verdicts are drawn at random, so only time,
memory and sizes mean anything.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

from llama_index_prod_rag.evaluation.report.numbers import report_numbers
from llama_index_prod_rag.evaluation.report.page import write_report
from llama_index_prod_rag.query_log.record import HitRecord, LoggedPassage, QueryRecord
from llama_index_prod_rag.query_log.store import QueryLog

_WORDS = (  # noqa: SIM905 - a word list reads better as text
    "refund invoice delivery error E42 Zorp Acme contract not never warranty 2019 ISO-9001 customer account password "
    "export report limit quota latency region policy holiday pension clause notice supplier audit tax"
).split()
_SIGNALS = [
    f"{part}.{kind}"
    for part in ("dense", "bm25", "pair", "coverage")
    for kind in ("top", "gap", "lift", "names", "all")
]
_BATCH = 2000
_START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def synthetic_records(count: int, *, depth: int = 100, seed: int = 0) -> Iterator[QueryRecord]:
    """Records of about the size that the gate writes.

    Args:
        count: how many.
        depth: places in each leg.
        seed: of everything random.
    """
    generator = random.Random(seed)
    pool = [str(uuid.UUID(int=generator.getrandbits(128))) for _ in range(5000)]
    for number in range(count):
        confidence = generator.betavariate(3, 2)
        decision = "answer" if confidence > 0.5 else "hedge" if confidence > 0.3 else "refuse"
        shown = generator.sample(pool, 5)
        yield QueryRecord(
            query=f"What about the {' '.join(generator.choices(_WORDS, k=generator.randint(1, 12)))}?",
            query_id=f"q{number}",
            time=_START + timedelta(minutes=number * 3),
            config_hash="0123456789abcdef" if number % 3 else "fedcba9876543210",
            decision=decision,
            status={"answer": "healthy", "hedge": "uncertain", "refuse": "low_confidence"}[decision],
            confidence=confidence,
            signals={name: generator.random() for name in _SIGNALS},
            reasons=("the best passage covers the question",),
            seconds={
                "dense": 0.01,
                "bm25": 0.005,
                "rerank": generator.expovariate(3),
                "total": generator.expovariate(1),
            },
            hits=tuple(_hits(generator, pool, shown, confidence, depth)),
            passages=tuple(LoggedPassage(node, f"LoggedPassage {node}. " + "text " * 150, "doc") for node in shown),
            answer="An answer." if decision != "refuse" else "No passage answers this.",
        )


def _hits(
    generator: random.Random, pool: list[str], shown: list[str], confidence: float, depth: int
) -> Iterator[HitRecord]:
    lists: list[tuple[str, str, list[str]]] = [
        ("leg", "dense", shown[:3] + generator.sample(pool, depth)),
        ("leg", "bm25", shown[2:] + generator.sample(pool, depth)),
        ("fused", "", shown + generator.sample(pool, depth)),
        ("pair", "cross-encoder", shown + generator.sample(pool, depth // 2)),
        ("reranked", "", shown + generator.sample(pool, depth // 2)),
        ("shown", "", shown),
    ]
    for stage, leg, nodes in lists:
        for rank, node in enumerate(nodes[:depth], 1):
            yield HitRecord(stage, leg, node, rank, (confidence + generator.random()) / rank)  # type: ignore[arg-type]


def fill(log: QueryLog, count: int, *, seed: int = 0) -> None:
    """Write a synthetic log with feedback on one question in five."""
    generator = random.Random(seed + 1)
    for number, record in enumerate(synthetic_records(count, seed=seed), 1):
        log.add(record)
        if generator.random() < 0.2:
            log.add_feedback(record.query_id, helpful=generator.random() < (record.confidence or 0.0), who="user")
        if number % _BATCH == 0:
            log.flush()
    log.flush()


def main() -> None:
    """Fill a log in a temporary folder and report on it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=100_000)
    parser.add_argument("--log", help="URL of a log that is already filled; else a temporary one is")
    parser.add_argument("--out", type=Path, help="keep the report here")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = options.log or f"sqlite:///{folder}/queries.db"
        with QueryLog(url) as log:
            if not options.log:
                fill(log, options.queries)
            begun, worked = time.perf_counter(), time.process_time()
            numbers = report_numbers(log.records(passages=False, hits=False), log.get)
            read = time.perf_counter() - begun
            page = options.out or Path(folder) / "report.html"
            write_report(numbers, page)
            result = {
                "queries": numbers["questions"],
                "seconds": round(time.perf_counter() - begun, 2),
                "seconds_for_numbers": round(read, 2),
                "cpu_seconds": round(time.process_time() - worked, 2),
                "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                "page_kilobytes": page.stat().st_size // 1024,
            }
    print(json.dumps(result, indent=1) if options.json else result)


if __name__ == "__main__":
    main()
