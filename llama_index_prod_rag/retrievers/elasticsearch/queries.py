"""Request bodies for Elasticsearch, as pure functions: what is asked, apart from who sends it.

The question's text only ever becomes the `query` of a match query, which analyses it into terms. No body uses
`query_string` or `simple_query_string`: their parsers would let a question's `AND`, `field:` or `~` change the search.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any, Literal, TypeAlias

from llama_index_prod_rag.errors import ConfigurationError

Body: TypeAlias = dict[str, Any]
"""JSON of a request, as the client takes it."""

LexicalKind = Literal["cross_fields", "combined_fields", "most_fields", "best_fields"]
"""How a question is matched against several text fields; the first two blend their term statistics."""

Similarity = Literal["cosine", "dot_product", "l2_norm", "max_inner_product"]
"""Similarity of the vector field, as in its mapping."""

ServerRule = Literal["rrf", "linear"]
"""Fusion inside the server; both are licensed features."""

SIMILARITIES: tuple[Similarity, ...] = ("cosine", "dot_product", "l2_norm", "max_inner_product")
_KINDS = ("cross_fields", "combined_fields", "most_fields", "best_fields")
_LARGEST_NUM_CANDIDATES = 10_000  # the server's own limit


def lexical_query(text: str, fields: Sequence[str], *, kind: LexicalKind = "cross_fields") -> Body:
    """BM25 of a question over one or several text fields.

    Args:
        text: the question, as the user typed it.
        fields: field names, each with an optional boost: `"title^2"`.
        kind: `cross_fields` and `combined_fields` treat the fields as one, so that a term's rarity and a document's
            length are counted once; `most_fields` adds the fields' scores; `best_fields` takes the best field alone.

    Raises:
        ConfigurationError: no field, an unknown kind, or boosts below 1 with `combined_fields`, which BM25F forbids.

    Examples:
        >>> lexical_query("lift", ["content"])
        {'match': {'content': {'query': 'lift'}}}
        >>> lexical_query("lift", ["title^2", "content"])["multi_match"]["type"]
        'cross_fields'
    """
    if not fields or not all(field.partition("^")[0] for field in fields):
        raise ConfigurationError("fields is empty: name the text fields to search, such as ['title^2', 'content']")
    if kind not in _KINDS:
        raise ConfigurationError(f"unknown lexical kind {kind!r}: choose one of {', '.join(_KINDS)}")
    boosts = {name: _boost(field, boost) for field in fields for name, _, boost in [field.partition("^")]}
    if kind == "combined_fields" and min(boosts.values()) < 1.0:
        raise ConfigurationError("combined_fields takes boosts of 1 and more: raise the other fields instead")
    if len(fields) == 1:
        ((name, boost),) = boosts.items()
        return {"match": {name: {"query": text} if boost == 1.0 else {"query": text, "boost": boost}}}
    if kind == "combined_fields":
        return {"combined_fields": {"query": text, "fields": list(fields)}}
    return {"multi_match": {"query": text, "fields": list(fields), "type": kind}}


def _boost(field: str, boost: str) -> float:
    try:
        value = float(boost or 1.0)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0.0):
        raise ConfigurationError(f"the boost in {field!r} is not a positive number: write it as in 'title^2'")
    return value


def apply_filters(query: Body, filters: Body | None) -> Body:
    """The query among the documents that pass the filter; a filter changes no score."""
    return query if filters is None else {"bool": {"must": [query], "filter": [filters]}}


def knn_clause(
    vector: Sequence[float],
    field: str,
    *,
    k: int,
    num_candidates: int | None = None,
    filters: Body | None = None,
    rescore: bool = False,
) -> Body:
    """Approximate nearest neighbours; the filter is applied while the graph is walked, so that k documents remain.

    Args:
        vector: the question's embedding, as many dimensions as the field has.
        field: name of the `dense_vector` field.
        k: neighbours wanted.
        num_candidates: candidates each shard looks at, `k` to 10,000; None takes twice `k`, and 100 at least.
        filters: a filter clause.
        rescore: compare the k nearest again by the vectors themselves, where the index walks quantised ones.

    Examples:
        >>> knn_clause([0.1], "embedding", k=100)["num_candidates"]
        200
    """
    candidates = max(2 * k, 100) if num_candidates is None else max(num_candidates, k)
    clause: Body = {
        "field": field,
        "query_vector": list(vector),
        "k": k,
        "num_candidates": min(candidates, _LARGEST_NUM_CANDIDATES),
    }
    if rescore:
        # The k nearest alone: it makes their scores exact and nearly always the order of the best, in the same time.
        clause["rescore_vector"] = {"oversample": 1.0}
    return clause if filters is None else {**clause, "filter": filters}


def exact_query(
    vector: Sequence[float], field: str, *, similarity: Similarity = "cosine", filters: Body | None = None
) -> Body:
    """The similarity with every document that has a vector, by a script; `raw_similarity` reads its scores.

    Args:
        vector: the question's embedding.
        field: name of the `dense_vector` field.
        similarity: of that field, one of `SCRIPTED`.
        filters: a filter clause.
    """
    having: list[Body] = [{"exists": {"field": field}}]
    return {
        "script_score": {
            "query": {"bool": {"filter": having if filters is None else [*having, filters]}},
            "script": {
                "source": _SCRIPTS[similarity].replace("FIELD", f"params.query_vector, '{field}'"),
                "params": {"query_vector": list(vector)},
            },
        }
    }


# A score may not be negative, so 1 is added to what may be. The distances of `l2_norm` are scores as they are, which
# tell how far given documents are but rank all documents upside down; an inner product has no lowest value to add.
_SCRIPTS: dict[Similarity, str] = {
    "cosine": "cosineSimilarity(FIELD) + 1.0",
    "dot_product": "dotProduct(FIELD) + 1.0",
    "l2_norm": "l2norm(FIELD)",
}
SCRIPTED: frozenset[Similarity] = frozenset(_SCRIPTS)
"""Similarities that can be computed for given documents."""


def returning(body: Body, *, without: str, timeout: float, fields: Collection[str] = ()) -> Body:
    """Say what the hits bring back: the whole document, without its vector.

    Args:
        body: the search.
        without: the vector field, which would be most of the answer's bytes.
        timeout: seconds after which the server returns what it has.
        fields: paths whose values are wanted as the index sees them, beside the document.
    """
    limit = f"{max(1, round(timeout * 1000))}ms"
    asked = {"fields": sorted(fields)} if fields else {}
    return {**body, **asked, "track_total_hits": False, "_source": {"excludes": [without]}, "timeout": limit}


def among(places: Collection[tuple[str, str]]) -> Body:
    """The documents at given places, each an index and an `_id`: behind an alias several may have that id.

    Examples:
        >>> among([("docs", "b"), ("docs", "a")])
        {'bool': {'filter': [{'term': {'_index': 'docs'}}, {'ids': {'values': ['a', 'b']}}]}}
    """
    ids: dict[str, list[str]] = {}
    for index, id_ in sorted(places):
        ids.setdefault(index, []).append(id_)
    of_index = [_of_index(index, {"ids": {"values": values}}) for index, values in ids.items()]
    return of_index[0] if len(of_index) == 1 else {"bool": {"should": of_index}}


def _of_index(index: str, query: Body) -> Body:
    return {"bool": {"filter": [{"term": {"_index": index}}, query]}} if index else query


def vectors_body(places: Collection[tuple[str, str]], field: str) -> Body:
    """The vectors of given documents, through `fields`: servers from 9.2 leave vectors out of the source."""
    query = among(places)
    return {"query": query, "size": len(places), "_source": False, "fields": [field], "track_total_hits": False}


def msearch(index: str, bodies: Sequence[Body]) -> list[Body]:
    """Several searches of one index as the lines of one `_msearch` request."""
    return [line for body in bodies for line in ({"index": index}, body)]


def server_fusion_body(rule: ServerRule, lexical: Body, knn: Body, *, alpha: float, size: int) -> Body:
    """Fusion by the server's own retrievers; it returns the fused score alone.

    Args:
        rule: `rrf` (rank constant 60, unweighted) or `linear` (min-max normalised, weighted).
        lexical: the lexical query, filtered.
        knn: the kNN clause, filtered.
        alpha: weight of the dense leg; `rrf` has no weights.
        size: hits wanted, and taken from each leg.
    """
    legs: list[tuple[Body, float]] = [({"standard": {"query": lexical}}, 1.0 - alpha), ({"knn": knn}, alpha)]
    if rule == "rrf":
        fusion: Body = {"retrievers": [leg for leg, _ in legs], "rank_constant": 60}
    else:
        weighted = [{"retriever": leg, "weight": weight, "normalizer": "minmax"} for leg, weight in legs]
        fusion = {"retrievers": weighted}
    return {"retriever": {rule: {**fusion, "rank_window_size": size}}, "size": size}


def raw_similarity(score: float, similarity: Similarity, *, exact: bool = False) -> float:
    """The similarity behind a hit's score, undoing the map that keeps the server's scores positive.

    Args:
        score: `_score` of a hit of the dense leg.
        similarity: the vector field's similarity.
        exact: whether it came from `exact_query`.

    Returns:
        Cosine or dot product in [-1, 1]; the negative distance for `l2_norm`; the inner product for
        `max_inner_product`. Source: the server's reference of `dense_vector`, parameter `similarity`.

    Examples:
        >>> raw_similarity(0.9, "cosine"), raw_similarity(1.5, "cosine", exact=True)
        (0.8, 0.5)
        >>> raw_similarity(0.5, "l2_norm"), raw_similarity(3.0, "max_inner_product")
        (-1.0, 2.0)
    """
    if similarity in ("cosine", "dot_product"):
        return score - 1.0 if exact else 2.0 * score - 1.0
    if exact:
        return -score
    if similarity == "l2_norm":
        return -math.sqrt(max(0.0, 1.0 / score - 1.0)) if score > 0.0 else -math.inf
    return score - 1.0 if score >= 1.0 else 1.0 - 1.0 / score
