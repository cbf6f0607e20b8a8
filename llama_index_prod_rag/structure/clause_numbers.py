"""The numbers of clauses as they are written: Article 5, § 3a, 4.2, (a), 第三条; and how each can be read. Core."""

from __future__ import annotations

import re

from llama_index_prod_rag.structure.numbering import (
    DIVISIONS_BEHIND,
    KEYWORDS,
    LATIN,
    LIST_RANK,
    Reading,
    place_of,
    readings,
)
from llama_index_prod_rag.structure.numerals import roman_value
from llama_index_prod_rag.structure.ordinals import NUMBERS_WRITTEN_OUT
from llama_index_prod_rag.structure.references import REFERRED

_SIGNS = "编編篇部章节節条條편장절조"
_WORDS = sorted((word for word in KEYWORDS if word not in _SIGNS), key=len, reverse=True)
_KEYWORD = "|".join(form for word in _WORDS for form in (word.capitalize(), word.upper()))
_WRITTEN = "|".join(form for word in NUMBERS_WRITTEN_OUT for form in (word, word.capitalize(), word.upper()))
_PUT_IN = rf"(?:[ -]?(?:{LATIN})\b|-?[A-Z]{{1,2}}(?![\w])|[a-z]{{1,2}}(?![a-zA-Z]))?(?:-\d{{1,3}}[a-z]?)*"
_ORDINAL = r"(?:(?:er|re|ère)\b|\.?[ºª°])?"
UPPER = r"(?:[^\W\da-zß-ÿ_])"
_BEHIND = "|".join(
    form
    for word in sorted(DIVISIONS_BEHIND, key=len, reverse=True)
    if word not in _SIGNS
    for form in (word.capitalize(), word.upper(), word)
)
# `1. Titel` is as often an item of a list; such words are not.
_BEHIND_DIGITS = "abschnitt|kapitel|hauptstück|abteilung|fejezet|rész|luku|osa"
NUMBER = re.compile(
    # Looks first whether a kind of division follows: to try all words everywhere is slow.
    rf"(?P<ordinal>\b(?=(?:(?:THE|The)[ ])?{UPPER}[^\W\d_]{{2,15}}[ \u00a0](?:{_BEHIND})\b)(?:(?:THE|The)[ ])?"
    rf"(?:{_WRITTEN})|(?<![\w.])[IVXLC]{{1,6}}\.(?=[ \u00a0](?:{_BEHIND})\b)"
    rf"|(?<![\w.])\d{{1,2}}(?:\.(?=[ \u00a0](?i:{_BEHIND_DIGITS})\b)|(?=[ \u00a0]kap\.)))"
    rf"[ \u00a0](?P<division>[^\W\d_]+)\.?(?=[ \t]*(?:[\r\n]|\Z|[:–—-]|{UPPER}))(?![ \t]*[\dIVX]+\b)"
    rf"|(?P<keyword>\b(?:{_KEYWORD})\b\.?|§)[ \t\u00a0]*(?:No\.[ \t]*|[Nn]°[ \t]*)?"
    rf"(?P<named>(?:[LRDA]\.?[ ]?\*?[ ]?)?\d{{1,4}}{_PUT_IN}(?:\.\d{{1,3}}[A-Za-z]?){{0,4}}{_ORDINAL}"
    rf"|[IVXLC]{{1,6}}(?:[ -](?:{LATIN})|[A-BE-H]|(?:er|re|ER|RE)\b)?|[A-Z]|{_WRITTEN})(?![\w(])[.:]?(?=\s|[–—-]|\Z)"
    rf"(?![ \t]*{REFERRED})"
    r"|第[ \t]?(?P<han>[〇零一二两兩三四五六七八九十百千]{1,8}|\d{1,4})[ \t]?(?P<sign>[编編篇部章节節条條])"
    r"(?P<han_after>(?:[之のノ][〇零一二三四五六七八九十\d]{1,3})?)"
    r"(?![^\S\n]?(?:[的和、及或第]|(?<=\S)[のにはでをがとや]|[（(](?!(?:\w{2,40}|[^\W\da-z一二三四五六七八九十])[)）](?![にのをはがで及又]))))"
    r"|제[ ]?(?P<hangul>\d{1,4})[ ]?(?P<hangul_sign>[편장절조])(?P<hangul_after>(?:의[ ]?\d{1,2})?)(?=[(（\s])"
    r"|(?<![\w.$])(?P<decimal>\d{1,3}(?:[A-Z]{1,2}|[a-z])?(?:\.\d{1,3}[A-Za-z]?){0,4})(?P<dot>[.)]?)"
    rf"(?=[ \t]*[\r\n]|[–—-]\(1\)|[ \t]+(?:[\"“„«(\[]|{UPPER})|\Z)"
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


def read_number(match: re.Match[str], *, sections_hold_articles: bool) -> list[Reading]:
    """List the ways to read a match of `NUMBER`.

    Args:
        match: the number as written.
        sections_hold_articles: whether sections of this document stand above its articles, see the function.
    """
    if match["han"]:
        after = match["han_after"][1:]
        inserted = f"{place_of(match['han']) or 0:.0f}-{place_of(after) or 0:.0f}" if after else match["han"]
        return readings(inserted, keyword=match["sign"])
    if match["hangul"]:
        after = match["hangul_after"][1:].strip()
        return readings(f"{match['hangul']}-{after}" if after else match["hangul"], keyword=match["hangul_sign"])
    if match["ordinal"]:
        number = match["ordinal"].rstrip(".").split()[-1]
        value = place_of(number) or roman_value(number)
        return [] if value is None else readings(f"{value:.0f}", keyword=match["division"])
    if match["listed"]:
        return [Reading("一、", place_of(match["listed"]) or 0.0, rank=LIST_RANK)]
    number = match["named"] or match["decimal"] or match["bracketed"] or match["lettered"]
    sign = "()" if match["bracketed"] else match["dot"] or match["after"] or ""
    keyword = match["keyword"] or ""
    above = sections_hold_articles and keyword.lower() == "section"
    if match["lettered"] and match["after"] == "." and _LEADS_ARTICLE.match(match.string, match.end()):
        above = True
    return readings(number, keyword=_ABOVE_ARTICLES if above else keyword, sign=sign)


def sections_hold_articles(text: str) -> bool:
    """Whether most sections that are numbered by themselves have an article right below them."""
    sections = list(_SECTION.finditer(text))
    return 2 * sum(1 for each in sections if _HOLDS_ARTICLE.match(text, each.end())) > len(sections)
