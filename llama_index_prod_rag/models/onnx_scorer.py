"""Cross-encoders on ONNX Runtime: one pair per run, on all workers."""

from __future__ import annotations

from collections.abc import Sequence

from llama_index_prod_rag.errors import ModelError
from llama_index_prod_rag.models.onnx_model import OnnxModel
from llama_index_prod_rag.models.pairs import Pair, Progress
from llama_index_prod_rag.models.weights import Weights


class OnnxScorer:
    """A `PairScorer` on ONNX Runtime; fp32 and int8 files alike, and the file decides which.

    Args:
        weights: the model, found.
        threads: most pairs scored at once over all callers; None takes one per usable core.
        file: weights file inside the folder or repository; None takes the usual names.

    Raises:
        ConfigurationError: `threads` below 1.
        MissingExtraError: the `onnx` extra is not installed.
        ModelError: a file is missing or corrupt, or the model does not have one output per pair.
    """

    def __init__(self, weights: Weights, *, threads: int | None = None, file: str | None = None) -> None:
        self.name = weights.name
        self.fingerprint = f"{weights.fingerprint}/{file}" if file else weights.fingerprint
        self._model = OnnxModel(weights, threads=threads, file=file)
        self._tokenizer = self._model.tokenizer
        self.max_tokens = self._model.max_tokens
        self.special_tokens = self._tokenizer.num_special_tokens_to_add(True)
        self._check_one_output()

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        """(start, end) characters of each token of a text, special tokens left out."""
        # A pair's truncation does not apply to a text whose length is asked for: overflowing parts are kept apart.
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        parts = [encoding, *encoding.overflowing]
        return [span for part in parts for span in part.offsets]

    def score(self, pairs: Sequence[Pair], progress: Progress | None = None) -> list[float]:
        """Raw logits, one per pair, in the order given."""

        def score_at(index: int) -> float:
            encoding = self._tokenizer.encode(*pairs[index])
            logit = float(self._model.run(encoding.ids, encoding.type_ids).reshape(-1)[0])
            if progress is not None:
                progress(1)
            return logit

        return self._model.each(score_at, [len(passage) for _, passage in pairs])

    def _check_one_output(self) -> None:
        encoding = self._tokenizer.encode("query", "passage")
        shape = self._model.run(encoding.ids, encoding.type_ids).shape
        if len(shape) != 2:
            raise ModelError(
                f"{self.name} returns an array of shape {shape} for a pair: it is an embedding model (bi-encoder); "
                "use a cross-encoder with one output"
            )
        if shape != (1, 1):
            raise ModelError(
                f"{self.name} gives {shape[1]} labels for a pair: a reranker needs a cross-encoder with one output"
            )
