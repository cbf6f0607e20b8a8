"""LlamaIndex filters -> query DSL, as a table."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.vector_stores.types import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.retrievers.elasticsearch.fields import find_fields, read_field_types, with_relatives
from llama_index_prod_rag.retrievers.elasticsearch.filters import filter_query, filtered_fields


def everywhere(**kinds: str) -> dict[str, dict[str, frozenset[str]]]:
    return {f"metadata.{path.replace('__', '.')}": {kind: frozenset()} for path, kind in kinds.items()}


KINDS = everywhere(
    team="text",  # as dynamic mapping makes it
    team__keyword="keyword",
    tag="keyword",
    year="long",
    day="date",
    open="boolean",
    notes="text",
)
TEAM = "metadata.team.keyword"


def one(key: str, operator: FilterOperator, value: Any) -> MetadataFilter:
    return MetadataFilter(key=key, operator=operator, value=value)


def either(*clauses: dict[str, Any]) -> dict[str, Any]:
    return {"bool": {"should": list(clauses), "minimum_should_match": 1}}


def left_out(path: str) -> dict[str, Any]:
    return {"term": {"_ignored": {"value": path}}}


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
        (one("tag", FilterOperator.ANY, ["a"]), {"term": {"metadata.tag": {"value": "a"}}}),
        (one("tag", FilterOperator.NIN, ["a", "b"]), {"bool": {"must_not": [{"terms": {"metadata.tag": ["a", "b"]}}]}}),
        (
            one("tag", FilterOperator.ALL, ["a", "b"]),
            {"bool": {"filter": [{"term": {"metadata.tag": {"value": v}}} for v in ("a", "b")]}},
        ),
        (one("tag", FilterOperator.ALL, []), either({"exists": {"field": "metadata.tag"}}, left_out("metadata.tag"))),
        # a longer value than the field keeps may match, or be a value at all: only the document knows
        (
            one("tag", FilterOperator.TEXT_MATCH, "50%*?\\"),
            either({"wildcard": {"metadata.tag": {"value": "*50%\\*\\?\\\\*"}}}, left_out("metadata.tag")),
        ),
        (
            one("tag", FilterOperator.TEXT_MATCH_INSENSITIVE, "Ä."),
            either(
                {"regexp": {"metadata.tag": {"value": "(.|\n)*(Ä|ä)\\.(.|\n)*", "flags": "NONE"}}},
                left_out("metadata.tag"),
            ),
        ),
        (one("team", FilterOperator.GTE, "b"), either({"range": {TEAM: {"gte": "b"}}}, left_out(TEAM))),
        (one("team", FilterOperator.EQ, "x" * 257), either({"term": {TEAM: {"value": "x" * 257}}}, left_out(TEAM))),
        (one("team", FilterOperator.NE, "x" * 257), {"bool": {"must_not": [{"term": {TEAM: {"value": "x" * 257}}}]}}),
        (
            one("year", FilterOperator.IS_EMPTY, None),
            {"bool": {"must_not": [{"exists": {"field": "metadata.year"}}, left_out("metadata.year")]}},
        ),
        (
            one("team", FilterOperator.IS_EMPTY, None),
            either(
                {"bool": {"must_not": [{"exists": {"field": "metadata.team"}}, left_out("metadata.team")]}},
                {"term": {TEAM: {"value": ""}}},
            ),
        ),
        # a number in a keyword field looks like a string, a string in a number field like a number: let through here
        (one("year", FilterOperator.EQ, "2020"), {"term": {"metadata.year": {"value": 2020.0}}}),
        (one("tag", FilterOperator.EQ, 7), {"terms": {"metadata.tag": ["7", "7.0"]}}),
        (one("tag", FilterOperator.EQ, 7.5), {"term": {"metadata.tag": {"value": "7.5"}}}),
        (one("tag", FilterOperator.NE, 7), {"match_all": {}}),
        (one("tag", FilterOperator.GT, 7), {"regexp": {"metadata.tag": {"value": "-?[0-9].*"}}}),
        # booleans, which LlamaIndex's filters cannot hold
        (one("open", FilterOperator.EQ, 1), {"term": {"metadata.open": {"value": True}}}),
        (
            one("open", FilterOperator.NE, "false"),
            {"bool": {"must_not": [{"term": {"metadata.open": {"value": False}}}]}},
        ),
        (one("open", FilterOperator.GT, 0), {"terms": {"metadata.open": [True]}}),
        (one("open", FilterOperator.EQ, 2), {"match_none": {}}),
        # what cannot be compared does not match
        (one("year", FilterOperator.EQ, "twenty"), {"match_none": {}}),
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
    assert with_relatives(filtered_fields(filters, None)) == ["year", "year.keyword"]
    assert "year" in str(filter_query(filters, {"year": {"long": frozenset()}}, metadata_field=None))


def test_a_not_leaves_out_what_only_looks_right() -> None:
    neither = MetadataFilters(filters=[one("team", FilterOperator.GTE, "b")], condition=FilterCondition.NOT)
    assert filter_query(neither, KINDS) == {"bool": {"must_not": [{"range": {TEAM: {"gte": "b"}}}]}}
    both = MetadataFilters(filters=[neither], condition=FilterCondition.NOT)
    assert left_out(TEAM) in filter_query(both, KINDS)["bool"]["must_not"][0]["bool"]["must_not"][0]["bool"]["should"]  # type: ignore[index]


MIXED = read_field_types(
    {
        "fields": {
            "metadata.team": {"keyword": {"indices": ["ours"]}, "text": {"indices": ["theirs", "bare"]}},
            "metadata.team.keyword": {"keyword": {"indices": ["theirs"]}, "unmapped": {"indices": ["ours", "bare"]}},
        }
    }
)


def test_each_index_behind_an_alias_is_asked_by_its_own_type() -> None:
    assert [(field.path, field.kind, set(field.indices)) for field in find_fields("metadata.team", MIXED)] == [
        ("metadata.team", "keyword", {"ours"}),
        ("metadata.team.keyword", "keyword", {"theirs"}),
        ("metadata.team", "text", {"bare"}),
    ]
    known = {**MIXED, "metadata.team": {"keyword": frozenset({"ours"}), "text": frozenset({"theirs"})}}
    unlike = filter_query(MetadataFilters(filters=[one("team", FilterOperator.NE, "hr")]), known)
    ours, theirs = (
        {"bool": {"filter": [{"terms": {"_index": [index]}}, {"term": {path: {"value": "hr"}}}]}}
        for index, path in (("ours", "metadata.team"), ("theirs", TEAM))
    )
    assert unlike == {"bool": {"filter": [{"bool": {"must_not": [either(ours, theirs)]}}]}}


def test_an_index_where_the_field_is_text_alone_is_named() -> None:
    with pytest.raises(InputError, match="analysed text without a keyword sub-field in bare"):
        filter_query(MetadataFilters(filters=[one("team", FilterOperator.EQ, "hr")]), MIXED)


@pytest.mark.parametrize("parent", ["nested", "flattened"])
def test_what_a_plain_clause_cannot_reach_is_refused(parent: str) -> None:
    types = {"metadata": {parent: frozenset[str]()}}
    with pytest.raises(InputError, match=f"metadata is mapped as {parent}"):
        filter_query(MetadataFilters(filters=[one("team", FilterOperator.NE, "hr")]), types)


@pytest.mark.parametrize("key", ["", ".", " ", "..a", "a.", "a..b", "*", "te*"])
def test_a_key_that_no_field_can_have_is_refused(key: str) -> None:
    with pytest.raises(InputError, match="no field of that name"):
        filtered_fields(MetadataFilters(filters=[one(key, FilterOperator.NE, "x")]), "metadata")


@pytest.mark.parametrize(
    ("leaf", "message"),
    [
        (one("notes", FilterOperator.EQ, "x"), "keyword sub-field"),
        (one("tag", FilterOperator.IN, "a"), "needs a list"),
        (one("tag", FilterOperator.EQ, ["a"]), "needs one value"),
        (one("tag", FilterOperator.EQ, None), "needs one value"),
        (one("year", FilterOperator.LT, float("nan")), "not finite"),
    ],
)
def test_filter_that_cannot_be_answered(leaf: MetadataFilter, message: str) -> None:
    with pytest.raises(InputError, match=message):
        clause(leaf)
