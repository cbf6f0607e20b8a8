"""Cross-encoders on ONNX Runtime: one pair per run, on all workers."""

from __future__ import annotations

from collections.abc import Sequence

from llama_index_prod_rag.errors import ModelError
from llama_index_prod_rag.models.onnx_model import OnnxModel
from llama_index_prod_rag.models.pair_encoding import PairEncoder, Row
from llama_index_prod_rag.models.pairs import Pair, Progress, TokenText
from llama_index_prod_rag.models.weights import Weights

_AT_ONCE = 4096  # pairs whose token ids are held at a time: some tens of megabytes


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
        self.max_tokens = self._model.max_tokens
        self._encoder = PairEncoder(self._model.tokenizer, self.max_tokens)
        self.special_tokens = self._encoder.special_tokens
        self._check_one_output()

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        """(start, end) characters of each token of a text, special tokens left out."""
        return list(self._encoder.tokenize([text])[0].offsets)

    def tokenize(self, texts: Sequence[str]) -> list[TokenText]:
        """Give the texts with their tokens, special tokens left out and nothing cut off."""
        return self._encoder.tokenize(texts)

    def score(self, pairs: Sequence[Pair], progress: Progress | None = None) -> list[float]:
        """Score pairs by their raw logits, one per pair, in the order given."""
        logits: list[float] = []
        for start in range(0, len(pairs), _AT_ONCE):
            logits += self._score_rows(self._encoder.encode(pairs[start : start + _AT_ONCE]), progress)
        return logits

    def _score_rows(self, rows: Sequence[Row], progress: Progress | None) -> list[float]:
        def score_at(index: int) -> float:
            logit = float(self._model.run(*rows[index]).reshape(-1)[0])
            if progress is not None:
                progress(1)
            return logit

        return self._model.each(score_at, [len(ids) for ids, _ in rows])

    def _check_one_output(self) -> None:
        (row,) = self._encoder.encode([("query", "passage")])
        shape = self._model.run(*row).shape
        if len(shape) != 2:
            raise ModelError(
                f"{self.name} returns an array of shape {shape} for a pair: it is an embedding model (bi-encoder); "
                "use a cross-encoder with one output"
            )
        if shape != (1, 1):
            raise ModelError(
                f"{self.name} gives {shape[1]} labels for a pair: a reranker needs a cross-encoder with one output"
            )
