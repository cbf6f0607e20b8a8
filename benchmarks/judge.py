"""What one more look before a hedge is worth: coverage and precision with judges of known accuracy, and without one.

    python -m benchmarks.judge [--data DIR ...] [--limit N] [--read N] --json

Test questions of five public sets, half of them without their evidence, judged by the shipped calibration. A scripted
judge rules on each hedge and is right in .75, .87 or .93 of the cases, each question drawn for itself (the mean over
`--draws` draws). `fitted` weighs its rulings by what train questions taught, the others as of a judge that no label
knows: its yes counts little, and its no leaves the hedge.
`answered`, `hedged`, `refused` are shares of all questions; `precision` is the share of the answered that have their
evidence shown; `false_refusals` the share refused of those that have it.

`reads` lets the offline language model, of 135 million parameters, rule on a few hedges of a set: how many of its
rulings could be read, how many quotes stood in a passage, and how often it was right.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.gate import SHARED, example
from benchmarks.gate_cases import Case, Retrieval, load_task
from llama_index_prod_rag.confidence.calibrated import CalibratedAssessor, default_calibration
from llama_index_prod_rag.confidence.calibration import Calibration, Example
from llama_index_prod_rag.confidence.evidence import Evidence
from llama_index_prod_rag.confidence.fitting import fit_second_look
from llama_index_prod_rag.confidence.policy import Decision, StatusPolicy
from llama_index_prod_rag.confidence.second_look import RULING, heed
from llama_index_prod_rag.errors import ModelError
from llama_index_prod_rag.models.llm import OfflineLLM
from llama_index_prod_rag.query_engine.llm_judge import LLMEvidenceJudge

_log = logging.getLogger(__name__)
_SETS = ("scifact", "cranfield", "rag/hotpotqa", "rag/clapnq_dev", "fiqa_mini")
_ACCURACIES = (0.75, 0.87, 0.93)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", help="a set; repeatable")
    parser.add_argument("--limit", type=int, default=200, help="questions of each split")
    parser.add_argument("--draws", type=int, default=20, help="draws of each judge's mistakes")
    parser.add_argument("--read", type=int, default=0, help="hedges of each set that the offline model reads")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    folders = [one if one.is_dir() else SHARED / one for one in chosen.data or map(Path, _SETS)]
    report = {folder.name: measure(folder, chosen.limit, chosen.draws, chosen.read) for folder in folders}
    print(json.dumps({"sets": report, "draws": chosen.draws}, indent=None if chosen.json else 1, allow_nan=False))
    return 0


def measure(folder: Path, limit: int, draws: int, read: int) -> dict[str, Any]:
    """Figures of one set by judge."""
    task = load_task(folder, limit=limit)
    retrieval = Retrieval(task)
    train, test = retrieval.cases(task.train), retrieval.cases(task.test)
    default = default_calibration()
    found: dict[str, Any] = {"questions": len(test), "no judge": _figures(default, test, [None] * len(test))}
    for accuracy in _ACCURACIES:
        learned = replace(default, second_look=_learn(default, train, accuracy))
        for name, calibration in ((f"{accuracy:g}", default), (f"{accuracy:g} fitted", learned)):
            rows = [_figures(calibration, test, _script(test, accuracy, seed)) for seed in range(draws)]
            found[name] = {key: round(fmean(row[key] for row in rows), 3) for key in rows[0]}
    if read:
        found["reads"] = _read(default, test, read)
    _log.info("%s: %s", folder.name, json.dumps(found))
    return found


def _script(cases: Sequence[Case], accuracy: float, seed: int) -> list[float]:
    """What a judge says that is right so often."""
    draw = random.Random(seed)
    return [float(case.found if draw.random() < accuracy else not case.found) for case in cases]


def _learn(calibration: Calibration, train: Sequence[Case], accuracy: float) -> Any:  # noqa: ANN401 - a head or None
    """What the rulings on the train questions that are hedges teach."""
    assessor = CalibratedAssessor(calibration)
    examples = [
        Example({**example(case).signals, RULING: ruling}, case.found)
        for case, ruling in zip(train, _script(train, accuracy, -1), strict=True)
        if _decide(assessor, case.evidence) == "hedge"
    ]
    return fit_second_look(examples, calibration.heads, calibration)


def _figures(calibration: Calibration, cases: Sequence[Case], rulings: Sequence[float | None]) -> dict[str, float]:
    assessor = CalibratedAssessor(calibration)
    decided: list[tuple[Decision, bool]] = []
    for case, ruling in zip(cases, rulings, strict=True):
        decision = _decide(assessor, case.evidence)
        if decision == "hedge" and ruling is not None:
            decision = _decide(assessor, replace(case.evidence, ruling=ruling))
        decided.append((decision, case.found))
    answered = [found for decision, found in decided if decision == "answer"]
    there = [decision for decision, found in decided if found]
    shares = {
        name: sum(decision == kind for decision, _ in decided) / len(decided)
        for name, kind in (("answered", "answer"), ("hedged", "hedge"), ("refused", "refuse"))
    }
    precision = sum(answered) / max(1, len(answered))
    return {**shares, "precision": precision, "false_refusals": there.count("refuse") / max(1, len(there))}


def _decide(assessor: CalibratedAssessor, evidence: Evidence) -> Decision:
    return StatusPolicy().decide(assessor.assess(evidence))


def _read(calibration: Calibration, cases: Sequence[Case], number: int) -> dict[str, Any]:
    """Let the offline model rule on the first hedges."""
    assessor = CalibratedAssessor(calibration)
    judge = LLMEvidenceJudge(OfflineLLM(num_output=32), time_limit=120.0, per_minute=None)
    hedges = [case for case in cases if _decide(assessor, case.evidence) == "hedge"][:number]
    unread, said, right, quoted, moved = 0, 0, 0, 0, 0
    for case in hedges:
        passages = [passage.wording for passage in case.evidence.passages[:2]]  # more do not fit into its window
        try:
            ruling = judge(case.question.text, passages)
        except ModelError:
            unread += 1
            continue
        counted = heed(ruling, passages)
        said += ruling.answers > 0.5
        quoted += ruling.answers > 0.5 and counted > 0.0
        right += (counted > 0.5) == case.found
        moved += _decide(assessor, replace(case.evidence, ruling=counted)) != "hedge"
    return {
        "hedges": len(hedges), "with_evidence": sum(case.found for case in hedges), "no_verdict": unread,
        "said_yes": said, "yes_with_a_true_quote": quoted, "right": right, "moved": moved,
    }  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
