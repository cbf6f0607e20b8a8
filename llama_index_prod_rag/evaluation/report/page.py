"""Numbers to one self-contained HTML file: no script, no font, no picture from anywhere.

Everything that came from a document or a user is escaped by the template engine, and a content security policy in the
page forbids scripts and requests altogether, so that a passage cannot act even if a browser were fooled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup

from llama_index_prod_rag.errors import MissingExtraError
from llama_index_prod_rag.evaluation.report.charts import Line, line_chart, mirrored_histogram, reliability_chart
from llama_index_prod_rag.evaluation.report.numbers import Numbers

FEW = 10  # questions: the interval of a rate of fewer spans half of what is possible, and it is no headline


def render(numbers: Numbers) -> str:
    """Write the report as one HTML page.

    Args:
        numbers: from `report_numbers`.

    Raises:
        MissingExtraError: the `eval` extra is not installed.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise MissingExtraError("the report", extra="eval") from error
    environment = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=percent,
        rate=_rate_on_a_page,
        large=large,
        counted=counted,
        number=number,
        milliseconds=milliseconds,
        words=words,
    )
    return environment.get_template("report.html.j2").render(
        **numbers, charts=charts(numbers), halves=HALVES[numbers["split"]["by"]], few=FEW
    )


def write_report(numbers: Numbers, path: Path) -> None:
    """Write the page, or the same numbers as JSON.

    Args:
        numbers: from `report_numbers`.
        path: `.json` writes the numbers, anything else the page.
    """
    text = (
        json.dumps(numbers, ensure_ascii=False, indent=1, allow_nan=False)
        if path.suffix == ".json"
        else render(numbers)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    # A lone surrogate in a passage has no UTF-8 form.
    path.write_bytes(text.encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class _Halves:
    """What the two halves of the questions are called, and what is asked about them.

    Attributes:
        yes: the half that should have the higher scores.
        no: the other half.
        pair: what the higher score should go to.
        share: what a calibrated confidence is the share of.
        risk: what goes wrong when the most confident questions are answered.
        of: which questions these are.
    """

    yes: str
    no: str
    pair: str
    share: str
    risk: str
    of: str


HALVES = {
    "evidence": _Halves(
        yes="answer in the documents",
        no="answer not there",
        pair="a question that the documents answer",
        share="share with the answer there",
        risk="share without an answer there",
        of="all whose labels say whether the documents hold the answer",
    ),
    "verdict": _Halves(
        yes="went right",
        no="went wrong",
        pair="a right answer",
        share="share that went right",
        risk="share wrong",
        of="all that were answered and judged. Refusals are left out: which of them were right would take labels of "
        "questions that the documents answer and of questions that they do not",
    ),
}
"""By what `numbers["split"]["by"]` says."""


def charts(numbers: Numbers) -> dict[str, Any]:
    """The pictures of a report, by section; None where there are no numbers for one."""
    curve, bins, over_time = numbers["risk_coverage"], numbers["reliability"], numbers["trends"]
    halves, confidences = HALVES[numbers["split"]["by"]], numbers["confidences"]
    return {
        "confidences": _histogram("Confidence", confidences, halves) if confidences else None,
        "risk_coverage": _risk_coverage(curve, halves) if curve else None,
        "reliability": _reliability(bins["bins"], halves) if bins else None,
        "scores": [_histogram(f"Best score of {row['list']}", row, halves) for row in numbers["scores"]],
        "trends": _trends(over_time["points"]) if over_time and len(over_time["points"]) > 1 else None,
    }


def _histogram(what: str, row: Mapping[str, Any], halves: _Halves) -> Markup:
    up, down = (f"{halves.yes}, n = {row['n_yes']:,}", row["yes"]), (f"{halves.no}, n = {row['n_no']:,}", row["no"])
    return mirrored_histogram(
        f"{what}: {up[0]}, above; {down[0]}, below", row["edges"], up, down, x_label=what[0].lower() + what[1:]
    )


def _risk_coverage(curve: Mapping[str, Any], halves: _Halves) -> Markup:
    points = [(coverage, risk) for coverage, risk, _ in curve["points"]]
    top = max(0.05, *(risk for _, risk in points), curve["random"])
    lines = [
        Line("by confidence", points, "good"),
        Line("at random", [(0.0, curve["random"]), (1.0, curve["random"])], "muted"),
    ]
    return line_chart(
        f"The most confident questions first, {halves.risk}",
        lines,
        x_label="share of questions answered",
        y_label=halves.risk,
        x_range=(0.0, 1.0),
        y_range=(0.0, 1.0 if top >= 0.4 else 0.4 if top >= 0.2 else 0.2),
    )


def _reliability(bins: Sequence[Mapping[str, Any]], halves: _Halves) -> Markup:
    return reliability_chart(
        f"Of questions of each confidence, {halves.share}",
        [(row["confidence"], row["rate"]["mean"], row["rate"]["low"], row["rate"]["high"]) for row in bins],
        y_label=halves.share,
    )


def _trends(points: Sequence[Mapping[str, Any]]) -> Markup:
    seconds = [datetime.fromisoformat(point["start"]).timestamp() for point in points]
    ends = (points[0]["start"][:10], points[-1]["start"][:10])
    good = [(at, point["good"]["mean"]) for at, point in zip(seconds, points, strict=True) if point["good"]]
    refused = [(at, point["refused"]) for at, point in zip(seconds, points, strict=True)]
    return line_chart(
        "Share of judged questions that went right, and share of all questions refused, over time",
        [Line("went right", good, "good"), Line("refused", refused, "bad")],
        x_label="time",
        y_label="share",
        x_range=(seconds[0], seconds[-1]),
        x_ticks=[(seconds[0], ends[0]), (seconds[-1], ends[1])],
    )


def percent(value: float | None) -> str:
    """Write a share as a percentage that people can read.

    Examples:
        >>> percent(0.1234), percent(None)
        ('12.3 %', '–')
    """
    return "–" if value is None else f"{100 * value:.1f} %"


def rate(interval: Mapping[str, float] | None) -> str:
    """Write a rate with its interval so that people can read it.

    Examples:
        >>> rate({"mean": 0.5, "low": 0.25, "high": 0.75, "n": 12})
        '50.0 % (25.0 to 75.0), n = 12'
    """
    if interval is None:
        return "–"
    count = f", n = {interval['n']:,}" if "n" in interval else ""
    return f"{percent(interval['mean'])} ({100 * interval['low']:.1f} to {100 * interval['high']:.1f}){count}"


def _rate_on_a_page(interval: Mapping[str, float] | None) -> str:
    """The rate with its count in one piece: a phone breaks the line elsewhere."""
    return rate(interval).replace("n = ", "n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}")


def large(share: float | None, n: int) -> str:
    """Write a rate as large as a headline, or where it rests on too few, only its count.

    Examples:
        >>> large(0.25, 40), large(1.0, 1), large(0.5, 4)
        ('25.0 %', '1 of 1', '2 of 4')
    """
    if share is None or not n:
        return "\N{EN DASH}"
    return percent(share) if n >= FEW else f"{round(share * n)} of {n}"


def counted(count: int, noun: str) -> str:
    """Write how many things there are, in words that people read.

    Examples:
        >>> counted(1, "question"), counted(1200, "question")
        ('1 question', '1,200 questions')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def number(value: float | None, digits: int = 3) -> str:
    """A number for people; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def milliseconds(seconds: float | None) -> str:
    """Write a duration in the unit that people read best.

    Examples:
        >>> milliseconds(0.0123), milliseconds(2.5)
        ('12.3 ms', '2.50 s')
    """
    if seconds is None:
        return "–"
    return f"{seconds:.2f} s" if seconds >= 1.0 else f"{1000 * seconds:.1f} ms"


def words(identifier: str) -> str:
    """Write an identifier as the words it is made of.

    Examples:
        >>> words("lost_in_fusion")
        'lost in fusion'
    """
    return identifier.replace("_", " ")
