"""What a handful of labels is worth on five public sets: `prod-rag evaluate tuning` on each, and the mean gains.

    python -m benchmarks.tuning [--data DIR] [--pipeline hybrid|hybrid+rerank] [--draws 100] [--limit N] --json
    python -m benchmarks.tuning --split train --prior 10    # how the prior was chosen

Labels are drawn from the queries of the split, and nDCG@10 is that of the queries that were not drawn. Gains are over
dense on the same queries. With `hybrid+rerank` the pair score is a third leg; its scores are kept on disk, so the
first run is slow and further ones are not.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from pathlib import Path
from typing import Any

from benchmarks.hybrid import SETS
from llama_index_prod_rag.evaluation.datasets import load_beir
from llama_index_prod_rag.evaluation.pipelines import PipelineSettings, Workbench
from llama_index_prod_rag.evaluation.tuning_study import study_tuning
from llama_index_prod_rag.fusion.tuning import PRIOR

LABELS = (10, 20, 50)


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """The study of every set, and over the sets the mean gain and the worst difference to the better leg."""
    sets: dict[str, dict[str, Any]] = {}
    kept: dict[str, dict[str, float]] = {}
    for name in arguments.sets:
        dataset = load_beir(arguments.data / name, split=arguments.split, limit=arguments.limit)
        study = study_tuning(
            Workbench(dataset, PipelineSettings()),
            LABELS,
            draws=arguments.draws,
            rerank=arguments.pipeline == "hybrid+rerank",
            prior=arguments.prior,
        )
        sets[name] = study.to_dict()
        kept[name] = {str(count): result.kept_default for count, result in study.tuned.items()}
    # A small sample leaves no query beside 50 labels.
    counts = [count for count in LABELS if _select_tuned(sets, count)]
    return {
        "pipeline": arguments.pipeline,
        "split": arguments.split,
        "prior": arguments.prior,
        "sets": sets,
        "share_of_draws_that_kept_the_default": kept,
        "mean_gain_over_dense_percent": {
            "default": statistics.fmean(_gain(s["fixed"]["default"], s["fixed"]["dense"]) for s in sets.values()),
            **{
                str(count): statistics.fmean(_gain(t["mean"], t["dense"]) for t in _select_tuned(sets, count))
                for count in counts
            },
        },
        "worst_against_better_leg": {
            str(count): min(
                s["tuned"][str(count)]["mean"] - max(s["fixed"]["dense"], s["fixed"]["bm25"])
                for s in sets.values()
                if str(count) in s["tuned"]
            )
            for count in counts
        },
    }


def _select_tuned(sets: dict[str, dict[str, Any]], count: int) -> list[dict[str, float]]:
    return [study["tuned"][str(count)] for study in sets.values() if str(count) in study["tuned"]]


def _gain(value: float, dense: float) -> float:
    return 100.0 * (value / dense - 1.0)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PROD_RAG_DATA", "../shared/data")))
    parser.add_argument("--pipeline", choices=("hybrid", "hybrid+rerank"), default="hybrid")
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--limit", type=int)
    parser.add_argument("--split", choices=("train", "test"), default="test")
    parser.add_argument("--prior", type=float, default=PRIOR, help="labels that the default is worth")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = measure(arguments)
    print(json.dumps(result, indent=None if arguments.json else 2))


if __name__ == "__main__":
    main()
