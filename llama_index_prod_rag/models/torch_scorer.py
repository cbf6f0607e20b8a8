"""Cross-encoders of sentence-transformers on torch: each text tokenised once, batches by tokens instead of rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from llama_index_prod_rag.errors import ModelError
from llama_index_prod_rag.models.pair_encoding import PairEncoder, Row
from llama_index_prod_rag.models.pairs import Dtype, Pair, Progress, TokenText
from llama_index_prod_rag.models.runtimes import SAFE, loading
from llama_index_prod_rag.models.weights import Weights

if TYPE_CHECKING:
    import torch
    from sentence_transformers import CrossEncoder

# Attention and feed-forward activations of a batch fit the processor's caches up to a few thousand tokens, and larger
# batches only add padding on a CPU. A GPU wants more work at once.
_CPU_BATCH_TOKENS = 1024
_GPU_BATCH_TOKENS = 16384
# A card is as busy as it gets; more would pad every row to the longest of a question's hundred, and leave the card idle
# while the one batch is put together.
_MOST_GPU_BATCH_TOKENS = 32768
_DEFAULT_MAX_TOKENS = 512
_AT_ONCE = 8192  # pairs whose token ids are held at a time
_PROBES = [("query", "passage"), ("Which bird is white?", "Swans are white birds; some are black.")]


class TorchScorer:
    """A `PairScorer` on torch, for any sentence-transformers cross-encoder with one output.

    Pairs are sorted by length and cut into batches of about equally many tokens: padding is what costs, and memory
    does not grow with the number of pairs. One forward pass runs at a time, torch uses the cores inside it; nothing
    is locked while texts are tokenised. On a GPU the next batch is prepared while the card works on the last one, and
    all logits come back at once.

    Args:
        weights: the model, found.
        device: torch device; None lets sentence-transformers choose.
        dtype: precision of weights and activations; `auto` takes float16 on a CUDA device (bfloat16 where float16
            overflows) and float32 elsewhere.
        batch_tokens: most padded tokens of a batch; None decides by the device and its free memory.
        trust_remote_code: run code that the model's repository brings.

    Attributes:
        by_hand: whether pairs are put together from ids; otherwise sentence-transformers tokenises and scores them.

    Raises:
        ModelError: the weights cannot be loaded, or the model is not a cross-encoder with one output.
    """

    def __init__(
        self,
        weights: Weights,
        *,
        device: str | None = None,
        dtype: Dtype = "auto",
        batch_tokens: int | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        self.name = weights.name
        self._model = _load(weights, device, trust_remote_code)
        self._model.eval()
        self._tokenizer = self._model.tokenizer
        if not getattr(self._tokenizer, "is_fast", False):
            raise ModelError(f"{self.name} has no fast tokenizer: save it with its tokenizer.json")
        limit = self._model.max_seq_length if hasattr(self._model, "max_seq_length") else self._model.max_length
        self.max_tokens = int(limit) if limit and limit < 1e9 else _DEFAULT_MAX_TOKENS
        self.special_tokens = self._tokenizer.num_special_tokens_to_add(pair=True)
        self._lock = Lock()
        self._encoder = PairEncoder(self._tokenizer.backend_tokenizer, self.max_tokens)
        self._takes_types = "token_type_ids" in self._tokenizer.model_input_names
        self.by_hand = self._scores_alike()
        precision = self._set_precision(dtype)
        self.fingerprint = weights.fingerprint if precision == "float32" else f"{weights.fingerprint}/{precision}"
        self._batch_tokens = batch_tokens or self._budget()

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
            logits += self._score_part(pairs[start : start + _AT_ONCE], progress)
        return logits

    def _score_part(self, pairs: Sequence[Pair], progress: Progress | None) -> list[float]:
        import torch

        rows = self._encoder.encode(pairs)
        batches = list(token_batches([len(ids) for ids, _ in rows], self._batch_tokens))
        found = []
        for batch in batches:
            if self.by_hand:
                found += self._forward([rows[index] for index in batch])
            else:
                found.append(self._predict([pairs[index] for index in batch]))
            if progress is not None:
                progress(len(batch))
        values = torch.cat(found).float().cpu().tolist()  # the one moment to wait for the card
        logits = [math.nan] * len(pairs)
        for index, value in zip((index for batch in batches for index in batch), values, strict=True):
            logits[index] = value
        return logits

    def _forward(self, rows: Sequence[Row]) -> list[torch.Tensor]:
        """Logits of a batch, still on the device; a batch that the card has no room for is halved."""
        import torch

        network: Any = self._model.model  # typed as optional: there are sentence-transformers without a transformer
        try:
            columns = self._columns(rows)
            with self._lock, torch.inference_mode():
                return [network(**columns).logits.reshape(len(rows))]
        except torch.OutOfMemoryError:
            if len(rows) == 1:
                raise
            self._batch_tokens = max(1, self._batch_tokens // 2)
            half = len(rows) // 2
        return self._forward(rows[:half]) + self._forward(rows[half:])

    def _columns(self, rows: Sequence[Row]) -> dict[str, torch.Tensor]:
        """The rows as padded tensors on the device."""
        shape = (len(rows), max(len(ids) for ids, _ in rows))
        ids = np.full(shape, self._tokenizer.pad_token_id or 0, dtype=np.int64)
        mask, types = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        for place, (row, of_row) in enumerate(rows):
            ids[place, : len(row)], mask[place, : len(row)], types[place, : len(row)] = row, 1, of_row
        arrays = {"input_ids": ids, "attention_mask": mask} | ({"token_type_ids": types} if self._takes_types else {})
        return {name: self._to_device(array) for name, array in arrays.items()}

    def _to_device(self, array: np.ndarray[tuple[int, int], np.dtype[np.int64]]) -> torch.Tensor:
        import torch

        tensor = torch.from_numpy(array)
        if self._model.device.type != "cuda":
            return tensor.to(self._model.device)
        return tensor.pin_memory().to(self._model.device, non_blocking=True)

    def _predict(self, pairs: Sequence[Pair]) -> torch.Tensor:
        """Logits as sentence-transformers gives them, which tokenises the pairs itself."""
        import torch

        with self._lock:
            return self._model.predict(
                [(str(query), str(passage)) for query, passage in pairs],
                batch_size=len(pairs),
                activation_fn=torch.nn.Identity(),
                convert_to_tensor=True,
                show_progress_bar=False,
            ).reshape(len(pairs))

    def _scores_alike(self) -> bool:
        """Whether pairs put together by hand score as sentence-transformers scores them."""
        if not self._encoder.by_hand or getattr(self._tokenizer, "padding_side", "right") != "right":
            return False
        try:
            ours = self._forward(self._encoder.encode(_PROBES))[0]
        except (AttributeError, TypeError, ValueError, RuntimeError):  # a model that wants something else
            return False
        return bool(((ours - self._predict(_PROBES)).abs() < 1e-4).all())

    def _set_precision(self, dtype: Dtype) -> str:
        on_card = self._model.device.type == "cuda"
        if dtype != "auto" or not on_card:
            chosen = "float32" if dtype == "auto" else dtype
            self._convert(chosen)
            return chosen
        for chosen in ("float16", "bfloat16"):
            self._convert(chosen)
            if all(math.isfinite(logit) for logit in self._probe()):
                return chosen
        raise ModelError(f"{self.name} overflows in half precision: give dtype='float32'")

    def _convert(self, dtype: str) -> None:
        import torch

        self._model.to(getattr(torch, dtype))

    def _probe(self) -> list[float]:
        found = self._forward(self._encoder.encode(_PROBES)) if self.by_hand else [self._predict(_PROBES)]
        return [float(value) for part in found for value in part]

    def _budget(self) -> int:
        """Tokens of a batch: what keeps a processor's caches warm, or what a part of the card's free memory holds."""
        import torch

        if self._model.device.type == "cpu":
            return _CPU_BATCH_TOKENS
        if self._model.device.type != "cuda":
            return _GPU_BATCH_TOKENS
        free, _ = torch.cuda.mem_get_info(self._model.device)
        network: Any = self._model.model
        config = getattr(network, "config", None)
        width = max(getattr(config, "intermediate_size", 0), 4 * getattr(config, "hidden_size", 1024))
        # A layer's widest activation, in and out, and as much again for attention, eight times over to be safe.
        return max(_GPU_BATCH_TOKENS, min(_MOST_GPU_BATCH_TOKENS, free // (32 * 2 * width)))


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

    with loading(weights, instead=", or use 'offline'"):
        model: CrossEncoder = CrossEncoder(
            weights.source, device=device, trust_remote_code=trust_remote_code, model_kwargs=dict(SAFE)
        )
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
