"""Contracts, licences and statutes to blocks: articles, sections, clauses and sub-clauses by their numbering.

Text taken from pages often has its clauses in one line; a number counts as one where it stands after the end of a
sentence and continues the numbering that is open there, so that "see Section 4.2" opens nothing. A sentence that a page
number tears in two is kept together, with the number in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from llama_index_prod_rag.structure.captions import UNDERLINE
from llama_index_prod_rag.structure.clauses import find_marks, sentence_end
from llama_index_prod_rag.structure.lines import paragraph_spans
from llama_index_prod_rag.structure.marks import Mark
from llama_index_prod_rag.structure.numbering import NESTED_RANK
from llama_index_prod_rag.structure.pages import PageBreak, page_breaks
from llama_index_prod_rag.structure.sections import nest_sections
from llama_index_prod_rag.structure.titles import is_bare_title, is_marked_title
from llama_index_prod_rag.structure.tree import Block
from llama_index_prod_rag.text.sentences import split_sentences

# What contracts open and close with, without a number.
_RECITAL = re.compile(r"WHEREAS\b|NOW,?\s+THEREFORE\b|IN\s+WITNESS\s+WHEREOF\b|(?:WITNESSETH|RECITALS?)\b")
# A paragraph that begins with a quoted term and defines it; its number, if any, may stand before the term.
_DEFINITION = re.compile(
    r"(?:\(?[\w.]{1,8}\)?[ \t]+)?[\"“][^\"“”\n]{1,80}[\"”][^.\n]{0,60}?"
    r"\b(?:means?|shall\s+mean|has\s+the\s+meaning|is\s+defined)\b"
)

_BLANKS = re.compile(r"[\s\u3000.:]{0,80}")
_LINE_END = re.compile(r"[ \t.:]{0,40}\r?\n\s{0,80}")


def read_legal(text: str) -> Block:
    r"""Clauses inside clauses, by their numbers.

    Returns:
        The root block. Each `clause` has `metadata["numbering"]`, the numbers from the outermost to its own. One that
        begins a line, and any article or section, adds its number and caption as a title; numbers inside a sentence,
        as in "means (a) ... or (b) ...", mark places to cut. Paragraphs that define a term are `definition`, recitals
        `recital`.

    Examples:
        >>> root = read_legal('1. Terms. 1.1 "Fee" means the price. 1.2 See 9.3.\n2. Payment\nPay at once.')
        >>> [block.title for block in root.walk() if block.kind == "clause"]
        ['1. Terms', '1.1 "Fee"', '1.2', '2. Payment']
    """
    blocks: list[tuple[int, Block]] = []
    breaks = list(page_breaks(text))
    marks = find_marks(text, breaks)
    torn = {each.before: each for each in breaks if each.torn}
    position = outermost = 0
    for mark, end in zip(marks, [*(mark.start for mark in marks), len(text)][1:], strict=True):
        if mark.start == end:  # two marks in one place: the second has the text
            continue
        blocks += [(0, block) for block in _paragraphs(text, position, mark.start, torn)]
        position = sentence_end(text, mark.start, end, torn) if mark.inside else end
        clause = Block(
            mark.kind,
            mark.start,
            position,
            tuple(_glue_title(text, _paragraphs(text, mark.start, position, torn, mark=mark), rank=mark.rank)),
            title=mark.title,
            metadata={"numbering": list(mark.numbering)} if mark.numbering else {},
            continues=mark.continues,
        )
        blocks.append((mark.rank, clause))
        outermost = min(outermost or mark.rank, mark.rank) if mark.inside else 0
        if position < end:
            blocks += _find_blocks_after_list(text, position, end, outermost, torn)
            position, outermost = end, 0
    blocks += [(0, block) for block in _paragraphs(text, position, len(text), torn)]
    return nest_sections(blocks, len(text))


def _find_blocks_after_list(
    text: str, start: int, end: int, rank: int, torn: Mapping[int, PageBreak]
) -> list[tuple[int, Block]]:
    """What follows the sentence that a list of parts stood in: beside the parts, not inside the last of them."""
    parts = _paragraphs(text, start, end, torn)
    if not parts:
        return []
    first, last = parts[0], parts[-1]
    return [(rank, Block("paragraph", first.start, last.end, tuple(parts)))]


def _paragraphs(
    text: str, start: int, end: int, torn: Mapping[int, PageBreak], *, mark: Mark | None = None
) -> list[Block]:
    """The paragraphs of a stretch; the first are headings if they hold nothing but number and caption of its clause."""
    if start == end:
        return []
    blocks: list[Block] = []
    page: PageBreak | None = None
    for first, last in paragraph_spans(text, start, end):
        if page is not None and first < page.after:  # the number itself, inside the sentence that it tears
            continue
        if page is not None:
            blocks[-1] = _mend(text, blocks[-1], page, last)
        else:
            heading = mark is not None and len(blocks) < 2 and last < end and _is_heading(text, first, last, mark)
            below = first if heading or mark is None or blocks else _behind_title(text, first, last, mark)
            if below > first:
                blocks.append(Block("heading", first, first + len(text[first:below].rstrip()), glued=True))
            blocks.append(Block("heading" if heading else _paragraph_kind(text, first), below, last, glued=heading))
        page = torn.get(last)
        if page is not None and page.after >= end:
            page = None
    return blocks


def _glue_title(text: str, blocks: list[Block], *, rank: int) -> list[Block]:
    """What stands alone below a division's number and caption heads what comes: `What goods are covered?`."""
    if rank < NESTED_RANK and len(blocks) > 1 and all(block.kind == "heading" for block in blocks[:-1]):
        words = text[blocks[-1].start : blocks[-1].end]
        if is_bare_title(words) or is_marked_title(words):
            return [*blocks[:-1], replace(blocks[-1], glued=True)]
    return blocks


def _is_heading(text: str, start: int, end: int, mark: Mark) -> bool:
    """Whether a paragraph is the number of a clause, its caption, or both."""
    words = " ".join(UNDERLINE.sub("", text[start:end]).split()).strip(".:（）()[]")
    known = (mark.label, mark.caption.words if mark.caption else None, mark.title)
    above = f"{mark.caption.words} {mark.label}" if mark.caption else None
    return any(words == each.strip(".:（）()[]") for each in (*known, above) if each)


def _behind_title(text: str, start: int, end: int, mark: Mark) -> int:
    """Where the words begin below a title that a paragraph begins with; its start if it has no title, or no words."""
    title = max(mark.head, mark.caption.end if mark.caption is not None else 0)
    if mark.rank >= NESTED_RANK or not start < title < end:
        return start
    behind = _BLANKS if mark.keyword else _LINE_END
    match = behind.match(text, title, end)
    return start if match is None or match.end() == end else match.end()


def _mend(text: str, above: Block, page: PageBreak, end: int) -> Block:
    """A paragraph that goes on below a page's end: its sentences, the torn one glued together around the number."""
    parts = list(above.children or _sentences(text, above.start, above.end))
    parts[-1] = replace(parts[-1], glued=True)
    parts += [Block("page", page.start, page.end, glued=True), *_sentences(text, page.after, end)]
    return replace(above, end=end, children=tuple(parts))


def _sentences(text: str, start: int, end: int) -> list[Block]:
    return [Block("sentence", *span) for span in split_sentences(text, start, end)]


def _paragraph_kind(text: str, start: int) -> str:
    if _RECITAL.match(text, start):
        return "recital"
    return "definition" if _DEFINITION.match(text, start) else "paragraph"
