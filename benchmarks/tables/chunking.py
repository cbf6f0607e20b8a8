"""Tables of the benchmark page about formats, structure and chunks."""

from __future__ import annotations

from benchmarks.tables.common import Found, Table, figure, grid


def chunking(found: Found) -> Table:
    """Show mean size, recall and precision of each system, by collection."""
    metrics = (
        "mean_tokens",
        "recall",
        "precision",
        "iou",
        "precision_omega",
        "recall@500",
        "recall@1000",
        "cpu_seconds",
    )
    systems = found["systems"]

    def cell(system: str, metric: str) -> str:
        if metric == "cpu_seconds":
            return figure(systems[system]["all"].get(metric), 1)
        value = systems[system]["all"][metric]
        return f"{value:.0f}" if metric == "mean_tokens" else f"{100 * value:.1f}"

    return grid(systems, metrics, cell)


def chunking_minus(found: Found) -> Table:
    """Show ours minus each other system, paired."""
    differences = found["differences"]
    metrics = list(next(iter(differences.values())))

    def cell(pair: str, metric: str) -> str:
        value = differences[pair][metric]
        return f"{100 * value['mean']:+.1f} [{100 * value['low']:.1f}, {100 * value['high']:.1f}]"

    return grid(differences, metrics, cell)


def cuad(found: Found) -> Table:
    """Show what of the experts' spans is kept and found, and the paired differences."""
    systems, differences = found["systems"], found["differences"]

    def cell(system: str, column: str) -> str:
        metric, _, minus = column.partition(": ")
        if not minus:
            value = systems[system][metric]
            return f"{value:.0f}" if metric == "mean_tokens" else f"{100 * value:.1f}"
        row = differences.get(f"DocumentAwareNodeParser - {system}", {}).get(metric)
        return f"{100 * row['mean']:+.1f} [{100 * row['low']:.1f}, {100 * row['high']:.1f}]" if row else ""

    metrics = ("whole", "recall@5", "kept@5")
    return grid(systems, ("mean_tokens", *metrics, *(f"{metric}: ours minus it" for metric in metrics)), cell)


def formats(found: Found) -> Table:
    """Show the share of files of each origin that were told right."""
    rows = [[name, str(row["n"]), f"{100 * row['right']:.1f}"] for name, row in found.items()]
    return [["files", "n", "right, %"], *rows]


def reading_speed(found: Found) -> Table:
    """Show the seconds of every reader on generated and on real text."""
    rows = found["seconds"]

    def cell(kind: str, column: str) -> str:
        return "" if rows[kind][column] is None else figure(rows[kind][column], 1)

    return grid(rows, ("generated", "real"), cell)


def structure(found: Found) -> Table:
    """Show blocks and heading paths kept, by system and format."""
    systems = found["systems"]
    formats = list(next(iter(systems.values())))
    return grid(systems, formats, lambda system, kind: f"{systems[system][kind]['whole']:.0%}")
