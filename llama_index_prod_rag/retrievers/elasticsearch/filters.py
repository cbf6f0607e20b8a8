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
string "7", though the server would convert one into the other, and what cannot be compared does not match. A boolean
may be written as 1 or 0, or as "true" or "false", since LlamaIndex's filters take no boolean.

The index does not always know: a number in a keyword field looks like a string, and a string longer than a field keeps
is only in the document. Where it cannot tell, the clause lets a document through, also under a `NOT`; what comes back
is checked against its own stored metadata (`stored.may_return`) before anybody sees it.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from llama_index.core.vector_stores.types import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.retrievers.elasticsearch.encodable import make_encodable
from llama_index_prod_rag.retrievers.elasticsearch.fields import (
    ANALYZED,
    BOOLEAN,
    NUMBERS,
    STRINGS,
    Field,
    FieldTypes,
    as_truth,
    field_path,
    find_fields,
)
from llama_index_prod_rag.retrievers.elasticsearch.queries import Body

MATCH_ALL: Body = {"match_all": {}}
MATCH_NONE: Body = {"match_none": {}}

# `ignore_above` that dynamic mapping gives every keyword sub-field: it leaves out longer values without a word.
_USUAL_LIMIT = 256
# Bytes that a term can have; the server refuses a question for a longer one, and no document holds it in a field.
_LONGEST_TERM = 32_766
# How JSON writes a number that a keyword field then holds as a string.
_LOOKS_LIKE_A_NUMBER = "-?[0-9].*"


def filtered_fields(filters: MetadataFilters | None, metadata_field: str | None) -> set[str]:
    """Full names of the fields that a filter looks at.

    Raises:
        InputError: a key cannot be the name of a field.
    """
    return {field_path(leaf.key, metadata_field) for leaf in _leaves(filters)} if filters else set()


def filter_query(
    filters: MetadataFilters | None, types: FieldTypes, *, metadata_field: str | None = "metadata"
) -> Body | None:
    """Make the filter clause of a request.

    Args:
        filters: what the user asked for.
        types: of `with_relatives(filtered_fields(...))`, as far as the fields exist.
        metadata_field: the object that holds the metadata; None when they are fields of the document itself.

    Returns:
        A query for filter context; None when nothing is filtered.

    Raises:
        InputError: the filter cannot be answered: the field is analysed text alone, a list is missing or in the wrong
            place, a number is not finite, or the key cannot be a field's name.

    Examples:
        >>> year = MetadataFilter(key="year", operator=FilterOperator.GTE, value=2020)
        >>> filter_query(MetadataFilters(filters=[year]), {"metadata.year": {"long": frozenset()}})
        {'bool': {'filter': [{'range': {'metadata.year': {'gte': 2020}}}]}}
    """
    if filters is None or not filters.filters:
        return None
    return _group_query(filters, types, metadata_field, wide=True)


def exact_query_of(filters: MetadataFilters, types: FieldTypes, *, metadata_field: str | None = "metadata") -> Body:
    """The filter clause for what cannot be checked afterwards: where the index cannot tell, no document matches."""
    return _group_query(filters, types, metadata_field, wide=False)


def _group_query(filters: MetadataFilters, types: FieldTypes, metadata_field: str | None, *, wide: bool) -> Body:
    if not filters.filters:
        return MATCH_ALL
    inner = wide is not (filters.condition is FilterCondition.NOT)  # what a NOT lets through its parts must leave out
    clauses = [
        _group_query(part, types, metadata_field, wide=inner)
        if isinstance(part, MetadataFilters)
        else _leaf_query(part, find_fields(field_path(part.key, metadata_field), types), wide=inner)
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


def _leaf_query(leaf: MetadataFilter, fields: list[Field], *, wide: bool) -> Body:
    _check_value(leaf)
    value = make_encodable(leaf.value)
    if leaf.operator is FilterOperator.IS_EMPTY:
        empty = [_restrict(field, _term(field, "", wide=False)) for field in fields if field.kind in STRINGS]
        return _any([_not(*_present(fields)) if fields else MATCH_ALL, *empty])
    for field in fields:
        _check_field(field)
    negated = leaf.operator in _NEGATED
    clause = _OPERATORS[_NEGATED.get(leaf.operator, leaf.operator)]
    matching = _any([_restrict(field, clause(field, value, wide=wide is not negated)) for field in fields])
    return _not(matching) if negated else matching


def _check_value(leaf: MetadataFilter) -> None:
    values = leaf.value if isinstance(leaf.value, list) else [leaf.value]
    if any(isinstance(value, float) and not math.isfinite(value) for value in values):
        raise InputError(f"the filter on {leaf.key!r} compares with a number that is not finite")
    if leaf.operator is FilterOperator.IS_EMPTY:
        return
    if leaf.operator in _TAKES_LIST and not isinstance(leaf.value, list):
        raise InputError(f"the filter on {leaf.key!r} with {leaf.operator.value!r} needs a list of values")
    if leaf.operator not in _TAKES_LIST and (leaf.value is None or isinstance(leaf.value, list)):
        raise InputError(f"the filter on {leaf.key!r} with {leaf.operator.value!r} needs one value")


def _check_field(field: Field) -> None:
    if field.kind in ANALYZED:
        where = f" in {', '.join(sorted(field.indices))}" if field.indices else ""
        raise InputError(
            f"cannot filter on {field.name}: it is analysed text without a keyword sub-field{where}; "
            f"map it as keyword, or add the sub-field {field.name}.keyword"
        )


def _not(*clauses: Body) -> Body:
    return MATCH_ALL if list(clauses) == [MATCH_NONE] else {"bool": {"must_not": list(clauses)}}


def _any(clauses: Iterable[Body]) -> Body:
    some = [clause for clause in clauses if clause != MATCH_NONE]
    if len(some) < 2:
        return some[0] if some else MATCH_NONE
    return MATCH_ALL if MATCH_ALL in some else {"bool": {"should": some, "minimum_should_match": 1}}


def _restrict(field: Field, clause: Body) -> Body:
    if not field.indices or clause == MATCH_NONE:
        return clause
    return {"bool": {"filter": [{"terms": {"_index": sorted(field.indices)}}, clause]}}


def _match_ignored(path: str) -> Body:
    """Documents with a value that the mapping told the server to keep out of a field: too long, or malformed."""
    return {"term": {"_ignored": {"value": path}}}


def _present(fields: Iterable[Field]) -> list[Body]:
    """A document has the field; by its own name, since a sub-field leaves out long values."""
    names = sorted({field.name for field in fields})
    return [clause for name in names for clause in ({"exists": {"field": name}}, _match_ignored(name))]


def _indexed_values(field: Field, value: object, *, wide: bool) -> list[Any]:
    """What the index holds where a document has the value; `wide` adds what another type may be hidden behind."""
    if field.kind in NUMBERS:
        if isinstance(value, (int, float)):
            return [value + 0]  # the number that True is
        return _as_number(value) if wide else []
    if field.kind in STRINGS:
        if isinstance(value, str):
            return [value] if len(value.encode()) <= _LONGEST_TERM else []
        return _as_strings(value) if wide else []
    if field.kind == BOOLEAN:
        truth = as_truth(value)
        return [] if truth is None else [truth]
    return [] if field.kind == "object" else [value]


def _as_number(value: object) -> list[float]:
    try:
        number = float(str(value))
    except ValueError:
        return []
    return [number] if math.isfinite(number) else []


def _as_strings(value: object) -> list[str]:
    written = {str(value).lower()}
    if isinstance(value, (int, float)) and value == int(value):
        written |= {str(int(value)), str(float(value))}
        written |= {str(bool(value)).lower()} if value in (0, 1) else set()
    return sorted(written)


def _term(field: Field, value: object, *, wide: bool) -> Body:
    return _terms(field, [value], wide=wide)


def _terms(field: Field, values: list[object], *, wide: bool) -> Body:
    indexed = [found for value in values for found in _indexed_values(field, value, wide=wide)]
    query: Body = {"terms": {field.path: indexed}} if indexed else MATCH_NONE
    if len(values) == len(indexed) == 1:
        query = {"term": {field.path: {"value": indexed[0]}}}
    long = any(isinstance(value, str) and len(value) > _USUAL_LIMIT for value in values)
    return _or_left_out(field, query, wide=wide) if long else query


def _all(field: Field, values: list[object], *, wide: bool) -> Body:
    if not values:
        return _any(_present([field]))
    return {"bool": {"filter": [_term(field, value, wide=wide) for value in values]}}


def _range(bound: str, compare: Callable[[Any, Any], bool]) -> Callable[..., Body]:
    def query(field: Field, value: Any, *, wide: bool) -> Body:  # noqa: ANN401 - whatever a filter holds
        is_number = isinstance(value, (int, float))
        if field.kind == BOOLEAN:
            passing = [truth for truth in (False, True) if is_number and compare(truth, value)]
            return {"terms": {field.path: passing}} if passing else MATCH_NONE
        if field.kind in STRINGS and is_number:
            return {"regexp": {field.path: {"value": _LOOKS_LIKE_A_NUMBER}}} if wide else MATCH_NONE
        if field.kind == "object" or (field.kind in NUMBERS and not is_number):
            return MATCH_NONE
        return _or_left_out(field, {"range": {field.path: {bound: value}}}, wide=wide)

    return query


def _or_left_out(field: Field, clause: Body, *, wide: bool) -> Body:
    return _any([clause, _match_ignored(field.path)]) if wide and field.kind in STRINGS else clause


def _text_match(field: Field, value: object, *, wide: bool) -> Body:
    if not (field.kind in STRINGS and isinstance(value, str)):
        return MATCH_NONE
    pattern = re.sub(r"([\\*?])", r"\\\1", value)
    return _or_left_out(field, {"wildcard": {field.path: {"value": f"*{pattern}*"}}}, wide=wide)


def _text_match_insensitive(field: Field, value: object, *, wide: bool) -> Body:
    if not (field.kind in STRINGS and isinstance(value, str)):
        return MATCH_NONE
    # `case_insensitive` of the server's own patterns knows ASCII alone; alternatives per letter know every alphabet.
    pattern = "".join(map(_either_case, value))
    return _or_left_out(
        field, {"regexp": {field.path: {"value": f"(.|\n)*{pattern}(.|\n)*", "flags": "NONE"}}}, wide=wide
    )


def _either_case(character: str) -> str:
    variants = {v for v in (character, character.lower(), character.upper()) if len(v) == 1}
    escaped = [v if v.isalnum() else f"\\{v}" for v in sorted(variants)]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


_NEGATED = {FilterOperator.NE: FilterOperator.EQ, FilterOperator.NIN: FilterOperator.IN}
_TAKES_LIST = {FilterOperator.IN, FilterOperator.NIN, FilterOperator.ANY, FilterOperator.ALL}
_OPERATORS: dict[FilterOperator, Callable[..., Body]] = {
    FilterOperator.EQ: _term,
    FilterOperator.CONTAINS: _term,
    FilterOperator.GT: _range("gt", operator.gt),
    FilterOperator.GTE: _range("gte", operator.ge),
    FilterOperator.LT: _range("lt", operator.lt),
    FilterOperator.LTE: _range("lte", operator.le),
    FilterOperator.IN: _terms,
    FilterOperator.ANY: _terms,
    FilterOperator.ALL: _all,
    FilterOperator.TEXT_MATCH: _text_match,
    FilterOperator.TEXT_MATCH_INSENSITIVE: _text_match_insensitive,
}
