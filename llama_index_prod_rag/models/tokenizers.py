"""Token counters by name: whose tokens a budget is kept in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from llama_index_prod_rag.errors import ModelError
from llama_index_prod_rag.extras import require
from llama_index_prod_rag.models.weights import OFFLINE, find_weights
from llama_index_prod_rag.text.tokens import SIMPLE, HuggingFaceCounter, SimpleCounter, TiktokenCounter, TokenCounter

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from tiktoken import Encoding
    from tokenizers import Tokenizer

_TIKTOKEN = "tiktoken:"


@lru_cache(maxsize=8)
def load_counter(name: str) -> TokenCounter:
    """Load the token counter of a name: an estimate, or the tokenizer of a model.

    Args:
        name: `"simple"` (an estimate), `"offline"` (the bundled bge-small-en-v1.5's), `"tiktoken:cl100k_base"`, a
            folder or file with a `tokenizer.json`, or a hub name (which may download).

    Raises:
        MissingExtraError: the `onnx` extra, which brings Hugging Face's tokenizers, is not installed.
        ModelError: there is no such tokenizer.

    Examples:
        >>> load_counter("simple").count(["two words"])
        [2]
    """
    if name == SIMPLE:
        return SimpleCounter()
    if name.startswith(_TIKTOKEN):
        return TiktokenCounter(_load_tiktoken(name.removeprefix(_TIKTOKEN)))
    return HuggingFaceCounter(_load_tokenizer(name))


def embedder_tokenizer(embed_model: BaseEmbedding | None) -> Tokenizer | None:
    """Find the tokenizer of an embedding model that runs in this process, whose limit is what matters; else None."""
    own = getattr(embed_model, "tokenizer", None)  # of OnnxEmbedding
    # HuggingFaceEmbedding keeps its SentenceTransformer private.
    theirs = getattr(getattr(getattr(embed_model, "_model", None), "tokenizer", None), "backend_tokenizer", None)
    return own if hasattr(own, "to_str") else theirs


def _load_tokenizer(name: str) -> Tokenizer:
    extra = OFFLINE if name == OFFLINE else "onnx"
    require("tokenizers", needed_for=f"counting in the tokens of {name}", extra=extra)
    from tokenizers import Tokenizer

    path = Path(name).expanduser()
    if not path.is_file():
        weights = find_weights(name, "embedding")
        path = Path(weights.source) / "tokenizer.json"
        if not weights.local:
            try:
                return Tokenizer.from_pretrained(weights.source)
            except Exception as error:
                raise ModelError(
                    f"no tokenizer {name} in the hub or its cache ({error}): give a folder with a tokenizer.json, "
                    "'offline', 'tiktoken:cl100k_base' or 'simple'"
                ) from error
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:
        raise ModelError(f"{path} is not a tokenizer ({error}): give a folder with a tokenizer.json") from error


def _load_tiktoken(name: str) -> Encoding:
    import tiktoken

    try:
        with _bundled_encodings():
            return tiktoken.get_encoding(name)
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise ModelError(
            f"no encoding {name} ({reason}): check the name and the connection, or use 'tiktoken:cl100k_base'"
        ) from error


@contextmanager
def _bundled_encodings() -> Iterator[None]:
    """Let tiktoken find the common encodings, which LlamaIndex ships, unless the user keeps a folder of them."""
    spec = find_spec("llama_index.core")
    folders = spec.submodule_search_locations if spec else None
    bundled = Path(folders[0]) / "_static/tiktoken_cache" if folders else None
    if bundled is None or not bundled.is_dir() or "TIKTOKEN_CACHE_DIR" in os.environ:
        yield
        return
    os.environ["TIKTOKEN_CACHE_DIR"] = str(bundled)
    try:
        yield
    finally:
        del os.environ["TIKTOKEN_CACHE_DIR"]
