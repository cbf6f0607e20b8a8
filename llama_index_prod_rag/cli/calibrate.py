"""`prod-rag calibrate`: from logged questions and labels, or from documents alone, to a calibration of your own."""

from __future__ import annotations

import json
import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llama_index_prod_rag.cli.progress import errors_console, progress_bar
from llama_index_prod_rag.errors import CalibrationError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from llama_index_prod_rag.confidence.calibration import Calibration, Example
    from llama_index_prod_rag.confidence.changes import Change
    from llama_index_prod_rag.significance import Interval


def register(app: typer.Typer) -> None:
    """Add the subcommand `calibrate` to the program."""
    app.command()(calibrate)


def calibrate(
    out: Annotated[Path, typer.Option(help="Where to write the calibration.")],
    log: Annotated[
        str | None, typer.Option(help="Database with logged questions, such as sqlite:///queries.sqlite.")
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="JSON lines: query_id or query, relevant, answerable; `prod-rag log import` writes them."),
    ] = None,
    from_documents: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            help="A file or folder instead of labels: questions are written from it, --log adds asked ones. No promise",
        ),
    ] = None,
    questions: Annotated[
        int, typer.Option(min=15, max=500, help="With --from-documents: how many questions to write.")
    ] = 50,
    max_false_refusal: Annotated[
        float | None,
        typer.Option(min=0.001, max=0.999, help="Promise: at most this share of questions with evidence is refused."),
    ] = None,
    min_answer_precision: Annotated[
        float | None,
        typer.Option(min=0.001, max=0.999, help="Promise: at least this share of answered questions has evidence."),
    ] = None,
    slice_by: Annotated[
        str,
        typer.Option(
            help="Field of the labels (a column of your own in the sheet) that says what kind of question it is: "
            "thresholds for each kind."
        ),
    ] = "",
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="Chance that a promise holds.")] = 0.95,
    on_average: Annotated[
        bool, typer.Option("--on-average", help="Bound false refusals on average only; needs fewer labels.")
    ] = False,
    estimate: Annotated[
        bool,
        typer.Option(
            "--estimate", help="Aim at the goals without a promise, every label fits the gate: 30 labels are enough."
        ),
    ] = False,
    note: Annotated[str, typer.Option(help="Kept with the calibration: what the labels were.")] = "",
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fit the gate to your own labels, or to your models' scales where there are no labels yet."""
    goals = bool(max_false_refusal or min_answer_precision)
    _check_the_source(log, labels, from_documents, slice_by, promised=goals)
    if estimate and on_average:
        raise typer.BadParameter("--estimate promises nothing, --on-average does: give one of them")
    if from_documents is not None:
        _finish(_of_documents(from_documents, questions, log), out, None, json_output=json_output)
        return
    # Imported here, so that wrong use and --help answer at once.
    from llama_index_prod_rag.confidence import changes, fitting
    from llama_index_prod_rag.confidence.calibrated import default_calibration

    assert log is not None  # noqa: S101 - checked above
    assert labels is not None  # noqa: S101 - checked above
    examples = _read_examples(log, labels, slice_by, promised=goals and not estimate)
    fit = partial(
        fitting.calibrate,
        prior=default_calibration(),
        max_false_refusal=max_false_refusal,
        min_answer_precision=min_answer_precision,
        confidence=confidence,
        method="estimate" if estimate else "on-average" if on_average else "high-confidence",
        note=note,
    )
    try:
        calibration = fit(examples)
    except CalibrationError as error:
        hint = ". Without a promise fewer are enough: --estimate" if goals and not estimate else ""
        raise CalibrationError(f"{error}{hint}") from None
    change = changes.compare_calibrations(examples, default_calibration(), calibration, fit)
    _finish(calibration, out, change, json_output=json_output)


def _check_the_source(
    log: str | None, labels: Path | None, documents: Path | None, slice_by: str, *, promised: bool
) -> None:
    if documents is None and (log is None or labels is None):
        raise typer.BadParameter("give --log and --labels, or --from-documents where there are no labels yet")
    if documents is not None and labels is not None:
        raise typer.BadParameter(
            "--from-documents is for no labels: they outweigh written questions, so give only them"
        )
    if documents is not None and promised:
        raise typer.BadParameter("a promise needs labels: questions written from documents are easier than people's")
    if documents is not None and slice_by:
        raise typer.BadParameter("--slice-by names a field of the labels: give --log and --labels")


def _read_examples(log: str, labels: Path, slice_by: str, *, promised: bool) -> list[Example]:
    from llama_index_prod_rag.evaluation.calibration_examples import examples_of
    from llama_index_prod_rag.evaluation.labels import read_labels
    from llama_index_prod_rag.query_log.store import QueryLog

    known = read_labels(labels, slice_by=slice_by)
    if promised:
        # A promise holds for questions like the labelled ones; these were picked for being unlike the others.
        fair = {name: label for name, label in known.items() if label.drawn != "uncertain"}
        if left_out := len({id(label) for label in known.values()}) - len({id(label) for label in fair.values()}):
            errors_console.print(f"{left_out} questions drawn for their uncertainty are left out of a promise")
        known = fair
    with QueryLog(log) as opened:
        return examples_of(opened.records(), known)


def _of_documents(path: Path, questions: int, log: str | None) -> Calibration:
    from llama_index_prod_rag.cli.corpus import open_corpus
    from llama_index_prod_rag.cli.engine import Settings, build_stages
    from llama_index_prod_rag.cli.sources import files_source
    from llama_index_prod_rag.evaluation.self_calibration import calibrate_from_documents

    asked = [] if log is None else _read_questions(log)
    corpus = open_corpus(files_source(path))
    retriever, reranker = build_stages(corpus, Settings())
    with progress_bar("asking", total=4 * questions + len(asked)) as advance:
        return calibrate_from_documents(
            retriever,
            [reranker],
            corpus.nodes(),
            questions=questions,
            asked=asked,
            term_statistics=corpus.terms,
            progress=advance,
        )


def _read_questions(log: str) -> list[str]:
    from llama_index_prod_rag.evaluation.calibration_examples import questions_of
    from llama_index_prod_rag.query_log.store import QueryLog

    with QueryLog(log) as opened:
        return questions_of(opened.records(passages=False, hits=False))


def _finish(calibration: Calibration, out: Path, change: Change | None, *, json_output: bool) -> None:
    from llama_index_prod_rag.evaluation.self_calibration import NOTE

    calibration.save(out)
    if json_output:
        compared = None if change is None else change.to_json()
        typer.echo(json.dumps({**_summary(calibration), "change": compared}))
    elif calibration.note.startswith(NOTE):
        _print_scales(calibration, out)
    else:
        _print(calibration, change, out)
    if change is not None and change.answers_more_without_evidence:
        errors_console.print(
            "warning: the new gate answers without evidence more often; --min-answer-precision 0.95 keeps it from that",
            style="yellow",
            highlight=False,
        )


def _print_scales(calibration: Calibration, out: Path) -> None:
    from rich.console import Console

    console = Console()
    console.print(calibration.note, highlight=False)
    if calibration.scales:
        console.print(f"placed on the scale of the shipped heads: {', '.join(calibration.scales)}", highlight=False)
    else:
        console.print("every score is on the scale of the shipped heads already")
    _print_use(console, out)


def _print_use(console: Console, out: Path) -> None:
    console.print(f"written to {out}", highlight=False, soft_wrap=True)
    console.print(
        f"used by: prod-rag ask PATH QUESTION --calibration {shlex.quote(str(out))}", highlight=False, soft_wrap=True
    )


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
        "slices": {name: {"refuse_below": low, "answer_from": high} for name, (low, high) in head.by_slice.items()},
        "promises": list(calibration.promises),
        "scales": list(calibration.scales),
        "note": calibration.note,
    }


def _print(calibration: Calibration, change: Change | None, out: Path) -> None:
    from rich.console import Console

    head, console = calibration.heads[0], Console()
    console.print(f"{calibration.labels} labelled questions, {calibration.good} with their evidence")
    error = f" ± {head.auroc_error:.0%}" if head.auroc_error is not None else ""
    console.print(f"told apart in {head.auroc or 0.0:.0%}{error} of pairs (cross-validated AUROC, standard error)")
    console.print(f"refused below {head.refuse_below:.0%}, answered from {head.answer_from:.0%}, hedged between")
    for name, (low, high) in head.by_slice.items():
        console.print(f"  {name}: refused below {low:.0%}, answered from {high:.0%}", markup=False, highlight=False)
    for promise in calibration.promises:
        console.print(f"promised: {promise}")
    if not calibration.promises:
        console.print("these thresholds are estimates: give --max-false-refusal or --min-answer-precision for promises")
    if change is not None:
        console.print(_table_of(change))
        console.print(_HOW_COUNTED if change.unseen else _HOW_COUNTED_SEEN, style="dim", highlight=False)
    _print_use(console, out)
    if head.by_slice:
        names = " or ".join(map(shlex.quote, head.by_slice))
        console.print(f"with --slice {names} for a kind of question", markup=False, highlight=False, soft_wrap=True)


_HOW_COUNTED = "on your labels, each question judged by a gate that had not seen it; 95 % intervals"
_HOW_COUNTED_SEEN = "on the labels that the gate was made of, too few to leave some out: it looks better than it is"


def _table_of(change: Change) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("of your labelled questions", "shipped gate", "new gate"):
        table.add_column(name)
    rows = (
        ("with evidence, refused", change.before.refused_wrongly, change.after.refused_wrongly),
        ("without evidence, answered", change.before.answered_without, change.after.answered_without),
        ("hedged", change.before.hedged, change.after.hedged),
    )
    for name, before, after in rows:
        table.add_row(name, _rate(before), _rate(after))
    return table


def _rate(interval: Interval | None) -> str:
    if interval is None:
        return "-"
    return f"{interval.mean:.0%} of {interval.n} ({interval.low:.0%} to {interval.high:.0%})"
