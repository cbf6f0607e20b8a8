"""Signs that a text has a format: each function looks at its beginning and says how many it found. Core.

0 is none, 1 as much as one clear sign, `CERTAIN` a text that can be nothing else; see `register_format`. What a fence
shows is not a sign of what surrounds it, so fenced lines are blanked out first.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import regex

CERTAIN = 1_000.0
"""How much a sign weighs that a text of another kind cannot have."""

_FENCE = regex.compile(r"[ ]{0,3}(`{3,}(?=[^`]*$)|~{3,}|\$\$(?=\s*$))")  # a displayed formula is fenced off as well
# What may stand before the first tag of a page.
_BEFORE_HTML = regex.compile(r"(?:[\s\ufeff]|<\?xml[^>]*+>|<!--(?s:.)*?-->)*+")
_HTML_DOCUMENT = regex.compile(r"(?i)<(?:!doctype\s+html|(?:html|head|body)\b)")
_HTML_BLOCK = regex.compile(
    r"(?i)<(?:address|article|aside|blockquote|center|details|div|dl|figure|footer|form|h[1-6]|header|hr|main|nav|ol|p"
    r"|pre|script|section|style|table|title|ul)\b"
)
_TAG = regex.compile(r"</?[a-zA-Z][\w-]*+[^<>]*+>|<![a-zA-Z-]")

_LATEX_SURE = regex.compile(r"^[ \t]*\\(?:documentclass|documentstyle)\b|^[ \t]*\\begin\{document\}", regex.MULTILINE)
_LATEX_SECTION = regex.compile(
    r"^[ \t]*\\(?:part|chapter|(?:sub)*section|paragraph)\*?(?:\[[^\]\n]*\])?\{", regex.MULTILINE
)
_LATEX_COMMAND = regex.compile(
    r"\\(?:usepackage|label|ref|cite[tp]?|emph|textbf|textit|item|input|caption|footnote|newcommand|maketitle)\b"
)

_RST_SIGNS = (
    (regex.compile(r"^\.\. (?:\|[^|\n]+\| )?[\w:-]+::(?=\s|$)", regex.MULTILINE), 2.0),
    (regex.compile(r"^\.\. (?:_[^:\n]+:|\[[^\]\n]+\] )|^__ \S", regex.MULTILINE), 2.0),
    (regex.compile(r"`[^`\n<]{1,200}(?:\n[^`\n<]{0,100})?<[^<>`\n]{1,300}>`_"), 2.0),
    (regex.compile(r"(?<![\w:`]):[a-z][\w:+.-]{1,30}:`[^`\n]+`"), 2.0),
    (regex.compile(r"(?<![`\w])``[^`\n]+``(?!`)"), 0.4),
    (regex.compile(r"^\S.*::[ \t]*\n(?:[ \t]*\n)+[ \t]+\S", regex.MULTILINE), 2.0),
    (regex.compile(r"^:[A-Za-z][\w -]{1,30}: +\S", regex.MULTILINE), 0.5),
    (regex.compile(r"^(?:=+ +)+=+[ \t]*$|^\+(?:[-=]+\+)+[ \t]*$", regex.MULTILINE), 1.0),
    (regex.compile(r"(?<=[A-Za-z0-9])_(?=[\s.,;)])"), 0.4),
    (regex.compile(r"`[^`\n<>]{2,100}`_(?!\w)"), 1.0),
)
_MARKDOWN_SIGNS = (
    (regex.compile(r"\[[^\]\n]{1,200}\]\((?:https?://|mailto:|#|\.{0,2}/|[\w./-]+\.\w)[^)\n]*\)"), 1.5),
    (regex.compile(r"!\[[^\]\n]{0,200}\]\([^)\n]+\)"), 2.0),
    (regex.compile(r"^[ ]{0,3}\[[^\]\n]{1,100}\]:[ \t]*(?:https?:|<|#|\.{0,2}/)\S*", regex.MULTILINE), 2.0),
    (regex.compile(r"^\|?(?:[ \t]*:?-{3,}:?[ \t]*\|)+(?:[ \t]*:?-{3,}:?[ \t]*)?$", regex.MULTILINE), 2.0),
    (regex.compile(r"(?<![\w`:])`[^`\n]{1,80}`(?![`_\w])"), 0.3),
    (regex.compile(r"(?<!\w)\*\*[^\s*][^*\n]{0,100}\*\*(?!\w)"), 0.2),
    (regex.compile(r"^> \S", regex.MULTILINE), 0.2),
)
_ORG_SIGNS = (
    (
        regex.compile(
            r"(?i)^#\+(?:title|author|date|options|startup|begin_\w+|results|name|caption|property):?", regex.MULTILINE
        ),
        2.0,
    ),
    (regex.compile(r"^[ \t]*:(?:PROPERTIES|LOGBOOK|END):[ \t]*$", regex.MULTILINE), 2.0),
    (regex.compile(r"\[\[[^\]\n]{1,200}\]\[[^\]\n]{1,200}\]\]"), 1.5),
    (regex.compile(r"^\*{2,8} \S", regex.MULTILINE), 0.6),
)
_ADOC_SIGNS = (
    (regex.compile(r"\A\s*= [^\s=][^\n]*[^=\s][ \t]*$", regex.MULTILINE), 1.5),
    (regex.compile(r"^={2,6} [^\s=][^\n]*[^=\s][ \t]*$", regex.MULTILINE), 1.0),
    (
        regex.compile(
            r"^\[(?:source|listing|quote|cols|NOTE|TIP|WARNING|CAUTION|IMPORTANT|\[)[^\]\n]*\]", regex.MULTILINE
        ),
        2.0,
    ),
    (regex.compile(r"^\|===[ \t]*$", regex.MULTILINE), 1.0),
    (
        regex.compile(
            r"\b(?:link|xref|image|include)::?[^\s\[]{1,200}\[[^\]\n]*\]|^:[\w-]{2,30}:(?:[ \t]|$)", regex.MULTILINE
        ),
        0.7,
    ),
)
# A line of three signs or more, as below a title.
_UNDERLINE = regex.compile(r"([^\w\s])\1{2,}[ \t]*")
# Of lines with such characters, sentences have few, settings and commands many.
_CODE_LIKE = regex.compile(r"[={}<>|\\$;]|^\s*[\w.-]+:(?:\s|$)|^\s*[-\d.]|\w\(|\d\D*\d\D*\d")
_LONG = 140
"""Characters of a line that no setting or command has; a paragraph in one line has more."""
# Headings or comments, tags, quotes, rows, items of lists: these stand in text and in code alike.
_SAYS_NOTHING = regex.compile(r"[#<>|]|\s*(?:[-*+]|\(?\d{1,3}[.)])\s")
_FRONT_MATTER = regex.compile(r"\A---[ \t]*\n(?:[\w-]+:[^\n]*\n|[ \t#-][^\n]*\n)+---[ \t]*\n(?=\s*[^\s-])")
_HEADING = regex.compile(r"(?:\A|(?<=\n))(#{1,6}) +[^\s#][^\n]*")

_LEGAL = regex.compile(
    r"(?m)^[ \t]*(?:WHEREAS\b|NOW,? THEREFORE|IN WITNESS WHEREOF|(?:ARTICLE|Article) (?:[IVXLC]+|\d+)\b|"
    r"(?:SECTION|Section) \d+(?:\.\d+)*\.?\s|§[ \u00a0]?\d+[a-z]{0,2}(?:-\d+)?\.?[ \u00a0][^\W\d_a-z(]"
    r"|(?:Artikel|Artículo|ARTÍCULO|Articolo|Artigo|Artykuł|Статья|Art\.|ART\.)[ \u00a0](?:\d+|[IVXLC]+\b)"
    r"|Article[ \u00a0](?:[LRDA]\.?[ ]?\*?[ ]?\d|1er\b|[Pp]remier\b)"
    r"|第[ ]?(?:[〇一二三四五六七八九十百千]{1,8}|\d{1,4})[ ]?[条條](?:の[一二三四五六七八九十]{1,3})?[\s\u3000（(]"
    # Laws of Britain and of countries that write them so: `3 Duties` above (1), `2.—(1)`, `§ 2. (1)`.
    r"|\d{1,3}[A-Z]{0,2}[ ][A-Z][^\n]{2,100}\n\s{0,8}\(1\)[ ]"
    r"|(?:§[ ])?\d{1,3}[A-Z]{0,2}(?:\.[—–-]?|[ —])[ ]?\(1\)[ ][^\W\d_a-z]"
    r"|(?:\d{1,3}[ .][ ]?|\(\d\)[ ])?(?:This|These)[ ](?:Act|Order|Regulations|Rules)\b[^\n]{0,40}\b(?:cited|force)\b"
    r"|제[ ]?\d{1,4}[ ]?조(?:의[ ]?\d+)?[ ]?[(（])"
    r"|Art[ ]\d+[a-z]?[ ]*$|[^\n]{0,12}[甲乙]方[（）：(:]"
    r"|[“\"][^”\"\n]{2,60}[”\"] (?:means|shall mean)\b"
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


@lru_cache(maxsize=2)
def blank_fences(text: str) -> tuple[str, int]:
    r"""Blank out the fenced lines of a text, and count the fences.

    A line of `~` or of backticks right below other words is the underline of an RST title; a fence that is never closed
    is none.

    Examples:
        >>> blank_fences("a\n```sh\n# b\n```\nc"), blank_fences("Title\n~~~~~\nText")
        (('a\n\n\n\nc', 1), ('Title\n~~~~~\nText', 0))
    """
    lines = text.replace("\r\n", "\n").split("\n")
    fences, opened, start = 0, "", 0
    for index, line in enumerate(lines):
        match = _FENCE.match(line)
        if match is None:
            continue
        if not opened and not _underlines(line, lines[index - 1] if index else ""):
            opened, start = match[1], index
        elif opened and match[1].startswith(opened) and not line[match.end() :].strip():
            lines[start : index + 1] = [""] * (index + 1 - start)
            fences, opened = fences + 1, ""
    return "\n".join(lines), fences


def _underlines(line: str, above: str) -> bool:
    return bool(above.strip()) and len(set(line.rstrip())) == 1 and len(line.rstrip()) >= len(above.rstrip())


def html(text: str) -> float:
    """How surely a text is HTML: it begins with a doctype or a tag, and is not Markdown with a decorated head."""
    before = _BEFORE_HTML.match(text)
    begin = before.end() if before is not None else 0
    if _HTML_DOCUMENT.match(text, begin):
        return CERTAIN + 1
    return 1.5 + min(1.5, 0.02 * _count(_TAG, text)) if _HTML_BLOCK.match(text, begin) else 0.0


def has_tag(text: str) -> bool:
    """Whether there is a tag anywhere.

    Examples:
        >>> has_tag("<p>A"), has_tag("a < b, c > d")
        (True, False)
    """
    return _TAG.search(text) is not None


def latex(text: str) -> float:
    """How surely a text is LaTeX: it has a class, or sections; formulas alone stand in Markdown, too."""
    outside, _ = blank_fences(text)
    if _LATEX_SURE.search(outside):
        return CERTAIN
    sections = _count(_LATEX_SECTION, outside)
    return 2.0 * sections + 0.5 * _count(_LATEX_COMMAND, outside) if sections else 0.0


def rst(text: str) -> float:
    """How surely a text is reStructuredText."""
    outside, fences = blank_fences(text)
    signs = sum(weight * _count(sign, outside) for sign, weight in _RST_SIGNS)
    return signs + 1.1 * len(_titles(outside)) - 2.0 * fences


def markdown(text: str) -> float:
    """How surely a text is Markdown."""
    outside, fences = blank_fences(text)
    signs = sum(weight * _count(sign, outside) for sign, weight in _MARKDOWN_SIGNS)
    titles = sum(1.0 for sign in _titles(outside) if sign in {"=", "-"})
    return signs + 2.0 * fences + titles + _headings(outside) + 2.0 * _has_front_matter(text)


def org(text: str) -> float:
    """How surely a text is in Org mode."""
    outside, fences = blank_fences(text)
    return sum(weight * _count(sign, outside) for sign, weight in _ORG_SIGNS) - 2.0 * fences


def asciidoc(text: str) -> float:
    """How surely a text is AsciiDoc; MediaWiki closes its headings with the same signs."""
    outside, fences = blank_fences(text)
    return sum(weight * _count(sign, outside) for sign, weight in _ADOC_SIGNS) - 2.0 * fences


def no_armor(text: str) -> bool:
    """Whether a file is no signature or key, which have the extension `asc`, too."""
    return not text.lstrip().startswith("-----BEGIN ")


def _headings(text: str) -> float:
    """Lines that begin with `#`, where they are headings: a comment stands amid code, or in a run of such lines."""
    lines = text.split("\n")
    found = 0.0
    for index, line in enumerate(lines):
        if line[:1] == "#" and line.rstrip()[-1] not in ".,;:" and (match := _HEADING.match(line)) is not None:
            above, below = lines[index - 1 : index] or [""], lines[index + 1 : index + 2] or [""]
            if above[0][:1] != "#" and below[0][:1] != "#":
                alone = not above[0].strip() and not below[0].strip()
                found += (1.8 if alone else 0.4 if not above[0].strip() else 0.0) * (1.5 if len(match[1]) > 1 else 1.0)
    return found if found and not is_code_like(lines) else 0.0


def is_code_like(lines: list[str]) -> bool:
    """Whether most lines have characters that settings and commands have, and sentences have not.

    Examples:
        >>> is_code_like(["set -e", "x=$1", "rm -f $x"]), is_code_like(["It ends.", "There is more."])
        (True, False)
    """
    body = [line for line in _drop_formulas(lines) if line.strip() and not _SAYS_NOTHING.match(line)]
    return sum(1 for line in body if len(line) <= _LONG and _CODE_LIKE.search(line) and "](" not in line) > 0.6 * len(
        body
    )


def _drop_formulas(lines: list[str]) -> Iterator[str]:
    inside = False
    for line in lines:
        inside = inside or line.lstrip().startswith("\\begin{")
        if not inside:
            yield line
        inside = inside and "\\end{" not in line


def _has_front_matter(text: str) -> bool:
    below = drop_front_matter(text)
    return len(below) < len(text) and not is_code_like(below.split("\n"))


def drop_front_matter(text: str) -> str:
    r"""Drop the front matter above a text, which says what the file is for, not what it is.

    Examples:
        >>> drop_front_matter("---\ntitle: Looms\n---\nThey weave.")
        'They weave.'
    """
    return _FRONT_MATTER.sub("", text)


@lru_cache(maxsize=2)
def _titles(text: str) -> tuple[str, ...]:
    """The signs that underline titles: below a line that begins a paragraph, as long as RST wants them.

    Markdown has `=` and `-` alone and no line above the title; such a line is shown as two of the sign.
    """
    lines = ["", "", *text.split("\n")]
    found: list[str] = []
    for index in range(3, len(lines)):
        line, title, above = lines[index], lines[index - 1], lines[index - 2]
        if not _UNDERLINE.fullmatch(line) or not len(line.rstrip()) >= len(title.rstrip()) > 1 or title[0] == line[0]:
            continue
        if not above.strip():
            found.append(line[0])
        elif above.rstrip() == line.rstrip() and not lines[index - 3].strip():
            found.append(2 * line[0])
    return tuple(found)


def legal(text: str) -> float:
    """How surely a text is a contract or a statute."""
    found = _count(_LEGAL, text)
    return 0.4 * found if found >= 3 else 0.0


def paper(text: str) -> float:
    """How surely a text is a research paper without markup."""
    return 2.0 * (_count(_PAPER_HEAD, text) >= 2 or _count(_PAPER_SECTIONS, text) >= 3)
