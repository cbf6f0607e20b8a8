"""`prod-rag evaluate retrieval` and `prod-rag evaluate tuning`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from llama_index_prod_rag.cli.progress import progress_bar

if TYPE_CHECKING:
    from llama_index_prod_rag.evaluation.pipelines import Workbench
    from llama_index_prod_rag.evaluation.retrieval import RetrievalReport
    from llama_index_prod_rag.evaluation.tuning_study import TuningStudy
    from llama_index_prod_rag.significance import Interval

_Data = Annotated[Path, typer.Option("--data", help="A folder in BEIR layout.")]
_Limit = Annotated[int | None, typer.Option(min=1, help="At most this many queries, always the same ones.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_Split = Annotated[str, typer.Option(help="Which labelled queries: train, test, all, or another that the folder has.")]
_PIPELINES = ("dense", "bm25", "hybrid", "hybrid+rerank", "llamaindex")


def register_retrieval(app: typer.Typer) -> None:
    """Add the subcommands `retrieval` and `tuning` to `evaluate`."""
    app.command("retrieval")(retrieval)
    app.command("tuning")(tuning)


def retrieval(
    data: _Data,
    split: _Split = "test",
    pipeline: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(_PIPELINES)}; repeat it. The first is the baseline.")
    ] = None,
    fusion: Annotated[str | None, typer.Option(help="Fusion rule; default: as shipped.")] = None,
    alpha: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Weight of the dense leg; default: as shipped.")
    ] = None,
    backend: Annotated[
        str, typer.Option(help="embedded, or elasticsearch: a temporary index on a server.")
    ] = "embedded",
    elasticsearch_url: Annotated[
        str, typer.Option(envvar="ELASTICSEARCH_URL", help="The server, for --backend elasticsearch.")
    ] = "http://localhost:9200",
    limit: _Limit = None,
    json_output: _Json = False,
) -> None:
    """Compare retrieval pipelines on a labelled collection, with 95 % bootstrap intervals."""
    names = _check_pipelines(pipeline or ["dense", "bm25", "hybrid"])
    if backend not in ("embedded", "elasticsearch"):
        raise typer.BadParameter("embedded or elasticsearch", param_hint="--backend")

    from llama_index_prod_rag.evaluation.retrieval import measure_retrieval

    workbench = _workbench(data, split, limit, fusion, alpha)
    with ExitStack() as stack:
        if backend == "elasticsearch":
            from llama_index_prod_rag.evaluation.elasticsearch import ElasticsearchWorkbench

            served = ElasticsearchWorkbench(workbench.dataset, workbench.settings, url=elasticsearch_url)
            workbench = stack.enter_context(served)
        advance = stack.enter_context(progress_bar("searching", total=len(names) * len(workbench.dataset.queries)))
        report = measure_retrieval(workbench, names, progress=advance)
    if json_output:
        typer.echo(json.dumps(report.to_dict()))
    else:
        _print_report(report)


def tuning(
    data: _Data,
    split: _Split = "test",
    pipeline: Annotated[str, typer.Option(help="hybrid, or hybrid+rerank.")] = "hybrid",
    labels: Annotated[list[int] | None, typer.Option(min=2, help="Labelled queries to tune on; repeat it.")] = None,
    draws: Annotated[int, typer.Option(min=1, help="Random draws of labelled queries.")] = 100,
    limit: _Limit = None,
    json_output: _Json = False,
) -> None:
    """Measure what a handful of labels is worth: tuned weights on the queries that were not drawn."""
    if pipeline not in ("hybrid", "hybrid+rerank"):
        raise typer.BadParameter("hybrid or hybrid+rerank", param_hint="--pipeline")

    from llama_index_prod_rag.evaluation.tuning_study import study_tuning

    workbench = _workbench(data, split, limit, None, None)
    with progress_bar("searching", total=len(workbench.dataset.queries)) as advance:
        study = study_tuning(
            workbench, labels or [10, 20, 50], draws=draws, rerank=pipeline == "hybrid+rerank", progress=advance
        )
    if json_output:
        typer.echo(json.dumps(study.to_dict()))
    else:
        _print_study(study)


def _check_pipelines(names: list[str]) -> list[str]:
    if unknown := [name for name in names if name not in _PIPELINES]:
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(_PIPELINES)}", param_hint="--pipeline")
    return names


def _workbench(data: Path, split: str, limit: int | None, fusion: str | None, alpha: float | None) -> Workbench:
    from llama_index_prod_rag.evaluation.datasets import load_beir
    from llama_index_prod_rag.evaluation.pipelines import PipelineSettings, Workbench
    from llama_index_prod_rag.extras import require
    from llama_index_prod_rag.retrievers.hybrid import DEFAULT_ALPHA, DEFAULT_RULE

    require("ir_measures", needed_for="ranking metrics", extra="eval")  # before the work, not after it
    dataset = load_beir(data, split=split, limit=limit)
    settings = PipelineSettings(
        fusion=DEFAULT_RULE if fusion is None else fusion, alpha=DEFAULT_ALPHA if alpha is None else alpha
    )
    workbench = Workbench(dataset, settings)
    with progress_bar("embedding", total=len(dataset.documents) + len(dataset.queries)) as advance:
        workbench.embed(advance)
    return workbench


def _print_report(report: RetrievalReport) -> None:
    baseline, console = next(iter(report.pipelines)), Console()
    title = f"{report.dataset}: {report.queries} queries, {report.documents:,} documents"
    console.print(_by_metric(f"{title}\nmean and 95 % interval", report.pipelines, "{:.3f}"))
    if report.differences:
        console.print(_by_metric(f"difference to {baseline}, paired", report.differences, "{:+.3f}"))
        console.print("Dim: the interval holds zero, so no difference is shown.")


def _by_metric(title: str, columns: Mapping[str, Mapping[str, Interval]], number: str) -> Table:
    table = Table(title=title)
    table.add_column("")
    for name in columns:
        table.add_column(name, justify="right")
    for metric in next(iter(columns.values())):
        intervals = [by_metric[metric] for by_metric in columns.values()]
        means = (f"[{'bold' if i.shows_difference else 'dim'}]{number.format(i.mean)}[/]" for i in intervals)
        spans = (f"[dim]{number.format(i.low)} {number.format(i.high)}[/]" for i in intervals)
        table.add_row(metric, *map("\n".join, zip(means, spans, strict=True)))
    return table


def _print_study(study: TuningStudy) -> None:
    table = Table(title=f"{study.dataset}: nDCG@10 over {study.draws} draws of labels, on the other queries")
    for column in ("labels", "tuned", "interval", "default", "dense"):
        table.add_column(column, justify="right")
    for count, tuned in study.tuned.items():
        mean = tuned.tuned
        table.add_row(
            str(count),
            f"{mean.mean:.3f}",
            f"{mean.low:.3f}–{mean.high:.3f}",
            f"{tuned.default:.3f}",
            f"{tuned.dense:.3f}",
        )
    console = Console()
    console.print(table)
    fixed = ", ".join(f"{name} {value:.3f}" for name, value in study.fixed.items())
    console.print(f"All {study.queries} queries, without labels: {fixed}.")
