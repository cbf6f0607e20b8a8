"""The curve of a tuning over its grid of weights, as an image."""

from __future__ import annotations

from pathlib import Path

from llama_index_prod_rag.errors import MissingExtraError
from llama_index_prod_rag.fusion.tuning import Tuning


def profile(tuning: Tuning, leg: str) -> list[tuple[float, float]]:
    """The best mean nDCG@10 the labels allow at each weight of one leg, by weight; for two legs that is the curve."""
    best: dict[float, float] = {}
    for weights, value in tuning.curve:
        best[weights[leg]] = max(value, best.get(weights[leg], value))
    return sorted(best.items())


def plot_tuning(tuning: Tuning, path: Path) -> None:
    """Draw one line per leg, with its default and its tuned weight.

    Args:
        tuning: what to draw.
        path: image file; its ending decides the format.

    Raises:
        MissingExtraError: the `eval` extra is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("the plot of a tuning", extra="eval") from error
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for number, leg in enumerate(tuning.weights):
        weights, values = zip(*profile(tuning, leg), strict=True)
        axes.plot(weights, values, color=f"C{number}", label=leg)
        axes.axvline(tuning.default[leg], color=f"C{number}", linestyle=":", linewidth=1)
        axes.axvline(tuning.weights[leg], color=f"C{number}", linestyle="--", linewidth=1)
    axes.set(
        xlabel="weight of the leg (dotted: default, dashed: tuned)",
        ylabel="nDCG@10 on the labels",
        title=f"{tuning.labels} labelled questions; held out: {tuning.gain.mean:+.3f}"
        f" [{tuning.gain.low:+.3f}, {tuning.gain.high:+.3f}]",
    )
    axes.legend()
    figure.savefig(path)
