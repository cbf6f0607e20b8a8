"""Progress for people, on stderr, so that stdout stays clean for results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

errors_console = Console(stderr=True)

_BETWEEN_LINES = 10.0  # seconds; half an hour's work is 180 lines in a log


@contextmanager
def progress_bar(what: str, *, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar while something long runs, or where nobody watches a line now and then; nothing at all for no work.

    Args:
        what: what is being done, as a participle ("embedding").
        total: how many steps there are.

    Yields:
        A function to call with the number of steps just done.
    """
    if total == 0:
        yield lambda _: None
        return
    if not errors_console.is_terminal:
        yield _lines(what, total)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors_console) as progress:
        task = progress.add_task(what, total=total)
        yield lambda steps: progress.advance(task, steps)


def _lines(what: str, total: int) -> Callable[[int], None]:
    """What prints how far it is, at most once in ten seconds and not before as many have passed."""
    done, told = 0, time.monotonic()

    def advance(steps: int) -> None:
        nonlocal done, told
        done += steps
        if time.monotonic() - told >= _BETWEEN_LINES:
            told = time.monotonic()
            errors_console.print(f"{what} {done:,} of {total:,}", highlight=False)

    return advance
