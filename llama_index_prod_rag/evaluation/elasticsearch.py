"""The retrieval pipelines with Elasticsearch behind them, so that one command measures both backends alike."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType

from llama_index.core.schema import NodeWithScore, QueryBundle

from llama_index_prod_rag.evaluation.datasets import RetrievalDataset
from llama_index_prod_rag.evaluation.pipelines import PipelineSettings, Ranker, Workbench
from llama_index_prod_rag.models.embedding import embed_queries, embed_texts
from llama_index_prod_rag.retrievers.elasticsearch import (
    Connection,
    ElasticsearchHybridRetriever,
    create_index,
    index_definition,
    ingest,
)

# Names of the embedded leg's fields -> names in the index; the metadata of a labelled collection is its title.
_FIELDS: Mapping[str, str] = {"title": "title", "text": "content"}


class ElasticsearchWorkbench(Workbench):
    """A collection in a temporary index: `dense`, `bm25`, `hybrid` and `hybrid+rerank` search it.

    `llamaindex` stays what it is. Use it in a `with` statement: entering it fills the index, leaving it deletes it.

    Args:
        dataset: documents and queries.
        settings: of the pipelines, as for the embedded backend.
        url: the server.

    Raises:
        MissingExtraError: the `elasticsearch` extra is not installed.
        RetrievalError: the server cannot be reached.
        InputError: a document could not be indexed.
    """

    def __init__(self, dataset: RetrievalDataset, settings: PipelineSettings, *, url: str) -> None:
        super().__init__(dataset, settings)
        self._client = Connection(url=url, options={"request_timeout": 60}).open()
        self._index = f"prod-rag-evaluate-{uuid.uuid4().hex}"
        self._query_vectors: dict[str, list[float]] = {}

    def __enter__(self) -> ElasticsearchWorkbench:
        try:
            self._fill()
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._discard()

    def _discard(self) -> None:
        with suppress(Exception):  # a server that is gone keeps its index; the first error says that it is gone
            self._client.options(ignore_status=404).indices.delete(index=self._index)
        self._client.close()

    def _fill(self) -> None:
        texts = [document.full_text for document in self.dataset.documents.values()]
        queries = list(self.dataset.queries.values())
        vectors = embed_texts(texts, model=self.settings.embedding).tolist()
        of_queries = embed_queries(queries, model=self.settings.embedding).tolist()
        self._query_vectors = dict(zip(queries, of_queries, strict=True))
        create_index(self._client, self._index, index_definition(len(vectors[0])))
        documents = (
            node.model_copy(update={"embedding": vector}) for node, vector in zip(self.nodes, vectors, strict=True)
        )
        ingest(self._client, self._index, documents).raise_for_failures()

    def ranker(self, name: str) -> Ranker:
        """Give a pipeline as a function that ranks documents for a query.

        Raises:
            ConfigurationError: no pipeline has that name.
        """
        alphas = {"dense": 1.0, "bm25": 0.0, "hybrid": self.settings.alpha, "hybrid+rerank": self.settings.alpha}
        if name not in alphas:
            return super().ranker(name)
        search = self._searcher(alphas[name])
        if name == "hybrid+rerank":
            return lambda query: self._ids(self._rerank(query, search(query)))
        return lambda query: self._ids(search(query))

    def _searcher(self, alpha: float) -> Callable[[str], list[NodeWithScore]]:
        settings = self.settings
        named = [field.partition("^") for field in settings.fields]
        retriever = ElasticsearchHybridRetriever(
            self._index,
            client=self._client,
            fields=[_FIELDS[name] + caret + boost for name, caret, boost in named if name in _FIELDS],
            alpha=alpha,
            rule=settings.fusion,
            complete_scores=settings.complete_scores,
            similarity_top_k=settings.depth,
            leg_top_k=settings.depth,
            vectors=False,
            on_leg_failure="raise",
        )
        return lambda query: retriever.retrieve(QueryBundle(query, embedding=self._query_vectors[query]))

    def _rerank(self, query: str, hits: list[NodeWithScore]) -> list[NodeWithScore]:
        depth = self.settings.rerank_depth
        return [*self.reranker.postprocess_nodes(hits[:depth], query_str=query), *hits[depth:]]

    @staticmethod
    def _ids(hits: list[NodeWithScore]) -> list[str]:
        return [hit.node_id for hit in hits]
