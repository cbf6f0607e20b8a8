"""Rich text (`.rtf`) as text: its paragraphs apart, the rows of its tables below one another."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.extras import is_installed


def read_rich_text(file: Path) -> str:
    """Read an `.rtf` file; which of its paragraphs are headings stands in no text, and is told by their words.

    Raises:
        InputError: it is no rich text, or striprtf is not installed.
        OSError: it may not be read.
    """
    if not is_installed("striprtf"):
        raise InputError(".rtf files need an extra: pip install 'llama-index-prod-rag[rtf]'")
    from striprtf.striprtf import rtf_to_text

    content = file.read_text(encoding="cp1252", errors="replace")  # other signs are escaped, by the file's own table
    if not content.lstrip().startswith("{\\rtf"):
        raise InputError("no rich text" if content.strip() else "empty")
    try:
        text = str(rtf_to_text(content, errors="ignore"))  # type: ignore[no-untyped-call]
    except Exception as error:  # whatever its parser raises
        raise InputError(f"damaged ({error})") from error
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    groups = groupby(lines, key=lambda line: line.endswith("|"))
    return "\n\n".join(("\n" if rows else "\n\n").join(group) for rows, group in groups)
