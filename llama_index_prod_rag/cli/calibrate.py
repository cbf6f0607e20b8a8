"""`prod-rag calibrate`: from logged questions and labels to a calibration of your own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llama_index_prod_rag.cli.progress import errors_console

if TYPE_CHECKING:
    from llama_index_prod_rag.confidence.calibration import Calibration


def register(app: typer.Typer) -> None:
    """Add the subcommand."""
    app.command()(calibrate)


def calibrate(
    log: Annotated[str, typer.Option(help="Database with logged questions, such as sqlite:///queries.sqlite.")],
    labels: Annotated[
        Path,
        typer.Option(help="JSON lines: query_id or query, relevant, answerable; `prod-rag log import` writes them."),
    ],
    out: Annotated[Path, typer.Option(help="Where to write the calibration.")],
    max_false_refusal: Annotated[
        float | None,
        typer.Option(min=0.001, max=0.999, help="Promise: at most this share of questions with evidence is refused."),
    ] = None,
    min_answer_precision: Annotated[
        float | None,
        typer.Option(min=0.001, max=0.999, help="Promise: at least this share of answered questions has evidence."),
    ] = None,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="Chance that a promise holds.")] = 0.95,
    on_average: Annotated[
        bool, typer.Option("--on-average", help="Bound false refusals on average only; needs fewer labels.")
    ] = False,
    note: Annotated[str, typer.Option(help="Kept with the calibration: what the labels were.")] = "",
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fit the gate to your own labels, and turn goals into thresholds with a guarantee."""
    # Imported here, so that wrong use and --help answer at once.
    from llama_index_prod_rag.confidence import fitting
    from llama_index_prod_rag.confidence.calibrated import default_calibration
    from llama_index_prod_rag.evaluation.calibration_examples import examples_of
    from llama_index_prod_rag.evaluation.labels import read_labels
    from llama_index_prod_rag.query_log.store import QueryLog

    known = read_labels(labels)
    if max_false_refusal is not None or min_answer_precision is not None:
        # A promise holds for questions like the labelled ones; these were picked for being unlike the others.
        fair = {name: label for name, label in known.items() if label.drawn != "uncertain"}
        if left_out := len({id(label) for label in known.values()}) - len({id(label) for label in fair.values()}):
            errors_console.print(f"{left_out} questions drawn for their uncertainty are left out of a promise")
        known = fair
    with QueryLog(log) as opened:
        examples = examples_of(opened.records(), known)
    calibration = fitting.calibrate(
        examples,
        prior=default_calibration(),
        max_false_refusal=max_false_refusal,
        min_answer_precision=min_answer_precision,
        confidence=confidence,
        method="on-average" if on_average else "high-confidence",
        note=note,
    )
    calibration.save(out)
    if json_output:
        typer.echo(json.dumps(_summary(calibration)))
    else:
        _print(calibration, out)


def _summary(calibration: Calibration) -> dict[str, object]:
    head = calibration.heads[0]
    return {
        "labels": calibration.labels,
        "good": calibration.good,
        "signals": list(head.signals),
        "auroc": head.auroc,
        "auroc_error": head.auroc_error,
        "refuse_below": head.refuse_below,
        "answer_from": head.answer_from,
        "promises": list(calibration.promises),
    }


def _print(calibration: Calibration, out: Path) -> None:
    from rich.console import Console

    head, console = calibration.heads[0], Console()
    console.print(f"{calibration.labels} labelled questions, {calibration.good} with their evidence")
    error = f" ± {head.auroc_error:.0%}" if head.auroc_error is not None else ""
    console.print(f"told apart in {head.auroc or 0.0:.0%}{error} of pairs (cross-validated AUROC, standard error)")
    console.print(f"refused below {head.refuse_below:.0%}, answered from {head.answer_from:.0%}, hedged between")
    for promise in calibration.promises:
        console.print(f"promised: {promise}")
    if not calibration.promises:
        console.print("these thresholds are estimates: give --max-false-refusal or --min-answer-precision for promises")
    console.print(f"written to {out}")
