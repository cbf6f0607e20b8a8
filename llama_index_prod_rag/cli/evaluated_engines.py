"""Whom `prod-rag evaluate answers` asks: a gate over each question's own contexts, or the whole pipeline over files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.response_synthesizers import get_response_synthesizer
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from llama_index_prod_rag.cli.corpus import open_corpus
from llama_index_prod_rag.cli.engine import Settings, build_engine
from llama_index_prod_rag.cli.sources import files_source
from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.evaluation.labels import Label
from llama_index_prod_rag.evaluation.names import corpus_settings
from llama_index_prod_rag.evaluation.questions import Question
from llama_index_prod_rag.models.scorers import shared_scorer
from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
from llama_index_prod_rag.query_engine.gated import ConfidenceGatedQueryEngine
from llama_index_prod_rag.query_log.record import LoggedPassage, QueryRecord

Ask = Callable[[Question], QueryRecord]


class _Caught:
    """Stands in for a query log and holds only the last record."""

    def __init__(self) -> None:
        self.last: QueryRecord | None = None

    def add(self, record: QueryRecord) -> None:
        self.last = record

    def of(self, question: Question, engine: BaseQueryEngine) -> QueryRecord:
        """The record of a question, under its own id."""
        engine.query(question.query)
        assert self.last is not None  # noqa: S101 - the gate logs every question
        return replace(self.last, query_id=question.query_id)


class _GivenPassages(BaseRetriever):
    def __init__(self, passages: Iterable[LoggedPassage]) -> None:
        super().__init__()
        self._nodes = [TextNode(text=passage.text, id_=passage.node_id) for passage in passages]

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        del query_bundle
        return [NodeWithScore(node=node) for node in self._nodes]


def ask_contexts(settings: Settings) -> Ask:
    """Ask a gate whose retriever finds exactly a question's own contexts: that is what `answerable` speaks of."""
    reranker = CrossEncoderRerank(model=settings.rerank_model, top_n=settings.top_k)
    synthesizer = None if settings.llm is None else get_response_synthesizer(llm=settings.llm)

    def ask(question: Question) -> QueryRecord:
        if question.passages is None:
            raise InputError(
                f"question {question.query_id} has no contexts to answer from: give `contexts`, or --documents"
            )
        engine = ConfidenceGatedQueryEngine(
            _GivenPassages(question.passages),
            synthesizer,
            [reranker],
            assessor=settings.assessor,
            sentence_scorer=shared_scorer(settings.rerank_model),
            query_log=(caught := _Caught()),
            streaming=False,
            config_hash="evaluate answers",
        )
        return caught.of(question, engine)

    return ask


def ask_documents(path: Path, settings: Settings, labels: Iterable[Label]) -> tuple[Ask, dict[str, Any]]:
    """Ask the whole pipeline over files, as `prod-rag ask` runs it.

    Returns:
        The asker, and what the files add to the report of its records.
    """
    corpus = open_corpus(files_source(path))
    caught = _Caught()
    engine = build_engine(corpus, settings, query_log=caught)
    return lambda question: caught.of(question, engine), corpus_settings(corpus.nodes(), labels)
