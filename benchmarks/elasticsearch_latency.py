"""Latency and recall of retrieval from Elasticsearch, beside LlamaIndex's store and fusion.

    python -m benchmarks.elasticsearch_latency [--sizes N ...] [--sets NAME ...] [--queries N] [--as-ingested] --json

The collections are too small for 100,000 passages, so passages are made of real ones: passage i joins two halves of
real texts, and its vector is the mean of the two texts' vectors (all-MiniLM-L6-v2), plus Gaussian noise of .05 in
norm, brought to unit length. Questions are real. Recall@10 is that of the dense leg against exact search over the same
vectors. Each way is warmed up with ten questions; the timed ones are others. A time is one `retrieve` call with the
question's vector given, so embedding is not in it, and everything else is: request, search, transfer, parsing, fusion.
An index is merged into one segment first, or with `--as-ingested` left in the segments that filling it made.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from numpy.typing import NDArray

from llama_index_prod_rag.evaluation.datasets import load_beir
from llama_index_prod_rag.models.embedding import embed_texts
from llama_index_prod_rag.models.weights import MINILM
from llama_index_prod_rag.retrievers.elasticsearch import (
    ElasticsearchHybridRetriever,
    create_index,
    index_definition,
    ingest,
)

_WARM_UP = 10
_NOISE = 0.05
_SETS = ("scifact", "cranfield", "fiqa_mini", "hotpotqa")

Search = Callable[[QueryBundle], list[NodeWithScore]]


@dataclass
class Passages:
    """Made passages and real questions."""

    texts: list[str]
    vectors: NDArray[np.float32]
    questions: list[QueryBundle]

    def nodes(self) -> Iterator[TextNode]:
        """Nodes with embeddings, one at a time."""
        for number, text in enumerate(self.texts):
            yield TextNode(id_=str(number), text=text, embedding=self.vectors[number].tolist())

    def exact(self, question: QueryBundle, k: int = 10) -> set[str]:
        """The k nearest passages."""
        scores = self.vectors @ np.asarray(question.embedding, dtype=np.float32)
        return {str(row) for row in np.argpartition(-scores, k)[:k]}


def make_passages(folder: Path, sets: Sequence[str], size: int, queries: int) -> Passages:
    """Recombine the collections' texts, always in the same way."""
    texts: list[str] = []
    questions: list[str] = []
    for name in sets:
        dataset = load_beir(folder / name, split="all")
        texts += [document.full_text for document in dataset.documents.values()]
        questions += list(dataset.queries.values())
    draw = np.random.default_rng(0)
    questions = [questions[row] for row in draw.permutation(len(questions))[: queries + _WARM_UP]]
    vectors = embed_texts(texts + questions, model=MINILM)
    pairs = draw.integers(len(texts), size=(size, 2))
    noise = draw.normal(size=(size, vectors.shape[1])).astype(np.float32) * (_NOISE / vectors.shape[1] ** 0.5)
    mixed = vectors[pairs[:, 0]] + vectors[pairs[:, 1]] + 2.0 * noise
    return Passages(
        [f"{texts[a][: len(texts[a]) // 2]} {texts[b][len(texts[b]) // 2 :]}" for a, b in pairs.tolist()],
        (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32),
        [
            QueryBundle(text, embedding=vector)
            for text, vector in zip(questions, vectors[len(texts) :].tolist(), strict=True)
        ],
    )


class _KnownQuestions(BaseEmbedding):
    """LlamaIndex's store asks for an embedding model; this one looks the vector up."""

    known: dict[str, list[float]]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self.known[query]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self.known[query]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self.known[text]


def llamaindex_fusion(url: str, index: str, questions: Sequence[QueryBundle]) -> BaseRetriever:
    """What LlamaIndex offers for the same: its store's dense and BM25 strategies under `QueryFusionRetriever`."""
    from elasticsearch.helpers.vectorstore import AsyncBM25Strategy
    from llama_index.core import VectorStoreIndex
    from llama_index.core.llms import MockLLM
    from llama_index.core.retrievers import QueryFusionRetriever
    from llama_index.core.retrievers.fusion_retriever import FUSION_MODES
    from llama_index.vector_stores.elasticsearch import ElasticsearchStore

    model = _KnownQuestions(known={question.query_str: question.embedding or [] for question in questions})
    stores = [
        ElasticsearchStore(index_name=index, es_url=url),
        ElasticsearchStore(index_name=index, es_url=url, retrieval_strategy=AsyncBM25Strategy()),
    ]
    legs: list[BaseRetriever] = [
        VectorStoreIndex.from_vector_store(store, embed_model=model).as_retriever(
            similarity_top_k=100, vector_store_query_mode=mode
        )
        for store, mode in zip(stores, ("default", "text_search"), strict=True)
    ]
    return QueryFusionRetriever(
        legs,
        llm=MockLLM(),
        mode=FUSION_MODES.RECIPROCAL_RANK,
        num_queries=1,
        use_async=False,
        similarity_top_k=10,
    )


def ways(url: str, index: str, questions: Sequence[QueryBundle]) -> dict[str, BaseRetriever]:
    """Name -> retriever; all return ten hits, fused ones from 100 per leg."""
    both: dict[str, Any] = {"url": url, "alpha": 0.5}
    return {
        "dense": ElasticsearchHybridRetriever(
            index, url=url, alpha=1.0, leg_top_k=10, num_candidates=200, vectors=False
        ),
        "dense, exact": ElasticsearchHybridRetriever(
            index, url=url, alpha=1.0, leg_top_k=10, exact=True, vectors=False
        ),
        "bm25": ElasticsearchHybridRetriever(index, url=url, alpha=0.0, leg_top_k=10, vectors=False),
        "hybrid": ElasticsearchHybridRetriever(index, **both, vectors=False),
        "hybrid, vectors brought back": ElasticsearchHybridRetriever(index, **both),
        "hybrid, scores completed": ElasticsearchHybridRetriever(index, **both, vectors=False, complete_scores=True),
        "ElasticsearchStore + QueryFusionRetriever": llamaindex_fusion(url, index, questions),
    }


def time_way(retriever: BaseRetriever, passages: Passages, *, recall: bool) -> dict[str, float]:
    """Milliseconds per question, and recall where it is a dense leg."""
    seconds: list[float] = []
    found: list[float] = []
    for number, question in enumerate(passages.questions):
        started = time.perf_counter()
        hits = retriever.retrieve(question)
        if number >= _WARM_UP:
            seconds.append(time.perf_counter() - started)
            if recall:
                found.append(len(passages.exact(question) & {hit.node_id for hit in hits}) / 10)
    p50, p95 = np.percentile(seconds, [50, 95]) * 1000.0
    row = {"p50_ms": round(float(p50), 1), "p95_ms": round(float(p95), 1)}
    return {**row, "recall@10": round(float(np.mean(found)), 4)} if recall else row


def measure(arguments: argparse.Namespace, size: int) -> dict[str, Any]:
    """Index one size and time every way on it; the index of an earlier run that kept it is used again."""
    passages = make_passages(arguments.data, arguments.sets, size, arguments.queries)
    url, index = arguments.url, "-".join(("prod-rag-latency", str(size), *arguments.sets))
    with Elasticsearch(url, request_timeout=3600) as client:
        try:
            if not client.indices.exists(index=index):
                fill(client, index, passages, merge=not arguments.as_ingested)
            segments = int(
                client.indices.stats(index=index, metric="segments")["_all"]["primaries"]["segments"]["count"]
            )
            rows = {
                name: time_way(retriever, passages, recall=name.startswith("dense"))
                for name, retriever in ways(url, index, passages.questions).items()
            }
            bulk = float(client.indices.get_mapping(index=index)[index]["mappings"]["_meta"]["bulk_seconds"])
        finally:
            if not arguments.keep:
                client.options(ignore_status=404).indices.delete(index=index)
    return {"bulk_seconds": bulk, "segments": segments, "ways": rows}


def fill(client: Elasticsearch, index: str, passages: Passages, *, merge: bool) -> None:
    """Index the passages; how long the bulk requests took is kept with the index."""
    create_index(client, index, index_definition(passages.vectors.shape[1]))
    started = time.perf_counter()
    ingest(client, index, passages.nodes()).raise_for_failures()
    client.indices.put_mapping(index=index, meta={"bulk_seconds": round(time.perf_counter() - started, 1)})
    if merge:
        client.indices.forcemerge(index=index, max_num_segments=1)
    else:
        client.indices.refresh(index=index)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PROD_RAG_DATA", "../shared/data")))
    parser.add_argument("--url", default=os.environ.get("ELASTICSEARCH_URL", "http://127.0.0.1:9200"))
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--sets", nargs="+", default=list(_SETS))
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--as-ingested", action="store_true", help="do not merge into one segment")
    parser.add_argument("--keep", action="store_true", help="keep the indices; a run that finds them only times")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    sizes = {str(size): measure(arguments, size) for size in arguments.sizes}
    report = {"queries": arguments.queries, "cores": os.cpu_count(), "sizes": sizes}
    if arguments.json:
        print(json.dumps(report, indent=1))
        return
    for size, result in sizes.items():
        print(f"{int(size):,} passages, indexed in {result['bulk_seconds']} s")
        for name, row in result["ways"].items():
            recall = f"{row['recall@10']:9.3f}" if "recall@10" in row else ""
            print(f"  {name:44} p50 {row['p50_ms']:7.1f} ms   p95 {row['p95_ms']:7.1f} ms {recall}")


if __name__ == "__main__":
    main()
