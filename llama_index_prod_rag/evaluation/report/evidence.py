"""Whether scores and confidence know if the documents hold the answer: what the charts of a report are drawn from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from llama_index_prod_rag.evaluation.cases import Case
from llama_index_prod_rag.evaluation.selective import reliability, risk_coverage
from llama_index_prod_rag.significance import auroc

_POINTS = 200  # more points on a curve than its picture has pixels to show
_BINS = 20
_ANSWERS = ("answer", "hedge", None)  # the last: no gate decided


@dataclass(frozen=True, slots=True)
class Split:
    """Questions in two halves, of which a good score knows which is which.

    Attributes:
        by: `"evidence"` where labels say of both kinds whether the documents can answer them: a right refusal then
            counts among those that they cannot. Else `"verdict"`: whether what was answered went right; a refusal has
            no answer and is left out.
        cases: the questions.
        yes: of each, whether it belongs to the half that should score higher.
    """

    by: Literal["evidence", "verdict"]
    cases: tuple[Case, ...]
    yes: tuple[bool, ...]

    def scored(self, scores: Sequence[float | None]) -> tuple[list[float], list[bool]]:
        """Keep the questions that have a score, a finite number."""
        kept = [(s, yes) for s, yes in zip(scores, self.yes, strict=True) if s is not None and math.isfinite(s)]
        return [score for score, _ in kept], [yes for _, yes in kept]


def split_cases(cases: Sequence[Case]) -> Split:
    """Divide questions by whether the documents hold their answer, or else by whether the answer went right.

    Examples:
        >>> cases = [Case(query_id="1", answerable=True, good=False), Case(query_id="2", answerable=False, good=True)]
        >>> split_cases(cases).by, split_cases(cases).yes, split_cases(cases[:1]).by
        ('evidence', (True, False), 'verdict')
    """
    known = [case for case in cases if case.answerable is not None]
    if {True, False} <= {case.answerable for case in known}:
        return Split("evidence", tuple(known), tuple(bool(case.answerable) for case in known))
    answered = [case for case in cases if case.good is not None and case.decision in _ANSWERS]
    return Split("verdict", tuple(answered), tuple(bool(case.good) for case in answered))


def confidence_numbers(split: Split) -> dict[str, Any]:
    """What the confidence is worth: its histograms, the risk-coverage curve, and how well it is calibrated."""
    confidences, yes = split.scored([case.confidence for case in split.cases])
    if not confidences:
        return {"confidences": None, "risk_coverage": None, "reliability": None}
    curve = risk_coverage(confidences, yes)
    keep = np.unique(np.linspace(0, len(curve.coverage) - 1, _POINTS).astype(int)).tolist()
    probabilities = min(confidences) >= 0.0 and max(confidences) <= 1.0  # an uncalibrated score is not one
    return {
        "confidences": histogram("confidence", confidences, yes, ends=(0.0, 1.0) if probabilities else None),
        "risk_coverage": {
            "n": len(confidences),
            "points": [[curve.coverage[i], curve.risk[i], curve.thresholds[i]] for i in keep],
            "aurc": curve.aurc,
            "random": curve.random,
            "oracle": curve.oracle,
            "normalised": curve.normalized,
            "auroc": auroc(confidences, yes),
        },
        "reliability": asdict(reliability(confidences, yes)) if probabilities else None,
    }


def score_numbers(split: Split) -> list[dict[str, Any]]:
    """A histogram of each list's best score, for lists in which it varies and both halves have some."""
    lists = dict.fromkeys(name for case in split.cases for name in case.top_scores)
    rows = (histogram(name, *split.scored([case.top_scores.get(name) for case in split.cases])) for name in lists)
    return [row for row in rows if row is not None]


def histogram(
    name: str, scores: Sequence[float], yes: Sequence[bool], *, ends: tuple[float, float] | None = None
) -> dict[str, Any] | None:
    """Count the two halves by score.

    Args:
        name: of the score.
        scores: finite numbers.
        yes: of each, which half it is of.
        ends: of the axis; None leaves the outermost half a percent on either side out of sight.

    Returns:
        `list` (the name), `auroc`, `edges` of the bins, counts of both halves (`yes`, `no`) and their sums (`n_yes`,
        `n_no`); None where the score does not vary or one half is empty.
    """
    if all(yes) or not any(yes):
        return None
    low, high = ends or (float(value) for value in np.quantile(scores, [0.005, 0.995]))
    if not high > low:
        return None
    values, right = np.clip(scores, low, high), np.array(yes)
    edges = np.linspace(low, high, _BINS + 1)
    return {
        "list": name,
        "auroc": auroc(scores, yes),
        "n_yes": int(right.sum()),
        "n_no": int((~right).sum()),
        "edges": edges.tolist(),
        "yes": np.histogram(values[right], edges)[0].tolist(),
        "no": np.histogram(values[~right], edges)[0].tolist(),
    }
