"""Without any extra: the components that need none work, and everything else names the pip command it needs."""

from __future__ import annotations

import json
import subprocess
import sys

# What the extras bring. A module that is None in `sys.modules` is one that is not installed.
ABSENT = (
    "accelerate", "bert_score", "elasticsearch", "gguf", "ir_measures", "llama_index.embeddings.huggingface",
    "llama_index.retrievers.bm25", "matplotlib", "onnxruntime", "openinference", "opentelemetry", "psycopg",
    "pytrec_eval", "rouge_score", "scipy", "sentence_transformers", "sklearn", "tokenizers", "torch", "transformers",
    "tree_sitter", "tree_sitter_python",
)  # fmt: skip

PROGRAM = """
import importlib, json, sys

sys.modules.update(dict.fromkeys(ABSENT))
import llama_index_prod_rag as rag
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.embeddings import MockEmbedding

parser = rag.DocumentAwareNodeParser()
nodes = parser.get_nodes_from_documents([Document(text="# Birds\\n\\nSwans are white."), Document(text="Rates rose.")])
index = VectorStoreIndex(nodes, embed_model=MockEmbedding(8))
hits = rag.HybridFusionRetriever.from_index(index).retrieve("Which birds are white?")
found = {"hybrid": hits[0].node.get_content()}

from llama_index_prod_rag.evaluation import ranking
from llama_index_prod_rag.models.embedding import load_embedding
from llama_index_prod_rag.models.llm import OfflineLLM
from llama_index_prod_rag.models.nli import CrossEncoderNLI
from llama_index_prod_rag.models.scorers import load_scorer
from llama_index_prod_rag.models.tokenizers import load_counter
from llama_index_prod_rag.confidence.guarantees import upper_bound

TRIED = {
    "offline embedding": lambda: load_embedding("offline"),
    "offline reranker": lambda: load_scorer("offline"),
    "reranker by hub name": lambda: load_scorer("cross-encoder/ms-marco-MiniLM-L6-v2"),
    "embedding by hub name": lambda: load_embedding("all-MiniLM-L6-v2"),
    "torch by name": lambda: load_embedding("some/model", backend="torch"),
    "NLI": lambda: CrossEncoderNLI("some/nli"),
    "tokenizer": lambda: load_counter("offline"),
    "language model": lambda: OfflineLLM().complete("Hello"),
    "calibration": lambda: rag.calibrate([]),
    "promise": lambda: upper_bound(0, 59),
    "BERTScore": lambda: importlib.import_module("llama_index_prod_rag.evaluation.semantic").BertScorer(),
}
for name, call in TRIED.items():
    try:
        call()
    except Exception as error:
        found[name] = f"{type(error).__name__}: {error}"
print(json.dumps(found))
"""

EXTRAS = {
    "offline embedding": "onnx",
    "offline reranker": "onnx",
    "reranker by hub name": "torch",
    "embedding by hub name": "torch",
    "torch by name": "torch",
    "NLI": "torch",
    "tokenizer": "onnx",
    "language model": "llm",
    "calibration": "eval",
    "promise": "eval",
    "BERTScore": "torch",
}


def test_each_missing_extra_is_named_with_its_pip_command() -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"ABSENT = {ABSENT!r}\n{PROGRAM}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert "Swans" in found.pop("hybrid")
    assert found.keys() == EXTRAS.keys()
    for what, extra in EXTRAS.items():
        assert found[what].startswith("MissingExtraError: "), (what, found[what])
        assert f"pip install 'llama-index-prod-rag[{extra}]'" in found[what], (what, found[what])
