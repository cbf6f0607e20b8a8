"""Texts that are made of lines: logs, chats, records, style sheets, XML, configuration, code without a grammar. Core.

Nothing is known of such a text but its lines, its blank lines and its indentation, and these tell a lot: a line with
the lines indented below it is one entry, entries between blank lines are one group, a comment belongs to what it heads,
and where most lines begin alike (with a date, a nick), the others go on with the entry above.
"""

from __future__ import annotations

import re
from dataclasses import replace

from llama_index_prod_rag.structure.line_signs import record_shapes, shape_of
from llama_index_prod_rag.structure.lines import Line, split_lines
from llama_index_prod_rag.structure.tree import Block

_DEEPEST = 20
"""Entries nested deeper by their indentation are left whole: no chunk is so small."""
# Comment signs of configuration formats and languages that are read as lines; C's directives are not comments.
_COMMENT = re.compile(r"(?:#(?!include|define|if|endif|\[)|//|;|--|%|<!--|/?\*|rem\b|REM\b)")
_LONGEST_BANNER = 12
"""Lines of comment that head what follows; more are a text of their own."""
# What closes an entry stands at its indentation and belongs to it.
_CLOSER = re.compile(r"[\])}]|</|(?:end|fi|done|esac|endif|else|elif|elsif|elseif|then|do|except|finally|rescue)\b")


def read_lines(text: str) -> Block:
    r"""Groups between blank lines, the entries in them, and the lines that are indented below an entry.

    Examples:
        >>> root = read_lines("# Ports\nhttp:\n  port: 80\n\nlog: all\n")
        >>> [(block.kind, text) for block in root.children for text in [(block.start, block.end)]]
        [('group', (0, 24)), ('group', (26, 34))]
        >>> [block.kind for block in root.children[0].children], root.children[0].children[0].glued
        (['comment', 'line'], True)
    """
    return Block("document", 0, len(text), tuple(_Reader(text).groups()))


class _Reader:
    """Goes through the lines that are not blank, by their numbers."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = split_lines(text)
        shown = [text[line.start : line.end] for line in self._lines if not line.blank]
        self._shapes = record_shapes(shown)
        self._left = min((line.indent for line in self._lines if not line.blank), default=0)

    def groups(self) -> list[Block]:
        """Find what stands between blank lines; an indented line after one goes on with its group."""
        groups: list[list[int]] = []
        after_blank = True
        for index, line in enumerate(self._lines):
            if line.blank:
                after_blank = True
                continue
            begins = after_blank and line.indent <= self._left and not self._goes_on(line)
            if begins or not groups:
                groups.append([])
            groups[-1].append(index)
            after_blank = False
        return [self._block("group", group, 0) for group in groups]

    def _block(self, kind: str, shown: list[int], depth: int) -> Block:
        """Some lines as one block, with its entries as children where there are several."""
        children = self._entries(shown, depth) if len(shown) > 1 and depth < _DEEPEST else []
        return Block(kind, self._lines[shown[0]].begin, self._lines[shown[-1]].end, tuple(children))

    def _entries(self, shown: list[int], depth: int) -> list[Block]:
        """Entries as far left as the first line; if there is one alone, its head and what is indented below it."""
        indent = self._lines[shown[0]].indent
        entries: list[list[int]] = []
        for index in shown:
            line = self._lines[index]
            if not entries or (line.indent <= indent and not self._goes_on(line)):
                entries.append([])
            entries[-1].append(index)
        if len(entries) == 1:
            return [replace(self._leaf(shown[0]), glued=True), *self._divide(shown[1:], depth + 1)]
        return self._glue_comments([self._block("line", entry, depth + 1) for entry in entries])

    def _divide(self, shown: list[int], depth: int) -> list[Block]:
        return (
            self._entries(shown, depth) if len(shown) > 1 and depth < _DEEPEST else [self._block("line", shown, depth)]
        )

    def _leaf(self, index: int) -> Block:
        return Block("line", self._lines[index].begin, self._lines[index].end)

    def _goes_on(self, line: Line) -> bool:
        """Whether a line belongs to the entry above it: it closes it, or begins as no record does."""
        if self._shapes:
            return shape_of(self._text[line.start : line.end]) not in self._shapes
        return _CLOSER.match(self._text, line.start, line.end) is not None

    def _glue_comments(self, blocks: list[Block]) -> list[Block]:
        """Short runs of comment lines stay with the entry below them."""
        run: list[int] = []
        for index, block in enumerate(blocks):
            is_comment = not block.children and _COMMENT.match(self._text[block.start : block.end].lstrip()) is not None
            if is_comment:
                blocks[index] = replace(block, kind="comment")
                run.append(index)
                continue
            if len(run) <= _LONGEST_BANNER:
                for each in run:
                    blocks[each] = replace(blocks[each], glued=True)
            run = []
        return blocks
