"""A reader that finds the answer's words in a passage, or says that they are not there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from llama_index_prod_rag.errors import ConfigurationError, ModelError
from llama_index_prod_rag.models.onnx_model import OnnxModel
from llama_index_prod_rag.models.pairs import Backend, Ruling, sigmoid
from llama_index_prod_rag.models.runtimes import SAFE, choose_runtime, loading
from llama_index_prod_rag.models.weights import Weights, find_weights
from llama_index_prod_rag.text.graphemes import replace_surrogates

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

_STARTS, _ENDS = "start_logits", "end_logits"
_OVERLAP = 4  # windows of a long passage share a fourth of their tokens
_LONGEST_QUESTION = 0.5  # of the window: a longer one leaves no room for the passage
_BEST = 20  # starts and ends that are paired, as the SQuAD evaluation of transformers does


class _Runtime(Protocol):
    tokenizer: Tokenizer
    max_tokens: int

    def spans(self, ids: Sequence[int], type_ids: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...


class ExtractiveReader:
    """Rules by an extractive question-answering model that was trained to abstain, such as one for SQuAD 2.

    A ruling is the probability that the best span beats the model's score for no answer (the null score: Devlin et
    al., "BERT", NAACL 2019, section 4.3), over all passages; its quote is that span. The `offline` extra has no such
    model.

    Args:
        model: hub name or folder, for example `"deepset/minilm-uncased-squad2"`.
        backend: `auto` takes ONNX weights where the folder or repository has them (outputs `start_logits` and
            `end_logits`), else torch.
        device: torch device; None lets torch run on the processor.
        threshold: logits by which the span has to beat no answer for a ruling of one half.
        longest: most tokens of a span, at least 1.

    Raises:
        ConfigurationError: `longest` below 1, or a backend that does not exist.
        MissingExtraError: the `onnx` or `torch` extra is not installed.
        ModelError: the model cannot be found, or it has no start and end for a span.
    """

    def __init__(
        self,
        model: str | Path,
        *,
        backend: Backend = "auto",
        device: str | None = None,
        threshold: float = 0.0,
        longest: int = 30,
    ) -> None:
        if longest < 1:
            raise ConfigurationError(f"longest={longest}: a span has at least one token")
        settings: dict[str, Any] = {"backend": backend, "device": device, "threshold": threshold, "longest": longest}
        self._make_again: Callable[[], ExtractiveReader] = partial(ExtractiveReader, model, **settings)
        weights = find_weights(model, "cross-encoder")
        runtime = choose_runtime(weights, backend, needed_for=f"the reader {weights.name}", device=device)
        self._runtime: _Runtime = _Onnx(weights) if runtime == "onnx" else _Torch(weights, device or "cpu")
        self._threshold, self._longest = threshold, longest
        self._lock = Lock()  # the tokenizer's truncation is a setting of it

    def __reduce__(self) -> tuple[Callable[[], ExtractiveReader], tuple[()]]:
        """Let a copy load the model itself."""
        return self._make_again, ()

    def __call__(self, question: str, passages: Sequence[str]) -> Ruling:
        """Rule on one question."""
        found = [self._read(question, passage) for passage in passages if passage.strip()]
        if not found:
            return Ruling(0.0)
        best = max(found, key=lambda span: span.margin)
        return Ruling(sigmoid(best.margin - self._threshold), best.text)

    def _read(self, question: str, passage: str) -> _Span:
        """The best span of a passage: by how much it beats no answer, which every window may give."""
        spans, nulls = [], []
        for window in self._windows(question, passage):
            starts, ends = self._runtime.spans(window.ids, window.type_ids)
            nulls.append(float(starts[0] + ends[0]))
            spans.append(self._best(window, starts, ends, passage))
        best = max(spans, key=lambda span: span.margin)
        return _Span(best.margin - min(nulls), best.text)

    def _best(self, window: Encoding, starts: NDArray[np.float32], ends: NDArray[np.float32], passage: str) -> _Span:
        places = [place for place, side in enumerate(window.sequence_ids) if side == 1]
        likely_starts = sorted(places, key=lambda place: -starts[place])[:_BEST]
        likely_ends = sorted(places, key=lambda place: -ends[place])[:_BEST]
        pairs = [
            (float(starts[start] + ends[end]), start, end)
            for start in likely_starts
            for end in likely_ends
            if start <= end < start + self._longest
        ]
        if not pairs:
            return _Span(-np.inf, "")
        score, start, end = max(pairs)
        return _Span(score, passage[window.offsets[start][0] : window.offsets[end][1]])

    def _windows(self, question: str, passage: str) -> list[Encoding]:
        tokenizer, size = self._runtime.tokenizer, self._runtime.max_tokens
        asked, text = replace_surrogates(question), replace_surrogates(passage)
        with self._lock:
            tokenizer.no_truncation()
            offsets = tokenizer.encode(asked, add_special_tokens=False).offsets[: max(1, int(size * _LONGEST_QUESTION))]
            asked = asked[: offsets[-1][1]] if offsets else asked
            tokenizer.enable_truncation(size, stride=max(1, size // (2 * _OVERLAP)), strategy="only_second")
            first = tokenizer.encode(asked, text)
        return [first, *first.overflowing]


@dataclass(frozen=True, slots=True)
class _Span:
    margin: float
    text: str


class _Onnx:
    def __init__(self, weights: Weights) -> None:
        self._model = OnnxModel(weights)
        self.tokenizer, self.max_tokens = self._model.tokenizer, self._model.max_tokens
        if not {_STARTS, _ENDS} <= self._model.outputs.keys():
            raise ModelError(
                f"{weights.name} gives {', '.join(self._model.outputs)}: a reader gives {_STARTS} and {_ENDS}"
            )

    def spans(self, ids: Sequence[int], type_ids: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        starts, ends = self._model.run_outputs(ids, type_ids, [_STARTS, _ENDS])
        return starts[0], ends[0]


class _Torch:
    def __init__(self, weights: Weights, device: str) -> None:
        from transformers import AutoModelForQuestionAnswering, AutoTokenizer

        options: dict[str, Any] = {"local_files_only": weights.local, "trust_remote_code": False}
        with loading(weights):
            model = AutoModelForQuestionAnswering.from_pretrained(weights.source, **options, **SAFE)
            self._model = model.to(device).eval()
            loaded = AutoTokenizer.from_pretrained(weights.source, **options)
        if not loaded.is_fast:
            raise ModelError(f"{weights.name} has no fast tokenizer: save it with tokenizer.json")
        self.tokenizer = loaded.backend_tokenizer
        self.tokenizer.no_padding()
        positions = getattr(self._model.config, "max_position_embeddings", loaded.model_max_length)
        self.max_tokens = int(min(positions, loaded.model_max_length))
        self._types = "token_type_ids" in loaded.model_input_names
        self._device = device

    def spans(self, ids: Sequence[int], type_ids: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        import torch

        rows = {"input_ids": [ids], "attention_mask": [[1] * len(ids)]}
        if self._types:
            rows["token_type_ids"] = [type_ids]
        with torch.inference_mode():
            output = self._model(**{name: torch.tensor(row, device=self._device) for name, row in rows.items()})
        return output.start_logits[0].float().cpu().numpy(), output.end_logits[0].float().cpu().numpy()
