"""What the user gets: every decision and every fault, sync and async, streamed or not."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.base.response.schema import AsyncStreamingResponse, Response, StreamingResponse
from llama_index.core.prompts import PromptTemplate
from llama_index.core.schema import QueryBundle, TextNode
from llama_index.core.tools import QueryEngineTool
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.event_handlers import BaseEventHandler

from llama_index_prod_rag.confidence.policy import StatusPolicy
from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.query_engine import attempt
from llama_index_prod_rag.query_engine.gated import ConfidenceGatedQueryEngine
from llama_index_prod_rag.query_engine.retry import Retry
from llama_index_prod_rag.retrievers.bm25 import BM25FRetriever
from tests.query_engine.parts import (
    BrokenLog,
    BrokenReranker,
    FixedAssessor,
    ListLog,
    ScriptedRetriever,
    ScriptedSynthesizer,
    make_hits,
)

QUESTION = "Does drag fall with the sweep?"


def make_gate(status: Any = "healthy", hits: Any = None, **settings: Any) -> ConfidenceGatedQueryEngine:
    settings.setdefault("assessor", FixedAssessor([status]))
    return ConfidenceGatedQueryEngine(ScriptedRetriever(make_hits() if hits is None else hits), **settings)


def told(response: Any) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(json.dumps(response.metadata["prod_rag"], allow_nan=False))
    return report


def test_healthy_evidence_is_answered_by_the_model(ask: Callable[..., Any]) -> None:
    response, text = ask(make_gate(response_synthesizer=ScriptedSynthesizer(["It ", "falls."])), QUESTION)
    assert text == "It falls."
    assert told(response)["decision"] == "answer"
    assert [source["node_id"] for source in told(response)["sources"]] == ["n0", "n1"]
    assert response.metadata["n0"] == {"file_name": "wings.md"}


def test_without_a_model_the_best_sentences_are_quoted_in_document_order(ask: Callable[..., Any]) -> None:
    response, text = ask(make_gate(quotes=2), QUESTION)
    assert text.startswith('From the documents:\n\n- "Drag falls with the sweep of a wing." [1]')
    quotes = told(response)["quotes"]
    assert [quote["start"] for quote in quotes] == sorted(quote["start"] for quote in quotes)


@pytest.mark.parametrize("status", ["uncertain", "topic_drift"])
def test_a_hedge_says_so_and_quotes_without_asking_the_model(ask: Callable[..., Any], status: str) -> None:
    synthesizer = ScriptedSynthesizer(["It falls."])
    response, text = ask(make_gate(status, response_synthesizer=synthesizer), QUESTION)
    assert (told(response)["decision"], synthesizer.calls) == ("hedge", 0)
    assert f"it looks {status}" in text
    assert '"Drag falls with the sweep of a wing." [1]' in text


@pytest.mark.parametrize(("status", "hits"), [("low_confidence", None), ("healthy", [])])
@pytest.mark.parametrize("streaming", [False, True])
def test_a_refusal_has_a_reason_and_the_right_type(
    ask: Callable[..., Any], request: pytest.FixtureRequest, status: str, hits: Any, streaming: bool
) -> None:
    synthesizer = ScriptedSynthesizer(["It falls."], streaming=streaming)
    response, text = ask(make_gate(status, hits, response_synthesizer=synthesizer), QUESTION)
    reason = "nothing was found for this question" if hits == [] else "it looks low_confidence"
    assert text.startswith(f"I cannot answer this from the documents: {reason}.")
    closest = "Drag falls with the sweep of a wing."
    assert ([quote["text"] for quote in told(response)["quotes"]], closest in text) == (
        ([], False) if hits == [] else ([closest], True)
    )
    asynchronous = request.node.callspec.params["ask"] == "async"
    stream_type = AsyncStreamingResponse if asynchronous else StreamingResponse
    assert type(response) is (stream_type if streaming else Response)
    assert told(response)["decision"] == "refuse"


def test_a_failing_retriever_is_a_refusal_that_says_why(ask: Callable[..., Any]) -> None:
    response, text = ask(make_gate(hits=ConnectionError("no route to host")), QUESTION)
    assert text == "I cannot answer this from the documents: the search failed."
    assert told(response)["degraded"] == {"retriever": "ConnectionError: no route to host"}
    assert told(response)["status"] == "no_results"


def test_a_failing_reranker_is_left_out_and_its_cut_is_kept(ask: Callable[..., Any]) -> None:
    response, _ = ask(make_gate(node_postprocessors=[BrokenReranker()]), QUESTION)
    report = told(response)
    assert report["degraded"] == {"BrokenReranker": "RuntimeError: out of memory"}
    assert (report["decision"], len(report["sources"])) == ("answer", 1)


@pytest.mark.parametrize("tokens", [[TimeoutError("30 s")], ["It ", TimeoutError("30 s")]])
def test_a_model_that_fails_turns_the_answer_into_a_hedge(ask: Callable[..., Any], tokens: Any) -> None:
    response, text = ask(make_gate(response_synthesizer=ScriptedSynthesizer(tokens)), QUESTION)
    assert text.startswith("I am not sure that the documents answer this: the language model failed. The closest")
    assert '"Drag falls with the sweep of a wing." [1]' in text
    assert told(response)["decision"] == "hedge"
    assert told(response)["degraded"] == {"language model": "TimeoutError: 30 s"}


@pytest.mark.parametrize("tokens", [[TimeoutError("30 s")], ["It ", TimeoutError("30 s")]])
def test_a_stream_that_breaks_ends_in_words(ask: Callable[..., Any], tokens: Any) -> None:
    log = ListLog()
    synthesizer = ScriptedSynthesizer(tokens, streaming=True)
    response, text = ask(make_gate(response_synthesizer=synthesizer, query_log=log), QUESTION)
    assert "[The answer broke off: the language model failed.]" in text
    assert '"Drag falls with the sweep of a wing." [1]' in text
    assert told(response)["decision"] == "hedge"
    (record,) = log.records
    assert (record.answer, record.decision, record.error) == (text, "hedge", "TimeoutError: 30 s")


def test_a_model_that_writes_nothing_is_a_hedge(ask: Callable[..., Any]) -> None:
    for streaming in (False, True):
        synthesizer = ScriptedSynthesizer([" "], streaming=streaming)
        response, text = ask(make_gate(response_synthesizer=synthesizer), QUESTION)
        assert "the language model wrote nothing" in text
        assert told(response)["decision"] == "hedge"


def test_a_stream_is_logged_when_it_ends(ask: Callable[..., Any]) -> None:
    log = ListLog()
    gate = make_gate(response_synthesizer=ScriptedSynthesizer(["It ", "falls."], streaming=True), query_log=log)
    response, text = ask(gate, QUESTION)
    assert [record.answer for record in log.records] == [text] == ["It falls."]
    assert told(response)["timings"]["total"] == log.records[0].seconds["total"] > 0


def test_a_stream_that_the_reader_leaves_is_logged_as_far_as_it_went() -> None:
    log = ListLog()
    gate = make_gate(response_synthesizer=ScriptedSynthesizer(["It ", "falls."], streaming=True), query_log=log)
    response = gate.query(QUESTION)
    assert isinstance(response, StreamingResponse)
    assert log.records == []
    next(response.response_gen)
    response.response_gen.close()  # type: ignore[attr-defined]
    assert [(record.answer, record.error) for record in log.records] == [("It ", "the reader left before the end")]


def test_an_unavailable_log_costs_nobody_an_answer(ask: Callable[..., Any]) -> None:
    response, text = ask(make_gate(query_log=BrokenLog(), response_synthesizer=ScriptedSynthesizer(["Yes."])), QUESTION)
    assert text == "Yes."
    assert told(response)["degraded"] == {"query log": "OSError: no space left on device"}


def test_signals_that_cannot_be_computed_cost_nobody_an_answer(
    ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> dict[str, float]:
        raise ZeroDivisionError("a measure of ours")

    monkeypatch.setattr(attempt, "compute_signals", fail)
    response, _ = ask(make_gate(ZeroDivisionError("bad head")), QUESTION)
    assert (told(response)["decision"], told(response)["signals"]) == ("hedge", {})


def test_a_failing_assessor_is_a_hedge(ask: Callable[..., Any]) -> None:
    response, text = ask(make_gate(ZeroDivisionError("bad head")), QUESTION)
    assert "the passages that were found could not be judged" in text
    assert told(response)["degraded"] == {"assessment": "ZeroDivisionError: bad head"}
    assert (told(response)["decision"], told(response)["confidence"]) == ("hedge", None)


@pytest.mark.parametrize("score", [None, float("nan"), 0.9])
@pytest.mark.parametrize("count", [1, 2])
def test_nodes_without_scores_or_embeddings_are_judged_by_what_is_there(
    ask: Callable[..., Any], score: float | None, count: int
) -> None:
    response, _ = ask(ConfidenceGatedQueryEngine(ScriptedRetriever(make_hits(score=score)[:count])), QUESTION)
    report = told(response)
    assert report["decision"] in {"answer", "hedge", "refuse"}
    assert "vectors" in report["not_assessed"]
    assert not any(name.startswith("similarity") for name in report["signals"])


def test_passages_without_text_are_refused(ask: Callable[..., Any]) -> None:
    response, text = ask(make_gate("uncertain", make_hits([" ", "\n"])), QUESTION)
    assert told(response)["decision"] == "refuse"
    assert "the passages hold no text to quote" in text


def test_the_log_record_says_what_the_metadata_says(ask: Callable[..., Any]) -> None:
    log = ListLog()
    response, text = ask(make_gate("uncertain", query_log=log, config_hash="c0ffee"), QUESTION)
    report, (record,) = told(response), log.records
    assert (record.query_id, record.decision, record.status) == (report["query_id"], "hedge", "uncertain")
    assert (record.config_hash, record.answer, record.query) == ("c0ffee", text, QUESTION)
    assert record.ranking("shown") == ("n0", "n1")


def test_a_retry_is_made_only_before_a_refusal_and_reported(ask: Callable[..., Any]) -> None:
    wider = ScriptedRetriever(make_hits(["Sweep lowers drag."]))
    gate = make_gate(assessor=FixedAssessor(["low_confidence", "healthy"]), retries=[Retry("wider", wider)])
    response, text = ask(gate, QUESTION)
    assert '"Sweep lowers drag." [1]' in text
    assert [(attempt["name"], attempt["used"]) for attempt in told(response)["attempts"]] == [
        ("first", False),
        ("wider", True),
    ]
    ask(make_gate("uncertain", retries=[Retry("wider", wider)]), QUESTION)
    assert len(wider.asked) == 1


def test_a_retry_that_finds_nothing_better_changes_nothing(ask: Callable[..., Any]) -> None:
    gate = make_gate("low_confidence", retries=[Retry("wider", ScriptedRetriever([]))])
    response, text = ask(gate, QUESTION)
    assert "it looks low_confidence" in text
    assert told(response)["attempts"][0]["used"]


class Reworder:
    def rewrite(self, query: str) -> str:
        return "sweep angle drag"

    async def arewrite(self, query: str) -> str:
        return self.rewrite(query)


def test_a_rewriter_changes_the_search_but_not_the_question(ask: Callable[..., Any]) -> None:
    assessor = FixedAssessor(["low_confidence"])
    retriever = ScriptedRetriever(make_hits())
    gate = ConfidenceGatedQueryEngine(retriever, assessor=assessor, retries=[Retry("reworded", rewriter=Reworder())])
    ask(gate, QUESTION)
    assert [bundle.query_str for bundle in retriever.asked] == [QUESTION, "sweep angle drag"]
    assert [evidence.query for evidence in assessor.seen] == [QUESTION, QUESTION]


def test_the_bundle_reaches_the_retriever_as_it_came(ask: Callable[..., Any]) -> None:
    retriever = ScriptedRetriever(make_hits())
    bundle = QueryBundle(QUESTION, embedding=[0.1, 0.2])
    before = copy.deepcopy(bundle)
    ask(ConfidenceGatedQueryEngine(retriever), bundle)
    assert retriever.asked[0] is bundle
    assert bundle == before


def test_one_requests_filters_reach_every_retriever_and_no_other_request(ask: Callable[..., Any]) -> None:
    nodes = [
        TextNode(text=f"{tenant} sweeps its wings.", id_=tenant, metadata={"tenant": tenant})
        for tenant in ("us", "them")
    ]
    lexical = BM25FRetriever(nodes, fields=["text"])
    engine = ConfidenceGatedQueryEngine(
        lexical,
        assessor=FixedAssessor(["low_confidence"]),
        retries=[Retry("wider", BM25FRetriever(nodes, fields=["text"]))],
    )
    ours = engine.with_filters(MetadataFilters(filters=[MetadataFilter(key="tenant", value="us")]))
    response, _ = ask(ours, "wings")
    assert {hit.node_id for hit in response.source_nodes} == {"us"}
    assert len(response.metadata["prod_rag"]["attempts"]) == 2
    response, _ = ask(engine, "wings")
    assert {hit.node_id for hit in response.source_nodes} == {"us", "them"}
    with pytest.raises(ConfigurationError, match="ScriptedRetriever has no with_filters"):
        ConfidenceGatedQueryEngine(ScriptedRetriever([])).with_filters(None)


def test_inputs_are_not_changed(ask: Callable[..., Any]) -> None:
    hits = make_hits()
    before = copy.deepcopy(hits)
    ask(make_gate("uncertain", hits), QUESTION)
    assert hits == before


def test_texts_are_prompts_and_the_models_prompts_stay_reachable(ask: Callable[..., Any]) -> None:
    from llama_index.core.llms import MockLLM
    from llama_index.core.response_synthesizers import get_response_synthesizer

    gate = make_gate("low_confidence", response_synthesizer=get_response_synthesizer(llm=MockLLM()))
    assert all(key.count(":") <= 1 for key in gate.get_prompts())
    gate.update_prompts(
        {
            "refusal_prompt": PromptTemplate("Nein: {reason}"),
            "response_synthesizer:text_qa_template": PromptTemplate("{context_str} {query_str}"),
        }
    )
    assert ask(gate, QUESTION)[1] == "Nein: it looks low_confidence"
    qa_template = gate.get_prompts()["response_synthesizer:text_qa_template"]
    assert qa_template.get_template() == "{context_str} {query_str}"


def test_a_policy_may_answer_what_the_default_hedges(ask: Callable[..., Any]) -> None:
    gate = make_gate("uncertain", policy=StatusPolicy({"uncertain": "answer"}))
    assert told(ask(gate, QUESTION)[0])["decision"] == "answer"


async def test_an_agent_can_use_the_gate_as_a_tool() -> None:
    tool = QueryEngineTool.from_defaults(make_gate("low_confidence"), name="wings", description="about wings")
    assert "it looks low_confidence" in tool.call(QUESTION).content
    assert "it looks low_confidence" in (await tool.acall(QUESTION)).content


class Recorder(BaseEventHandler):
    names: list[str] = []  # noqa: RUF012 - a pydantic field

    @classmethod
    def class_name(cls) -> str:
        return "Recorder"

    def handle(self, event: Any, **kwargs: Any) -> None:
        self.names.append(event.class_name())


@pytest.mark.parametrize("hits", [None, [], RuntimeError("down")])
def test_query_events_are_paired_and_ours_come_between(ask: Callable[..., Any], hits: Any) -> None:
    recorder = Recorder(names=[])
    root = get_dispatcher()
    root.add_event_handler(recorder)
    try:
        ask(make_gate(hits=hits), QUESTION)
    finally:
        root.event_handlers.remove(recorder)
    ours = [name for name in recorder.names if name.startswith(("Query", "ProdRag"))]
    assert ours == ["QueryStartEvent", "ProdRagAssessmentEvent", "ProdRagDecisionEvent", "QueryEndEvent"]


def test_settings_that_cannot_work_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="at least one sentence"):
        make_gate(quotes=0)
    with pytest.raises(ConfigurationError, match="different names"):
        make_gate(retries=[Retry("again", rewriter=Reworder()), Retry("again", rewriter=Reworder())])
    with pytest.raises(ConfigurationError, match="changes nothing"):
        Retry("same")
    with pytest.raises(ConfigurationError, match="nothing to answer"):
        StatusPolicy({"no_results": "answer"})
