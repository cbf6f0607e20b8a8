"""Precision, recall, nDCG, MRR, MAP and hit rate, computed by trec_eval through ir-measures.

Own arithmetic would have to be defended; trec_eval is what the field's published numbers come from. What this module
adds is what a user's data trips over: empty lists, duplicates, ties, queries that never ran, and everyday names.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from llama_index_prod_rag.errors import ConfigurationError, InputError, MissingExtraError

if TYPE_CHECKING:
    from ir_measures.measures import Measure

Ranking: TypeAlias = "Mapping[str, float] | Sequence[str]"
"""What was retrieved for one query: document id -> score, or document ids from best to worst."""

Qrels: TypeAlias = Mapping[str, Mapping[str, int]]
"""Query id -> document id -> grade; 0 or less is judged not relevant."""

DEFAULT_METRICS = ("nDCG@10", "R@100", "P@5", "MRR@10", "MAP@100", "hit_rate@5")
"""What `prod-rag evaluate retrieval` shows unless asked otherwise."""

_EVERYDAY_NAMES = {
    "ndcg": "nDCG",
    "mrr": "RR",
    "map": "AP",
    "recall": "R",
    "precision": "P",
    "hit_rate": "Success",
    "hitrate": "Success",
    "hit": "Success",
}


def rank_metrics(
    run: Mapping[str, Ranking], qrels: Qrels, metrics: Sequence[str] = DEFAULT_METRICS
) -> dict[str, dict[str, float]]:
    """Score rankings against graded judgments, with a value per query and metric.

    Every query of `qrels` gets a value: one with an empty list, or without a list, scores 0. Queries without
    judgments are left out. A document that occurs twice counts once, at its best place. A list of ids keeps its
    order; tied scores are ordered as trec_eval orders them, by document id descending.

    Args:
        run: query id -> ranking.
        qrels: query id -> document id -> grade.
        metrics: names in ir-measures' notation (`nDCG@10`, `P@5`, `RR@10`, `AP@100`, `Success@5`, `Rprec`), or in
            everyday words with a cutoff (`recall@100`, `precision@5`, `mrr@10`, `map@100`, `hit_rate@5`).

    Returns:
        Metric, named as asked for -> query id -> value in [0, 1].

    Raises:
        ConfigurationError: a metric is unknown, or its cutoff is missing.
        InputError: a score is NaN.
        MissingExtraError: the `eval` extra is not installed.

    Examples:
        >>> qrels = {"q1": {"a": 1, "b": 1}, "q2": {"c": 1}}
        >>> rank_metrics({"q1": ["a", "x", "a"], "q2": []}, qrels, ["recall@3", "mrr@3"])
        {'recall@3': {'q1': 0.5, 'q2': 0.0}, 'mrr@3': {'q1': 1.0, 'q2': 0.0}}
    """
    try:
        import ir_measures
    except ImportError as error:
        raise MissingExtraError("ranking metrics", extra="eval") from error
    measures = {name: parse_metric(name) for name in metrics}
    values = {name: dict.fromkeys(qrels, 0.0) for name in measures}
    # trec_eval keeps scores as 32-bit floats: places from 1 stay apart where close scores would tie.
    ranked = {query: _by_place(query, run[query]) for query in qrels if run.get(query)}
    # ir-measures refuses an empty run, and pytrec_eval takes no negative grade; neither changes a value.
    judged = {query: {doc: max(grade, 0) for doc, grade in qrels[query].items()} for query in ranked if qrels[query]}
    if not judged or not measures:
        return values
    by_measure: dict[str, dict[str, float]] = {str(measure): {} for measure in measures.values()}
    for result in ir_measures.iter_calc(set(measures.values()), judged, {query: ranked[query] for query in judged}):
        by_measure[str(result.measure)][result.query_id] = float(result.value)
    for name, measure in measures.items():
        values[name].update(by_measure[str(measure)])
    return values


def parse_metric(name: str) -> Measure:
    """An ir-measures measure by its own notation or by its everyday name.

    Raises:
        ConfigurationError: the name means nothing, or lacks the cutoff it needs.

    Examples:
        >>> parse_metric("hit_rate@5"), parse_metric("nDCG@10")
        (Success@5, nDCG@10)
    """
    head, at, cutoff = name.partition("@")
    try:
        measure = _read_notation(_EVERYDAY_NAMES.get(head.lower(), head), at + cutoff)
        measure.validate_params()  # type: ignore[no-untyped-call]
    except (NameError, ValueError, AssertionError, SyntaxError, TypeError, KeyError, AttributeError) as error:
        raise ConfigurationError(
            f"unknown metric {name!r}: write nDCG@10, recall@100, precision@5, mrr@10, map@100 or hit_rate@5"
        ) from error
    return measure


def _read_notation(measure: str, cutoff: str) -> Measure:
    """Read ir-measures' notation; its own parser asks for classes of `ast` that Python 3.14 no longer has."""
    import ir_measures

    known: Measure | None = ir_measures.measures.registry.get(measure)
    if known is None or not re.fullmatch(r"@[0-9]+", cutoff):
        return ir_measures.parse_measure(measure + cutoff)
    return known @ int(cutoff[1:])


def _by_place(query: str, ranking: Ranking) -> dict[str, float]:
    if isinstance(ranking, Mapping):
        if any(math.isnan(score) for score in ranking.values()):
            raise InputError(f"query {query!r}: a score is NaN; leave out documents that have no score")
        ordered = sorted(sorted(ranking, reverse=True), key=lambda doc: ranking[doc], reverse=True)
    else:
        ordered = list(dict.fromkeys(ranking))
    return {doc: float(len(ordered) - place) for place, doc in enumerate(ordered)}
