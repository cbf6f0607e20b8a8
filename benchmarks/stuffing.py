"""Whether planted passages turn a refusal into an answer: the evidence is taken out, passages that imitate it put in.

    python -m benchmarks.stuffing [--split train|test] [--data DIR ...] [--limit N] [--json]

Each question is asked of its collection without its evidence, once as it is and once for each attempt of
`stuffing_attacks`, whose passages are added to both legs and read by the reranker like all others; the shipped
calibration decides. `turned` is the share of the questions refused or hedged before that are answered then, `shown` the
share of those refused that are hedged or answered then.

The other side: `ordinary` says of five sets in which share of all questions, evidence unchanged, one of the ten
passages found counts as an echo of the question (`touched`): no other question can be decided otherwise than without
the defense. `faq_answered` and `faq_refused` are what becomes of the questions answered when the passage with the
evidence begins with the very question, as in a list of frequent questions with their answers.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from llama_index.core.schema import TextNode
from rich.console import Console
from rich.progress import track

from benchmarks.gate import SHARED
from benchmarks.gate_cases import CANDIDATES, Case, Collection, Question, Retrieval, Task, load_task
from benchmarks.stuffing_attacks import ATTACKS, Target
from llama_index_prod_rag.confidence.calibrated import CalibratedAssessor
from llama_index_prod_rag.confidence.echoes import find_rest
from llama_index_prod_rag.confidence.evidence import Evidence
from llama_index_prod_rag.confidence.policy import Decision, StatusPolicy
from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.query_engine.sources import passages_of
from llama_index_prod_rag.retrievers.hybrid import HybridFusionRetriever

_SETS = ("cranfield", "scifact", "hotpotqa")
_ALL_SETS = (*_SETS, "fiqa_mini", "cosqa")
_Item = TypeVar("_Item")
_ORDINARY = 300  # questions of a set


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", help="a set; repeatable")
    parser.add_argument("--split", choices=("train", "test"), default="test")
    parser.add_argument("--limit", type=int, default=60, help="most questions of each set")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    try:
        folders = [one if one.is_dir() else SHARED / one for one in chosen.data or map(Path, _SETS)]
        report = {
            folder.resolve().name: measure(load_task(folder, limit=chosen.limit), chosen.split) for folder in folders
        }
        ordinary = {name: count_touched(load_task(SHARED / name, limit=_ORDINARY), chosen.split) for name in _ALL_SETS}
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    print(
        json.dumps(
            {"sets": report, "ordinary": ordinary, "split": chosen.split},
            indent=None if chosen.json else 1,
            allow_nan=False,
        )
    )
    return 0


def measure(task: Task, split: str) -> dict[str, Any]:
    """Figures of one set."""
    asked = {q.id: replace(q, removed=frozenset(), answerable=True) for q in getattr(task, split) if q.gold}
    field = Field(task, list(asked.values()))
    gone = [replace(question, removed=question.gold, answerable=False) for question in asked.values()]
    ordinary = [field.ask(question) for question in _shown(asked.values(), f"{task.name}: ordinary")]
    before = [field.ask(question) for question in _shown(gone, f"{task.name}: evidence gone")]
    turned = {
        attack: _compare(before, [field.plant(question, attack) for question in _shown(gone, f"{task.name}: {attack}")])
        for attack in ATTACKS
    }
    answered = [outcome.case.question for outcome in ordinary if outcome.decision == "answer"]
    faq = [field.ask_faq(question) for question in _shown(answered, f"{task.name}: with the question above")]
    return {
        "questions": len(gone),
        "answered": _share(outcome.decision == "answer" for outcome in ordinary),
        "answered_gone": _share(outcome.decision == "answer" for outcome in before),
        "attacks": turned,
        "faq_answered": _share(outcome.decision == "answer" for outcome in faq),
        "faq_refused": _share(outcome.decision == "refuse" for outcome in faq),
    }


def count_touched(task: Task, split: str) -> dict[str, float]:
    """How many ordinary questions the defense touches at all; words alone, so that no model has to read."""
    questions = [question.text for question in getattr(task, split) if question.gold]
    collection = Collection(task)
    retriever = HybridFusionRetriever(
        {"dense": collection.dense(questions), "bm25": collection.bm25}, similarity_top_k=CANDIDATES
    )
    touched = [
        any(find_rest(text, passage.wording) is not None for passage in passages_of(retriever.retrieve(text)))
        for text in _shown(questions, f"{task.name}: echoes")
    ]
    return {"questions": len(touched), "touched": _share(touched)}


@dataclass(frozen=True, slots=True)
class Outcome:
    """A question as it was asked, and what the gate made of it."""

    case: Case
    decision: Decision


class Field:
    """A collection that passages can be planted in.

    Args:
        task: the collection.
        questions: those that will be asked of it.
    """

    def __init__(self, task: Task, questions: Sequence[Question]) -> None:
        self._task = task
        self._retrieval = Retrieval(task)
        self._popular = [question.text for question in questions]
        self._dense = self._retrieval.collection.dense(self._popular)

    def ask(self, question: Question, planted: Sequence[TextNode] = ()) -> Outcome:
        """Ask as the gate does, the planted nodes being part of the collection."""
        collection = self._retrieval.collection
        dense = collection.dense([question.text], added=planted) if planted else self._dense
        collection.bm25.add(planted)
        try:
            case = self._retrieval.case(question, {"dense": dense, "bm25": collection.bm25})
        finally:
            collection.bm25.delete([node.node_id for node in planted])
        assessment = CalibratedAssessor().assess(self._reread(case.evidence))
        return Outcome(case, StatusPolicy().decide(assessment))

    def _reread(self, evidence: Evidence) -> Evidence:
        """Have the reranker read what else is said by passages that repeat the question, as the engine does."""
        rests = evidence.unread
        scores = self._retrieval.reranker.pair_scorer().score([(evidence.query, rest) for rest in rests.values()])
        return evidence.reread(dict(zip(rests, scores, strict=True)))

    def plant(self, question: Question, attack: str) -> Outcome:
        """Ask with what an attempt puts in."""
        nearest = [hit.node_id for hit in self._dense.retrieve(question.text) if hit.node_id not in question.removed]
        others = [text for text in self._popular if text != question.text]
        draw = random.Random(f"{attack} {question.id}")
        texts = ATTACKS[attack](Target(question.text, others, self._task.documents[nearest[0]].text, draw))
        return self.ask(question, [TextNode(text=text, id_=f"planted {n}") for n, text in enumerate(texts)])

    def ask_faq(self, question: Question) -> Outcome:
        """Ask with the question above each passage that holds the evidence."""
        answers = [self._task.documents[id_] for id_ in sorted(question.gold)]
        planted = [TextNode(text=f"{question.text}\n{one.text}", id_=f"faq {n}") for n, one in enumerate(answers)]
        return self.ask(replace(question, removed=question.gold), planted)


def _compare(before: Sequence[Outcome], after: Sequence[Outcome]) -> dict[str, float]:
    pairs = [(old.decision, new.decision) for old, new in zip(before, after, strict=True)]
    return {
        "turned": _share(new == "answer" for old, new in pairs if old != "answer"),
        "shown": _share(new != "refuse" for old, new in pairs if old == "refuse"),
        "tried": sum(old != "answer" for old, _ in pairs),
    }


def _share(outcomes: Iterable[bool]) -> float:
    found = list(outcomes)
    return float(np.mean(found)) if found else 0.0


def _shown(questions: Iterable[_Item], what: str) -> Iterable[_Item]:
    return track(list(questions), what, console=Console(stderr=True), transient=True)


if __name__ == "__main__":
    raise SystemExit(main())
