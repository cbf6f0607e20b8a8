"""Everything the report says, as numbers and strings that JSON takes; the page only lays them out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Any

import numpy as np

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.evaluation.answers import feedback_agreement, is_good, summarize_answers
from llama_index_prod_rag.evaluation.cases import Case, Fetch, digest_log
from llama_index_prod_rag.evaluation.failures import DESCRIPTIONS, FAILURE_STAGES, Places
from llama_index_prod_rag.evaluation.labels import Label
from llama_index_prod_rag.evaluation.ranking import rank_metrics
from llama_index_prod_rag.evaluation.report.evidence import confidence_numbers, score_numbers, split_cases
from llama_index_prod_rag.evaluation.report.trends import trends, usual_times
from llama_index_prod_rag.evaluation.report.worst import Describe, Known, shorten, worst_questions
from llama_index_prod_rag.evaluation.slices import SliceTest, default_slices, evaluate_slices
from llama_index_prod_rag.query_log.record import QueryRecord
from llama_index_prod_rag.significance import Interval, bootstrap_mean, proportion
from llama_index_prod_rag.text.terms import TermStatistics

Numbers = dict[str, Any]
"""JSON values only: no NaN, no dates, no dataclasses."""

RETRIEVAL_METRICS = ("nDCG@10", "recall@10", "MRR@10", "hit_rate@5")
_DEPTH = 10  # all that the metrics above look at
_DRAWS = 20_000_000  # bootstrap draws a figure may cost: two seconds of NumPy
_CONFIGURATIONS = 20  # listed at most, those with the most questions
_EXAMPLES = 5
_TITLE = 80  # characters of an example


@dataclass(slots=True)
class StageRuns:
    """The first places of every list, for questions with labelled passages.

    Attributes:
        qrels: query id -> id -> grade.
        runs: list -> query id -> ids, best first.
    """

    qrels: dict[str, Mapping[str, int]] = field(default_factory=dict)
    runs: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def add(self, record: QueryRecord, places: Places, label: Label | None) -> None:
        """Keep one question's lists; to be called once per question."""
        if label is None or not label.gold:
            return
        self.qrels[record.query_id] = label.relevant
        lists = {**places.legs, "fused": places.fused, "reranked": places.reranked, "shown": places.shown}
        for name, ranks in lists.items():
            if ranks:
                self.runs.setdefault(name, {})[record.query_id] = sorted(ranks, key=lambda id_: ranks[id_])[:_DEPTH]


def report_numbers(
    records: Iterable[QueryRecord],
    fetch: Fetch,
    *,
    labels: Mapping[str, Label] | None = None,
    slices: Mapping[str, SliceTest] | None = None,
    corpus_terms: TermStatistics | None = None,
    title: str = "How questions fared",
    worst: int = 20,
    wrong_cost: float = 1.0,
    describe: Describe | None = None,
    **digest_settings: Any,
) -> Numbers:
    """Compute every number that the report shows.

    Args:
        records: the log, or an evaluation's records; read once. They may come without lists and passages.
        fetch: query id -> the full record, for questions that are attributed to a stage or shown in full.
        labels: query id or question -> what would be right.
        slices: name -> test; None takes the default ones.
        corpus_terms: how often terms occur in the corpus; the default slices tell rare entities by it.
        title: the page's heading.
        worst: how many questions that went wrong are shown in full.
        wrong_cost: what a wrong answer costs in the reward, in units of a correct one.
        describe: tells a passage's file, heading and text where the log does not hold them.
        **digest_settings: `identify`, `corpus`, `metric` and `threshold` of `digest_log`.

    Raises:
        InputError: there are no records.
    """
    runs = StageRuns()
    cases = digest_log(records, labels, fetch=fetch, watch=runs.add, **digest_settings)
    if not cases:
        raise InputError("there is nothing to report: the log holds no question in this period")
    times = usual_times(cases)
    judged = [case for case in cases if case.good is not None]
    split = split_cases(cases)
    known = Known(labels or {}, digest_settings.get("identify", Known().identify), describe or Known().describe)
    questions = {case.query_id: case.query for case in judged}
    if slices is None:
        slices = default_slices(TermStatistics.from_texts(case.query for case in cases), corpus_terms)
    found: Numbers = _to_json(
        {
            "title": title,
            "generated": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "period": {"from": min(times).isoformat(), "to": max(times).isoformat()} if times else None,
            "misdated": sum(case.time is not None for case in cases) - len(times),
            "questions": len(cases),
            "judged": {"n": len(judged), **Counter(case.basis for case in judged)},
            "good": _interval(proportion(sum(bool(case.good) for case in judged), len(judged))) if judged else None,
            "decisions": dict(Counter(case.decision or "none" for case in cases)),
            "broken": sum(case.broken for case in cases),
            "degraded": sum(case.degraded for case in cases),
            "answers": _answers(cases, wrong_cost),
            "texts": {},
            "feedback": _feedback(cases),
            "retrieval": _retrieval(runs),
            "timings": _timings(cases),
            "split": {"by": split.by, "yes": sum(split.yes), "no": len(split.yes) - sum(split.yes)},
            **confidence_numbers(split),
            "scores": score_numbers(split),
            "stages": [_with_questions(row, questions) for row in _stages(judged)],
            "slices": [
                _with_questions(asdict(row), questions) for row in evaluate_slices(cases, slices, examples=_EXAMPLES)
            ],
            "worst": worst_questions(judged, fetch, worst, known),
            "trends": trends(cases),
            "configurations": _configurations(cases),
        }
    )
    return found


def _interval(interval: Interval | None) -> Numbers | None:
    return None if interval is None else {key: getattr(interval, key) for key in ("mean", "low", "high", "n")}


def _to_json(value: Any) -> Any:  # noqa: ANN401 - JSON values
    """Drop what JSON has no word for: NaN becomes None, tuples lists."""
    if isinstance(value, Mapping):
        return {key: _to_json(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_json(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _with_questions(row: Numbers, questions: Mapping[str, str]) -> Numbers:
    """Name examples by their questions too: people recognise those, the log finds ids."""
    return {
        **row,
        "examples": [{"query_id": id_, "query": shorten(questions[id_], _TITLE)} for id_ in row["examples"]],
    }


def _answers(cases: Sequence[Case], wrong_cost: float) -> Numbers | None:
    graded = [(case.decision or "none", case.outcome) for case in cases if case.outcome is not None]
    if not graded:
        return None
    summary = summarize_answers([outcome for _, outcome in graded], wrong_cost=wrong_cost)
    # A hedge counts as an answer; apart, it can be judged by who reads the page.
    by_decision = {
        decision: dict(Counter(outcome for taken, outcome in graded if taken == decision))
        for decision in sorted({decision for decision, _ in graded})
    }
    return {**asdict(summary), "by_decision": by_decision}


def _feedback(cases: Sequence[Case]) -> Numbers | None:
    rated = [(case, case.helpful) for case in cases if case.helpful is not None]
    if not rated:
        return None
    both = [(is_good(case.outcome), helpful) for case, helpful in rated if case.outcome is not None]
    by_decision: dict[str, list[bool]] = {}
    for case, helpful in rated:
        by_decision.setdefault(case.decision or "none", []).append(helpful)
    return {
        "n": len(rated),
        "helpful": _interval(proportion(sum(helpful for _, helpful in rated), len(rated))),
        "by_decision": {
            decision: _interval(proportion(sum(votes), len(votes))) for decision, votes in sorted(by_decision.items())
        },
        "agreement_with_labels": _to_json(asdict(feedback_agreement(*map(list, zip(*both, strict=True)))))
        if both
        else None,
    }


def _retrieval(runs: StageRuns) -> Numbers | None:
    if not runs.qrels:
        return None
    resamples = max(200, min(2000, _DRAWS // len(runs.qrels)))
    table: Numbers = {}
    for name, run in runs.runs.items():
        values = rank_metrics(run, runs.qrels, RETRIEVAL_METRICS)
        table[name] = {
            metric: _interval(bootstrap_mean(by_query, resamples=resamples)) for metric, by_query in values.items()
        }
    return table


def _timings(cases: Sequence[Case]) -> list[Numbers]:
    by_stage: dict[str, list[float]] = {}
    for case in cases:
        for stage, seconds in case.seconds.items():
            if math.isfinite(seconds):
                by_stage.setdefault(stage, []).append(seconds)
    rows = []
    for stage, values in by_stage.items():
        median, high = np.quantile(values, [0.5, 0.95])
        rows.append({"stage": stage, "n": len(values), "p50": float(median), "p95": float(high)})
    return sorted(rows, key=lambda row: row["stage"] == "total")


def _stages(judged: Sequence[Case]) -> list[Numbers]:
    failed = [case for case in judged if not case.good]
    rows = []
    for stage in (*FAILURE_STAGES, None):
        here = [case for case in failed if case.stage == stage]
        if here or stage is not None:
            rows.append(
                {
                    "stage": stage or "unknown",
                    "description": DESCRIPTIONS[stage] if stage else "what was logged cannot say",
                    "n": len(here),
                    "share": len(here) / len(failed) if failed else 0.0,
                    "from_labels": sum(case.basis == "labels" for case in here),
                    "examples": [case.query_id for case in here[:_EXAMPLES]],
                }
            )
    return rows


def _configurations(cases: Sequence[Case]) -> list[Numbers]:
    by_hash: dict[str, list[Case]] = {}
    for case in cases:
        by_hash.setdefault(case.config_hash, []).append(case)
    rows = []
    for config, group in by_hash.items():
        verdicts = [case.good for case in group if case.good is not None]
        rows.append(
            {
                "config_hash": config,
                "n": len(group),
                "good": _interval(proportion(sum(verdicts), len(verdicts))) if verdicts else None,
            }
        )
    return sorted(rows, key=lambda row: -int(str(row["n"])))[:_CONFIGURATIONS]
