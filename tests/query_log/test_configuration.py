from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from llama_index.core import Document, MockEmbedding, SummaryIndex, VectorStoreIndex
from llama_index.core.llms import MockLLM
from llama_index.core.postprocessor import SimilarityPostprocessor
from llama_index.core.prompts import PromptTemplate
from llama_index.core.query_engine import RetrieverQueryEngine

from llama_index_prod_rag.query_log.configuration import engine_hash, settings_of

INDEX = VectorStoreIndex.from_documents([Document(text="Paris")], embed_model=MockEmbedding(8))


def _engine(**settings: Any) -> Any:
    return INDEX.as_query_engine(llm=MockLLM(), **settings)


def test_the_same_settings_have_the_same_hash_whatever_the_corpus() -> None:
    other = VectorStoreIndex.from_documents([Document(text="Rome")] * 3, embed_model=MockEmbedding(8))
    assert engine_hash(_engine()) == engine_hash(_engine()) == engine_hash(other.as_query_engine(llm=MockLLM()))


def test_every_setting_that_changes_answers_changes_the_hash() -> None:
    prompt = PromptTemplate("{context_str} {query_str}")
    variants = [
        _engine(),
        _engine(similarity_top_k=7),
        _engine(node_postprocessors=[SimilarityPostprocessor(similarity_cutoff=0.3)]),
        _engine(node_postprocessors=[SimilarityPostprocessor(similarity_cutoff=0.4)]),
        _engine(text_qa_template=prompt),
        INDEX.as_query_engine(llm=MockLLM(max_tokens=3)),
        SummaryIndex.from_documents([Document(text="Paris")]).as_query_engine(llm=MockLLM()),
    ]
    assert len({engine_hash(engine) for engine in variants}) == len(variants)


def test_parts_can_be_hashed_by_name() -> None:
    cut = SimilarityPostprocessor(similarity_cutoff=0.3)
    assert engine_hash({"first": cut, "k": 3}) == engine_hash({"k": 3, "first": cut})
    assert engine_hash({"first": cut, "k": 3}) != engine_hash({"second": cut, "k": 3})


def test_long_collections_are_data() -> None:
    @dataclass
    class Statistics:
        frequencies: dict[str, int]

    many = Statistics({str(number): number for number in range(1000)})
    assert settings_of(many)["frequencies"] == "builtins.dict"
    assert engine_hash(many) == engine_hash(Statistics({str(number): 1 for number in range(2000)}))


def test_a_prompt_updated_later_is_noticed() -> None:
    engine = _engine()
    before = engine_hash(engine)
    engine.update_prompts({"response_synthesizer:text_qa_template": PromptTemplate("{context_str}! {query_str}")})
    assert engine_hash(engine) != before


def test_settings_are_json_without_credentials_or_nodes() -> None:
    @dataclass
    class Client:
        api_key: str = "hunter2"
        password: str = "hunter2"
        model: str = "small"

    @dataclass(slots=True)
    class Part:
        client: Client
        limit: float = float("inf")
        nodes: tuple[Any, ...] = tuple(INDEX.docstore.docs.values())

    settings = settings_of(Part(Client()))
    assert "hunter2" not in json.dumps(settings, allow_nan=False)
    assert settings["client"]["model"] == "small"
    assert (settings["limit"], settings["nodes"]) == ("inf", [])


def test_parts_that_contain_each_other_end_somewhere() -> None:
    @dataclass
    class Loop:
        inner: Any = None

    loop = Loop()
    loop.inner = loop
    assert json.dumps(settings_of(loop)).count("Loop") < 20


def test_an_engine_is_described_down_to_its_parts() -> None:
    settings = settings_of(_engine(similarity_top_k=7))
    assert settings["class"].endswith(RetrieverQueryEngine.__qualname__)
    assert settings["retriever"]["similarity_top_k"] == 7
    assert settings["response_synthesizer"]["llm"]["class"].endswith("MockLLM")
