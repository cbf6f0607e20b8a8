"""Questions that need two documents: what following mentions from passage to passage finds.

    python -m benchmarks.two_hops [--data DIR] [--sets S ...] [--json]

The hybrid with its defaults, and the same behind `LinkedRetriever`. `all golds` is the share of questions all of whose
relevant documents are among the first ten. The weight was chosen on the train questions among those listed there; the
test questions are reported at the default weight, once, with the paired difference. The first five passages are the
same by construction. hotpotqa is the only set here whose questions need two documents, and it was made from links
between pages; the others show whether following does harm.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from llama_index_prod_rag.evaluation import PipelineSettings, RetrievalDataset, Workbench, load_beir, rank_metrics
from llama_index_prod_rag.retrievers.links import DEFAULT_WEIGHT, LinkedRetriever
from llama_index_prod_rag.significance import bootstrap_mean, paired_difference

SETS = ("scifact", "cranfield", "fiqa_mini", "hotpotqa", "cosqa")
WEIGHTS = (0.1, 0.15, 0.2, 0.3, 0.4)
_METRIC = "nDCG@10"
_SHOWN = 10

Values = Mapping[str, float]


def measure(bench: Workbench, weight: float, hops: int = 1) -> dict[str, Values]:
    """Metric -> query -> value, at a weight; 0 is the hybrid alone."""
    linked = LinkedRetriever(bench.hybrid, bench.nodes, weight=weight, hops=hops)
    retriever = linked if weight else bench.hybrid
    queries, qrels = bench.dataset.queries, bench.dataset.qrels
    run = {query: [hit.node_id for hit in retriever.retrieve(text)] for query, text in queries.items()}
    gold = {query: {document for document, grade in qrels[query].items() if grade > 0} for query in queries}
    everything = {query: float(gold[query] <= set(run[query][:_SHOWN])) for query in queries}
    return {_METRIC: rank_metrics(run, qrels, [_METRIC])[_METRIC], "all golds": everything}


def on_train(dataset: RetrievalDataset) -> dict[str, dict[str, float]]:
    """Weight -> metric -> mean."""
    bench = Workbench(dataset, PipelineSettings())
    found = {weight: measure(bench, weight) for weight in (0.0, *WEIGHTS)}
    return {
        f"{weight:g}": {name: sum(values.values()) / len(values) for name, values in metrics.items()}
        for weight, metrics in found.items()
    }


def on_test(dataset: RetrievalDataset) -> dict[str, dict[str, dict[str, float]]]:
    """Metric -> what -> mean and interval: the hybrid, with links, with links of links, and the differences."""
    bench = Workbench(dataset, PipelineSettings())
    alone, linked, twice = measure(bench, 0.0), measure(bench, DEFAULT_WEIGHT), measure(bench, DEFAULT_WEIGHT, hops=2)
    return {
        name: {
            "hybrid": bootstrap_mean(alone[name]).ends(),
            "linked": bootstrap_mean(linked[name]).ends(),
            "difference": paired_difference(linked[name], alone[name]).ends(),
            "two_hops_difference": paired_difference(twice[name], alone[name]).ends(),
        }
        for name in alone
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PROD_RAG_DATA", "../shared/data")))
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--limit", type=int, help="queries per set and split")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    sets = {}
    for name in arguments.sets:
        print(name, file=sys.stderr)
        folder, limit = arguments.data / name, arguments.limit
        sets[name] = {
            "train": on_train(load_beir(folder, split="train", limit=limit)),
            "test": on_test(load_beir(folder, split="test", limit=limit)),
        }
    result = {"weight": DEFAULT_WEIGHT, "metric": _METRIC, "shown": _SHOWN, "sets": sets}
    print(json.dumps(result, indent=None if arguments.json else 1))


if __name__ == "__main__":
    main()
