"""One more look before a hedge: what a judge's ruling is worth beside what the retrieval said. Core.

The ruling is one more signal, and it is weighed by a head of its own, whose first input is what the retrieval's head
said: rulings exist for hedges alone, so one head over everything could not be fitted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from llama_index_prod_rag.confidence.calibration import Head
from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.models.pairs import Ruling, sigmoid
from llama_index_prod_rag.text.printable import make_printable

BEFORE, RULING = "before.logit", "judge.answers"
"""Inputs of the head: the log-odds that the retrieval's head came to, and the ruling."""

_ODDS = 3.0  # a yes is three times likelier with the evidence than without: a rater that is right in 75 of 100 cases
HALF = 0.5
_SPREAD = 2.0  # standard deviation that the log-odds are given, so that those up to 6 are not cut

UNFITTED = Head(
    (BEFORE, RULING), means=(0.0, HALF), scales=(_SPREAD, HALF), weights=(_SPREAD, math.log(_ODDS)), intercept=0.0
)
"""Where labels begin to teach what a ruling is worth: with a rater of 75 % accuracy."""

# What a yes counts for of a judge that nobody measured. At three to one, a rater of 75 % accuracy cost up to .09 of
# precision and of the questions with evidence (train questions of five public sets); at this, with a no that refuses
# nothing, precision stays the same in the mean (worst -.02) and nothing more is refused.
_UNTAUGHT_ODDS = 1.5

_QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"'})
_AROUND = " \t\n\"'.,;:!?*`\u2026"


def weigh(head: Head, probability: float, ruling: float) -> float:
    """Compute the probability that the evidence is there after a ruling.

    Examples:
        >>> [round(weigh(UNFITTED, 0.5, ruling), 2) for ruling in (1.0, 0.5, 0.0)]
        [0.75, 0.5, 0.25]
    """
    return head.probability({BEFORE: log_odds(probability), RULING: ruling})


def weigh_untaught(probability: float, ruling: float) -> float:
    """Compute the same where no labels say what the judge is worth: its yes counts little, its no leaves the hedge.

    Examples:
        >>> [round(weigh_untaught(0.4, ruling), 2) for ruling in (1.0, 0.5, 0.0)]
        [0.5, 0.4, 0.4]
    """
    yes = max(0.0, (ruling - HALF) / HALF)
    return sigmoid(log_odds(probability) + yes * math.log(_UNTAUGHT_ODDS))


def log_odds(probability: float) -> float:
    """Compute the natural log-odds of a probability, finite at both ends."""
    inside = min(1.0 - 1e-6, max(1e-6, probability))
    return math.log(inside / (1.0 - inside))


def heed(ruling: Ruling, passages: Sequence[str]) -> float:
    """Take a ruling at its word where a passage holds its quote; otherwise it is a no.

    Case, blanks, kinds of quotation marks and what stands around the quote do not matter; it has to be whole words.

    Examples:
        >>> heed(Ruling(1.0, "in 1935"), ["Sweep was proposed  in 1935."]), heed(Ruling(1.0, "in 1936"), ["in 1935"])
        (1.0, 0.0)

    Raises:
        InputError: it is no ruling.
    """
    if not isinstance(ruling, Ruling):
        said = f"Ruling(answers, quote=...), not {type(ruling).__name__}"
        raise InputError(f"a judge of evidence returns a {said}: a yes counts with the words of a passage that answer")
    quote = _fold(ruling.quote).strip(_AROUND)
    if not any(map(str.isalnum, quote)):
        return 0.0
    whole = re.compile(rf"(?<!\w){re.escape(quote)}(?!\w)")
    return ruling.answers if any(whole.search(_fold(passage)) for passage in passages) else 0.0


def _fold(text: str) -> str:
    return " ".join(make_printable(text).translate(_QUOTES).casefold().split())


def describe_ruling(ruling: float) -> str:
    """Say what a ruling means, for people."""
    if ruling > HALF:
        return "a second look found an answer in the passages"
    return (
        "a second look found part of an answer" if ruling == HALF else "a second look found no answer in the passages"
    )
