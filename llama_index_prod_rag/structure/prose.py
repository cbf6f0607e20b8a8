"""Plain prose: paragraphs between blank lines, and headings between equals signs as in MediaWiki."""

from __future__ import annotations

import regex

from llama_index_prod_rag.structure.sections import nest_sections
from llama_index_prod_rag.structure.tree import Block

# "== Title ==", and as tokenised corpora write it: " = = Title = = ".
_HEADING = regex.compile(
    r"^[ \t]*(?P<marks>=(?:[ ]?=){0,5})[ \t]+(?P<title>[^\s=](?:[^\n]*[^\s=])?)[ \t]+(?P=marks)[ \t\r]*$",
    regex.MULTILINE,
)
_PARAGRAPH = regex.compile(r"[^\n]*\S[^\n]*(?:\n[^\n]*\S[^\n]*)*")


def read_prose(text: str) -> Block:
    r"""The tree of a plain text.

    Examples:
        >>> root = read_prose("= Birds =\nThey fly.\n\nMost do.\n== Owls ==\nAt night.")
        >>> [(block.kind, block.title, block.start, block.end) for block in root.walk()][1:4]
        [('section', 'Birds', 0, 50), ('heading', None, 0, 9), ('paragraph', None, 10, 19)]
    """
    blocks: list[tuple[int, Block]] = []
    position = 0
    for match in _HEADING.finditer(text):
        blocks.extend(_paragraphs(text, position, match.start()))
        level = match["marks"].count("=")
        blocks.append((level, Block("heading", match.start(), match.end(), title=match["title"])))
        position = match.end()
    blocks.extend(_paragraphs(text, position, len(text)))
    return nest_sections(blocks, len(text))


def _paragraphs(text: str, start: int, end: int) -> list[tuple[int, Block]]:
    return [(0, Block("paragraph", *match.span())) for match in _PARAGRAPH.finditer(text, start, end)]
