"""`prod-rag ask`: one question to your own files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from llama_index.core.schema import QueryBundle
from rich.console import Console

from llama_index_prod_rag.cli.progress import errors_console

MAX_QUESTION = 2_000
"""Characters, about what the models read of a question; a longer one is a document pasted by mistake."""


def register(app: typer.Typer) -> None:
    """Add the subcommand."""
    app.command()(ask)


def ask(
    path: Annotated[
        Path, typer.Argument(exists=True, help="A file, or a folder that is read with everything below it.")
    ],
    question: Annotated[str, typer.Argument(help="The question, in quotes.")],
    top_k: Annotated[int, typer.Option(min=1, max=50, help="Passages that reach the answer.")] = 5,
    alpha: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="Weight of meaning (1) against exact words (0); default: as measured."),
    ] = None,
    llm: Annotated[
        str | None,
        typer.Option(help="'offline', or module:callable that returns a LlamaIndex LLM. Without: quotes, no writing."),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="From `prod-rag calibrate`; default: the shipped one."),
    ] = None,
    log: Annotated[str | None, typer.Option(help="Database to log to, such as sqlite:///queries.sqlite.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Ask your own documents: an answer with sources, a hedge, or a refusal with its reason."""
    question = question.strip()
    if not question:
        raise typer.BadParameter("the question is empty", param_hint="QUESTION")
    if len(question) > MAX_QUESTION:
        raise typer.BadParameter(
            f"{len(question):,} characters is no question; {MAX_QUESTION:,} is the most", param_hint="QUESTION"
        )

    # Imported here, so that wrong use and --help answer at once.
    from llama_index_prod_rag.cli.corpus import open_corpus
    from llama_index_prod_rag.cli.engine import Settings, build_engine, load_assessor, load_llm, open_log
    from llama_index_prod_rag.cli.show import as_json, print_answer, print_json, report_of
    from llama_index_prod_rag.cli.sources import files_source

    settings = Settings(top_k=top_k, alpha=alpha, llm=load_llm(llm), assessor=load_assessor(calibration))
    with open_log(log) as query_log:
        engine = build_engine(open_corpus(files_source(path)), settings, query_log=query_log)
        response = engine.query(QueryBundle(question))
    if json_output:
        print_json(as_json(question, response))
    else:
        print_answer(Console(), question, response)
        if log is not None:
            errors_console.print(f"logged as {report_of(response)['query_id']}", style="dim", highlight=False)
