"""The chat example, and what it is there to avoid. Its model is a recorder that can only repeat what it was sent."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.base.llms.types import CompletionResponse, CompletionResponseGen
from llama_index.core.chat_engine import ContextChatEngine
from llama_index.core.llms import MockLLM
from pydantic import PrivateAttr

from examples.chat import build_chat, decision_of, question_of
from examples.pipeline import HANDBOOK, build_gate, build_index
from llama_index_prod_rag import ConfidenceGatedQueryEngine, CrossEncoderRerank, HybridFusionRetriever
from llama_index_prod_rag.models.llm import OfflineLLM
from tests.examples.conftest import ANSWERED, REFUSED

pytestmark = pytest.mark.integration


class Recorder(MockLLM):
    """Notes each prompt; what it writes is the last line of it."""

    _prompts: list[str] = PrivateAttr(default_factory=list)

    @property
    def prompts(self) -> list[str]:
        return self._prompts

    def complete(self, prompt: str, formatted: bool = False, **_: Any) -> CompletionResponse:
        self._prompts.append(prompt)
        return CompletionResponse(text=prompt.strip().splitlines()[-1])

    def stream_complete(self, prompt: str, formatted: bool = False, **_: Any) -> CompletionResponseGen:
        response = self.complete(prompt)
        yield CompletionResponse(text=response.text, delta=response.text)


def gate(llm: Recorder, *, streaming: bool = False) -> ConfidenceGatedQueryEngine:
    return build_gate(llm=llm, streaming=streaming)


def test_a_context_chat_hands_passages_to_the_model_whatever_they_are_worth() -> None:
    """The hole: with the very retriever and reranker whose evidence the gate refuses, the model is asked to answer."""
    llm = Recorder()
    chat = ContextChatEngine.from_defaults(
        HybridFusionRetriever.from_index(build_index(HANDBOOK), similarity_top_k=20),
        node_postprocessors=[CrossEncoderRerank(model="offline", top_n=3)],
        llm=llm,
    )
    chat.chat(REFUSED)
    assert len(llm.prompts) == 1
    assert "rotated" in llm.prompts[0] or "holiday" in llm.prompts[0] or "Trains" in llm.prompts[0]
    assert REFUSED in llm.prompts[0]


def test_the_gated_chat_refuses_without_showing_the_model_a_passage() -> None:
    llm = Recorder()
    chat = build_chat(gate(llm), llm)
    reply = chat.chat(REFUSED)
    assert decision_of(reply) == "refuse"
    assert str(reply).startswith("I cannot answer this from the documents")
    assert llm.prompts == []  # a first message needs no rewriting, a refusal no writing
    assert [message.content for message in chat.chat_history] == [REFUSED, str(reply)]


def test_a_follow_up_is_rewritten_and_then_gated() -> None:
    llm = Recorder()
    chat = build_chat(gate(llm), llm)
    assert decision_of(chat.chat(ANSWERED)) == "answer"
    asked = len(llm.prompts)
    chat.chat("And who does it?")
    rewriting = llm.prompts[asked]
    assert ANSWERED in rewriting
    assert "And who does it?" in rewriting
    assert decision_of(chat.chat(REFUSED)) == "refuse"


async def test_the_async_chat_decides_alike() -> None:
    llm = Recorder()
    assert decision_of(await build_chat(gate(llm), llm).achat(REFUSED)) == "refuse"
    assert decision_of(await build_chat(gate(llm), llm).achat(ANSWERED)) == "answer"


def test_a_streaming_gate_streams_the_chat() -> None:
    llm = Recorder()
    reply = build_chat(gate(llm, streaming=True), llm).stream_chat(REFUSED)
    assert "".join(reply.response_gen).startswith("I cannot answer this from the documents")
    assert decision_of(reply) == "refuse"


async def test_a_streaming_gate_streams_the_async_chat() -> None:
    llm = Recorder()
    chat = build_chat(gate(llm, streaming=True), llm)
    reply = await chat.astream_chat(REFUSED)
    text = "".join([token async for token in reply.async_response_gen()])
    assert text.startswith("I cannot answer this from the documents")
    assert decision_of(reply) == "refuse"


@pytest.mark.llm
def test_the_gated_chat_with_a_real_model(offline_llm: OfflineLLM) -> None:
    chat = build_chat(build_gate(llm=offline_llm), offline_llm)
    reply = chat.chat(ANSWERED)
    assert "90 days" in str(reply)
    assert (decision_of(reply), question_of(reply)) == ("answer", ANSWERED)
    # What so small a model makes of a follow-up is anybody's guess: the reply says which question was answered.
    assert question_of(chat.chat("And where are keys stored?"))
