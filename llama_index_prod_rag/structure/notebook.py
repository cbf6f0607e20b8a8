"""Jupyter notebooks: Markdown cells with their headings, code cells by their grammar, outputs cut to their text. Core.

The source is JSON; what people read is a view of it, whose characters know their place in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llama_index_prod_rag.structure.code import read_code
from llama_index_prod_rag.structure.grammars import GRAMMARS
from llama_index_prod_rag.structure.json_text import Located, decode, dicts, pieces
from llama_index_prod_rag.structure.markdown import markdown_blocks
from llama_index_prod_rag.structure.prose import prose_blocks
from llama_index_prod_rag.structure.records import read_lines
from llama_index_prod_rag.structure.sections import nest_sections
from llama_index_prod_rag.structure.tree import Block
from llama_index_prod_rag.structure.view import View, ViewBuilder, move, move_all

LONGEST_OUTPUT = 2_000
"""Characters that are kept of an output: its beginning says what it is, the rest is data."""


def read_notebook(text: str) -> View | Block:
    r"""Read the cells of a notebook, under the headings of its Markdown cells.

    Returns:
        A view: each cell's text, and of its outputs the streams, plain results and the last line of errors, each cut
        to `LONGEST_OUTPUT` characters; no images, no HTML. What is not a notebook is read line by line.

    Examples:
        >>> cells = '{"cell_type": "markdown", "source": ["# Owls\\n", "They \\"hoot\\"."]}'
        >>> view = read_notebook('{"cells": [' + cells + '], "nbformat": 4, "metadata": {}}')
        >>> view.text, view.root.children[0].title
        ('# Owls\nThey "hoot".', 'Owls')
    """
    try:
        notebook = decode(text)
    except (ValueError, RecursionError):
        return read_lines(text)
    if not isinstance(notebook, dict) or "nbformat" not in notebook:
        return read_lines(text)
    return _Reader(text, _language(notebook)).read(list(_cells(notebook)))


def _cells(notebook: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for sheet in dicts(notebook.get("worksheets")) or [notebook]:  # notebooks of format 3 have sheets
        yield from dicts(sheet.get("cells"))


def _language(notebook: Mapping[str, Any]) -> str:
    metadata = notebook.get("metadata")
    for key, name in (("language_info", "name"), ("kernelspec", "language")):
        info = metadata.get(key) if isinstance(metadata, dict) else None
        if isinstance(info, dict) and isinstance(info.get(name), str):
            return str(info[name]).lower()
    return "python"


def _strings(value: object) -> list[Located]:
    """The lines of a multi-line string, which is one string or a list of them."""
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, Located)]


class _Reader:
    def __init__(self, source: str, language: str) -> None:
        self._source = source
        self._language = language
        self._view = ViewBuilder()

    def read(self, cells: Sequence[Mapping[str, Any]]) -> View:
        blocks: list[tuple[int, Block]] = []
        for cell in cells:
            start, text = self._add(_strings(cell.get("source", cell.get("input"))))
            kind = cell.get("cell_type")
            if kind == "code":
                blocks.extend((0, block) for block in self._code(cell, start, text))
            elif kind == "heading" and text.strip():
                level = cell.get("level")
                heading = Block("heading", start, start + len(text.rstrip()), title=" ".join(text.split()))
                blocks.append((level if isinstance(level, int) else 1, heading))
            else:
                found = markdown_blocks(text)[0] if kind == "markdown" else prose_blocks(text)
                blocks.extend(move_all(found, start))
        return self._view.view(nest_sections(blocks, self._view.length))

    def _add(self, strings: Sequence[Located], most: int | None = None) -> tuple[int, str]:
        """Append a text in a part of its own; where it starts in the view, and the text."""
        parts = [part for each in strings for part in pieces(self._source, each)]
        while parts and not parts[-1][0].strip():
            parts.pop()
        if not parts:
            return self._view.length, ""
        self._view.separate()
        start, shown = self._view.length, []
        for text, first, last in parts:
            room = len(text) if most is None else most - (self._view.length - start)
            if room <= 0:
                break
            kept = text[:room]
            self._view.add(kept, first, first + len(kept) if last - first == len(text) else last)
            shown.append(kept)
        return start, "".join(shown)

    def _code(self, cell: Mapping[str, Any], start: int, text: str) -> Iterator[Block]:
        """A code cell's code, and each output as a block; the code stays with its first output where both fit."""
        if not text.strip():
            return
        outputs = [block for block in map(self._output, dicts(cell.get("outputs"))) if block is not None]
        root = move(_code_blocks(text, self._language), start)
        end = start + len(text.rstrip())
        yield Block(
            "code", start, end, _clip(root.children, end), None, {"language": self._language}, glued=bool(outputs)
        )
        yield from outputs

    def _output(self, output: Mapping[str, Any]) -> Block | None:
        data = output.get("data")
        shown = output.get("text", data.get("text/plain") if isinstance(data, dict) else None)
        if output.get("output_type") in {"error", "pyerr"}:
            shown = output.get("evalue")
        start, text = self._add(_strings(shown), LONGEST_OUTPUT)
        return Block("output", start, start + len(text.rstrip())) if text.strip() else None


def _code_blocks(text: str, language: str) -> Block:
    return read_code(text, language) if language in GRAMMARS else read_lines(text)


def _clip(blocks: Sequence[Block], end: int) -> tuple[Block, ...]:
    return tuple(block for block in blocks if block.end <= end)
