"""The tables of the first day and of the second look on the benchmark page."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.tables.common import Found, Table


def document_weights(found: Found) -> Table:
    """Show gains over the default by set."""
    rows = [
        [
            name,
            f"{row['strength']:.2f}",
            f"{row['left_out_weight']:.2f}",
            _gain(row["left_out_interval"]),
            _gain(row["shipped_interval"]),
            f"{row['labels_20']:+.3f}",
        ]
        for name, row in found["sets"].items()
    ]
    mean = found["mean"]
    rows.append(["mean", "", "", *(f"{mean[kind]:+.3f}" for kind in ("left_out", "shipped", "labels_20"))])
    return [["", "strength", "dense weight", "left out", "shipped", "20 labels"], *rows]


def day_one(found: Found) -> Table:
    """Show decisions by set, pipeline and calibration."""
    calibrations = ("raw", "shipped", "documents", "asked")
    rows = [
        [name, pipeline, *(_decisions(by[one]) for one in calibrations), ", ".join(by["shipped"]["warned"])]
        for name, pipelines in found["sets"].items()
        for pipeline, by in pipelines.items()
    ]
    held = [
        [
            "2 to 8 %",
            kind,
            *(f"{by[one]['within']} of {by[one]['cells']}, most {100 * by[one]['most']:.0f}" for one in calibrations),
            "",
        ]
        for kind, by in found["held"].items()
    ]
    return [["", "pipeline", *calibrations, "left out"], *rows, *held]


def _decisions(figures: Found) -> str:
    """Show what is refused with the evidence there, and shown; answered where it is, was taken out, and far."""
    refused = " / ".join(f"{100 * figures[kind]['refuse']:.0f}" for kind in ("there", "shown"))
    answered = " / ".join(f"{100 * figures[kind]['answer']:.0f}" for kind in ("there", "gone", "far"))
    return f"{refused}; {answered}"


def judge(found: Found) -> Table:
    """Show coverage and precision by set and judge."""
    rows = [
        [name, kind, *(f"{100 * row[column]:.0f}" for column in _JUDGED)]
        for name, judges in found["sets"].items()
        for kind, row in judges.items()
        if kind not in ("questions", "reads")
    ]
    return [["", "judge", *(column.replace("_", " ") for column in _JUDGED)], *rows]


_JUDGED = ("answered", "hedged", "refused", "precision", "false_refusals")


def reads(found: Found) -> Table:
    """Show what the offline language model made of hedges."""
    columns = ("hedges", "with_evidence", "no_verdict", "said_yes", "yes_with_a_true_quote", "right", "moved")
    rows = [[name, *(str(by["reads"][column]) for column in columns)] for name, by in found["sets"].items()]
    return [["", *(column.replace("_", " ") for column in columns)], *rows]


def promises(found: Found) -> Table:
    """Show the share of draws that promise both, by number of labels."""
    rows = [
        [f"{float(goal):.0%}", way, *(f"{100 * by['promised']:.0f}" for by in counts.values())]
        for goal, ways in found["goals"].items()
        for way, counts in ways.items()
    ]
    counts = next(iter(next(iter(found["goals"].values())).values()))
    return [["precision", "tested", *(f"{count} labels" for count in counts)], *rows]


def _gain(interval: Mapping[str, float]) -> str:
    return f"{interval['mean']:+.3f} [{interval['low']:+.3f}, {interval['high']:+.3f}]"
