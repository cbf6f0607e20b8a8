"""A second look before refusing: another retriever, or the same with another wording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.llms import LLM
from llama_index.core.prompts import BasePromptTemplate, PromptTemplate
from llama_index.core.prompts.mixin import PromptDictType, PromptMixin, PromptMixinType

from llama_index_prod_rag.errors import ConfigurationError

_REWRITE = PromptTemplate(
    "Rewrite the question as a search query for a document collection. Keep every name and number, spell out "
    "abbreviations, add no facts. Give the query alone.\n\nQuestion: {query_str}\nQuery: "
)


class QueryRewriter(Protocol):
    """Puts a question in other words."""

    def rewrite(self, query: str) -> str:
        """The question in other words."""
        ...

    async def arewrite(self, query: str) -> str:
        """`rewrite`, without blocking the loop."""
        ...


class LLMQueryRewriter(PromptMixin):
    """Asks a language model for other words.

    Args:
        llm: the model.
        prompt: template with {query_str}; also reached through the gate's `update_prompts`.
    """

    def __init__(self, llm: LLM, prompt: BasePromptTemplate = _REWRITE) -> None:
        self._llm = llm
        self._prompt = prompt

    def rewrite(self, query: str) -> str:
        """The question in the model's words."""
        return self._llm.predict(self._prompt, query_str=query).strip()

    async def arewrite(self, query: str) -> str:
        """The question in the model's words."""
        return (await self._llm.apredict(self._prompt, query_str=query)).strip()

    def _get_prompts(self) -> PromptDictType:
        return {"rewrite_prompt": self._prompt}

    def _update_prompts(self, prompts_dict: PromptDictType) -> None:
        self._prompt = prompts_dict.get("rewrite_prompt", self._prompt)

    def _get_prompt_modules(self) -> PromptMixinType:
        return {}


@dataclass(frozen=True, slots=True)
class Retry:
    """One more attempt at a question that would be refused.

    Args:
        name: what the response's metadata calls it; also the name of its prompts.
        retriever: who is asked, for example the same index with a wider top k; None asks the gate's own.
        rewriter: puts the question in other words for the search; reranking and assessment keep the user's words.

    Raises:
        ConfigurationError: it would only repeat the first attempt, or its name cannot be one of a prompt module.
    """

    name: str
    retriever: BaseRetriever | None = None
    rewriter: QueryRewriter | None = None

    def __post_init__(self) -> None:
        if self.retriever is None and self.rewriter is None:
            raise ConfigurationError(f"the retry {self.name!r} changes nothing: give it a retriever or a rewriter")
        if not self.name or ":" in self.name:
            raise ConfigurationError(f"{self.name!r} cannot name a retry: use a word without a colon")
