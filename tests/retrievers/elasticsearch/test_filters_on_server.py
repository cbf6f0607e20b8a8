"""Every filter operator, nested at random, on a real server against a brute-force oracle."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from llama_index.core.schema import TextNode
from llama_index.core.vector_stores.types import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters

from llama_index_prod_rag.retrievers.elasticsearch import create_index, index_definition, ingest
from llama_index_prod_rag.retrievers.elasticsearch.fields import read_field_types, with_relatives
from llama_index_prod_rag.retrievers.elasticsearch.filters import filter_query, filtered_fields
from llama_index_prod_rag.retrievers.elasticsearch.stored import may_return
from llama_index_prod_rag.retrievers.filters import matches

pytestmark = pytest.mark.elasticsearch

WORDS = ["alpha", "Alpha", "beta gamma", "Ärger", "ärger", "50%*", "a.b?c", "x\\y", "", "zwei\nZeilen", "7", "日本語"]
VALUES: dict[str, Callable[[random.Random], Any]] = {
    "team": lambda draw: draw.choice(WORDS),
    "tags": lambda draw: draw.sample(WORDS, draw.randint(0, 3)),
    "year": lambda draw: draw.randint(2018, 2022),
    "years": lambda draw: draw.sample(range(2018, 2023), draw.randint(0, 3)),
    "score": lambda draw: draw.choice([-0.5, 0.0, 0.1, 2.5, 7.0]),
}
SINGLE = ("team", "year", "score")
LISTS = {FilterOperator.IN, FilterOperator.NIN, FilterOperator.ANY, FilterOperator.ALL}
SUBSTRINGS = {FilterOperator.TEXT_MATCH, FilterOperator.TEXT_MATCH_INSENSITIVE}


def make_nodes(draw: random.Random, count: int) -> dict[str, TextNode]:
    nodes = {}
    for number in range(count):
        metadata = {key: value(draw) for key, value in VALUES.items() if draw.random() < 0.8}
        nodes[str(number)] = TextNode(id_=str(number), text="lift", metadata=metadata, embedding=[1.0, 0.5])
    return nodes


def draw_leaf(draw: random.Random) -> MetadataFilter:
    operator = draw.choice(list(FilterOperator))
    key = draw.choice([*VALUES, "missing"])
    if operator is FilterOperator.IS_EMPTY:
        return MetadataFilter(key=key, value=None, operator=operator)
    if operator in SUBSTRINGS:
        key = draw.choice(["team", "tags", "missing"])
        return MetadataFilter(
            key=key, value=draw.choice(["a", "ÄR", "är", "%*", ".b?", "\\", "\nz", "本", "7"]), operator=operator
        )
    kind = key if draw.random() < 0.85 else draw.choice(list(VALUES))  # sometimes a value of another type
    values = [value for _ in range(3) for value in [VALUES[kind](draw) if kind != "missing" else 7]]
    flat = [item for value in values for item in (value if isinstance(value, list) else [value])] or ["none"]
    return MetadataFilter(key=key, value=flat if operator in LISTS else flat[0], operator=operator)


def draw_group(draw: random.Random, depth: int) -> MetadataFilters:
    parts: list[Any] = [
        draw_group(draw, depth - 1) if depth and draw.random() < 0.4 else draw_leaf(draw)
        for _ in range(draw.randint(1, 3))
    ]
    return MetadataFilters(filters=parts, condition=draw.choice(list(FilterCondition)))


def passes(metadata: dict[str, Any], part: MetadataFilter | MetadataFilters) -> bool:
    """The module's table, word for word: a field is the set of its values."""
    if isinstance(part, MetadataFilters):
        results = [passes(metadata, inner) for inner in part.filters]
        combine = {FilterCondition.OR: any, FilterCondition.NOT: lambda r: not any(r)}.get(part.condition, all)  # type: ignore[arg-type]
        return bool(combine(results))
    found = metadata.get(part.key)
    values = [] if found is None else found if isinstance(found, list) else [found]
    return _OPERATORS[part.operator](values, part.value)


def compares(value: Any, other: Any) -> bool:
    return any(isinstance(value, kind) and isinstance(other, kind) for kind in (str, (int, float)))


_OPERATORS: dict[FilterOperator, Callable[[list[Any], Any], bool]] = {
    FilterOperator.EQ: lambda values, given: given in values,
    FilterOperator.CONTAINS: lambda values, given: given in values,
    FilterOperator.NE: lambda values, given: given not in values,
    FilterOperator.GT: lambda values, given: any(compares(v, given) and v > given for v in values),
    FilterOperator.GTE: lambda values, given: any(compares(v, given) and v >= given for v in values),
    FilterOperator.LT: lambda values, given: any(compares(v, given) and v < given for v in values),
    FilterOperator.LTE: lambda values, given: any(compares(v, given) and v <= given for v in values),
    FilterOperator.IN: lambda values, given: any(v in values for v in given),
    FilterOperator.ANY: lambda values, given: any(v in values for v in given),
    FilterOperator.NIN: lambda values, given: not any(v in values for v in given),
    FilterOperator.ALL: lambda values, given: bool(values) and all(v in values for v in given),
    FilterOperator.TEXT_MATCH: lambda values, given: any(given in v for v in values),
    FilterOperator.TEXT_MATCH_INSENSITIVE: lambda values, given: any(given.lower() in v.lower() for v in values),
    FilterOperator.IS_EMPTY: lambda values, _: not values or "" in values,
}


@pytest.fixture(scope="module")
def nodes(client: Elasticsearch, index: str) -> dict[str, TextNode]:
    made = make_nodes(random.Random(0), 60)
    create_index(client, index, index_definition(2))
    ingest(client, index, made.values()).raise_for_failures()
    return made


@pytest.fixture(scope="module")
def names(client: Elasticsearch, index: str, nodes: dict[str, TextNode]) -> dict[str, str]:
    """The same metadata in our index, where the server invents the mapping, and half in each."""
    dynamic, even, odd = f"{index}-dynamic", f"{index}-even", f"{index}-odd"
    halves = [[node for node_id, node in nodes.items() if int(node_id) % 2 == half] for half in (0, 1)]
    invent(client, dynamic, list(nodes.values()))
    create_index(client, even, index_definition(2))
    ingest(client, even, halves[0]).raise_for_failures()
    invent(client, odd, halves[1])
    return {"ours": index, "dynamic": dynamic, "mixed": f"{even},{odd}"}


def invent(client: Elasticsearch, name: str, nodes: Sequence[TextNode]) -> None:
    """Text with a keyword sub-field; a document of the wrong type is left out."""
    client.indices.create(index=name)
    lines = [
        line
        for node in nodes
        for line in ({"index": {"_index": name, "_id": node.node_id}}, {"content": "lift", "metadata": node.metadata})
    ]
    client.bulk(operations=lines, refresh=True)


def search(client: Elasticsearch, name: str, wanted: Sequence[MetadataFilters]) -> list[set[str]]:
    """Ids of what passes each of the filters, all asked in one request."""
    names = {name for filters in wanted for name in filtered_fields(filters, "metadata")}
    types = read_field_types(client.field_caps(index=name, fields=with_relatives(names), include_unmapped=True).body)
    searches: list[dict[str, Any]] = []
    for filters in wanted:
        query = filter_query(filters, types) or {"match_all": {}}
        searches += [{}, {"query": {"bool": {"filter": [query]}}, "size": 200, "_source": ["metadata"]}]
    answers = client.msearch(index=name, searches=searches)["responses"]
    return [
        {hit["_id"] for hit in answer["hits"]["hits"] if may_return(hit["_source"], filters, types)}
        for filters, answer in zip(wanted, answers, strict=True)
    ]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("mapping", ["ours", "dynamic", "mixed"])
def test_server_and_brute_force_agree(
    client: Elasticsearch, names: dict[str, str], nodes: dict[str, TextNode], mapping: str, seed: int
) -> None:
    draw = random.Random(seed)
    wanted = [draw_group(draw, 2) for _ in range(340)]  # 10,200 in all
    for filters, found in zip(wanted, search(client, names[mapping], wanted), strict=True):
        assert found == {node_id for node_id, node in nodes.items() if passes(node.metadata, filters)}, filters


# What a mapping cannot hold as it is: the index compares something else than the document says.
ODD = [7, 7.5, -7.5, "7", "7.0", "7.5", True, False, 1, 0, "", "x", "x" * 300, ["x", 7], [True, "x"], {"a": "x"}, 2**60]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("mapping", ["ours", "dynamic", "mixed"])
def test_whatever_the_types_nothing_is_returned_that_is_excluded(
    client: Elasticsearch, index: str, mapping: str, seed: int
) -> None:
    draw = random.Random(seed)
    odd = {
        str(number): TextNode(id_=str(number), text="lift", metadata={"odd": draw.choice(ODD)}, embedding=[1.0, 0.5])
        for number in range(40)
    }
    ours, dynamic = f"{index}-{mapping}-{seed}-ours", f"{index}-{mapping}-{seed}-dynamic"
    if mapping != "dynamic":
        create_index(client, ours, index_definition(2))
        ingest(client, ours, [node for id_, node in odd.items() if mapping == "ours" or int(id_) % 2])
    if mapping != "ours":
        invent(client, dynamic, [node for id_, node in odd.items() if mapping == "dynamic" or int(id_) % 2 == 0])
    name = {"ours": ours, "dynamic": dynamic, "mixed": f"{ours},{dynamic}"}[mapping]
    wanted = [draw_odd(draw) for _ in range(120)]
    returned = 0
    for filters, found in zip(wanted, search(client, name, wanted), strict=True):
        assert found <= {node_id for node_id, node in odd.items() if passes(node.metadata, filters)}, filters
        returned += len(found)
    assert returned > 100


def draw_odd(draw: random.Random) -> MetadataFilters:
    operator = draw.choice([one for one in FilterOperator if one not in SUBSTRINGS])
    value: Any = draw.choice([7, 7.5, -7, 1, 0, "7", "7.5", "x", "", "x" * 300, 2**60, 2**60 + 1])
    if operator in LISTS:
        value = [value]
    if operator is FilterOperator.IS_EMPTY:
        value = None
    condition = draw.choice(list(FilterCondition))
    return MetadataFilters(filters=[MetadataFilter(key="odd", value=value, operator=operator)], condition=condition)


def test_on_single_values_the_embedded_leg_means_the_same(
    client: Elasticsearch, index: str, nodes: dict[str, TextNode]
) -> None:
    draw = random.Random(7)
    # On strings, these three look for substrings there and for whole values here, where a field may hold many.
    substrings = {FilterOperator.CONTAINS, FilterOperator.ANY, FilterOperator.ALL}
    leaves = [
        leaf
        for leaf in (draw_leaf(draw) for _ in range(1_000))
        if leaf.key in SINGLE and leaf.operator not in substrings
    ]
    assert len(leaves) > 250
    wanted = [MetadataFilters(filters=[leaf]) for leaf in leaves]
    for filters, found in zip(wanted, search(client, index, wanted), strict=True):
        assert found == {node_id for node_id, node in nodes.items() if matches(node.metadata, filters)}, filters
