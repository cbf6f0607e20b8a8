"""Requests, word for word."""

from __future__ import annotations

import json

import pytest

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.retrievers.elasticsearch import queries
from llama_index_prod_rag.retrievers.elasticsearch.search import IndexSearch, Question

FILTER = {"term": {"metadata.team": {"value": "hr"}}}


@pytest.mark.parametrize(
    ("fields", "kind", "body"),
    [
        (["content"], "cross_fields", {"match": {"content": {"query": "q"}}}),
        (["content^2"], "best_fields", {"match": {"content": {"query": "q", "boost": 2.0}}}),
        *(
            (
                ["title^2", "content"],
                kind,
                {"multi_match": {"query": "q", "fields": ["title^2", "content"], "type": kind}},
            )
            for kind in ("cross_fields", "most_fields", "best_fields")
        ),
        (
            ["title^2", "content"],
            "combined_fields",
            {"combined_fields": {"query": "q", "fields": ["title^2", "content"]}},
        ),
    ],
)
def test_lexical_query(fields: list[str], kind: queries.LexicalKind, body: queries.Body) -> None:
    assert queries.lexical_query("q", fields, kind=kind) == body


@pytest.mark.parametrize(
    ("fields", "kind", "message"),
    [
        ([], "cross_fields", "name the text fields"),
        (["^2"], "cross_fields", "name the text fields"),
        (["title^two"], "cross_fields", "not a positive number"),
        (["title^-1"], "cross_fields", "not a positive number"),
        (["title^nan"], "cross_fields", "not a positive number"),
        (["title^0.5", "content"], "combined_fields", "boosts of 1 and more"),
        (["content"], "phrase", "choose one of"),
    ],
)
def test_lexical_query_that_cannot_be(fields: list[str], kind: queries.LexicalKind, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        queries.lexical_query("q", fields, kind=kind)


def test_both_legs_in_one_request() -> None:
    search = IndexSearch(index="docs", fields=("title^2", "content"), leg_top_k=20, timeout=2.5)
    question = Question(search, "q", [0.6, 0.8])
    legs = [question.leg_body(leg, FILTER) for leg in ("dense", "bm25")]
    returned = {
        "track_total_hits": False,
        "_source": {"excludes": ["embedding"]},
        "timeout": "2500ms",
    }
    lexical = {"multi_match": {"query": "q", "fields": ["title^2", "content"], "type": "cross_fields"}}
    knn = {"field": "embedding", "query_vector": [0.6, 0.8], "k": 20, "num_candidates": 100, "filter": FILTER}
    assert queries.msearch("docs", legs) == [
        {"index": "docs"},
        {"knn": knn, "size": 20, **returned},
        {"index": "docs"},
        {"query": {"bool": {"must": [lexical], "filter": [FILTER]}}, "size": 20, **returned},
    ]


def test_exact_leg_scores_every_document_that_has_a_vector() -> None:
    body = Question(IndexSearch(index="docs", exact=True), "q", [1.0]).leg_body("dense", FILTER)
    assert body["query"]["script_score"] == {
        "query": {"bool": {"filter": [{"exists": {"field": "embedding"}}, FILTER]}},
        "script": {
            "source": "cosineSimilarity(params.query_vector, 'embedding') + 1.0",
            "params": {"query_vector": [1.0]},
        },
    }


def test_server_fusion() -> None:
    question = Question(IndexSearch(index="docs", leg_top_k=50), "q", [1.0])
    lexical = {"match": {"content": {"query": "q"}}}
    knn = {"field": "embedding", "query_vector": [1.0], "k": 50, "num_candidates": 100}
    assert question.fusion_body("rrf", None, 0.7)["retriever"] == {
        "rrf": {
            "retrievers": [{"standard": {"query": lexical}}, {"knn": knn}],
            "rank_constant": 60,
            "rank_window_size": 50,
        }
    }
    linear = question.fusion_body("linear", None, 0.75)["retriever"]["linear"]
    assert [(leg["weight"], leg["normalizer"]) for leg in linear["retrievers"]] == [(0.25, "minmax"), (0.75, "minmax")]


@pytest.mark.parametrize(
    ("k", "asked", "candidates"), [(100, None, 200), (10, None, 100), (50, 20, 50), (9000, None, 10_000)]
)
def test_candidates_stay_within_what_the_server_takes(k: int, asked: int | None, candidates: int) -> None:
    assert queries.knn_clause([1.0], "v", k=k, num_candidates=asked)["num_candidates"] == candidates


@pytest.mark.parametrize("kind", ["cross_fields", "combined_fields", "most_fields", "best_fields"])
def test_a_question_never_reaches_a_query_parser(kind: queries.LexicalKind) -> None:
    question = 'title:secret OR _exists_:password AND "x"~2 /.*/ {"match_all": {}}'
    search = IndexSearch(index="docs", fields=("title^2", "content"), lexical=kind)
    body = Question(search, question).leg_body("bm25", None)
    assert "query_string" not in json.dumps(body)
    assert question in json.dumps(body, ensure_ascii=False).replace('\\"', '"')


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"index": " "}, "no name"),
        ({"leg_top_k": 0}, "at least 1"),
        ({"timeout": 0.0}, "above 0"),
        ({"exact": True, "server_fusion": "rrf"}, "kNN alone"),
        ({"on_leg_failure": "ignore"}, "degrade"),
        ({"exact": True, "similarity": "l2_norm"}, "cosine"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        IndexSearch(**{"index": "docs", **settings})  # type: ignore[arg-type]
