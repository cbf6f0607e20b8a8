"""Heads that turn signals into a probability, and their thresholds; as JSON, never as a pickle. Core.

A head is a logistic regression over standardised signals; from about a thousand labels on, its probabilities pass
through an isotonic curve (Platt, "Probabilistic Outputs for Support Vector Machines", 1999; Niculescu-Mizil and
Caruana, "Predicting Good Probabilities with Supervised Learning", ICML 2005, for the number of labels). A calibration
holds one head for each set of signals that a pipeline may offer, so that a missing reranker or vectors that were not
stored lead to another head and not to a guess.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from pydantic import TypeAdapter

from llama_index_prod_rag.checked_json import dump_checked, parse_checked
from llama_index_prod_rag.confidence.fingerprint import Fingerprint
from llama_index_prod_rag.confidence.scales import LEVELS, Quantiles, Scale
from llama_index_prod_rag.durable_files import write_whole
from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.models.pairs import sigmoid

CLIP = 3.0
"""Standard deviations at which signals are cut: one from another corpus must not drown the others."""

_FORMAT = 2
_WRITTEN = {"heads", "labels", "good", "promises", "fingerprint", "ranges", "reference", "scales"}


@dataclass(frozen=True, slots=True)
class Example:
    """Holds the signals of one question and whether its passages were good: a label to calibrate on.

    Attributes:
        signals: from `compute_signals`.
        good: whether a passage shown is evidence for an answer.
        slice: what kind of question it is, for thresholds of its own: a tenant, a language, a collection.
    """

    signals: Mapping[str, float]
    good: bool
    slice: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """Turns signals into the probability that the passages shown are evidence, by logistic regression.

    Attributes:
        signals: names of the signals it needs, all of them.
        means: mean of each in the labels.
        scales: standard deviation of each.
        weights: log-odds per standard deviation.
        intercept: log-odds where every signal is at its mean.
        curve: (raw, calibrated) probability at the isotonic curve's corners; empty without one.
        refuse_below: probabilities below this are `low_confidence`.
        answer_from: probabilities from here on are `healthy`.
        by_slice: kind of question -> its own two thresholds; the others share those above.
        auroc: how well it ranked questions that it was not fitted on (cross-validated).
        auroc_error: standard error of that, from the number of labels of each kind.
    """

    signals: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float
    curve: tuple[tuple[float, float], ...] = ()
    refuse_below: float = 0.25
    answer_from: float = 0.5
    auroc: float | None = None
    auroc_error: float | None = None
    by_slice: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def of_slice(self, name: str) -> Head:
        """Give the head with the thresholds of a kind of question."""
        if name not in self.by_slice:
            return self
        refuse_below, answer_from = self.by_slice[name]
        return replace(self, refuse_below=refuse_below, answer_from=answer_from)

    def fits(self, signals: Mapping[str, float]) -> bool:
        """Whether every signal it needs was measured."""
        return all(name in signals for name in self.signals)

    def probability(self, signals: Mapping[str, float]) -> float:
        """Compute the probability, 0 to 1, that the evidence is there.

        Raises:
            KeyError: a signal is missing; ask `fits` first.
        """
        raw = sigmoid(self.intercept + math.fsum(self.contributions(signals).values()))
        return _interpolate(raw, self.curve) if self.curve else raw

    def contributions(self, signals: Mapping[str, float]) -> dict[str, float]:
        """Compute what each signal adds to the log-odds, compared with the average labelled question."""
        return {
            name: weight * max(-CLIP, min(CLIP, (signals[name] - mean) / scale))
            for name, mean, scale, weight in zip(self.signals, self.means, self.scales, self.weights, strict=True)
        }


@dataclass(frozen=True, slots=True)
class Calibration:
    """Heads for what a pipeline may offer, and where they come from.

    Attributes:
        heads: the one with most signals first.
        labels: how many labelled questions.
        good: how many of them had their evidence.
        promises: what is guaranteed, in words; for each head of its own thresholds.
        note: what these labels were.
        fingerprint: the pipeline it is for; None where nobody said, and then nothing is compared with it.
        ranges: signal -> its distribution in that pipeline; what lies far outside is on another scale.
        reference: signal -> its distribution over questions written from documents, in the pipeline that the heads
            were fitted in; what `calibrate_from_documents` matches another pipeline with.
        scales: signal -> from this pipeline's values to those of the heads; empty where they are the same.
        far: signals of questions about something else, on the heads' scales: labels hardly ever hold any, and
            `calibrate` keeps what is fitted to labels from forgetting them.
        second_look: weighs what the head said against a judge's ruling; None where no labels had one.
    """

    heads: tuple[Head, ...]
    labels: int
    good: int
    promises: tuple[str, ...] = ()
    note: str = ""
    fingerprint: Fingerprint | None = None
    ranges: Mapping[str, Quantiles] = field(default_factory=dict, repr=False)
    reference: Mapping[str, Quantiles] = field(default_factory=dict, repr=False)
    scales: Mapping[str, Scale] = field(default_factory=dict, repr=False)
    second_look: Head | None = None
    far: tuple[Mapping[str, float], ...] = field(default=(), repr=False)

    def place(self, signals: Mapping[str, float]) -> dict[str, float]:
        """Place the signals that have a scale on the reference's, where the heads know them."""
        return {name: self.scales[name].place(x) if name in self.scales else x for name, x in signals.items()}

    def head_for(self, signals: Mapping[str, float]) -> Head | None:
        """Find the first head whose signals were all measured."""
        return next((head for head in self.heads if head.fits(signals)), None)

    def to_json(self) -> str:
        """Write the calibration as JSON with one value per line, so that two versions can be compared."""
        return dump_checked({"format": _FORMAT, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """Read a calibration from what `to_json` wrote.

        Raises:
            ConfigurationError: this is not a calibration, or it is one of another version.
        """
        try:
            data = parse_checked(text)
            if data.pop("format") != _FORMAT:
                raise ConfigurationError("this calibration was written by another version: calibrate again")
            if missing := _WRITTEN - data.keys():
                raise ValueError(f"{', '.join(sorted(missing))} missing")
            return _check(TypeAdapter(cls).validate_python(data))
        except ConfigurationError:
            raise
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise ConfigurationError(f"this is not a calibration: {error!r}. Write one with `calibrate`") from None

    def save(self, path: Path) -> None:
        """Write the calibration to a file as JSON; an existing file is replaced, as a whole or not at all."""
        write_whole(path, self.to_json() + "\n")

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Read a calibration from a file that `save` wrote.

        Raises:
            ConfigurationError: the file is missing, damaged or no calibration; the message names it.
        """
        if not path.is_file():
            raise ConfigurationError(f"no calibration at {path}: write one with `calibrate(...).save(path)`")
        try:
            return cls.from_json(path.read_bytes().decode("utf-8"))
        except (ConfigurationError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path} cannot be read: {error}; restore it, or calibrate again") from None


def _check(calibration: Calibration) -> Calibration:
    """The same, whose parts fit together.

    Raises:
        ValueError: they do not.
    """
    for head in (*calibration.heads, *filter(None, [calibration.second_look])):
        lengths = {len(part) for part in (head.signals, head.means, head.scales, head.weights)}
        if len(lengths) != 1 or not all(scale > 0.0 for scale in head.scales) or not _rises(head.curve):
            raise ValueError(f"the head of {', '.join(head.signals)} does not fit together")
    ends = [known for scale in calibration.scales.values() for known in (scale.own, scale.reference)]
    for known in (*calibration.ranges.values(), *calibration.reference.values(), *ends):
        if len(known) != len(LEVELS) or not _rises(known):
            raise ValueError(f"a distribution has {len(LEVELS)} rising values")
    return calibration


def _rises(values: Sequence[float] | Sequence[tuple[float, float]]) -> bool:
    return list(values) == sorted(values)


def _interpolate(x: float, curve: tuple[tuple[float, float], ...]) -> float:
    place = bisect_right(curve, x, key=lambda corner: corner[0])
    if place == 0:
        return curve[0][1]
    if place == len(curve):
        return curve[-1][1]
    (left, low), (right, high) = curve[place - 1], curve[place]
    return low + (high - low) * (x - left) / (right - left)
