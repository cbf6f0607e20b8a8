"""Plain prose: paragraphs between blank lines, chapters of books, headings between equals signs as in MediaWiki."""

from __future__ import annotations

from collections.abc import Iterator

import regex

from llama_index_prod_rag.structure.chapters import find_chapters
from llama_index_prod_rag.structure.sections import nest_sections
from llama_index_prod_rag.structure.titles import clean_title, glue_titles, is_bare_title
from llama_index_prod_rag.structure.tree import Block

# "== Title ==", and as tokenised corpora write it: " = = Title = = ".
_HEADING = regex.compile(
    r"^[ \t]*(?P<marks>=(?:[ ]?=){0,5})[ \t]+(?P<title>[^\s=](?:[^\n]*[^\s=])?)[ \t]+(?P=marks)[ \t\r]*$",
    regex.MULTILINE,
)
_LONGER = 2
"""How many times as long as a title the line below it is, at least: lines of addresses and poems are not."""
_LEAST_BODY = 40  # characters
_PARAGRAPH = regex.compile(r"[^\n]*\S[^\n]*(?:\n[^\n]*\S[^\n]*)*")


def read_prose(text: str) -> Block:
    r"""Read a plain text into a tree of paragraphs.

    Examples:
        >>> root = read_prose("= Birds =\nThey fly.\n\nMost do.\n== Owls ==\nAt night.")
        >>> [(block.kind, block.title, block.start, block.end) for block in root.walk()][1:4]
        [('section', 'Birds', 0, 50), ('heading', None, 0, 9), ('paragraph', None, 10, 19)]
    """
    return nest_sections(prose_blocks(text), len(text))


def prose_blocks(text: str) -> list[tuple[int, Block]]:
    """Read the paragraphs and headings of a plain text, with the levels of headings."""
    blocks: list[tuple[int, Block]] = []
    position = 0
    for level, heading in sorted((*_marked(text), *_chapters(text)), key=lambda found: found[1].start):
        if heading.start >= position:
            blocks.extend(_paragraphs(text, position, heading.start))
            blocks.append((level, heading))
            position = heading.end
    blocks.extend(_paragraphs(text, position, len(text)))
    return glue_titles(blocks, lambda block: text[block.start : block.end])


def _marked(text: str) -> Iterator[tuple[int, Block]]:
    for match in _HEADING.finditer(text):
        title = clean_title(match["title"])
        yield match["marks"].count("="), Block("heading", match.start(), match.end(), title=title)


def _chapters(text: str) -> Iterator[tuple[int, Block]]:
    for chapter in find_chapters(text):
        yield chapter.level, Block("heading", chapter.start, chapter.end, title=chapter.title)


def _paragraphs(text: str, start: int, end: int) -> list[tuple[int, Block]]:
    return [(0, part) for match in _PARAGRAPH.finditer(text, start, end) for part in _parts(text, *match.span())]


def _parts(text: str, start: int, end: int) -> list[Block]:
    """A paragraph, or its first line as a title and the rest, where that line is short and the next one is not."""
    title = text[start:end].split("\n", maxsplit=1)[0]
    below = text[start + len(title) : end].lstrip().split("\n", maxsplit=1)[0]
    if len(below) < max(_LEAST_BODY, _LONGER * len(title)) or not is_bare_title(title):
        return [Block("paragraph", start, end)]
    body = end - len(text[start + len(title) : end].lstrip())
    return [Block("paragraph", start, start + len(title.rstrip()), glued=True), Block("paragraph", body, end)]
