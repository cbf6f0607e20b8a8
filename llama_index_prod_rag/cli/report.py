"""`prod-rag report`: one page about what the query log holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llama_index_prod_rag.cli.progress import errors_console

if TYPE_CHECKING:
    from llama_index_prod_rag.evaluation.labels import Label


def register(app: typer.Typer) -> None:
    """Add the subcommand `report` to the program."""
    app.command()(report)


def report(
    log: Annotated[str, typer.Option(help="Database of the log, such as sqlite:///queries.sqlite.")],
    out: Annotated[
        Path | None, typer.Option(help="File to write: one self-contained HTML page, or .json for the numbers.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="JSON lines with query_id or query, relevant, answers, answerable.")
    ] = None,
    documents: Annotated[
        Path | None,
        typer.Option(help="The files that were asked: labels may then name files, and what is not indexed is told."),
    ] = None,
    since: Annotated[datetime | None, typer.Option(help="Only questions asked from then on, local time.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Only questions asked before then, local time.")] = None,
    title: Annotated[str, typer.Option(help="Heading of the page.")] = "How questions fared",
    worst: Annotated[int, typer.Option(min=0, help="How many questions that went wrong are shown in full.")] = 20,
    json_output: Annotated[bool, typer.Option("--json", help="Print the numbers as one JSON object.")] = False,
) -> None:
    """Report how questions fared: where they went wrong, which kinds, and what the confidence is worth."""
    if out is None and not json_output:
        raise typer.BadParameter("say where to write it: --out report.html, or --json", param_hint="--out")

    from llama_index_prod_rag.evaluation.labels import read_labels
    from llama_index_prod_rag.evaluation.report.numbers import report_numbers
    from llama_index_prod_rag.evaluation.report.page import write_report
    from llama_index_prod_rag.query_log.store import QueryLog

    known = read_labels(labels) if labels is not None else {}
    with QueryLog(log) as query_log:
        light = query_log.records(since=since, until=until, passages=False, hits=False)
        numbers = report_numbers(
            light, query_log.get, labels=known, title=title, worst=worst, **_about(documents, known)
        )
    if out is not None:
        write_report(numbers, out)
        errors_console.print(f"{numbers['questions']:,} questions reported in {out}", markup=False, highlight=False)
    if json_output:
        typer.echo(json.dumps(numbers))


def _about(documents: Path | None, labels: Mapping[str, Label]) -> dict[str, Any]:
    if documents is None:
        return {}
    from llama_index_prod_rag.cli.corpus import open_corpus
    from llama_index_prod_rag.cli.sources import files_source
    from llama_index_prod_rag.evaluation.names import corpus_settings

    return corpus_settings(open_corpus(files_source(documents)).nodes(), labels.values())
