from __future__ import annotations

import random
from typing import Any

import pytest
from llama_index.core.schema import NodeRelationship, QueryBundle, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters
from llama_index.core.vector_stores.utils import build_metadata_filter_fn

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.retrievers.bm25 import BM25FRetriever
from llama_index_prod_rag.retrievers.filters import filterable_metadata, matches

QUERY = QueryBundle("cats")
LIST_OPERATORS = [FilterOperator.IN, FilterOperator.NIN, FilterOperator.ANY, FilterOperator.ALL]
METADATA: dict[str, Any] = {"year": 2020, "lang": "English", "tags": ["a", "b"], "empty": "", "none": None}

TABLE: list[tuple[str, FilterOperator, Any, bool]] = [
    ("year", FilterOperator.EQ, 2020, True),
    ("year", FilterOperator.EQ, "2020", False),
    ("year", FilterOperator.NE, 2021, True),
    ("year", FilterOperator.GT, 2019, True),
    ("year", FilterOperator.GT, 2020, False),
    ("year", FilterOperator.GTE, 2020, True),
    ("year", FilterOperator.LT, 2020, False),
    ("year", FilterOperator.LTE, 2020, True),
    ("year", FilterOperator.GT, "2019", False),
    ("year", FilterOperator.CONTAINS, "20", False),
    ("year", FilterOperator.IN, [2019, 2020], True),
    ("year", FilterOperator.NIN, [2019, 2020], False),
    ("tags", FilterOperator.ANY, ["b", "c"], True),
    ("tags", FilterOperator.ALL, ["b", "c"], False),
    ("tags", FilterOperator.ALL, ["a", "b"], True),
    ("lang", FilterOperator.ANY, ["English"], True),
    ("lang", FilterOperator.ANY, ["Eng"], False),
    ("lang", FilterOperator.ALL, ["E", "n"], False),
    ("tags", FilterOperator.CONTAINS, "a", True),
    ("tags", FilterOperator.CONTAINS, "c", False),
    ("tags", FilterOperator.TEXT_MATCH, "a", False),
    ("lang", FilterOperator.TEXT_MATCH, "Eng", True),
    ("lang", FilterOperator.TEXT_MATCH, "eng", False),
    ("lang", FilterOperator.TEXT_MATCH_INSENSITIVE, "eNG", True),
    ("empty", FilterOperator.IS_EMPTY, None, True),
    ("none", FilterOperator.IS_EMPTY, None, True),
    ("absent", FilterOperator.IS_EMPTY, None, True),
    ("lang", FilterOperator.IS_EMPTY, None, False),
    ("absent", FilterOperator.EQ, "x", False),
    ("absent", FilterOperator.NE, "x", True),
    ("absent", FilterOperator.NIN, ["x"], True),
    ("none", FilterOperator.GT, 1, False),
]


@pytest.mark.parametrize(("key", "operator", "value", "expected"), TABLE)
def test_operators(key: str, operator: FilterOperator, value: Any, expected: bool) -> None:
    assert matches(METADATA, MetadataFilter(key=key, operator=operator, value=value)) is expected


def test_every_operator_is_in_the_table() -> None:
    assert {operator for _, operator, _, _ in TABLE} == set(FilterOperator)


@pytest.mark.parametrize("operator", LIST_OPERATORS)
def test_a_list_operator_refuses_a_string_instead_of_searching_in_it(operator: FilterOperator) -> None:
    with pytest.raises(InputError, match="needs a list"):
        matches(METADATA, MetadataFilter(key="lang", operator=operator, value="English"))


def test_a_node_is_filtered_by_its_source_too() -> None:
    node = TextNode(text="x", metadata={"year": 2020})
    node.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id="report.pdf")
    assert matches(filterable_metadata(node), MetadataFilter(key="doc_id", value="report.pdf"))


def any_metadata(rng: random.Random) -> dict[str, Any]:
    values: list[Any] = [0, 1, 2, 3, "x", "xy", "y", "", None, [], ["x"], ["x", "y"]]
    return {key: rng.choice(values) for key in "abc" if rng.random() < 0.7}


def any_condition(rng: random.Random) -> MetadataFilter:
    operator = rng.choice(list(FilterOperator))
    value = rng.sample(["x", "y"], rng.randrange(3)) if operator in LIST_OPERATORS else rng.choice([0, 1, 2, "x", "xy"])
    return MetadataFilter(key=rng.choice("abc"), operator=operator, value=value)


def any_group(rng: random.Random, depth: int = 3) -> MetadataFilters:
    members = [
        any_group(rng, depth - 1) if depth and rng.random() < 0.4 else any_condition(rng)
        for _ in range(rng.randrange(4))
    ]
    return MetadataFilters(filters=members, condition=rng.choice([*FilterCondition, None]))


def oracle(data: dict[str, Any], wanted: MetadataFilters | MetadataFilter) -> bool:
    """The same meaning, said by LlamaIndex's own function for one condition, and by truth tables for groups."""
    if isinstance(wanted, MetadataFilters):
        truths = [oracle(data, member) for member in wanted.filters]
        count = sum(truths)
        enough = {"or": count > 0, "not": count == 0, "and": count == len(truths)}
        return not truths or enough[wanted.condition or "and"]
    if data.get(wanted.key) is None and wanted.operator in (FilterOperator.NE, FilterOperator.NIN):
        return True  # as LlamaIndex has it from 0.14.24 on
    if wanted.operator in (FilterOperator.ANY, FilterOperator.ALL) and isinstance(data.get(wanted.key), str):
        data = {wanted.key: [data[wanted.key]]}  # LlamaIndex looks for the values inside the string
    try:
        passes = build_metadata_filter_fn(lambda _: data, MetadataFilters(filters=[wanted]))
        return passes("node")
    except TypeError:
        return False


@pytest.mark.parametrize("thousand", range(10))
def test_a_node_that_is_filtered_out_is_never_returned(thousand: int) -> None:
    for seed in range(thousand * 1000, (thousand + 1) * 1000):
        rng = random.Random(seed)
        nodes = [TextNode(text="cat", id_=str(i), metadata=any_metadata(rng)) for i in range(rng.randrange(1, 5))]
        wanted = any_group(rng)
        found = BM25FRetriever(nodes, fields=["text"], filters=wanted)._retrieve(QUERY)
        passing = {node.node_id for node in nodes if oracle(node.metadata, wanted)}
        assert {hit.node_id for hit in found} == passing, f"seed {seed}: {wanted}"
