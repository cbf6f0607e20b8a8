"""What a handful of labels is worth: weights tuned on random draws of queries, measured on the others."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from llama_index.core.schema import NodeWithScore
from numpy.typing import NDArray

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.evaluation.pipelines import Workbench
from llama_index_prod_rag.fusion.normalizers import find_bounds
from llama_index_prod_rag.fusion.rules import ConvexCombination, parse_rule
from llama_index_prod_rag.fusion.tuning import MIN_LABELS, PRIOR, LabeledQuery, WeightTable
from llama_index_prod_rag.postprocessor.blending import CROSS_ENCODER
from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
from llama_index_prod_rag.significance import Interval
from llama_index_prod_rag.trace.records import RerankRecord, RetrievalRecord
from llama_index_prod_rag.trace.scored_node import ScoredNode

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TunedResult:
    """Tells what tuning with one number of labels gave.

    Attributes:
        tuned: mean over the draws of nDCG@10 on the queries that were not drawn, with the span that holds 95 % of the
            draws.
        default: the same queries under the shipped weights.
        dense: the same queries under the dense leg alone.
        kept_default: share of draws in which held-out labels spoke against any other weights.
    """

    tuned: Interval
    default: float
    dense: float
    kept_default: float


@dataclass(frozen=True, slots=True)
class TuningStudy:
    """Tells how tuned weights fare on one collection, by the number of labels they were tuned on.

    Attributes:
        dataset: its name.
        queries: number of queries.
        draws: random draws for each number of labels.
        fixed: `dense`, `bm25` and `default` (and `hybrid` where the pair score is a third leg) -> nDCG@10 over all
            queries.
        tuned: number of labels -> what they gave.
    """

    dataset: str
    queries: int
    draws: int
    fixed: Mapping[str, float]
    tuned: Mapping[int, TunedResult]

    def to_dict(self) -> dict[str, Any]:
        """Turn the study into what JSON holds."""
        return {
            "dataset": self.dataset,
            "queries": self.queries,
            "draws": self.draws,
            "fixed": {name: self.fixed[name] for name in ("dense", "bm25", "default")},
            "tuned": {
                str(labels): {
                    "mean": result.tuned.mean,
                    "low": result.tuned.low,
                    "high": result.tuned.high,
                    "default": result.default,
                    "dense": result.dense,
                }
                for labels, result in self.tuned.items()
            },
        }


def labeled_query(
    hits: Sequence[NodeWithScore], relevant: Mapping[str, int], reranker: CrossEncoderRerank | None = None
) -> LabeledQuery:
    """What the tuner needs, from the records that hits carry; without legs where nothing was found.

    The pair scores of a reranker become a leg of their own, min-max normalised over the candidates as
    `CrossEncoderRerank` does. Then only the candidates take part: nothing else can be returned.

    Args:
        hits: what retrieval, or reranking, returned for one query.
        relevant: node id -> grade.
        reranker: what reranked them; it knows the weights that the query has untuned.
    """
    first = next((hit for hit in hits if isinstance(hit, ScoredNode) and hit.retrieval is not None), None)
    if first is None or first.retrieval is None:
        return LabeledQuery({}, relevant)
    retrieval = first.retrieval
    legs, bounds, default = _scores(retrieval), dict(retrieval.bounds), dict(retrieval.weights)
    if first.rerank is not None and reranker is not None:
        legs, pairs = _candidates(legs, first.rerank), dict(first.rerank.logits)
        legs[CROSS_ENCODER], bounds[CROSS_ENCODER] = pairs, find_bounds("min-max", pairs.values())
        default = _with_pair_score(default, reranker)
    return LabeledQuery(legs, relevant, bounds, default, retrieval.lifts)


def mean_default(queries: Sequence[LabeledQuery]) -> dict[str, float]:
    """The weights that the queries have untuned, averaged; empty where no query has any."""
    defaults = [query.default for query in queries if query.default]
    legs = dict.fromkeys(leg for default in defaults for leg in default)
    return {leg: math.fsum(default.get(leg, 0.0) for default in defaults) / len(defaults) for leg in legs}


def _with_pair_score(weights: Mapping[str, float], reranker: CrossEncoderRerank) -> dict[str, float]:
    if isinstance(reranker.weights, dict):
        return reranker.weights
    share = 1.0 if reranker.weights == CROSS_ENCODER else reranker.blend
    return {leg: (1.0 - share) * weight for leg, weight in weights.items()} | {CROSS_ENCODER: share}


def _scores(record: RetrievalRecord) -> dict[str, dict[str, float]]:
    return {
        leg: {**{node: hit.score for node, hit in hits.items()}, **record.completed.get(leg, {})}
        for leg, hits in record.legs.items()
    }


def _candidates(legs: Mapping[str, Mapping[str, float]], record: RerankRecord) -> dict[str, dict[str, float]]:
    return {leg: {node: s for node, s in scores.items() if node in record.logits} for leg, scores in legs.items()}


def study_tuning(
    workbench: Workbench,
    labels: Sequence[int],
    *,
    draws: int = 100,
    rerank: bool = False,
    prior: float = PRIOR,
    seed: int = 0,
    progress: Callable[[int], None] = lambda _: None,
) -> TuningStudy:
    """Tune on random draws of queries and measure on the others, every pipeline on the same ones.

    Args:
        workbench: the collection and its pipelines.
        labels: numbers of labelled queries to draw.
        draws: how many times each.
        rerank: tune the weight of the pair score as well.
        prior: how many labels the default is worth.
        seed: of the draws.
        progress: called with 1 after each query.

    Raises:
        ConfigurationError: every number of labels leaves no query to measure on, or is too small to tune on. One
            that leaves none beside others that do is left out, with a warning.
    """
    dataset = workbench.dataset
    labels = _drop_impossible(labels, len(dataset.queries))
    retrieved, reranked = _ask_all(workbench, rerank, progress)
    rule, floors = parse_rule(workbench.settings.fusion), workbench.hybrid.floors
    plain = WeightTable.build(retrieved, default=workbench.hybrid.weights, rule=rule, floors=floors)
    table = WeightTable.build(reranked, default=mean_default(reranked), rule=rule, floors=floors) if rerank else plain
    every = np.arange(len(retrieved))
    # A leg alone is its own order; the rule's bounds would clip its best hits into ties.
    unclipped = [LabeledQuery(query.legs, query.relevant) for query in retrieved]
    alone = WeightTable.build(unclipped, default=workbench.hybrid.weights, rule=ConvexCombination("min-max"))
    fixed = {leg: alone.at(every, alone.only(leg)) for leg in alone.legs} | {"default": table.untuned}
    if rerank:
        fixed["hybrid"] = plain.untuned
    return TuningStudy(
        dataset.name,
        len(every),
        draws,
        {name: float(values.mean()) for name, values in fixed.items()},
        {count: _study(table, fixed, count, draws, prior=prior, seed=seed) for count in labels},
    )


def _ask_all(
    workbench: Workbench, rerank: bool, progress: Callable[[int], None]
) -> tuple[list[LabeledQuery], list[LabeledQuery]]:
    """Every query retrieved, and where that is asked for, reranked."""
    retrieved: list[LabeledQuery] = []
    reranked: list[LabeledQuery] = []
    for query_id, text in workbench.dataset.queries.items():
        hits, relevant = workbench.hybrid.retrieve(text), workbench.dataset.qrels[query_id]
        retrieved.append(labeled_query(hits, relevant))
        if rerank:
            candidates = hits[: workbench.settings.rerank_depth]
            best = workbench.reranker.postprocess_nodes(candidates, query_str=text)
            reranked.append(labeled_query(best, relevant, workbench.reranker))
        progress(1)
    return retrieved, reranked


def _drop_impossible(labels: Sequence[int], queries: int) -> list[int]:
    if min(labels) < MIN_LABELS:
        raise ConfigurationError(f"{min(labels)} labels are too few to tune on: ask for at least {MIN_LABELS}")
    possible = [count for count in labels if count < queries]
    if not possible:
        raise ConfigurationError(f"{min(labels)} labels of {queries} queries leave none to measure on: ask for fewer")
    if left_out := sorted({*labels} - {*possible}):
        _log.warning("%s labels of %d queries leave none to measure on: left out", left_out, queries)
    return possible


def _study(
    table: WeightTable, fixed: Mapping[str, NDArray[np.float64]], count: int, draws: int, *, prior: float, seed: int
) -> TunedResult:
    rng = np.random.default_rng([seed, count])
    tuned, default, dense, kept = [], [], [], 0
    for draw in range(draws):
        drawn, rest = np.split(rng.permutation(len(table.values)), [count])
        tuning = table.tune(drawn, prior=prior, seed=draw)
        weights = np.asarray([tuning.weights[leg] for leg in table.legs])
        tuned.append((table.untuned[rest] if tuning.kept_default else table.at(rest, weights)).mean())
        default.append(fixed["default"][rest].mean())
        dense.append(fixed["dense"][rest].mean())
        kept += tuning.kept_default
    low, high = np.quantile(tuned, [0.025, 0.975])
    interval = Interval(float(np.mean(tuned)), float(low), float(high), draws)
    return TunedResult(interval, float(np.mean(default)), float(np.mean(dense)), kept / draws)
