"""Whether a node's metadata passes LlamaIndex's `MetadataFilters`: pure functions, every operator, any nesting.

The meaning is that of LlamaIndex's in-memory store, completed where that store raises (nested groups, `is_empty`, mixed
types): a comparison that cannot be made does not match. One meaning is another: `any` and `all` compare whole values.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from llama_index.core.schema import BaseNode, NodeWithScore
from llama_index.core.vector_stores.types import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters
from numpy.typing import NDArray

from llama_index_prod_rag.errors import InputError

Test: TypeAlias = Callable[[Mapping[str, Any]], bool]
"""Whether metadata passes."""

_OWN_KEYS = frozenset({"document_id", "doc_id", "ref_doc_id", "_node_type"})
_MANY = (list, tuple, set)
_LEGS = 2  # whose lists of ids are masked: the dense and the lexical one's
_LISTS = {FilterOperator.IN, FilterOperator.NIN, FilterOperator.ANY, FilterOperator.ALL}


def filterable_metadata(node: BaseNode) -> dict[str, Any]:
    """What filters look at: the metadata, the source's id under the three names vector stores give it, and the class.

    These four names mean the same in every vector store of LlamaIndex, whatever a document's own metadata holds under
    them (`llama_index.core.vector_stores.utils.node_to_metadata_dict`); a leg that read the document's own value would
    show what the other excludes.
    """
    source = node.ref_doc_id or "None"
    own = dict.fromkeys(_OWN_KEYS, source)
    return {**node.metadata, **own, "_node_type": node.class_name()}


def both(first: MetadataFilters | None, second: MetadataFilters) -> MetadataFilters:
    """Filters that let through what passes the two."""
    return second if first is None else MetadataFilters(filters=[first, second], condition=FilterCondition.AND)


def passing(hits: Iterable[NodeWithScore], filters: MetadataFilters | None) -> list[NodeWithScore]:
    """The hits whose nodes pass, in order: what came from an object behind a node, or was changed since, counts too."""
    if filters is None:
        return list(hits)
    passes = node_test(filters)
    return [hit for hit in hits if passes(hit.node)]


def node_test(filters: MetadataFilters) -> Callable[[BaseNode], bool]:
    """Make the test whether a node passes.

    Raises:
        InputError: `in`, `nin`, `any` or `all` with something else than a list.
    """
    passes = metadata_test(filters)
    if _OWN_KEYS.isdisjoint(_keys(filters)):
        return lambda node: passes(node.metadata)
    return lambda node: passes(filterable_metadata(node))


def _keys(filters: MetadataFilters | MetadataFilter) -> Iterator[str]:
    if isinstance(filters, MetadataFilter):
        yield filters.key
    else:
        for member in filters.filters:
            yield from _keys(member)


def matches(metadata: Mapping[str, Any], filters: MetadataFilters | MetadataFilter) -> bool:
    """Tell whether a node's metadata passes the filters.

    A group is true where all of its members are (`and`), at least one is (`or`), or none is (`not`); a group without
    members is always true. A missing value, or None, passes only `!=`, `nin` and `is_empty`.

    Args:
        metadata: one node's metadata.
        filters: a group, or one condition.

    Raises:
        InputError: `in`, `nin`, `any` or `all` with something else than a list.

    Examples:
        >>> condition = MetadataFilter(key="year", operator=FilterOperator.GTE, value=2020)
        >>> matches({"year": 2024}, condition), matches({"year": "unknown"}, condition), matches({}, condition)
        (True, False, False)
    """
    return metadata_test(filters)(metadata)


def metadata_test(filters: MetadataFilters | MetadataFilter) -> Test:
    """Make the test that `matches` applies: a search asks it of hundreds of nodes.

    Raises:
        InputError: `in`, `nin`, `any` or `all` with something else than a list.
    """
    if isinstance(filters, MetadataFilter):
        return _make_one(filters)
    tests = [metadata_test(member) for member in filters.filters]
    if not tests:
        return lambda _: True
    if filters.condition not in (FilterCondition.OR, FilterCondition.NOT):
        return tests[0] if len(tests) == 1 else _make_every(tests)
    passes = tests[0] if len(tests) == 1 else _make_some(tests)
    return passes if filters.condition == FilterCondition.OR else lambda metadata: not passes(metadata)


class PassingIds(Container[str]):
    """The ids whose metadata passes; worked out only for those that are asked about.

    Args:
        metadata: id -> metadata; an id without any never passes.
        filters: what has to be passed.

    Raises:
        InputError: `in`, `nin`, `any` or `all` with something else than a list.
    """

    def __init__(self, metadata: Mapping[str, Mapping[str, Any]], filters: MetadataFilters) -> None:
        self._metadata, self._passes = metadata, metadata_test(filters)

    def __contains__(self, id_: object) -> bool:
        found = self._metadata.get(str(id_))
        return found is not None and self._passes(found)


class MaskedIds(PassingIds):
    """The same for metadata that do not change, asked by one question after the other: masks over ids are kept."""

    def __init__(self, metadata: Mapping[str, Mapping[str, Any]], filters: MetadataFilters) -> None:
        super().__init__(metadata, filters)
        self._masks: list[tuple[Sequence[str], NDArray[np.bool_]]] = []

    def mask(self, ids: Sequence[str]) -> NDArray[np.bool_]:
        """Whether each id of a list passes; a list that only grows is worked out once."""
        known = next((mask for of, mask in self._masks if of is ids), np.zeros(0, dtype=bool))
        if len(known) < len(ids):
            known = np.concatenate([known, np.fromiter((id_ in self for id_ in ids[len(known) :]), dtype=bool)])
            others = [(of, mask) for of, mask in self._masks if of is not ids]
            self._masks = [(ids, known), *others[: _LEGS - 1]]
        return known


# Loops, where `all` and `any` would read better: a generator costs as much as the comparisons.
def _make_every(tests: Sequence[Test]) -> Test:
    def test_every(metadata: Mapping[str, Any]) -> bool:
        for test in tests:  # noqa: SIM110
            if not test(metadata):
                return False
        return True

    return test_every


def _make_some(tests: Sequence[Test]) -> Test:
    def test_some(metadata: Mapping[str, Any]) -> bool:
        for test in tests:  # noqa: SIM110
            if test(metadata):
                return True
        return False

    return test_some


def _make_one(condition: MetadataFilter) -> Test:
    key, operator, wanted = condition.key, condition.operator, condition.value
    if operator in _LISTS and not isinstance(wanted, list):
        raise InputError(f"the filter {key} {operator.value} needs a list of values, not {wanted!r}")
    if operator == FilterOperator.IS_EMPTY:
        return lambda metadata: (found := metadata.get(key)) is None or found in ("", [])
    names = [value for value in wanted if isinstance(value, str)] if isinstance(wanted, list) else []
    if operator == FilterOperator.ANY and isinstance(wanted, list) and len(names) == len(wanted):
        return _make_any(key, frozenset(names))
    if operator == FilterOperator.EQ:
        return lambda metadata: (found := metadata.get(key)) is not None and bool(found == wanted)
    compare, where_missing = _OPERATORS[operator], operator in (FilterOperator.NE, FilterOperator.NIN)

    def test(metadata: Mapping[str, Any]) -> bool:
        found = metadata.get(key)
        if found is None:
            return where_missing
        try:
            return bool(compare(found, wanted))
        except TypeError:  # a number against a string, membership in a number
            return False

    return test


def _make_any(key: str, wanted: frozenset[str]) -> Test:
    """Make the test of an access list, which is asked most."""

    def test(metadata: Mapping[str, Any]) -> bool:
        found = metadata.get(key)
        try:
            return not wanted.isdisjoint(found if isinstance(found, _MANY) else (found,))
        except TypeError:  # a list or a mapping within the list equals no name, and cannot be looked up
            return any(value in wanted for value in found if isinstance(value, str))  # type: ignore[union-attr]

    return test


def _text_match(found: Any, wanted: Any) -> bool:  # noqa: ANN401
    return isinstance(found, str) and isinstance(wanted, str) and wanted in found


def _values(found: Any) -> Any:  # noqa: ANN401
    """The values of a list; a single value is a list of one.

    LlamaIndex's in-memory store looks for them inside a string, so that `admin` is one of `administrators`: for an
    access list that is a leak, and Elasticsearch does not do it either.
    """
    return found if isinstance(found, _MANY) else (found,)


def _has_any(found: Any, wanted: Any) -> bool:  # noqa: ANN401
    values = _values(found)
    for value in wanted:  # noqa: SIM110
        if value in values:
            return True
    return False


_OPERATORS: dict[FilterOperator, Callable[[Any, Any], Any]] = {
    FilterOperator.EQ: lambda found, wanted: found == wanted,
    FilterOperator.NE: lambda found, wanted: found != wanted,
    FilterOperator.GT: lambda found, wanted: found > wanted,
    FilterOperator.GTE: lambda found, wanted: found >= wanted,
    FilterOperator.LT: lambda found, wanted: found < wanted,
    FilterOperator.LTE: lambda found, wanted: found <= wanted,
    FilterOperator.IN: lambda found, wanted: found in wanted,
    FilterOperator.NIN: lambda found, wanted: found not in wanted,
    FilterOperator.ANY: _has_any,
    FilterOperator.ALL: lambda found, wanted: all(value in _values(found) for value in wanted),
    FilterOperator.CONTAINS: lambda found, wanted: wanted in found,
    FilterOperator.TEXT_MATCH: _text_match,
    FilterOperator.TEXT_MATCH_INSENSITIVE: lambda found, wanted: _text_match(
        found.lower() if isinstance(found, str) else found, wanted.lower() if isinstance(wanted, str) else wanted
    ),
}
