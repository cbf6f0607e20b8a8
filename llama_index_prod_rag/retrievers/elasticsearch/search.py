"""What one index is asked, and how its answers are read; everything that does not change between two questions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from llama_index.core.schema import BaseNode
from llama_index.core.vector_stores.types import MetadataFilters

from llama_index_prod_rag.errors import ConfigurationError, check_count
from llama_index_prod_rag.fusion.rules import FusionRule
from llama_index_prod_rag.retrievers.elasticsearch import queries
from llama_index_prod_rag.retrievers.elasticsearch.documents import hit_node, source_text
from llama_index_prod_rag.retrievers.elasticsearch.failures import with_remedy
from llama_index_prod_rag.retrievers.elasticsearch.fields import FieldTypes
from llama_index_prod_rag.retrievers.elasticsearch.filters import filter_query, filtered_fields
from llama_index_prod_rag.retrievers.elasticsearch.queries import Body
from llama_index_prod_rag.retrievers.elasticsearch.responses import Answer, Hit, read_answer
from llama_index_prod_rag.retrievers.elasticsearch.stored import may_return
from llama_index_prod_rag.retrievers.hybrid import DEFAULT_RULE

DENSE = "dense"
BM25 = "bm25"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """How an index is laid out, and how it is searched: what seldom differs from one index to the next.

    Attributes:
        text_field: field that becomes the node's text.
        vector_field: the `dense_vector` field.
        metadata_field: object that holds the metadata; None when they are fields of the document itself.
        similarity: similarity of the vector field; None reads it from the mapping, once.
        lexical: how several text fields are matched; see `queries.lexical_query`.
        exact: compare the question with every vector by a script instead of approximate search. Slow on large
            indices; for checking recall.
        rescore: compare the nearest vectors again by the numbers that were indexed, where the index walks a graph of
            8 or 4 bits (`int8_hnsw`, the server's default from 8.14). None does so where the mapping says that it is
            needed and the server can (from 8.18); scores are exact then.
        num_candidates: candidates of the approximate search in each shard; None takes twice `leg_top_k`.
        leg_top_k: hits taken from each leg.
        rule: fusion rule, as in `HybridFusionRetriever`.
        complete_scores: score in one more round trip what only the other leg found; otherwise a leg counts 0 for
            what it did not return.
        lift_mentions: lift hits that hold a code, quotation, name or title of the question that hardly any other hit
            holds, as in `HybridFusionRetriever`.
        server_fusion: `"rrf"` or `"linear"`: let the server fuse, which needs a paid licence. Only the fused score is
            known then.
        vectors: fetch the returned hits' vectors for the record, in a second, small request; bringing them with every
            hit of both legs would cost more than the search itself.
        timeout: seconds the server has for one request.
        on_leg_failure: `"degrade"` goes on without a leg that failed; `"raise"` does not.

    Raises:
        ConfigurationError: a setting is out of range or contradicts another.
    """

    text_field: str = "content"
    vector_field: str = "embedding"
    metadata_field: str | None = "metadata"
    similarity: queries.Similarity | None = None
    lexical: queries.LexicalKind = "cross_fields"
    exact: bool = False
    rescore: bool | None = None
    num_candidates: int | None = None
    leg_top_k: int = 100
    rule: FusionRule | str = DEFAULT_RULE
    complete_scores: bool = False
    lift_mentions: bool = True
    server_fusion: queries.ServerRule | None = None
    vectors: bool = True
    timeout: float = 10.0
    on_leg_failure: Literal["degrade", "raise"] = "degrade"

    def __post_init__(self) -> None:
        check_count("leg_top_k", self.leg_top_k)
        if not self.timeout > 0.0:
            raise ConfigurationError(f"timeout is a number of seconds above 0, not {self.timeout}")
        if self.server_fusion is not None and (self.exact or self.complete_scores):
            raise ConfigurationError("the server's fusion takes kNN alone: drop exact and complete_scores, or it")
        if self.exact and not self.has_cosine:
            raise ConfigurationError(f"exact=True compares by cosine: drop it for similarity={self.similarity!r}")
        if self.on_leg_failure not in ("degrade", "raise"):
            raise ConfigurationError(f"on_leg_failure must be 'degrade' or 'raise', not {self.on_leg_failure!r}")

    @property
    def has_cosine(self) -> bool:
        """Whether dense scores are cosines, which cannot fall below -1."""
        return self.similarity in (None, "cosine", "dot_product")


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSearch(SearchOptions):
    """Holds how one index is searched, and makes the bodies of its searches.

    Attributes:
        index: index or alias.
        fields: text fields to search, with boosts.

    Raises:
        ConfigurationError: a setting is out of range or contradicts another.
    """

    index: str
    fields: tuple[str, ...] = ("content",)

    def __post_init__(self) -> None:
        SearchOptions.__post_init__(self)  # `super()` does not know a class that slots made anew
        if not self.index.strip():
            raise ConfigurationError("the index has no name: give the index or alias to search")
        queries.lexical_query("", self.fields, kind=self.lexical)

    @classmethod
    def of(cls, index: str, text_fields: Sequence[str], options: SearchOptions) -> IndexSearch:
        """Make the searches of an index with given options."""
        given = {field.name: getattr(options, field.name) for field in fields(SearchOptions)}
        return cls(index=index, fields=tuple(text_fields), **given)

    @property
    def field_names(self) -> set[str]:
        """The searched text fields, without their boosts."""
        return {field.partition("^")[0] for field in self.fields}

    def lexical_query(self, text: str, filters: Body | None) -> Body:
        """BM25 of a question among the documents that pass the filter."""
        return queries.apply_filters(queries.lexical_query(text, self.fields, kind=self.lexical), filters)

    def knn_clause(self, vector: Sequence[float], filters: Body | None) -> Body:
        """Approximate nearest neighbours of a question among the documents that pass the filter."""
        return queries.knn_clause(
            vector,
            self.vector_field,
            k=self.leg_top_k,
            num_candidates=self.num_candidates,
            filters=filters,
            rescore=bool(self.rescore),
        )

    def exact_query(self, vector: Sequence[float], filters: Body | None) -> Body:
        """The similarity of a question with every document that passes the filter."""
        return queries.exact_query(vector, self.vector_field, similarity=self.similarity or "cosine", filters=filters)

    def returning(self, body: Body, fields: Collection[str]) -> Body:
        """A search that brings back whole documents without their vectors, within the time there is."""
        return queries.returning(body, without=self.vector_field, timeout=self.timeout, fields=fields)

    def read(self, item: Mapping[str, Any]) -> Answer:
        """The answer of one search, its failure with a remedy."""
        answer = read_answer(item)
        if answer.failed is None or answer.hits:
            return answer
        return Answer(failed=with_remedy(answer.failed, answer.status), status=answer.status)

    def raw_score(self, leg: str, score: float, *, exact: bool | None = None) -> float:
        """A leg's own score behind the server's: similarity or BM25.

        Args:
            leg: which leg gave it.
            score: the hit's `_score`.
            exact: whether a script compared the vectors; None where the leg's own search did.
        """
        if leg == BM25:
            return score
        by_script = self.exact if exact is None else exact
        return queries.raw_similarity(score, self.similarity or "cosine", exact=by_script)

    def searched_texts(self, hits: Mapping[str, Hit]) -> dict[str, str]:
        """What the lexical leg saw of each hit: a title belongs to it."""
        names = sorted(self.field_names | {self.text_field})
        return {node_id: "\n".join(source_text(hit, name) for name in names) for node_id, hit in hits.items()}

    def node(self, hit: Hit) -> BaseNode:
        """Make the node that a hit of this index stands for."""
        return hit_node(hit, text_field=self.text_field, metadata_field=self.metadata_field)


@dataclass(frozen=True, slots=True)
class Question:
    """Puts one question to one index as request bodies.

    Attributes:
        search: how the index is searched.
        text: what the lexical leg looks for.
        vector: what the dense leg looks for; None when there is none.
        filters: only documents whose metadata passes may be returned.
    """

    search: IndexSearch
    text: str
    vector: Sequence[float] | None = None
    filters: MetadataFilters | None = None

    @property
    def _vector(self) -> Sequence[float]:
        return self.vector if self.vector is not None else []

    @property
    def filtered_fields(self) -> set[str]:
        """Full names of the fields that the filters look at."""
        return filtered_fields(self.filters, self.search.metadata_field)

    def filter_clause(self, types: FieldTypes) -> Body | None:
        """The filter of a request, with the types of those fields."""
        return filter_query(self.filters, types, metadata_field=self.search.metadata_field)

    def keep_permitted(self, answer: Answer, types: FieldTypes) -> Answer:
        """The answer without the hits whose own metadata the filters exclude, whatever the index made of them."""
        inside = self.search.metadata_field
        kept = [
            hit
            for hit in answer.hits
            if may_return(hit.source, self.filters, types, indexed=hit.fields, metadata_field=inside)
        ]
        return answer if len(kept) == len(answer.hits) else replace(answer, hits=kept)

    def leg_body(self, leg: str, filters: Body | None) -> Body:
        """Make the body of the search that one leg sends."""
        search = self.search
        if leg == BM25:
            body: Body = {"query": search.lexical_query(self.text, filters)}
        elif search.exact:
            body = {"query": search.exact_query(self._vector, filters)}
        else:
            body = {"knn": search.knn_clause(self._vector, filters)}
        return search.returning({**body, "size": search.leg_top_k}, self.filtered_fields)

    def fusion_body(self, rule: queries.ServerRule, filters: Body | None, alpha: float) -> Body:
        """Both legs, fused by the server."""
        search = self.search
        lexical, knn = search.lexical_query(self.text, filters), search.knn_clause(self._vector, filters)
        body = queries.server_fusion_body(rule, lexical, knn, alpha=alpha, size=search.leg_top_k)
        return search.returning(body, self.filtered_fields)

    def completion_body(self, leg: str, places: Collection[tuple[str, str]]) -> Body:
        """Scores of given documents in one leg, without their contents."""
        among, search = queries.among(places), self.search
        query = search.lexical_query(self.text, among) if leg == BM25 else search.exact_query(self._vector, among)
        return {"query": query, "size": len(places), "_source": False, "track_total_hits": False}
