"""What one index is asked, and how its answers are read; everything that does not change between two questions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llama_index.core.schema import BaseNode

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.retrievers.elasticsearch import queries
from llama_index_prod_rag.retrievers.elasticsearch.client import with_remedy
from llama_index_prod_rag.retrievers.elasticsearch.documents import hit_node
from llama_index_prod_rag.retrievers.elasticsearch.queries import Body
from llama_index_prod_rag.retrievers.elasticsearch.responses import Answer, Hit, read_answer

DENSE = "dense"
BM25 = "bm25"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSearch:
    """How an index is laid out and searched. The attributes are parameters of `ElasticsearchHybridRetriever`.

    Raises:
        ConfigurationError: a setting is out of range or contradicts another.
    """

    index: str
    fields: tuple[str, ...] = ("content",)
    text_field: str = "content"
    vector_field: str = "embedding"
    metadata_field: str | None = "metadata"
    lexical: queries.LexicalKind = "cross_fields"
    similarity: queries.Similarity = "cosine"
    exact: bool = False
    num_candidates: int | None = None
    leg_top_k: int = 100
    timeout: float = 10.0

    def __post_init__(self) -> None:
        if not self.index.strip():
            raise ConfigurationError("the index has no name: give the index or alias to search")
        if self.leg_top_k < 1:
            raise ConfigurationError(f"leg_top_k must be at least 1, not {self.leg_top_k}")
        if not self.timeout > 0.0:
            raise ConfigurationError(f"timeout is a number of seconds above 0, not {self.timeout}")
        if self.exact and not self.has_cosine:
            raise ConfigurationError(f"exact=True compares by cosine: drop it for similarity={self.similarity!r}")
        queries.lexical_query("", self.fields, kind=self.lexical)

    @property
    def has_cosine(self) -> bool:
        """Whether dense scores are cosines, which cannot fall below -1."""
        return self.similarity in ("cosine", "dot_product")

    @property
    def field_names(self) -> set[str]:
        """The searched text fields, without their boosts."""
        return {field.partition("^")[0] for field in self.fields}

    def lexical_query(self, text: str, filters: Body | None) -> Body:
        """BM25 of a question among the documents that pass the filter."""
        return queries.filtered(queries.lexical_query(text, self.fields, kind=self.lexical), filters)

    def knn_clause(self, vector: Sequence[float], filters: Body | None) -> Body:
        """Approximate nearest neighbours of a question among the documents that pass the filter."""
        return queries.knn_clause(
            vector, self.vector_field, k=self.leg_top_k, num_candidates=self.num_candidates, filters=filters
        )

    def leg_body(self, leg: str, text: str, vector: Sequence[float], filters: Body | None) -> Body:
        """The search of one leg."""
        if leg == BM25:
            return self._returning({"query": self.lexical_query(text, filters), "size": self.leg_top_k})
        if self.exact:
            query = queries.exact_query(vector, self.vector_field, filters=filters)
            return self._returning({"query": query, "size": self.leg_top_k})
        return self._returning({"knn": self.knn_clause(vector, filters), "size": self.leg_top_k})

    def fusion_body(
        self, rule: queries.ServerRule, text: str, vector: Sequence[float], filters: Body | None, alpha: float
    ) -> Body:
        """Both legs, fused by the server."""
        lexical, knn = self.lexical_query(text, filters), self.knn_clause(vector, filters)
        return self._returning(queries.server_fusion_body(rule, lexical, knn, alpha=alpha, size=self.leg_top_k))

    def completion_body(self, leg: str, text: str, vector: Sequence[float], ids: Collection[str]) -> Body:
        """Scores of given documents in one leg, without their contents."""
        among: Body = {"ids": {"values": sorted(ids)}}
        if leg == BM25:
            query = self.lexical_query(text, among)
        else:
            query = queries.exact_query(vector, self.vector_field, filters=among)
        return {"query": query, "size": len(ids), "_source": False, "track_total_hits": False}

    def _returning(self, body: Body) -> Body:
        return queries.returning(body, without=self.vector_field, timeout=self.timeout)

    def read(self, item: Mapping[str, Any]) -> Answer:
        """The answer of one search, its failure with a remedy."""
        answer = read_answer(item, vector_field=self.vector_field)
        if answer.failed is None or answer.hits:
            return answer
        return Answer(failed=with_remedy(answer.failed, answer.status), status=answer.status)

    def raw_score(self, leg: str, score: float) -> float:
        """A leg's own score behind the server's: similarity or BM25."""
        return queries.raw_similarity(score, self.similarity, exact=self.exact) if leg == DENSE else score

    def node(self, hit: Hit) -> BaseNode:
        """The node of a hit."""
        return hit_node(hit, text_field=self.text_field, metadata_field=self.metadata_field)
