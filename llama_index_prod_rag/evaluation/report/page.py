"""Numbers to one self-contained HTML file: no script, no font, no picture from anywhere.

Everything that came from a document or a user is escaped by the template engine, and a content security policy in the
page forbids scripts and requests altogether, so that a passage cannot act even if a browser were fooled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup

from llama_index_prod_rag.errors import MissingExtraError
from llama_index_prod_rag.evaluation.report.charts import Line, line_chart, mirrored_histogram, reliability_chart
from llama_index_prod_rag.evaluation.report.numbers import Numbers


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
        percent=percent, rate=rate, counted=counted, number=number, milliseconds=milliseconds, words=words
    )
    return environment.get_template("report.html.j2").render(**numbers, charts=charts(numbers))


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


def charts(numbers: Numbers) -> dict[str, Any]:
    """The pictures of a report, by section; None where there are no numbers for one."""
    curve, bins, over_time = numbers["risk_coverage"], numbers["reliability"], numbers["trends"]
    return {
        "risk_coverage": _risk_coverage(curve) if curve else None,
        "reliability": _reliability(bins["bins"]) if bins else None,
        "scores": [
            mirrored_histogram(
                f"Best score of {row['list']}, questions that went right above and wrong below",
                row["edges"],
                row["good"],
                row["bad"],
            )
            for row in numbers["scores"]
        ],
        "trends": _trends(over_time["points"]) if over_time and len(over_time["points"]) > 1 else None,
    }


def _risk_coverage(curve: Mapping[str, Any]) -> Markup:
    points = [(coverage, risk) for coverage, risk, _ in curve["points"]]
    top = max(0.05, *(risk for _, risk in points), curve["random"])
    lines = [
        Line("by confidence", points, "good"),
        Line("at random", [(0.0, curve["random"]), (1.0, curve["random"])], "muted"),
    ]
    return line_chart(
        "Share of wrong answers as more questions are answered, most confident first",
        lines,
        x_label="share of questions answered",
        y_label="share wrong",
        x_range=(0.0, 1.0),
        y_range=(0.0, 1.0 if top >= 0.4 else 0.4 if top >= 0.2 else 0.2),
    )


def _reliability(bins: Sequence[Mapping[str, Any]]) -> Markup:
    return reliability_chart(
        "How often questions of each confidence went right",
        [(row["confidence"], row["rate"]["mean"], row["rate"]["low"], row["rate"]["high"]) for row in bins],
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
        >>> rate({"mean": 0.5, "low": 0.25, "high": 0.75})
        '50.0 % (25.0 to 75.0)'
    """
    if interval is None:
        return "–"
    return f"{percent(interval['mean'])} ({100 * interval['low']:.1f} to {100 * interval['high']:.1f})"


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
