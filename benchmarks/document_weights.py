"""What fusion weights from documents alone are worth, beside those from 20 labels.

    python -m benchmarks.document_weights [--data DIR] [--sets NAME ...] [--limit N] --json

For each of five public sets, a line from the dense leg's strength on written questions to the best dense weight is
fitted on the train questions of the *other* sets, and the weight that it gives is measured on this set's test
questions (`left_out`). `shipped` is the line in the package, which has seen all train splits. `labels_20` is the mean
over 100 draws of 20 test questions, tuned as `tune_weights` does, measured on the others. All are gains in nDCG@10
over the default weights, `left_out` and `shipped` with 95 % intervals.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.gate_cases import Collection, Task
from benchmarks.hybrid import SETS
from llama_index_prod_rag.evaluation.datasets import load_beir
from llama_index_prod_rag.evaluation.document_weights import measure_strength, weight_of
from llama_index_prod_rag.evaluation.synthetic_questions import write_questions
from llama_index_prod_rag.evaluation.tuning_study import labeled_query
from llama_index_prod_rag.fusion.rules import parse_rule
from llama_index_prod_rag.fusion.tuning import WeightTable
from llama_index_prod_rag.retrievers.hybrid import HybridFusionRetriever
from llama_index_prod_rag.significance import bootstrap_mean

_log = logging.getLogger(__name__)
_DEPTH = 50
_QUESTIONS = 80
_DRAWS, _LABELS, _RESAMPLES = 100, 20, 300


@dataclass(frozen=True)
class Measured:
    """One set: the dense leg's strength on written questions, and every question under every weighting."""

    strength: float
    train: WeightTable
    test: WeightTable

    @property
    def best(self) -> float:
        """The dense weight that serves train questions best: the mean over resamples of them."""
        draw = np.random.default_rng(0)
        rows = draw.integers(0, len(self.train.values), (_RESAMPLES, len(self.train.values)))
        best = self.train.values[rows].mean(axis=1).round(12).argmax(axis=1)
        return float(self.train.grid[best, self.train.legs.index("dense")].mean())

    def gains(self, weight: float) -> NDArray[np.float64]:
        """Gain of each test question with this dense weight."""
        weights = np.array([weight if leg == "dense" else 1.0 - weight for leg in self.test.legs])
        rows = np.arange(len(self.test.values))
        return self.test.at(rows, weights) - self.test.untuned

    def of_labels(self) -> float:
        """Mean gain of weights from 20 test questions on the others."""
        draw, found = np.random.default_rng(1), []
        for seed in range(_DRAWS):
            chosen, rest = np.split(draw.permutation(len(self.test.values)), [_LABELS])
            tuning = self.test.tune(chosen, seed=seed)
            found.append(0.0 if tuning.kept_default else self.gains(tuning.weights["dense"])[rest].mean())
        return float(np.mean(found))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PROD_RAG_DATA", "../shared/data")))
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--limit", type=int, default=150, help="questions of each split")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    sets = {name: measure(chosen.data / name, chosen.limit) for name in chosen.sets}
    rows = {name: _row(name, sets) for name in sets}
    means = {
        name: float(np.mean([row[name] for row in rows.values()])) for name in ("left_out", "shipped", "labels_20")
    }
    report = {"limit": chosen.limit, "questions": _QUESTIONS, "sets": rows, "mean": means}
    print(json.dumps(report, indent=None if chosen.json else 1, allow_nan=False))
    return 0


def measure(folder: Path, limit: int) -> Measured:
    """Ask a set's questions and those written from its documents."""
    splits = [load_beir(folder, split="train", limit=limit), load_beir(folder, split="test", limit=limit)]
    collection = Collection(Task(folder.name, load_beir(folder, split="all").documents, (), ()))
    written = write_questions(collection.passages, collection.statistics, number=_QUESTIONS)
    texts = [*(text for split in splits for text in split.queries.values()), *(one.text for one in written)]
    legs = {"dense": collection.dense(texts), "bm25": collection.bm25}
    retriever = HybridFusionRetriever(legs, similarity_top_k=_DEPTH)
    rule = parse_rule(str(retriever.rule))

    def ask(text: str, relevant: dict[str, int]) -> Any:  # noqa: ANN401 - a labelled query
        return labeled_query(retriever.retrieve(text), relevant)

    tables = []
    for split in splits:
        asked = [ask(text, dict(split.qrels[id_])) for id_, text in split.queries.items()]
        known = [query for query in asked if query.legs and any(grade > 0 for grade in query.relevant.values())]
        tables.append(WeightTable.build(known, default=retriever.weights, rule=rule, floors=retriever.floors))
    answers = [ask(one.text, dict.fromkeys(one.answering, 1)) for one in written]
    strength = measure_strength(answers, retriever.weights, rule, "dense", floors=retriever.floors)
    _log.info("%s: strength %.3f", folder.name, strength)
    return Measured(strength, *tables)


def _row(name: str, sets: dict[str, Measured]) -> dict[str, Any]:
    own = sets[name]
    others = [measured for other, measured in sets.items() if other != name]
    row: dict[str, Any] = {"strength": own.strength, "best_on_train": own.best, "labels_20": own.of_labels()}
    weights = {"shipped": weight_of(own.strength)}
    if len(others) > 1:
        slope, start = np.polyfit([one.strength for one in others], [one.best for one in others], 1)
        weights["left_out"] = weight_of(own.strength, slope=float(slope), start=float(start))
    for kind, weight in weights.items():
        gain = bootstrap_mean(own.gains(weight))
        row |= {kind: gain.mean, f"{kind}_interval": asdict(gain), f"{kind}_weight": weight}
    return row


if __name__ == "__main__":
    raise SystemExit(main())
