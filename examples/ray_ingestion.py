"""Chunk and embed on a Ray cluster, into Elasticsearch: for corpora beyond one machine.

    pip install 'llama-index-prod-rag[offline,elasticsearch,ray]'
    ELASTICSEARCH_URL=http://127.0.0.1:9200 python -m examples.ray_ingestion my-index FOLDER

Workers parse and embed; this process writes what comes back, with the retries and the report of failures of `ingest`.
On a cluster `ray.init(address="auto")` finds it, and every machine needs the package and its model weights.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import ray
from elasticsearch import Elasticsearch
from llama_index.core import Document
from llama_index.core.schema import BaseNode
from llama_index.ingestion.ray import RayIngestionPipeline, RayTransformComponent

from llama_index_prod_rag import DocumentAwareNodeParser
from llama_index_prod_rag.models import OnnxEmbedding
from llama_index_prod_rag.retrievers.elasticsearch import IngestReport, create_index, index_definition, ingest

BATCH = {"batch_size": 32}  # documents, then chunks, that one task of a worker takes


def chunk_and_embed(documents: Sequence[Document], *, chunk_size: int = 250) -> Sequence[BaseNode]:
    """The nodes that a serial `IngestionPipeline` would give, with their embeddings."""
    parser = RayTransformComponent(
        DocumentAwareNodeParser, map_batches_kwargs=BATCH, chunk_size=chunk_size, tokenizer="offline"
    )
    embedder = RayTransformComponent(OnnxEmbedding, map_batches_kwargs=BATCH)
    return RayIngestionPipeline(transformations=[parser, embedder]).run(documents=list(documents))


def fill(url: str, index: str, documents: Sequence[Document]) -> IngestReport:
    """Make the index if it is missing, and put every chunk into it."""
    nodes = chunk_and_embed(documents)
    with Elasticsearch(url) as client:
        create_index(client, index, index_definition(dims=384, analyzer="english"))
        return ingest(client, index, nodes)


if __name__ == "__main__":
    ray.init()
    texts = [
        Document(text=file.read_text(encoding="utf-8"), id_=file.name, metadata={"file_name": file.name})
        for file in sorted(Path(sys.argv[2]).rglob("*.md"))
    ]
    report = fill(os.environ["ELASTICSEARCH_URL"], sys.argv[1], texts)
    report.raise_for_failures()
    print(report)
