"""What reading fewer candidates costs in quality: early stopping and prefilters beside reading everything.

    python -m benchmarks.rerank_savings [--data DIR] [--split train] [--limit N] --json

Every system reranks the same fifty candidates of the hybrid with the default weights and returns ten. `reads` is the
share of the passages' characters that the model still reads, `less` the paired difference of nDCG@10 to reading
everything. Pair scores are kept on disk, so only
the first run is slow.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from llama_index.core.schema import NodeWithScore

from benchmarks.pair_scores import remember
from benchmarks.rerank_quality import SETS
from llama_index_prod_rag.evaluation.datasets import RetrievalDataset, Split, load_beir
from llama_index_prod_rag.evaluation.pipelines import PipelineSettings, Workbench
from llama_index_prod_rag.evaluation.ranking import rank_metrics
from llama_index_prod_rag.models.pairs import Pair, PairScorer, Progress, TokenText, tokenize
from llama_index_prod_rag.models.scorers import load_scorer
from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
from llama_index_prod_rag.postprocessor.settings import Cascade
from llama_index_prod_rag.significance import paired_difference

_METRIC = "nDCG@10"
_DEPTH = 50
_TOP = 10
_EVERYTHING = "everything"

CASCADES: dict[str, Cascade] = {
    _EVERYTHING: Cascade(),
    "early stop": Cascade(early_stop=True),
    "first 30": Cascade("retrieval", 30),
    "first 25": Cascade("retrieval", 25),
    "first 20": Cascade("retrieval", 20),
    "first 30, early stop": Cascade("retrieval", 30, early_stop=True),
    "first 25, early stop": Cascade("retrieval", 25, early_stop=True),
}


class CountingScorer:
    """A `PairScorer` that counts the characters of the passages it is asked for: what a read costs grows with them.

    Args:
        scorer: the model.
    """

    def __init__(self, scorer: PairScorer) -> None:
        self._scorer = scorer
        self.name, self.fingerprint = scorer.name, scorer.fingerprint
        self.max_tokens, self.special_tokens = scorer.max_tokens, scorer.special_tokens
        self.characters = 0

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        """Places of a text's tokens."""
        return self._scorer.token_offsets(text)

    def tokenize(self, texts: Sequence[str]) -> list[TokenText]:
        """Texts with their tokens."""
        return tokenize(self._scorer, texts)

    def score(self, pairs: Sequence[Pair], progress: Progress | None = None) -> list[float]:
        """Raw logits."""
        self.characters += sum(len(passage) for _, passage in pairs)
        return self._scorer.score(pairs, progress)


def measure(dataset: RetrievalDataset, scorer: PairScorer) -> dict[str, Any]:
    """Quality and reads of every system on one collection."""
    bench = Workbench(dataset, PipelineSettings(rerank_depth=_DEPTH))
    candidates = {query: bench.hybrid.retrieve(text)[:_DEPTH] for query, text in dataset.queries.items()}
    rows: dict[str, Any] = {}
    values, reads = {}, {}
    for name, cascade in CASCADES.items():
        values[name], reads[name] = _rerank(dataset, candidates, scorer, cascade)
        less = paired_difference(values[_EVERYTHING], values[name])
        rows[name] = {
            _METRIC: float(np.mean(list(values[name].values()))),
            "less": less.ends(),
            "reads": reads[name] / reads[_EVERYTHING],
        }
    return {"queries": len(candidates), "systems": rows}


def _rerank(
    dataset: RetrievalDataset, candidates: Mapping[str, list[NodeWithScore]], scorer: PairScorer, cascade: Cascade
) -> tuple[dict[str, float], int]:
    counting = CountingScorer(scorer)
    reranker = CrossEncoderRerank(scorer=counting, model="offline", top_n=_TOP, cascade=cascade)
    run = {
        query: [hit.node_id for hit in reranker.postprocess_nodes(hits, query_str=dataset.queries[query])]
        for query, hits in candidates.items()
    }
    return rank_metrics(run, dataset.qrels, [_METRIC])[_METRIC], counting.characters


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PROD_RAG_DATA", "../shared/data")))
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--limit", type=int, default=50, help="queries of each set")
    parser.add_argument("--split", choices=["train", "test"], default="train")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    scorer = remember(load_scorer("offline"))
    result = {"split": arguments.split, "sets": {}}
    for name in arguments.sets:
        print(name, file=sys.stderr)
        split: Split = arguments.split
        result["sets"][name] = measure(load_beir(arguments.data / name, split=split, limit=arguments.limit), scorer)
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    for name, found in result["sets"].items():
        print(name)
        for system, row in found["systems"].items():
            less = row["less"]
            print(
                f"  {system:22} {row[_METRIC]:.3f} less {less['mean']:+.4f} [{less['low']:+.4f}, {less['high']:+.4f}] "
                f"reads {row['reads']:.0%}"
            )


if __name__ == "__main__":
    main()
