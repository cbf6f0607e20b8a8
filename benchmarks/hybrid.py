"""How the shipped hybrid default was chosen, and how it does beside LlamaIndex's own fusion on the same legs.

`choose` scores every setting on train queries only; `report` scores the shipped one on test queries, with
`QueryFusionRetriever` in its four modes over the same two legs.

python -m benchmarks.hybrid choose|report --data DIR [--sets NAME ...] [--limit N] --json
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from llama_index.core.llms import MockLLM
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.core.retrievers.fusion_retriever import FUSION_MODES
from llama_index.core.schema import NodeWithScore

from llama_index_prod_rag.evaluation.datasets import RetrievalDataset, load_beir
from llama_index_prod_rag.evaluation.pipelines import PipelineSettings, Ranker, Workbench, run_pipeline
from llama_index_prod_rag.evaluation.ranking import rank_metrics
from llama_index_prod_rag.fusion.rules import RULE_NAMES, ConvexCombination, FusionRule, leg_bounds, parse_rule
from llama_index_prod_rag.fusion.tuning import LabelledQuery, WeightTable
from llama_index_prod_rag.significance import Interval, bootstrap_mean, paired_difference
from llama_index_prod_rag.trace.records import RetrievalRecord
from llama_index_prod_rag.trace.scored_node import carried_records

SETS = ("scifact", "cranfield", "fiqa_mini", "hotpotqa", "cosqa")
BOOSTS = (1, 2, 3, 4)
WORST = -0.005  # a default may lose this much nDCG@10 to the better leg, and no more
METRIC = "nDCG@10"
_ALPHAS = tuple(round(0.05 * step, 2) for step in range(21))


def choose(data: Path, sets: Sequence[str], limit: int | None) -> dict[str, Any]:
    """Mean gain over dense and the worst difference to the better leg, for every setting, on train queries."""
    values: dict[tuple[int, str, bool], dict[str, list[float]]] = {}
    for name, boost in product(sets, BOOSTS):
        dataset = load_beir(data / name, split="train", limit=limit)
        fields = (f"title^{boost}", "metadata", "text")
        workbench = Workbench(dataset, PipelineSettings(fields=fields, complete_scores=True))
        for (rule, completed), means in _by_rule(workbench):
            values.setdefault((boost, rule, completed), {})[name] = means
    settings = [
        # A leg alone is ranked by its own scores: rules that clip or complete them would reorder even one leg.
        _setting(boost, rule, completed, alpha, by_set=by_set, alone=values[boost, "min-max", False])
        for (boost, rule, completed), by_set in values.items()
        for alpha in _ALPHAS[1:-1]
    ]
    settings.sort(key=lambda setting: -setting["gain"])
    allowed = [setting for setting in settings if setting["worst"] >= WORST]
    best_of = {s["rule"] + ("+completed" if s["completed"] else ""): s for s in reversed(allowed)}
    return {"split": "train", "chosen": allowed[0], "best_by_rule": best_of, "best_unrestricted": settings[0]}


def _by_rule(workbench: Workbench) -> Iterator[tuple[tuple[str, bool], list[float]]]:
    """Mean nDCG@10 by alpha, for each rule, with and without computed scores; alpha 0 and 1 are the legs alone."""
    records = [(_record(workbench.hybrid.retrieve(text)), id_) for id_, text in workbench.dataset.queries.items()]
    for name, completed in product(RULE_NAMES, (False, True)):
        queries = [
            _labelled(record, workbench.dataset.qrels[id_], parse_rule(name), workbench.hybrid.floors, completed)
            for record, id_ in records
        ]
        table = WeightTable.build(queries, default={"dense": 0.5, "bm25": 0.5}, rule=parse_rule(name))
        order = np.argsort(table.grid[:, 0])
        yield (name, completed), [float(mean) for mean in table.values.mean(axis=0)[order]]


def _record(hits: Sequence[NodeWithScore]) -> RetrievalRecord:
    """The record that the hits share; the dense leg always brings hits."""
    (record,) = {id(r): r for r in carried_records(hits) if isinstance(r, RetrievalRecord)}.values()
    return record


def _labelled(
    record: RetrievalRecord,
    relevant: Mapping[str, int],
    rule: FusionRule,
    floors: Mapping[str, float],
    completed: bool,
) -> LabelledQuery:
    found = {leg: {node: hit.score for node, hit in hits.items()} for leg, hits in record.legs.items()}
    bounds = leg_bounds(rule, found, floors=floors) if isinstance(rule, ConvexCombination) else {}
    extra = record.completed if completed else {}
    return LabelledQuery({leg: {**scores, **extra.get(leg, {})} for leg, scores in found.items()}, relevant, bounds)


def _setting(
    boost: int,
    rule: str,
    completed: bool,
    alpha: float,
    *,
    by_set: Mapping[str, list[float]],
    alone: Mapping[str, list[float]],
) -> dict[str, Any]:
    at = {name: means[_ALPHAS.index(alpha)] for name, means in by_set.items()}
    return {
        "title_boost": boost,
        "rule": rule,
        "completed": completed,
        "alpha": alpha,
        "gain": statistics.fmean(100.0 * (at[name] / legs[-1] - 1.0) for name, legs in alone.items()),
        "worst": min(at[name] - max(legs[0], legs[-1]) for name, legs in alone.items()),
        METRIC: at,
    }


def report(data: Path, names: Sequence[str], limit: int | None) -> dict[str, Any]:
    """The shipped default on test queries, beside its legs and LlamaIndex's four modes on the same legs."""
    sets: dict[str, Any] = {}
    for name in names:
        workbench = Workbench(load_beir(data / name, split="test", limit=limit), PipelineSettings())
        rankers = {leg: workbench.ranker(leg) for leg in ("dense", "bm25", "hybrid")}
        rankers |= {f"llamaindex {mode.value}": _llamaindex(workbench, mode) for mode in FUSION_MODES}
        scores = {pipeline: _scores(ranker, workbench.dataset) for pipeline, ranker in rankers.items()}
        sets[name] = {
            "queries": len(workbench.dataset.queries),
            METRIC: {pipeline: _plain(bootstrap_mean(values)) for pipeline, values in scores.items()},
            "hybrid_minus": {
                pipeline: _plain(paired_difference(values, scores["hybrid"]))
                for pipeline, values in scores.items()
                if pipeline != "hybrid"
            },
        }
    pipelines = next(iter(sets.values()))[METRIC]
    means = {
        name: {pipeline: found[METRIC][pipeline]["mean"] for pipeline in pipelines} for name, found in sets.items()
    }
    return {
        "split": "test",
        "sets": sets,
        "mean_gain_over_dense_percent": {
            pipeline: statistics.fmean(100.0 * (at[pipeline] / at["dense"] - 1.0) for at in means.values())
            for pipeline in pipelines
        },
        "worst_against_better_leg": {
            pipeline: min(at[pipeline] - max(at["dense"], at["bm25"]) for at in means.values())
            for pipeline in pipelines
        },
    }


def _llamaindex(workbench: Workbench, mode: FUSION_MODES) -> Ranker:
    alpha = workbench.settings.alpha
    retriever = QueryFusionRetriever(
        [workbench.dense, workbench.bm25],
        retriever_weights=[alpha, 1.0 - alpha],
        llm=MockLLM(),  # its constructor insists on one; with one query it is never asked
        mode=mode,
        num_queries=1,
        use_async=False,
        similarity_top_k=workbench.settings.depth,
    )
    return lambda query: [hit.node_id for hit in retriever.retrieve(query)]


def _scores(ranker: Ranker, dataset: RetrievalDataset) -> dict[str, float]:
    run, _ = run_pipeline(ranker, dataset.queries)
    return rank_metrics(run, dataset.qrels, [METRIC])[METRIC]


def _plain(interval: Interval) -> dict[str, float]:
    return interval.ends()


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("choose", "report"))
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PROD_RAG_DATA", "../shared/data")))
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--limit", type=int)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = {"choose": choose, "report": report}[arguments.what](arguments.data, arguments.sets, arguments.limit)
    print(json.dumps(result, indent=None if arguments.json else 2))


if __name__ == "__main__":
    main()
