"""The first calls that somebody tries."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core import MockEmbedding, VectorStoreIndex
from llama_index.core.llms import MockLLM
from llama_index.core.response_synthesizers import get_response_synthesizer
from llama_index.core.schema import TextNode
from pydantic import BaseModel

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.query_engine.gated import ConfidenceGatedQueryEngine
from llama_index_prod_rag.query_engine.responses import is_structured
from llama_index_prod_rag.retrievers.bm25 import BM25FRetriever

NODES = [TextNode(text="Drag falls with the sweep of a wing.", id_="a"), TextNode(text="Bread needs salt.", id_="b")]


def make_index() -> VectorStoreIndex:
    return VectorStoreIndex(NODES, embed_model=MockEmbedding(embed_dim=4))


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (lambda: (make_index(),), r"write ConfidenceGatedQueryEngine\.from_index\(index\)"),
        (lambda: (make_index().as_query_engine(llm=MockLLM()),), r"ConfidenceGatedQueryEngine\(engine\.retriever"),
        (lambda: ([BM25FRetriever(NODES)],), "HybridFusionRetriever"),
        (lambda: ("docs",), "from_index"),
        (lambda: (BM25FRetriever(NODES), MockLLM()), r"from_args\(retriever, llm=\.\.\.\)"),
        (lambda: (BM25FRetriever(NODES), None, "rerank"), "list of postprocessors"),
    ],
)
def test_a_part_of_the_wrong_kind_says_what_to_write(arguments: Any, remedy: str) -> None:
    with pytest.raises(ConfigurationError, match=remedy):
        ConfidenceGatedQueryEngine(*arguments())


@pytest.mark.parametrize("mode", ["accumulate", "compact_accumulate"])
def test_what_cannot_stream_is_not_asked_to(mode: str) -> None:
    retriever, model = BM25FRetriever(NODES), MockLLM()
    with pytest.raises(ConfigurationError, match="cannot stream"):
        ConfidenceGatedQueryEngine.from_args(retriever, model, response_mode=mode, streaming=True)
    whole = ConfidenceGatedQueryEngine.from_args(retriever, model, response_mode=mode)
    with pytest.raises(ConfigurationError, match="another response_mode"):
        whole.streaming()
    assert str(whole.streaming(False).query("Does drag fall with sweep?")).startswith("Response 1")


def test_from_args_takes_what_the_retriever_query_engine_takes() -> None:
    class Out(BaseModel):
        text: str

    retriever = BM25FRetriever(NODES)
    engine = ConfidenceGatedQueryEngine.from_args(retriever, llm=MockLLM(), output_cls=Out, quotes=2)
    assert is_structured(engine._means.synthesizer)
    assert ConfidenceGatedQueryEngine.from_args(retriever)._means.synthesizer is None  # never the model of Settings
    assert ConfidenceGatedQueryEngine.from_args(retriever, llm=MockLLM(), streaming=True)._means.streaming
    with pytest.raises(ConfigurationError, match="output_cls: give llm="):
        ConfidenceGatedQueryEngine.from_args(retriever, output_cls=Out)
    with pytest.raises(ConfigurationError, match="not both"):
        ConfidenceGatedQueryEngine.from_args(
            retriever, llm=MockLLM(), response_synthesizer=get_response_synthesizer(llm=MockLLM())
        )


def test_from_index_searches_both_ways() -> None:
    engine = ConfidenceGatedQueryEngine.from_index(make_index(), quotes=1)
    response = engine.query("sweep of a wing")
    assert response.source_nodes[0].node_id == "a"
    with pytest.raises(ConfigurationError, match="takes an index, not BM25FRetriever"):
        ConfidenceGatedQueryEngine.from_index(BM25FRetriever(NODES))  # type: ignore[arg-type]


def test_a_repr_is_short() -> None:
    assert repr(ConfidenceGatedQueryEngine(BM25FRetriever(NODES))) == "ConfidenceGatedQueryEngine(BM25FRetriever)"
