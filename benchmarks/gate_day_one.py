"""How the gate does on the first day, with models it was not calibrated for and documents alone.

    python -m benchmarks.gate_day_one [--data DIR ...] [--limit N] [--questions N] --json

Five public sets by six pipelines: the shipped models; the same reranker squeezed to 0..1, and stretched to 1..10; dot
products of vectors of any length; no reranker; BM25 alone with the reranker. Each is judged by the shipped calibration
as it is (`raw`: no look at the scales), as it ships (`shipped`: foreign scores left out, with a warning), by
`calibrate_from_documents` (`documents`), which sees no question of the set, and by the same with train questions that
nobody labelled (`asked`), as a query log has them; the evidence of every other one was taken out.

Shares of test questions: `there` whose evidence is in the collection, `shown` those of them whose evidence is among the
passages that the gate judges, `gone` whose evidence was taken out, `far` from another set of everyday questions.
`auroc` tells there from gone. `warned` names the scores that were left out. `held` counts, over all sets and pipelines,
where the share refused of those lies within 2 and 8 %, the goal being 5 %, and gives the largest.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever

from benchmarks.gate import SHARED
from benchmarks.gate_cases import CANDIDATES, Collection, Question, load_task
from llama_index_prod_rag.confidence.assessment import RetrievalAssessment
from llama_index_prod_rag.confidence.calibrated import CalibratedAssessor, default_calibration
from llama_index_prod_rag.confidence.calibration import Calibration
from llama_index_prod_rag.confidence.evidence import Evidence
from llama_index_prod_rag.confidence.policy import StatusPolicy
from llama_index_prod_rag.evaluation.self_calibration import Pipeline, match_scales
from llama_index_prod_rag.evaluation.synthetic_questions import far_questions, write_questions
from llama_index_prod_rag.models.pairs import Pair, PairScorer, Progress, sigmoid
from llama_index_prod_rag.retrievers.hybrid import HybridFusionRetriever
from llama_index_prod_rag.significance import auroc

_log = logging.getLogger(__name__)
_SETS = ("scifact", "cranfield", "rag/hotpotqa", "rag/clapnq_dev", "fiqa_mini")
_CALIBRATIONS = ("raw", "shipped", "documents", "asked")
_WITHIN = (0.02, 0.08)  # of the questions with evidence refused, where 5 % are aimed at
_LENGTHS = (6.0, 0.15)  # median length of the dot product's vectors, and its spread in logarithms

Rescale = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Setup:
    """One pipeline.

    Attributes:
        name: what the table calls it.
        rescale: what becomes of the reranker's logits; None without a reranker.
        dense: whether there is a dense leg.
        unnormalized: whether its vectors have any length.
    """

    name: str
    rescale: Rescale | None = field(default=lambda logit: logit)
    dense: bool = True
    unnormalized: bool = False


SETUPS = (
    Setup("native"),
    Setup("squeezed", sigmoid),
    Setup("stretched", lambda logit: 1.0 + 9.0 * sigmoid(logit / 2.0)),
    Setup("dot product", unnormalized=True),
    Setup("no reranker", None),
    Setup("BM25 alone", dense=False),
)


class Rescaled:
    """A scorer on another scale."""

    def __init__(self, scorer: PairScorer, rescale: Rescale) -> None:
        self._scorer, self._rescale = scorer, rescale

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else the scorer has
        return getattr(self._scorer, name)

    def score(self, pairs: Sequence[Pair], progress: Progress | None = None) -> list[float]:
        """The scorer's logits, rescaled."""
        return [self._rescale(logit) for logit in self._scorer.score(pairs, progress)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", help="a set; repeatable")
    parser.add_argument("--limit", type=int, default=40, help="test questions of each set")
    parser.add_argument("--questions", type=int, default=50, help="questions written from the documents")
    parser.add_argument("--asked", type=int, default=60, help="train questions without labels")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    folders = [one if one.is_dir() else SHARED / one for one in chosen.data or map(Path, _SETS)]
    sets = {folder.name: measure(folder, chosen.limit, chosen.questions, chosen.asked) for folder in folders}
    report = {
        "sets": sets,
        "held": {kind: {name: _count_held(sets, kind, name) for name in _CALIBRATIONS} for kind in ("there", "shown")},
        "limit": chosen.limit,
        "questions": chosen.questions,
        "asked": chosen.asked,
    }
    print(json.dumps(report, indent=None if chosen.json else 1, allow_nan=False))
    return 0


def measure(folder: Path, limit: int, questions: int, number: int) -> dict[str, Any]:
    """Figures of one set by pipeline and calibration."""
    task = load_task(folder, limit=max(limit, number))
    collection = Collection(task)
    logged = list({question.id: question for question in task.train if question.gold}.values())[:number]
    asked = [question for question in task.test if question.gold][:limit]
    written = write_questions(collection.passages, collection.statistics, number=questions)
    strangers = far_questions()
    texts = [*(q.text for q in asked), *(q.text for q in logged), *(q.text for q in written), *strangers]
    found: dict[str, Any] = {}
    for setup in SETUPS:
        pipeline = _pipeline(collection, setup, texts)
        # The far questions that calibrate are not those that are reported.
        rows = pipeline.rows(written, strangers[: len(written)], lambda _: None)
        log = [
            pipeline.row("asked", question.text, question.gold if place % 2 else frozenset())
            for place, question in enumerate(logged)
        ]
        cases = _cases(pipeline, asked, strangers[-limit:])
        default = default_calibration()
        calibrations = {
            "raw": replace(default, fingerprint=None, ranges={}),
            "shipped": default,
            "documents": match_scales(default, rows),
            "asked": match_scales(default, [*rows, *log]),
        }
        found[setup.name] = {name: _figures(calibration, cases) for name, calibration in calibrations.items()}
        _log.info("%s, %s: %s", folder.name, setup.name, json.dumps(found[setup.name]))
    return found


def _pipeline(collection: Collection, setup: Setup, texts: Iterable[str]) -> Pipeline:
    legs: dict[str, BaseRetriever] = {"bm25": collection.bm25}
    if setup.dense:
        legs = {"dense": collection.dense(texts, lengths=_LENGTHS if setup.unnormalized else None), **legs}
    retriever = HybridFusionRetriever(legs, similarity_top_k=CANDIDATES)
    rescale = setup.rescale
    reranker = [] if rescale is None else [collection.reranker(lambda scorer: Rescaled(scorer, rescale))]
    return Pipeline(retriever, reranker, collection.statistics)


@dataclass(frozen=True, slots=True)
class _Asked:
    kind: str
    evidence: Evidence
    shown: bool = False


def _cases(pipeline: Pipeline, asked: Sequence[Question], far: Sequence[str]) -> list[_Asked]:
    cases = [_there(pipeline.ask(question.text), question.gold) for question in asked]
    cases += [_Asked("gone", pipeline.ask(question.text, question.gold)) for question in asked]
    return cases + [_Asked("far", pipeline.ask(text)) for text in far]


def _there(evidence: Evidence, gold: frozenset[str]) -> _Asked:
    return _Asked("there", evidence, shown=not gold.isdisjoint(passage.id for passage in evidence.passages))


def _figures(calibration: Calibration, cases: Sequence[_Asked]) -> dict[str, Any]:
    assessor = CalibratedAssessor(calibration)
    assessed = [(case, assessor.assess(case.evidence)) for case in cases]
    judged = [(case.kind, found) for case, found in assessed]
    kinds = {kind: [found for of_kind, found in judged if of_kind == kind] for kind in ("there", "gone", "far")}
    kinds["shown"] = [found for case, found in assessed if case.shown]
    figures: dict[str, Any] = {}
    for kind, assessments in kinds.items():
        decisions = [StatusPolicy().decide(found) for found in assessments]
        figures[kind] = {
            decision: round(decisions.count(decision) / max(1, len(decisions)), 3)
            for decision in ("answer", "hedge", "refuse")
        }
    near = [(found.confidence or 0.0, kind == "there") for kind, found in judged if kind != "far"]
    figures["auroc"] = auroc([confidence for confidence, _ in near], [there for _, there in near])
    figures["warned"] = sorted({group for _, found in judged for group in _list_foreign(found)})
    return figures


def _count_held(sets: dict[str, Any], kind: str, calibration: str) -> dict[str, float]:
    """How often the share refused is what was asked for, and the largest."""
    refused = [by[calibration][kind]["refuse"] for pipelines in sets.values() for by in pipelines.values()]
    within = sum(_WITHIN[0] <= share <= _WITHIN[1] for share in refused)
    return {"cells": len(refused), "within": within, "most": max(refused)}


def _list_foreign(found: RetrievalAssessment) -> list[str]:
    """Groups that are left out because their scale is foreign, and not because they are missing."""
    return [group for group in found.not_assessed if group == "pair" or group.startswith("leg ")]


if __name__ == "__main__":
    raise SystemExit(main())
