"""Cross-encoders of sentence-transformers on torch, batched by tokens instead of rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING

from llama_index_prod_rag.errors import ModelError
from llama_index_prod_rag.models.weights import Weights

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

    from llama_index_prod_rag.models.pairs import Pair, Progress

# Attention and feed-forward activations of a batch fit the processor's caches up to a few thousand tokens, and larger
# batches only add padding on a CPU. A GPU wants more work at once.
_CPU_BATCH_TOKENS = 1024
_GPU_BATCH_TOKENS = 16384
_DEFAULT_MAX_TOKENS = 512


class TorchScorer:
    """A `PairScorer` on torch, for any sentence-transformers cross-encoder with one output.

    Pairs are sorted by length and cut into batches of about equally many tokens: padding is what costs, and memory
    does not grow with the number of pairs. One forward pass runs at a time, torch uses the cores inside it.

    Args:
        weights: the model, found.
        device: torch device; None lets sentence-transformers choose.
        batch_tokens: most padded tokens of a batch; None decides by the device.
        trust_remote_code: run code that the model's repository brings.

    Raises:
        ModelError: the weights cannot be loaded, or the model is no cross-encoder with one output.
    """

    def __init__(
        self,
        weights: Weights,
        *,
        device: str | None = None,
        batch_tokens: int | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        self.name = weights.name
        self.fingerprint = weights.fingerprint
        self._model = _load(weights, device, trust_remote_code)
        self._tokenizer = self._model.tokenizer
        limit = self._model.max_seq_length if hasattr(self._model, "max_seq_length") else self._model.max_length
        self.max_tokens = int(limit) if limit and limit < 1e9 else _DEFAULT_MAX_TOKENS
        self.special_tokens = self._tokenizer.num_special_tokens_to_add(pair=True)
        on_cpu = str(self._model.device) == "cpu"
        self._batch_tokens = batch_tokens or (_CPU_BATCH_TOKENS if on_cpu else _GPU_BATCH_TOKENS)
        self._lock = Lock()

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        """(start, end) characters of each token of a text, special tokens left out."""
        with self._lock:  # the tokenizer's truncation settings are shared state
            encoding = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return [(int(start), int(end)) for start, end in encoding["offset_mapping"]]

    def score(self, pairs: Sequence[Pair], progress: Progress | None = None) -> list[float]:
        """Raw logits, one a pair, in the order given."""
        from torch import nn

        logits = [math.nan] * len(pairs)
        for batch in token_batches(self._lengths(pairs), self._batch_tokens):
            with self._lock:
                scores = self._model.predict(
                    [pairs[index] for index in batch],
                    batch_size=len(batch),
                    activation_fn=nn.Identity(),
                    show_progress_bar=False,
                )
            for index, score in zip(batch, scores, strict=True):
                logits[index] = float(score)
            if progress is not None:
                progress(len(batch))
        return logits

    def _lengths(self, pairs: Sequence[Pair]) -> list[int]:
        if not pairs:
            return []
        queries, passages = zip(*pairs, strict=True)
        with self._lock:
            encodings = self._tokenizer(
                list(queries), list(passages), truncation="longest_first", max_length=self.max_tokens
            )
        return [len(ids) for ids in encodings["input_ids"]]


def token_batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Indices in batches whose padded size, rows times the longest row, stays within a budget.

    Args:
        lengths: tokens of each pair.
        batch_tokens: most padded tokens of a batch; a longer pair is a batch of its own.

    Yields:
        Indices into `lengths`, longest pairs first, so that memory peaks in the first batch and not in the last.

    Examples:
        >>> list(token_batches([10, 200, 12, 190], batch_tokens=400))
        [[1, 3], [2, 0]]
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > batch_tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _load(weights: Weights, device: str | None, trust_remote_code: bool) -> CrossEncoder:
    from sentence_transformers import CrossEncoder

    try:
        model: CrossEncoder = CrossEncoder(
            weights.source,
            device=device,
            trust_remote_code=trust_remote_code,
            model_kwargs={"use_safetensors": True},  # never a pickle, which is what transformers falls back to
        )
    except Exception as error:
        remedy = (
            "the folder is damaged or incomplete, get it again"
            if weights.local
            else "check the name, the connection, and that the repository has safetensors weights"
        )
        raise ModelError(f"{weights.name} cannot be loaded ({error}): {remedy}, or use 'offline'") from error
    _check_one_output(weights.name, model)
    return model


def _check_one_output(name: str, model: CrossEncoder) -> None:
    inner = model.model
    saved_as = getattr(getattr(inner, "config", None), "architectures", None) or []
    if saved_as and type(inner).__name__ not in saved_as:
        # transformers only warns about the missing head, and then scores with random numbers
        raise ModelError(
            f"{name} holds a {saved_as[0]}, an embedding model (bi-encoder) without a scoring head: "
            "use a cross-encoder such as cross-encoder/ms-marco-MiniLM-L6-v2"
        )
    if model.num_labels != 1:
        raise ModelError(f"{name} has {model.num_labels} labels: a reranker needs a cross-encoder with one output")
