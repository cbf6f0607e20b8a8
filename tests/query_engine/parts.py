"""Parts with scripted behaviour: what they return, and when they fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.llms import MockLLM
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.response_synthesizers import BaseSynthesizer
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from llama_index_prod_rag.confidence.assessment import RetrievalAssessment, Status
from llama_index_prod_rag.confidence.evidence import Evidence
from llama_index_prod_rag.query_log.record import QueryRecord

TEXTS = (
    "Drag falls with the sweep of a wing. Lift is lower then.",
    "The wing of 1950 was straight. Nobody swept it.",
)


def make_hits(texts: Sequence[str] = TEXTS, score: float | None = 0.9) -> list[NodeWithScore]:
    return [
        NodeWithScore(node=TextNode(text=text, id_=f"n{number}", metadata={"file_name": "wings.md"}), score=score)
        for number, text in enumerate(texts)
    ]


class ScriptedRetriever(BaseRetriever):
    def __init__(self, hits: list[NodeWithScore] | Exception) -> None:
        super().__init__()
        self.hits = hits
        self.asked: list[QueryBundle] = []

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        self.asked.append(query_bundle)
        if isinstance(self.hits, Exception):
            raise self.hits
        return list(self.hits)

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        await asyncio.sleep(0)
        return self._retrieve(query_bundle)


class BrokenReranker(BaseNodePostprocessor):
    top_n: int = 1

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        raise RuntimeError("out of memory")


class ScriptedSynthesizer(BaseSynthesizer):
    """Writes given tokens; an exception among them is raised in its place."""

    def __init__(self, tokens: Sequence[str | Exception], *, streaming: bool = False) -> None:
        super().__init__(llm=MockLLM(), streaming=streaming)
        self.tokens = tokens
        self.calls = 0

    def _get_prompts(self) -> dict[str, Any]:
        return {}

    def _update_prompts(self, prompts: dict[str, Any]) -> None:
        """Nothing to update."""

    def _stream(self) -> Generator[str, None, None]:
        for token in self.tokens:
            if isinstance(token, Exception):
                raise token
            yield token

    async def _astream(self) -> AsyncGenerator[str, None]:
        for token in self._stream():
            await asyncio.sleep(0)
            yield token

    def get_response(self, query_str: str, text_chunks: Sequence[str], **kwargs: Any) -> Any:
        self.calls += 1
        return self._stream() if self._streaming else "".join(self._stream())

    async def aget_response(self, query_str: str, text_chunks: Sequence[str], **kwargs: Any) -> Any:
        self.calls += 1
        return self._astream() if self._streaming else "".join(self._stream())


@dataclass
class FixedAssessor:
    """Gives one status after the other, the last one for ever."""

    statuses: Sequence[Status | Exception]
    seen: list[Evidence] = field(default_factory=list)

    def assess(self, evidence: Evidence) -> RetrievalAssessment:
        status = self.statuses[min(len(self.seen), len(self.statuses) - 1)]
        self.seen.append(evidence)
        if isinstance(status, Exception):
            raise status
        return RetrievalAssessment(status, 0.5, {"pair.top": 1.5}, (f"it looks {status}",))


@dataclass
class ListLog:
    records: list[QueryRecord] = field(default_factory=list)

    def add(self, record: QueryRecord) -> None:
        self.records.append(record)


class BrokenLog:
    def add(self, record: QueryRecord) -> None:
        raise OSError("no space left on device")
