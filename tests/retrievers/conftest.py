"""Fixtures that several files share."""

from __future__ import annotations

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.schema import TextNode

from tests.retrievers.parts import LetterEmbedding


@pytest.fixture
def letters() -> VectorStoreIndex:
    nodes = [TextNode(text=t, id_=t, metadata={"kind": t[0]}) for t in ("aaa b", "bbb a", "ccc d", "ddd c", "abcd")]
    for node in nodes:
        node.excluded_embed_metadata_keys = ["kind"]
    return VectorStoreIndex(nodes, embed_model=LetterEmbedding())
