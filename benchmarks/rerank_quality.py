"""Quality of reranking on public collections, with paired intervals.

    python -m benchmarks.rerank_quality [--data DIR] [--limit N] [--split test] --json

Systems, all on the same dense leg: `dense`; `hybrid`; `cross_encoder` (the hybrid's candidates by their pair score
alone); `default` (`CrossEncoderRerank()` as it comes); `llamaindex` (`QueryFusionRetriever` with reciprocal ranks, then
`SentenceTransformerRerank`). Both rerankers read with the same int8 weights, so that the pipelines differ and not the
models. Pair scores are kept on disk, so the first run is slow and further ones are not. What labels add is measured by
`benchmarks.tuning --pipeline hybrid+rerank`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from llama_index.core.postprocessor import SentenceTransformerRerank
from llama_index.core.schema import NodeWithScore
from numpy.typing import NDArray

from benchmarks.pair_scores import remember
from llama_index_prod_rag.evaluation.datasets import RetrievalDataset, Split, load_beir
from llama_index_prod_rag.evaluation.pipelines import PipelineSettings, Workbench
from llama_index_prod_rag.evaluation.ranking import rank_metrics
from llama_index_prod_rag.models.pairs import PairScorer
from llama_index_prod_rag.models.scorers import load_scorer
from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
from llama_index_prod_rag.significance import Interval, bootstrap_mean, paired_difference

SETS = ("scifact", "cranfield", "fiqa_mini", "hotpotqa", "cosqa")
_METRIC = "nDCG@10"
_TOP = 10
_DEPTH = 50

Search = Callable[[str], list[NodeWithScore]]
Values = dict[str, float]


@dataclass(frozen=True)
class Systems:
    """The systems of one collection.

    Args:
        dataset: documents and queries.
        scorer: what reads the pairs.
    """

    dataset: RetrievalDataset
    scorer: PairScorer

    def all(self) -> dict[str, Search]:
        """Name -> question to hits."""
        bench = Workbench(self.dataset, PipelineSettings(rerank_depth=_DEPTH))
        reader = {"scorer": self.scorer, "model": "offline", "top_n": _TOP}
        pure, default = CrossEncoderRerank(**reader, weights="cross_encoder"), CrossEncoderRerank(**reader)
        stock = _stock_reranker(self.scorer)
        return {
            "dense": bench.dense.retrieve,
            "hybrid": bench.hybrid.retrieve,
            "cross_encoder": lambda query: pure.postprocess_nodes(
                bench.hybrid.retrieve(query)[:_DEPTH], query_str=query
            ),
            "default": lambda query: default.postprocess_nodes(bench.hybrid.retrieve(query)[:_DEPTH], query_str=query),
            "llamaindex": lambda query: stock.postprocess_nodes(
                bench.llamaindex.retrieve(query)[:_DEPTH], query_str=query
            ),
        }

    def values(self, search: Search) -> Values:
        """nDCG@10 of every query."""
        run = {query_id: [hit.node_id for hit in search(text)] for query_id, text in self.dataset.queries.items()}
        return rank_metrics(run, self.dataset.qrels, [_METRIC])[_METRIC]


class _Predicts:
    """What `SentenceTransformerRerank` asks of its model: a score for each pair, the passage cut at the limit."""

    def __init__(self, scorer: PairScorer) -> None:
        self._scorer = scorer

    def predict(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Logits; the order is the same with or without an activation."""
        return np.array(self._scorer.score(pairs), dtype=np.float32)


def _stock_reranker(scorer: PairScorer) -> SentenceTransformerRerank:
    # Its constructor loads torch weights; the rest of it is what is measured.
    stock = SentenceTransformerRerank.model_construct(model="offline", top_n=_TOP, device="cpu")
    stock._model = _Predicts(scorer)
    return stock


def measure(folder: Path, limit: int | None, split: Split, scorer: PairScorer) -> dict[str, Values]:
    """nDCG@10 of every query under every system."""
    systems = Systems(load_beir(folder, split=split, limit=limit), scorer)
    values = {}
    for name, search in systems.all().items():
        print(f"{folder.name}: {name}", file=sys.stderr)
        values[name] = systems.values(search)
    return values


def summary(per_set: Mapping[str, Mapping[str, Values]]) -> dict[str, Any]:
    """Means, intervals, differences to the better of dense and hybrid, and the mean gain over dense."""
    sets = {name: _set_summary(systems) for name, systems in per_set.items()}
    names = list(next(iter(per_set.values())))
    gains = {
        system: float(np.mean([row[system]["mean"] / row["dense"]["mean"] - 1.0 for row in sets.values()]))
        for system in names
    }
    return {"metric": _METRIC, "sets": sets, "mean_gain_over_dense": gains}


def _set_summary(systems: Mapping[str, Values]) -> dict[str, dict[str, float]]:
    better = max(("dense", "hybrid"), key=lambda name: float(np.mean(list(systems[name].values()))))
    rows = {}
    for name, values in systems.items():
        difference = paired_difference(systems[better], values)
        rows[name] = _numbers(bootstrap_mean(values)) | {
            f"minus_{better}": difference.mean,
            "difference_low": difference.low,
            "difference_high": difference.high,
        }
    return rows


def _numbers(interval: Interval) -> dict[str, float]:
    return interval.ends() | {"queries": float(interval.n)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PROD_RAG_DATA", "../shared/data")))
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--limit", type=int, default=100, help="queries of each set")
    parser.add_argument("--split", choices=["train", "test"], default="test")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    scorer = remember(load_scorer("offline"))
    result = summary(
        {name: measure(arguments.data / name, arguments.limit, arguments.split, scorer) for name in arguments.sets}
    )
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    for name, rows in result["sets"].items():
        print(name, "  ".join(f"{system} {row['mean']:.3f}" for system, row in rows.items()))
    print("mean gain over dense", "  ".join(f"{k} {v:+.1%}" for k, v in result["mean_gain_over_dense"].items()))


if __name__ == "__main__":
    main()
