"""`prod-rag demo`: the whole way on documents that every machine with Python has."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.console import Console

QUESTIONS = (
    "Are default parameter values evaluated more than once?",
    "When is the else clause of a for loop executed?",
    "What does the nonlocal statement do?",
    "Can a lambda contain statements?",
    "How does the with statement treat an exception raised in its body?",
    "How are integers stored in memory by CPython?",
    "How do I read a CSV file with the csv module?",
    "Who won the 1998 football World Cup?",
)
"""The first ones are answered by the language reference, the last ones are not, each from further away."""


def register(app: typer.Typer) -> None:
    """Add the subcommand `demo` to the program."""
    app.command()(demo)


def demo(
    question: Annotated[list[str] | None, typer.Argument(help="Your own questions instead of the eight.")] = None,
    llm: Annotated[
        str | None, typer.Option(help="'offline', or module:callable that returns a LlamaIndex LLM.")
    ] = None,
) -> None:
    """Index the Python language reference and ask it: some answers, a hedge, and honest refusals."""
    from llama_index_prod_rag.cli.corpus import open_corpus
    from llama_index_prod_rag.cli.engine import Settings, build_engine, load_llm
    from llama_index_prod_rag.cli.progress import errors_console
    from llama_index_prod_rag.cli.show import print_answer, report_of
    from llama_index_prod_rag.cli.sources import topics_source

    console = Console()
    settings = Settings(llm=load_llm(llm))
    began = time.perf_counter()
    source = topics_source()
    errors_console.print(f"Opening the {source.name} (the text behind help() in your own Python)", highlight=False)
    corpus = open_corpus(source)
    state = "chunked and embedded now" if corpus.fresh else "from the index kept on disk"
    errors_console.print(f"{corpus.chunks} chunks, {state}, {time.perf_counter() - began:.0f} s", highlight=False)
    engine = build_engine(corpus, settings)
    decisions: dict[str, int] = {}
    for text in question or QUESTIONS:
        response = engine.query(text)
        print_answer(console, text, response)
        decision = str(report_of(response)["decision"])
        decisions[decision] = decisions.get(decision, 0) + 1
    counts = ", ".join(f"{decision} {count}" for decision, count in sorted(decisions.items()))
    console.print(f"\n{counts}; {time.perf_counter() - began:.0f} s in all.", highlight=False)
    console.print("Now your own: prod-rag ask FOLDER 'a question'", style="bold", highlight=False)
