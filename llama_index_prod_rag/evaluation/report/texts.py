"""How close the written answers come to the reference answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llama_index_prod_rag.evaluation.answer_metrics import ANSWER_METRICS
from llama_index_prod_rag.evaluation.labels import Label
from llama_index_prod_rag.query_log.record import QueryRecord
from llama_index_prod_rag.significance import bootstrap_mean


def text_scores(
    records: Mapping[str, QueryRecord], labels: Mapping[str, Label], *, bert: bool = False
) -> dict[str, dict[str, Any]]:
    """Means over questions that can be answered and were.

    Args:
        records: query id -> record.
        labels: query id -> label with references.
        bert: compute BERTScore too, with the offline weights.

    Returns:
        Metric -> mean, low, high, n; empty where no such question is.

    Raises:
        MissingExtraError: the `eval` extra is not installed.
    """
    pairs = [
        (record.answer, labels[id_].references)
        for id_, record in records.items()
        if record.answer is not None and record.decision != "refuse" and id_ in labels
        if labels[id_].can_be_answered and labels[id_].references
    ]
    if not pairs:
        return {}
    values = {
        name: [metric(answer, references) for answer, references in pairs] for name, metric in ANSWER_METRICS.items()
    }
    if bert:
        from llama_index_prod_rag.evaluation.semantic import BertScorer

        scores = BertScorer().score([answer for answer, _ in pairs], [references for _, references in pairs])
        values["bertscore_f1"] = [score.f1 for score in scores]
    intervals = {name: bootstrap_mean(per_query, resamples=2000) for name, per_query in values.items()}
    return {
        name: {"mean": interval.mean, "low": interval.low, "high": interval.high, "n": interval.n}
        for name, interval in intervals.items()
    }
