"""What a cross-encoder should read of a passage: its text alone, or what precedes it in the metadata as well.

    python -m benchmarks.rerank_text [--data DIR] [--limit N] [--split train] --json

On the collections whose documents have titles, over the hybrid's first candidates: `cross_encoder` orders by the pair
score alone, where what is read matters most, `default` is `CrossEncoderRerank()` as it comes. Pair scores are kept on
disk.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llama_index.core.schema import MetadataMode

from benchmarks.pair_scores import remember
from llama_index_prod_rag.evaluation.datasets import RetrievalDataset, load_beir
from llama_index_prod_rag.evaluation.pipelines import PipelineSettings, Workbench
from llama_index_prod_rag.evaluation.ranking import rank_metrics
from llama_index_prod_rag.models.pairs import PairScorer
from llama_index_prod_rag.models.scorers import load_scorer
from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
from llama_index_prod_rag.significance import bootstrap_mean, paired_difference

SETS = ("scifact", "cranfield", "hotpotqa")
TEXTS: Mapping[str, Any] = {"text alone": MetadataMode.NONE, "title, headings and text": ("title", "headings")}
_METRIC = "nDCG@10"
_DEPTH = 20


def measure(dataset: RetrievalDataset, scorer: PairScorer) -> dict[str, dict[str, dict[str, float]]]:
    """Order -> text read -> nDCG@10; and the paired difference that title and headings make."""
    bench = Workbench(dataset, PipelineSettings(rerank_depth=_DEPTH))
    candidates = {query: bench.hybrid.retrieve(text)[:_DEPTH] for query, text in dataset.queries.items()}
    found: dict[str, dict[str, dict[str, float]]] = {}
    for order, weights in (("cross_encoder", "cross_encoder"), ("default", None)):
        values = []
        rows: dict[str, dict[str, float]] = {}
        for name, metadata in TEXTS.items():
            rerank = CrossEncoderRerank(scorer=scorer, model="offline", top_n=10, weights=weights, metadata=metadata)
            run = {
                query: [hit.node_id for hit in rerank.postprocess_nodes(hits, query_str=dataset.queries[query])]
                for query, hits in candidates.items()
            }
            values.append(rank_metrics(run, dataset.qrels, [_METRIC])[_METRIC])
            rows[name] = bootstrap_mean(values[-1]).ends()
        rows["difference"] = paired_difference(*values).ends()
        found[order] = rows
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PROD_RAG_DATA", "../shared/data")))
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--limit", type=int, default=60, help="queries of each set")
    parser.add_argument("--split", choices=["train", "test"], default="train")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    scorer = remember(load_scorer("offline"))
    sets = {}
    for name in arguments.sets:
        print(name, file=sys.stderr)
        sets[name] = measure(load_beir(arguments.data / name, split=arguments.split, limit=arguments.limit), scorer)
    result = {"metric": _METRIC, "split": arguments.split, "queries": arguments.limit, "sets": sets}
    print(json.dumps(result, indent=None if arguments.json else 1))


if __name__ == "__main__":
    main()
