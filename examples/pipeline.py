"""The gated engine that the other examples put to work: put your own in its place.

Run it: `python -m examples.pipeline "How often is the signing key rotated?"`.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from llama_index.core import Document, VectorStoreIndex
from llama_index.core.llms import LLM
from llama_index.core.response_synthesizers import get_response_synthesizer

from llama_index_prod_rag import (
    ConfidenceGatedQueryEngine,
    CrossEncoderRerank,
    DocumentAwareNodeParser,
    HybridFusionRetriever,
    QueryLog,
    load_embedding,
)

HANDBOOK = Path(__file__).parent / "handbook"


@cache
def build_index(folder: Path) -> VectorStoreIndex:
    """Read, chunk and embed a folder, once per process."""
    documents = [
        Document(text=file.read_text(encoding="utf-8"), id_=file.name, metadata={"file_name": file.name})
        for file in sorted(folder.glob("*.md"))
    ]
    parser = DocumentAwareNodeParser(tokenizer="offline")
    return VectorStoreIndex.from_documents(documents, transformations=[parser], embed_model=load_embedding("offline"))


def build_gate(
    folder: Path = HANDBOOK, *, llm: LLM | None = None, streaming: bool = False, query_log: QueryLog | None = None
) -> ConfidenceGatedQueryEngine:
    """Hybrid retrieval, reranking and the gate over a folder; without a language model it quotes."""
    return ConfidenceGatedQueryEngine(
        HybridFusionRetriever.from_index(build_index(folder), similarity_top_k=20),
        None if llm is None else get_response_synthesizer(llm=llm, streaming=streaming),
        [CrossEncoderRerank(model="offline", top_n=3)],
        streaming=streaming,
        query_log=query_log,
    )


if __name__ == "__main__":
    response = build_gate().query(sys.argv[1] if len(sys.argv) > 1 else "How often is the signing key rotated?")
    print(response, (response.metadata or {})["prod_rag"]["decision"], sep="\n\n")
