"""A chat in which every turn goes through the gate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, CompletionResponse, LLMMetadata
from llama_index.core.llms import CustomLLM
from llama_index.core.memory import Memory
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import get_response_synthesizer
from llama_index.core.schema import TextNode
from pydantic import Field

from llama_index_prod_rag import (
    AccessPolicy,
    BM25FRetriever,
    ConfidenceGatedQueryEngine,
    GatedChatEngine,
    Principal,
    acting_as,
)
from llama_index_prod_rag.errors import AccessError, ConfigurationError, InputError
from tests.query_engine.parts import FixedAssessor

TEXTS = {
    "Eiffel Tower": "The Eiffel Tower was designed by Maurice Koechlin and built in 1889.",
    "Louvre": "The Louvre is a museum. It was opened in 1793, in a palace.",
}


def nodes(**metadata: Any) -> list[TextNode]:
    return [TextNode(text=text, id_=title, metadata={"title": title, **metadata}) for title, text in TEXTS.items()]


def make_gate(**settings: Any) -> ConfidenceGatedQueryEngine:
    return ConfidenceGatedQueryEngine(BM25FRetriever(nodes()), **{"assessor": FixedAssessor(["healthy"]), **settings})


class Scripted(CustomLLM):
    """Says one thing, and keeps what it was asked."""

    says: str
    asked: list[str] = Field(default_factory=list)

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata()

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        self.asked.append(prompt)
        return CompletionResponse(text=self.says)

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        self.asked.append(prompt)
        words = self.says.split(" ")
        yield from (CompletionResponse(text=" ".join(words[: n + 1]), delta=word + " ") for n, word in enumerate(words))


@pytest.fixture(params=["chat", "stream_chat", "achat", "astream_chat"])
def say(request: pytest.FixtureRequest) -> Any:
    """Says something in one of the four ways; returns the question that was asked and the answer."""

    def one(chat: GatedChatEngine, message: str) -> tuple[str, str]:
        reply = getattr(chat, request.param)(message)
        text = "".join(reply.response_gen) if request.param == "stream_chat" else str(reply)
        return reply.sources[0].raw_input["query"], text.strip()

    async def aone(chat: GatedChatEngine, message: str) -> tuple[str, str]:
        reply = await getattr(chat, request.param)(message)
        streamed = request.param == "astream_chat"
        text = "".join([token async for token in reply.async_response_gen()]) if streamed else str(reply)
        return reply.sources[0].raw_input["query"], text.strip()

    if request.param.startswith("a"):
        return lambda chat, message: asyncio.run(aone(chat, message))
    return one


def test_a_follow_up_is_asked_with_what_the_last_turn_was_about(say: Any) -> None:
    chat = GatedChatEngine(make_gate())
    assert say(chat, "Who designed the Eiffel Tower?")[0] == "Who designed the Eiffel Tower?"
    question, answer = say(chat, "When was it built?")
    assert question == "When was it built? (Eiffel Tower)"
    assert answer.splitlines()[2].startswith('- "The Eiffel Tower')
    assert say(chat, "And the Louvre?")[0] == "And the Louvre? (built)"
    assert say(chat, "Why there?")[0] == "Why there? (Louvre)"
    assert say(chat, "Who opened the Louvre?")[0] == "Who opened the Louvre?"
    history = chat.chat_history
    assert [message.role.value for message in history] == ["user", "assistant"] * 5
    assert history[2].content == "When was it built?"
    assert history[3].content == answer
    chat.reset()
    assert chat.chat_history == []
    assert say(chat, "When was it built?")[0] == "When was it built?"


def test_names_that_an_untitled_passage_repeats_are_topics() -> None:
    text = "The Bell Works cast it. Ada Bell ran the Bell Works with Carl Ott. Then Ada Bell sold the Bell Works."
    gate = ConfidenceGatedQueryEngine(BM25FRetriever([TextNode(text=text)]), assessor=FixedAssessor(["healthy"]))
    chat = GatedChatEngine(gate)
    chat.chat("Who cast the bell?")
    follow_up = chat.chat("When did she sell it?").metadata["follow_up"]
    assert {"Bell Works", "Ada Bell"} <= set(follow_up["topics"])
    assert "Carl Ott" not in follow_up["topics"]


def test_the_gate_decides_about_every_turn(say: Any) -> None:
    chat = GatedChatEngine(make_gate(assessor=FixedAssessor(["low_confidence"])))
    assert say(chat, "Who designed the Eiffel Tower?")[1].startswith("I cannot answer this")
    assert chat.chat_history[-1].content.startswith("I cannot answer this")
    assert say(chat, "When was it built?")[0] == "When was it built? (Eiffel Tower)"


def test_a_reply_says_what_was_asked_and_what_the_gate_made_of_it() -> None:
    reply = GatedChatEngine(make_gate()).chat(
        "When was it built?", [ChatMessage(role="user", content="Who designed the Eiffel Tower?")]
    )
    assert reply.metadata is not None
    assert reply.metadata["prod_rag"]["decision"] == "answer"
    assert reply.metadata["follow_up"]["topics"] == ["Eiffel Tower"]
    assert reply.source_nodes[0].node_id == "Eiffel Tower"


def test_a_memory_that_was_stored_still_knows_the_topic() -> None:
    first = GatedChatEngine(make_gate())
    first.chat("Who designed the Eiffel Tower?")
    kept = [ChatMessage.model_validate_json(message.model_dump_json()) for message in first.chat_history]
    second = GatedChatEngine(make_gate(), memory=Memory.from_defaults(chat_history=kept))
    assert second.chat("When was it built?").metadata["follow_up"]["question"] == "When was it built? (Eiffel Tower)"


def test_a_language_model_rewrites_with_the_prompt_of_llama_index_and_sees_no_notes() -> None:
    llm = Scripted(says="When was the Eiffel Tower built?")
    chat = GatedChatEngine(make_gate(), llm=llm)
    chat.chat("Who designed the Eiffel Tower?")
    assert llm.asked == []
    reply = chat.chat("When was it built?")
    assert reply.metadata["follow_up"]["question"] == "When was the Eiffel Tower built?"
    assert "<Follow Up Message>\nWhen was it built?" in llm.asked[0]
    assert "prod_rag" not in llm.asked[0]


def test_a_language_model_that_fails_costs_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Scripted):
        def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
            raise ConnectionError("no route to https://ada:hunter2@llm.example")

    chat = GatedChatEngine(make_gate(), llm=Broken(says=""))
    chat.chat("Who designed the Eiffel Tower?")
    replies = [chat.chat("When was it built?"), asyncio.run(chat.achat("When was it built?"))]
    assert {reply.metadata["follow_up"]["question"] for reply in replies} == {"When was it built? (Eiffel Tower)"}
    assert "understood without the language model: ConnectionError" in caplog.text
    assert "hunter2" not in caplog.text


def test_streams_come_in_tokens_whatever_the_synthesizer_was_made_for() -> None:
    llm = Scripted(says="It was built in 1889.")
    gate = make_gate(response_synthesizer=get_response_synthesizer(llm=llm))
    chat = GatedChatEngine(gate)
    stream = chat.stream_chat("When was the Eiffel Tower built?")
    assert len(list(stream.response_gen)) > 3
    assert chat.chat_history[-1].content == "It was built in 1889."
    assert str(chat.chat("When was the Eiffel Tower built?")) == "It was built in 1889."
    assert str(gate.query("When was the Eiffel Tower built?")) == "It was built in 1889."


def test_nobody_chats_around_an_access_policy() -> None:
    gate = ConfidenceGatedQueryEngine(BM25FRetriever(nodes(groups=["staff"])), access=AccessPolicy())
    chat = GatedChatEngine(gate)
    with pytest.raises(AccessError):
        chat.chat("Who designed the Eiffel Tower?")
    with acting_as(Principal(groups=("guests",))):
        assert chat.chat("Who designed the Eiffel Tower?").source_nodes == []
    with acting_as(Principal(groups=("staff",))):
        assert chat.chat("Who designed the Eiffel Tower?").source_nodes


def test_another_engine_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="CondenseQuestionChatEngine"):
        GatedChatEngine(RetrieverQueryEngine.from_args(BM25FRetriever(nodes()), llm=Scripted(says="")))  # type: ignore[arg-type]


class Slow(Scripted):
    """Takes its time, the first times the longest."""

    says: str = "It was built in 1889."
    pauses: list[float] = Field(default_factory=lambda: [0.03, 0.02, 0.01])

    def _pause(self) -> float:
        return self.pauses.pop(0) if self.pauses else 0.0

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        time.sleep(self._pause())
        return super().complete(prompt, formatted, **kwargs)

    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        await asyncio.sleep(self._pause())
        return super().complete(prompt, formatted, **kwargs)


class Together(Slow):
    """Answers when every message has been asked."""

    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        answer = self.complete(prompt, formatted, **kwargs)
        while len(self.asked) < 8:
            await asyncio.sleep(0.001)
        return answer


MESSAGES = [
    "When was the Eiffel Tower built?",
    "Who designed it?",
    *(f"Was the Louvre opened in {n}?" for n in range(6)),
]


def check_order(chat: GatedChatEngine, messages: Sequence[str]) -> None:
    history = chat.chat_history
    assert [message.role.value for message in history] == ["user", "assistant"] * len(messages)
    assert [message.content for message in history[::2]] == list(messages)


@pytest.mark.parametrize("stream", [False, True])
def test_messages_that_come_at_once_are_answered_in_their_order(stream: bool) -> None:
    gate = make_gate(response_synthesizer=get_response_synthesizer(llm=Slow(), streaming=stream))
    chat = GatedChatEngine(gate)
    other = GatedChatEngine(gate, memory=chat.memory)

    async def say(number: int, message: str) -> str:
        engine = other if number % 2 else chat
        if not stream:
            return str((await engine.achat(message)).sources[0].raw_input["query"])
        reply = await engine.astream_chat(message)
        if number != 3:  # nobody reads this one
            assert [token async for token in reply.async_response_gen()]
        return str(reply.sources[0].raw_input["query"])

    async def main() -> list[str]:
        asked = await asyncio.gather(*(say(number, message) for number, message in enumerate(MESSAGES)))
        await chat.achat("And then?")
        return asked

    asked = asyncio.run(main())
    assert asked[1] == "Who designed it? (Eiffel Tower)"
    check_order(chat, [*MESSAGES, "And then?"])


@pytest.mark.parametrize("stream", [False, True])
def test_threads_take_turns(stream: bool) -> None:
    gate = make_gate(response_synthesizer=get_response_synthesizer(llm=Slow(), streaming=stream))
    chat = GatedChatEngine(gate)
    say = chat.stream_chat if stream else chat.chat
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda message: str(say(message)), MESSAGES))
    chat.chat("And then?")
    history = [(message.role.value, message.content) for message in chat.chat_history]
    assert sorted(content for role, content in history if role == "user") == sorted([*MESSAGES, "And then?"])
    assert [role for role, _ in history] == ["user", "assistant"] * (len(MESSAGES) + 1)


def test_a_turn_that_is_cancelled_lets_the_next_ones_in() -> None:
    gate = make_gate(response_synthesizer=get_response_synthesizer(llm=Slow(pauses=[0.05, 0.05])))
    chat = GatedChatEngine(gate)

    async def main() -> None:
        tasks = [asyncio.create_task(chat.achat(message)) for message in MESSAGES[:5]]
        await asyncio.sleep(0)
        tasks[1].cancel()
        tasks[3].cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 30)
        tasks = [asyncio.create_task(chat.achat(message)) for message in MESSAGES[5:]]
        await asyncio.sleep(0)
        tasks[0].cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 30)

    asyncio.run(main())
    check_order(chat, [MESSAGES[0], MESSAGES[2], MESSAGES[4], *MESSAGES[6:]])


def test_a_call_that_would_wait_for_its_own_event_loop_says_so() -> None:
    chat = GatedChatEngine(make_gate(response_synthesizer=get_response_synthesizer(llm=Slow())))

    async def main() -> None:
        task = asyncio.create_task(chat.achat(MESSAGES[0]))
        await asyncio.sleep(0)
        with pytest.raises(InputError, match="await achat or astream_chat"):
            chat.chat(MESSAGES[1])
        await task
        assert chat.chat(MESSAGES[1]).response

    asyncio.run(main())
    check_order(chat, MESSAGES[:2])


def test_turns_over_histories_of_their_own_do_not_wait_for_one_another() -> None:
    chat = GatedChatEngine(make_gate(response_synthesizer=get_response_synthesizer(llm=Together())))

    async def main() -> None:
        await asyncio.wait_for(asyncio.gather(*(chat.achat(message, []) for message in [MESSAGES[0]] * 8)), 60)

    asyncio.run(main())
    assert [message.role.value for message in chat.chat_history] == ["user", "assistant"] * 8
