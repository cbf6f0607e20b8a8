"""Without any extra: the components that need none work, and everything else names the pip command it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# What the extras bring. A module that is None in `sys.modules` is one that is not installed.
ABSENT = (
    "accelerate", "bert_score", "elasticsearch", "gguf", "ir_measures", "llama_index.embeddings.huggingface",
    "llama_index.retrievers.bm25", "matplotlib", "onnxruntime", "openinference", "opentelemetry", "psycopg",
    "pytrec_eval", "rouge_score", "scipy", "sentence_transformers", "sklearn", "tokenizers", "torch", "transformers",
    "tree_sitter", "tree_sitter_python",
)  # fmt: skip
PROGRAM = Path(__file__).with_name("bare_program.py")


def test_each_missing_extra_is_named_with_its_pip_command() -> None:
    code = (
        f"import runpy, sys; sys.modules.update(dict.fromkeys({ABSENT!r})); "
        f"runpy.run_path({str(PROGRAM)!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=800)
    assert done.returncode == 0, done.stderr
    assert "a hybrid works" in done.stdout
