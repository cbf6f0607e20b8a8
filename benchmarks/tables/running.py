"""Tables of the benchmark page about what a run costs."""

from __future__ import annotations

from benchmarks.tables.common import Found, Table, figure, grid


def flat(found: Found) -> Table:
    """Show a row per figure."""
    return [["figure", "value"], *([key, str(value)] for key, value in found.items())]


def stages(found: Found) -> Table:
    """Show milliseconds by stage."""
    return grid(found, ("p50_ms", "p95_ms"), lambda stage, column: figure(found[stage][column], 2))


def first_minutes(found: Found) -> Table:
    """Show seconds and memory by step."""
    columns = {"seconds": "wall_seconds", "processor seconds": "cpu_seconds", "peak MB": "peak_mb"}
    steps = found["steps"]
    return grid(steps, columns, lambda step, column: f"{steps[step][columns[column]]:.{0 if 'MB' in column else 1}f}")


def access_cost(found: Found) -> Table:
    """Show milliseconds without and with a policy, and what it adds, by size and part."""
    rows = {f"{size} chunks, {part}": row for size, parts in found["sizes"].items() for part, row in parts.items()}
    columns = {"without, ms": "without_ms", "with, ms": "with_ms", "added, %": "added_percent"}
    return grid(rows, columns, lambda row, column: figure(rows[row][columns[column]], 2))
