"""A client of the real server, and an index of its own for every test module."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch

from llama_index_prod_rag.retrievers.elasticsearch import Connection


@pytest.fixture(scope="session")
def client(elasticsearch_url: str) -> Iterator[Elasticsearch]:
    """A synchronous client."""
    with Connection(url=elasticsearch_url).open() as connected:
        yield connected


@pytest.fixture(scope="module")
def index(client: Elasticsearch) -> Iterator[str]:
    """A name that no other test uses; what is made under it is deleted."""
    name = f"prod-rag-{uuid.uuid4().hex[:12]}"
    yield name
    for made in client.indices.get(index=f"{name}*"):
        client.indices.delete(index=made)
