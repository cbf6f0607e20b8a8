"""Signs that a text is made of lines: a script, configuration, markup for machines, a log, a chat, records. Core."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

import regex

from llama_index_prod_rag.structure.code_signs import SHEBANG, closes_blocks
from llama_index_prod_rag.structure.signs import CERTAIN, blank_fences, drop_front_matter, html, is_code_like

_XML = regex.compile(
    r"""(?xi) \ufeff?\s*+ (?: <!--(?s:.)*?-->\s*+ | <\?(?!xml)[^>]*+>\s*+ )*+
    < (?: \?xml\b | !DOCTYPE\s+(?!html)\w
    | [a-z][\w:.-]*+ (?:\s+[\w:.-]+\s*=\s*(?:"[^"]*+"|'[^']*+'))*+ \s*/?> )"""
)
_JSON = regex.compile(r"\ufeff?\s*(?!\{\s*[{\[])[\[{]\s*(?:[\[{\]}]|\"[^\"\n]*+\"\s*[:,\]]|-?\d[\d.]*\s*[,\]])")
_PEM = regex.compile(r"^-----BEGIN [A-Z0-9 ]+-----$", regex.MULTILINE)

# A batch file, a patch.
_SURE = regex.compile(
    r"(?i)\s*(?:@echo\s+off\b|diff\s+--git\s|(?-i:Index:\s[^\n]+\n=+\n)?---\s[^\n]+\n\+\+\+\s[^\n]+\n@@\s-\d)"
)
# A heading of a wiki; its templates and tables look like code.
_WIKI = regex.compile(r"(={2,6})[^=]+\1$")
_PATHS = regex.compile(r"!?[\w./*\[\]?@{}~+-]+$")
"""Lines of a list of files to leave out; half of them or more have one of `/` and `*`."""

_COMMENTS = ("#", ";", "//", "%", "--")
_ASSIGNMENT = regex.compile(r"\s*(?:export\s+|set\s+)?[\w.\"'$/-]+(?:\[[^\]]*\])?\s*(?::?=|\+=)|\s*\[[^\]\n]+\]\s*$")
_SETTING = regex.compile(
    r"""(?x) \s* (?: \[[^\]\n]+\]\s*$ | -?\s*[\w."'$@/-]+(?:\[[^\]]*\])?\s*(?: :?= | \+= | :(?=\s|$) )
    | [\]})]+[,;]?\s*$ | [\w"'.-]+,?\s*$ | -\ \S | export\s+\w+= )"""
)
_DOCKER = regex.compile(
    r"(?:FROM|RUN|CMD|COPY|ADD|ENV|ARG|WORKDIR|EXPOSE|ENTRYPOINT|USER|LABEL|VOLUME|HEALTHCHECK|SHELL|ONBUILD"
    r"|STOPSIGNAL|MAINTAINER)[ ]\S|\s"
)
_BLOCK_COMMENT = regex.compile(r"(?s)/\*.*?(?:\*/|\Z)")
_CSS = regex.compile(
    r"""(?x) \s* (?: [^{};\n\\]+\{ | [\w-]+\s*:[^;\n]+; | \} | @[\w-]+[^\n]*[;{] | [^{};\n]+, ) \s*(?:\S.*)?$"""
)

_TELLING = 20.0
"""Weight of what no text in Markdown has as a whole, whatever its comments look like."""
_MOST = 0.6
"""Share of lines that begin alike in logs, chats and records; the others go on from the line above."""
_OFTEN = 0.1
"""Share of lines of a second way in which records begin."""
_LONGEST = 250
"""Characters of a line in the middle; longer ones are paragraphs."""
_FEWEST = 3
"""Lines below which nothing can be said to recur."""
# Items of lists are not records (they stand in texts of every kind), nor is dialogue.
_LIST_ITEM = regex.compile(r"\s*(?:[-*+•>|#\"“„»'‘—–§(]|(?:\d{1,3}(?:\.\d{1,3})*|[a-zA-Z]|[ivxlcIVXLC]+)[.)]?\s)")
_FIRST_WORDS = regex.compile(r"\s*+(\S{1,20})\S*(?:\s+(\S{1,20}))?")
_LETTERS = regex.compile(r"\p{L}+")
_DIGITS = regex.compile(r"\p{Nd}+")


def lines(text: str) -> float:
    r"""How surely a text is made of lines.

    Examples:
        >>> lines("[db]\nhost = here\nport = 1\n") > 1.0, lines("#!/bin/sh\n# why\nls\n") > 1.0
        (True, True)
        >>> lines("Words in a line\nand the next one.")
        0.0
    """
    if SHEBANG.match(text) or _PEM.search(text) or _SURE.match(text):
        return CERTAIN
    if _JSON.match(text):
        return _TELLING
    if _XML.match(text) and not html(text):
        return 5.0
    outside, fences = blank_fences(drop_front_matter(text))
    kept = [line.rstrip() for line in outside.split("\n") if line.strip()]
    body = [line for line in kept if not line.lstrip().startswith(_COMMENTS)]
    if fences or len(body) < 2:
        return 0.0
    return _weigh(text, kept, body)


def _weigh(text: str, kept: list[str], body: Sequence[str]) -> float:
    """How surely lines that are not blank, and those of them that are no comments, are no sentences."""
    if closes_blocks(kept) or _is_list_of_paths(body) or _is_container_file(body):
        return _TELLING
    if _is_configuration(body) or _is_style_sheet(text):
        return 5.0
    if sum(1 for line in kept if _WIKI.match(line)) > 1:
        return 0.0
    return 3.0 if is_record_like(body) else 1.1 if is_code_like(kept) else 0.0


def _is_container_file(body: Sequence[str]) -> bool:
    return any(line.startswith("FROM ") for line in body) and _share(_DOCKER, body) == 1.0


def _share(sign: regex.Pattern[str], body: Sequence[str]) -> float:
    return sum(1 for line in body if sign.match(line)) / len(body)


def _is_configuration(body: Sequence[str]) -> bool:
    return _share(_ASSIGNMENT, body) >= 0.5 and _share(_SETTING, body) >= 0.8


def _is_list_of_paths(body: Sequence[str]) -> bool:
    telling = sum(1 for line in body if "/" in line or "*" in line)
    return telling >= max(2, len(body) / 2) and _share(_PATHS, body) == 1.0


def _is_style_sheet(text: str) -> bool:
    body = [line for line in _BLOCK_COMMENT.sub("", text).split("\n") if line.strip()]
    return bool(body) and "{" in text and _share(_CSS, body) >= 0.9


def is_record_like(body: Sequence[str]) -> bool:
    """Whether most lines begin in the same way, and in a way that sentences do not: with a date, a nick, a number.

    Examples:
        >>> is_record_like(["ann: hi", "bob: hello", "ann: well"]), is_record_like(["It is", "so late", "now, he said"])
        (True, False)
    """
    return bool(record_shapes(body))


def record_shapes(body: Sequence[str]) -> frozenset[str]:
    """Find the ways in which records begin, where most lines do so; other lines go on with the record above.

    Examples:
        >>> sorted(record_shapes(["10:00 ann: hi", "10:01 bob: hello", "10:02 bob: it is", "late"]))
        ['0:0 a:']
    """
    shapes = Counter(shape_of(line) for line in body if not _LIST_ITEM.match(line))
    telling = {shape: count for shape, count in shapes.items() if shape.strip("a ")}
    if len(body) < _FEWEST or max(telling.values(), default=0) < _MOST * len(body) or median(map(len, body)) > _LONGEST:
        return frozenset()
    return frozenset(shape for shape, count in telling.items() if count >= _OFTEN * len(body))


def shape_of(line: str) -> str:
    """Take the first two words, letters and digits made one: `[Sun Dec` is `[a a`, `ann: hi` is `a:`."""
    match = _FIRST_WORDS.match(line)
    if match is None:
        return ""
    first, second = match[1], match[2] or ""
    both = first if first.endswith(":") else f"{first} {second}"
    return _DIGITS.sub("0", _LETTERS.sub("a", both)).strip()
