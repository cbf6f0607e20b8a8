"""Any NLI cross-encoder of sentence-transformers as an `EntailmentJudge`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Lock

from llama_index_prod_rag.errors import ModelError
from llama_index_prod_rag.extras import require
from llama_index_prod_rag.models.pairs import Entailment
from llama_index_prod_rag.models.runtimes import SAFE, loading
from llama_index_prod_rag.models.weights import find_weights


class CrossEncoderNLI:
    """Judges whether a premise entails or contradicts a hypothesis.

    Args:
        model: hub name or folder of a sentence classifier with labels for entailment and contradiction, for example
            `"cross-encoder/nli-deberta-v3-xsmall"`. The `offline` extra has none.
        device: torch device; None lets sentence-transformers choose.
        batch_size: pairs per forward pass.

    Raises:
        MissingExtraError: the `torch` extra is not installed.
        ModelError: the model cannot be loaded, or its labels are not those of an NLI model.
    """

    def __init__(self, model: str | Path, *, device: str | None = None, batch_size: int = 16) -> None:
        self._make_again = partial(CrossEncoderNLI, model, device=device, batch_size=batch_size)
        weights = find_weights(model, "cross-encoder")
        require("sentence_transformers", needed_for=f"the NLI model {weights.name}", extra="torch")
        from sentence_transformers import CrossEncoder

        with loading(weights):
            self._model = CrossEncoder(
                weights.source,
                device=device,
                trust_remote_code=False,
                local_files_only=weights.local,
                model_kwargs=dict(SAFE),
            )
        self._entails, self._contradicts = _columns(self._model.config.id2label, weights.name)
        self._batch_size = batch_size
        self._lock = Lock()

    def __reduce__(self) -> tuple[Callable[[], CrossEncoderNLI], tuple[()]]:
        """Let a copy load the model itself."""
        return self._make_again, ()

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[Entailment]:
        """Give the probabilities for each (premise, hypothesis), in the order given."""
        if not pairs:
            return []
        with self._lock:
            rows = self._model.predict(
                list(pairs), batch_size=self._batch_size, apply_softmax=True, show_progress_bar=False
            )
        return [Entailment(float(row[self._entails]), float(row[self._contradicts])) for row in rows]


def _columns(labels: Mapping[int, str], model: str) -> tuple[int, int]:
    """Places of the two labels; models order them differently."""
    places = {
        kind: [number for number, name in labels.items() if kind in name.lower()] for kind in ("entail", "contra")
    }
    if any(len(found) != 1 for found in places.values()):
        raise ModelError(
            f"{model} has the labels {', '.join(labels.values())}: an NLI model has entailment and contradiction"
        )
    return int(places["entail"][0]), int(places["contra"][0])
