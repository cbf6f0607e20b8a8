"""Sentences with exact offsets, in many scripts, without a model. Core: strings alone.

A text is cut after sentence-final punctuation of its script, at blank lines, and at line breaks that are not mere
wrapping. Abbreviations, initials, decimals and list numbers do not end a sentence; a sentence may start in lower
case, as it does in chats and in lower-cased corpora.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

import regex

from llama_index_prod_rag.text.full_stops import LAST_WORD, is_no_end
from llama_index_prod_rag.text.line_breaks import LIST_MARK, wrapping_breaks

# Terminators that need a blank after them, and those that end a sentence wherever they stand.
_SPACED = r"[.!?…\u037e\u0589\u061f\u06d4\u1362\u1367\u166e\u1803\u2cf9\u203c\u2047-\u2049]"
_UNSPACED = r"[。！？｡．\u0964\u0965\u104a\u104b\u17d4\u17d5\u1c7e\u1c7f\u0f0d\u0f0e\ua4ff\uaaf0]"
_CLOSERS = r"[\"'”’»›\)\]\}」』）］】〉》〕*_]*"

_BOUNDARY = regex.compile(
    # A run of blanks or of full stops is looked at from its beginning only: from each of its characters is quadratic.
    rf"(?<![^\S\n])(?P<break>[^\S\n]*\n[^\S\n]*(?:\n\s*|(?=(?P<mark>{LIST_MARK})?)))"
    rf"|(?<!{_SPACED})(?P<spaced>{_SPACED}+{_CLOSERS})[^\S\n]+(?=\S)"
    rf"|(?P<unspaced>(?:{_UNSPACED})+{_CLOSERS})[^\S\n]*(?=[^\s])"
)
_TERMINATED = regex.compile(rf"(?:{_SPACED}|{_UNSPACED}|[:;：；]){_CLOSERS}\s*\Z")
_LIST_NUMBER = regex.compile(r"\p{Nd}+|\p{L}|[ivx]+")

_NEVER_LAST = regex.compile(
    r"""(?x) mr|mrs|ms|dr|prof|sr|st|gen|col|capt|lt|sgt|rev|hon|sen|rep|gov|pres|figs?|eqs?|sec|nos?|vols?|pp?|arts?|ch
    |chap|cf|vs|viz|e\.g|i\.e|al|approx|ca|refs?|tab|eds?|cl|para|z\.b|d\.h|bzw|nr|abs|bspw|u\.a|usw|m|mme|mlle|sra|srta
    |núm|pág|рис|стр|см|им|т\.е|т\.д|г|ул"""
)
_SOMETIMES_LAST = regex.compile(
    r"""(?x) etc|inc|ltd|co|corp|jr|bros|dept|est|u\.s|u\.k|u\.n|e\.u|a\.m|p\.m|ph\.d
    |jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"""
)


def split_sentences(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    r"""Divide `text[start:end]` into its sentences, in order.

    Together they hold every character but white space; each begins and ends with something else than white space.

    Args:
        text: any text.
        start: first character, inclusive.
        end: last character, exclusive; None is the end of the text.

    Returns:
        (start, end) of each sentence, as positions in `text`.

    Examples:
        >>> text = "Dr. Li paid $3.50, e.g. for tea. it was 5 p.m. now! 是的。不是。"
        >>> [text[a:b] for a, b in split_sentences(text)]
        ['Dr. Li paid $3.50, e.g. for tea.', 'it was 5 p.m. now!', '是的。', '不是。']
        >>> text = "Shopping\n- milk\n- tea and\n  biscuits"
        >>> [text[a:b] for a, b in split_sentences(text)]
        ['Shopping', '- milk', '- tea and\n  biscuits']
    """
    end = len(text) if end is None else end
    spans: list[tuple[int, int]] = []
    position = start
    wraps = wrapping_breaks(text, start, end) if text.find("\n", start, end) >= 0 else frozenset()
    for match in _BOUNDARY.finditer(text, start, end):
        if match.start() < position or not _is_boundary(text, position, match, wraps):
            continue
        if match["spaced"] is None or not is_no_end(text, match.start("spaced"), match.end()):
            cut = (
                match.end("spaced")
                if match["spaced"]
                else match.end("unspaced")
                if match["unspaced"]
                else match.start()
            )
            _append(spans, text, position, cut)
            position = match.end()
    _append(spans, text, position, end)
    return spans


def _append(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    body = text[start:end]
    if body and not body.isspace():
        spans.append((start + len(body) - len(body.lstrip()), start + len(body.rstrip())))


def _is_boundary(text: str, start: int, match: regex.Match[str], wraps: AbstractSet[int]) -> bool:
    if match["unspaced"]:
        return True
    if match["spaced"]:
        return (
            not match["spaced"].startswith(".")
            or match["spaced"].startswith("..")
            or _ends_sentence(text, start, match)
        )
    at = text.index("\n", match.start())
    if match.end() >= len(text) or match["break"].count("\n") > 1 or match["mark"] is not None:
        return match.end() < len(text)
    return at not in wraps or _TERMINATED.search(text[max(start, text.rfind("\n", start, at) + 1) : at]) is not None


def _ends_sentence(text: str, start: int, match: regex.Match[str]) -> bool:
    """Whether a full stop ends its sentence, judged by the word before it and the character after it."""
    dot, following = match.start("spaced"), text[match.end()]
    line = max(start, text.rfind("\n", start, dot) + 1)
    found = LAST_WORD.search(text, max(line, dot - 24), dot)
    if found is None:
        return True
    word = found.group().lower()
    if _LIST_NUMBER.fullmatch(word) and not text[line : found.start()].strip(" \t(>*-"):
        return False  # the number of a list item
    if _NEVER_LAST.fullmatch(word):
        return False
    if _SOMETIMES_LAST.fullmatch(word):
        return following.isupper()
    is_initial = len(word) == 1 and word.isalpha() and found.group().isupper()
    return not (is_initial or (len(word) > 1 and "." in word and not following.isupper()))
