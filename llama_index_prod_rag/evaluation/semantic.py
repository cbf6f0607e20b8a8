"""BERTScore: how well the tokens of an answer and of a reference match in a language model's hidden states.

Source: Zhang et al., "BERTScore" (ICLR 2020), computed by the `bert-score` package, whose version 0.3.13 crashes on an
empty text with transformers 5, returns NaN where inverse document frequencies weigh every token 0, and can leave out
baseline rescaling without saying so. Each is guarded here.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from llama_index_prod_rag.errors import ConfigurationError, InputError, MissingExtraError
from llama_index_prod_rag.models.runtimes import loading
from llama_index_prod_rag.models.weights import MINILM, find_weights


class BertScore(NamedTuple):
    """Holds the BERTScore of one answer against its reference.

    Attributes:
        precision: how well the answer's tokens are matched by the reference, at most 1.
        recall: how well the reference's tokens are matched by the answer, at most 1.
        f1: their harmonic mean. Unscaled scores of real sentences crowd together near the top; compare systems on
            the same model and layer only.
    """

    precision: float
    recall: float
    f1: float


_NOTHING = BertScore(0.0, 0.0, 0.0)


class BertScorer:
    """Scores answers with an encoder's hidden states.

    Args:
        model: a hub name, a folder, or `"all-MiniLM-L6-v2"`; it is run in torch.
        layer: which layer's states to compare; None takes the last.
        idf_texts: weigh tokens by their inverse document frequency in these texts, usually all references; None
            weighs them alike.
        baseline: CSV file with a row `layer,P,R,F` a layer, as bert-score ships them; scores are rescaled so that the
            baseline becomes 0, and can then be negative. None leaves them as they are.
        batch_size: texts encoded at once.

    Raises:
        MissingExtraError: the `torch` extra is not installed.
        ModelError: the weights cannot be found.
        ConfigurationError: the layer or its baseline does not exist.
    """

    def __init__(
        self,
        model: str | Path = MINILM,
        *,
        layer: int | None = None,
        idf_texts: Sequence[str] | None = None,
        baseline: Path | None = None,
        batch_size: int = 32,
    ) -> None:
        try:
            from bert_score import utils
        except ImportError as error:
            raise MissingExtraError("BERTScore", extra="torch") from error
        from transformers import AutoConfig

        weights = find_weights(model, "embedding")
        source = weights.source
        with loading(weights):
            layers = AutoConfig.from_pretrained(source).num_hidden_layers
        self.layer = layers if layer is None else layer
        if not 1 <= self.layer <= layers:
            raise ConfigurationError(f"layer {self.layer} does not exist: {model} has 1 to {layers}")
        self._baseline = read_baseline(baseline, self.layer) if baseline is not None else None
        self._batch_size = batch_size
        with loading(weights):
            self._model = utils.get_model(source, self.layer)
            self._tokenizer = utils.get_tokenizer(source)
        alike: defaultdict[int, float] = defaultdict(lambda: 1.0)
        alike.update({self._tokenizer.cls_token_id: 0.0, self._tokenizer.sep_token_id: 0.0})
        self._alike: Mapping[int, float] = alike
        # No worker processes: they would each load torch again.
        self._weights = self._alike if idf_texts is None else self._idf([text for text in idf_texts if text.strip()])

    def _idf(self, texts: list[str]) -> Mapping[int, float]:
        from bert_score.utils import get_idf_dict

        weights: Mapping[int, float] = get_idf_dict(texts, self._tokenizer, nthreads=0)
        return weights

    def score(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> list[BertScore]:
        """Score answers, each against all its references; the reference with the best F1 counts.

        An empty answer, or one with nothing but empty references, scores 0. Where inverse document frequencies leave
        a text without any weight, its tokens weigh alike.

        Args:
            predictions: the answers.
            references: for each answer, the texts that would be right.

        Raises:
            InputError: the two lists differ in length.
        """
        if len(predictions) != len(references):
            raise InputError(f"{len(predictions)} answers but {len(references)} lists of references")
        pairs = [
            (row, answer, reference)
            for row, (answer, group) in enumerate(zip(predictions, references, strict=True))
            for reference in group
            if answer.strip() and reference.strip()
        ]
        best = [_NOTHING] * len(predictions)
        scored: dict[int, list[BertScore]] = {}
        texts = [(answer, reference) for _, answer, reference in pairs]
        for (row, _, _), score in zip(pairs, self._score_pairs(texts), strict=True):
            scored.setdefault(row, []).append(score)
        for row, scores in scored.items():
            best[row] = max(scores, key=lambda score: score.f1)
        return best

    def _score_pairs(self, pairs: list[tuple[str, str]]) -> list[BertScore]:
        rows = self._run(pairs, self._weights)
        weightless = [row for row, values in enumerate(rows) if not all(map(math.isfinite, values))]
        for row, values in zip(weightless, self._run([pairs[row] for row in weightless], self._alike), strict=True):
            rows[row] = values if all(map(math.isfinite, values)) else (0.0, 0.0, 0.0)
        return [self._rescale(values) for values in rows]

    def _run(self, pairs: list[tuple[str, str]], weights: Mapping[int, float]) -> list[tuple[float, float, float]]:
        if not pairs:
            return []
        from bert_score.utils import bert_cos_score_idf

        answers, references = [answer for answer, _ in pairs], [reference for _, reference in pairs]
        scores: Any = bert_cos_score_idf(
            self._model, references, answers, self._tokenizer, weights, batch_size=self._batch_size, device="cpu"
        )
        return [_recompute_f1(*row) for row in scores.tolist()]

    def _rescale(self, values: tuple[float, float, float]) -> BertScore:
        if self._baseline is not None:
            values = tuple(  # type: ignore[assignment]
                (value - low) / (1.0 - low) for value, low in zip(values, self._baseline, strict=True)
            )
        return BertScore(*(min(1.0, value) for value in values))  # rounding can pass 1 by a float32 step


def _recompute_f1(precision: float, recall: float, f1: float) -> tuple[float, float, float]:
    # The library writes F1 0 where precision or recall is NaN, which would hide the fault from the caller.
    if math.isfinite(precision) and math.isfinite(recall):
        return precision, recall, f1
    return precision, recall, math.nan


def read_baseline(path: Path, layer: int) -> tuple[float, float, float]:
    """Precision, recall and F1 of unrelated texts at one layer, from bert-score's file format.

    Raises:
        ConfigurationError: the file or the layer's row is missing or malformed.
    """
    if not path.is_file():
        raise ConfigurationError(f"no baseline file at {path}: give one, or leave scores unscaled")
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            if row and row[0] == str(layer):
                try:
                    precision, recall, f1 = map(float, row[1:])
                except ValueError:
                    break
                return precision, recall, f1
    raise ConfigurationError(f"{path} has no row for layer {layer}: expected {layer},P,R,F")
