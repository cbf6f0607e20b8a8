"""Speed of the embedded lexical leg: build, query and change, on repeated real passages.

python -m benchmarks.bm25_speed --data DIR [--limit 100000] --json
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from pathlib import Path

from llama_index.core.schema import TextNode

from llama_index_prod_rag.evaluation.datasets import load_beir
from llama_index_prod_rag.retrievers.bm25 import BM25FRetriever


def measure(folder: Path, passages: int) -> dict[str, float | int | str]:
    """Seconds to build, milliseconds per query (100 hits), and milliseconds of the first query after one insert."""
    dataset = load_beir(folder, split="all")
    documents = list(dataset.documents.values())
    nodes = [
        TextNode(
            text=documents[i % len(documents)].text, id_=str(i), metadata={"title": documents[i % len(documents)].title}
        )
        for i in range(passages)
    ]
    started = time.perf_counter()
    retriever = BM25FRetriever(nodes, similarity_top_k=100)
    retriever.retrieve("warm up")
    build = time.perf_counter() - started
    queries = list(dataset.queries.values())
    times = sorted(_milliseconds(retriever, query) for query in (queries * 5)[:200])
    retriever.add([TextNode(text="one more passage", id_="new")])
    return {
        "dataset": dataset.name,
        "passages": passages,
        "build_seconds": build,
        "p50_ms": statistics.median(times),
        "p95_ms": times[int(0.95 * len(times))],
        "after_insert_ms": _milliseconds(retriever, queries[0]),
    }


def _milliseconds(retriever: BM25FRetriever, query: str) -> float:
    started = time.perf_counter()
    retriever.retrieve(query)
    return (time.perf_counter() - started) * 1000


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PROD_RAG_DATA", "../shared/data")))
    parser.add_argument("--dataset", default="trec_dl19")
    parser.add_argument("--limit", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = measure(arguments.data / arguments.dataset, arguments.limit)
    print(json.dumps(result) if arguments.json else "\n".join(f"{key}: {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
