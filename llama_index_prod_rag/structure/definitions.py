"""Defined terms of a contract: where each is defined, and which of them a passage uses. Core: strings alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from llama_index_prod_rag.text.sentences import split_sentences

_QUOTED = r"[\"“](?P<term>[^\"“”()\n]{2,80}?),?[\"”]"
# Blanks and further names are counted, not starred: tables made into text have thousands in a row.
_MORE = r"(?:,?\s{1,9}(?:(?:or|and)\s{1,9})?[\"“][^\"“”()\n]{2,80}[\"”]){0,9}"
# A quoted term and the words that define it: `"Fee" means`, `"Fee" (the "Late Fee") shall have the meaning`.
_MEANS = re.compile(
    rf"{_QUOTED}{_MORE}(?:\s{{0,9}}\([^()\n]{{0,80}}\))?,?\s{{0,9}}"
    r"(?:(?:shall\s+)?means?\b|(?:has|have|shall\s+have)\s+the\s+meaning|is\s+defined\s+as|refers?\s+to\b|[–—:]\s)"
)
# `(the "Effective Date")`, `("Agent" and, together with GA, "Purchaser")`
_IN_BRACKETS = re.compile(r"\((?=[^()]{0,200}[\"“])(?P<inside>[^()]{1,240})\)")
_NAME = re.compile(r"[\"“]([^\"“”()\n]{2,80}?),?[\"”]")
# What may lead to the first quoted name in brackets: `(the "Seller")`, `(together with GA, the "Purchaser")`.
_LEAD = re.compile(
    r"(?:(?:the|this|these|such|each|an?|any|all|and|or|in|it|as|its|with|by|of|hereinafter|hereafter|herein|collectively|"
    r"individually|jointly|together|referred|to|called|defined|being|both|either|singly|respectively|sometimes|[A-Z]\w*)\b"
    r",?\s*)*\Z"
)
_BEFORE_NEXT = re.compile(
    r"\s+(?:\d{1,3}(?:\.\d{1,3})*[.)]?|\([a-z\d]{1,4}\)|(?i:the\s+(?:term|word|expression)))\s*\Z"
)
"""What stands before the next definition but belongs to it."""
_BEFORE = 40
"""Characters of the longest such words."""
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
_MAX_LENGTH = 4_000
"""Characters: a definition that seems longer has lost its end."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A term and the passage that says what it means.

    Attributes:
        term: as written between the quotation marks.
        start: first character of the passage, inclusive.
        end: last character, exclusive.
    """

    term: str
    start: int
    end: int


def find_definitions(text: str) -> tuple[Definition, ...]:
    """Terms that a text defines, in reading order; of a term defined twice the first.

    Known are `"Fee" means ...` (and its kin), whose passage runs to the next definition or blank line, and names given
    in brackets, as in `Acme Inc. (the "Seller")`, whose passage is the sentence.

    Examples:
        >>> text = 'Made by Acme Inc. (the "Seller"). 1.1 "Fee" means $5 a day. 1.2 "Term" means a year. Bye.'
        >>> [(each.term, text[each.start : each.end]) for each in find_definitions(text)][1]
        ('Fee', '"Fee" means $5 a day.')
    """
    meant = list(_MEANS.finditer(text))
    found = []
    for match, limit in zip(meant, [*(match.start() for match in meant), len(text)][1:], strict=True):
        found.append(Definition(_normalize(match["term"]), match.start(), _passage_end(text, match, limit)))
    taken = {match.start() for match in meant}
    for match in _IN_BRACKETS.finditer(text):
        names = [name for name in _NAME.finditer(text, match.start(), match.end()) if name.start() not in taken]
        # A name begins with a capital and a quotation with any letter: ("Agent"), but ("all that glitters").
        if names and names[0][1][0].isupper() and _LEAD.match(text[match.start() + 1 : names[0].start()]):
            start, end = _sentence(text, match.start(), match.end())
            found += [Definition(_normalize(name[1]), start, end) for name in names]
    first: dict[str, Definition] = {}
    for definition in sorted(found, key=lambda each: each.start):
        first.setdefault(definition.term, definition)
    return tuple(first.values())


def select_used_definitions(passage: str, definitions: Sequence[Definition]) -> tuple[Definition, ...]:
    """Select the definitions whose term stands in a passage, in their own order.

    A term counts as a whole word, in its own capitals, also in the plural; inside a longer defined term it does not.

    Examples:
        >>> known = [Definition("Fee", 0, 9), Definition("Late Fee", 9, 20)]
        >>> [each.term for each in select_used_definitions("No feeling: pay all Late Fees.", known)]
        ['Late Fee']
    """
    if not definitions:
        return ()
    pattern = _pattern(tuple(definition.term for definition in definitions))
    used = {match[1] for match in pattern.finditer(" ".join(passage.split()))}
    return tuple(definition for definition in definitions if definition.term in used)


@lru_cache(maxsize=32)
def _pattern(terms: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = "|".join(re.escape(term) for term in sorted(terms, key=len, reverse=True))
    return re.compile(rf"(?<!\w)({longest_first})(?:e?s)?(?!\w)")


def _normalize(term: str) -> str:
    return " ".join(term.split()).rstrip(",")


def _passage_end(text: str, match: re.Match[str], limit: int) -> int:
    limit = min(limit, match.start() + _MAX_LENGTH)
    blank = _BLANK_LINE.search(text, match.end(), limit)
    # Only the last words are looked at: from each blank of a long run the search would be quadratic.
    last = max(match.end(), match.end() + len(text[match.end() : limit].rstrip()) - _BEFORE)
    before_next = None if blank else _BEFORE_NEXT.search(text, last, limit)
    stop = blank or before_next
    return match.start() + len(text[match.start() : stop.start() if stop else limit].rstrip())


def _sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """The sentence that holds a stretch, looked for in the lines around it."""
    low = max(text.rfind("\n\n", 0, start), start - _MAX_LENGTH, 0)
    high = text.find("\n\n", end, end + _MAX_LENGTH)
    for first, last in split_sentences(text, low, high if high >= 0 else min(len(text), end + _MAX_LENGTH)):
        if first <= start < last:
            return first, max(last, end)
    return start, end
