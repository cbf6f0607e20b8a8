"""How well the gate tells evidence from its absence: near (evidence removed) and far (another collection's questions).

    python -m benchmarks.gate [--data DIR ...] [--limit N] --json

Any folder in BEIR layout or with `data.jsonl`, its path or its name in the data folder; without one, five public sets.
`calibrated` is fitted on the set's own train questions, starting from a head of the other sets given (`other_sets`,
which has seen none of this set; the shipped default where only one set is given), and reported on its test questions.
`default` is the shipped calibration. What `calibrated` knows of questions about something else comes from the other
sets.
`far` borrows the questions of the next set given, or of a shared one where there is no other.

`coverage_at_95` is what a goal of 95 % precision leaves of the questions, `labels_at_95` what the threshold rests on: a
promise from the set's `own` labels or from all sets' labels `pooled`, or where they are too few an estimate.

Labels: `auroc`, `refused_at_5` and `aurc`/`nauc` ask whether the collection still holds the evidence; `ece`,
`brier_skill`, `coverage_at_95` and `precision_at_95` ask what a user would ask, whether a passage shown is evidence.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gate_cases import Case, Question, Retrieval, Task, load_task
from llama_index_prod_rag.confidence.assessment import Status
from llama_index_prod_rag.confidence.calibrated import default_calibration
from llama_index_prod_rag.confidence.calibration import Calibration, Example
from llama_index_prod_rag.confidence.fitting import calibrate
from llama_index_prod_rag.confidence.guarantees import Method, bound_false_refusals
from llama_index_prod_rag.confidence.signals import compute_signals, group_of
from llama_index_prod_rag.confidence.textbook import TextbookAssessor
from llama_index_prod_rag.errors import CalibrationError, InputError
from llama_index_prod_rag.evaluation.selective import reliability, risk_coverage
from llama_index_prod_rag.significance import auroc

_log = logging.getLogger(__name__)
SHARED = Path(os.environ.get("PROD_RAG_DATA", "../shared/data"))
_SETS = ("scifact", "cranfield", "rag/hotpotqa", "rag/clapnq_dev", "rag/squad2_dev_sample")
_ECE_BINS = 5
_PRECISION = 0.95
_FALSE_REFUSALS = 0.05
_SPLITS = 200
_FAR = 25  # questions about something else from each set, as in the shipped calibration
_ORDER: dict[Status, int] = {
    "no_results": 0, "low_confidence": 1, "topic_drift": 2, "uncertain": 2, "ambiguous": 2, "healthy": 3
}  # fmt: skip

Confidence = Callable[[Case], float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", help="a set; repeatable")
    parser.add_argument("--limit", type=int, default=300, help="most questions of each split")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    try:
        folders = [one if one.is_dir() else SHARED / one for one in chosen.data or map(Path, _SETS)]
        report = {"datasets": measure(folders, chosen.limit), "limit": chosen.limit}
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(report, indent=None if chosen.json else 1, allow_nan=False))
    return 0


def measure(folders: Sequence[Path], limit: int | None) -> dict[str, Any]:
    """Figures by set."""
    tasks = [load_task(folder, limit=limit) for folder in folders]
    names = _names(folders)
    found: dict[str, Any] = {}
    trained: dict[str, list[Example]] = {}
    tested: dict[str, tuple[list[Case], list[Case]]] = {}
    far: dict[str, list[dict[str, float]]] = {}
    for place, (name, task) in enumerate(zip(names, tasks, strict=True)):
        _log.info("%s: %d documents", name, len(task.documents))
        retrieval = Retrieval(task)
        trained[name] = [example(case) for case in retrieval.cases(task.train)]
        strangers = _strangers(tasks, place, folders)
        if len(tasks) > 1:
            far[name] = far_rows(retrieval, tasks[(place + 1) % len(tasks)], _FAR)
        tested[name] = retrieval.cases(task.test), retrieval.cases(strangers)
        _log.info("%s: %d train and %d test cases, %d far", name, len(trained[name]), len(task.test), len(strangers))
    for name in names:
        others = [row for other in names if other != name for row in trained[other]]
        strange = tuple(row for other, rows in far.items() if other != name for row in rows)
        found[name] = _figures(trained[name], *tested[name], others=others, far=strange)
    return found


def _names(folders: Sequence[Path]) -> list[str]:
    short = [folder.resolve().name for folder in folders]
    return [
        name if short.count(name) == 1 else "/".join(folder.resolve().parts[-2:])
        for name, folder in zip(short, folders, strict=True)
    ]


def _strangers(tasks: Sequence[Task], place: int, folders: Sequence[Path]) -> list[Question]:
    if len(tasks) > 1:
        other = tasks[(place + 1) % len(tasks)]
    else:
        known = [SHARED / name for name in ("cranfield", "cosqa") if name != folders[place].resolve().name]
        other = load_task(known[0], limit=len(tasks[place].test))
    return [Question(f"far:{q.id}", q.text, answerable=False) for q in other.test[: len(tasks[place].test)]]


def far_rows(retrieval: Retrieval, other: Task, number: int) -> list[dict[str, float]]:
    """What heads look at in another set's train questions, for `Calibration.far`."""
    questions = {question.id: Question(f"far:{question.id}", question.text) for question in other.train}
    asked = retrieval.cases(list(questions.values())[:number])
    return [
        {name: round(value, 4) for name, value in compute_signals(case.evidence).items() if group_of(name)}
        for case in asked
    ]


def example(case: Case) -> Example:
    """A case as a label: is a passage shown evidence?"""
    return Example(compute_signals(case.evidence), case.found)


def _figures(
    train: Sequence[Example],
    near: Sequence[Case],
    strangers: Sequence[Case],
    *,
    others: Sequence[Example],
    far: tuple[dict[str, float], ...],
) -> dict[str, Any]:
    elsewhere = _or_none(calibrate, others) if others else default_calibration()
    if others and elsewhere is not None:
        elsewhere = replace(elsewhere, far=far)
    heads = {"calibrated": _or_none(lambda own: calibrate(own, prior=elsewhere), train), "other_sets": elsewhere}
    heads["default"] = default_calibration()
    asked = [case for case in near if case.question.answerable] + list(strangers)
    figures: dict[str, Any] = {"near": {"n": len(near), "positives": sum(c.question.answerable for c in near)}}
    figures["far"] = {"n": len(asked)}
    for domain, cases in (("near", near), ("far", asked)):
        for name, head in heads.items():
            if head is not None:
                figures[domain][name] = _of_head(head, cases)
        figures[domain]["textbook"] = ranking(_textbook, cases)
        figures[domain]["signals"] = _of_signals(cases)
    figures["near"]["calibrated"].update(_with_precision(train, others, elsewhere, near))
    figures["near"]["false_refusals"] = _over_splits(elsewhere, [*train, *map(example, near)])
    figures["near"]["nauc_ndcg10"] = _nauc_ndcg(heads["calibrated"], near)
    return figures


def _or_none(fit: Callable[[Sequence[Example]], Calibration], examples: Sequence[Example]) -> Calibration | None:
    try:
        return fit(examples)
    except CalibrationError as error:
        _log.warning("not calibrated: %s", error)
        return None


def probability(calibration: Calibration, case: Case) -> float:
    """The calibrated probability; 0 where no head fits, as nothing would be answered."""
    signals = compute_signals(case.evidence)
    head = calibration.head_for(signals)
    return head.probability(signals) if head is not None else 0.0


def _of_head(calibration: Calibration, cases: Sequence[Case]) -> dict[str, Any]:
    confidences = [probability(calibration, case) for case in cases]
    found = [case.found for case in cases]
    fit = reliability(confidences, found, bins=_ECE_BINS)
    base = float(np.mean(found))
    return {
        **ranking(lambda case: probability(calibration, case), cases),
        "auroc_shown": auroc(confidences, found),
        "ece": fit.ece,
        "ece_floor": fit.ece_floor,
        "brier_skill": 1.0 - fit.brier / (base * (1.0 - base)) if 0.0 < base < 1.0 else None,
    }


def ranking(confidence: Confidence, cases: Sequence[Case]) -> dict[str, Any]:
    """How well a confidence ranks questions with evidence before those without."""
    values = [confidence(case) for case in cases]
    there = [case.question.answerable for case in cases]
    curve = risk_coverage(values, there)
    return {
        "auroc": auroc(values, there),
        "aurc": curve.aurc,
        "nauc": curve.normalized,
        "refused_at_5": _measure_refused(values, there),
    }


def _measure_refused(values: Sequence[float], there: Sequence[bool]) -> float:
    """Share of the questions without evidence below a threshold that refuses at most 5 % of the others."""
    good = np.sort([value for value, is_there in zip(values, there, strict=True) if is_there])
    threshold = good[int(_FALSE_REFUSALS * len(good))]
    return float(np.mean([value < threshold for value, is_there in zip(values, there, strict=True) if not is_there]))


def _textbook(case: Case) -> float:
    if not case.evidence.passages:
        return 0.0
    assessment = TextbookAssessor().assess(case.evidence)
    return _ORDER[assessment.status] + (assessment.confidence or 0.0)


def _of_signals(cases: Sequence[Case]) -> dict[str, float]:
    rows = [(compute_signals(case.evidence), case.question.answerable) for case in cases]
    figures: dict[str, float] = {}
    for name in sorted(set().union(*(signals for signals, _ in rows))):
        measured = [(signals[name], there) for signals, there in rows if name in signals]
        area = auroc([value for value, _ in measured], [there for _, there in measured])
        if area is not None:
            figures[name] = area
    return figures


def _with_precision(
    train: Sequence[Example], others: Sequence[Example], prior: Calibration | None, near: Sequence[Case]
) -> dict[str, Any]:
    """Promise a precision from the set's own labels, or from all sets' labels together, or else only estimate it."""
    figures: dict[str, Any] = {"coverage_at_95": 0.0, "precision_at_95": None, "labels_at_95": None}
    tries: tuple[tuple[str, Sequence[Example], Calibration | None, Method], ...] = (
        ("own", train, prior, "high-confidence"),
        ("pooled", [*train, *others], None, "high-confidence"),
        ("own, estimated", train, prior, "estimate"),
    )
    for labels, examples, start, method in tries:
        try:
            calibration = calibrate(examples, prior=start, min_answer_precision=_PRECISION, method=method)
        except CalibrationError as error:
            figures["why_no_precision"] = str(error)
            continue
        answered = [case.found for case in near if _answers(calibration, case)]
        if answered:
            share = len(answered) / len(near)
            return {
                "coverage_at_95": share,
                "precision_at_95": float(np.mean(answered)),
                "answered_at_95": len(answered),
                "labels_at_95": labels,
            }
    return figures


def _answers(calibration: Calibration, case: Case) -> bool:
    signals = compute_signals(case.evidence)
    head = calibration.head_for(signals)
    return head is not None and head.probability(signals) >= head.answer_from


def _over_splits(calibration: Calibration | None, examples: Sequence[Example]) -> dict[str, Any] | None:
    """How often a threshold from half of the questions refuses more than it promised on the other half.

    The head is one that has seen none of these questions, so all of them may take part.
    """
    if calibration is None:
        return None
    scored = ((calibration.head_for(row.signals), row.signals) for row in examples if row.good)
    good = np.array([head.probability(signals) for head, signals in scored if head is not None])
    generator = np.random.default_rng(0)
    exceeded, rates = 0, []
    for _ in range(_SPLITS):
        order = generator.permutation(len(good))
        labeled, rest = good[order[::2]], good[order[1::2]]
        try:
            threshold = bound_false_refusals(labeled.tolist(), at_most=_FALSE_REFUSALS).threshold
        except CalibrationError as error:
            return {"splits": 0, "why_not": str(error)}
        rate = float((rest < threshold).mean())
        margin = 1.645 * (_FALSE_REFUSALS * (1 - _FALSE_REFUSALS) / len(rest)) ** 0.5
        rates.append(rate)
        exceeded += rate > _FALSE_REFUSALS + margin
    return {"splits": _SPLITS, "exceeded": exceeded / _SPLITS, "mean_rate": float(np.mean(rates))}


def _nauc_ndcg(calibration: Calibration | None, near: Sequence[Case]) -> float | None:
    """Abstention over nDCG@10 as MTEB defines it, on the questions whose evidence is in the collection."""
    cases = [case for case in near if case.question.answerable]
    if calibration is None or len(cases) < 10:
        return None
    gains = np.array([case.ndcg for case in cases])
    confidences = np.array([probability(calibration, case) for case in cases])

    def area(order: Iterable[int]) -> float:
        kept = gains[list(order)]
        return float(np.mean([kept[int(rate * len(kept)) :].mean() for rate in np.arange(10) / 10]))

    oracle, flat = area(np.argsort(gains)), float(gains.mean())
    return (area(np.argsort(confidences)) - flat) / (oracle - flat) if oracle > flat else None


if __name__ == "__main__":
    raise SystemExit(main())
