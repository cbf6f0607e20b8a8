"""The recommended assessor: a probability that was fitted to labels, and thresholds on it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import files

from llama_index_prod_rag.confidence.assessment import VERDICTS, RetrievalAssessment, Status, no_results
from llama_index_prod_rag.confidence.calibration import Calibration, Head
from llama_index_prod_rag.confidence.evidence import Evidence
from llama_index_prod_rag.confidence.fingerprint import fingerprint_of
from llama_index_prod_rag.confidence.reasons import describe
from llama_index_prod_rag.confidence.second_look import describe_ruling, weigh, weigh_untaught
from llama_index_prod_rag.confidence.signals import compute_signals, not_assessed, signal_named
from llama_index_prod_rag.confidence.watch import Watch, scale_groups

_logger = logging.getLogger(__name__)

_SIMILARITY = "similarity.passages"
_FEWEST_CANDIDATES = 10
_WORDS = ("coverage.", "missing.")
_MEND = "prod-rag calibrate --from-documents PATH --out gate.json, or calibrate_from_documents(...)"
_NAMES = {"pair": "the cross-encoder's scores", "vectors": "the similarity of embeddings"}
# Passages that repeat the question take others' places among those found; planted ones moved the probability by up to
# .07 on test questions of cranfield, so much more it takes to answer beside them.
_CROWDED = 0.1
_APART = -1.0  # standard deviations below the labelled questions' mean similarity from which a hedge is called drift


@lru_cache(maxsize=1)
def default_calibration() -> Calibration:
    """Load the calibration that ships with the package: a start, to be replaced by one from your own labels.

    It was fitted on train splits of public collections, for the offline models and legs named `dense` and `bm25`.
    Its confidences are rougher on other data and with other models, and it promises nothing.
    """
    text = files("llama_index_prod_rag.confidence").joinpath("default_calibration.json").read_text("utf-8")
    return Calibration.from_json(text)


@dataclass(frozen=True, slots=True)
class CalibratedAssessor:
    """Judges by the probability that the evidence is there.

    Below the head's `refuse_below` the status is `low_confidence`, from `answer_from` on `healthy`, between them
    `uncertain`, or `topic_drift` where the passages are unusually unlike each other. Where reranker, vectors or legs
    are missing, the calibration's head for what is left judges; if there is none, the status is `uncertain` and the
    confidence None.

    Scores of other models mean something else. Where the records name another embedder or reranker than the
    calibration's, or the last questions' scores lie outside of what it was fitted on, they are left out: what means the
    same everywhere (words, rarity, agreement of ranks) judges, `reasons` and `not_assessed` say so, and one warning in
    the log names the command that mends it.

    Args:
        calibration: from `calibrate`, `calibrate_from_documents` or `Calibration.load`; the shipped one by default.
        slice_of: what kind of question this is, by the names that the labels had (`Example.slice`), where thresholds
            were set for each: `lambda evidence: evidence.language`. None takes the shared thresholds.
    """

    calibration: Calibration = field(default_factory=default_calibration)
    slice_of: Callable[[Evidence], str] | None = None
    _watch: Watch = field(default_factory=Watch, init=False, repr=False, compare=False)

    def assess(self, evidence: Evidence) -> RetrievalAssessment:
        """Judge one question's retrieval with the first head of the calibration whose signals could be measured."""
        if not evidence.passages:
            return no_results(evidence)
        signals = compute_signals(evidence)
        foreign = self._find_foreign(evidence, signals)
        native = _leave_out(signals, foreign)
        missing = {**not_assessed(evidence), **foreign}
        usable = self.calibration.place(_select_comparable(evidence, native))
        head = self.calibration.head_for(usable)
        reasons = (*_name_left_out(foreign), *describe(evidence, native))
        if head is None:
            verdict = f"no calibration fits what was measured ({'; '.join(missing.values()) or 'few signals'})"
            return RetrievalAssessment("uncertain", None, signals, (verdict, *reasons), missing, VERDICTS["uncertain"])
        if self.slice_of is not None:
            head = head.of_slice(self.slice_of(evidence))
        if evidence.echoes:
            head = replace(head, answer_from=min(1.0, head.answer_from + _CROWDED))
        probability = self._weigh(head.probability(usable), evidence)
        status = _judge(head, probability, usable)
        reasons = (*_tell_ruling(evidence), _explain(head, status, probability), *reasons)
        verdict = next(iter(_tell_ruling(evidence)), VERDICTS[status])
        return RetrievalAssessment(status, probability, signals, reasons, missing, verdict, head.signals)

    def _weigh(self, probability: float, evidence: Evidence) -> float:
        if evidence.ruling is None:
            return probability
        if self.calibration.second_look is None:
            return weigh_untaught(probability, evidence.ruling)
        return weigh(self.calibration.second_look, probability, evidence.ruling)

    def _find_foreign(self, evidence: Evidence, signals: Mapping[str, float]) -> dict[str, str]:
        """Groups of signals that are on another scale than the calibration's -> why."""
        fitted = self.calibration.fingerprint
        found = fitted.differences(fingerprint_of(evidence)) if fitted else {}
        known = {group for _, group in scale_groups(signals)}
        if _is_long(evidence):
            # A second look at a question does not count twice.
            remember = evidence.ruling is None
            found = {**self._watch.find_foreign(signals, self.calibration.ranges, remember=remember), **found}
        found = {group: why for group, why in found.items() if group in known}
        for group, why in found.items():
            if self._watch.is_news(group):
                _logger.warning("judging without %s: %s. %s mends it", _NAMES.get(group, group), why, _MEND)
        return found


def _select_comparable(evidence: Evidence, signals: Mapping[str, float]) -> dict[str, float]:
    """The signals that mean here what they meant for the labelled questions.

    A handful of passages has no distribution that a best one could stand out from, legs that return all of them agree
    by necessity, and term frequencies over them are not statistics: what is left is the words and the best pair.
    """
    if _is_long(evidence):
        return dict(signals)
    return {name: value for name, value in signals.items() if (known := signal_named(name)) and known.short_lists}


def _is_long(evidence: Evidence) -> bool:
    return evidence.retrieval is None or len(evidence.retrieval.fused) >= _FEWEST_CANDIDATES


def _leave_out(signals: Mapping[str, float], foreign: Mapping[str, str]) -> dict[str, float]:
    left_out = {name for name, group in scale_groups(signals) if group in foreign}
    return {name: value for name, value in signals.items() if name not in left_out}


def _tell_ruling(evidence: Evidence) -> tuple[str, ...]:
    return () if evidence.ruling is None else (describe_ruling(evidence.ruling),)


def _name_left_out(foreign: Mapping[str, str]) -> tuple[str, ...]:
    """The groups that are left out, in one sentence; empty where none is."""
    if not foreign:
        return ()
    names = " and ".join(_NAMES.get(group, f"the scores of {group}") for group in foreign)
    return (f"judged without {names}: other models or scales than this gate was calibrated on",)


def _judge(head: Head, probability: float, signals: Mapping[str, float]) -> Status:
    if probability < head.refuse_below:
        return "low_confidence"
    if probability >= head.answer_from:
        return "healthy"
    return "topic_drift" if _are_unusually_apart(head, signals) else "uncertain"


def _explain(head: Head, status: Status, probability: float) -> str:
    """The verdict in figures; in words where words alone judge, whose probabilities are too rough to be read."""
    if all(name.startswith(_WORDS) for name in head.signals):
        return VERDICTS[status]
    chance = f"the chance that these passages hold the answer is {probability:.0%}"
    if status == "low_confidence":
        return f"{chance}, and below {head.refuse_below:.0%} it is refused"
    if status == "topic_drift":
        return f"{chance}, and they are about different things"
    return chance if status == "healthy" else f"{chance}, and from {head.answer_from:.0%} on it is answered"


def _are_unusually_apart(head: Head, signals: Mapping[str, float]) -> bool:
    if _SIMILARITY not in head.signals:
        return False
    place = head.signals.index(_SIMILARITY)
    return (signals[_SIMILARITY] - head.means[place]) / head.scales[place] < _APART
