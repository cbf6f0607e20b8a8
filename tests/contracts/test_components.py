"""What existing LlamaIndex code may expect of every component, one table for all of them."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.node_parser import NodeParser
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import BaseNode, Document, MetadataMode, NodeRelationship, QueryBundle

from llama_index_prod_rag import (
    ConfidenceGatedQueryEngine,
    CrossEncoderRerank,
    DocumentAwareNodeParser,
    HybridFusionRetriever,
    SemanticChunker,
)
from llama_index_prod_rag.models.pairs import PairScorer

DOCUMENTS = [
    Document(text="# Wings\n\n" + "Lift comes from pressure. " * 30, id_="wings", metadata={"file_name": "a.md"}),
    Document(text="Drag is a force. It slows the wing. " * 20, id_="drag", metadata={"file_name": "b.txt"}),
    Document(text="<h1>Flow</h1><p>Air <b>flows</b> fast.</p>" * 9, id_="flow", metadata={"file_name": "c.html"}),
]
PARSERS: list[NodeParser] = [
    SemanticChunker(chunk_size=40, min_size=4, chunk_overlap=8, tokenizer="simple"),
    SemanticChunker(chunk_size=40, min_size=4, tokenizer="simple", embed_model=MockEmbedding(embed_dim=4)),
    DocumentAwareNodeParser(chunk_size=40, min_size=4, tokenizer="simple"),
]


def _facts(nodes: Sequence[BaseNode]) -> list[Any]:
    return [
        (
            node.node_id,
            node.get_content(metadata_mode=MetadataMode.EMBED),
            node.start_char_idx,  # type: ignore[attr-defined]
            node.end_char_idx,  # type: ignore[attr-defined]
            {
                kind.name: related.to_dict()
                for kind, related in node.relationships.items()
                if hasattr(related, "to_dict")
            },
        )
        for node in nodes
    ]


class WordScorer:
    """Scores a pair by the words it shares: a stand-in for a model, quick and exact."""

    name = "words"
    fingerprint = "words"
    max_tokens = 512
    special_tokens = 3

    def score(self, pairs: Sequence[tuple[str, str]], progress: object = None) -> list[float]:
        return [float(len(set(query.lower().split()) & set(text.lower().split()))) for query, text in pairs]

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        return [(0, len(text))] if text else []


@pytest.fixture(scope="module")
def index() -> VectorStoreIndex:
    nodes = PARSERS[2].get_nodes_from_documents(DOCUMENTS)
    return VectorStoreIndex(nodes, embed_model=MockEmbedding(embed_dim=4))


@pytest.fixture
def retriever(index: VectorStoreIndex) -> HybridFusionRetriever:
    return HybridFusionRetriever.from_index(index, similarity_top_k=8)


@pytest.fixture
def reranker() -> CrossEncoderRerank:
    scorer: PairScorer = WordScorer()  # type: ignore[assignment]
    return CrossEncoderRerank(model="words", top_n=3, scorer=scorer)


@pytest.fixture
def engine(retriever: HybridFusionRetriever, reranker: CrossEncoderRerank) -> ConfidenceGatedQueryEngine:
    return ConfidenceGatedQueryEngine(retriever, node_postprocessors=[reranker])


class Heard(BaseEventHandler):
    """Collects the names of events."""

    names: list[str]

    @classmethod
    def class_name(cls) -> str:
        return "Heard"

    def handle(self, event: BaseEvent, **_: Any) -> None:
        self.names.append(event.class_name())


@pytest.fixture
def heard() -> Iterator[list[str]]:
    handler = Heard(names=[])
    root = get_dispatcher()
    root.add_event_handler(handler)
    yield handler.names
    root.event_handlers.remove(handler)


def test_components_are_what_llama_index_takes(
    retriever: HybridFusionRetriever, reranker: CrossEncoderRerank, engine: ConfidenceGatedQueryEngine
) -> None:
    assert all(isinstance(parser, NodeParser) for parser in PARSERS)
    assert isinstance(retriever, BaseRetriever)
    assert isinstance(reranker, BaseNodePostprocessor)
    assert isinstance(engine, BaseQueryEngine)


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.class_name())
def test_parsers_survive_serialisation_and_pickling(parser: NodeParser) -> None:
    expected = _facts(parser.get_nodes_from_documents(DOCUMENTS))
    for again in (type(parser).from_dict(parser.to_dict()), pickle.loads(pickle.dumps(parser))):  # noqa: S301
        assert _facts(again.get_nodes_from_documents(DOCUMENTS)) == expected


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.class_name())
def test_parsers_point_into_their_source_and_leave_it_alone(parser: NodeParser) -> None:
    before = copy.deepcopy([document.to_dict() for document in DOCUMENTS])
    texts = {document.node_id: document.text for document in DOCUMENTS}
    for node in parser.get_nodes_from_documents(DOCUMENTS):
        if node.metadata["file_name"].endswith(".html") and isinstance(parser, DocumentAwareNodeParser):
            continue  # rendered text: its own contract is tested beside the reader
        source = node.relationships[NodeRelationship.SOURCE].node_id  # type: ignore[union-attr]
        assert texts[source][node.start_char_idx : node.end_char_idx] == node.get_content(MetadataMode.NONE)  # type: ignore[attr-defined]
    assert [document.to_dict() for document in DOCUMENTS] == before


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.class_name())
def test_parsers_give_the_same_nodes_in_every_kind_of_run(parser: NodeParser) -> None:
    def pipeline() -> IngestionPipeline:
        return IngestionPipeline(transformations=[parser], disable_cache=True)

    expected = _facts(pipeline().run(documents=DOCUMENTS))
    assert _facts(asyncio.run(pipeline().arun(documents=DOCUMENTS))) == expected
    assert _facts(asyncio.run(parser.acall(DOCUMENTS))) == expected


def test_two_workers_give_the_nodes_of_one() -> None:
    pipeline = IngestionPipeline(transformations=[PARSERS[0], PARSERS[2]], disable_cache=True)
    serial = _facts(pipeline.run(documents=DOCUMENTS))
    assert _facts(pipeline.run(documents=DOCUMENTS, num_workers=2)) == serial


def test_the_ingestion_cache_notices_every_option() -> None:
    base = {"chunk_size": 40, "min_size": 4, "tokenizer": "simple"}
    for change in ({"chunk_size": 60}, {"chunk_overlap": 8}, {"min_size": 8}, {"embed_headings": False}):
        first, second = DocumentAwareNodeParser(**base), DocumentAwareNodeParser(**{**base, **change})  # type: ignore[arg-type]
        assert str(first.to_dict()) != str(second.to_dict()), change


def test_async_retrieval_equals_sync_and_leaves_its_input_alone(retriever: HybridFusionRetriever) -> None:
    bundle = QueryBundle("what slows the wing")
    before = bundle.to_dict()
    first = [(hit.node_id, hit.score) for hit in retriever.retrieve(bundle)]
    second = [(hit.node_id, hit.score) for hit in asyncio.run(retriever.aretrieve(bundle))]
    assert first == second == [(hit.node_id, hit.score) for hit in retriever.retrieve(bundle)]
    assert bundle.to_dict() == before


def test_the_engine_decides_the_same_in_both_modes(engine: ConfidenceGatedQueryEngine) -> None:
    now, later = engine.query("what slows the wing"), asyncio.run(engine.aquery("what slows the wing"))
    same = ("decision", "status", "confidence", "signals", "reasons", "sources")
    assert {key: now.metadata["prod_rag"][key] for key in same} == {
        key: later.metadata["prod_rag"][key] for key in same
    }
    assert str(now) == str(later)


@pytest.mark.parametrize("question", ["what slows the wing", "zebra xylophone"])
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_events_are_paired(engine: ConfidenceGatedQueryEngine, heard: list[str], question: str, mode: str) -> None:
    if mode == "sync":
        engine.query(question)
    else:
        asyncio.run(engine.aquery(question))
    for stage in ("Query", "Retrieval", "ReRank"):
        assert heard.count(f"{stage}StartEvent") == heard.count(f"{stage}EndEvent") > 0, heard


def test_a_stage_that_fails_still_pairs_its_events(retriever: HybridFusionRetriever, heard: list[str]) -> None:
    class Broken(WordScorer):
        def score(self, pairs: Sequence[tuple[str, str]], progress: object = None) -> list[float]:
            raise RuntimeError("no model")

    reranker = CrossEncoderRerank(model="broken", scorer=Broken())  # type: ignore[arg-type]
    response = ConfidenceGatedQueryEngine(retriever, node_postprocessors=[reranker]).query("what slows the wing")
    assert "no model" in str(response.metadata["prod_rag"]["degraded"])
    for stage in ("Query", "Retrieval", "ReRank"):
        assert heard.count(f"{stage}StartEvent") == heard.count(f"{stage}EndEvent") > 0, heard
