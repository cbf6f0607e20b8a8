"""`prod-rag ask`: one question to your own files, or many in a row."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from llama_index_prod_rag.cli.progress import errors_console
from llama_index_prod_rag.errors import InputError

if TYPE_CHECKING:
    from llama_index_prod_rag.cli.sources import Source
    from llama_index_prod_rag.query_engine.chat import GatedChatEngine
    from llama_index_prod_rag.query_log.store import QueryLog

MAX_QUESTION = 2_000
"""Characters, about what the models read of a question; a longer one is a document pasted by mistake."""


def register(app: typer.Typer) -> None:
    """Add the subcommands `ask` and `chat` to the program."""
    app.command()(ask)
    app.command()(chat)


_Path = Annotated[Path, typer.Argument(exists=True, help="A file, or a folder that is read with everything below it.")]
_TopK = Annotated[int, typer.Option(min=1, max=50, help="Passages that reach the answer.")]
_Alpha = Annotated[
    float | None,
    typer.Option(min=0.0, max=1.0, help="Weight of meaning (1) against exact words (0); default: as measured."),
]
_Llm = Annotated[
    str | None,
    typer.Option(help="'offline', or module:callable that returns a LlamaIndex LLM. Without: quotes, no writing."),
]
_Calibration = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="From `prod-rag calibrate`; default: the shipped one."),
]
_Slice = Annotated[
    str | None,
    typer.Option("--slice", help="Kind of question, by the names of `prod-rag calibrate --slice-by`: its thresholds."),
]
_Log = Annotated[str | None, typer.Option(help="Database to log to, such as sqlite:///queries.sqlite.")]
_Include = Annotated[
    list[str] | None, typer.Option(help="Read only these files, as in .gitignore: '*.md'. Repeatable.")
]
_Exclude = Annotated[list[str] | None, typer.Option(help="Leave these files or folders out: 'build/'. Repeatable.")]
_GitIgnored = Annotated[bool, typer.Option("--git-ignored", help="Read what Git ignores, too.")]
_Strictness = Annotated[
    bool | None,
    typer.Option("--strict/--lenient", help="Refuse where it would hedge, or hedge where it would refuse."),
]


def ask(
    path: _Path,
    question: Annotated[str, typer.Argument(help="The question, in quotes.")],
    top_k: _TopK = 5,
    alpha: _Alpha = None,
    llm: _Llm = None,
    calibration: _Calibration = None,
    kind: _Slice = None,
    log: _Log = None,
    include: _Include = None,
    exclude: _Exclude = None,
    git_ignored: _GitIgnored = False,
    strict: _Strictness = None,
    show: Annotated[str | None, typer.Option(help="'text' prints the passages, too.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Ask your own documents: an answer with sources, a hedge, or a refusal with its reason."""
    question = _check_question(question)
    if show not in (None, "text"):
        raise typer.BadParameter(f"{show!r} cannot be shown: 'text'", param_hint="--show")

    # Imported here, so that wrong use and --help answer at once.
    from llama_index_prod_rag.cli.corpus import open_corpus
    from llama_index_prod_rag.cli.engine import build_engine, open_log, settings_of
    from llama_index_prod_rag.cli.show import as_json, print_answer, print_json, report_of

    settings = settings_of(top_k=top_k, alpha=alpha, llm=llm, calibration=calibration, strict=strict, kind=kind)
    source = _select(path, include, exclude, git_ignored)
    with open_log(log) as query_log:
        engine = build_engine(open_corpus(source), settings, query_log=query_log)
        response = engine.query(question)
    if json_output:
        print_json(as_json(question, response))
    else:
        print_answer(Console(), question, response, text=show == "text")
    if query_log is not None:
        tell_logged(query_log, report_of(response)["query_id"], quiet=json_output)


def tell_logged(log: QueryLog, query_id: str, *, quiet: bool) -> None:
    """Say under which id feedback finds the question, or that a closed log has not taken it."""
    if not log.stats.written:
        told = f"not logged: {log} could not be written"
        errors_console.print(told, style="yellow", markup=False, highlight=False, soft_wrap=True)
    elif not quiet:
        errors_console.print(f"logged as {query_id}", style="dim", highlight=False)


def chat(
    path: _Path,
    top_k: _TopK = 5,
    alpha: _Alpha = None,
    llm: _Llm = None,
    calibration: _Calibration = None,
    kind: _Slice = None,
    log: _Log = None,
    include: _Include = None,
    exclude: _Exclude = None,
    git_ignored: _GitIgnored = False,
    strict: _Strictness = None,
) -> None:
    """Ask your own documents many questions; models and index are loaded once.

    A question that leans on the one before ("And when was it built?") is asked with what that was about, and the
    question that was asked is shown.
    """
    from llama_index_prod_rag.cli.corpus import open_corpus
    from llama_index_prod_rag.cli.engine import build_engine, open_log, settings_of
    from llama_index_prod_rag.query_engine.chat import GatedChatEngine

    settings = settings_of(top_k=top_k, alpha=alpha, llm=llm, calibration=calibration, strict=strict, kind=kind)
    source = _select(path, include, exclude, git_ignored)
    with open_log(log) as query_log:
        corpus = open_corpus(source)
        engine = build_engine(corpus, settings, query_log=query_log)
        errors_console.print(
            f"{corpus.chunks} chunks. Ask; /sources 2 shows a source's text, an empty line or /quit ends.",
            highlight=False,
        )
        _converse(GatedChatEngine(engine), Console())


def _select(path: Path, include: list[str] | None, exclude: list[str] | None, git_ignored: bool) -> Source:
    """Find the files that the options of the command line stand for."""
    from llama_index_prod_rag.cli.selection import Selection
    from llama_index_prod_rag.cli.sources import files_source

    return files_source(path, Selection(tuple(include or ()), tuple(exclude or ()), git_ignored))


def _converse(chat: GatedChatEngine, console: Console) -> None:
    """Answer lines from standard input until an empty one or its end; the question that was asked stands above each."""
    from llama_index_prod_rag.cli.show import print_answer, print_source

    with suppress(ImportError):  # line editing and history, where the system has them
        import readline  # noqa: F401
    response = None
    while (line := _next_line(console)) not in ("", "/quit"):
        try:
            if line.startswith("/sources"):
                if response is None:
                    raise InputError("nothing was asked yet")
                number = line.removeprefix("/sources").strip()
                print_source(console, response, int(number) if number.isdecimal() else 0)
            else:
                reply = chat.chat(_check_question(line))
                response = reply.sources[0].raw_output
                print_answer(console, reply.sources[0].raw_input["query"], response)
        except (InputError, typer.BadParameter) as error:
            errors_console.print(str(error), style="red", markup=False, highlight=False)


def _next_line(console: Console) -> str:
    try:
        return console.input("[bold]> [/bold]" if console.is_terminal else "").strip()
    except EOFError:
        return ""


def _check_question(question: str) -> str:
    question = question.strip()
    if not question:
        raise typer.BadParameter("the question is empty", param_hint="QUESTION")
    if len(question) > MAX_QUESTION:
        raise typer.BadParameter(
            f"{len(question):,} characters is not a question; {MAX_QUESTION:,} is the most", param_hint="QUESTION"
        )
    return question
