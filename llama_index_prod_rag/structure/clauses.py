"""Where the clauses of a legal text begin, and where what stands below no clause does. Core: strings alone.

A number counts as one where it stands after the end of a sentence and continues the numbering that is open there, so
that "see Section 4.2" opens nothing. A wrong number is worse than none: what is in doubt opens nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise

from llama_index_prod_rag.structure.captions import Caption, caption_above, caption_behind, caption_below, names
from llama_index_prod_rag.structure.lines import Line, split_lines
from llama_index_prod_rag.structure.numbering import (
    KEYWORDS,
    LATIN,
    LIST_RANK,
    NESTED_RANK,
    NUMBER_WORDS,
    Outline,
    Reading,
    place_of,
    readings,
)
from llama_index_prod_rag.structure.pages import PageBreak
from llama_index_prod_rag.text.sentences import split_sentences

_SIGNS = "编編篇部章节節条條편장절조"
_WORDS = sorted((word for word in KEYWORDS if word not in _SIGNS), key=len, reverse=True)
_KEYWORD = "|".join(form for word in _WORDS for form in (word.capitalize(), word.upper()))
_WRITTEN = "|".join(form for word in NUMBER_WORDS for form in (word, word.capitalize(), word.upper()))
_PUT_IN = rf"(?:[ -]?(?:{LATIN})\b|-?[A-Z]{{1,2}}(?![\w])|[a-z]{{1,2}}(?![a-zA-Z]))?(?:-\d{{1,3}}[a-z]?)*"
_ORDINAL = r"(?:(?:er|re|ère)\b|\.?[ºª°])?"
# Codes that contracts point to by their abbreviations: a line may begin with `§ 573 BGB`.
_CODES = (
    "ABGB|AktG|ArbZG|BDSG|BetrVG|BGB|BUrlG|EGBGB|EStG|GewO|GG|GmbHG|GWB|HGB|InsO|KSchG|KStG|MiLoG|SGB|StGB|StPO|TzBfG"
    "|UGB|UrhG|UStG|UWG|VVG|VwGO|VwVfG|WEG|ZGB|ZPO"
)
_REFERRED = (
    r"(?:Abs(?:\.|atz)|Satz|Nr\.|Nummer|Halbsatz|paragraph|para\.|alinéa|al\.|apartado|comma\b|ust\."
    rf"|(?:{_CODES})\b)"
)
_UPPER = r"(?:[^\W\da-zß-ÿ_])"
NUMBER = re.compile(
    rf"(?P<keyword>\b(?:{_KEYWORD})\b\.?|§)[ \t\u00a0]*(?:No\.[ \t]*|[Nn]°[ \t]*)?"
    rf"(?P<named>(?:[LRDA]\.?[ ]?\*?[ ]?)?\d{{1,4}}{_PUT_IN}(?:\.\d{{1,3}}[A-Za-z]?){{0,4}}{_ORDINAL}"
    rf"|[IVXLC]{{1,6}}(?:[ -](?:{LATIN})|[A-BE-H]|(?:er|re|ER|RE)\b)?|[A-Z]|{_WRITTEN})(?![\w(])[.:]?(?=\s|[–—-]|\Z)"
    rf"(?![ \t]*{_REFERRED})"
    r"|第[ \t]?(?P<han>[〇零一二两兩三四五六七八九十百千]{1,8}|\d{1,4})[ \t]?(?P<sign>[编編篇部章节節条條])"
    r"(?P<han_after>(?:[之のノ][〇零一二三四五六七八九十\d]{1,3})?)"
    r"(?![^\S\n]?(?:[的和、及或第]|(?<=\S)[のにはでをがとや]|[（(](?!(?:\w{2,40}|[^\W\da-z一二三四五六七八九十])[)）](?![にのをはがで及又]))))"
    r"|제[ ]?(?P<hangul>\d{1,4})[ ]?(?P<hangul_sign>[편장절조])(?P<hangul_after>(?:의[ ]?\d{1,2})?)(?=[(（\s])"
    r"|(?<![\w.$])(?P<decimal>\d{1,3}(?:[A-Z]{1,2}|[a-z])?(?:\.\d{1,3}[A-Za-z]?){0,4})(?P<dot>[.)]?)"
    rf"(?=[ \t]*[\r\n]|[–—-]\(1\)|[ \t]+(?:[\"“„«(\[]|{_UPPER})|\Z)"
    r"|[(（](?P<bracketed>[a-z]{1,2}|[ivxl]{1,6}|[A-Z]{1,2}|[IVXL]{1,5}|\d{1,2}[A-Za-z]?|[一二三四五六七八九十]{1,3})[)）]"
    r"(?=\s|[A-Z\"“]|(?<=）)\w)(?!\s+(?:above|below|hereof|thereof)\b)"
    r"|(?<!\w)(?P<listed>[一二三四五六七八九十]{1,3})、(?=\S)"
    r"|(?<![\w.])(?P<lettered>[a-zA-Z]|[ivxIVX]{1,5})(?P<after>[.)])(?=\s+\S)"
)
# A section's number in a line of its own and, below its caption at most, an article: so laws of the European Union and
# French codes are divided, where contracts and the laws of other countries have sections inside articles.
_SECTION = re.compile(r"(?mi)^[ \t]*section[ \t]+(?:\d{1,3}[a-z]?|[ivxlc]{1,6})\b(?!\.\d)")
_HOLDS_ARTICLE = re.compile(
    r"(?i)[^\n]{0,160}(?:\n(?![ \t]*(?:section|article)\b)[^\n]{0,160}){0,5}\n[ \t]*(?:articles?|art\.)[ \t]*[lrda\d]"
)
# A letter or Roman numeral that divides a law stands above the articles right below its caption, too.
_LEADS_ARTICLE = re.compile(
    r"[ \t]+[^\W\d_a-z][^\n]{2,120}\n\s*(?:(?i:articles?|art(?:ikel|[íi]culo|icolo|igo)?)\b\.?|§)[ \t]*\d"
)
_ABOVE_ARTICLES = "abschnitt"
"""The German word for such a section, which always stands above articles."""
_HEADED = re.compile(
    r"(?:(?:ARTICLE|Article|SECTION|Section)\s+)?(?:(\d{1,3})[.:]?|[IVXL]{1,6}[.:]?)[ \t]+"
    r"(?P<words>[A-Z][^.:;\r\n]{0,100}?)\s+(?=(?:Section\s+)?(?(1)\1|\d{1,3})\.0?1\b)"
)
"""A number, a caption and the first number below it: `4. Duties 4.1 The`. Both begin something, wherever they stand."""
# What a contract opens with, before its numbered clauses.
_RECITAL = re.compile(r"WHEREAS\b|NOW,?\s+THEREFORE\b|(?:WITNESSETH|RECITALS?)\b")
# A quoted term and, in the same sentence, the words that define it.
_DEFINED = re.compile(
    r"(?<!\w)[\"“][A-Z][^\"“”\n]{1,80}[\"”]"
    r"(?=[^.\n\"“”]{0,60}?\b(?:means?|shall\s+mean|has\s+the\s+meaning|have\s+the\s+meaning)\b)"
)
_LAST = re.compile(
    r"(?m)^[ \t]*(?:IN\s+WITNESS\s+WHEREOF\b"
    r"|END\s+OF\s+(?:THE\s+)?(?:TERMS|LICEN[CS]E|AGREEMENT|ACT|CONTRACT|DOCUMENT)\b"
    r"|\[?(?i:signature\s+page)|(?i:signatures?|unterschrift(?:en)?|firmas?)[ \t]*:?[ \t]*$"
    r"|(?i:(?:duly\s+)?(?:signed|executed)(?:\s+and\s+delivered)?(?:\s+as\s+a\s+deed)?\s+(?:by|for|on|at|this)\b)"
    r"|(?:Done|DONE)\s+(?:at|in)\s+[A-Z]|Fait\s+[àa]\s+[A-Z]|Geschehen\s+zu\b|Hecho\s+en\s+[A-Z]|Fatto\s+a\s+[A-Z]"
    r"|(?:HAVE|HAS)\s+ADOPTED\s+THIS\b|(?:ONT|A)\s+ADOPTÉ\s+L|HA(?:BEN|T)\s+FOLGENDEN?\b|HAN?\s+ADOPTADO\b"
    r"|HA(?:NNO)?\s+ADOTTATO\b"
    rf"|{_UPPER}[\w.-]+(?:[ /][\w.-]+){{0,3}},[ \t]*(?:(?:den|le|il|a|em)[ \t])?[ \t]*"
    r"(?:\d{1,2}(?:\.|er|º)?[ \t](?:de[ \t])?[^\W\d_]{3,10}[ \t](?:de[ \t])?|\d{1,2}\.\d{1,2}\.|_{3,}[ \t]*)"
    r"(?:\d{4}|_*)[ \t]*$"
    r"|(?:By|Name|Title|Date|Signature|Unterschrift|Signed)[ \t]*:?[ \t]*_{3,}|_{10,}[ \t]*$"
    r"|(?P<annexed>(?:APPENDIX|SCHEDULES?|ANNEX(?:E|ES)?|EXHIBITS?|ATTACHMENTS?|ANHANG|ANLAGEN?|ANEXOS?|ALLEGAT[OI]"
    r"|EXPLANATORY[ ](?:NOTE|MEMORANDUM)|부[ ]?칙|附[ \u3000]?則)\b"
    r"(?=[ \t]*(?:$|[:–—<-]))|(?:Appendix|Schedule|Annexe?|Anhang|Anlage|Anexo|Allegato)(?=[ \t]*(?:$|:))))"
)
"""What stands below no clause any more: the end, signatures, and what is annexed without a number."""

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
# Where a sentence is over.
_STOP = re.compile(r"[.!?。][\"”')\]]*\Z")
# What authors end a line on; any other line goes on in the next.
_LINE_END = re.compile(r"[.;:!?,)\]\"”。；：）]\Z|\b(?:and|or)\Z")
# A number without a sign and its words in a line of their own: a clause, a page or a row, see `_bare_numbers`.
_BARE = re.compile(
    r"(?m)^[ \t]*(?P<number>\d{1,3}[A-Z]{0,2})[ \t]{1,8}"
    r"(?P<words>(?:\(1\)[ \t]|[\"“(]?[^\W\da-z_])[^\r\n]{2,160}?)[ \t]*$"
)
# A number with a full stop: where these are the custom, numbers without one are not clauses.
_SIGNED = re.compile(r"(?m)^[ \t]*\d{1,3}\.(?:\d{1,3}\.?)?[ \t]+[^\W\da-z_]")
_FEW_SIGNED = 4
"""So many numbers with a full stop make that the custom of a document."""
# The first subsection, behind a number that it belongs to.
_SUBSECTION = re.compile(r"\s*[(（](?:1|a)[)）]\s")
_LOOK_BACK = 120
"""Characters before and behind a number that are looked at to tell whether it begins a clause."""
_LAST_SIGNS = 16
"""Characters that tell whether a line or a sentence is over; patterns that end with the text are slow on more."""
_WIDE_GAP = 3
"""So many blanks in a row stand for a line break that was lost."""
_SHORT_LINE = 50
"""A line shorter than this was ended by its author, not by the width of the page."""
_CAPTIONS_ABOVE = 0.6
"""Share of the clauses without words of their own that must have a caption above: a custom, not an accident."""
_ARTICLES = range(6, 9)


@dataclass(frozen=True, slots=True)
class Mark:
    """Says where a clause begins, or what stands below no clause.

    Attributes:
        start: its first character.
        rank: how far out it stands, 1 the outermost.
        label: its number as written; None where it has none.
        numbering: the numbers from the outermost to its own.
        caption: what names it.
        kind: `clause`, `definition`, `recital`, `paragraph` or `closing`.
        continues: whether the sentence before is not over.
        inside: whether it also stands inside a line, so that it ends with that sentence.
        keyword: whether a word such as Article stands before its number.
        head: behind its number.
    """

    start: int
    rank: int
    label: str | None
    numbering: tuple[str, ...]
    caption: Caption | None = None
    kind: str = "clause"
    continues: bool = False
    inside: bool = False
    keyword: bool = False
    head: int = 0

    @property
    def title(self) -> str | None:
        """Join the number of the clause and the words of its caption."""
        if self.label is None or self.caption is None:
            return self.label
        return f"{self.label} {self.caption.words}"


def find_marks(text: str, breaks: Sequence[PageBreak]) -> list[Mark]:
    """Find the clauses in reading order, each with what names it.

    Args:
        text: the document.
        breaks: its page ends.
    """
    marks = list(_Finder(text, breaks).marks())
    ends = [*(mark.start for mark in marks), len(text)][1:]
    below = [_add_caption_below(text, mark, end) for mark, end in zip(marks, ends, strict=True)]
    marks = _drop_sole_captions(text, _add_captions_above(text, below))
    return _add_captions_above(text, marks)  # again, for clauses of one sentence that passed for a caption


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
        self._bare = _bare_numbers(text)
        self._hold_articles = _sections_hold_articles(text)
        self._first_below = self._sentence = self._behind = -1
        self._unnumbered = iter([*_unnumbered(text, breaks), (len(text), "", 0)])
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
                rank = self._outline.leave_for(indent, over=not _continues(self._text, start))
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
        begins_line = certain or (_begins_line(text, start) and not (page is not None and page.torn))
        if not certain and not self._may_open(match, begins_line=begins_line):
            return None
        candidates = _readings(match, sections_hold_articles=self._hold_articles)
        continues = _continues(text, start if page is None else page.before)
        if outline.in_sentence:
            if not continues or text[sentence_end(text, self._sentence, start, self._torn) : start].strip():
                outline.leave_sentence(candidates)
            self._sentence = start
        subsection = not text[self._behind : start].strip(" \t\u00a0–—-") if self._behind >= 0 else False  # `2.—(1)`
        inside = continues and not begins_line and not subsection and bool(match["bracketed"])
        rank = outline.take(
            candidates,
            match.group().rstrip(".:"),
            begins_line=begins_line,
            in_sentence=inside,
            indent=_indent(text, start) if begins_line else None,
            is_part=continues,
        )
        if rank is None:
            return None
        self._sentence, self._behind = start, match.end()
        self._first_below = headed.end() if headed is not None else -1
        named = begins_line or subsection or not match["bracketed"]
        words = Caption(" ".join(headed["words"].split()), *headed.span("words")) if headed is not None else None
        continues = continues and rank >= NESTED_RANK
        return Mark(
            start,
            rank,
            " ".join(match.group().split()) if named else None,
            outline.path,
            (caption_behind(text, match.end()) or _check_caption(words)) if named else None,
            continues=continues,
            inside=inside and continues,
            keyword=bool(match["keyword"] or match["sign"] or match["hangul_sign"]),
            head=match.end(),
        )

    def _may_open(self, match: re.Match[str], *, begins_line: bool) -> bool:
        """Whether what stands around a number lets it begin a clause."""
        text = self._text
        before = text[max(0, match.start() - _LOOK_BACK) : match.start()]
        behind = text[match.end() : match.end() + 40].lstrip(" \t\u00a0")
        if match["sign"] or match["hangul_sign"] or match["listed"]:
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
        return not match["lettered"] and _SENTENCE_END.search(before) is not None


def _is_pointer(text: str, match: re.Match[str]) -> bool:
    """Whether a schedule says here which section it belongs to, in a line of its own below its number."""
    return (
        match["keyword"].lower().rstrip(".") in _POINTS
        and _ANNEX_ABOVE.search(text, max(0, match.start() - _LOOK_BACK), match.start()) is not None
        and _LINE_REST.match(text, match.end()) is not None
    )


def _sections_hold_articles(text: str) -> bool:
    """Whether most sections that are numbered by themselves have an article right below them."""
    sections = list(_SECTION.finditer(text))
    return 2 * sum(1 for each in sections if _HOLDS_ARTICLE.match(text, each.end())) > len(sections)


def _readings(match: re.Match[str], *, sections_hold_articles: bool) -> list[Reading]:
    if match["han"]:
        after = match["han_after"][1:]
        inserted = f"{place_of(match['han']) or 0:.0f}-{place_of(after) or 0:.0f}" if after else match["han"]
        return readings(inserted, keyword=match["sign"])
    if match["hangul"]:
        after = match["hangul_after"][1:].strip()
        return readings(f"{match['hangul']}-{after}" if after else match["hangul"], keyword=match["hangul_sign"])
    if match["listed"]:
        return [Reading("一、", place_of(match["listed"]) or 0.0, rank=LIST_RANK)]
    number = match["named"] or match["decimal"] or match["bracketed"] or match["lettered"]
    sign = "()" if match["bracketed"] else match["dot"] or match["after"] or ""
    keyword = match["keyword"] or ""
    above = sections_hold_articles and keyword.lower() == "section"
    if match["lettered"] and match["after"] == "." and _LEADS_ARTICLE.match(match.string, match.end()):
        above = True
    return readings(number, keyword=_ABOVE_ARTICLES if above else keyword, sign=sign)


def _check_caption(caption: Caption | None) -> Caption | None:
    return caption if caption is not None and names(caption.words) else None


def _line_at(text: str, start: int) -> str:
    end = text.find("\n", start, start + 2_000)
    return text[start : end if end >= 0 else min(len(text), start + 2_000)].rstrip()


def _unnumbered(text: str, breaks: Sequence[PageBreak]) -> list[tuple[int, str, int]]:
    """(start, kind, indent) of what begins a line without a number: below no (a) that is open there, or below none."""
    found = [(match.start(), "definition", 0) for match in _DEFINED.finditer(text)]
    found += [(match.start(), "recital", 0) for match in _RECITAL.finditer(text)]
    found = [each for each in found if _begins_line(text, each[0])]
    for match in _LAST.finditer(text):
        start = match.end() - len(match.group().lstrip())
        found.append((start, "annexed" if match["annexed"] else "closing", 0))
    taken = {start for start, _, _ in found}
    found += [each for each in _paragraph_starts(text, breaks) if each[0] not in taken]
    return sorted(found)


def _paragraph_starts(text: str, breaks: Sequence[PageBreak]) -> Iterator[tuple[int, str, int]]:
    """Lines behind a blank line, with their indentation; pages tear paragraphs, and their numbers do not begin one."""
    skipped = {each.start for each in breaks} | {each.after for each in breaks if each.torn}
    before: Line | None = None
    for line in split_lines(text):
        if not line.blank and before is not None and before.blank and line.start not in skipped:
            yield line.start, "paragraph", line.indent
        before = line


def _bare_numbers(text: str) -> frozenset[int]:
    """Where a number without a sign begins a clause, as in `2 Protection of personal data`; most are pages or rows.

    Its line is a paragraph of its own or stands below one, its words are a name, and they come once. It is believed
    where the number before or after it has such a line too, or where (1) or (a) follows.
    """
    if sum(1 for _ in islice(_SIGNED.finditer(text), _FEW_SIGNED)) == _FEW_SIGNED:
        return frozenset()  # the custom here is `1. Fees`
    lines = [match for match in _BARE.finditer(text) if _is_apart(text, match)]
    often = Counter(match["words"] for match in lines)
    lines = [match for match in lines if often[match["words"]] == 1]
    places = [place_of(match["number"]) or 0.0 for match in lines]
    follows = [0 < after - before <= 1 for before, after in pairwise(places)]
    believed = [one or other for one, other in zip([False, *follows], [*follows, False], strict=True)] if lines else []
    return frozenset(
        match.start("number")
        for match, known in zip(lines, believed, strict=True)
        if known or _SUBSECTION.match(text, match.end()) or _SUBSECTION.match(match["words"])
    )


def _is_apart(text: str, match: re.Match[str]) -> bool:
    above = text[max(0, match.start() - _LOOK_BACK) : match.start()]
    below = text[match.end() : match.end() + _LOOK_BACK]
    alone = below.count("\n", 0, len(below) - len(below.lstrip())) > 1 or not below.strip()
    words = match["words"]
    if _SUBSECTION.match(words):  # `2 (1) The Board may`
        return not above.strip() or above.count("\n", len(above.rstrip())) > 1
    if words[-1] in ".;:,":  # a sentence behind the number: what names it stands above
        return caption_above(text, match.start("number"), max(0, match.start() - 400)) is not None
    starts = not above.strip() or above.count("\n", len(above.rstrip())) > 1
    return starts and ((alone and names(words)) or _SUBSECTION.match(below) is not None)


def _add_caption_below(text: str, mark: Mark, end: int) -> Mark:
    if mark.caption is not None or not mark.keyword or mark.label is None:
        return mark
    return replace(mark, caption=caption_below(text, mark.head, end))


def _add_captions_above(text: str, marks: list[Mark]) -> list[Mark]:
    """The marks, where it is the custom of a document, with the line above each as its caption."""
    wanting = [
        index
        for index, mark in enumerate(marks)
        if mark.rank in _ARTICLES and mark.caption is None and mark.label is not None and not mark.inside
    ]
    found: dict[int, Caption] = {}
    for index in wanting:
        before = marks[index - 1] if index else None
        floor = 0 if before is None else max(before.head, before.caption.end if before.caption else 0)
        if (caption := caption_above(text, marks[index].start, floor)) is not None:
            found[index] = caption
    above = len(found) + sum(1 for mark in marks if mark.caption is not None and mark.caption.start == mark.start)
    if above < max(2, _CAPTIONS_ABOVE * (above - len(found) + len(wanting))):
        return marks
    return [
        replace(mark, start=found[index].start, caption=found[index]) if index in found else mark
        for index, mark in enumerate(marks)
    ]


def _drop_sole_captions(text: str, marks: list[Mark]) -> list[Mark]:
    """The marks, without a caption where it is all that a clause says: an item of a list is not its own heading."""
    following = [*marks, None][1:]
    return [
        replace(mark, caption=None) if _is_all(text, mark, after) else mark
        for mark, after in zip(marks, following, strict=True)
    ]


def _is_all(text: str, mark: Mark, after: Mark | None) -> bool:
    if mark.caption is None or mark.keyword or mark.caption.words.startswith('"'):
        return False
    if after is not None and after.rank > mark.rank:
        return False
    rest = text[max(mark.caption.end, mark.head) : after.start if after is not None else len(text)]
    return not rest.strip(" \t\r\n.:")


def _continues(text: str, start: int) -> bool:
    """Whether the sentence before is not over: a clause that begins here is one part of it."""
    before = text[max(0, start - _LOOK_BACK) : start].rstrip()
    return bool(before) and _STOP.search(before[-_LAST_SIGNS:]) is None


def _indent(text: str, start: int) -> int:
    line = max(text.rfind("\n", max(0, start - 400), start), text.rfind("\r", max(0, start - 400), start)) + 1
    return len(text[line:start].expandtabs(8)) if line or start < 400 else 0


def _begins_line(text: str, start: int) -> bool:
    """Whether a number begins a line that its author began, not one that only wraps the line before."""
    before = text[max(0, start - _LOOK_BACK) : start]
    line = before.rstrip(" \t#*\u00a0\u3000")
    if not line or line[-1] not in "\r\n":
        return not line or len(before) - len(line) >= _WIDE_GAP
    above = line.rstrip()
    if line.count("\n", len(above)) > 1 or _LINE_END.search(above[-_LAST_SIGNS:]):
        return True
    return len(above) - max(above.rfind("\n"), above.rfind("\r")) <= _SHORT_LINE
