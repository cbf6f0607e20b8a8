"""Whether a node's metadata passes LlamaIndex's `MetadataFilters`: pure functions, every operator, any nesting.

The meaning is that of LlamaIndex's in-memory store, completed where that store raises (nested groups, `is_empty`, mixed
types): a comparison that cannot be made does not match. One meaning is another: `any` and `all` compare whole values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from llama_index.core.schema import BaseNode, NodeWithScore
from llama_index.core.vector_stores.types import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters

from llama_index_prod_rag.errors import InputError

_LISTS = {FilterOperator.IN, FilterOperator.NIN, FilterOperator.ANY, FilterOperator.ALL}


def filterable_metadata(node: BaseNode) -> dict[str, Any]:
    """What filters look at: the metadata, the source's id under the three names vector stores give it, and the class.

    These four names mean the same in every vector store of LlamaIndex, whatever a document's own metadata holds under
    them (`llama_index.core.vector_stores.utils.node_to_metadata_dict`); a leg that read the document's own value would
    show what the other excludes.
    """
    source = node.ref_doc_id or "None"
    own = {"document_id": source, "doc_id": source, "ref_doc_id": source, "_node_type": node.class_name()}
    return {**node.metadata, **own}


def both(first: MetadataFilters | None, second: MetadataFilters) -> MetadataFilters:
    """Filters that let through what passes the two."""
    return second if first is None else MetadataFilters(filters=[first, second], condition=FilterCondition.AND)


def passing(hits: Iterable[NodeWithScore], filters: MetadataFilters | None) -> list[NodeWithScore]:
    """The hits whose nodes pass, in order: what came from an object behind a node, or was changed since, counts too."""
    return [hit for hit in hits if filters is None or matches(filterable_metadata(hit.node), filters)]


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
    if isinstance(filters, MetadataFilter):
        return _matches_one(metadata.get(filters.key), filters)
    results = (matches(metadata, member) for member in filters.filters)
    if not filters.filters:
        return True
    if filters.condition == FilterCondition.OR:
        return any(results)
    if filters.condition == FilterCondition.NOT:
        return not any(results)
    return all(results)


def _matches_one(found: Any, condition: MetadataFilter) -> bool:  # noqa: ANN401 - metadata values have any type
    operator, wanted = condition.operator, condition.value
    if operator in _LISTS and not isinstance(wanted, list):
        raise InputError(f"the filter {condition.key} {operator.value} needs a list of values, not {wanted!r}")
    if operator == FilterOperator.IS_EMPTY:
        return found is None or found in ("", [])
    if found is None:
        return operator in (FilterOperator.NE, FilterOperator.NIN)
    try:
        return bool(_OPERATORS[operator](found, wanted))
    except TypeError:  # a number against a string, membership in a number
        return False


def _text_match(found: Any, wanted: Any) -> bool:  # noqa: ANN401
    return isinstance(found, str) and isinstance(wanted, str) and wanted in found


def _values(found: Any) -> Any:  # noqa: ANN401
    """The values of a list; a single value is a list of one.

    LlamaIndex's in-memory store looks for them inside a string, so that `admin` is one of `administrators`: for an
    access list that is a leak, and Elasticsearch does not do it either.
    """
    return found if isinstance(found, list | tuple | set) else [found]


_OPERATORS: dict[FilterOperator, Callable[[Any, Any], Any]] = {
    FilterOperator.EQ: lambda found, wanted: found == wanted,
    FilterOperator.NE: lambda found, wanted: found != wanted,
    FilterOperator.GT: lambda found, wanted: found > wanted,
    FilterOperator.GTE: lambda found, wanted: found >= wanted,
    FilterOperator.LT: lambda found, wanted: found < wanted,
    FilterOperator.LTE: lambda found, wanted: found <= wanted,
    FilterOperator.IN: lambda found, wanted: found in wanted,
    FilterOperator.NIN: lambda found, wanted: found not in wanted,
    FilterOperator.ANY: lambda found, wanted: any(value in _values(found) for value in wanted),
    FilterOperator.ALL: lambda found, wanted: all(value in _values(found) for value in wanted),
    FilterOperator.CONTAINS: lambda found, wanted: wanted in found,
    FilterOperator.TEXT_MATCH: _text_match,
    FilterOperator.TEXT_MATCH_INSENSITIVE: lambda found, wanted: _text_match(
        found.lower() if isinstance(found, str) else found, wanted.lower() if isinstance(wanted, str) else wanted
    ),
}
