"""Nodes, questions and filters for tests of the store in a folder."""

from __future__ import annotations

import numpy as np
from llama_index.core import MockEmbedding, VectorStoreIndex
from llama_index.core.schema import NodeRelationship, QueryBundle, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import FilterOperator, MetadataFilter, MetadataFilters

from llama_index_prod_rag.retrievers import EmbeddedStore

EMBEDDING = MockEmbedding(6)


def node(id_: str, seed: int = 0, text: str = "", document: str | None = None, **metadata: object) -> TextNode:
    vector = np.random.default_rng(seed).normal(size=6).tolist()
    made = TextNode(id_=id_, text=text or f"text of {id_}", embedding=vector, metadata=metadata)
    if document is not None:
        made.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=document)
    return made


def index_over(store: EmbeddedStore) -> VectorStoreIndex:
    return VectorStoreIndex.from_vector_store(store, embed_model=EMBEDDING)


def question(seed: int, text: str = "cat") -> QueryBundle:
    return QueryBundle(text, embedding=np.random.default_rng(seed).normal(size=6).tolist())


def only(key: str, value: object) -> MetadataFilters:
    return MetadataFilters(filters=[MetadataFilter(key=key, value=value, operator=FilterOperator.EQ)])  # type: ignore[arg-type]
