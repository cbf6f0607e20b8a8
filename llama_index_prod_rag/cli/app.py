"""The command line put together: subcommands, logging, and what an error looks like."""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
from importlib import import_module
from typing import Annotated, NoReturn

import typer
from rich.logging import RichHandler

from llama_index_prod_rag._version import __version__
from llama_index_prod_rag.cli.progress import errors_console
from llama_index_prod_rag.errors import ProdRagError
from llama_index_prod_rag.text.printable import make_printable

_COMMANDS = ("demo", "ask", "tune", "calibrate", "evaluate", "report", "log")
_TALKATIVE = ("transformers", "sentence_transformers", "httpx", "bm25s")
_INTERRUPTED = 130  # the shell's convention for a process ended by Ctrl-C


def build_app() -> typer.Typer:
    """Build the typer application with every subcommand."""
    app = typer.Typer(
        name="prod-rag",
        help="Ask your own documents, and hear 'I don't know' when they do not say.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def configure(
        debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and debug messages.")] = False,
        version: Annotated[
            bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
        ] = False,
    ) -> None:
        del version  # its callback has printed it
        _start_logging(debug)

    for command in _COMMANDS:
        import_module(f"llama_index_prod_rag.cli.{command}").register(app)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


def _start_logging(debug: bool) -> None:
    handler = RichHandler(console=errors_console, show_time=False, show_path=debug)
    handler.addFilter(_is_printable)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler], force=True)
    logging.getLogger("llama_index_prod_rag").setLevel(logging.DEBUG if debug else logging.WARNING)
    if not debug:
        handler.addFilter(_is_for_the_user)
        # No bar for each model that is loaded: it comes from a wheel, in a second.
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


def _is_for_the_user(record: logging.LogRecord) -> bool:
    """Advice of the model libraries says nothing to somebody who asked a question.

    Their loggers' levels would not stay as set here: bm25s sets its own when it is imported.
    """
    return record.levelno >= logging.ERROR or record.name.partition(".")[0] not in _TALKATIVE


def _is_printable(record: logging.LogRecord) -> bool:
    """Let every record pass, without what a terminal would obey: messages repeat names and texts of documents."""
    record.msg, record.args = make_printable(record.getMessage()), ()
    return True


class _Interrupted(BaseException):
    """Ctrl-C under a name that the command line library does not turn into a bare "Aborted"."""


def _interrupt(*_: object) -> NoReturn:
    raise _Interrupted


def _show_unknown_letters_as_question_marks() -> None:
    """A file on Windows, and some terminals, know fewer letters than a document: an answer is not lost for one."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def run() -> None:
    """Run the command; errors are one line and an exit code: 2 for wrong use, 1 for failure."""
    signal.signal(signal.SIGINT, _interrupt)
    _show_unknown_letters_as_question_marks()
    try:
        build_app()()
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        known = isinstance(error, ProdRagError)
        told = str(error) if known else f"{type(error).__name__}: {error} (prod-rag --debug ... shows where)"
        errors_console.print(
            f"prod-rag: {make_printable(told)}", style="red", markup=False, highlight=False, soft_wrap=True
        )
        sys.exit(1)
    except _Interrupted:
        errors_console.print("\nprod-rag: interrupted; what was computed is kept, the next run goes on from there")
        # A pool that was being filled when the signal came may have a thread that nobody tells to end: the interpreter
        # would wait for it. What has to be closed was closed on the way here.
        sys.stdout.flush()
        os._exit(_INTERRUPTED)
