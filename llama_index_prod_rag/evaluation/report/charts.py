"""Charts as inline SVG, drawn in the page's own colours so that light, dark and print need no second picture.

Each takes numbers and gives markup. Nothing in a chart is told by colour alone: lines differ in dashes, bars in
place, and the page puts the same numbers in a table beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

_WIDTH, _HEIGHT = 420, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 12, 44
_TICKS = 5

Style = Literal["good", "bad", "muted"]
"""Which of the page's colours and dashes a line has."""


@dataclass(frozen=True, slots=True)
class Line:
    """Describes one line of a chart: its points, its name and how it is drawn.

    Attributes:
        name: what the legend calls it.
        points: (x, y), in order of x.
        style: colour and dashes.
        steps: whether the value holds until the next point.
    """

    name: str
    points: Sequence[tuple[float, float]]
    style: Style
    steps: bool = False


@dataclass(frozen=True, slots=True)
class _Axes:
    """Maps values on the two axes to pixels of the picture."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float

    def x(self, value: float) -> float:
        span = (self.x_high - self.x_low) or 1.0
        return round(_LEFT + (value - self.x_low) / span * (_WIDTH - _LEFT - _RIGHT), 2)

    def y(self, value: float) -> float:
        span = (self.y_high - self.y_low) or 1.0
        return round(_HEIGHT - _BOTTOM - (value - self.y_low) / span * (_HEIGHT - _TOP - _BOTTOM), 2)


def line_chart(
    title: str,
    lines: Sequence[Line],
    *,
    x_label: str,
    y_label: str,
    x_range: tuple[float, float],
    y_range: tuple[float, float] = (0.0, 1.0),
    x_ticks: Sequence[tuple[float, str]] | None = None,
) -> Markup:
    """Draw lines over common axes as an inline picture.

    Args:
        title: what the picture shows, in a sentence; read out by screen readers.
        lines: at most a handful.
        x_label: below the horizontal axis.
        y_label: above the vertical axis.
        x_range: ends of the horizontal axis.
        y_range: ends of the vertical axis.
        x_ticks: places and words along the horizontal axis; None places five numbers.
    """
    axes = _Axes(*x_range, *y_range)
    ticks = x_ticks if x_ticks is not None else _number_ticks(*x_range)
    drawn = [_polyline(axes, line) for line in lines if line.points]
    return _svg(title, [_frame(axes, ticks, x_label, y_label), *drawn, _legend(lines)])


def reliability_chart(
    title: str, bins: Sequence[tuple[float, float, float, float]], *, y_label: str = "share that went right"
) -> Markup:
    """Rate over confidence with intervals, and the diagonal of a perfect confidence.

    Args:
        title: what the picture shows.
        bins: (mean confidence, rate, low, high), each in [0, 1].
        y_label: beside the vertical axis.
    """
    axes = _Axes(0.0, 1.0, 0.0, 1.0)
    parts = [
        _frame(axes, _number_ticks(0.0, 1.0), "confidence", y_label),
        _polyline(axes, Line("perfect", [(0.0, 0.0), (1.0, 1.0)], "muted")),
    ]
    for confidence, rate, low, high in bins:
        x = axes.x(confidence)
        parts.append(Markup('<path class="line good" d="M{0},{1}V{2}"/>').format(x, axes.y(low), axes.y(high)))
        parts.append(Markup('<circle class="dot good" cx="{0}" cy="{1}" r="4"/>').format(x, axes.y(rate)))
    return _svg(
        title,
        [*parts, _legend([Line("observed", [], "good"), Line("perfect", [], "muted")], top=_HEIGHT - _BOTTOM - 44)],
    )


def mirrored_histogram(
    title: str, edges: Sequence[float], up: tuple[str, Sequence[int]], down: tuple[str, Sequence[int]], *, x_label: str
) -> Markup:
    """Two histograms over the same values, one upwards and one downwards, each as shares of its own total.

    Args:
        title: what the picture shows.
        edges: bin edges, one more than bins.
        up: name and counts of what is drawn upwards.
        down: name and counts of what is drawn downwards.
        x_label: below the horizontal axis.
    """
    above, below = _shares(up[1]), _shares(down[1])
    top = 1.25 * max([*above, *below]) or 1.0  # the words above and below stand clear of the bars
    axes = _Axes(edges[0], edges[-1], -top, top)
    middle = axes.y(0.0)
    bars = []
    for i, (high, low) in enumerate(zip(above, below, strict=True)):
        x, width = axes.x(edges[i]) + 0.5, axes.x(edges[i + 1]) - axes.x(edges[i]) - 1.0
        bars.append(_bar("good", x, width, axes.y(high), middle))
        bars.append(_bar("bad", x, width, middle, axes.y(-low)))
    frame = _frame(axes, _number_ticks(edges[0], edges[-1]), x_label, "", y_ticks=())
    words = Markup(
        '<text class="note" x="{0}" y="24">{1} \N{UPWARDS ARROW}</text>'
        '<text class="note" x="{0}" y="{2}">{3} \N{DOWNWARDS ARROW}</text>'
    )
    return _svg(title, [frame, *bars, words.format(_LEFT + 6, up[0], _HEIGHT - _BOTTOM - 6, down[0])])


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts) or 1
    return [count / total for count in counts]


def _bar(style: Style, x: float, width: float, top: float, bottom: float) -> Markup:
    return Markup('<rect class="bar {0}" x="{1:.2f}" y="{2:.2f}" width="{3:.2f}" height="{4:.2f}"/>').format(
        style, x, top, max(width, 0.5), max(bottom - top, 0.0)
    )


def _svg(title: str, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg viewBox="0 0 {0} {1}" role="img" aria-label="{2}">{3}</svg>').format(
        _WIDTH, _HEIGHT, title, Markup("").join(parts)
    )


def _polyline(axes: _Axes, line: Line) -> Markup:
    moves = []
    for number, (x, y) in enumerate(line.points):
        if number == 0:
            moves.append(f"M{axes.x(x)},{axes.y(y)}")
        else:
            moves.append(f"H{axes.x(x)}V{axes.y(y)}" if line.steps else f"L{axes.x(x)},{axes.y(y)}")
    if len(line.points) == 1:
        (x, y) = line.points[0]
        return Markup('<circle class="dot {0}" cx="{1}" cy="{2}" r="4"/>').format(line.style, axes.x(x), axes.y(y))
    return Markup('<path class="line {0}" d="{1}"/>').format(line.style, "".join(moves))


def _frame(
    axes: _Axes,
    x_ticks: Sequence[tuple[float, str]],
    x_label: str,
    y_label: str,
    *,
    y_ticks: Sequence[tuple[float, str]] | None = None,
) -> Markup:
    parts = []
    for value, words in _number_ticks(axes.y_low, axes.y_high) if y_ticks is None else y_ticks:
        y = axes.y(value)
        parts.append(Markup('<path class="grid" d="M{0},{1}H{2}"/>').format(_LEFT, y, _WIDTH - _RIGHT))
        parts.append(Markup('<text x="{0}" y="{1}" text-anchor="end">{2}</text>').format(_LEFT - 6, y + 4, words))
    floor = _HEIGHT - _BOTTOM
    for place, (value, words) in enumerate(x_ticks):
        anchor = "start" if place == 0 else "end" if place == len(x_ticks) - 1 and place else "middle"
        parts.append(
            Markup('<text x="{0}" y="{1}" text-anchor="{2}">{3}</text>').format(
                axes.x(value), floor + 16, anchor, words
            )
        )
    parts.append(Markup('<path class="axis" d="M{0},{1}V{2}H{3}"/>').format(_LEFT, _TOP, floor, _WIDTH - _RIGHT))
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(
        Markup('<text class="label" x="{0}" y="{1}" text-anchor="middle">{2}</text>').format(
            middle, _HEIGHT - 8, x_label
        )
    )
    turned = Markup('<text class="label" transform="translate(11 {0}) rotate(-90)" text-anchor="middle">{1}</text>')
    parts.append(turned.format((_TOP + floor) / 2, y_label))
    return Markup("").join(parts)


def _legend(lines: Sequence[Line], *, top: float = _TOP) -> Markup:
    entry = Markup('<path class="line {0}" d="M{1},{2}h22"/><text x="{3}" y="{4}">{5}</text>')
    width = 14 + 7 * max(len(line.name) for line in lines) + 26
    left = _WIDTH - _RIGHT - width
    rows = [
        entry.format(line.style, left, top + 8 + 16 * row, left + 28, top + 12 + 16 * row, line.name)
        for row, line in enumerate(lines)
    ]
    back = Markup('<rect class="back" x="{0}" y="{1}" width="{2}" height="{3}"/>').format(
        left - 4, top, width + 4, 16 * len(lines)
    )
    return Markup('<g class="legend">{0}{1}</g>').format(back, Markup("").join(rows))


def _number_ticks(low: float, high: float) -> list[tuple[float, str]]:
    span = high - low
    decimals = 2 if span < 2 else 1 if span < 20 else 0
    values = [low + span * step / (_TICKS - 1) for step in range(_TICKS)]
    if (low, high) == (0.0, 1.0):
        return [(value, f"{value:.0%}") for value in values]
    return [(value, f"{value:.{decimals}f}") for value in values]
