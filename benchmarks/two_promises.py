"""How many labels two promises cost: tested together, and one by one.

    python -m benchmarks.two_promises [--data DIR ...] [--limit N] [--draws N] --json

The promises are at most 5 % false refusals, and a precision of at least 70 or 80 %, both together with 95 % confidence.
Confidences are those of the shipped calibration on test questions of five public sets (with their evidence and without,
and far questions); labels are drawn from them, a half chooses thresholds and a half is tested. `together` tests pairs
at 95 %; `one by one` tests each bound at 97.5 %, which is what being as sure of both takes without pairs. `promised` is
the share of draws in which both are shown; `answered` and `refused` are the shares of questions there; `broken` the
share of all draws in which a promise was made and does not hold over all questions.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np

from benchmarks.gate import SHARED
from benchmarks.gate_cases import Retrieval, load_task
from llama_index_prod_rag.confidence.calibrated import CalibratedAssessor
from llama_index_prod_rag.confidence.guarantees import (
    bound_both,
    bound_false_refusals,
    bound_wrong_answers,
    promising_pairs,
    promising_thresholds,
)
from llama_index_prod_rag.errors import CalibrationError

_SETS = ("scifact", "cranfield", "rag/hotpotqa", "rag/clapnq_dev", "fiqa_mini")
_LABELS = (250, 300, 350, 400, 500)
_PRECISIONS = (0.7, 0.8)
_AT_MOST, _CONFIDENCE = 0.05, 0.95

Labels = tuple[list[float], list[bool]]
Bound = Callable[[Labels, Labels, float], tuple[float, float]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", help="a set; repeatable")
    parser.add_argument("--limit", type=int, default=200, help="test questions of each set")
    parser.add_argument("--draws", type=int, default=300, help="draws of labels")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr, format="%(message)s")
    folders = [one if one.is_dir() else SHARED / one for one in chosen.data or map(Path, _SETS)]
    known = [row for folder in folders for row in _judge(folder, chosen.limit)]
    report = {
        "questions": len(known),
        "with_evidence": sum(good for _, good in known),
        "draws": chosen.draws,
        "goals": {
            f"{precision:g}": {
                name: {str(count): _repeat(known, count, precision, chosen.draws, bound) for count in _LABELS}
                for name, bound in (("together", _together), ("one by one", _one_by_one))
            }
            for precision in _PRECISIONS
        },
    }
    print(json.dumps(report, indent=None if chosen.json else 1, allow_nan=False))
    return 0


def _judge(folder: Path, limit: int) -> list[tuple[float, bool]]:
    retrieval, assessor = Retrieval(load_task(folder, limit=limit)), CalibratedAssessor()
    cases = retrieval.cases(load_task(folder, limit=limit).test)
    judged = [(assessor.assess(case.evidence).confidence, case.found) for case in cases]
    return [(confidence, found) for confidence, found in judged if confidence is not None]


def _repeat(
    known: Sequence[tuple[float, bool]], count: int, precision: float, draws: int, bound: Bound
) -> dict[str, float]:
    generator = np.random.default_rng(count)
    answered, refused, broken = [], [], 0
    for _ in range(draws):
        rows = [known[place] for place in generator.integers(len(known), size=count)]
        halves: tuple[Labels, Labels] = (_columns(rows[::2]), _columns(rows[1::2]))
        try:
            refuse_below, answer_from = bound(*halves, precision)
        except CalibrationError:
            continue
        above = [good for value, good in known if value >= answer_from]
        wrongly = [value < refuse_below for value, good in known if good]
        answered.append(len(above) / len(known))
        refused.append(fmean(value < refuse_below for value, _ in known))
        broken += fmean(wrongly) > _AT_MOST or (bool(above) and fmean(above) < precision)
    return {
        "promised": len(answered) / draws,
        "answered": round(fmean(answered), 3) if answered else 0.0,
        "refused": round(fmean(refused), 3) if refused else 0.0,
        "broken": broken / draws,
    }


def _together(seen: Labels, tested: Labels, precision: float) -> tuple[float, float]:
    pairs = promising_pairs(
        seen[0], seen[1], labels=len(tested[0]), at_most=_AT_MOST, min_precision=precision, confidence=_CONFIDENCE
    )
    refusal, answer = bound_both(
        tested[0], tested[1], pairs=pairs, at_most=_AT_MOST, min_precision=precision, confidence=_CONFIDENCE
    )
    return refusal.threshold, answer.threshold


def _one_by_one(seen: Labels, tested: Labels, precision: float) -> tuple[float, float]:
    each = (1.0 + _CONFIDENCE) / 2.0
    with_evidence = [value for value, good in zip(*tested, strict=True) if good]
    refusal = bound_false_refusals(with_evidence, at_most=_AT_MOST, confidence=each)
    thresholds = promising_thresholds(seen[0], seen[1], labels=len(tested[0]), min_precision=precision, confidence=each)
    answer = bound_wrong_answers(tested[0], tested[1], thresholds=thresholds, min_precision=precision, confidence=each)
    return min(refusal.threshold, answer.threshold), answer.threshold


def _columns(rows: Sequence[tuple[float, bool]]) -> Labels:
    return [value for value, _ in rows], [good for _, good in rows]


if __name__ == "__main__":
    raise SystemExit(main())
