"""Token counters by name: whose tokens a budget is kept in."""

from __future__ import annotations

import os
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from llama_index_prod_rag.errors import ModelError
from llama_index_prod_rag.extras import require
from llama_index_prod_rag.models.weights import find_weights
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
    require("tokenizers", needed_for=f"counting in the tokens of {name}", extra="onnx")
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

    spec = find_spec("llama_index.core")
    bundled = (
        Path(spec.submodule_search_locations[0]) / "_static/tiktoken_cache"
        if spec and spec.submodule_search_locations
        else None
    )
    if bundled is not None and bundled.is_dir() and "TIKTOKEN_CACHE_DIR" not in os.environ:
        os.environ["TIKTOKEN_CACHE_DIR"] = str(bundled)  # LlamaIndex ships the common encodings
        try:
            return tiktoken.get_encoding(name)
        finally:
            del os.environ["TIKTOKEN_CACHE_DIR"]
    return tiktoken.get_encoding(name)
