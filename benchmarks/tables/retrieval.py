"""Tables of the benchmark page about finding passages."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.tables.common import Found, Table, figure, grid, interval


def hybrid(found: Found) -> Table:
    """Show nDCG@10 by system and collection."""
    sets = found["sets"]
    systems = next(iter(sets.values()))["nDCG@10"]
    return grid(systems, sets, lambda system, name: interval(sets[name]["nDCG@10"][system]))


def hybrid_minus(found: Found) -> Table:
    """Show the hybrid minus each other system, paired."""
    sets = found["sets"]
    systems = next(iter(sets.values()))["hybrid_minus"]
    return grid(systems, sets, lambda system, name: interval(sets[name]["hybrid_minus"][system]))


def identifiers(found: Found) -> Table:
    """Show the share found in the first ten and in the first place."""
    columns = {"first ten": "top_ten", "first": "first"}
    return grid(found["found"], columns, lambda system, column: interval(found["found"][system][columns[column]]))


def whole_question(found: Found) -> Table:
    """Show what was measured, where, and the figure; each part has columns of its own, so one row per figure."""
    return [
        ["", "without", "with", "difference"],
        *_hops(found["hops"]["sets"]),
        *_gate(found["gate"]),
        *_follow_ups(found["follow_ups"]),
        *_versions(found["versions"]["sets"]),
        *_readings(found["readings"]),
    ]


def _hops(sets: Found) -> Table:
    rows = [
        [f"two hops: {metric}, {name}", *_before_and_after(figures, "hybrid")]
        for name, values in sets.items()
        for metric, figures in values["test"].items()
    ]
    for name, values in sets.items():
        read = values["reranked"]["questions"]
        which = f"{name}, {read['read']} of {read['all']} questions"
        rows += [
            [f"two hops, reranked: {metric}, {which}", *_before_and_after(values["reranked"][metric], "reranked")]
            for metric in values["test"]
            if read["read"]
        ]
    three = sets.get("hotpotqa", {}).get("test", {}).get("all golds")
    if three:
        rows.append(["followed once more: all golds, hotpotqa", "", "", interval(three["followed_twice"])])
    return rows


def _before_and_after(figures: Found, before: str) -> list[str]:
    return [interval(figures[name]) for name in (before, "linked", "difference")]


def _gate(gate: Found) -> Table:
    asked = f"{gate['set']}, {gate['with_evidence']} of {gate['questions']} with evidence"
    return [
        [f"gate over two hops: {name.replace('_', ' ')}, {asked}", *_before_and_after(figures, "plain")]
        for name, figures in gate.items()
        if isinstance(figures, dict)
    ]


def _follow_ups(chats: Found) -> Table:
    test = chats["test"]
    kept = f"{figure(test['kept'])} of the question's own"
    asked = f"follow-ups: recall@10, {test['questions']} questions"
    rows = [[asked, interval(test["bare"]), interval(test["condensed"]), kept]]
    for name, figures in chats["ordinary"].items():
        taken = f"{figure(figures['leaning'])} taken for follow-ups"
        rows.append([f"ordinary questions, {name}", "", taken, f"recall@10 lost: {figure(figures['recall_lost'], 4)}"])
    return rows


def _versions(sets: Found) -> Table:
    rows = []
    for name, splits in sets.items():
        test = splits["test"]
        old = [interval(test["old_first_without"]), interval(test["old_first"]), ""]
        rows.append([f"versions: an old one first, {name}, {test['questions']} questions", *old])
        rows.append([f"versions: the one of the year named, {name}", "", interval(test["named_time"]), ""])
        rows.append([f"other questions: nDCG@10, {name}", "", "", interval(test["others_difference"])])
    return rows


def _readings(readings: Found) -> Table:
    rows = []
    for half, figures in (("test half", readings["test"]), ("both halves", readings["all"])):
        asked = f"{half}, {figures['ambiguous']} ambiguous, {figures['clear']} clear"
        kinds = ("precision", "recall", "gate")
        rows += [[f"two meanings: {name}, {asked}", "", interval(figures[name]), ""] for name in kinds]
    for style, counts in readings["test"]["styles"].items():
        asked = " and ".join(
            f"{counts[f'{kind}_asked_back']} of {counts[kind]} {kind}" for kind in ("ambiguous", "clear")
        )
        rows.append([f"two meanings asked back, test half, {style}", "", asked, ""])
    for name, figures in readings["ordinary"].items():
        rows.append([f"ordinary questions asked back, {name}", "", figure(figures["asked_back"]), ""])
    return rows


def tuning(found: Found) -> Table:
    """Show nDCG@10 by number of labels."""
    sets = found["sets"]
    labels = list(next(iter(sets.values()))["tuned"])
    rows = ["dense", "bm25", "default", *(f"{number} labels" for number in labels)]

    def cell(row: str, name: str) -> str:
        number = row.partition(" ")[0]
        return interval(sets[name]["tuned"][number]) if number in labels else figure(sets[name]["fixed"][row])

    return grid(rows, sets, cell)


def fields(found: Found) -> Table:
    """Show nDCG@10 of each way of matching two fields, and the paired difference."""
    sets = found["sets"]

    def cell(query: str, name: str) -> str:
        row = sets[name][query]
        mean, low, high = row["against_best_fields"]
        return f"{figure(row['nDCG@10'])}, {mean:+.3f} [{low:.3f}, {high:.3f}]"

    return grid(next(iter(sets.values())), sets, cell)


def latency(found: Found) -> Table:
    """Show milliseconds and recall by size of the index."""
    rows = [
        [
            size,
            way,
            figure(row["p50_ms"], 1),
            figure(row["p95_ms"], 1),
            figure(row.get("recall@10")),
        ]
        for size, result in found["sizes"].items()
        for way, row in result["ways"].items()
    ]
    return [["passages", "way", "p50 ms", "p95 ms", "recall@10"], *rows]


_SCALE: dict[str, Callable[[Found], str]] = {
    "build s": lambda row: f"{row['build_seconds']:.0f} ({row['build_cpu_seconds']:.0f})",
    "open s": lambda row: f"{row['open_seconds']:.2f} ({row['open_cpu_seconds']:.2f})",
    "dense ms": lambda row: _times(row["dense"]),
    "lexical ms": lambda row: _times(row["lexical"]),
    "hybrid ms": lambda row: _times(row["hybrid"]),
    "insert ms": lambda row: f"{row['insert_ms']:.0f}",
    "delete ms": lambda row: f"{row['delete_ms']:.0f}",
    "disk MB": lambda row: f"{row['disk_mb']:.0f}",
    "peak MB": lambda row: f"{row['rss_mb']:.0f}",
    "exact": lambda row: f"{row['exact']:.0%}",
}


def _times(row: Mapping[str, float]) -> str:
    return f"{row['p50_ms']:.0f}, {row['p95_ms']:.0f} ({row['cpu_ms']:.0f})"


def scale(found: Found) -> Table:
    """Show seconds, milliseconds and megabytes by size of the index and system."""
    rows = {
        f"{int(size):,} {system}": row for size, systems in found["sizes"].items() for system, row in systems.items()
    }
    return grid(rows, _SCALE, lambda row, column: _SCALE[column](rows[row]))
