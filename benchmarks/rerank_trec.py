"""TREC Deep Learning 2019: the published BM25 run, reranked.

    python -m benchmarks.rerank_trec [--data DIR] [--torch [DIR]] [--limit N] --json

Shows that the int8 scorer orders like the literature's model and like fp32. `--torch` also reads with the fp32
weights of the same model, from a folder that is written where it is missing. Scores are kept on disk between runs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.pair_scores import remember
from benchmarks.torch_reranker import write_torch_folder
from llama_index_prod_rag.evaluation.datasets import load_beir
from llama_index_prod_rag.evaluation.ranking import rank_metrics
from llama_index_prod_rag.models.disk_cache import cache_folder
from llama_index_prod_rag.models.pairs import PairScorer
from llama_index_prod_rag.models.scorers import load_scorer
from llama_index_prod_rag.postprocessor.passages import score_passages
from llama_index_prod_rag.significance import bootstrap_mean, compare

_METRIC = "nDCG@10"
_Run = Mapping[str, Mapping[str, float]]


def read_run(path: Path) -> dict[str, dict[str, float]]:
    """A run in TREC format: query id -> document id -> score."""
    run: dict[str, dict[str, float]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        query, _, document, _, score, _ = line.split()
        run.setdefault(query, {})[document] = float(score)
    return run


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """All judgments, also of passages outside the pool: the ideal ranking of published figures knows them."""
    qrels: dict[str, dict[str, int]] = {}
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        query, document, grade = line.split("\t")
        qrels.setdefault(query, {})[document] = int(grade)
    return qrels


def rerank(run: _Run, queries: Mapping[str, str], passages: Mapping[str, str], scorer: PairScorer) -> _Run:
    """The same candidates by their logits."""
    reranked = {}
    for done, (query, candidates) in enumerate(run.items(), start=1):
        scores = score_passages(scorer, queries[query], [passages[document] for document in candidates])
        reranked[query] = dict(zip(candidates, scores.logits, strict=True))
        print(f"{scorer.name}: {done} of {len(run)} queries", file=sys.stderr)
    return reranked


def main() -> None:
    """Print nDCG@10 of each system, with intervals over the queries."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PROD_RAG_DATA", "../shared/data")))
    parser.add_argument(
        "--torch",
        type=Path,
        nargs="?",
        const=cache_folder() / "reranker-torch",
        help="also read with the fp32 model of this folder, written where missing",
    )
    parser.add_argument("--limit", type=int, help="only the first queries")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    folder = arguments.data / "trec_dl19"
    dataset = load_beir(folder, split="all")
    passages = {name: document.full_text for name, document in dataset.documents.items()}
    run = dict(list(read_run(folder / "runs" / "BM25.trec").items())[: arguments.limit])
    qrels = {query: grades for query, grades in read_qrels(folder / "qrels-full.tsv").items() if query in run}
    runs: dict[str, _Run] = {"bm25": run}
    runs["int8"] = rerank(run, dataset.queries, passages, remember(load_scorer("offline")))
    if arguments.torch:
        fp32 = load_scorer(write_torch_folder(arguments.torch))
        runs["fp32"] = rerank(run, dataset.queries, passages, remember(fp32))
    values = {name: rank_metrics(ranked, qrels, [_METRIC])[_METRIC] for name, ranked in runs.items()}
    systems = {}
    for name, per_query in values.items():
        interval = bootstrap_mean(per_query)
        systems[name] = {_METRIC: interval.mean, "low": interval.low, "high": interval.high}
    result: dict[str, object] = {"queries": len(run), "systems": systems}
    if "fp32" in values:
        difference = compare(values["fp32"], values["int8"]).difference
        result["int8_minus_fp32"] = difference.ends()
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        for name, row in systems.items():
            print(f"{name:6} nDCG@10 {row[_METRIC]:.4f} [{row['low']:.4f}, {row['high']:.4f}]")


if __name__ == "__main__":
    main()
