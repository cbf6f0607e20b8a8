"""Two hops and three: what following mentions from passage to passage finds. A part of `benchmarks.whole_question`.

The hybrid with its defaults, and the same behind `LinkedRetriever`. `all golds` is the share of questions all of whose
relevant documents are among the first ten. The weight was chosen on the train questions among those listed there; the
test questions are reported at the default weight, once, with the paired difference. The first five passages are the
same by construction. hotpotqa is the only set here whose questions need two documents, and it was made from links
between pages; the others show whether following does harm.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle

from llama_index_prod_rag.evaluation import PipelineSettings, RetrievalDataset, Workbench, load_beir, rank_metrics
from llama_index_prod_rag.retrievers.links import DEFAULT_WEIGHT, LinkedRetriever
from llama_index_prod_rag.significance import bootstrap_mean, paired_difference

WEIGHTS = (0.1, 0.15, 0.2, 0.3, 0.4)
_METRIC = "nDCG@10"
_SHOWN = 10

Values = Mapping[str, float]


class Remembered(BaseRetriever):
    """A retriever that is asked each question once: every weight follows from the same hits."""

    def __init__(self, retriever: BaseRetriever) -> None:
        super().__init__()
        self._retriever, self._hits = retriever, dict[str, list[NodeWithScore]]()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        text = query_bundle.query_str
        if text not in self._hits:
            self._hits[text] = self._retriever.retrieve(query_bundle)
        return list(self._hits[text])


def measure(dataset: RetrievalDataset, retriever: BaseRetriever) -> dict[str, Values]:
    """Metric -> query -> value."""
    queries, qrels = dataset.queries, dataset.qrels
    run = {query: [hit.node_id for hit in retriever.retrieve(text)] for query, text in queries.items()}
    gold = {query: {document for document, grade in qrels[query].items() if grade > 0} for query in queries}
    everything = {query: float(gold[query] <= set(run[query][:_SHOWN])) for query in queries}
    return {_METRIC: rank_metrics(run, qrels, [_METRIC])[_METRIC], "all golds": everything}


def on_train(dataset: RetrievalDataset) -> dict[str, dict[str, float]]:
    """Weight -> metric -> mean."""
    bench = Workbench(dataset, PipelineSettings())
    hybrid = Remembered(bench.hybrid)
    linked = LinkedRetriever(hybrid, bench.nodes)
    found = {0.0: measure(dataset, hybrid)}
    for weight in WEIGHTS:
        linked.weight = weight
        found[weight] = measure(dataset, linked)
    return {
        f"{weight:g}": {name: sum(values.values()) / len(values) for name, values in metrics.items()}
        for weight, metrics in found.items()
    }


def on_test(dataset: RetrievalDataset) -> dict[str, dict[str, dict[str, float]]]:
    """Metric -> what -> mean and interval: the hybrid, with links, with links of links, and the differences."""
    bench = Workbench(dataset, PipelineSettings())
    hybrid = Remembered(bench.hybrid)
    linked = LinkedRetriever(hybrid, bench.nodes)
    alone, once = measure(dataset, hybrid), measure(dataset, linked)
    linked.hops = 2
    twice = measure(dataset, linked)
    return {
        name: {
            "hybrid": bootstrap_mean(alone[name]).ends(),
            "linked": bootstrap_mean(once[name]).ends(),
            "difference": paired_difference(alone[name], once[name]).ends(),
            "followed_twice": paired_difference(once[name], twice[name]).ends(),
        }
        for name in alone
    }


def run(data: Path, sets: Sequence[str], limit: int | None) -> dict[str, object]:
    """Measure every set on train and test."""
    found = {}
    for name in sets:
        print(f"hops: {name}", file=sys.stderr)
        train, test = (load_beir(data / name, split=split, limit=limit) for split in ("train", "test"))
        found[name] = {"train": on_train(train), "test": on_test(test)}
    return {"weight": DEFAULT_WEIGHT, "metric": _METRIC, "shown": _SHOWN, "sets": found}
