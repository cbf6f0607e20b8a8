r"""The signs that LaTeX writes as commands: accents, ligatures, escaped signs. Core: strings alone."""

from __future__ import annotations

import re
import unicodedata

# Commands of accents and the combining characters they stand for, from LaTeX's base and its T1 encoding.
_ACCENTS = dict(
    zip(
        ("`", "'", "^", "~", "=", ".", '"', *"uvHrdbckGUf"),
        "\u0300\u0301\u0302\u0303\u0304\u0307\u0308\u0306\u030c\u030b\u030a\u0323\u0331\u0327\u0328\u030f\u030e\u0311",
        strict=True,
    )
)
_PAIRS = (
    "ss ß SS ẞ ae æ AE Æ oe œ OE Œ o ø O Ø l ł L Ł aa å AA Å i i j j dh ð DH Ð th þ TH Þ dj đ DJ Đ ng ŋ NG Ŋ S § P ¶ "
    "copyright © pounds £ euro € texteuro € dots … ldots … textellipsis … textendash \u2013 textemdash \u2014 "
    "textquoteright \u2019 textquotedblleft \u201c textquotedblright \u201d guillemotleft « guillemotright » "
    "textregistered ® texttrademark ™ textdegree ° slash / textasciitilde \ue003 textdollar \ue002 "
    "textbackslash \ue004 textasciicircum ^ textunderscore _ textless < textgreater > TeX TeX LaTeX LaTeX"
)
_LETTERS: dict[str, str] = {**dict(re.findall(r"(\S+) (\S+)", _PAIRS)), "quad": " ", "qquad": " "}
# An accent over `e`, `{e}`, `\i` or `{\i}`; those whose command is a letter need a blank or a brace before theirs.
_ACCENT = re.compile(
    r"\\(?:(?P<sign>[`'^~=.\"])[ \t]*|(?P<name>[uvHrdbckGUf])(?:[ \t]+|(?=[{\\])))"
    r"(?:\{[ \t]*(?:\\(?P<inner>[ij])|(?P<braced>[^\W\d_]?))[ \t]*\}"
    r"|\\(?P<dotless>[ij])(?![A-Za-z])[ \t]*|(?P<bare>[^\W\d_]))"
)
# What a command without an argument stands for; the blanks behind it end its name.
_LETTER = re.compile(rf"\\(?P<name>{'|'.join(sorted(_LETTERS, key=len, reverse=True))})(?![A-Za-z])(?:\{{\}}|[ \t]*)")
_ESCAPED = re.compile(r"\\(?P<sign>[&%$#_{}])")
# `\,` and its kin are blanks, `\-` and `\/` nothing.
_SPACE = re.compile(r"\\[,;: !@]")
_NOTHING = re.compile(r"\\[-/]")
_TYPED = (("---", "\u2014"), ("--", "\u2013"), ("``", "\u201c"), ("''", "\u201d"), ("~", " "))
_PRIVATE = {"{": "\ue000", "}": "\ue001", "$": "\ue002", "~": "\ue003", "\\": "\ue004"}
"""Escaped signs that would mean something if they stood bare."""


def render_signs(source: str) -> str:
    r"""Write accents, ligatures and escaped signs as people read them; other commands stay.

    A brace, dollar sign or tilde that was escaped comes back as a private character, see `restore_escaped`.

    Examples:
        >>> render_signs(r"Schr\"odinger \& Erd\H{o}s, 50\% off"), render_signs(r"\'{E}cole, stra\ss e, na\"{\i}ve")
        ('Schrödinger & Erdős, 50% off', 'École, straße, naïve')
    """
    shown = _ACCENT.sub(_accented, source)
    shown = _LETTER.sub(lambda match: _LETTERS[match["name"]], shown)
    shown = _ESCAPED.sub(lambda match: _PRIVATE.get(match["sign"], match["sign"]), shown)
    shown = _NOTHING.sub("", _SPACE.sub(" ", shown))
    for typed, sign in _TYPED:
        shown = shown.replace(typed, sign)
    return unicodedata.normalize("NFC", shown)


def restore_escaped(shown: str) -> str:
    r"""Write the signs that `render_signs` set aside.

    Examples:
        >>> restore_escaped(render_signs(r"\$5 \{a\}"))
        '$5 {a}'
    """
    for sign, private in _PRIVATE.items():
        shown = shown.replace(private, sign)
    return shown


def _accented(match: re.Match[str]) -> str:
    letter = match["inner"] or match["braced"] or match["dotless"] or match["bare"] or " "
    return unicodedata.normalize("NFC", letter + _ACCENTS[match["sign"] or match["name"]])
