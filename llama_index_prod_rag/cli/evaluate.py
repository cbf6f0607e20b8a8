"""`prod-rag evaluate`: measure retrieval, tuning and answers on labelled sets."""

from __future__ import annotations

import typer

from llama_index_prod_rag.cli.evaluate_answers import register_answers
from llama_index_prod_rag.cli.evaluate_retrieval import register_retrieval


def register(app: typer.Typer) -> None:
    """Add `evaluate` with its subcommands to the program."""
    group = typer.Typer(help="Measure on labelled sets, with confidence intervals.", no_args_is_help=True)
    register_retrieval(group)
    register_answers(group)
    app.add_typer(group, name="evaluate")
