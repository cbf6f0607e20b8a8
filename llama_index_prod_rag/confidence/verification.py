"""Checks on an answer that is already written. Core: strings, and numbers that models gave.

They cannot show that an answer is right. They show sentences that nothing retrieved supports, numbers that stand in no
passage, contradictions that an NLI model sees, and how surprised the writer was by its own words.

Sources: support by words as the share of an answer sentence's terms in its best passage, ROUGE-1 precision (Lin, 2004;
AUROC .77 on SummaC: Zha et al., "AlignScore", ACL 2023); contradiction and entailment by sentence pairs: Laban et al.,
"SummaC" (TACL 2022); perplexity as uncertainty: Kuhn, Gal, Farquhar, "Semantic Uncertainty" (ICLR 2023).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from llama_index_prod_rag.errors import ConfigurationError, ScoringError
from llama_index_prod_rag.models.pairs import EntailmentJudge
from llama_index_prod_rag.text.languages import detect_language
from llama_index_prod_rag.text.terms import found_terms, numbers, term_set

_MARK = re.compile(r"\[\d+(?:,\s*\d+)*\]")
_ASSENT = "yes no yeah nope ja nein oui non si sure indeed correct right true false"  # words that stand in no passage


@dataclass(frozen=True, slots=True)
class CheckedSentence:
    """Holds what the checks found about one sentence of an answer.

    Attributes:
        text: the sentence.
        passage: id of the passage that supports it best; None when no passage shares a term with it.
        support: 0 to 1: probability of entailment by a passage, or share of its terms in the best one.
        contradiction: highest probability that a passage contradicts it; None without an NLI model.
        unfounded_numbers: numbers in it that stand in no passage and not in the question.
    """

    text: str
    passage: str | None
    support: float
    contradiction: float | None
    unfounded_numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """Holds what the checks found about a whole answer.

    Attributes:
        sentences: each sentence with something to check, in order.
        perplexity: of the answer's tokens; None without log-probabilities.
    """

    sentences: tuple[CheckedSentence, ...]
    perplexity: float | None = None

    @property
    def support(self) -> float | None:
        """Find the least supported sentence's support; None where there was nothing to check."""
        return min((sentence.support for sentence in self.sentences), default=None)

    @property
    def contradiction(self) -> float | None:
        """Find the highest probability of a contradiction."""
        found = [sentence.contradiction for sentence in self.sentences if sentence.contradiction is not None]
        return max(found, default=None)

    def to_json(self) -> dict[str, Any]:
        """Turn the findings into a dictionary that `json.dumps` can write."""
        return {
            "support": self.support,
            "contradiction": self.contradiction,
            "perplexity": self.perplexity,
            "sentences": [
                {
                    "text": sentence.text,
                    "passage": sentence.passage,
                    "support": sentence.support,
                    "contradiction": sentence.contradiction,
                    "unfounded_numbers": list(sentence.unfounded_numbers),
                }
                for sentence in self.sentences
            ],
        }


def perplexity(logprobs: Sequence[float]) -> float | None:
    """Exponential of the mean negative log-probability of the tokens; at least 1, None for no tokens.

    Examples:
        >>> perplexity([math.log(0.5), math.log(0.5)])
        2.0
    """
    return math.exp(-math.fsum(logprobs) / len(logprobs)) if logprobs else None


def verify(
    query: str,
    sentences: Sequence[str],
    passages: Mapping[str, str],
    *,
    judge: EntailmentJudge | None = None,
    logprobs: Sequence[float] = (),
    language: str | None = None,
) -> Verification:
    """Check an answer against the passages it was written from.

    Args:
        query: the question; its own words and numbers need no support.
        sentences: the answer's sentences, in order.
        passages: id -> text, best first.
        judge: an NLI model; without one support is the share of terms, and contradictions are not assessed.
        logprobs: natural log-probability of each token of the answer, where the model gave them.
        language: of answer and passages, as `Analyzer` takes it; None tells it from the passages.

    Raises:
        ScoringError: the NLI model returned another number of results, or one that is not a probability.

    Examples:
        >>> found = verify("How many?", ["It had 12 wings."], {"a": "It had two wings."})
        >>> found.sentences[0].unfounded_numbers, found.support
        (('12',), 0.5)
    """
    language = language or detect_language([*passages.values(), query])
    assent = term_set(_ASSENT, language)
    checkable = [sentence for sentence in sentences if term_set(sentence, language) - assent]
    terms_of = {id_: found_terms(text, language) for id_, text in passages.items()}
    asked = found_terms(query, language)
    stated = asked.union(*terms_of.values())
    if judge is not None:
        judged = _support_by_model(checkable, passages, judge)
    else:
        claims = [term_set(_drop_marks(sentence), language) - assent for sentence in checkable]
        judged = _support_by_words(asked, claims, terms_of)
    return Verification(
        tuple(
            CheckedSentence(
                sentence,
                passage,
                support,
                contradiction,
                tuple(sorted(numbers(_drop_marks(sentence), language) - stated)),
            )
            for sentence, (passage, support, contradiction) in zip(checkable, judged, strict=True)
        ),
        perplexity(logprobs),
    )


_Support: TypeAlias = tuple[str | None, float, float | None]


def _support_by_words(
    asked: frozenset[str], claims: Sequence[frozenset[str]], terms_of: Mapping[str, frozenset[str]]
) -> list[_Support]:
    found: list[_Support] = []
    for said in claims:
        # What the question already said says nothing about the answer, unless there is nothing else.
        claimed = (said - asked) or said
        shares = {id_: len(claimed & terms) / max(1, len(claimed)) for id_, terms in terms_of.items()}
        best = max(shares, key=lambda id_: shares[id_], default=None)
        share = shares[best] if best is not None else 0.0
        found.append((best if share > 0 else None, share, None))
    return found


def _support_by_model(sentences: Sequence[str], passages: Mapping[str, str], judge: EntailmentJudge) -> list[_Support]:
    pairs = [(text, sentence) for sentence in sentences for text in passages.values()]
    results = judge.judge(pairs) if pairs else []
    if len(results) != len(pairs) or not all(
        0.0 <= value <= 1.0 for result in results for value in (result.supports, result.contradicts)
    ):
        raise ScoringError("the NLI model must return one pair of probabilities for each pair of texts")
    found: list[_Support] = []
    for place in range(len(sentences)):
        mine = dict(zip(passages, results[place * len(passages) : (place + 1) * len(passages)], strict=True))
        best = max(mine, key=lambda id_: mine[id_].supports, default=None)
        against = max((result.contradicts for result in mine.values()), default=0.0)
        found.append((best, mine[best].supports if best is not None else 0.0, against))
    return found


def _drop_marks(sentence: str) -> str:
    """The sentence without citation marks such as [2], which are not numbers of the answer."""
    return _MARK.sub("", sentence)


@dataclass(frozen=True, slots=True)
class SupportPolicy:
    """Says which findings turn an answer into a hedge.

    Args:
        min_support: a sentence with less support than this, 0 to 1.
        max_contradiction: a contradiction at least this probable, 0 to 1; only assessed with an NLI model.
        max_perplexity: an answer more surprising to its writer than this; None never.
        numbers: whether a number that stands in no passage counts.

    Raises:
        ConfigurationError: a value is out of range.

    Examples:
        >>> found = verify("How many?", ["It had 12 wings."], {"a": "It had two wings."})
        >>> SupportPolicy().objection(found)
        'the number 12 stands in no passage'
    """

    min_support: float = 0.3
    max_contradiction: float = 0.8
    max_perplexity: float | None = None
    numbers: bool = True

    def __post_init__(self) -> None:
        if not (0 <= self.min_support <= 1 and 0 <= self.max_contradiction <= 1):
            raise ConfigurationError("min_support and max_contradiction must lie between 0 and 1")
        if self.max_perplexity is not None and not self.max_perplexity >= 1:
            raise ConfigurationError("max_perplexity must be at least 1, the perplexity of certainty")

    def objection(self, found: Verification) -> str | None:
        """Why not to rely on the answer, for people; None when nothing speaks against it."""
        for sentence in found.sentences:
            if self.numbers and sentence.unfounded_numbers:
                return f"the number {sentence.unfounded_numbers[0]} stands in no passage"
            if sentence.contradiction is not None and sentence.contradiction >= self.max_contradiction:
                return f"a passage contradicts it ({sentence.text!r})"
            if sentence.support < self.min_support:
                return f"no passage supports it ({sentence.text!r})"
        if self.max_perplexity is not None and found.perplexity is not None and found.perplexity > self.max_perplexity:
            return f"the model was unsure of its own words (perplexity {found.perplexity:.1f})"
        return None
