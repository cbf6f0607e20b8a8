"""Whether a hit passes a filter by its own stored metadata: the check behind every filtered search.

The index compares what it made of a value: a decimal cut to an integer, a number turned into a string, a string too
long to be kept, a lower-cased one; and a mapping may have changed since it was asked for. Filters are access control,
so each hit is looked at again before it is returned, with the same table of operators (see `filters`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from llama_index.core.vector_stores.types import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters

from llama_index_prod_rag.retrievers.elasticsearch.encodable import make_encodable
from llama_index_prod_rag.retrievers.elasticsearch.fields import (
    ANALYZED,
    BOOLEAN,
    NUMBERS,
    STRINGS,
    FieldTypes,
    field_path,
)

# Types whose values compare as they are written; others (dates, addresses) have rules that only the server knows.
_PLAIN = NUMBERS | STRINGS | ANALYZED | {BOOLEAN, "object", "unmapped"}


def may_return(
    source: Mapping[str, Any],
    filters: MetadataFilters | None,
    types: FieldTypes,
    *,
    indexed: Mapping[str, Sequence[object]] | None = None,
    metadata_field: str | None = "metadata",
) -> bool:
    """Whether nothing that is stored speaks against returning a document.

    Types such as dates have rules of their own: there the server's word counts.

    Args:
        source: the document, as it was written.
        filters: what the user asked for.
        types: of the fields it looks at.
        indexed: values of those that are only in the index, as an alias's or a constant field's.
        metadata_field: the object that holds the metadata; None when they are fields of the document itself.

    Examples:
        >>> cheap = MetadataFilters(filters=[MetadataFilter(key="price", operator=FilterOperator.LTE, value=7)])
        >>> [may_return({"metadata": {"price": price}}, cheap, {}) for price in (7, 7.5)]
        [True, False]
    """
    if filters is None:
        return True

    def values_of(path: str) -> list[object]:
        return values_at(source, path) or list((indexed or {}).get(path, ()))

    return _verdict(filters, values_of, types, metadata_field) is not False


def values_at(source: object, path: str) -> list[object]:
    """What a document holds under a path, lists taken apart; keys with dots and nested objects are the same field.

    Examples:
        >>> values_at({"a.b": 1, "a": [{"b": [2, None]}, {"c": 3}]}, "a.b")
        [1, 2]
    """
    return list(_walk(source, path))


def _walk(node: object, path: str) -> Iterator[object]:
    if isinstance(node, list):
        for item in node:
            yield from _walk(item, path)
    elif not path:
        if node is not None:
            yield node
    elif isinstance(node, Mapping):
        for key, rest in _ways_into(path):
            if key in node:
                yield from _walk(node[key], rest)


@lru_cache(maxsize=1024)
def _ways_into(path: str) -> list[tuple[str, str]]:
    """A key of an object, and what is left of the path inside of it."""
    dots = [place for place, character in enumerate(path) if character == "."]
    return [(path, ""), *((path[:dot], path[dot + 1 :]) for dot in dots)]


_ValuesOf: TypeAlias = Callable[[str], list[object]]


def _verdict(
    part: MetadataFilters | MetadataFilter, values_of: _ValuesOf, types: FieldTypes, metadata_field: str | None
) -> bool | None:
    if isinstance(part, MetadataFilter):
        path = field_path(part.key, metadata_field)
        return _leaf_verdict(part, make_encodable(values_of(path)), types.get(path, {}))
    verdicts = [_verdict(inner, values_of, types, metadata_field) for inner in part.filters]
    if not verdicts:
        return True
    if part.condition is FilterCondition.AND or part.condition is None:
        return _all_of(verdicts)
    any_of = _negate(_all_of([_negate(verdict) for verdict in verdicts]))
    return any_of if part.condition is FilterCondition.OR else _negate(any_of)


def _all_of(verdicts: Sequence[bool | None]) -> bool | None:
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _negate(verdict: bool | None) -> bool | None:
    return None if verdict is None else not verdict


def _leaf_verdict(leaf: MetadataFilter, values: list[object], kinds: Collection[str]) -> bool | None:
    given = make_encodable(leaf.value)
    if values and not _PLAIN.issuperset(kinds) and not _is_mismatched(values, given):
        return None
    if BOOLEAN in kinds and leaf.operator in _EQUALITIES:  # a boolean may be asked for by its name
        values = [*values, *(str(value).lower() for value in values if isinstance(value, bool))]
    return _OPERATORS[leaf.operator](values, given)


_EQUALITIES = frozenset(
    {
        FilterOperator.EQ,
        FilterOperator.NE,
        FilterOperator.CONTAINS,
        FilterOperator.IN,
        FilterOperator.NIN,
        FilterOperator.ANY,
        FilterOperator.ALL,
    }
)


def _is_mismatched(values: Sequence[object], given: object) -> bool:
    return isinstance(given, (int, float)) and all(isinstance(value, str) for value in values)


def _can_compare(value: object, given: object) -> bool:
    return any(isinstance(value, kind) and isinstance(given, kind) for kind in (str, (int, float)))


def _match_any(compare: Callable[[Any, Any], bool]) -> Callable[[list[Any], Any], bool]:
    return lambda values, given: any(_can_compare(value, given) and compare(value, given) for value in values)


def _contains_text(value: str, given: str) -> bool:
    return given in value


def _contains_text_insensitive(value: str, given: str) -> bool:
    return given.lower() in value.lower()


def _on_strings(compare: Callable[[str, str], bool]) -> Callable[[list[Any], Any], bool]:
    return lambda values, given: (
        isinstance(given, str) and any(isinstance(value, str) and compare(value, given) for value in values)
    )


_OPERATORS: dict[FilterOperator, Callable[[list[Any], Any], bool]] = {
    FilterOperator.EQ: lambda values, given: given in values,
    FilterOperator.CONTAINS: lambda values, given: given in values,
    FilterOperator.NE: lambda values, given: given not in values,
    FilterOperator.GT: _match_any(operator.gt),
    FilterOperator.GTE: _match_any(operator.ge),
    FilterOperator.LT: _match_any(operator.lt),
    FilterOperator.LTE: _match_any(operator.le),
    FilterOperator.IN: lambda values, given: any(item in values for item in given),
    FilterOperator.ANY: lambda values, given: any(item in values for item in given),
    FilterOperator.NIN: lambda values, given: not any(item in values for item in given),
    FilterOperator.ALL: lambda values, given: bool(values) and all(item in values for item in given),
    FilterOperator.TEXT_MATCH: _on_strings(_contains_text),
    FilterOperator.TEXT_MATCH_INSENSITIVE: _on_strings(_contains_text_insensitive),
    FilterOperator.IS_EMPTY: lambda values, _: not values or "" in values,
}
