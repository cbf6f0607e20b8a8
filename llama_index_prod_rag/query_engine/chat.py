"""A chat that keeps the gate in charge of every turn."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.llms.generic_utils import messages_to_history_str
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole
from llama_index.core.base.response.schema import RESPONSE_TYPE, AsyncStreamingResponse, StreamingResponse
from llama_index.core.chat_engine.condense_question import DEFAULT_PROMPT
from llama_index.core.chat_engine.types import AgentChatResponse, BaseChatEngine, StreamingAgentChatResponse
from llama_index.core.llms import LLM
from llama_index.core.memory import BaseMemory, Memory
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.schema import QueryBundle
from llama_index.core.tools import ToolOutput
from llama_index.core.types import Thread

from llama_index_prod_rag.calls import Call, arun, run
from llama_index_prod_rag.disclosure import describe
from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.query_engine.attempt import SETTING_ERRORS
from llama_index_prod_rag.query_engine.follow_ups import NOTE, FollowUp, chosen_reading, condense, note_of
from llama_index_prod_rag.query_engine.gated import ConfidenceGatedQueryEngine
from llama_index_prod_rag.query_engine.streaming import aone_token, one_token
from llama_index_prod_rag.query_engine.turns import Leave, turns_of

_logger = logging.getLogger(__name__)

_TOOL = "query_engine"  # what LlamaIndex's own chat engines call the source of an answer


class GatedChatEngine(BaseChatEngine):
    """Chats over a gate: each message is answered, hedged or refused as a question of its own would be.

    A message that leans on the conversation ("And when was it built?") is asked together with what the last turn was
    about; one that stands alone is asked as it is. With a language model, LlamaIndex's own prompt rewrites every
    message after the first instead, and where it fails, the message is understood without it. Where the gate asks back
    which of several things is meant, the next message may choose one ("the planet", "2"). What was asked stands in the
    reply's `metadata["follow_up"]`, the gate's report in `metadata["prod_rag"]`, and the gate's response in
    `sources[0].raw_output`.

    One memory is one conversation: messages that come at once, also through several engines over it, are answered one
    after the other in the order in which they came, a stream's successor when the stream is written down.

    Args:
        query_engine: the gate. What else it has (access, filters, log, retries) holds for every turn.
        llm: rewrites follow-ups; None does without one. It is not the model that answers, which is the gate's.
        memory: keeps the messages; None keeps them in memory. What a turn was about is kept with its message, titles of
            passages included: one memory is one person's conversation, and access policies do not look into it.
        condense_prompt: of `llm`; takes {chat_history} and {question}.

    Raises:
        ConfigurationError: the query engine is not a gate.

    Examples:
        >>> from llama_index.core.schema import TextNode
        >>> from llama_index_prod_rag import BM25FRetriever
        >>> text = "The Eiffel Tower was designed by Maurice Koechlin. The Eiffel Tower was built in 1889."
        >>> chat = GatedChatEngine(ConfidenceGatedQueryEngine(BM25FRetriever([TextNode(text=text)])))
        >>> _ = chat.chat("Who designed the Eiffel Tower?")
        >>> chat.chat("When was it built?").metadata["follow_up"]["question"]
        'When was it built? (Eiffel Tower)'
    """

    def __init__(
        self,
        query_engine: ConfidenceGatedQueryEngine,
        *,
        llm: LLM | None = None,
        memory: BaseMemory | None = None,
        condense_prompt: BasePromptTemplate = DEFAULT_PROMPT,
    ) -> None:
        if not isinstance(query_engine, ConfidenceGatedQueryEngine):
            raise ConfigurationError(
                f"a gated chat needs a ConfidenceGatedQueryEngine, not {type(query_engine).__name__}: for any other "
                "engine there is LlamaIndex's CondenseQuestionChatEngine"
            )
        self._query_engine = query_engine
        self._llm = llm
        self._memory = memory if memory is not None else Memory.from_defaults()
        self._prompt = condense_prompt
        self.callback_manager = query_engine.callback_manager

    @property
    def query_engine(self) -> ConfidenceGatedQueryEngine:
        """Give the gate that answers."""
        return self._query_engine

    @property
    def memory(self) -> BaseMemory:
        """Give what keeps the messages."""
        return self._memory

    @property
    def chat_history(self) -> list[ChatMessage]:
        """List the messages so far, oldest first."""
        return list(self._memory.get_all())

    def reset(self) -> None:
        """Forget the conversation."""
        self._memory.reset()

    def chat(self, message: str, chat_history: list[ChatMessage] | None = None) -> AgentChatResponse:
        """Answer a message.

        Args:
            message: the user's words.
            chat_history: what the message may lean on; None takes the memory's.
        """
        return run(self._turn(message, chat_history, self._query_engine.streaming(False)))

    async def achat(self, message: str, chat_history: list[ChatMessage] | None = None) -> AgentChatResponse:
        """Do what `chat` does without blocking the loop."""
        return await arun(self._turn(message, chat_history, self._query_engine.streaming(False)))

    def stream_chat(self, message: str, chat_history: list[ChatMessage] | None = None) -> StreamingAgentChatResponse:
        """Answer a message token by token; the memory takes the answer once it is complete.

        The decision is in `sources[0].raw_output.metadata["prod_rag"]` from the start, and brought up to date at the
        end.
        """
        turn, leave = run(self._begin(message, chat_history, self._query_engine.streaming(True)))
        reply = StreamingAgentChatResponse(chat_stream=_messages(turn), sources=[turn.output()])
        reply.source_nodes = list(turn.response.source_nodes)
        reply.write_response_to_history_thread = Thread(target=self._write, args=(reply, leave))
        reply.write_response_to_history_thread.start()
        return reply

    async def astream_chat(
        self, message: str, chat_history: list[ChatMessage] | None = None
    ) -> StreamingAgentChatResponse:
        """Do what `stream_chat` does without blocking the loop."""
        turn, leave = await arun(self._begin(message, chat_history, self._query_engine.streaming(True)))
        reply = StreamingAgentChatResponse(achat_stream=_amessages(turn), sources=[turn.output()])
        reply.source_nodes = list(turn.response.source_nodes)
        reply.awrite_response_to_history_task = asyncio.create_task(reply.awrite_response_to_history(self._memory))
        reply.awrite_response_to_history_task.add_done_callback(lambda _: leave())
        return reply

    async def _turn(
        self, message: str, history: list[ChatMessage] | None, engine: BaseQueryEngine
    ) -> AgentChatResponse:
        turn, leave = await self._begin(message, history, engine)
        text = str(turn.response)
        try:
            await self._remember(turn.answered(text))
        finally:
            leave()
        metadata = {**(turn.response.metadata or {}), "follow_up": turn.understood.to_json()}
        return AgentChatResponse(text, [turn.output(text)], list(turn.response.source_nodes), metadata=metadata)

    async def _begin(
        self, message: str, history: list[ChatMessage] | None, engine: BaseQueryEngine
    ) -> tuple[_Turn, Leave]:
        """Ask the gate and remember the message, alone with the memory until `Leave` is called. Awaits calls only.

        Where the history is given, the gate is asked beside other turns: only the memory is written by one at a time.
        """
        turns = turns_of(self._memory)
        leave = await turns.enter() if history is None else None
        try:
            turn = await self._ask(message, history, engine)
            leave = leave or await turns.enter()
            await self._remember(turn.asked)
        except BaseException:
            if leave is not None:
                leave()
            raise
        return turn, leave

    def _write(self, reply: StreamingAgentChatResponse, leave: Leave) -> None:
        try:
            reply.write_response_to_history(self._memory)
        finally:
            leave()

    async def _ask(self, message: str, history: list[ChatMessage] | None, engine: BaseQueryEngine) -> _Turn:
        """Find out what is meant and ask the gate. Awaits calls only."""
        before = history if history is not None else await self._recall(message)
        chosen = chosen_reading(message, before)
        understood = FollowUp(message, chosen.query_str) if chosen else await self._understand(message, before)
        query = chosen or QueryBundle(understood.question)
        response = await Call(lambda: engine.query(query), lambda: engine.aquery(query))
        return _Turn(understood, response)

    async def _understand(self, message: str, history: list[ChatMessage]) -> FollowUp:
        if self._llm is None or not history:
            return condense(message, history)
        llm, prompt = self._llm, self._prompt
        # The notes are ours: a model reads what was said.
        said = [ChatMessage(role=one.role, content=one.content) for one in history]
        values = {"question": message, "chat_history": messages_to_history_str(said)}
        try:
            rewritten = await Call(lambda: llm.predict(prompt, **values), lambda: llm.apredict(prompt, **values))
        except SETTING_ERRORS:
            raise
        except Exception as error:  # any fault of any model
            _logger.warning("the message is understood without the language model: %s", describe(error))
            return condense(message, history)
        return FollowUp(message, rewritten.strip() or message)

    def _recall(self, message: str) -> Call[list[ChatMessage]]:
        return Call(lambda: self._memory.get(input=message), lambda: self._memory.aget(input=message))

    def _remember(self, said: ChatMessage) -> Call[None]:
        return Call(lambda: self._memory.put(said), lambda: self._memory.aput(said))


@dataclass(frozen=True)
class _Turn:
    """A message, how it was understood, and what the gate made of it."""

    understood: FollowUp
    response: RESPONSE_TYPE

    @property
    def asked(self) -> ChatMessage:
        return ChatMessage(role=MessageRole.USER, content=self.understood.message)

    @cached_property
    def note(self) -> dict[str, Any]:
        """What the memory keeps about the turn."""
        report = (self.response.metadata or {})["prod_rag"]
        hits = [] if report["decision"] == "refuse" else self.response.source_nodes
        asked_back = report["readings"] if report["decision"] == "clarify" else []
        return {**note_of(self.understood, hits), "readings": asked_back}

    def output(self, text: str = "") -> ToolOutput:
        """The gate's response as the source of a reply."""
        given = {"query": self.understood.question, "message": self.understood.message}
        return ToolOutput(content=text, tool_name=_TOOL, raw_input=given, raw_output=self.response)

    def answered(self, text: str) -> ChatMessage:
        """The answer as the memory keeps it."""
        return ChatMessage(role=MessageRole.ASSISTANT, content=text, additional_kwargs={NOTE: self.note})


def _messages(turn: _Turn) -> Generator[ChatResponse, None, None]:
    response = turn.response
    tokens = response.response_gen if isinstance(response, StreamingResponse) else one_token(str(response))
    for token in tokens:
        yield ChatResponse(message=turn.answered(token), delta=token)


async def _amessages(turn: _Turn) -> AsyncGenerator[ChatResponse, None]:
    response = turn.response
    tokens = (
        response.async_response_gen() if isinstance(response, AsyncStreamingResponse) else aone_token(str(response))
    )
    async for token in tokens:
        yield ChatResponse(message=turn.answered(token), delta=token)
