"""JSON lines as people's tools write them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from llama_index_prod_rag.errors import InputError


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    r"""Each line that is not empty, with its number from 1; one is in memory at a time.

    Only `\n` and `\r\n` end a line: JSON may hold Unicode's other line separators as they are. A byte order mark is
    skipped.

    Raises:
        InputError: a line is not UTF-8.
    """
    with path.open("rb") as file:  # bytes: text files would end lines at a lone `\r` too
        for number, line in enumerate(file, start=1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").removesuffix("\n")
            except UnicodeDecodeError as error:
                raise InputError(f"{path}, line {number}: not UTF-8 (byte {error.start}): save it as UTF-8") from None
            if text.strip():
                yield number, text
