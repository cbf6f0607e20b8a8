from __future__ import annotations

import asyncio
import json
import pickle
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle, TextNode
from llama_index_instrumentation import get_dispatcher
from pydantic import Field

from llama_index_prod_rag.errors import ConfigurationError, InputError, ScoringError
from llama_index_prod_rag.postprocessor import cross_encoder
from llama_index_prod_rag.postprocessor.cascade import score_in_time
from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
from llama_index_prod_rag.postprocessor.settings import Cascade, Runtime
from llama_index_prod_rag.trace.records import LegHit, RerankRecord, RetrievalRecord, tracing
from llama_index_prod_rag.trace.scored_node import ScoredNode
from tests.pair_scorers import OverlapScorer

_TEXTS = {"a": "madrid is large", "b": "berlin is large", "c": "berlin is a city"}


@pytest.fixture
def hits() -> list[NodeWithScore]:
    return [
        NodeWithScore(node=TextNode(id_=node_id, text=text), score=score)
        for (node_id, text), score in zip(_TEXTS.items(), (0.9, 0.8, 0.7), strict=True)
    ]


class _Recorder(BaseEventHandler):
    events: list[BaseEvent] = Field(default_factory=list)

    def handle(self, event: BaseEvent, **_: Any) -> None:
        self.events.append(event)

    def names(self) -> list[str]:
        return [event.class_name() for event in self.events if event.class_name().startswith(("ReRank", "ProdRag"))]


@pytest.fixture
def recorder() -> Iterator[_Recorder]:
    root, handler = get_dispatcher(), _Recorder()
    root.add_event_handler(handler)
    yield handler
    root.event_handlers.remove(handler)


class _NotANumber:
    name = fingerprint = "broken"
    max_tokens, special_tokens = 512, 3

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        return [(0, len(text))]

    def score(self, pairs: list[tuple[str, str]], progress: Any = None) -> list[float]:
        return [float("nan") if "madrid" in passage else 1.0 for _, passage in pairs]


def _ids(hits: list[NodeWithScore]) -> list[str]:
    return [hit.node.node_id for hit in hits]


def test_the_pair_score_alone_orders_by_relevance(hits: list[NodeWithScore], scorer: Any) -> None:
    rerank = CrossEncoderRerank(scorer=scorer, weights="cross_encoder", top_n=2)
    result = rerank.postprocess_nodes(hits, query_str="berlin city")
    assert _ids(result) == ["c", "b"]
    assert [hit.score for hit in result] == pytest.approx([1 / (1 + 2.718281828**-3), 1 / (1 + 2.718281828**-1)])


def test_identity_returns_the_logits(hits: list[NodeWithScore], scorer: Any) -> None:
    rerank = CrossEncoderRerank(scorer=scorer, weights="cross_encoder", activation="identity")
    assert [hit.score for hit in rerank.postprocess_nodes(hits, query_str="berlin city")] == [3.0, 1.0, -1.0]


def test_a_list_without_a_record_is_blended_with_its_own_scores(hits: list[NodeWithScore], scorer: Any) -> None:
    rerank = CrossEncoderRerank(scorer=scorer, blend=0.4)
    result = rerank.postprocess_nodes(hits, query_str="berlin city")
    assert {hit.node.node_id: hit.score for hit in result} == pytest.approx({"a": 0.6, "b": 0.5, "c": 0.4})


def _recorded(hits: list[NodeWithScore]) -> tuple[list[NodeWithScore], RetrievalRecord]:
    record = RetrievalRecord(
        "berlin city",
        legs={"bm25": {hit.node.node_id: LegHit(rank, hit.score or 0.0) for rank, hit in enumerate(hits, start=1)}},
        fused={hit.node.node_id: hit.score or 0.0 for hit in hits},
        weights={"bm25": 1.0},
    )
    return [ScoredNode(node=hit.node, score=hit.score, retrieval=record) for hit in hits], record


def test_the_pair_score_is_one_more_leg_of_the_retrieval(hits: list[NodeWithScore], scorer: Any) -> None:
    carried, record = _recorded(hits)
    rerank = CrossEncoderRerank(scorer=scorer, weights={"bm25": 0.2, "cross_encoder": 0.8})
    result = rerank.postprocess_nodes(carried, query_str="berlin city")
    assert _ids(result) == ["c", "b", "a"]
    assert [hit.score for hit in result] == pytest.approx([0.8, 0.5, 0.2])
    assert all(isinstance(hit, ScoredNode) and hit.retrieval is record for hit in result)


def test_a_record_that_the_hits_lost_is_found_in_the_open_trace(hits: list[NodeWithScore], scorer: Any) -> None:
    _, record = _recorded(hits)
    rerank = CrossEncoderRerank(scorer=scorer, weights={"bm25": 0.0, "cross_encoder": 1.0}, blend=0.0)
    with tracing() as trace:
        trace.add(record)
        assert _ids(rerank.postprocess_nodes(hits, query_str="berlin city")) == ["c", "b", "a"]


def test_every_candidate_is_recorded_before_the_cut(hits: list[NodeWithScore], scorer: Any) -> None:
    with tracing() as trace:
        result = CrossEncoderRerank(scorer=scorer, top_n=1).postprocess_nodes(hits, query_str="berlin city")
    (record,) = trace.records
    assert isinstance(record, RerankRecord)
    assert record.logits == {"a": -1.0, "b": 1.0, "c": 3.0}
    assert record.scores.keys() == _TEXTS.keys()
    assert isinstance(result[0], ScoredNode)
    assert result[0].rerank is record


def test_inputs_stay_as_they_were_and_the_second_call_equals_the_first(hits: list[NodeWithScore], scorer: Any) -> None:
    before = [hit.model_dump() for hit in hits]
    query = QueryBundle("berlin city")
    rerank = CrossEncoderRerank(scorer=scorer)
    first = [hit.to_dict() for hit in rerank.postprocess_nodes(hits, query)]
    assert [hit.to_dict() for hit in rerank.postprocess_nodes(hits, query)] == first
    assert [hit.model_dump() for hit in hits] == before
    json.dumps(first)


def test_equal_scores_keep_the_order_of_the_retrieval(scorer: Any) -> None:
    hits = [NodeWithScore(node=TextNode(id_=name, text=f"text {name}"), score=0.5) for name in "dbca"]
    assert _ids(CrossEncoderRerank(scorer=scorer).postprocess_nodes(hits, query_str="berlin")) == list("dbca")


def test_events_are_paired_on_success_empty_input_and_error(
    hits: list[NodeWithScore], scorer: Any, recorder: _Recorder
) -> None:
    rerank = CrossEncoderRerank(scorer=scorer)
    expected = ["ReRankStartEvent", "ProdRagPairScoresEvent", "ReRankEndEvent"]
    for nodes in (hits, []):
        rerank.postprocess_nodes(nodes, query_str="berlin")
        assert recorder.names() == expected
        recorder.events.clear()
    with pytest.raises(ScoringError, match="node a"):
        CrossEncoderRerank(scorer=_NotANumber()).postprocess_nodes(hits, query_str="berlin")
    assert recorder.names() == expected


def test_a_failing_model_can_leave_the_order_of_the_retrieval(hits: list[NodeWithScore]) -> None:
    rerank = CrossEncoderRerank(scorer=_NotANumber(), on_failure="keep_order", top_n=2)
    with tracing() as trace:
        result = rerank.postprocess_nodes(hits, query_str="berlin")
    assert [(hit.node.node_id, hit.score) for hit in result] == [("a", 0.9), ("b", 0.8)]
    (record,) = trace.records
    assert isinstance(record, RerankRecord)
    assert record.failed is not None
    assert "node a" in record.failed


def test_a_missing_question_is_an_error(hits: list[NodeWithScore], scorer: Any) -> None:
    with pytest.raises(InputError, match="pass query_bundle or query_str"):
        CrossEncoderRerank(scorer=scorer).postprocess_nodes(hits)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"top_n": 0}, "at least 1"),
        ({"max_windows": 0}, "at least 1"),
        ({"blend": 1.5}, "between 0 and 1"),
        ({"deadline": 0.0}, "leaves no time"),
        ({"deadline": float("nan")}, "leaves no time"),
        ({"cascade": Cascade("retrieval", keep=3)}, "fewer than top_n=5"),
        ({"cascade": Cascade(early_stop=True), "weights": "cross_encoder"}, "needs the retrieval's scores"),
        ({"device": "cuda"}, "has no setting 'device'"),
        ({"weights": {"dense": 1.0}}, "leave out 'cross_encoder'"),
        ({"weights": {"dense": -1.0, "cross_encoder": 1.0}}, "not negative"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        CrossEncoderRerank(**settings)


@pytest.mark.parametrize(
    "make", [lambda: Cascade("retrieval"), lambda: Cascade(keep=3), lambda: Cascade("x", 0), lambda: Runtime(threads=0)]
)
def test_groups_of_settings_refuse_what_is_out_of_range(make: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"must be at least 1|belong together"):
        make()


class _Clock:
    """Time passes only where a pair is scored: a second per pair."""

    def __init__(self) -> None:
        self.now = 0.0

    def slow(self, scorer: Any) -> Any:
        class Slow(type(scorer)):  # type: ignore[misc]
            def score(_, pairs: Any, progress: Any = None) -> list[float]:
                self.now += len(pairs)
                return list(super().score(pairs, progress))

        return Slow()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    made = _Clock()
    monkeypatch.setattr(cross_encoder.time, "monotonic", lambda: made.now)
    return made


@pytest.mark.parametrize("way", [{}, {"weights": "cross_encoder"}, {"cascade": Cascade(early_stop=True)}])
def test_what_is_not_read_in_time_keeps_its_retrieval_score(scorer: Any, clock: _Clock, way: dict[str, Any]) -> None:
    hits = [NodeWithScore(node=TextNode(id_=str(n), text=f"berlin {n}"), score=1.0 - n / 40) for n in range(40)]
    rerank = CrossEncoderRerank(scorer=clock.slow(scorer), deadline=10.0, top_n=40, **way)
    with tracing() as trace:
        result = rerank.postprocess_nodes(hits, query_str="berlin 3")
    (record,) = trace.records
    assert isinstance(record, RerankRecord)
    if "cascade" in way:  # forty wanted: all forty in the first block
        assert not record.unread
        return
    assert len(record.logits) == 10  # a second each
    assert record.unread == {str(n) for n in range(10, 40)}
    assert _ids(result)[0] == "3"
    assert _ids(result)[10:] == [str(n) for n in range(10, 40)]
    assert [hit.score for hit in result[10:]] == [hit.score for hit in hits[10:]]
    assert all(hit.rerank is record for hit in result if isinstance(hit, ScoredNode))


def test_a_deadline_that_is_kept_changes_nothing(scorer: Any, clock: _Clock) -> None:
    hits = [NodeWithScore(node=TextNode(id_=str(n), text=f"berlin {n}"), score=1.0 - n / 40) for n in range(40)]
    timed = CrossEncoderRerank(scorer=clock.slow(scorer), deadline=1000.0).postprocess_nodes(hits, query_str="berlin 3")
    free = CrossEncoderRerank(scorer=scorer).postprocess_nodes(hits, query_str="berlin 3")
    assert [(hit.node.node_id, hit.score) for hit in timed] == [(hit.node.node_id, hit.score) for hit in free]


def test_blocks_grow_while_they_are_quick() -> None:
    sizes: list[int] = []
    left = iter([100.0] * 100)

    def score(nodes: Any) -> dict[str, float]:
        sizes.append(len(nodes))
        return dict.fromkeys(nodes, 0.0)

    score_in_time([str(n) for n in range(60)], score, lambda: next(left))
    assert sizes == [2, 4, 8, 16, 30]


def test_a_slow_model_runs_beyond_the_deadline_by_one_candidate_at_most() -> None:
    now = 0.0

    def score(nodes: Any) -> dict[str, float]:
        nonlocal now
        now += 0.7 * len(nodes)
        return dict.fromkeys(nodes, 0.0)

    for deadline in (2.0, 5.0, 11.0, 20.0):
        now = 0.0
        score_in_time([str(n) for n in range(60)], score, lambda: deadline - now)  # noqa: B023 - called in the loop
        assert deadline <= now <= deadline + 0.7


def test_what_is_scored_is_a_setting(scorer: Any) -> None:
    node = TextNode(text="its streets", metadata={"title": "Berlin", "headings": "City > Centre", "file": "x.md"})
    hits = [NodeWithScore(node=node, score=1.0)]
    for metadata, passage in (
        (("title", "headings"), "Berlin\nCity > Centre\nits streets"),
        ((), "its streets"),
        (MetadataMode.EMBED, node.get_content(MetadataMode.EMBED)),
    ):
        CrossEncoderRerank(scorer=scorer, metadata=metadata).postprocess_nodes(hits, query_str="q")
        assert scorer.seen[-1] == ("q", passage)


def test_a_question_that_comes_again_costs_nothing_where_asked(hits: list[NodeWithScore], scorer: Any) -> None:
    rerank = CrossEncoderRerank(scorer=scorer, cache_size=100)
    first = rerank.postprocess_nodes(hits, query_str="berlin city")
    second = pickle.loads(pickle.dumps(rerank)).model_copy(update={"scorer": scorer})  # noqa: S301 - our own bytes
    again = rerank.postprocess_nodes(hits, query_str="berlin city")
    assert len(scorer.seen) == len(hits)
    assert [hit.score for hit in again] == [hit.score for hit in first]
    second.postprocess_nodes(hits, query_str="berlin city")
    assert len(scorer.seen) == 2 * len(hits)


@pytest.mark.parametrize(("prefilter", "read"), [("retrieval", ["a", "b"]), ("beginning", ["c", "b"])])
def test_a_prefilter_chooses_what_the_full_model_reads(
    hits: list[NodeWithScore], scorer: Any, prefilter: str, read: list[str]
) -> None:
    rerank = CrossEncoderRerank(scorer=scorer, cascade=Cascade(prefilter, keep=2), top_n=1, weights="cross_encoder")
    with tracing() as trace:
        rerank.postprocess_nodes(hits, query_str="berlin city")
    (record,) = trace.records
    assert isinstance(record, RerankRecord)
    assert list(record.logits) == read


@pytest.mark.parametrize("prefilter", ["retrieval", "beginning"])
def test_a_prefilter_does_not_tokenize_the_question_again(
    hits: list[NodeWithScore], scorer: Any, monkeypatch: pytest.MonkeyPatch, prefilter: str
) -> None:
    seen: list[str] = []
    offsets = scorer.token_offsets
    monkeypatch.setattr(scorer, "token_offsets", lambda text: seen.append(text) or offsets(text))
    rerank = CrossEncoderRerank(scorer=scorer, cascade=Cascade(prefilter, keep=2), top_n=1)
    rerank.postprocess_nodes(hits, query_str="berlin city")
    assert seen.count("berlin city") == 1


def test_the_prefilter_can_be_another_model(
    hits: list[NodeWithScore], scorer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = type(scorer)()
    monkeypatch.setattr(cross_encoder, "shared_scorer", lambda model, **_: {"small": small}[model])
    rerank = CrossEncoderRerank(scorer=scorer, cascade=Cascade("small", keep=1), top_n=1, weights="cross_encoder")
    assert _ids(rerank.postprocess_nodes(hits, query_str="berlin city")) == ["c"]
    assert (len(small.seen), len(scorer.seen)) == (3, 1)


def test_early_stop_reads_less_and_returns_the_same(scorer: Any) -> None:
    hits = [NodeWithScore(node=TextNode(id_=str(n), text=f"berlin {n}"), score=1.0 - n / 40) for n in range(40)]
    settings: dict[str, Any] = {"scorer": scorer, "blend": 0.2, "top_n": 3}
    full = CrossEncoderRerank(**settings).postprocess_nodes(hits, query_str="berlin 0")
    assert len(scorer.seen) == 40
    stopped = CrossEncoderRerank(**settings, cascade=Cascade(early_stop=True)).postprocess_nodes(
        hits, query_str="berlin 0"
    )
    assert _ids(stopped) == _ids(full)
    assert len(scorer.seen) < 60


def test_settings_survive_serialization_and_pickling() -> None:
    rerank = CrossEncoderRerank(
        model="offline",
        top_n=3,
        weights={"dense": 0.7, "cross_encoder": 0.3},
        cascade=Cascade("retrieval", keep=10),
        runtime=Runtime("onnx", threads=2),
        deadline=1.5,
    )
    through_json = CrossEncoderRerank.from_dict(json.loads(json.dumps(rerank.to_dict())))
    assert through_json.to_dict() == rerank.to_dict()
    assert (through_json.cascade, through_json.runtime) == (rerank.cascade, rerank.runtime)
    assert pickle.loads(pickle.dumps(rerank)).to_dict() == rerank.to_dict()  # noqa: S301 - our own bytes


async def test_async_equals_sync_and_leaves_the_loop_running(hits: list[NodeWithScore], scorer: Any) -> None:
    release = threading.Event()

    class Slow(type(scorer)):  # type: ignore[misc]
        def score(self, pairs: Any, progress: Any = None) -> list[float]:
            assert release.wait(10)
            return list(super().score(pairs, progress))

    rerank = CrossEncoderRerank(scorer=Slow())
    with tracing() as trace:
        task = asyncio.create_task(rerank.apostprocess_nodes(hits, query_str="berlin city"))
        await asyncio.sleep(0)
        began = time.monotonic()
        await asyncio.sleep(0.01)
        assert time.monotonic() - began < 5
        assert not task.done()
        release.set()
        result = await task
    assert [hit.score for hit in result] == [
        hit.score for hit in CrossEncoderRerank(scorer=scorer).postprocess_nodes(hits, query_str="berlin city")
    ]
    assert len(trace.records) == 1


def test_progress_counts_pairs_on_stderr(
    hits: list[NodeWithScore], scorer: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    CrossEncoderRerank(scorer=scorer, show_progress=True).postprocess_nodes(hits, query_str="berlin")
    captured = capsys.readouterr()
    assert "Reranking" in captured.err
    assert captured.out == ""


def test_a_scorer_of_ones_own_is_recorded_by_its_name(hits: list[NodeWithScore], scorer: Any) -> None:
    with tracing() as trace:
        CrossEncoderRerank(scorer=scorer).postprocess_nodes(hits, query_str="berlin city")
    assert [record.model for record in trace.records if isinstance(record, RerankRecord)] == ["overlap"]


def test_a_node_that_comes_twice_is_returned_once() -> None:
    b, a = TextNode(text="red wine", id_="b"), TextNode(text="red fox", id_="a")
    other = TextNode(text="another text", id_="b")
    twice = [NodeWithScore(node=node, score=score) for node, score in ((b, 0.9), (a, 0.8), (b, 0.7), (other, 0.6))]
    found = CrossEncoderRerank(scorer=OverlapScorer(), top_n=3).postprocess_nodes(twice, query_str="red wine")
    assert [(hit.node_id, hit.text) for hit in found] == [("b", "red wine"), ("a", "red fox")]
    assert len(twice) == 4
