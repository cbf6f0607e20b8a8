"""Named retrieval pipelines over a labelled collection: the package's own components, and what one would pick instead.

The dense leg is exact search over vectors from the disk cache; everything after it is the component a user gets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import BaseNode, NodeWithScore, QueryBundle, TextNode
from numpy.typing import NDArray

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.evaluation.datasets import RetrievalDataset
from llama_index_prod_rag.evaluation.pair_scores import DiskScores
from llama_index_prod_rag.extras import require
from llama_index_prod_rag.models.embedding import embed_queries, embed_texts
from llama_index_prod_rag.models.scorers import load_scorer
from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
from llama_index_prod_rag.postprocessor.score_cache import CachedScorer
from llama_index_prod_rag.retrievers.bm25 import DEFAULT_FIELDS, BM25FRetriever
from llama_index_prod_rag.retrievers.hybrid import DEFAULT_ALPHA, DEFAULT_RULE, HybridFusionRetriever

PipelineName = Literal["dense", "bm25", "hybrid", "hybrid+rerank", "llamaindex"]
"""`llamaindex` is `QueryFusionRetriever` with reciprocal ranks, the same dense leg, LlamaIndex's `BM25Retriever`."""

Ranker = Callable[[str], list[str]]
"""From a query to document ids, best first."""


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """Holds the settings that all pipelines of a comparison share.

    Attributes:
        fusion: name of the hybrid's rule.
        alpha: weight of the dense leg.
        fields: fields of the lexical leg.
        complete_scores: have each leg score what only the other found.
        depth: hits of each leg and of the result.
        rerank_depth: candidates the cross-encoder reads; the rest keeps its order behind them.
        embedding: embedding model, as `find_weights` takes it.
        cross_encoder: cross-encoder, as `find_weights` takes it.
    """

    fusion: str = DEFAULT_RULE
    alpha: float = DEFAULT_ALPHA
    fields: tuple[str, ...] = DEFAULT_FIELDS
    complete_scores: bool = False
    depth: int = 100
    rerank_depth: int = 50
    embedding: str = "offline"
    cross_encoder: str = "offline"


class ExactDenseRetriever(BaseRetriever):
    """Exact search by inner product over vectors in memory, for measurements.

    Args:
        nodes: what is searched.
        vectors: one unit vector per node.
        query_vectors: query text -> unit vector.
        top_k: most hits to return.
    """

    score_floor = -1.0

    def __init__(
        self,
        nodes: Sequence[BaseNode],
        vectors: NDArray[np.float32],
        query_vectors: Mapping[str, NDArray[np.float32]],
        top_k: int,
    ) -> None:
        super().__init__()
        self._nodes, self._vectors, self._query_vectors, self._top_k = nodes, vectors, query_vectors, top_k
        self._rows = {node.node_id: row for row, node in enumerate(nodes)}

    def score_nodes(self, query_bundle: QueryBundle, node_ids: Iterable[str]) -> dict[str, float]:
        """Compute the query's cosine similarity with the nodes of these ids."""
        query = self._query_vectors[query_bundle.query_str]
        return {node_id: float(self._vectors[self._rows[node_id]] @ query) for node_id in node_ids}

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        scores = self._vectors @ self._query_vectors[query_bundle.query_str]
        best = np.argsort(-scores, kind="stable")[: self._top_k]
        return [NodeWithScore(node=self._nodes[row], score=float(scores[row])) for row in best]


class Workbench:
    """A collection with its legs, each made when it is first asked for.

    Args:
        dataset: documents and queries.
        settings: of the pipelines.
    """

    def __init__(self, dataset: RetrievalDataset, settings: PipelineSettings) -> None:
        self.dataset, self.settings = dataset, settings

    def embed(self, progress: Callable[[int], None] = lambda _: None) -> ExactDenseRetriever:
        """Make the dense leg, calling `progress` with the number of texts just embedded."""
        texts = [document.full_text for document in self.dataset.documents.values()]
        queries = list(self.dataset.queries.values())
        vectors = embed_texts(texts, model=self.settings.embedding, progress=progress)
        of_queries = embed_queries(queries, model=self.settings.embedding, progress=progress)
        by_query = dict(zip(queries, of_queries, strict=True))
        self.dense = ExactDenseRetriever(self.nodes, vectors, by_query, self.settings.depth)
        return self.dense

    @cached_property
    def nodes(self) -> list[TextNode]:
        """One node per document; what is embedded is its title and text."""
        return [
            TextNode(text=document.text, id_=id_, metadata={"title": document.title}, metadata_template="{value}",
                     text_template="{metadata_str}\n{content}")
            for id_, document in self.dataset.documents.items()
        ]  # fmt: skip

    @cached_property
    def dense(self) -> ExactDenseRetriever:
        """The dense leg, which embeds all nodes when it is first asked for."""
        return self.embed()

    @cached_property
    def bm25(self) -> BM25FRetriever:
        """The lexical leg, which indexes all nodes when it is first asked for."""
        return BM25FRetriever(self.nodes, fields=self.settings.fields, similarity_top_k=self.settings.depth)

    @cached_property
    def hybrid(self) -> HybridFusionRetriever:
        """The retriever that fuses both legs under the settings' rule."""
        return HybridFusionRetriever(
            {"dense": self.dense, "bm25": self.bm25},
            alpha=self.settings.alpha,
            rule=self.settings.fusion,
            complete_scores=self.settings.complete_scores,
            similarity_top_k=self.settings.depth,
        )

    @cached_property
    def reranker(self) -> CrossEncoderRerank:
        """The cross-encoder over the hybrid's candidates, its pair scores kept on disk."""
        scorer = CachedScorer(load_scorer(self.settings.cross_encoder), DiskScores())
        return CrossEncoderRerank(scorer=scorer, model=self.settings.cross_encoder, top_n=self.settings.rerank_depth)

    @cached_property
    def llamaindex(self) -> BaseRetriever:
        """What LlamaIndex offers for the same: its fusion of the same dense leg and its own BM25 leg."""
        require("llama_index.retrievers.bm25", needed_for="LlamaIndex's own hybrid as a baseline", extra="eval")
        from llama_index.core.llms import MockLLM
        from llama_index.core.retrievers import QueryFusionRetriever
        from llama_index.core.retrievers.fusion_retriever import FUSION_MODES
        from llama_index.retrievers.bm25 import BM25Retriever

        depth = min(self.settings.depth, len(self.nodes))  # it warns of more
        lexical = BM25Retriever.from_defaults(nodes=list(self.nodes), similarity_top_k=depth)
        return QueryFusionRetriever(
            [self.dense, lexical],
            llm=MockLLM(),  # its constructor insists on one; with one query it is never asked
            mode=FUSION_MODES.RECIPROCAL_RANK,
            num_queries=1,
            use_async=False,
            similarity_top_k=self.settings.depth,
        )

    def ranker(self, name: str) -> Ranker:
        """Give a pipeline as a function that ranks documents for a query.

        Raises:
            ConfigurationError: no pipeline has that name.
        """
        if name not in get_args(PipelineName):
            raise ConfigurationError(f"unknown pipeline {name!r}: choose from {', '.join(get_args(PipelineName))}")
        if name == "hybrid+rerank":
            return self._rerank_hybrid
        retriever: BaseRetriever = getattr(self, name)
        return lambda query: [hit.node_id for hit in retriever.retrieve(query)]

    def _rerank_hybrid(self, query: str) -> list[str]:
        hits = self.hybrid.retrieve(query)
        depth = self.settings.rerank_depth
        best = self.reranker.postprocess_nodes(hits[:depth], query_str=query)
        return [hit.node_id for hit in [*best, *hits[depth:]]]


def run_pipeline(
    ranker: Ranker, queries: Mapping[str, str], *, progress: Callable[[int], None] = lambda _: None
) -> tuple[dict[str, list[str]], float]:
    """Every query's ranking, and the seconds they took together.

    Args:
        ranker: the pipeline.
        queries: query id -> text.
        progress: called with 1 after each query.
    """
    started = time.perf_counter()
    run: dict[str, list[str]] = {}
    for query_id, text in queries.items():
        run[query_id] = ranker(text)
        progress(1)
    return run, time.perf_counter() - started
