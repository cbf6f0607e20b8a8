"""Of several versions of one passage, the one that is meant is shown."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from llama_index.core import Document
from llama_index.core.schema import NodeWithScore, TextNode

from llama_index_prod_rag import BM25FRetriever, ConfidenceGatedQueryEngine, NewestVersion, tracing
from llama_index_prod_rag.postprocessor import detect_versions
from llama_index_prod_rag.query_engine.retry import Retry
from tests.query_engine.parts import FixedAssessor, ScriptedRetriever

TEXT = "Every member of staff has {} days of leave per year, to be taken until the end of March."
TODAY = date(2024, 6, 1)


def hit(id_: str, days: int, score: float = 0.5, text: str = TEXT, **metadata: Any) -> NodeWithScore:
    return NodeWithScore(node=TextNode(text=text.format(days), id_=id_, metadata=metadata), score=score)


def shown(hits: list[NodeWithScore], question: str = "How many days of leave?", **settings: Any) -> list[str]:
    found = NewestVersion(today=TODAY, **settings).postprocess_nodes(hits, query_str=question)
    return [one.node_id for one in found]


def test_the_newest_takes_the_best_place_and_the_older_one_stays_in_the_record() -> None:
    hits = [
        hit("old", 20, 0.9, date="2020-01-01"),
        hit("other", 7, 0.8, text="{} lifts."),
        hit("new", 25, 0.7, date="2023"),
    ]
    before = [one.model_dump() for one in hits]
    with tracing() as trace:
        found = NewestVersion(today=TODAY).postprocess_nodes(hits, query_str="How many days of leave?")
    assert [(one.node_id, one.score) for one in found] == [("new", 0.9), ("other", 0.8)]
    assert trace.left_out == {"old": "the version 2020-01-01 gives way to new (2023-01-01)"}
    assert [one.model_dump() for one in hits] == before


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many days of leave?", "v2"),
        ("How many days of leave were there in 2021?", "v1"),
        ("How many days of leave as of March 2023?", "v2"),
        ("How many days of leave in 1987?", "v2"),
        ("How many days of leave under version 1?", "v1"),
        ("How many days of leave from 2025-02-01 on?", "v3"),
    ],
)
def test_a_question_that_names_a_time_or_version_gets_it(question: str, expected: str) -> None:
    hits = [
        hit("v1", 20, version="1", valid_from="2020-01-01", valid_to="2022-12-31"),
        hit("v2", 25, version="2", valid_from="2023-01-01", valid_to="2024-12-31"),
        hit("v3", 30, version="3", valid_from="2025-01-01"),  # not in force yet
    ]
    assert shown(hits, question) == [expected]


@pytest.mark.parametrize(
    "second",
    [
        hit("b", 25),  # nothing says when it holds
        hit("b", 25, date="2020-01-01"),  # the same day: two passages, not two versions
        hit("b", 25, text="Contractors are paid within {} days of their invoice.", date="2023-01-01"),
    ],
)
def test_what_is_no_version_stays(second: NodeWithScore) -> None:
    assert shown([hit("a", 20, date="2020-01-01"), second]) == ["a", "b"]


def test_titles_tell_templates_apart_and_numbers_in_them_do_not() -> None:
    def two(first: str, second: str) -> list[str]:
        return shown([hit("a", 20, date="2020", title=first), hit("b", 25, date="2023", title=second)])

    assert two("Contract of Anna", "Contract of Bob") == ["a", "b"]
    assert two("Leave policy 2020", "Leave Policy 2023") == ["b"]
    assert two("Leave policy v1 (2020)", "Leave policy v2 (2023)") == ["b"]


@pytest.mark.parametrize(
    "versions",
    [
        [{"date": "2020-01-01"}, {"supersedes": "n0"}],  # the new one has no date
        [{}, {"supersedes": "n0", "date": "2023"}],  # the old one has none
        [{}, {"supersedes": "n0"}],
        [{"version": "1", "date": "2020"}, {"version": "2", "supersedes": ["n0"]}],
        [{"version": "1", "date": "2020"}, {"version": "2"}],  # by their numbers alone
        [{"date": "2020"}, {"date": "2022"}, {"supersedes": ["n0", "n1"]}],
        [{"version": "1"}, {"version": "2", "supersedes": "n0"}, {"supersedes": "n1"}, {"supersedes": "n2"}],
    ],
)
@pytest.mark.parametrize("step", [1, -1])
def test_what_is_known_to_be_newer_is_shown_whatever_is_dated(versions: list[dict[str, Any]], step: int) -> None:
    hits = [hit(f"n{place}", place, **metadata) for place, metadata in enumerate(versions)]
    assert shown(hits[::step]) == [hits[-1].node_id]


def test_passages_of_one_text_do_not_supersede_one_another() -> None:
    parts = [hit(id_, 5, text=id_ * 50, title="Leave", supersedes="Leave") for id_ in ("a", "b")]
    assert shown([*parts, hit("old", 5, title="Leave", date="2020")]) == ["a", "b"]
    circle = [hit("a", 20, supersedes="b"), hit("b", 25, supersedes="a")]
    assert shown(circle) == ["a", "b"]


def test_what_says_that_it_supersedes_needs_not_be_alike() -> None:
    new = hit("b", 25, text="We rewrote everything: {} days.", date="2023", supersedes="a")
    assert shown([hit("a", 20, date="2020"), new]) == ["b"]


def test_without_metadata_the_very_list_comes_back() -> None:
    hits = [hit("a", 20), hit("b", 25)]
    assert NewestVersion().postprocess_nodes(hits, query_str="leave") is hits
    assert NewestVersion().postprocess_nodes([], query_str="leave") == []


def test_news_fade_around_the_time_asked_for() -> None:
    hits = [hit("old", 1, 0.9, "Storm {}.", date="2020-01-01"), hit("new", 2, 0.8, "Strike {}!", date="2024-01-01")]
    hits.append(hit("low", 3, 0.1, "Nothing {}."))
    assert shown(hits, "news", half_life_days=365) == ["new", "old", "low"]
    assert shown(hits, "news of January 2020", half_life_days=365) == ["old", "new", "low"]


def test_a_version_that_filters_exclude_hides_nothing() -> None:
    from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters

    nodes = [hit("old", 20, date="2020", group="all").node, hit("new", 25, date="2023", group="board").node]
    gate = ConfidenceGatedQueryEngine(BM25FRetriever(nodes), node_postprocessors=[NewestVersion()])  # type: ignore[arg-type]
    everybody = gate.with_filters(MetadataFilters(filters=[MetadataFilter(key="group", value="all")]))
    assert [one.node_id for one in everybody.query("How many days of leave?").source_nodes] == ["old"]
    response = gate.query("How many days of leave?")
    assert [one.node_id for one in response.source_nodes] == ["new"]
    assert response.metadata is not None
    assert response.metadata["prod_rag"]["left_out"][0]["node_id"] == "old"


def test_what_a_retry_shows_is_not_said_to_be_left_out() -> None:
    old, new = hit("old", 20, date="2020"), hit("new", 25, date="2023")
    gate = ConfidenceGatedQueryEngine(
        ScriptedRetriever([new, old]),
        node_postprocessors=[NewestVersion(today=TODAY)],
        assessor=FixedAssessor(["low_confidence", "healthy"]),
        retries=[Retry("archive", retriever=ScriptedRetriever([old]))],
    )
    response = gate.query("How many days of leave?")
    assert [one.node_id for one in response.source_nodes] == ["old"]
    assert response.metadata is not None
    assert response.metadata["prod_rag"]["left_out"] == []


def test_names_and_front_matter_are_read_when_asked() -> None:
    text = "---\nversion: '2.1'\nvalid_from: 2024-05-01\n---\nTen days."
    document = Document(text=text, metadata={"file_path": "hr/leave_2023-01.md", "date": "2020-02-02"})
    assert detect_versions([document])[0].metadata == {
        "version": "2.1",
        "valid_from": "2024-05-01",
        "date": "2020-02-02",
        "file_path": "hr/leave_2023-01.md",
    }
    assert document.metadata == {"file_path": "hr/leave_2023-01.md", "date": "2020-02-02"}


def test_what_only_the_old_version_of_a_titled_document_says_goes_with_it() -> None:
    from llama_index.core.schema import NodeRelationship, RelatedNodeInfo

    texts = {"old-1": TEXT.format(20), "old-2": "Carried over days expire in June.", "new-1": TEXT.format(25)}
    hits = []
    for id_, text in texts.items():
        version = id_[:3]
        node = TextNode(text=text, id_=id_, metadata={"title": "Leave", "date": "2020" if version == "old" else "2023"})
        node.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=version)
        hits.append(NodeWithScore(node=node, score=0.5))
    assert shown(hits) == ["new-1"]
    assert shown(hits, "Which days expired in 2021?") == ["old-1", "old-2"]
    for hit_ in hits:
        del hit_.node.metadata["title"]
    assert shown(hits) == ["new-1", "old-2"]
