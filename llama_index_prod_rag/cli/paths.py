"""File names that stay readable in a narrow column."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.text import Text

_PIECE = re.compile(r"[^/\\_. -]*[/\\_. -]*")
"""A name's words, each with what ends it."""


@dataclass(frozen=True, slots=True)
class PathText:
    """A path that is broken behind a slash, a hyphen or the like: never inside a word, which may tell files apart.

    Attributes:
        path: what is shown, one line.
        place: what stands behind it, on the same line where there is room.
    """

    path: str
    place: str = ""

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Measure the longest word and the whole."""
        longest = max((Text(piece).cell_len for piece in _PIECE.findall(self.path)), default=0)
        whole = Text(f"{self.path} {self.place}".rstrip()).cell_len
        return Measurement(max(longest, Text(self.place).cell_len), whole).with_maximum(options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Show it in lines as long as the column allows."""
        *lines, last = break_path(self.path, options.max_width)
        for line in lines:
            yield Text(line, overflow="fold")
        fits = Text(f"{last} {self.place}").cell_len <= options.max_width
        yield (
            Text.assemble(last, " " if fits else "\n", (self.place, "dim"), overflow="fold")
            if self.place
            else Text(last, overflow="fold")
        )


def break_path(path: str, width: int) -> list[str]:
    """Break a path into lines.

    Args:
        path: one line.
        width: most cells of a line; a longer word has a line of its own, however long.

    Examples:
        >>> break_path("runbooks/europe-west/payment-gateway.md", 22)
        ['runbooks/europe-west/', 'payment-gateway.md']
    """
    lines = [""]
    for piece in _PIECE.findall(path):
        if lines[-1] and Text(lines[-1] + piece).cell_len > width:
            lines.append("")
        lines[-1] += piece
    return lines
