"""JSON lines as people's tools write them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from llama_index_prod_rag.errors import InputError


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    r"""Each line that is not empty, with its number from 1.

    Only `\n` and `\r\n` end a line: JSON may hold Unicode's other line separators as they are. A byte order mark is
    skipped.

    Raises:
        InputError: the file is not UTF-8.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8") from None
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line
