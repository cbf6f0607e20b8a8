"""Signs that a text has a format: each function looks at its beginning and says how many it found. Core.

0 is none, 1 as much as one clear sign; see `register_format`.
"""

from __future__ import annotations

import regex

_HTML_BEGINS = regex.compile(r"(?i)\A\s*(?:<!doctype\s+html|<html\b)")
_HTML_CLOSES = regex.compile(r"(?i)</(?:p|div|table|ul|ol|h[1-6]|body|section|article)>")
_LATEX_BEGINS = regex.compile(r"\\(?:documentclass|begin\{document\})")
_LATEX_COMMANDS = regex.compile(r"\\(?:(?:sub)*section\*?|begin|end|chapter)\{")
_RST = regex.compile(r"(?m)^\.\. [\w-]+::|^\.\. _[^:\n]+:")
_MARKDOWN = regex.compile(r"(?m)^#{1,6} \S|^(?:```|~~~)|^\|?(?:[ :]*-{3,}[ :]*\|)+|^\S.*\n(?:={3,}|-{3,})[ \t]*$")
_LEGAL = regex.compile(
    r"(?m)^[ \t]*(?:WHEREAS\b|NOW,? THEREFORE|IN WITNESS WHEREOF|(?:ARTICLE|Article) (?:[IVXLC]+|\d+)\b|"
    r"(?:SECTION|Section) \d+(?:\.\d+)*\.?\s)|[“\"][^”\"\n]{2,60}[”\"] (?:means|shall mean)\b"
)
_PAPER_HEAD = regex.compile(
    r"(?mi)^(?:abstract[ \t]*[.:—–-][ \t]*\S|(?:doi:?[ \t]*|https?://(?:dx\.)?doi\.org/)10\.\d{4,})"
)
_PAPER_SECTIONS = regex.compile(
    r"(?mi)^[ \t]*(?:\d{1,2}\.?[ \t]+)?(?:abstract|introduction|related work|background|methods?|"
    r"materials and methods|results|discussion|conclusions?|references|bibliography|acknowledge?ments)"
    r"[ \t]*:?[ \t\r]*$"
)


def _count(sign: regex.Pattern[str], text: str) -> int:
    return sum(1 for _ in sign.finditer(text))


def html(text: str) -> float:
    """How surely a text is HTML."""
    return 100.0 if _HTML_BEGINS.match(text) else 10.0 * (_count(_HTML_CLOSES, text) >= 3)


def latex(text: str) -> float:
    """How surely a text is LaTeX."""
    return 9.0 * (_LATEX_BEGINS.search(text) is not None or _count(_LATEX_COMMANDS, text) >= 3)


def rst(text: str) -> float:
    """How surely a text is reStructuredText."""
    return 8.0 * (_count(_RST, text) >= 2)


def markdown(text: str) -> float:
    """How surely a text is Markdown."""
    return 7.0 * (_MARKDOWN.search(text) is not None)


def legal(text: str) -> float:
    """How surely a text is a contract or a statute."""
    return 6.0 * (_count(_LEGAL, text) >= 3)


def paper(text: str) -> float:
    """How surely a text is a research paper without markup."""
    return 5.0 * (_count(_PAPER_HEAD, text) >= 2 or _count(_PAPER_SECTIONS, text) >= 3)
