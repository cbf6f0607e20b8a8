"""Org mode and AsciiDoc to blocks: headings by their leading marks, delimited blocks whole, paragraphs. Core."""

from __future__ import annotations

import re
from collections.abc import Callable

from llama_index_prod_rag.structure.lines import paragraph_spans, split_lines
from llama_index_prod_rag.structure.sections import nest_sections
from llama_index_prod_rag.structure.titles import clean_title, glue_titles
from llama_index_prod_rag.structure.tree import Block

Rank = Callable[[str], "tuple[int, str] | None"]
"""A line to the level and the words of the heading that it is, or None."""
Opens = Callable[[str], "str | None"]
"""A line to the line that ends the block which it begins, in lower case, or None."""

_ORG_TITLE = re.compile(r"(?i)#\+title:[ \t]*(?P<title>\S.*)")
_ORG_HEADING = re.compile(
    r"(?P<marks>\*{1,8})[ \t]+(?:(?:TODO|DONE|NEXT|WAITING)[ \t]+)?(?:\[#[A-C]\][ \t]+)?(?P<title>\S.*)"
)
_ORG_TAGS = re.compile(r"[ \t]+:[\w@#%:]{1,200}:[ \t]*\Z")
_ORG_BLOCK = re.compile(r"(?i)[ \t]*#\+begin_(?P<kind>\w{1,40})")
_DRAWER = re.compile(r"[ \t]*:(?:PROPERTIES|LOGBOOK):[ \t]*\Z")
_ADOC_HEADING = re.compile(r"(?P<marks>={1,6})[ \t]+(?P<title>[^\s=].*)")
_ADOC_FENCE = re.compile(r"(?:-{4,}|\.{4,}|={4,}|\*{4,}|_{4,}|\+{4,}|/{4,}|--|[|,:!]===)\Z")


def read_org(text: str) -> Block:
    r"""Read Org mode: the title, headings of stars, blocks between `#+BEGIN_` and `#+END_`.

    Examples:
        >>> root = read_org("#+TITLE: Looms\n\n* TODO Oil them :shop:\nOften.\n")
        >>> [block.title for block in root.walk() if block.title]
        ['Looms', 'Oil them']
    """
    return _read(text, _org_rank, _org_opens)


def read_asciidoc(text: str) -> Block:
    r"""Read AsciiDoc: headings of equals signs, and blocks between two lines of the same signs.

    Examples:
        >>> root = read_asciidoc("= Looms\n\n== Oil\n\n----\n== no heading\n----\n")
        >>> [(block.kind, block.title) for block in root.walk()][1:]
        [('section', 'Looms'), ('heading', None), ('section', 'Oil'), ('heading', None), ('code', None)]
    """
    return _read(text, _adoc_rank, _adoc_opens)


def _org_rank(line: str) -> tuple[int, str] | None:
    if (title := _ORG_TITLE.match(line)) is not None:
        return 1, title["title"]
    match = _ORG_HEADING.match(line)
    return None if match is None else (1 + len(match["marks"]), _ORG_TAGS.sub("", match["title"]))


def _org_opens(line: str) -> str | None:
    if _DRAWER.match(line):
        return ":end:"
    match = _ORG_BLOCK.match(line)
    return None if match is None else f"#+end_{match['kind'].lower()}"


def _adoc_rank(line: str) -> tuple[int, str] | None:
    match = _ADOC_HEADING.match(line)
    return None if match is None else (len(match["marks"]), match["title"].rstrip("= \t"))


def _adoc_opens(line: str) -> str | None:
    return line.strip().lower() if _ADOC_FENCE.match(line.rstrip()) else None


def _read(text: str, rank: Rank, opens: Opens) -> Block:
    blocks: list[tuple[int, Block]] = []
    position, begun, closes = 0, 0, ""
    for line in split_lines(text):
        shown = text[line.begin : line.end]
        if closes:
            if shown.strip().lower() == closes:
                blocks += [*_paragraphs(text, position, begun), (0, Block("code", begun, line.end))]
                position, closes = line.end, ""
        elif (heading := rank(shown)) is not None:
            blocks += _paragraphs(text, position, line.begin)
            blocks.append((heading[0], Block("heading", line.begin, line.end, title=clean_title(heading[1]))))
            position = line.end
        elif (end := opens(shown)) is not None:
            begun, closes = line.start, end
    blocks += _paragraphs(text, position, len(text))
    return nest_sections(glue_titles(blocks, lambda block: text[block.start : block.end]), len(text))


def _paragraphs(text: str, start: int, end: int) -> list[tuple[int, Block]]:
    """The paragraphs of a stretch; what stands right above a block, such as `[source,sh]`, belongs to it."""
    spans = paragraph_spans(text, start, end)
    return [
        (
            0,
            Block(
                "paragraph", *span, glued=span is spans[-1] and end < len(text) and "\n" not in text[span[1] + 1 : end]
            ),
        )
        for span in spans
    ]
