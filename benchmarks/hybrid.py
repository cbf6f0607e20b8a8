"""How the shipped hybrid default was chosen, and how it does beside LlamaIndex's own fusion on the same legs.

`choose` scores every setting on train queries and train identifiers only, over both embedding models; `report` scores
the shipped one on test queries, with `QueryFusionRetriever` in its four modes over the same two legs; `identifiers`
asks for what one document alone holds (`benchmarks.hybrid_identifiers`), with and without the reranker, embedded or on
Elasticsearch.

python -m benchmarks.hybrid choose|report|identifiers --data DIR [--sets NAME ...] [--limit N] [--embedding NAME] --json
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.llms import MockLLM
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.core.retrievers.fusion_retriever import FUSION_MODES
from llama_index.core.schema import NodeWithScore
from numpy.typing import NDArray

from benchmarks.hybrid_identifiers import identifier_sets
from llama_index_prod_rag.evaluation.datasets import RetrievalDataset, load_beir
from llama_index_prod_rag.evaluation.elasticsearch import ElasticsearchWorkbench
from llama_index_prod_rag.evaluation.pipelines import PipelineSettings, Ranker, Workbench, run_pipeline
from llama_index_prod_rag.evaluation.ranking import rank_metrics
from llama_index_prod_rag.fusion.rules import RULE_NAMES, FusionRule, leg_bounds, parse_rule
from llama_index_prod_rag.fusion.tuning import LabeledQuery, WeightTable
from llama_index_prod_rag.models.weights import MINILM, OFFLINE
from llama_index_prod_rag.retrievers.hybrid import HybridFusionRetriever
from llama_index_prod_rag.significance import Interval, bootstrap_mean, paired_difference
from llama_index_prod_rag.trace.records import RetrievalRecord
from llama_index_prod_rag.trace.scored_node import carried_records

SETS = ("scifact", "cranfield", "fiqa_mini", "hotpotqa", "cosqa")
EMBEDDINGS = (OFFLINE, MINILM)
TOP_TEN, FIRST = 0.98, 0.85  # identifiers that a default finds in the first ten, and in the first place, at least
METRIC = "nDCG@10"
_ALPHAS = tuple(round(0.05 * step, 2) for step in range(21))
_RERANK_DEPTH = 20  # candidates that the reranker reads for each identifier
_LEGS = ("dense", "bm25", "hybrid")
_NO_LIFT = "hybrid, nothing lifted"


@dataclass(frozen=True, slots=True)
class Rule:
    """A setting but for alpha.

    Attributes:
        name: of the fusion rule.
        completed: whether legs score what only the other found.
        lifted: whether what the question names is lifted.
    """

    name: str
    completed: bool
    lifted: bool

    def __str__(self) -> str:
        return self.name + "+completed" * self.completed + "+lifted" * self.lifted


def choose(data: Path, sets: Sequence[str], limit: int | None, embeddings: Sequence[str]) -> dict[str, Any]:
    """Mean gain over dense, the worst difference to the better leg and what is found of identifiers, per setting."""
    means: dict[Rule, dict[str, NDArray[np.float64]]] = {}
    found: dict[Rule, list[NDArray[np.float64]]] = {}
    for embedding, name in product(embeddings, sets):
        settings = PipelineSettings(embedding=embedding, complete_scores=True)
        training = load_beir(data / name, split="train", limit=limit)
        for rule, values in _by_rule(Workbench(training, settings)):
            means.setdefault(rule, {})[f"{name}, {embedding}"] = values.mean(axis=0)
        for rule, values in _by_rule(Workbench(identifier_sets(training)[0], settings)):
            found.setdefault(rule, []).append(values)
    alone = means[Rule("min-max", completed=False, lifted=False)]  # rules that clip would reorder even one leg
    chosen = [
        _setting(rule, place, means[rule], alone, np.concatenate(found[rule]))
        for rule, place in product(means, range(1, len(_ALPHAS) - 1))
    ]
    chosen.sort(key=lambda setting: -setting["gain"])
    return {
        "split": "train",
        "embeddings": list(embeddings),
        "chosen": next((setting for setting in chosen if setting["finds_identifiers"]), None),
        "best_by_rule": {setting["rule"]: setting for setting in reversed(chosen)},
    }


def _by_rule(workbench: Workbench) -> Iterator[tuple[Rule, NDArray[np.float64]]]:
    """nDCG@10 of each query (rows) by alpha (columns), for each rule; alpha 0 and 1 are the legs alone."""
    records = [(_record(workbench.hybrid.retrieve(text)), id_) for id_, text in workbench.dataset.queries.items()]
    for name, completed, lifted in product(RULE_NAMES, (False, True), (False, True)):
        rule = Rule(name, completed, lifted)
        queries = [
            _label_query(record, workbench.dataset.qrels[id_], rule, workbench.hybrid.floors) for record, id_ in records
        ]
        table = WeightTable.build(queries, default={"dense": 0.5, "bm25": 0.5}, rule=parse_rule(name))
        yield rule, table.values[:, np.argsort(table.grid[:, 0])]


def _record(hits: Sequence[NodeWithScore]) -> RetrievalRecord:
    """The record that the hits share; the dense leg always brings hits."""
    (record,) = {id(r): r for r in carried_records(hits) if isinstance(r, RetrievalRecord)}.values()
    return record


def _label_query(
    record: RetrievalRecord, relevant: Mapping[str, int], rule: Rule, floors: Mapping[str, float]
) -> LabeledQuery:
    """What the tuner needs. The lifts by words are those of the shipped rule's marks, whatever the rule."""
    found = {leg: {node: hit.score for node, hit in hits.items()} for leg, hits in record.legs.items()}
    bounds = leg_bounds(_look_up_rule(rule), found, floors=floors)
    extra = record.completed if rule.completed else {}
    legs = {leg: {**scores, **extra.get(leg, {})} for leg, scores in found.items()}
    return LabeledQuery(legs, relevant, bounds, lifts=record.lifts if rule.lifted else {})


def _look_up_rule(rule: Rule) -> FusionRule:
    return parse_rule(rule.name)


def _setting(
    rule: Rule,
    place: int,
    by_set: Mapping[str, NDArray[np.float64]],
    alone: Mapping[str, NDArray[np.float64]],
    identifiers: NDArray[np.float64],
) -> dict[str, Any]:
    at = {name: float(means[place]) for name, means in by_set.items()}
    worst = min(at[name] - max(legs[0], legs[-1]) for name, legs in alone.items())
    # One relevant document: the metric is above 0 where it is in the first ten, and 1 where it is the first.
    top_ten, first = float((identifiers[:, place] > 0).mean()), float((identifiers[:, place] > 1 - 1e-9).mean())
    return {
        "rule": str(rule),
        "alpha": _ALPHAS[place],
        "gain": statistics.fmean(100.0 * (at[name] / legs[-1] - 1.0) for name, legs in alone.items()),
        "worst": float(worst),
        "identifiers_in_top_ten": top_ten,
        "identifiers_first": first,
        "finds_identifiers": bool(top_ten >= TOP_TEN and first >= FIRST),
        METRIC: at,
    }


def report(data: Path, names: Sequence[str], limit: int | None, embedding: str) -> dict[str, Any]:
    """The shipped default on test queries, beside its legs and LlamaIndex's four modes on the same legs."""
    sets: dict[str, Any] = {}
    for name in names:
        workbench = Workbench(load_beir(data / name, split="test", limit=limit), PipelineSettings(embedding=embedding))
        scores = {pipeline: _scores(ranker, workbench.dataset) for pipeline, ranker in _rankers(workbench)}
        sets[name] = {
            "queries": len(workbench.dataset.queries),
            METRIC: {pipeline: _to_json(bootstrap_mean(values)) for pipeline, values in scores.items()},
            "hybrid_minus": {
                pipeline: _to_json(paired_difference(values, scores["hybrid"]))
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
        "embedding": embedding,
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


def identifiers(data: Path, names: Sequence[str], embedding: str, rerank: bool, url: str | None) -> dict[str, Any]:
    """How many of the test identifiers each pipeline finds, in the first ten and in the first place."""
    places: dict[str, list[int | None]] = {}
    questions: list[str] = []
    for name in names:
        dataset = identifier_sets(load_beir(data / name, split="test"))[1]
        questions += dataset.queries
        settings = PipelineSettings(embedding=embedding, rerank_depth=_RERANK_DEPTH)
        with ExitStack() as stack:
            served = stack.enter_context(ElasticsearchWorkbench(dataset, settings, url=url)) if url else None
            workbench = served or Workbench(dataset, settings)
            rankers = {leg: workbench.ranker(leg) for leg in _LEGS} if served else dict(_rankers(workbench))
            if rerank:
                rankers["hybrid+rerank"] = workbench.ranker("hybrid+rerank")
            for pipeline, ranker in rankers.items():
                run, _ = run_pipeline(ranker, dataset.queries)
                places.setdefault(pipeline, []).extend(_place(run[id_], dataset.qrels[id_]) for id_ in dataset.queries)
    kinds = ["/".join(question.split("/")[:2]) for question in questions]
    return {
        "split": "test",
        "embedding": embedding,
        "questions": len(questions),
        "found": {pipeline: _summarize_places(known) for pipeline, known in places.items()},
        "hybrid_by_kind": {
            kind: _summarize_places([place for place, own in zip(places["hybrid"], kinds, strict=True) if own == kind])
            for kind in dict.fromkeys(kinds)
        },
    }


def _place(ranking: Sequence[str], relevant: Iterable[str]) -> int | None:
    return next((place for place, id_ in enumerate(ranking, start=1) if id_ in relevant), None)


def _summarize_places(places: Sequence[int | None]) -> dict[str, dict[str, float]]:
    return {
        "top_ten": _to_json(bootstrap_mean([float(place is not None and place <= 10) for place in places])),
        "first": _to_json(bootstrap_mean([float(place == 1) for place in places])),
    }


def _rankers(workbench: Workbench) -> Iterator[tuple[str, Ranker]]:
    for leg in _LEGS:
        yield leg, workbench.ranker(leg)
    yield _NO_LIFT, _ranker(_turn_off_lifts(workbench))
    for mode in FUSION_MODES:
        yield f"llamaindex {mode.value}", _ranker(_llamaindex(workbench, mode))


def _ranker(retriever: BaseRetriever) -> Ranker:
    return lambda query: [hit.node_id for hit in retriever.retrieve(query)]


def _turn_off_lifts(workbench: Workbench) -> BaseRetriever:
    return HybridFusionRetriever(
        {"dense": workbench.dense, "bm25": workbench.bm25},
        alpha=workbench.settings.alpha,
        rule=workbench.settings.fusion,
        similarity_top_k=workbench.settings.depth,
        lift_mentions=False,
    )


def _llamaindex(workbench: Workbench, mode: FUSION_MODES) -> BaseRetriever:
    alpha = workbench.settings.alpha
    return QueryFusionRetriever(
        [workbench.dense, workbench.bm25],
        retriever_weights=[alpha, 1.0 - alpha],
        llm=MockLLM(),  # its constructor insists on one; with one query it is never asked
        mode=mode,
        num_queries=1,
        use_async=False,
        similarity_top_k=workbench.settings.depth,
    )


def _scores(ranker: Ranker, dataset: RetrievalDataset) -> dict[str, float]:
    run, _ = run_pipeline(ranker, dataset.queries)
    return rank_metrics(run, dataset.qrels, [METRIC])[METRIC]


def _to_json(interval: Interval) -> dict[str, float]:
    return interval.ends()


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("choose", "report", "identifiers"))
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PROD_RAG_DATA", "../shared/data")))
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--limit", type=int)
    parser.add_argument("--embedding", help=f"embedding model; {OFFLINE}, and for choose both, unless given")
    parser.add_argument("--rerank", action="store_true", help="identifiers: with the reranker as well")
    parser.add_argument("--url", help="identifiers: search an Elasticsearch server there, instead of embedded")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    embedding = given.embedding or OFFLINE
    if given.what == "choose":
        result = choose(given.data, given.sets, given.limit, [embedding] if given.embedding else EMBEDDINGS)
    elif given.what == "report":
        result = report(given.data, given.sets, given.limit, embedding)
    else:
        result = identifiers(given.data, given.sets, embedding, given.rerank, given.url)
    print(json.dumps(result, indent=None if given.json else 2))


if __name__ == "__main__":
    main()
