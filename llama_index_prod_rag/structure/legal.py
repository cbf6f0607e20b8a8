"""Contracts, licences and statutes to blocks: articles, sections, clauses and sub-clauses by their numbering.

Text taken from pages often has its clauses in one line; a number counts as one where it stands after the end of a
sentence and continues the numbering that is open there, so that "see Section 4.2" opens nothing. A sentence that a page
number tears in two is kept together, with the number in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from llama_index_prod_rag.structure.lines import paragraph_spans
from llama_index_prod_rag.structure.numbering import NESTED_RANK, Outline, readings
from llama_index_prod_rag.structure.pages import PageBreak, page_breaks
from llama_index_prod_rag.structure.sections import nest_sections
from llama_index_prod_rag.structure.tree import Block
from llama_index_prod_rag.text.sentences import split_sentences

_NUMBER = re.compile(
    r"(?P<keyword>(?:Article|Section|Clause|Chapter|Part|Title|Exhibit|Schedule|Annex|Appendix|Attachment"
    r"|ARTICLE|SECTION|CLAUSE|CHAPTER|PART|TITLE|EXHIBIT|SCHEDULE|ANNEX|APPENDIX|ATTACHMENT)\b|§)"
    r"[ \t]*(?:No\.[ \t]*)?(?P<named>\d{1,4}(?:\.\d{1,3}){0,4}|[IVXLC]{1,6}|[A-Z])\b[.:]?(?=\s|[–—-]|\Z)"
    r"|(?<![\w.$])(?P<decimal>\d{1,3}(?:\.\d{1,3}){0,4})(?P<dot>[.)]?)(?=[ \t]*[\r\n]|[ \t]+[\"“A-Z(\[]|\Z)"
    r"|\((?P<bracketed>[a-z]{1,2}|[ivxl]{1,6}|[A-Z]{1,2}|[IVXL]{1,5}|\d{1,2})\)(?=\s|[A-Z\"“])"
    r"(?!\s+(?:above|below|hereof|thereof)\b)"
    r"|(?<![\w.])(?P<lettered>[a-zA-Z]|[ivxIVX]{1,5})(?P<after>[.)])(?=\s+\S)"
)
_HEADED = re.compile(
    r"(?:(?:ARTICLE|Article|SECTION|Section)\s+)?(?:(\d{1,3})[.:]?|[IVXL]{1,6}[.:]?)[ \t]+"
    r"(?P<words>[A-Z][^.:;\r\n]{0,100}?)\s+(?=(?:Section\s+)?(?(1)\1|\d{1,3})\.0?1\b)"
)
"""A number, a caption and the first number below it: `4. Duties 4.1 The`. Both begin something, wherever they stand."""
_RECITAL = re.compile(r"WHEREAS\b|NOW,?\s+THEREFORE\b|IN\s+WITNESS\s+WHEREOF\b|(?:WITNESSETH|RECITALS?)\b")
_DEFINITION = re.compile(
    r"(?:\(?[\w.]{1,8}\)?[ \t]+)?[\"“][^\"“”\n]{1,80}[\"”][^.\n]{0,60}?"
    r"\b(?:means?|shall\s+mean|has\s+the\s+meaning|is\s+defined)\b"
)
_DEFINED = re.compile(
    r"(?<!\w)[\"“][A-Z][^\"“”\n]{1,80}[\"”](?=[^.\n\"“”]{0,60}?\b(?:means?|shall\s+mean|has\s+the\s+meaning|have\s+the\s+meaning)\b)"
)
_TERM = re.compile(r"\s*[\"“]([^\"“”\n]{1,80})[\"”]")
_CAPTION = re.compile(
    r"[ \t]*(?P<words>[\"“(]?[A-Z0-9][^\r\n.:;]{0,80}?)"
    r"(?:\.(?=\s|\Z)|[.:]?[ \t]*(?:\Z|\r?\n(?=[ \t]*(?:\r?\n|[A-Z0-9]|\([a-z0-9]+\)|\Z))))"
)
_CAPTION_BELOW = re.compile(r"[ \t]*\r?\n\s*(?P<words>[A-Z][^\r\n.:;\"“]{2,80}?)[ \t]*(?=[\r\n]|\Z)")
_FINITE_VERB = re.compile(r"\b(?:agrees?|are|has|have|hereby|includes?|is|may|means?|must|shall|was|were|will)\b")

# What may stand before a number inside a line: the end of a sentence or, before (a), the words that lead a list.
_SENTENCE_END = re.compile(r"[.;:][\"”')\]]*\s+(?:(?:and|or)\s+)?\Z")
_LIST_LEAD = re.compile(
    r"(?:[:;,—–][\"”)]?\s*(?:(?:and|or|and/or)\s+)?"
    r"|\b(?:as|by|either|for|from|if|in|including|is|are|means?|not|of|or|shall|that|the|to|which|who|will|with)\s+)\Z"
)
_REFERENCE = re.compile(
    r"(?:(?i:articles?|sections?|clauses?|paragraphs?|sub\w+|exhibits?|schedules?|items?)"
    r"|[\dA-Z)]\([a-z\d]{1,4}\)(?:\([a-z\d]{1,4}\))*|(?i:clauses?|paragraphs?|sections?)\s+\([a-z\d]{1,4}\)),?(?:\s+(?:and|or|to|through))?\s*\Z"
)
_STOP = re.compile(r"[.!?][\"”')\]]*\Z")
_LINE_END = re.compile(r"[.;:!?,)\]\"”]\Z|\b(?:and|or)\Z")
_LOOK_BACK = 120
_WIDE_GAP = 3
"""So many blanks in a row stand for a line break that was lost."""
_SHORT_LINE = 50
"""A line shorter than this was ended by its author, not by the width of the page."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where a clause begins."""

    start: int
    rank: int
    title: str | None
    numbering: tuple[str, ...]
    kind: str = "clause"
    continues: bool = False
    """Whether the sentence before is not over."""
    inside: bool = False
    """Whether it also stands inside a line, so that it ends with that sentence."""


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
    marks = list(_marks(text, breaks))
    torn = {each.before: each for each in breaks if each.torn}
    position = outermost = 0
    for mark, end in zip(marks, [*(mark.start for mark in marks), len(text)][1:], strict=True):
        blocks += [(0, block) for block in _paragraphs(text, position, mark.start, torn)]
        position = _sentence_end(text, mark.start, end, torn) if mark.inside else end
        clause = Block(
            mark.kind,
            mark.start,
            position,
            tuple(_paragraphs(text, mark.start, position, torn, caption=mark.title)),
            title=mark.title,
            metadata={"numbering": list(mark.numbering)} if mark.numbering else {},
            continues=mark.continues,
        )
        blocks.append((mark.rank, clause))
        outermost = min(outermost, mark.rank) if mark.inside and outermost else mark.rank
        if position < end:
            blocks += _after_list(text, position, end, outermost, torn)
            position, outermost = end, 0
    blocks += [(0, block) for block in _paragraphs(text, position, len(text), torn)]
    return nest_sections(blocks, len(text))


def _sentence_end(text: str, start: int, end: int, torn: Mapping[int, PageBreak]) -> int:
    """Where the sentence ends whose part begins at `start`."""
    position = split_sentences(text, start, end)[0][1]
    while position in torn and torn[position].after < end:
        position = split_sentences(text, torn[position].after, end)[0][1]
    return position


def _after_list(text: str, start: int, end: int, rank: int, torn: Mapping[int, PageBreak]) -> list[tuple[int, Block]]:
    """What follows the sentence that a list of parts stood in: beside the parts, not inside the last of them."""
    parts = _paragraphs(text, start, end, torn)
    if not parts:
        return []
    first, last = parts[0], parts[-1]
    return [(rank, Block("paragraph", first.start, last.end, tuple(parts)))]


def _marks(text: str, breaks: Sequence[PageBreak]) -> Iterator[_Mark]:
    """Clauses in reading order."""
    outline = Outline()
    first_below = sentence = -1
    pages = {each.after: each for each in breaks}
    torn = {each.before: each for each in breaks if each.torn}
    starts = iter([*_unnumbered(text), (len(text), "")])
    start, kind = next(starts)
    for match in _NUMBER.finditer(text):
        while start < match.start():
            if outline.leave_nested():
                yield _Mark(start, NESTED_RANK, None, outline.path, kind)
            start, kind = next(starts)
        headed = None if match["bracketed"] else _HEADED.match(text, match.start())
        certain = headed is not None or match.start() == first_below
        page = pages.get(match.start())
        begins_line = certain or (_begins_line(text, match.start()) and not (page is not None and page.torn))
        if not certain and not _may_open(text, match, begins_line=begins_line):
            continue
        number = match["named"] or match["decimal"] or match["bracketed"] or match["lettered"]
        sign = "()" if match["bracketed"] else match["dot"] or match["after"] or ""
        candidates = readings(number, keyword=match["keyword"] or "", sign=sign)
        continues = _continues(text, match.start() if page is None else page.before)
        if outline.in_sentence:
            if not continues or text[_sentence_end(text, sentence, match.start(), torn) : match.start()].strip():
                outline.leave_sentence(candidates)
            sentence = match.start()
        inside = continues and not begins_line and bool(match["bracketed"])
        rank = outline.take(candidates, match.group().rstrip(".:"), begins_line=begins_line, in_sentence=inside)
        if rank is None:
            continue
        sentence = match.start()
        first_below = headed.end() if headed is not None else -1
        title = _title(text, match, headed) if begins_line or not match["bracketed"] else None
        continues = continues and rank >= NESTED_RANK
        yield _Mark(match.start(), rank, title, outline.path, continues=continues, inside=inside and continues)
    while start < len(text):
        if outline.leave_nested():
            yield _Mark(start, NESTED_RANK, None, outline.path, kind)
        start, kind = next(starts)


def _unnumbered(text: str) -> list[tuple[int, str]]:
    """Where definitions and recitals begin: they stand below no (a) that is open there."""
    found = [(match.start(), "definition") for match in _DEFINED.finditer(text)]
    found += [(match.start(), "recital") for match in _RECITAL.finditer(text)]
    return sorted(each for each in found if _begins_line(text, each[0]))


def _continues(text: str, start: int) -> bool:
    """Whether the sentence before is not over: a clause that begins here is one part of it."""
    before = text[max(0, start - _LOOK_BACK) : start].rstrip()
    return bool(before) and _STOP.search(before) is None


def _begins_line(text: str, start: int) -> bool:
    """Whether a number begins a line that its author began, not one that only wraps the line before."""
    before = text[max(0, start - _LOOK_BACK) : start]
    line = before.rstrip(" \t#*\u00a0")
    if not line or line[-1] not in "\r\n":
        return not line or len(before) - len(line) >= _WIDE_GAP
    above = line.rstrip()
    if line.count("\n", len(above)) > 1 or _LINE_END.search(above):
        return True
    return len(above) - max(above.rfind("\n"), above.rfind("\r")) <= _SHORT_LINE


def _may_open(text: str, match: re.Match[str], *, begins_line: bool) -> bool:
    """Whether what stands around a number lets it begin a clause."""
    if begins_line:
        page_number = match["decimal"] is not None and not match["dot"] and "." not in match["decimal"]
        return not page_number
    before = text[max(0, match.start() - _LOOK_BACK) : match.start()]
    if match["bracketed"]:
        return _LIST_LEAD.search(before) is not None and _REFERENCE.search(before) is None
    if match["keyword"] and text[match.end() :].lstrip()[:1].islower():
        return False
    return not match["lettered"] and _SENTENCE_END.search(before) is not None


def _title(text: str, match: re.Match[str], headed: re.Match[str] | None) -> str:
    """The number and what names its clause: a defined term, or the words before the first full stop if they are few."""
    label = " ".join(match.group().split())
    if (term := _TERM.match(text, match.end())) is not None:
        return f'{label} "{term[1]}"'
    caption = headed or _CAPTION.match(text, match.end())
    if caption is None and match["keyword"]:
        below = _CAPTION_BELOW.match(text, match.end())
        caption = below if below is not None and (below["words"].isupper() or below["words"].istitle()) else None
    if caption is None or _FINITE_VERB.search(caption["words"]) is not None:
        return label
    return f"{label} {' '.join(caption['words'].split())}"


def _paragraphs(
    text: str, start: int, end: int, torn: Mapping[int, PageBreak], *, caption: str | None = None
) -> list[Block]:
    """The paragraphs of a stretch; the first is a heading if it holds nothing but the caption of its clause."""
    blocks: list[Block] = []
    page: PageBreak | None = None
    for first, last in paragraph_spans(text, start, end):
        if page is not None and first < page.after:  # the number itself, inside the sentence that it tears
            continue
        if page is not None:
            blocks[-1] = _mended(text, blocks[-1], page, last)
        else:
            words = " ".join(text[first:last].split()) if caption and not blocks else ""
            heading = bool(words) and words.rstrip(".:") == (caption or "").rstrip(".:")
            kind = "heading" if heading else _paragraph_kind(text, first)
            blocks.append(Block(kind, first, last, glued=heading))
        page = torn.get(last)
        if page is not None and page.after >= end:
            page = None
    return blocks


def _mended(text: str, above: Block, page: PageBreak, end: int) -> Block:
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
