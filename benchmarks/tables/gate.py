"""Tables of the benchmark page about the gate."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.tables.common import Found, Table, figure, grid, interval


def gate(domain: str) -> Callable[[Found], Table]:
    """Make the table of near or far questions: AUROC and what is refused, by head."""
    heads = ("calibrated", "other_sets", "default", "textbook")

    def table(found: Found) -> Table:
        sets = found["datasets"]

        def cell(name: str, column: str) -> str:
            row = sets[name][domain]
            if column == "n":
                return str(row["n"])
            head, _, metric = column.partition(" ")
            return figure(row.get(head, {}).get(metric))

        columns = ["n", *(f"{head} auroc" for head in heads), *(f"{head} refused_at_5" for head in heads)]
        return grid(sets, columns, cell)

    return table


def gate_trust(found: Found) -> Table:
    """Show calibration error, broken promises and what a precision goal leaves."""
    sets = found["datasets"]

    def cell(name: str, column: str) -> str:
        near = sets[name]["near"]
        own = near["calibrated"]
        if column == "bound exceeded in":
            return (
                "too few labels"
                if not near["false_refusals"]["splits"]
                else f"{near['false_refusals']['exceeded']:.1%}"
            )
        if column == "precision":
            return f"{figure(own['precision_at_95'])} of {own['answered_at_95']}" if own["labels_at_95"] else ""
        keys = {"ECE": "ece", "its floor": "ece_floor", "Brier skill": "brier_skill", "coverage": "coverage_at_95"}
        return own["labels_at_95"] or "none" if column == "rests on" else figure(own[keys[column]])

    columns = ["ECE", "its floor", "Brier skill", "bound exceeded in", "coverage", "precision", "rests on"]
    return grid(sets, columns, cell)


def answers(found: Found) -> Table:
    """Show wrong answers and refusals by system."""
    systems = found["systems"]

    def cell(system: str, column: str) -> str:
        value = systems[system][column]
        return str(value) if column == "correct" else interval(value) if value else ""

    return grid(systems, ("coverage", "wrong_of_all", "wrong_of_answered", "correct"), cell)


def stuffing(found: Found) -> Table:
    """Show what planted passages change, by attempt and set, and what the defense costs."""
    sets, ordinary = found["sets"], found["ordinary"]
    columns = [*sets, *(name for name in ordinary if name not in sets)]
    costs = {
        "questions": "questions",
        "answered, evidence there": "answered",
        "answered, evidence gone": "answered_gone",
        "answered still with the question above the evidence": "faq_answered",
        "refused then": "faq_refused",
    }

    def cell(row: str, column: str) -> str:
        if row == "ordinary questions touched":
            return figure(ordinary[column]["touched"]) if column in ordinary else ""
        if column not in sets:
            return ""
        value = sets[column][costs[row]] if row in costs else sets[column]["attacks"][row]["turned"]
        return str(value) if row == "questions" else figure(value)

    return grid([*costs, *next(iter(sets.values()))["attacks"], "ordinary questions touched"], columns, cell)
