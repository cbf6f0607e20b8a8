"""The gate over two hops: whether following mentions costs it anything. A part of `benchmarks.whole_question`.

Multi-hop questions of the gate's benchmark (rag/hotpotqa, `gate_cases`) over the hybrid and over the same behind
`LinkedRetriever`, both reranked and judged by the shipped calibration. Of half of them the evidence is gone. `auroc`
asks whether the confidence tells one from the other, `answered` and `refused` are shares of the questions with and
without evidence, and `all_golds_shown` the share of the former all of whose passages are among the five shown. The
intervals are a bootstrap over questions, the differences paired.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.gate_cases import Case, Retrieval, load_task
from llama_index_prod_rag.confidence.calibrated import CalibratedAssessor
from llama_index_prod_rag.confidence.policy import StatusPolicy
from llama_index_prod_rag.significance import auroc, bootstrap_mean, paired_difference

_SET = "rag/hotpotqa"
_QUESTIONS = 120  # of each split, at most
_RESAMPLES = 2_000


@dataclass(frozen=True)
class Judged:
    """What the gate made of the same questions over one retriever."""

    there: list[bool]  # whether the evidence is in the collection
    confidences: list[float]
    decisions: list[str]
    shown: list[bool]  # whether all of it is among the passages shown

    @classmethod
    def of(cls, cases: Sequence[Case]) -> Judged:
        """Judge cases as the shipped gate does."""
        judged = [CalibratedAssessor().assess(case.evidence) for case in cases]
        return cls(
            [case.question.answerable for case in cases],
            [one.confidence or 0.0 for one in judged],
            [StatusPolicy().decide(one) for one in judged],
            [case.question.gold <= {passage.id for passage in case.evidence.passages} for case in cases],
        )

    def shares(self) -> dict[str, list[float]]:
        """Figure -> 0 or 1 per question it is of."""
        kinds = (("with_evidence", True), ("without_evidence", False))
        rows = list(zip(self.decisions, self.shown, self.there, strict=True))
        found = {
            f"{name}_{kind}": [float(one == decision) for one, _, there in rows if there == wanted]
            for name, decision in (("answered", "answer"), ("refused", "refuse"))
            for kind, wanted in kinds
        }
        return {**found, "all_golds_shown": [float(shown) for _, shown, there in rows if there]}


def compare(plain: Judged, linked: Judged) -> dict[str, object]:
    """Figure -> `plain`, `linked` and the paired `difference`, each with its interval."""
    before, after = plain.shares(), linked.shares()
    found: dict[str, object] = {
        name: {
            "plain": bootstrap_mean(before[name]).ends(),
            "linked": bootstrap_mean(after[name]).ends(),
            "difference": paired_difference(before[name], after[name]).ends(),
        }
        for name in before
        if before[name]
    }
    return {"auroc": _areas(plain, linked), **found}


def _areas(plain: Judged, linked: Judged) -> dict[str, dict[str, float]]:
    """AUROC of both, and its difference, over the same resampled questions."""
    there = np.array(plain.there)
    values = {"plain": np.array(plain.confidences), "linked": np.array(linked.confidences)}
    generator = np.random.default_rng(0)
    drawn: dict[str, list[float]] = {"plain": [], "linked": [], "difference": []}
    for draw in [np.arange(len(there)), *generator.integers(len(there), size=(_RESAMPLES, len(there)))]:
        areas = {name: auroc(list(value[draw]), list(there[draw])) for name, value in values.items()}
        if areas["plain"] is not None and areas["linked"] is not None:  # a draw may have one kind alone
            drawn["plain"].append(areas["plain"])
            drawn["linked"].append(areas["linked"])
            drawn["difference"].append(areas["linked"] - areas["plain"])
    return {name: _ends(areas) for name, areas in drawn.items() if areas}


def _ends(values: Sequence[float]) -> dict[str, float]:
    """The first value, of all questions, and the ends of the middle 95 % of the others."""
    low, high = np.quantile(values[1:] or values, [0.025, 0.975])
    return {"mean": values[0], "low": float(low), "high": float(high)}


def run(data: Path, _: Sequence[str], limit: int | None) -> dict[str, object]:
    """Measure the test half."""
    print("gate: rag/hotpotqa", file=sys.stderr)
    task = load_task(data / _SET, limit=_QUESTIONS if limit is None else min(limit, _QUESTIONS))
    plain, linked = (Judged.of(Retrieval(task, linked=on).cases(task.test)) for on in (False, True))
    counts = {"questions": len(task.test), "with_evidence": sum(plain.there)}
    return {"set": _SET, **counts, **compare(plain, linked)}
