"""What a written answer has in common with reference answers: exact match, token F1, ROUGE.

Each takes one answer and all references that would be right, and keeps the best. Sources: Rajpurkar et al., "SQuAD"
(EMNLP 2016) and its official script for normalisation, exact match and F1; Lin, "ROUGE" (2004), through the
`rouge-score` package. BERTScore is in `semantic.py`, because it needs a model.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from llama_index_prod_rag.errors import ConfigurationError, MissingExtraError

RougeName = Literal["rouge1", "rouge2", "rougeL"]
"""Unigrams, bigrams, longest common subsequence."""

AnswerMetric = Callable[[str, Sequence[str]], float]
"""An answer and its references -> value in [0, 1]."""

_ROUGE_NAMES: tuple[RougeName, ...] = ("rouge1", "rouge2", "rougeL")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize_answer(text: str) -> str:
    """Lower case, no ASCII punctuation, no English articles, single blanks: SQuAD's normalisation.

    Examples:
        >>> normalize_answer("The  U.S.  Army!")
        'us army'
    """
    lowered = text.lower().translate(_WITHOUT_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", lowered).split())


def exact_match(prediction: str, references: Sequence[str]) -> float:
    """1 when the normalised answer equals a normalised reference, else 0; 0 without references.

    Examples:
        >>> exact_match("the RNA interference", ["RNA interference", "RNAi"])
        1.0
    """
    answer = normalize_answer(prediction)
    return float(any(answer == normalize_answer(reference) for reference in references))


def token_f1(prediction: str, references: Sequence[str]) -> float:
    """Harmonic mean of precision and recall over normalised tokens, best reference; 0 without references.

    As in SQuAD 2.0's script, a text without tokens matches only another text without tokens.

    Examples:
        >>> round(token_f1("in Paris, France", ["Paris"]), 3)
        0.5
    """
    answer = normalize_answer(prediction).split()
    return max((_f1(answer, normalize_answer(reference).split()) for reference in references), default=0.0)


def _f1(answer: list[str], reference: list[str]) -> float:
    if not answer or not reference:
        return float(answer == reference)
    common = sum((Counter(answer) & Counter(reference)).values())
    return 2.0 * common / (len(answer) + len(reference))


def contains_answer(prediction: str, references: Sequence[str]) -> float:
    """1 when a normalised reference occurs in the normalised answer as whole words, else 0.

    The usual measure for answers in full sentences, which exact match calls wrong. It rewards an answer that lists
    everything, so read it next to token F1.

    Examples:
        >>> contains_answer("It was Paris.", ["Paris"]), contains_answer("Parisian", ["Paris"])
        (1.0, 0.0)
    """
    answer = f" {normalize_answer(prediction)} "
    wanted = (normalize_answer(reference) for reference in references)
    return float(any(text and f" {text} " in answer for text in wanted))


def rouge(prediction: str, references: Sequence[str]) -> dict[RougeName, float]:
    """ROUGE-1, ROUGE-2 and ROUGE-L F-measures with Porter stemming, each for its best reference.

    The tokens are runs of ASCII letters and digits, as in the original: a text in another script scores 0.

    Args:
        prediction: the answer.
        references: texts that would be right; without any, every value is 0.

    Returns:
        Name -> value in [0, 1].

    Raises:
        MissingExtraError: the `eval` extra is not installed.

    Examples:
        >>> rouge("the cat sat", ["a cat sat down"])["rouge2"]
        0.4
    """
    if not references:
        return dict.fromkeys(_ROUGE_NAMES, 0.0)
    scores = _rouge_scorer().score_multi(list(references), prediction)
    return {name: float(scores[name].fmeasure) for name in _ROUGE_NAMES}


@lru_cache(maxsize=1)
def _rouge_scorer() -> Any:  # noqa: ANN401 - rouge-score has no types
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError as error:
        raise MissingExtraError("ROUGE", extra="eval") from error
    return RougeScorer(list(_ROUGE_NAMES), use_stemmer=True)


def _rouge_metric(name: RougeName) -> AnswerMetric:
    return lambda prediction, references: rouge(prediction, references)[name]


ANSWER_METRICS: Mapping[str, AnswerMetric] = {
    "exact_match": exact_match,
    "token_f1": token_f1,
    "contains": contains_answer,
    **{name: _rouge_metric(name) for name in _ROUGE_NAMES},
}
"""Metrics of one answer by name, as the command line and the LlamaIndex evaluator take them."""


def answer_metric(name: str) -> AnswerMetric:
    """Look up an answer metric by its name.

    Raises:
        ConfigurationError: there is none of that name.
    """
    if name not in ANSWER_METRICS:
        raise ConfigurationError(f"unknown answer metric {name!r}: choose from {', '.join(ANSWER_METRICS)}")
    return ANSWER_METRICS[name]
