"""LlamaIndex's metadata filters as Elasticsearch queries.

A field is the set of its values: a list has several, a scalar one, a missing field none. On that set every operator
has one meaning, whether the index holds lists or scalars:

| operator | a document passes when |
|---|---|
| `==`, `contains` | the value is in the set |
| `!=` | the value is not in the set (a missing field passes, as in LlamaIndex's own stores) |
| `>`, `>=`, `<`, `<=` | some value of the set compares so |
| `in`, `any` | some of the given values is in the set |
| `nin` | none of them is |
| `all` | every one of them is |
| `text_match`, `text_match_insensitive` | some value of the set has the given substring |
| `is_empty` | the set is empty, or holds the empty string |

`AND`, `OR` and `NOT` (none of the filters holds) nest. Values are compared with their type: the number 7 is not the
string "7", though the server would convert one into the other, and what cannot be compared does not match.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llama_index.core.vector_stores.types import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.retrievers.elasticsearch.queries import Body

MATCH_ALL: Body = {"match_all": {}}
MATCH_NONE: Body = {"match_none": {}}

_NUMBERS = frozenset(
    {"long", "integer", "short", "byte", "double", "float", "half_float", "scaled_float", "unsigned_long"}
)
_STRINGS = frozenset({"keyword", "constant_keyword", "wildcard"})
_ANALYSED = frozenset({"text", "match_only_text", "search_as_you_type"})
_SUB_FIELD = ".keyword"
# Dynamic mapping gives every string a sub-field that leaves out longer values without a word.
_SUB_FIELD_LIMIT = 256


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the index that a filter can be applied to.

    Attributes:
        name: full name in the index.
        path: what is compared: the field itself, or its keyword sub-field.
        kind: type of `path` in the mapping.
    """

    name: str
    path: str
    kind: str

    def compares_with(self, value: object) -> bool:
        """Whether the value has the field's own type. Dates, booleans and addresses are written as strings."""
        if self.kind in _NUMBERS:
            return isinstance(value, (int, float))
        if self.kind in _STRINGS:
            return isinstance(value, str)
        return True


def filtered_fields(filters: MetadataFilters | None, metadata_field: str | None) -> set[str]:
    """Full names of the fields that a filter looks at."""
    return {_path(leaf.key, metadata_field) for leaf in _leaves(filters)} if filters else set()


def with_sub_fields(names: Iterable[str]) -> list[str]:
    """The fields, and under what name dynamic mapping keeps their exact strings: both types are needed for a filter."""
    return sorted(name + suffix for name in names for suffix in ("", _SUB_FIELD))


def filter_query(
    filters: MetadataFilters | None, kinds: Mapping[str, str], *, metadata_field: str | None = "metadata"
) -> Body | None:
    """The filter clause of a request.

    Args:
        filters: what the user asked for.
        kinds: field path -> type in the mapping, for those of `with_sub_fields(filtered_fields(...))` that exist.
        metadata_field: the object that holds the metadata; None when they are fields of the document itself.

    Returns:
        A query for filter context; None when nothing is filtered.

    Raises:
        InputError: the filter cannot be answered: the field is analysed text alone, a list is missing or in the wrong
            place, or a number is not finite.

    Examples:
        >>> year = MetadataFilter(key="year", operator=FilterOperator.GTE, value=2020)
        >>> filter_query(MetadataFilters(filters=[year]), {"metadata.year": "long"})
        {'bool': {'filter': [{'range': {'metadata.year': {'gte': 2020}}}]}}
    """
    if filters is None or not filters.filters:
        return None
    clauses = [
        filter_query(part, kinds, metadata_field=metadata_field) or MATCH_ALL
        if isinstance(part, MetadataFilters)
        else _leaf_query(part, _find_field(part.key, kinds, metadata_field))
        for part in filters.filters
    ]
    if filters.condition is FilterCondition.OR:
        return {"bool": {"should": clauses, "minimum_should_match": 1}}
    if filters.condition is FilterCondition.NOT:
        return _not(*clauses)
    return {"bool": {"filter": clauses}}


def _leaves(filters: MetadataFilters) -> Iterator[MetadataFilter]:
    for part in filters.filters:
        if isinstance(part, MetadataFilters):
            yield from _leaves(part)
        else:
            yield part


def _path(key: str, metadata_field: str | None) -> str:
    return f"{metadata_field}.{key}" if metadata_field else key


def _find_field(key: str, kinds: Mapping[str, str], metadata_field: str | None) -> Field | None:
    path = _path(key, metadata_field)
    kind = kinds.get(path)
    if kind in _ANALYSED:
        exact = kinds.get(path + _SUB_FIELD)
        return Field(path, path + _SUB_FIELD, exact) if exact in _STRINGS else Field(path, path, kind)
    return Field(path, path, kind) if kind is not None else None


def _leaf_query(leaf: MetadataFilter, field: Field | None) -> Body:
    if field is None:  # no document of the index has the field
        return MATCH_ALL if leaf.operator in _PASSED_BY_MISSING else MATCH_NONE
    if leaf.operator is FilterOperator.IS_EMPTY:
        return _is_empty(field, leaf.value)
    _check(leaf, field)
    return _OPERATORS[leaf.operator](field, leaf.value)


def _check(leaf: MetadataFilter, field: Field) -> None:
    if field.kind in _ANALYSED:
        raise InputError(
            f"cannot filter on {field.path}: it is analysed text without a keyword sub-field; "
            f"map it as keyword, or add the sub-field {field.path}{_SUB_FIELD}"
        )
    values = leaf.value if isinstance(leaf.value, list) else [leaf.value]
    if any(isinstance(value, float) and not math.isfinite(value) for value in values):
        raise InputError(f"the filter on {leaf.key!r} compares with a number that is not finite")
    if field.path != field.name and any(isinstance(value, str) and len(value) > _SUB_FIELD_LIMIT for value in values):
        raise InputError(
            f"the filter on {leaf.key!r} compares with a string of more than {_SUB_FIELD_LIMIT} characters, which "
            f"{field.path} does not hold: map {field.name} as keyword"
        )
    if leaf.operator in _TAKES_LIST and not isinstance(leaf.value, list):
        raise InputError(f"the filter on {leaf.key!r} with {leaf.operator.value!r} needs a list of values")
    if leaf.operator not in _TAKES_LIST and (leaf.value is None or isinstance(leaf.value, list)):
        raise InputError(f"the filter on {leaf.key!r} with {leaf.operator.value!r} needs one value")


def _not(*clauses: Body) -> Body:
    return {"bool": {"must_not": list(clauses)}}


def _exists(field: Field) -> Body:
    return {"exists": {"field": field.name}}  # the sub-field leaves out long values


def _term(field: Field, value: object) -> Body:
    return {"term": {field.path: {"value": value}}} if field.compares_with(value) else MATCH_NONE


def _terms(field: Field, values: list[object]) -> Body:
    return {"terms": {field.path: [value for value in values if field.compares_with(value)]}}


def _all(field: Field, values: list[object]) -> Body:
    return {"bool": {"filter": [_term(field, value) for value in values] or [_exists(field)]}}


def _range(bound: str) -> Callable[[Field, Any], Body]:
    def query(field: Field, value: object) -> Body:
        return {"range": {field.path: {bound: value}}} if field.compares_with(value) else MATCH_NONE

    return query


def _is_empty(field: Field, value: object) -> Body:  # noqa: ARG001 - one signature for all operators
    empty = _not(_exists(field))
    if field.kind not in _STRINGS:
        return empty
    return {"bool": {"should": [empty, {"term": {field.path: {"value": ""}}}], "minimum_should_match": 1}}


def _text_match(field: Field, value: object) -> Body:
    if not (field.kind in _STRINGS and isinstance(value, str)):
        return MATCH_NONE
    pattern = re.sub(r"([\\*?])", r"\\\1", value)
    return {"wildcard": {field.path: {"value": f"*{pattern}*"}}}


def _text_match_insensitive(field: Field, value: object) -> Body:
    if not (field.kind in _STRINGS and isinstance(value, str)):
        return MATCH_NONE
    # `case_insensitive` of the server's own patterns knows ASCII alone; alternatives a letter know every alphabet.
    pattern = "".join(map(_either_case, value))
    return {"regexp": {field.path: {"value": f"(.|\n)*{pattern}(.|\n)*", "flags": "NONE"}}}


def _either_case(character: str) -> str:
    variants = {v for v in (character, character.lower(), character.upper()) if len(v) == 1}
    escaped = [v if v.isalnum() else f"\\{v}" for v in sorted(variants)]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


_PASSED_BY_MISSING = {FilterOperator.NE, FilterOperator.NIN, FilterOperator.IS_EMPTY}
_TAKES_LIST = {FilterOperator.IN, FilterOperator.NIN, FilterOperator.ANY, FilterOperator.ALL}
_OPERATORS: dict[FilterOperator, Callable[[Field, Any], Body]] = {
    FilterOperator.EQ: _term,
    FilterOperator.CONTAINS: _term,
    FilterOperator.NE: lambda field, value: _not(_term(field, value)),
    FilterOperator.GT: _range("gt"),
    FilterOperator.GTE: _range("gte"),
    FilterOperator.LT: _range("lt"),
    FilterOperator.LTE: _range("lte"),
    FilterOperator.IN: _terms,
    FilterOperator.ANY: _terms,
    FilterOperator.NIN: lambda field, values: _not(_terms(field, values)),
    FilterOperator.ALL: _all,
    FilterOperator.TEXT_MATCH: _text_match,
    FilterOperator.TEXT_MATCH_INSENSITIVE: _text_match_insensitive,
}
