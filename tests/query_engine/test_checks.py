"""After the answer is written: what the checks report, and when they withdraw it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from llama_index.core.base.llms.types import CompletionResponse, CompletionResponseGen, LLMMetadata, LogProb
from llama_index.core.llms import CustomLLM
from llama_index.core.llms.callbacks import llm_completion_callback
from llama_index.core.response_synthesizers import get_response_synthesizer

from llama_index_prod_rag.confidence.verification import SupportPolicy
from llama_index_prod_rag.models.pairs import Entailment
from llama_index_prod_rag.query_engine.gated import ConfidenceGatedQueryEngine
from tests.query_engine.parts import FixedAssessor, ListLog, ScriptedRetriever, ScriptedSynthesizer, make_hits

QUESTION = "What lowers drag?"


def make_gate(*tokens: str, streaming: bool = False, **settings: Any) -> ConfidenceGatedQueryEngine:
    synthesizer = ScriptedSynthesizer(tokens, streaming=streaming)
    return ConfidenceGatedQueryEngine(
        ScriptedRetriever(make_hits()), synthesizer, assessor=FixedAssessor(["healthy"]), **settings
    )


def test_checks_are_reported_and_by_themselves_change_nothing(ask: Callable[..., Any]) -> None:
    response, text = ask(make_gate("Magnets lower it by 70 percent."), QUESTION)
    report = response.metadata["prod_rag"]
    assert (text, report["decision"]) == ("Magnets lower it by 70 percent.", "answer")
    assert report["checks"]["sentences"][0]["unfounded_numbers"] == ["70"]


def test_a_policy_withdraws_an_answer_that_nothing_supports(ask: Callable[..., Any]) -> None:
    response, text = ask(make_gate("By 70 percent.", support_policy=SupportPolicy()), QUESTION)
    report = response.metadata["prod_rag"]
    assert (report["decision"], report["withdrawn_answer"]) == ("hedge", "By 70 percent.")
    assert report["reasons"][0] == "the number 70 stands in no passage"
    assert "By 70 percent" not in text


def test_a_streamed_answer_is_followed_by_the_objection(ask: Callable[..., Any]) -> None:
    log = ListLog()
    gate = make_gate("By 70 ", "percent.", streaming=True, support_policy=SupportPolicy(), query_log=log)
    response, text = ask(gate, QUESTION)
    assert text.startswith("By 70 percent.\n\n[Do not rely on the answer above: the number 70 stands in no passage.]")
    assert response.metadata["prod_rag"]["decision"] == log.records[0].decision == "hedge"


class Nli:
    def __init__(self, supports: float = 0.2, contradicts: float = 0.9) -> None:
        self.result = Entailment(supports, contradicts)
        self.calls: list[Sequence[tuple[str, str]]] = []

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[Entailment]:
        self.calls.append(pairs)
        return [self.result for _ in pairs]


def test_an_nli_model_gives_signals_before_and_checks_after(ask: Callable[..., Any]) -> None:
    judge = Nli()
    gate = make_gate("Sweep lowers drag.", entailment_judge=judge, support_policy=SupportPolicy())
    assessor: Any = gate._judge.assessor
    response, _ = ask(gate, QUESTION)
    assert assessor.seen[0].entailment == {"entailment.best": 0.2, "contradiction.best": 0.9}
    assert "a passage contradicts it" in response.metadata["prod_rag"]["reasons"][0]
    assert [len(call) for call in judge.calls] == [2, 2]  # passages x question, passages x sentence


class BrokenNli:
    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[Entailment]:
        raise RuntimeError("no memory")


def test_a_failing_nli_model_costs_its_signals_and_checks_only(ask: Callable[..., Any]) -> None:
    response, text = ask(make_gate("Sweep lowers drag.", entailment_judge=BrokenNli()), QUESTION)
    assert text == "Sweep lowers drag."
    assert response.metadata["prod_rag"]["degraded"] == {
        "entailment": "RuntimeError: no memory",
        "checks": "RuntimeError: no memory",
    }


class UnsureLLM(CustomLLM):
    """Answers with a probability of one in four a token."""

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata()

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        tokens = [[LogProb(token=token, logprob=math.log(0.25), bytes=[])] for token in ("Sweep", " lowers", " drag")]
        return CompletionResponse(text="Sweep lowers drag.", logprobs=tokens)

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        raise NotImplementedError


def test_perplexity_comes_from_log_probabilities_where_the_model_gives_them(ask: Callable[..., Any]) -> None:
    gate = ConfidenceGatedQueryEngine(
        ScriptedRetriever(make_hits()),
        get_response_synthesizer(llm=UnsureLLM()),
        assessor=FixedAssessor(["healthy"]),
        support_policy=SupportPolicy(max_perplexity=2.0),
    )
    report = ask(gate, QUESTION)[0].metadata["prod_rag"]
    assert math.isclose(report["checks"]["perplexity"], 4.0)
    assert report["reasons"][0] == "the model was unsure of its own words (perplexity 4.0)"
