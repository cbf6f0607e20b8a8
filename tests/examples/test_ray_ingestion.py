"""Ray's workers give the nodes of a serial run, and Elasticsearch finds them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from llama_index.core import Document

from llama_index_prod_rag import DocumentAwareNodeParser
from llama_index_prod_rag.models.embedding import load_embedding
from llama_index_prod_rag.retrievers.elasticsearch import ElasticsearchHybridRetriever

ray = pytest.importorskip("ray", reason="no Ray: pip install 'llama-index-prod-rag[ray]'")

# Ray's workers import the package one after the other: a minute where others use the machine as well.
pytestmark = pytest.mark.timeout(1200)

HANDBOOK = Path(__file__).parents[2] / "examples" / "handbook"


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def documents() -> list[Document]:
    return [
        Document(text=file.read_text(encoding="utf-8"), id_=file.name, metadata={"file_name": file.name})
        for file in sorted(HANDBOOK.glob("*.md"))
    ]


@pytest.mark.integration
def test_workers_give_the_nodes_of_a_serial_run() -> None:
    from examples.ray_ingestion import chunk_and_embed

    parallel = {node.node_id: node for node in chunk_and_embed(documents())}
    serial = DocumentAwareNodeParser(chunk_size=250, tokenizer="offline").get_nodes_from_documents(documents())
    assert set(parallel) == {node.node_id for node in serial}
    for node in serial:
        other = parallel[node.node_id]
        assert other.get_content() == node.get_content()
        assert other.relationships == node.relationships
        assert len(other.embedding or ()) == 384


@pytest.mark.integration
@pytest.mark.elasticsearch
def test_what_ray_ingested_is_found(elasticsearch_url: str) -> None:
    from examples.ray_ingestion import fill

    index = f"ray-{uuid.uuid4().hex}"
    try:
        report = fill(elasticsearch_url, index, documents())
        assert not report.failed
        retriever = ElasticsearchHybridRetriever(index, url=elasticsearch_url, embed_model=load_embedding("offline"))
        hits = retriever.retrieve("How often is the signing key rotated?")
        assert hits[0].node.metadata["file_name"] == "keys.md"
    finally:
        with Elasticsearch(elasticsearch_url) as client:
            client.options(ignore_status=404).indices.delete(index=index)
