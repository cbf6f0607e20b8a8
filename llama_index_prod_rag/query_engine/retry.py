"""A second look before refusing: another retriever, or the same with another wording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from llama_index.core.base.base_retriever import BaseRetriever

from llama_index_prod_rag.errors import ConfigurationError


class QueryRewriter(Protocol):
    """Puts a question in other words."""

    def rewrite(self, query: str) -> str:
        """Say the question in other words."""
        ...

    async def arewrite(self, query: str) -> str:
        """Do what `rewrite` does without blocking the loop."""
        ...


@dataclass(frozen=True, slots=True)
class Retry:
    """Makes one more attempt at a question that would be refused.

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
