"""Retrieval pipelines compared on one labelled collection, with intervals and paired differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from llama_index_prod_rag.evaluation.pipelines import Workbench, run_pipeline
from llama_index_prod_rag.evaluation.ranking import rank_metrics
from llama_index_prod_rag.significance import Interval, bootstrap_mean, paired_difference

METRICS = ("nDCG@10", "recall@10", "recall@100", "MRR@10", "MAP@100", "P@1")
"""What `prod-rag evaluate retrieval` prints."""


@dataclass(frozen=True, slots=True)
class RetrievalReport:
    """Compares pipelines that were asked the same queries.

    Attributes:
        dataset: name of the collection.
        queries: number of queries.
        documents: number of documents.
        settings: of the pipelines.
        pipelines: pipeline -> metric -> mean over the queries with its interval.
        differences: every pipeline but the first -> metric -> mean difference to the first, paired.
        seconds: pipeline -> wall time of all its queries. Vectors and pair scores may come from the disk cache, so
            this is not a measurement of speed.
    """

    dataset: str
    queries: int
    documents: int
    settings: Mapping[str, Any]
    pipelines: Mapping[str, Mapping[str, Interval]]
    differences: Mapping[str, Mapping[str, Interval]]
    seconds: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Turn the report into what JSON holds."""
        return {
            "dataset": self.dataset,
            "queries": self.queries,
            "documents": self.documents,
            "settings": dict(self.settings),
            "pipelines": _to_json(self.pipelines),
            "differences": _to_json(self.differences),
            "seconds": dict(self.seconds),
        }


def measure_retrieval(
    workbench: Workbench,
    names: Sequence[str],
    *,
    metrics: Sequence[str] = METRICS,
    progress: Callable[[int], None] = lambda _: None,
) -> RetrievalReport:
    """Run pipelines over a collection's queries.

    Args:
        workbench: the collection and the pipelines' settings.
        names: the pipelines, the baseline first; a repeated name counts once.
        metrics: as `rank_metrics` takes them.
        progress: called with 1 after each query of each pipeline.

    Raises:
        ConfigurationError: a pipeline or metric is unknown.
        MissingExtraError: the `eval` extra is not installed.
    """
    names = list(dict.fromkeys(names))
    rankers = {name: workbench.ranker(name) for name in names}
    dataset = workbench.dataset
    values: dict[str, dict[str, dict[str, float]]] = {}
    seconds: dict[str, float] = {}
    for name, ranker in rankers.items():
        run, seconds[name] = run_pipeline(ranker, dataset.queries, progress=progress)
        values[name] = rank_metrics(run, dataset.qrels, metrics)
    baseline = values[names[0]]
    return RetrievalReport(
        dataset.name,
        len(dataset.queries),
        len(dataset.documents),
        asdict(workbench.settings),
        {name: {metric: bootstrap_mean(values[name][metric]) for metric in metrics} for name in names},
        {
            name: {metric: paired_difference(baseline[metric], values[name][metric]) for metric in metrics}
            for name in names[1:]
        },
        seconds,
    )


def _to_json(intervals: Mapping[str, Mapping[str, Interval]]) -> dict[str, dict[str, dict[str, float]]]:
    return {name: {metric: i.ends() for metric, i in by_metric.items()} for name, by_metric in intervals.items()}
