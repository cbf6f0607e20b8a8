"""`prod-rag tune`: a handful of labelled questions to weights for your own documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llama_index_prod_rag.checked_json import dump_checked
from llama_index_prod_rag.cli.progress import progress_bar
from llama_index_prod_rag.durable_files import write_whole

if TYPE_CHECKING:
    from llama_index_prod_rag.fusion.tuning import Tuning


_WRITTEN = 80  # questions, where there are no labels


def register(app: typer.Typer) -> None:
    """Add the subcommand `tune` to the program."""
    app.command()(tune)


def tune(
    path: Annotated[
        Path, typer.Argument(exists=True, help="A file, or a folder that is read with everything below it.")
    ],
    labels: Annotated[
        Path | None,
        typer.Option(
            help='JSON lines: {"query": "...", "relevant": ["file, document or passage id", ...]}; '
            "`prod-rag log import` writes them."
        ),
    ] = None,
    from_documents: Annotated[
        bool, typer.Option("--from-documents", help="Where there are no labels yet: estimate from the documents alone.")
    ] = False,
    save: Annotated[
        bool, typer.Option("--save", help="Keep the weights: `prod-rag ask` uses them from then on.")
    ] = False,
    plot: Annotated[Path | None, typer.Option(help="Write the curve over the grid as an image (.png, .svg).")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tune the weights of meaning, exact words and close reading on questions whose sources you know."""
    if (labels is None) is not from_documents:
        raise typer.BadParameter("give --labels, or --from-documents where there are none yet")
    if from_documents:
        if plot is not None:
            raise typer.BadParameter("there is no curve without labels: leave out --plot")
        _tune_from_documents(path, save=save, json_output=json_output)
        return
    assert labels is not None  # noqa: S101 - checked above
    # Imported here, so that wrong use and --help answer at once.
    from llama_index_prod_rag.cli.corpus import open_corpus
    from llama_index_prod_rag.cli.engine import CANDIDATES, WEIGHTS_FILE
    from llama_index_prod_rag.cli.sources import files_source
    from llama_index_prod_rag.errors import InputError
    from llama_index_prod_rag.evaluation.labels import read_labels
    from llama_index_prod_rag.evaluation.tuning_plot import plot_tuning
    from llama_index_prod_rag.evaluation.weights import collect_labeled, tune_pipeline
    from llama_index_prod_rag.extras import require
    from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
    from llama_index_prod_rag.retrievers.hybrid import HybridFusionRetriever

    if plot is not None:
        require("matplotlib", needed_for="the plot of a tuning", extra="eval")  # before the work, not after it
    named = read_labels(labels)
    if not all(label.query for label in named.values() if label.gold):
        raise InputError(f"{labels}: tuning asks each question again, so every line with `relevant` needs its `query`")
    known = {name: label.relevant for name, label in named.items() if name == label.query and label.gold}
    if not known:
        raise InputError(f"{labels}: no line names what is relevant, so there is nothing to tune on")
    corpus = open_corpus(files_source(path))
    retriever = HybridFusionRetriever.from_index(corpus.index, similarity_top_k=CANDIDATES)
    reranker = CrossEncoderRerank(model="offline", top_n=CANDIDATES)
    with progress_bar("asking", total=len(known)) as advance:
        queries, rule = collect_labeled(known, corpus.nodes(), retriever, reranker, progress=advance)
    tuning = tune_pipeline(queries, rule, floors=retriever.floors)
    if plot is not None:
        plot_tuning(tuning, plot)
    saved = _save(tuning, corpus.folder / WEIGHTS_FILE) if save else None
    if json_output:
        typer.echo(json.dumps(_summary(tuning, saved)))
    else:
        _print(tuning, saved)


def _tune_from_documents(path: Path, *, save: bool, json_output: bool) -> None:
    from llama_index_prod_rag.cli.corpus import open_corpus
    from llama_index_prod_rag.cli.engine import CANDIDATES, WEIGHTS_FILE
    from llama_index_prod_rag.cli.sources import files_source
    from llama_index_prod_rag.evaluation.document_weights import weights_from_documents
    from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
    from llama_index_prod_rag.retrievers.hybrid import HybridFusionRetriever

    corpus = open_corpus(files_source(path))
    retriever = HybridFusionRetriever.from_index(corpus.index, similarity_top_k=CANDIDATES)
    with progress_bar("asking", total=2 * _WRITTEN) as advance:
        found = weights_from_documents(
            retriever,
            corpus.nodes(),
            reranker=CrossEncoderRerank(model="offline", top_n=CANDIDATES),
            questions=_WRITTEN,
            term_statistics=corpus.terms,
            progress=advance,
        )
    weights = found.reranked
    saved = corpus.folder / WEIGHTS_FILE if save else None
    if saved is not None:
        write_whole(saved, dump_checked(weights))
    if json_output:
        typer.echo(
            json.dumps(
                {
                    "weights": weights,
                    "questions": found.questions,
                    "strength": found.strength,
                    "statement": found.statement,
                    "saved": None if saved is None else str(saved),
                }
            )
        )
        return
    from rich.console import Console

    console = Console()
    console.print(", ".join(f"{leg} {weight:.2f}" for leg, weight in weights.items()), highlight=False)
    console.print(found.statement, highlight=False)
    if saved is not None:
        console.print("The weights are saved: `prod-rag ask` uses them for these documents.")


def _save(tuning: Tuning, file: Path) -> Path | None:
    """Write the weights, or where the default stays, remove those of an earlier run: the default looks at the query."""
    if tuning.kept_default:
        file.unlink(missing_ok=True)
        return None
    write_whole(file, dump_checked(dict(tuning.weights)))
    return file


def _summary(tuning: Tuning, saved: Path | None) -> dict[str, object]:
    return {
        "weights": dict(tuning.weights),
        "default": dict(tuning.default),
        "labels": tuning.labels,
        "gain": tuning.gain.ends(),
        "kept_default": tuning.kept_default,
        "statement": tuning.statement,
        "curve": [{"weights": dict(weights), "nDCG@10": value} for weights, value in tuning.curve],
        "saved": None if saved is None else str(saved),
    }


def _print(tuning: Tuning, saved: Path | None) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{tuning.labels} labelled questions")
    for column in ("leg", "default", "tuned"):
        table.add_column(column, justify="left" if column == "leg" else "right")
    for leg, weight in tuning.weights.items():
        table.add_row(leg, f"{tuning.default[leg]:.2f}", f"{weight:.2f}")
    console = Console()
    console.print(table)
    console.print(tuning.statement)
    if saved is not None:
        console.print("The weights are saved: `prod-rag ask` uses them for these documents.")
