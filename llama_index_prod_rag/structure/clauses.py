"""Where the clauses of a legal text begin, and where what stands below no clause does. Core: strings alone.

A number counts as one where it stands after the end of a sentence and continues the numbering that is open there, so
that "see Section 4.2" opens nothing. A wrong number is worse than none: what is in doubt opens nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from llama_index_prod_rag.structure.bare_numbers import find_bare_numbers
from llama_index_prod_rag.structure.captions import Caption, caption_behind, names
from llama_index_prod_rag.structure.clause_numbers import NUMBER, read_number, sections_hold_articles
from llama_index_prod_rag.structure.cross_headings import add_cross_headings
from llama_index_prod_rag.structure.line_starts import begins_own_line, continues_sentence, find_indent
from llama_index_prod_rag.structure.marks import Mark, name_marks
from llama_index_prod_rag.structure.numbering import ARTICLE, NESTED_RANK, Outline, Reading
from llama_index_prod_rag.structure.other_laws import names_a_law
from llama_index_prod_rag.structure.pages import PageBreak
from llama_index_prod_rag.structure.references import PART_OF_PROVISION, points_elsewhere
from llama_index_prod_rag.structure.unnumbered import find_unnumbered
from llama_index_prod_rag.text.sentences import split_sentences

_HEADED = re.compile(
    r"(?:(?:ARTICLE|Article|SECTION|Section)\s+)?(?:(\d{1,3})[.:]?|[IVXL]{1,6}[.:]?)[ \t]+"
    r"(?P<words>[A-Z][^.:;\r\n]{0,100}?)\s+(?=(?:Section\s+)?(?(1)\1|\d{1,3})\.0?1\b)"
)
"""A number, a caption and the first number below it: `4. Duties 4.1 The`. Both begin something, wherever they stand."""
# What may stand before a number inside a line: the end of a sentence or, before (a), the words that lead a list.
_SENTENCE_END = re.compile(r"[.;:][\"”')\]]*\s+(?:(?:and|or)\s+)?\Z")
_LIST_LEAD = re.compile(
    r"(?:[:;,—–][\"”)]?\s*(?:(?:and|or|and/or)\s+)?"
    r"|\b(?:as|by|either|for|from|if|in|including|is|are|means?|not|of|or|shall|that|the|to|which|who|will|with)\s+)\Z"
)
# Before a number in brackets these make a reference of it: `Section 2(a)`, `clauses (a) and`.
_REFERENCE = re.compile(
    r"(?:(?i:articles?|sections?|clauses?|paragraphs?|sub\w+|exhibits?|schedules?|items?)"
    r"|[\dA-Z)]\([a-z\d]{1,4}\)(?:\([a-z\d]{1,4}\))*|(?i:clauses?|paragraphs?|sections?)\s+\([a-z\d]{1,4}\)),?(?:\s+(?:and|or|to|through))?\s*\Z"
)
# The number of a schedule, right above.
_ANNEX_ABOVE = re.compile(r"(?im)^[ \t]*(?:schedules?|annex|appendix|anlage|anhang)\b[^\r\n]{0,12}\s+\Z")
_POINTS = frozenset({"section", "article", "clause", "paragraph", "§", "artikel"})
_LINE_REST = re.compile(r"[ \t]*$", re.MULTILINE)
_LOOK_BACK = 120
"""Characters before and behind a number that are looked at to tell whether it begins a clause."""


def find_marks(text: str, breaks: Sequence[PageBreak]) -> list[Mark]:
    """Find the clauses in reading order, each with what names it.

    Args:
        text: the document.
        breaks: its page ends.
    """
    return add_cross_headings(text, name_marks(text, list(_Finder(text, breaks).marks())))


def sentence_end(text: str, start: int, end: int, torn: Mapping[int, PageBreak]) -> int:
    """Find where the sentence ends whose part begins at `start`."""
    position = split_sentences(text, start, end)[0][1]
    while position in torn and torn[position].after < end:
        position = split_sentences(text, torn[position].after, end)[0][1]
    return position


class _Finder:
    """One walk over the numbers; `outline` holds those that are open."""

    def __init__(self, text: str, breaks: Sequence[PageBreak]) -> None:
        self._text = text
        self._outline = Outline()
        self._pages = {each.after: each for each in breaks}
        self._torn = {each.before: each for each in breaks if each.torn}
        self._bare = find_bare_numbers(text)
        self._hold_articles = sections_hold_articles(text)
        self._first_below = self._sentence = self._behind = -1
        self._unnumbered = iter([*find_unnumbered(text, breaks), (len(text), "", 0)])
        self._next = next(self._unnumbered)

    def marks(self) -> Iterator[Mark]:
        """Yield every mark of the text, in reading order."""
        for match in NUMBER.finditer(self._text):
            yield from self._between(match.start())
            if (mark := self._mark(match)) is not None:
                yield mark
        yield from self._between(len(self._text))

    def _between(self, end: int) -> Iterator[Mark]:
        """What stands below no number, or not below the innermost one, up to a position."""
        while self._next[0] < end:
            start, kind, indent = self._next
            self._next = next(self._unnumbered)
            if kind in ("closing", "annexed"):
                if (mark := self._last(start, kind)) is not None:
                    yield mark
            elif kind == "paragraph":
                rank = self._outline.leave_for(indent, over=not continues_sentence(self._text, start))
                if rank is not None:
                    yield Mark(start, rank, None, self._outline.path, kind=kind)
            elif self._outline.leave_nested():
                yield Mark(start, NESTED_RANK, None, self._outline.path, kind=kind)

    def _last(self, start: int, kind: str) -> Mark | None:
        left = self._outline.leave_all()
        if kind == "closing":
            return Mark(start, 1, None, (), kind=kind) if left else None
        line = _line_at(self._text, start)
        return Mark(start, 1, " ".join(line.split()), (), kind="annex", keyword=True, head=start + len(line))

    def _mark(self, match: re.Match[str]) -> Mark | None:
        text, outline, start = self._text, self._outline, match.start()
        headed = None if match["bracketed"] else _HEADED.match(text, start)
        certain = headed is not None or start == self._first_below
        page = self._pages.get(start)
        begins_line = certain or (begins_own_line(text, start) and not (page is not None and page.torn))
        # `2.—(1)`, `§ 2. (1)`: right behind a number that opened a clause.
        subsection = self._behind >= 0 and not text[self._behind : start].strip(" \t\u00a0–—-")
        subsection = subsection and bool(match["bracketed"])
        if not (certain or subsection or self._may_open(match, begins_line=begins_line)):
            return None
        candidates = read_number(match, sections_hold_articles=self._hold_articles)
        fits = outline.goes_on(candidates)
        provision = (
            match["keyword"] and match.group()[-1] not in ".:" and not any(0 < each.rank < 6 for each in candidates)
        )
        if provision and not certain and points_elsewhere(text, match.end(), fits=fits):
            return None
        if match["keyword"] and match.group()[-1] not in ".:" and names_a_law(text, match.end(), fits=fits):
            return None
        continues = continues_sentence(text, start if page is None else page.before)
        if outline.in_sentence:
            if not continues or text[sentence_end(text, self._sentence, start, self._torn) : start].strip():
                outline.leave_sentence(candidates)
            self._sentence = start
        inside = continues and not begins_line and not subsection and bool(match["bracketed"])
        rank = outline.take(
            candidates,
            match.group().rstrip(".:"),
            begins_line=begins_line,
            in_sentence=inside,
            indent=find_indent(text, start) if begins_line else None,
            is_part=continues,
        )
        if rank is None:
            return None
        self._sentence, self._behind = start, -1 if match["lettered"] else match.end()  # `a. (1) bottle` counts
        self._first_below = headed.end() if headed is not None else -1
        named = begins_line or subsection or not match["bracketed"]
        words = Caption(" ".join(headed["words"].split()), *headed.span("words")) if headed is not None else None
        continues = continues and rank >= NESTED_RANK
        return Mark(
            start,
            rank,
            " ".join(match.group().split()) if named else None,
            outline.path,
            (caption_behind(text, match.end()) or self._bare.get(start) or _check_caption(words)) if named else None,
            continues=continues,
            inside=inside and continues,
            keyword=bool(match["keyword"] or match["sign"] or match["hangul_sign"] or match["division"]),
            head=match.end(),
        )

    def _may_open(self, match: re.Match[str], *, begins_line: bool) -> bool:
        """Whether what stands around a number lets it begin a clause."""
        text = self._text
        before = text[max(0, match.start() - _LOOK_BACK) : match.start()]
        behind = text[match.end() : match.end() + 40].lstrip(" \t\u00a0")
        if match["sign"] or match["hangul_sign"] or match["listed"] or match["division"]:
            return begins_line
        refers = behind[:1].islower() and match.group()[-1] not in ".:"
        if match["keyword"] and (refers or (begins_line and _is_pointer(text, match))):
            return False
        if begins_line:
            bare = match["decimal"] is not None and not match["dot"] and "." not in match["decimal"]
            return not bare or match.start() in self._bare
        if match["bracketed"]:
            return _LIST_LEAD.search(before) is not None and _REFERENCE.search(before) is None
        if match["keyword"] and behind[:1].islower():
            return False
        return not match["lettered"] and bool(_SENTENCE_END.search(before)) and not PART_OF_PROVISION.search(before)


def _is_provision(match: re.Match[str], candidates: Sequence[Reading]) -> bool:
    """Whether a number is that of an article or section, which other laws have too, and nothing ends it."""
    return bool(match["keyword"]) and match.group()[-1] not in ".:" and all(each.rank >= ARTICLE for each in candidates)


def _is_pointer(text: str, match: re.Match[str]) -> bool:
    """Whether a schedule says here which section it belongs to, in a line of its own below its number."""
    return (
        match["keyword"].lower().rstrip(".") in _POINTS
        and _ANNEX_ABOVE.search(text, max(0, match.start() - _LOOK_BACK), match.start()) is not None
        and _LINE_REST.match(text, match.end()) is not None
    )


def _check_caption(caption: Caption | None) -> Caption | None:
    return caption if caption is not None and names(caption.words) else None


def _line_at(text: str, start: int) -> str:
    end = text.find("\n", start, start + 2_000)
    return text[start : end if end >= 0 else min(len(text), start + 2_000)].rstrip()
