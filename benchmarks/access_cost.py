"""What an access policy adds to a question's processor time: the same questions with it and without, in turns.

    python -m benchmarks.access_cost [--sizes N ...] [--questions N] [--json]

Made-up chunks of 120 words with an access list, a list of denials and a tenant each; the principal may see all of them,
so that both find the same passages. `retriever` asks `HybridFusionRetriever` over an index in memory,
`engine` the gate behind it without a reranker, which answers with quotes, and `pipeline` the same behind the offline
cross-encoder, on a few questions. Of each question the fastest of several turns counts, on one thread for linear
algebra.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # waiting threads of a matrix product spin, and count as work

import argparse
import json
import time
from collections.abc import Callable, Sequence

import numpy as np
from llama_index.core import MockEmbedding, VectorStoreIndex
from llama_index.core.schema import QueryBundle, TextNode

from llama_index_prod_rag import (
    AccessPolicy,
    ConfidenceGatedQueryEngine,
    CrossEncoderRerank,
    HybridFusionRetriever,
    Principal,
    acting_as,
)

_DIMENSIONS, _WORDS, _VOCABULARY, _ASKED, _TURNS = 384, 120, 8_000, 8, 5
_FEW = 5  # questions behind the cross-encoder, which takes a second for each
_POLICY = AccessPolicy(deny_key="denied", tenant_key="tenant")
_PRINCIPAL = Principal(user="anna", groups=("staff", "engineering"), tenant="a")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2_000, 10_000], help="chunks in the index")
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--json", action="store_true", help="one line")
    chosen = parser.parse_args(arguments)
    found = {str(size): measure(size, chosen.questions) for size in chosen.sizes}
    print(json.dumps({"sizes": found, "questions": chosen.questions}, indent=None if chosen.json else 1))
    return 0


def measure(size: int, questions: int) -> dict[str, dict[str, float]]:
    """Milliseconds of processor time per question, without the policy and with it, and what it adds in percent."""
    generator = np.random.default_rng(0)
    index = VectorStoreIndex(_make_nodes(generator, size), embed_model=MockEmbedding(_DIMENSIONS))
    asked = [
        QueryBundle(_draw_text(generator, _ASKED), embedding=generator.normal(size=_DIMENSIONS).tolist())
        for _ in range(questions)
    ]
    plain = HybridFusionRetriever.from_index(index, similarity_top_k=10)
    guarded = HybridFusionRetriever.from_index(index, similarity_top_k=10, access=_POLICY)
    engine, behind = ConfidenceGatedQueryEngine(plain), ConfidenceGatedQueryEngine(plain, access=_POLICY)
    with acting_as(_PRINCIPAL):
        return {
            "retriever": _compare(plain.retrieve, guarded.retrieve, asked),
            "engine": _compare(engine.query, behind.query, asked),
            "pipeline": _compare(_rerank(plain, None).query, _rerank(plain, _POLICY).query, asked[:_FEW]),
        }


def _rerank(retriever: HybridFusionRetriever, access: AccessPolicy | None) -> ConfidenceGatedQueryEngine:
    reranker = CrossEncoderRerank(model="offline", top_n=5)
    return ConfidenceGatedQueryEngine(retriever, node_postprocessors=[reranker], access=access)


def _make_nodes(generator: np.random.Generator, size: int) -> list[TextNode]:
    return [
        TextNode(
            id_=f"n{number}",
            text=_draw_text(generator, _WORDS),
            metadata={"groups": [f"team{number % 50}", "staff"], "denied": [f"user{number % 9}"], "tenant": "a"},
            embedding=generator.normal(size=_DIMENSIONS).tolist(),
        )
        for number in range(size)
    ]


def _draw_text(generator: np.random.Generator, words: int) -> str:
    weights = 1.0 / np.arange(1, _VOCABULARY + 1)  # as words are spread in texts (Zipf)
    return " ".join(f"w{word}" for word in generator.choice(_VOCABULARY, words, p=weights / weights.sum()))


def _compare(
    plain: Callable[[QueryBundle], object], guarded: Callable[[QueryBundle], object], asked: Sequence[QueryBundle]
) -> dict[str, float]:
    fastest = np.full((2, len(asked)), np.inf)
    for _ in range(_TURNS):
        for place, question in enumerate(asked):
            for way, ask in enumerate((plain, guarded)):
                bundle = QueryBundle(question.query_str, embedding=question.embedding)
                began = time.process_time()
                ask(bundle)
                fastest[way, place] = min(fastest[way, place], time.process_time() - began)
    without, with_policy = fastest.sum(axis=1)
    return {
        "without_ms": 1000.0 * float(without) / len(asked),
        "with_ms": 1000.0 * float(with_policy) / len(asked),
        "added_percent": 100.0 * float(with_policy / without - 1.0),
    }


if __name__ == "__main__":
    raise SystemExit(main())
