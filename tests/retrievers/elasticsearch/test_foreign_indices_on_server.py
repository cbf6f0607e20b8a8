"""Indices that another program made: fields without words, ids that several indices share, vectors in 8 bits."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from llama_index.core.schema import QueryBundle, TextNode

from llama_index_prod_rag.errors import RetrievalError
from llama_index_prod_rag.retrievers.elasticsearch import (
    ElasticsearchHybridRetriever,
    ingest,
)

pytestmark = pytest.mark.elasticsearch

QUESTION = QueryBundle("widget", embedding=[1.0, 0.0])
VECTOR = {"type": "dense_vector", "dims": 2, "index": True, "similarity": "cosine"}


@pytest.fixture
def write(client: Elasticsearch) -> Iterator[Callable[..., str]]:
    """Make an index of given fields with documents as another program writes them."""
    prefix, made = f"prod-rag-{uuid.uuid4().hex[:12]}", list[str]()

    def make(properties: dict[str, Any], *documents: dict[str, Any], **settings: Any) -> str:
        made.append(f"{prefix}-{len(made)}")
        client.indices.create(index=made[-1], mappings={"properties": {"embedding": VECTOR, **properties}, **settings})
        for number, document in enumerate(documents):
            client.index(index=made[-1], id=str(number), document={"embedding": [1.0, 0.1 * number], **document})
        client.indices.refresh(index=made[-1])
        return made[-1]

    yield make
    for index in made:
        client.indices.delete(index=index)


WORDS = {"content": "a widget turns"}


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        (({"content": {"type": "keyword"}}, WORDS), "content", "mapped as keyword, which only its whole value finds"),
        (({"content": {"type": "completion"}}, WORDS), "content", "mapped as completion, which only its whole"),
        (({"content": {"type": "text", "index": False}}, WORDS), "content", "map it with index: true"),
        (({"content": {"type": "long"}}, {"content": 5}), "content", "mapped as long, which holds no words"),
        (({"content": {"type": "date"}}, {"content": "2020-01-01"}), "content", "mapped as date, which holds no words"),
        (({"page": {"type": "flattened"}}, {"page": WORDS}), "page.content", "lies in page, which is mapped as flat"),
        (({"page": {"type": "flattened"}}, {"page": WORDS}), "page", "mapped as flattened, which only its whole"),
        (({"page": {"type": "nested"}}, {"page": WORDS}), "page.content", "lies in page, which is mapped as nested"),
        (
            ({"page": {"enabled": False}, "title": {"type": "text"}}, {"page": WORDS, "title": "widget"}),
            "page.content",
            "has no field page.content: set fields to one that it has (it has title)",
        ),
    ],
)
def test_a_field_whose_words_nothing_finds_is_told(
    write: Callable[..., str], client: Elasticsearch, given: tuple[dict[str, Any], ...], field: str, message: str
) -> None:
    index = write(*given)
    settings: Any = {"client": client, "fields": [field], "text_field": field}
    (hit,) = ElasticsearchHybridRetriever(index, **settings).retrieve(QUESTION)
    assert message in hit.retrieval.failed["bm25"]  # type: ignore[attr-defined]
    with pytest.raises(RetrievalError, match=re.escape(message)):
        ElasticsearchHybridRetriever(index, alpha=0.0, **settings).retrieve(QUESTION)


def test_a_field_of_several_that_holds_no_words_is_told_once(
    write: Callable[..., str], client: Elasticsearch, caplog: pytest.LogCaptureFixture
) -> None:
    index = write({"content": {"type": "text"}, "sku": {"type": "keyword"}}, {**WORDS, "sku": "widget turns"})
    searcher = ElasticsearchHybridRetriever(index, client=client, fields=["content", "sku"])
    for _ in range(2):
        (hit,) = searcher.with_filters(None).retrieve(QUESTION)
        assert hit.retrieval.failed == {}  # type: ignore[attr-defined]
    assert [record.getMessage() for record in caplog.records] == [
        f"index {index}: sku is mapped as keyword, which only its whole value finds: map it as text, or copy_to a text "
        "field and search that"
    ]


@pytest.mark.parametrize("complete", [False, True])
def test_documents_of_several_indices_that_share_an_id_stay_apart(
    write: Callable[..., str], client: Elasticsearch, caplog: pytest.LogCaptureFixture, complete: bool
) -> None:
    text = {"content": {"type": "text"}}
    old = write(text, {"content": "widget of old", "embedding": [0.0, 1.0]}, {"content": "a red door"})
    new = write(text, {"content": "about doors"}, {"content": "widget of new"}, {"content": "windows"})
    names = {
        f"{old}/0": "widget of old",
        f"{old}/1": "a red door",
        f"{new}/0": "about doors",
        f"{new}/1": "widget of new",
    }
    searcher = ElasticsearchHybridRetriever(f"{old},{new}", client=client, complete_scores=complete)
    hits = searcher.retrieve(QUESTION)
    assert {hit.node_id: hit.text for hit in hits} == {**names, "2": "windows"}
    record = hits[0].retrieval  # type: ignore[attr-defined]
    assert set(record.legs["bm25"]) == {f"{old}/0", f"{new}/1"}
    assert {id_: vector[1] for id_, vector in record.vectors.items()} == pytest.approx(
        {f"{old}/0": 1.0, f"{old}/1": 0.1, f"{new}/0": 0.0, f"{new}/1": 0.1, "2": 0.2}
    )
    if complete:
        assert record.completed["bm25"] == {f"{old}/1": 0.0, f"{new}/0": 0.0, "2": 0.0}
    assert "have a document" in caplog.text


@pytest.mark.parametrize("kind", ["int8_hnsw", "int4_hnsw", "hnsw"])
def test_dense_scores_are_those_of_the_vectors_that_were_indexed(client: Elasticsearch, kind: str) -> None:
    index, rng = f"prod-rag-{uuid.uuid4().hex[:12]}", np.random.default_rng(0)
    vectors, question = rng.normal(size=(200, 64)), rng.normal(size=64)
    field = {**VECTOR, "dims": 64, "index_options": {"type": kind}}
    client.indices.create(index=index, mappings={"properties": {"content": {"type": "text"}, "embedding": field}})
    try:
        nodes = [TextNode(id_=str(n), text="widget", embedding=vector.tolist()) for n, vector in enumerate(vectors)]
        ingest(client, index, nodes).raise_for_failures()
        bundle = QueryBundle("nothing", embedding=question.tolist())
        found = ElasticsearchHybridRetriever(index, client=client, alpha=1.0).retrieve(bundle)
        cosines = vectors @ question / np.linalg.norm(vectors, axis=1) / np.linalg.norm(question)
        scores = {id_: hit.score for id_, hit in found[0].retrieval.legs["dense"].items()}  # type: ignore[attr-defined]
        assert scores == pytest.approx({id_: cosines[int(id_)] for id_ in scores}, abs=1e-4)
        assert [hit.node_id for hit in found] == [str(n) for n in np.argsort(-cosines)[:10]]
    finally:
        client.indices.delete(index=index)
