"""What works without any extra, and what each missing extra is told by. Run in an environment with the wheel alone."""

from __future__ import annotations

import sys
from collections.abc import Callable

from llama_index.core import Document, VectorStoreIndex
from llama_index.core.embeddings import MockEmbedding

import llama_index_prod_rag as rag
from llama_index_prod_rag.confidence.guarantees import upper_bound
from llama_index_prod_rag.errors import MissingExtraError
from llama_index_prod_rag.evaluation import rank_metrics, rouge
from llama_index_prod_rag.evaluation.semantic import BertScorer
from llama_index_prod_rag.models.embedding import load_embedding
from llama_index_prod_rag.models.llm import OfflineLLM
from llama_index_prod_rag.models.nli import CrossEncoderNLI
from llama_index_prod_rag.models.scorers import load_scorer
from llama_index_prod_rag.models.tokenizers import load_counter
from llama_index_prod_rag.query_engine import GuardrailSpans
from llama_index_prod_rag.retrievers.elasticsearch import Connection, serializers

NEEDS: dict[str, tuple[str, Callable[[], object]]] = {
    "a reranker by hub name": ("torch", lambda: load_scorer("cross-encoder/ms-marco-MiniLM-L6-v2")),
    "an embedding by hub name": ("torch", lambda: load_embedding("sentence-transformers/all-MiniLM-L6-v2")),
    "a backend by name": ("torch", lambda: load_embedding("some/model", backend="torch")),
    "ONNX by name": ("onnx", lambda: load_scorer("some/model", backend="onnx")),
    "an NLI model": ("torch", lambda: CrossEncoderNLI("some/nli")),
    "BERTScore": ("torch", BertScorer),
    "a tokenizer": ("onnx", lambda: load_counter("some/model")),
    "the offline tokenizer": ("offline", lambda: load_counter("offline")),
    "the language model": ("llm", lambda: OfflineLLM().complete("Hello")),
    "calibration": ("eval", lambda: rag.calibrate([])),
    "a promise": ("eval", lambda: upper_bound(0, 59)),
    "ranking metrics": ("eval", lambda: rank_metrics({"q": ["a"]}, {"q": {"a": 1}}, ["nDCG@10"])),
    "ROUGE": ("eval", lambda: rouge("a", "a")),
    "a server": ("elasticsearch", lambda: Connection(url="http://127.0.0.1:9200").open()),
    "a server's answers": ("elasticsearch", serializers),
    "a log on a server": ("postgres", lambda: rag.QueryLog("postgresql://user@127.0.0.1/database")),
    "spans": ("tracing", GuardrailSpans),
}


def check_hybrid() -> None:
    """Chunk, index, and find by both legs."""
    documents = [Document(text="# Birds\n\nSwans are white."), Document(text="Interest rates rose.")]
    nodes = rag.DocumentAwareNodeParser().get_nodes_from_documents(documents)
    index = VectorStoreIndex(nodes, embed_model=MockEmbedding(8))
    hits = rag.HybridFusionRetriever.from_index(index).retrieve("Which swans are white?")
    assert "Swans" in hits[0].node.get_content(), hits


def check_message(extra: str, call: Callable[[], object]) -> None:
    """The call fails with the pip command of the extra."""
    message = ""
    try:
        call()
    except MissingExtraError as error:
        message = str(error)
    assert f"pip install 'llama-index-prod-rag[{extra}]'" in message, message or f"needs no {extra}"


if __name__ == "__main__":
    check_hybrid()
    for extra, call in NEEDS.values():
        check_message(extra, call)
    sys.stdout.write(f"a hybrid works without extras, and {len(NEEDS)} messages name the extra that is missing\n")
