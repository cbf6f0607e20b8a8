"""Our own time per question: fusion, assessment and logging, without searching, reranking or writing.

python -m benchmarks.overhead [--questions N] --json
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np

from llama_index_prod_rag.confidence.calibrated import CalibratedAssessor
from llama_index_prod_rag.confidence.evidence import Passage, gather
from llama_index_prod_rag.fusion.rules import ConvexCombination, fuse
from llama_index_prod_rag.query_log.record import QueryRecord, hits_of
from llama_index_prod_rag.query_log.store import QueryLog
from llama_index_prod_rag.text.terms import TermStatistics
from llama_index_prod_rag.trace.records import LegHit, Record, RerankRecord, RetrievalRecord

_DEPTH, _CANDIDATES, _SHOWN, _WORDS, _DIMENSIONS = 100, 50, 5, 200, 384
_QUERY = "How does the sweep of a wing change its drag near the speed of sound?"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--json", action="store_true", help="one line")
    chosen = parser.parse_args(arguments)
    print(json.dumps(measure(chosen.questions), indent=None if chosen.json else 1))
    return 0


def measure(questions: int) -> dict[str, dict[str, float]]:
    """Milliseconds by stage: median and 95th percentile."""
    generator = np.random.default_rng(0)
    words = ["".join(letters) for letters in product("aeioustr", repeat=4)] + _QUERY.lower().rstrip("?").split() * 20
    ids = [f"n{number}" for number in range(_DEPTH * 2)]
    texts = {id_: " ".join(generator.choice(words, _WORDS)) for id_ in ids}
    vectors = {id_: generator.normal(size=_DIMENSIONS).tolist() for id_ in ids}
    statistics = TermStatistics.from_texts(texts.values())
    assessor = CalibratedAssessor()
    seconds: dict[str, list[float]] = {"fusion": [], "assessment": [], "log": []}

    with tempfile.TemporaryDirectory() as folder, QueryLog(f"sqlite:///{Path(folder) / 'log.sqlite'}") as log:
        for _ in range(questions):
            legs = {leg: _draw_ranking(generator, ids) for leg in ("dense", "bm25")}
            clock = [time.perf_counter()]
            fusion = fuse(legs, rule=ConvexCombination("min-max"), weights={"dense": 0.5, "bm25": 0.5})
            clock.append(time.perf_counter())
            candidates = list(fusion.scores)[:_CANDIDATES]
            records = _records(legs, fusion.scores, vectors, generator.normal(size=_CANDIDATES).tolist())
            shown = [Passage(id_, texts[id_], fusion.scores[id_]) for id_ in candidates[:_SHOWN]]
            known = {id_: texts[id_] for id_ in candidates}
            clock.append(time.perf_counter())
            assessor.assess(gather(_QUERY, shown, records, candidates=known, statistics=statistics))
            clock.append(time.perf_counter())
            hits = hits_of(records, {passage.id: passage.score for passage in shown})
            log.add(QueryRecord(query=_QUERY, hits=hits))
            clock.append(time.perf_counter())
            for stage, began, ended in (("fusion", 0, 1), ("assessment", 2, 3), ("log", 3, 4)):
                seconds[stage].append(clock[ended] - clock[began])
    seconds["total"] = [sum(parts) for parts in zip(*seconds.values(), strict=True)]
    return {
        stage: {"p50_ms": 1000 * float(np.median(values)), "p95_ms": 1000 * float(np.quantile(values, 0.95))}
        for stage, values in seconds.items()
    }


def _draw_ranking(generator: np.random.Generator, ids: Sequence[str]) -> dict[str, float]:
    scores = np.sort(generator.random(_DEPTH))[::-1]
    return dict(zip(generator.permutation(np.array(ids))[:_DEPTH].tolist(), scores.tolist(), strict=True))


def _records(
    legs: Mapping[str, Mapping[str, float]],
    fused: Mapping[str, float],
    vectors: Mapping[str, list[float]],
    logits: Sequence[float],
) -> list[Record]:
    candidates = list(fused)[:_CANDIDATES]
    hits = {
        leg: {id_: LegHit(rank, score) for rank, (id_, score) in enumerate(scores.items(), start=1)}
        for leg, scores in legs.items()
    }
    known = {id_: vectors[id_] for id_ in candidates}
    return [
        RetrievalRecord(_QUERY, legs=hits, fused=fused, vectors=known, query_vector=vectors["n0"]),
        RerankRecord("model", dict(zip(candidates, logits, strict=True)), fused),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
