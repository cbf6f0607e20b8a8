"""Two hops and three: what following mentions from passage to passage finds. A part of `benchmarks.whole_question`.

The hybrid with its defaults, and the same behind `LinkedRetriever`. `all golds` is the share of questions all of whose
relevant documents are among the first ten. The weight was chosen on the train questions among those listed there; the
test questions are reported at the default weight, once, with the paired difference. The first five passages are the
same by construction. `reranked` is both behind `CrossEncoderRerank`, fifty candidates each, on 100 drawn questions:
what a link weighs there was chosen among `BESIDE_PAIRS` on train questions of hotpotqa (`without_pairs` reads no two
passages together). Questions whose first passages name none count as equal, which they are. hotpotqa is the only set
here whose questions need two documents, and it was made from links between pages; the others show whether following
does harm.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle

from benchmarks.pair_scores import remember
from llama_index_prod_rag.evaluation import PipelineSettings, RetrievalDataset, Workbench, load_beir, rank_metrics
from llama_index_prod_rag.models.scorers import load_scorer
from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
from llama_index_prod_rag.retrievers.links import DEFAULT_WEIGHT, LinkedRetriever
from llama_index_prod_rag.significance import bootstrap_mean, paired_difference
from llama_index_prod_rag.trace.scored_node import rescore

WEIGHTS = (0.1, 0.15, 0.2, 0.3, 0.4)
BESIDE_PAIRS = (0.05, 0.1, 0.15, 0.2, 0.3)
_METRIC = "nDCG@10"
_SHOWN = 10
_CANDIDATES = 50
_RERANKED = 100  # questions of a set: reading a pair takes a core 30 ms and more
_CHOSEN_ON = 80  # train questions

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
    queries = dataset.queries
    return judge(dataset, {query: [hit.node_id for hit in retriever.retrieve(text)] for query, text in queries.items()})


def judge(dataset: RetrievalDataset, run: Mapping[str, Sequence[str]]) -> dict[str, Values]:
    """Metric -> query -> value of some queries' rankings."""
    queries, qrels = list(run), dataset.qrels
    gold = {query: {document for document, grade in qrels[query].items() if grade > 0} for query in queries}
    everything = {query: float(gold[query] <= set(run[query][:_SHOWN])) for query in queries}
    gains = rank_metrics(run, {query: qrels[query] for query in queries}, [_METRIC])[_METRIC]
    return {_METRIC: gains, "all golds": everything}


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


@dataclass(frozen=True)
class Reranked:
    """A set's questions behind the reranker."""

    dataset: RetrievalDataset
    retriever: BaseRetriever
    reranker: CrossEncoderRerank

    def judge(self, share: float | None = None, pairs: int | None = None) -> dict[str, Values]:
        """Metric -> query -> value.

        Args:
            share: what a link of strength 1 weighs; None is the retriever's own.
            pairs: passages that are read behind another; None is the reranker's own.
        """
        reranker = self.reranker if pairs is None else self.reranker.model_copy(update={"linked": pairs})
        queries = self.dataset.queries.items()
        return judge(self.dataset, {query: self._rank(text, share, reranker) for query, text in queries})

    def _rank(self, text: str, share: float | None, reranker: CrossEncoderRerank) -> list[str]:
        hits = self.retriever.retrieve(text)[:_CANDIDATES]
        if share is not None and hits:
            record = hits[0].retrieval  # type: ignore[attr-defined]
            weighed = replace(record, link_weight=share)
            hits = [rescore(hit, hit.score, retrieval=weighed) for hit in hits]
        return [hit.node_id for hit in reranker.postprocess_nodes(hits, query_str=text)]


def _reranker() -> CrossEncoderRerank:
    return CrossEncoderRerank(scorer=remember(load_scorer("offline")), model="offline", top_n=_SHOWN)


def reranked_on_train(dataset: RetrievalDataset) -> dict[str, dict[str, float]]:
    """Share of a link -> metric -> mean, with and without reading two passages together."""
    bench, reranker = Workbench(dataset, PipelineSettings()), _reranker()
    linked = Reranked(dataset, LinkedRetriever(bench.hybrid, bench.nodes), reranker)
    found = {"not followed": Reranked(dataset, bench.hybrid, reranker).judge()}
    for share in BESIDE_PAIRS:
        found[f"{share:g}"] = linked.judge(share)
        found[f"{share:g} without pairs"] = linked.judge(share, pairs=0)
    return {
        name: {metric: sum(values.values()) / len(values) for metric, values in metrics.items()}
        for name, metrics in found.items()
    }


def reranked_on_test(dataset: RetrievalDataset) -> dict[str, dict[str, object]]:
    """Metric -> what -> mean and interval behind the reranker.

    Where few questions are `followed`, only those are `read`: both means are theirs, the differences are of all.
    """
    bench, reranker = Workbench(dataset, PipelineSettings()), _reranker()
    retriever = LinkedRetriever(bench.hybrid, bench.nodes)
    first = dataset.queries
    followed = {query: text for query, text in first.items() if _links(retriever, text)}
    read = first if 2 * len(followed) > len(first) else followed
    some = replace(dataset, queries=read)
    alone, linked = Reranked(some, bench.hybrid, reranker), Reranked(some, retriever, reranker)
    values = {"reranked": alone.judge(), "linked": linked.judge(), "without_pairs": linked.judge(pairs=0)}
    found: dict[str, dict[str, object]] = {}
    for metric, before in values["reranked"].items():
        equal = dict.fromkeys(first.keys() - read.keys(), 0.0)
        changes = {
            name: {**equal, **{query: after[metric][query] - before[query] for query in before}}
            for name, after in values.items()
        }
        found[metric] = {
            "reranked": bootstrap_mean(before or [0.0]).ends(),
            "linked": bootstrap_mean(values["linked"][metric] or [0.0]).ends(),
            "difference": bootstrap_mean(changes["linked"]).ends(),
            "difference_without_pairs": bootstrap_mean(changes["without_pairs"]).ends(),
        }
    return {"questions": {"all": len(first), "followed": len(followed), "read": len(read)}, **found}


def _links(retriever: LinkedRetriever, text: str) -> bool:
    hits = retriever.retrieve(text)[:_CANDIDATES]
    return bool(hits) and bool(hits[0].retrieval.links)  # type: ignore[attr-defined]


def run(data: Path, sets: Sequence[str], limit: int | None) -> dict[str, object]:
    """Measure every set on train and test."""
    found = {}
    for name in sets:
        print(f"hops: {name}", file=sys.stderr)
        train, test = (load_beir(data / name, split=split, limit=limit) for split in ("train", "test"))
        # Of a sample, a fifth: pairs of a machine that has read none yet take minutes.
        few, fewer = (number if limit is None else min(number, 1 + limit // 5) for number in (_RERANKED, _CHOSEN_ON))
        reranked = reranked_on_test(load_beir(data / name, split="test", limit=few))
        found[name] = {"train": on_train(train), "test": on_test(test), "reranked": reranked}
        if name == "hotpotqa":
            found[name]["reranked_train"] = reranked_on_train(load_beir(data / name, split="train", limit=fewer))
    return {"weight": DEFAULT_WEIGHT, "metric": _METRIC, "shown": _SHOWN, "sets": found}
