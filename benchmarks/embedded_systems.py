"""What `benchmarks.embedded_scale` compares: indexes in a folder with a dense, a lexical and a hybrid search."""

from __future__ import annotations

import importlib.util
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from llama_index.core import Settings, StorageContext, VectorStoreIndex, load_index_from_storage
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.llms import MockLLM
from llama_index.core.schema import BaseNode, QueryBundle, TextNode

from benchmarks.embedded_data import DIMENSIONS, Question

TOP = 100
"""Hits of each leg; the hybrid returns ten."""

Search = Callable[[Question], list[str]]
"""A question to the ids of what was found, best first."""


class System(ABC):
    """One index in a folder.

    Args:
        folder: where it lies, or is to lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        Settings.llm = MockLLM()
        self.embedding = MockEmbedding(DIMENSIONS)

    @abstractmethod
    def build(self, nodes: Sequence[TextNode]) -> None:
        """Make the index and leave it in the folder."""

    @abstractmethod
    def open(self) -> dict[str, Search]:
        """Open what lies in the folder: dense, lexical and hybrid search."""

    @abstractmethod
    def insert(self, node: TextNode) -> None:
        """Add a node so that every leg finds it."""

    @abstractmethod
    def delete(self, node_id: str) -> None:
        """Remove a node so that no leg finds it."""


def _search(retriever: BaseRetriever) -> Search:
    def run(question: Question) -> list[str]:
        bundle = QueryBundle(question.text, embedding=question.vector)
        return [hit.node_id for hit in retriever.retrieve(bundle)]

    return run


class ProdRag(System):
    """`EmbeddedStore` and `HybridFusionRetriever`: changes are in the folder when the call returns."""

    def build(self, nodes: Sequence[TextNode]) -> None:
        """Insert all and make the lexical leg, which stays in the folder."""
        self._open_index()
        self.index.insert_nodes(list(nodes))
        self._searches()

    def _open_index(self) -> None:
        from llama_index_prod_rag.retrievers import EmbeddedStore

        self.index = VectorStoreIndex.from_vector_store(EmbeddedStore(self.folder), embed_model=self.embedding)

    def open(self) -> dict[str, Search]:
        """Open the store and its legs."""
        self._open_index()
        return self._searches()

    def _searches(self) -> dict[str, Search]:
        from llama_index_prod_rag.retrievers import HybridFusionRetriever

        hybrid = HybridFusionRetriever.from_index(self.index, leg_top_k=TOP)
        found: dict[str, Search] = {name: _search(leg) for name, leg in hybrid.legs.items()}
        return {"dense": found["dense"], "lexical": found["bm25"], "hybrid": _search(hybrid)}

    def insert(self, node: TextNode) -> None:
        """Insert; the legs follow."""
        self.index.insert_nodes([node])

    def delete(self, node_id: str) -> None:
        """Delete; the legs follow."""
        self.index.delete_nodes([node_id])


class ProdRagInMemory(ProdRag):
    """`HybridFusionRetriever` over LlamaIndex's in-memory stores, which its own JSON files keep."""

    def build(self, nodes: Sequence[TextNode]) -> None:
        """Build in memory and persist."""
        self.index = VectorStoreIndex(list(nodes), embed_model=self.embedding)
        self.index.storage_context.persist(str(self.folder))

    def _open_index(self) -> None:
        context = StorageContext.from_defaults(persist_dir=str(self.folder))
        self.index = cast("VectorStoreIndex", load_index_from_storage(context, embed_model=self.embedding))

    def delete(self, node_id: str) -> None:
        """Delete from the stores in memory."""
        self.index.delete_nodes([node_id], delete_from_docstore=True)


class LlamaIndexParts(ProdRagInMemory):
    """`VectorStoreIndex`, `BM25Retriever` and `QueryFusionRetriever`; BM25 is made again after every change."""

    def build(self, nodes: Sequence[TextNode]) -> None:
        """Build both, and persist both."""
        super().build(nodes)
        self._lexical(list(nodes)).persist(str(self.folder / "bm25"))

    def _lexical(self, nodes: list[BaseNode]) -> Any:  # noqa: ANN401 - an optional package's
        from llama_index.retrievers.bm25 import BM25Retriever

        logging.getLogger("bm25s").setLevel(logging.ERROR)
        return BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=TOP)

    def open(self) -> dict[str, Search]:
        """Load both."""
        from llama_index.retrievers.bm25 import BM25Retriever

        self._open_index()
        lexical = BM25Retriever.from_persist_dir(str(self.folder / "bm25"))
        lexical.similarity_top_k = TOP
        return self._fused(lexical)

    def _fused(self, lexical: BaseRetriever) -> dict[str, Search]:
        from llama_index.core.retrievers import QueryFusionRetriever
        from llama_index.core.retrievers.fusion_retriever import FUSION_MODES

        dense = self.index.as_retriever(similarity_top_k=TOP)
        hybrid = QueryFusionRetriever(
            [dense, lexical],
            mode=FUSION_MODES.RELATIVE_SCORE,
            num_queries=1,
            similarity_top_k=10,
            use_async=False,
        )
        return {"dense": _search(dense), "lexical": _search(lexical), "hybrid": _search(hybrid)}

    def insert(self, node: TextNode) -> None:
        """Insert, and make BM25 and the frozen list of ids again."""
        super().insert(node)
        self._fused(self._lexical(list(self.index.docstore.docs.values())))

    def delete(self, node_id: str) -> None:
        """Delete, and make BM25 and the frozen list of ids again."""
        super().delete(node_id)
        self._fused(self._lexical(list(self.index.docstore.docs.values())))


class LanceDb(System):
    """LanceDB with its full-text index and its own hybrid search; vectors are compared exactly, as by default."""

    def build(self, nodes: Sequence[TextNode]) -> None:
        """Write the table and its full-text index."""
        import lancedb

        rows = [_lance_row(node) for node in nodes]
        self.table = lancedb.connect(str(self.folder)).create_table("chunks", rows)
        self.table.create_fts_index("text")

    def open(self) -> dict[str, Search]:
        """Open the table."""
        import lancedb

        self.table = lancedb.connect(str(self.folder)).open_table("chunks")
        return {"dense": self._dense, "lexical": self._lexical, "hybrid": self._hybrid}

    def _dense(self, question: Question) -> list[str]:
        found = self.table.search(question.vector).distance_type("cosine").limit(TOP)
        return [row["id"] for row in found.to_list()]

    def _lexical(self, question: Question) -> list[str]:
        return [row["id"] for row in self.table.search(question.text, query_type="fts").limit(TOP).to_list()]

    def _hybrid(self, question: Question) -> list[str]:
        search = self.table.search(query_type="hybrid").vector(question.vector).text(question.text)
        return [row["id"] for row in search.limit(TOP).to_list()][:10]

    def insert(self, node: TextNode) -> None:
        """Append; rows that the full-text index lacks are scanned."""
        self.table.add([_lance_row(node)])

    def delete(self, node_id: str) -> None:
        """Delete by id."""
        self.table.delete(f"id = '{node_id}'")


def _lance_row(node: TextNode) -> dict[str, Any]:
    return {
        "id": node.node_id,
        "vector": node.embedding,
        "text": f"{node.metadata['title']}\n{node.text}",
        **node.metadata,
    }


SYSTEMS: dict[str, type[System]] = {
    "prod_rag": ProdRag,
    "prod_rag_in_memory": ProdRagInMemory,
    "llama_index": LlamaIndexParts,
    "lancedb": LanceDb,
}
COMPARED = ("prod_rag", "llama_index", "lancedb")
"""Those that are measured unless others are named."""


def available(name: str) -> bool:
    """Whether what a system needs is installed."""
    return name != "lancedb" or importlib.util.find_spec("lancedb") is not None
