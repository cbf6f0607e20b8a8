"""Fields that the index holds otherwise than the document: other types, other indices, values it does not keep."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from llama_index.core.schema import IndexNode, QueryBundle, TextNode
from llama_index.core.vector_stores.types import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters

from llama_index_prod_rag.errors import AccessError, ConfigurationError, InputError, RetrievalError
from llama_index_prod_rag.retrievers.access import AccessPolicy, Principal, acting_as
from llama_index_prod_rag.retrievers.elasticsearch import (
    ElasticsearchHybridRetriever,
    create_index,
    index_definition,
    ingest,
)

pytestmark = pytest.mark.elasticsearch

QUESTION = QueryBundle("widget", embedding=[1.0, 0.0])
VECTOR = {"type": "dense_vector", "dims": 2, "index": True, "similarity": "cosine"}
INVENTED = {"mappings": {"properties": {"content": {"type": "text"}, "embedding": VECTOR}}}

Fill = Callable[..., str]


@pytest.fixture
def fill(client: Elasticsearch) -> Iterator[Fill]:
    """Make an index of nodes with the given metadata; ids are the keywords' names."""
    prefix = f"prod-rag-{uuid.uuid4().hex[:12]}"
    made: list[str] = []

    def make(definition: dict[str, Any] | None = None, **metadata: dict[str, Any]) -> str:
        made.append(f"{prefix}-{len(made)}")
        create_index(client, made[-1], definition or index_definition(2))
        nodes = [TextNode(id_=i, text=f"widget {i}", metadata=m, embedding=[1.0, 0.1]) for i, m in metadata.items()]
        ingest(client, made[-1], nodes).raise_for_failures()
        return made[-1]

    yield make
    for index in made:
        client.indices.delete(index=index)


def one(key: str, operator: str, value: Any, condition: FilterCondition = FilterCondition.AND) -> MetadataFilters:
    leaf = MetadataFilter(key=key, operator=FilterOperator(operator), value=value)
    return MetadataFilters(filters=[leaf], condition=condition)


def found(searcher: ElasticsearchHybridRetriever, filters: MetadataFilters) -> set[str]:
    return {hit.node_id for hit in searcher.with_filters(filters).retrieve(QUESTION)}


@pytest.fixture
def ask(client: Elasticsearch) -> Callable[..., set[str]]:
    def search(index: str, *filters: Any, **settings: Any) -> set[str]:
        return found(ElasticsearchHybridRetriever(index, client=client, **settings), one(*filters))

    return search


NOT = FilterCondition.NOT


@pytest.mark.parametrize("invented", [False, True])
def test_an_integer_that_comes_first_does_not_round_what_follows(fill: Fill, ask: Any, invented: bool) -> None:
    index = fill(INVENTED if invented else None, seven={"price": 7}, more={"price": 7.5}, ten={"price": 10})
    assert ask(index, "price", "<=", 7) == {"seven"}
    assert ask(index, "price", "!=", 7.5) == {"seven", "ten"}
    assert ask(index, "price", ">", 7, NOT) == {"seven"}
    if not invented:  # elsewhere the field is one of integers, and 7.5 cannot be found by what it is
        assert ask(index, "price", "==", 7.5) == {"more"}
        assert ask(index, "price", ">", 7) == {"more", "ten"}


def test_a_number_in_a_field_of_strings_stays_a_number(fill: Fill, ask: Any) -> None:
    index = fill(a={"customer": "A12"}, eight={"customer": 8}, text={"customer": "8"}, many={"customer": [8, "B"]})
    assert ask(index, "customer", "==", 8) == {"eight", "many"}
    assert ask(index, "customer", "==", "8") == {"text"}
    assert ask(index, "customer", "!=", 8) == {"a", "text"}
    assert ask(index, "customer", ">", 7) == {"eight", "many"}
    # the index cannot tell, and what may be meant is not returned
    assert ask(index, "customer", "nin", ["8"]) == {"a"}


def test_an_alias_over_indices_with_other_types(client: Elasticsearch, fill: Fill, ask: Any) -> None:
    strings, numbers = fill(s={"tenant": "acme"}), fill(n7={"tenant": 7}, n8={"tenant": 8})
    both = f"{strings},{numbers}"
    assert ask(both, "tenant", "==", 7) == {"n7"}
    assert ask(both, "tenant", "!=", 7) == {"s", "n8"}
    assert ask(both, "tenant", "==", 8, NOT) == {"s", "n7"}
    assert ask(both, "tenant", "in", [8, 9]) == {"n8"}
    assert ask(both, "tenant", "nin", ["acme"]) == {"n7", "n8"}


def test_an_alias_over_an_index_of_ours_and_one_whose_mapping_the_server_invented(
    client: Elasticsearch, fill: Fill, ask: Any
) -> None:
    ours = fill(a={"team": "Alpha Team"}, b={"team": "Beta Team"}, none={})
    theirs = fill(INVENTED, c={"team": "Alpha Team"}, d={"team": "alpha"})
    alias = f"{ours}-alias"
    client.indices.put_alias(index=[ours, theirs], name=alias)
    assert ask(alias, "team", "==", "Alpha Team") == {"a", "c"}
    assert ask(alias, "team", "==", "alpha") == {"d"}
    assert ask(alias, "team", "!=", "Alpha Team") == {"b", "d", "none"}
    assert ask(alias, "team", "nin", ["Alpha Team", "alpha"]) == {"b", "none"}
    assert ask(alias, "team", "==", "Alpha Team", NOT) == {"b", "d", "none"}
    assert ask(alias, "team", "is_empty", None) == {"none"}


def test_an_index_where_the_field_is_text_alone_is_refused_by_name(fill: Fill, ask: Any) -> None:
    plain = {
        "mappings": {
            "properties": {**INVENTED["mappings"]["properties"], "metadata": {"properties": {"team": {"type": "text"}}}}
        }
    }
    ours, text = fill(a={"team": "x"}), fill(plain, b={"team": "x"})
    with pytest.raises(InputError, match=f"without a keyword sub-field in {text}"):
        ask(f"{ours},{text}", "team", "!=", "x")


def test_an_alias_that_is_switched_under_a_retriever(client: Elasticsearch, fill: Fill) -> None:
    old = fill(a={"tenant": "acme"}, p={"tenant": "public"})
    new = fill(INVENTED, b={"tenant": "acme"}, q={"tenant": "public"})
    alias = f"{old}-alias"
    client.indices.put_alias(index=old, name=alias)
    searcher = ElasticsearchHybridRetriever(alias, client=client)
    assert found(searcher, one("tenant", "!=", "acme")) == {"p"}
    client.indices.update_aliases(
        actions=[{"remove": {"index": old, "alias": alias}}, {"add": {"index": new, "alias": alias}}]
    )
    assert found(searcher, one("tenant", "!=", "acme")) == {"q"}
    assert found(searcher, one("tenant", "==", "acme")) == {"b"}


def test_a_field_that_appears_under_a_retriever(client: Elasticsearch, fill: Fill) -> None:
    index = fill(a={})
    searcher = ElasticsearchHybridRetriever(index, client=client)
    assert found(searcher, one("team", "!=", "x")) == {"a"}
    ingest(client, index, [TextNode(id_="b", text="widget", metadata={"team": "x"}, embedding=[1.0, 0.1])])
    assert found(searcher, one("team", "!=", "x")) == {"a"}
    assert found(searcher, one("team", "==", "x")) == {"b"}


@pytest.mark.parametrize("invented", [False, True])
def test_values_longer_than_the_field_keeps(fill: Fill, ask: Any, invented: bool) -> None:
    long = "secret " + "x" * (300 if invented else 40_000)
    index = fill(
        INVENTED if invented else None, long={"label": long}, short={"label": "secret"}, pub={"label": "public"}
    )
    assert ask(index, "label", "text_match", "secret") == {"long", "short"}
    assert ask(index, "label", "text_match", "secret", NOT) == {"pub"}
    assert ask(index, "label", ">=", "s") == {"long", "short"}
    assert ask(index, "label", ">=", "s", NOT) == {"pub"}
    assert ask(index, "label", "!=", "secret") == {"long", "pub"}
    assert ask(index, "label", "==", long) == {"long"}
    assert ask(index, "label", "!=", long) == {"short", "pub"}
    assert ask(index, "label", "is_empty", None) == set()
    assert ask(index, "label", "is_empty", None, NOT) == {"long", "short", "pub"}


def test_booleans_are_written_as_llamaindex_lets_one(fill: Fill, ask: Any) -> None:
    index = fill(t={"secret": True}, f={"secret": False})
    for true, false in ((1, 0), ("true", "false"), (1.0, 0.0)):
        assert ask(index, "secret", "==", true) == ask(index, "secret", "!=", false) == {"t"}
        assert ask(index, "secret", "in", [false, "x"] if isinstance(false, str) else [false]) == {"f"}
    assert ask(index, "secret", "==", "x") == ask(index, "secret", "==", 7) == set()
    assert ask(index, "secret", ">", 0) == {"t"}


def test_dates_are_compared_by_the_server_and_numbers_do_not_match_them(fill: Fill, ask: Any) -> None:
    index = fill(
        index_definition(2, metadata={"day": {"type": "date"}}), old={"day": "2023-01-01"}, new={"day": "2024-06-01"}
    )
    assert ask(index, "day", "<", "2024-01-01") == {"old"}
    assert ask(index, "day", ">", 5) == set()
    with pytest.raises(RetrievalError, match="failed to parse date"):
        ask(index, "day", "!=", "rubbish")


def test_keys_with_commas_dots_and_nested_objects(fill: Fill, ask: Any) -> None:
    index = fill(
        pub={"role,level": "public", "acl.level": "public"},
        sec={"role,level": "secret", "acl.level": "secret"},
        nest={"acl": {"level": "secret"}},
    )
    assert ask(index, "role,level", "!=", "secret") == {"pub", "nest"}
    assert ask(index, "role,level", "==", "secret") == {"sec"}
    assert ask(index, "acl.level", "!=", "secret") == {"pub"}
    assert ask(index, "acl.level", "==", "secret") == {"sec", "nest"}


def test_a_field_that_is_only_in_the_index(client: Elasticsearch, fill: Fill, ask: Any) -> None:
    fields = {
        "team": {"type": "keyword"},
        "group": {"type": "alias", "path": "team"},
    }
    index = fill({"mappings": {"properties": {**INVENTED["mappings"]["properties"], **fields}}})
    for team in ("hr", "it"):
        client.index(index=index, id=team, document={"content": "widget", "embedding": [1.0, 0.1], "team": team})
    client.indices.refresh(index=index)
    assert ask(index, "group", "==", "hr", metadata_field=None) == {"hr"}
    assert ask(index, "group", "!=", "hr", metadata_field=None) == {"it"}


@pytest.mark.parametrize("kind", ["nested", "flattened"])
def test_metadata_that_a_plain_clause_cannot_reach(fill: Fill, ask: Any, kind: str) -> None:
    properties = {**INVENTED["mappings"]["properties"], "metadata": {"type": kind}}
    index = fill({"mappings": {"properties": properties}}, a={"team": "x"})
    with pytest.raises(InputError, match=f"metadata is mapped as {kind}"):
        ask(index, "team", "!=", "x")


def test_a_users_own_keys_under_the_names_of_the_source(client: Elasticsearch, fill: Fill, ask: Any) -> None:
    """Stores write the source's id under these names, and filters mean that one."""
    index = fill(a={"doc_id": "D1", "_node_type": "x"})
    assert ask(index, "doc_id", "==", "D1") == set()
    assert ask(index, "doc_id", "==", "None") == {"a"}
    assert ask(index, "_node_type", "==", "TextNode") == {"a"}
    (hit,) = ElasticsearchHybridRetriever(index, client=client).retrieve(QUESTION)
    assert hit.metadata["doc_id"] == "D1"


# Similarities


SIMILARITIES = [
    ("l2_norm", {"near": [1.0, 1.0], "far": [4.0, 0.0]}, {"near": -1.0, "far": -3.0}),
    ("max_inner_product", {"near": [3.0, 0.0], "far": [-2.0, 0.0]}, {"near": 3.0, "far": -2.0}),
    ("dot_product", {"near": [0.8, 0.6], "far": [-0.6, 0.8]}, {"near": 0.8, "far": -0.6}),
    ("cosine", {"near": [8.0, 6.0], "far": [-3.0, 4.0]}, {"near": 0.8, "far": -0.6}),
]


@pytest.mark.parametrize(("similarity", "vectors", "scores"), SIMILARITIES)
def test_the_similarity_is_read_from_the_mapping(
    client: Elasticsearch, fill: Fill, similarity: Any, vectors: Any, scores: Any
) -> None:
    index = fill(index_definition(2, similarity=similarity))
    nodes = [TextNode(id_=i, text="widget " * number, embedding=v) for number, (i, v) in enumerate(vectors.items(), 1)]
    ingest(client, index, nodes).raise_for_failures()
    settings: dict[str, Any] = {"client": client, "rule": "min-max"}
    whole = ElasticsearchHybridRetriever(index, **settings).retrieve(QUESTION)[0].retrieval  # type: ignore[attr-defined]
    dense = {node_id: hit.score for node_id, hit in whole.legs["dense"].items()}
    assert dense == pytest.approx(scores, abs=0.35)  # two vectors of two numbers quantise badly
    assert list(dense) == ["near", "far"]
    short = ElasticsearchHybridRetriever(index, **settings, leg_top_k=1, similarity_top_k=1, complete_scores=True)
    completed = short.retrieve(QUESTION)[0].retrieval.completed  # type: ignore[attr-defined]
    if similarity != "max_inner_product":  # it has no lowest value, so that no score of a script can tell it
        assert completed["dense"] == pytest.approx({"far": scores["far"]}, abs=1e-4)


def test_exact_search_of_distances_is_refused(client: Elasticsearch, fill: Fill) -> None:
    index = fill(index_definition(2, similarity="l2_norm"), a={})
    with pytest.raises(ConfigurationError, match="exact=True compares by cosine"):
        ElasticsearchHybridRetriever(index, client=client, exact=True).retrieve(QUESTION)


def test_an_alias_that_is_switched_to_another_similarity(
    client: Elasticsearch, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    cosine, distance = fill(a={}), fill(index_definition(2, similarity="l2_norm"), b={})
    alias = f"{cosine}-alias"
    client.indices.put_alias(index=cosine, name=alias)
    searcher = ElasticsearchHybridRetriever(alias, client=client)
    assert searcher.retrieve(QUESTION)[0].retrieval.legs["dense"]["a"].score > 0  # type: ignore[attr-defined]
    client.indices.update_aliases(
        actions=[{"remove": {"index": cosine, "alias": alias}}, {"add": {"index": distance, "alias": alias}}]
    )
    monkeypatch.setattr("llama_index_prod_rag.retrievers.elasticsearch.schema._LIFETIME", 0.0)
    assert searcher.retrieve(QUESTION)[0].retrieval.legs["dense"]["b"].score <= 0  # type: ignore[attr-defined]


def test_an_index_of_other_similarities_behind_one_alias_is_refused(fill: Fill, ask: Any) -> None:
    both = f"{fill(a={})},{fill(index_definition(2, similarity='l2_norm'), b={})}"
    with pytest.raises(ValueError, match="compare embedding by cosine and by l2_norm"):
        ask(both, "x", "!=", 1)


# Texts


def test_text_in_lists_and_inside_of_objects(client: Elasticsearch, fill: Fill) -> None:
    index = fill(INVENTED)
    client.index(index=index, id="list", document={"content": ["widget", "gadget"], "embedding": [1.0, 0.1]})
    client.index(index=index, id="deep", document={"page": {"body": "widget"}, "embedding": [1.0, 0.2]}, refresh=True)
    searcher = ElasticsearchHybridRetriever(index, client=client)
    assert {hit.node_id: hit.text for hit in searcher.retrieve(QUESTION)} == {"list": "widget\ngadget", "deep": ""}
    deep = ElasticsearchHybridRetriever(index, client=client, fields=["page.body"], text_field="page.body")
    assert {hit.node_id: hit.text for hit in deep.retrieve(QUESTION)} == {"list": "", "deep": "widget"}


def test_a_text_field_that_the_index_does_not_have(client: Elasticsearch, fill: Fill) -> None:
    index = fill(a={})
    with pytest.raises(RetrievalError, match="no field body: set text_field to one that it has"):
        ElasticsearchHybridRetriever(index, client=client, text_field="body").retrieve(QUESTION)


def test_words_inside_of_a_nested_object_are_told_from_words_that_nothing_matches(
    client: Elasticsearch, fill: Fill
) -> None:
    nested = {"parts": {"type": "nested", "properties": {"text": {"type": "text"}}}, "embedding": VECTOR}
    index = fill({"mappings": {"properties": nested}})
    client.index(index=index, id="a", document={"parts": [{"text": "widget"}], "embedding": [1.0, 0.1]}, refresh=True)
    searcher = ElasticsearchHybridRetriever(index, client=client, fields=["parts.text"], text_field="parts.text")
    (hit,) = searcher.retrieve(QUESTION)
    assert hit.text == "widget"
    assert "parts.text lies in parts, which is mapped as nested" in hit.retrieval.failed["bm25"]  # type: ignore[attr-defined]


def test_texts_that_the_index_does_not_give_back_are_told(
    client: Elasticsearch, fill: Fill, caplog: pytest.LogCaptureFixture
) -> None:
    index = fill({"mappings": {"_source": {"excludes": ["content"]}, **INVENTED["mappings"]}})
    client.index(index=index, id="a", document={"content": "widget", "embedding": [1.0, 0.1]}, refresh=True)
    (hit,) = ElasticsearchHybridRetriever(index, client=client).retrieve(QUESTION)
    assert hit.text == ""
    assert f"no hit from index {index} has text in content: set text_field" in caplog.text


# Access


def test_an_access_policy_is_part_of_every_search(client: Elasticsearch, fill: Fill) -> None:
    index = fill(
        staff={"groups": ["staff", "board"], "year": 1},
        board={"groups": "board", "year": 1},
        admins={"groups": ["administrators"], "year": 1},
        old={"groups": ["staff"], "year": 0},
        nobody={"year": 1},
    )
    this_year = one("year", "==", 1)
    policy = AccessPolicy(key="groups", deny_key="denied")
    own = ElasticsearchHybridRetriever(index, client=client, access=policy, filters=this_year)
    outside = policy.guard(ElasticsearchHybridRetriever(index, client=client, filters=this_year))
    for guarded in (own, outside):
        with pytest.raises(AccessError):
            guarded.retrieve(QUESTION)
        for group, seen in {"staff": {"staff"}, "board": {"staff", "board"}, "admin": set()}.items():
            with acting_as(Principal(groups=(group,))):
                assert {hit.node_id for hit in guarded.retrieve(QUESTION)} == seen


def test_what_an_object_behind_a_node_brings_is_filtered_too(client: Elasticsearch, fill: Fill) -> None:
    index = fill()
    secret = TextNode(id_="secret", text="widget", metadata={"team": "it"})
    pointer = IndexNode(id_="pointer", text="widget", index_id="secret", metadata={"team": "hr"}, embedding=[1.0, 0.1])
    listed = TextNode(id_="listed", text="widget", metadata={"team": ["hr", "it"]}, embedding=[1.0, 0.2])
    ingest(client, index, [pointer, listed]).raise_for_failures()
    searcher = ElasticsearchHybridRetriever(index, client=client, object_map={"secret": secret})
    assert found(searcher, one("team", "==", "hr")) == {"listed"}
    assert {hit.node_id for hit in searcher.retrieve(QUESTION)} == {"secret", "listed"}
