"""LlamaIndex filters -> query DSL, as a table."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.vector_stores.types import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.retrievers.elasticsearch.filters import filter_query, filtered_fields, with_sub_fields

KINDS = {
    "metadata.team": "text",  # as dynamic mapping makes it
    "metadata.team.keyword": "keyword",
    "metadata.tag": "keyword",
    "metadata.year": "long",
    "metadata.day": "date",
    "metadata.notes": "text",
}
TEAM = "metadata.team.keyword"


def one(key: str, operator: FilterOperator, value: Any) -> MetadataFilter:
    return MetadataFilter(key=key, operator=operator, value=value)


def clause(leaf: MetadataFilter) -> dict[str, Any]:
    query = filter_query(MetadataFilters(filters=[leaf]), KINDS)
    assert query is not None
    (only,) = query["bool"]["filter"]
    return only


@pytest.mark.parametrize(
    ("leaf", "query"),
    [
        (one("team", FilterOperator.EQ, "hr"), {"term": {TEAM: {"value": "hr"}}}),
        (one("team", FilterOperator.CONTAINS, "hr"), {"term": {TEAM: {"value": "hr"}}}),
        (one("team", FilterOperator.NE, "hr"), {"bool": {"must_not": [{"term": {TEAM: {"value": "hr"}}}]}}),
        (one("year", FilterOperator.GT, 2020), {"range": {"metadata.year": {"gt": 2020}}}),
        (one("year", FilterOperator.GTE, 2020), {"range": {"metadata.year": {"gte": 2020}}}),
        (one("year", FilterOperator.LT, 2020.5), {"range": {"metadata.year": {"lt": 2020.5}}}),
        (one("year", FilterOperator.LTE, 2020), {"range": {"metadata.year": {"lte": 2020}}}),
        (one("day", FilterOperator.GTE, "2024-01-01"), {"range": {"metadata.day": {"gte": "2024-01-01"}}}),
        (one("team", FilterOperator.IN, ["hr", "it"]), {"terms": {TEAM: ["hr", "it"]}}),
        (one("tag", FilterOperator.ANY, ["a"]), {"terms": {"metadata.tag": ["a"]}}),
        (one("tag", FilterOperator.NIN, ["a"]), {"bool": {"must_not": [{"terms": {"metadata.tag": ["a"]}}]}}),
        (
            one("tag", FilterOperator.ALL, ["a", "b"]),
            {"bool": {"filter": [{"term": {"metadata.tag": {"value": v}}} for v in ("a", "b")]}},
        ),
        (one("tag", FilterOperator.ALL, []), {"bool": {"filter": [{"exists": {"field": "metadata.tag"}}]}}),
        (
            one("tag", FilterOperator.TEXT_MATCH, "50%*?\\"),
            {"wildcard": {"metadata.tag": {"value": "*50%\\*\\?\\\\*"}}},
        ),
        (
            one("tag", FilterOperator.TEXT_MATCH_INSENSITIVE, "Ä."),
            {"regexp": {"metadata.tag": {"value": "(.|\n)*(Ä|ä)\\.(.|\n)*", "flags": "NONE"}}},
        ),
        (
            one("year", FilterOperator.IS_EMPTY, None),
            {"bool": {"must_not": [{"exists": {"field": "metadata.year"}}]}},
        ),
        (
            one("team", FilterOperator.IS_EMPTY, None),
            {
                "bool": {
                    "should": [
                        {"bool": {"must_not": [{"exists": {"field": "metadata.team"}}]}},
                        {"term": {TEAM: {"value": ""}}},
                    ],
                    "minimum_should_match": 1,
                }
            },
        ),
        # what cannot be compared does not match
        (one("year", FilterOperator.EQ, "2020"), {"match_none": {}}),
        (one("tag", FilterOperator.EQ, 7), {"match_none": {}}),
        (one("year", FilterOperator.GT, "2020"), {"match_none": {}}),
        (one("year", FilterOperator.TEXT_MATCH, "20"), {"match_none": {}}),
        # no document has the field
        (one("gone", FilterOperator.EQ, "x"), {"match_none": {}}),
        (one("gone", FilterOperator.NE, "x"), {"match_all": {}}),
        (one("gone", FilterOperator.NIN, ["x"]), {"match_all": {}}),
        (one("gone", FilterOperator.IS_EMPTY, None), {"match_all": {}}),
    ],
)
def test_operator(leaf: MetadataFilter, query: dict[str, Any]) -> None:
    assert clause(leaf) == query


A, B = one("tag", FilterOperator.EQ, "a"), one("tag", FilterOperator.EQ, "b")
TERM_A, TERM_B = ({"term": {"metadata.tag": {"value": value}}} for value in ("a", "b"))


@pytest.mark.parametrize(
    ("condition", "query"),
    [
        (FilterCondition.AND, {"bool": {"filter": [TERM_A, TERM_B]}}),
        (None, {"bool": {"filter": [TERM_A, TERM_B]}}),
        (FilterCondition.OR, {"bool": {"should": [TERM_A, TERM_B], "minimum_should_match": 1}}),
        (FilterCondition.NOT, {"bool": {"must_not": [TERM_A, TERM_B]}}),
    ],
)
def test_condition(condition: FilterCondition | None, query: dict[str, Any]) -> None:
    assert filter_query(MetadataFilters(filters=[A, B], condition=condition), KINDS) == query


def test_groups_nest() -> None:
    either = MetadataFilters(filters=[A, B], condition=FilterCondition.OR)
    neither = MetadataFilters(filters=[either], condition=FilterCondition.NOT)
    empty = MetadataFilters(filters=[])
    assert filter_query(MetadataFilters(filters=[neither, empty]), KINDS) == {
        "bool": {
            "filter": [
                {"bool": {"must_not": [{"bool": {"should": [TERM_A, TERM_B], "minimum_should_match": 1}}]}},
                {"match_all": {}},
            ]
        }
    }


def test_no_filter_is_no_clause() -> None:
    assert filter_query(None, {}) is None
    assert filter_query(MetadataFilters(filters=[]), {}) is None
    assert filtered_fields(None, "metadata") == set()


def test_metadata_may_be_fields_of_the_document_itself() -> None:
    filters = MetadataFilters(filters=[MetadataFilters(filters=[one("year", FilterOperator.EQ, 7)])])
    assert with_sub_fields(filtered_fields(filters, None)) == ["year", "year.keyword"]
    assert "year" in str(filter_query(filters, {"year": "long"}, metadata_field=None))


@pytest.mark.parametrize(
    ("leaf", "message"),
    [
        (one("notes", FilterOperator.EQ, "x"), "keyword sub-field"),
        (one("tag", FilterOperator.IN, "a"), "needs a list"),
        (one("tag", FilterOperator.EQ, ["a"]), "needs one value"),
        (one("tag", FilterOperator.EQ, None), "needs one value"),
        (one("year", FilterOperator.LT, float("nan")), "not finite"),
        # the dynamic sub-field leaves out long strings, so that != would let them through
        (one("team", FilterOperator.NE, "x" * 257), "map metadata.team as keyword"),
    ],
)
def test_filter_that_cannot_be_answered(leaf: MetadataFilter, message: str) -> None:
    with pytest.raises(InputError, match=message):
        clause(leaf)
