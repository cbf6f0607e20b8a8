"""What a text points to, and by what it can be pointed at: "see section 4.2", § 433, links, functions, ids. Core.

A place is written as words, the first of which says where it lies: ("bgb", "0", "433") is a numbered part,
("manual.md", "#late-fees") a heading, ("docs.acme.com/billing",) a page. Words have no spaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

Place = tuple[str, ...]

# What the parts of manuals, laws and contracts are called. The words of a row are used for one another: "4.2 Keys" is
# called a section, a chapter or a clause.
_ROWS = (
    "sections section sect sec chapters chapter clauses clause paragraphs paragraph para subsection steps step §§ § "
    "abschnitte abschnitten abschnitt kapitel ziffern ziffer ziff punkt schritt "
    "chapitre sección capítulo sezione capitolo seção paragraaf hoofdstuk",
    "articles article art artikeln artikel artigo artículo articolo",
    "appendix annex exhibit schedule anhang anlage annexe anexo allegato bijlage",
    "tables table tabelle tab tableau tabla tabella tabel",
    "figures figure fig abbildung abb figura figuur",
)
_ROW_OF = {word: str(number) for number, row in enumerate(_ROWS) for word in row.split()}
_WORD = "|".join(sorted(map(re.escape, _ROW_OF), key=len, reverse=True))
_NUMBER = r"(?:\d{1,4}(?:\.\d{1,3})*(?:\s?(?-i:[a-z])\b)?|(?-i:[A-Z])(?:[.-]?\d{1,2})*|(?-i:[IVX]){1,5})(?!\w)"
_MARKUP = r"[ \t]*(?:#{1,6}[ \t]+|\*\*|=+[ \t]+)?"
# The line of a heading: a word and a number ("§ 433 Kauf"), or a number before a capital ("4.2 Keys").
_LABEL = re.compile(
    rf"^{_MARKUP}(?:(?P<word>{_WORD})\.?[ \t\u00a0]*(?P<number>{_NUMBER})"
    rf"|(?P<bare>\d{{1,3}}(?:\.\d{{1,3}})*)[.)]?[ \t]+(?=(?-i:[^\W\d_a-zß-ÿ])))",
    re.IGNORECASE | re.MULTILINE,
)
_POINTER = re.compile(
    rf"(?<![\w.])(?P<word>{_WORD})\.?[ \t\u00a0]*(?P<numbers>{_NUMBER}"
    rf"(?:(?:,[ ]?|[ ](?:and|or|to|und|oder|bis|et|y|e|en)[ ]){_NUMBER}){{0,9}})",
    re.IGNORECASE,
)
# What stands behind a number that lies in another document: "§ 433 Abs. 1 BGB", "section 4.2 of the Admin Guide".
_PART = r"(?:[ ](?:Abs\.?|Absatz|Satz|S\.|Nr\.|Nummer|ff?\.)(?:[ ]?\d+\w?)?){0,4}"
_ELSEWHERE = re.compile(
    rf"{_PART}[ ](?:(?P<code>[A-ZÄÖÜ](?:[\w-]*[A-ZÄÖÜ]))\b"
    r"|(?:of|in|from|des|der|im)[ ](?:(?:the|dem)[ ])?(?P<name>[A-ZÄÖÜ][\w-]*(?:[ .][A-ZÄÖÜ\d][\w-]*){0,5}))"
)
_LINK = re.compile(r"\]\(<?(?P<target>[^()\s<>]{1,300})|\[\[(?P<wiki>[^\]|\n]{1,100})")
_URL = re.compile(r"https?://[^\s<>()\[\]\"'`]{3,300}", re.IGNORECASE)
_URL_KEYS = ("url", "source_url", "source", "link", "href")
_HEADING = re.compile(r"^#{1,6}[ \t]+(.{1,120}?)[ \t#]*$", re.MULTILINE)
_SYMBOL = re.compile(
    r"^[ \t]*(?:(?:export|default|public|private|protected|internal|static|abstract|final|async|pub|open)[ ]){0,4}"
    r"(?:def|class|function|fn|func|fun|interface|struct|enum|trait|module|type)[ ](?P<name>\w{3,80})[ \t]*[(:{<=]",
    re.MULTILINE,
)
# A bare name is found as such; one word in small letters ("get") is a method of everything.
_CALL = re.compile(r"(?<=\.)(?=[a-z]*[A-Z\d_])\w{3,80}(?=\()")
_TERM = re.compile(
    r"[„“\"«](?P<term>[^„“”\"«»\n]{3,80})[“”\"»][ ](?:im Sinne[^.\n]{1,60}[ ])?"
    r"(?:bezeichne[nt]|bedeute[nt]|meint|ist|sind|désigne|signifie|significa|indica|betekent)\b"
)
# PAY-1042, RFC 2119, "X7: ..."; not "CD4 cells", "Phase 3 trials".
_ID = re.compile(
    r"[A-Z]{2,10}[-_ ]?\d{3,8}(?:[-.]\d{1,8})*(?![\w-])"
    r"|[A-Z][A-Za-z]{0,9}[-_]?\d{1,8}(?:[-.]\d{1,8})*(?=\Z|:|[ ][-\u2013\u2014(])"
)
_MOST = 200  # places of one passage


def places_of(text: str, metadata: Mapping[str, Any], document: str | None) -> list[Place]:
    r"""List the places at which a passage lies.

    Args:
        text: of the passage.
        metadata: `title`, `heading_path`, `file_name`, `file_path` and an address (`url`, `source`) where it has them.
        document: id of the document that it is a part of.

    Examples:
        >>> places_of("## 4.2 Key rotation\nEvery ninety days.", {"file_name": "manual.md"}, "d1")[:3]
        [('d1', '0', '4.2'), ('manual.md', '0', '4.2'), ('manual', '0', '4.2')]
    """
    headings = headings_of(metadata)
    scopes = list(dict.fromkeys(map(_joined, _scopes(metadata, headings, document))))
    lines = "\n".join([*headings, text])
    labels = [label for found in _LABEL.finditer(lines) if (label := _label(found))]
    slugs = dict.fromkeys(f"#{_slug(heading)}" for heading in [*headings[-1:], *_HEADING.findall(text)])
    inside = [(scope, *part) for part in [*dict.fromkeys(labels), *((slug,) for slug in slugs)] for scope in scopes]
    addresses = [(_address(str(metadata[key])),) for key in _URL_KEYS if _URL.match(str(metadata.get(key) or ""))]
    pages = [(_slug(scope), "page") for scope in scopes if scope != document]
    return [*inside[:_MOST], *addresses, *pages, *((found["name"], "()") for found in _SYMBOL.finditer(text))]


def pointers_in(text: str, document: str | None) -> Iterator[tuple[Place, int]]:
    """Find the places that a text points to, each with the character where it does so.

    Args:
        text: of a passage.
        document: id of the document that it is a part of; without, nothing points into its own document.

    Examples:
        >>> list(pointers_in("See section 4.2, and § 433 Abs. 1 BGB.", "d1"))
        [(('d1', '0', '4.2'), 4), (('bgb', '0', '433'), 21)]
        >>> list(pointers_in("[fees](../billing.md#late-fees)", None))
        [(('billing.md', '#late-fees'), 5)]
    """
    for found in _POINTER.finditer(text):
        other = _ELSEWHERE.match(text, found.end())
        scope = (other["code"] or other["name"]) if other else document
        if scope:
            row = _ROW_OF[found["word"].casefold()]
            for number in re.findall(_NUMBER, found["numbers"], re.IGNORECASE):
                yield (_joined(scope), row, _number(number)), found.start()
    for found in _LINK.finditer(text):
        if place := _linked(found["target"] or found["wiki"], document):
            yield place, found.start()
    for found in _URL.finditer(text):
        yield (_address(found.group()),), found.start()
    for found in _CALL.finditer(text):
        yield (found.group(), "()"), found.start()


def names_inside(text: str, metadata: Mapping[str, Any], document: str | None) -> Iterator[str]:
    r"""Find what a passage is called beside its titles: functions, classes and terms that it defines, and ids.

    Examples:
        >>> list(names_inside("def rotate_key(vault):\n    ...", {"title": "PAY-1042: keys"}, "ADR-7"))
        ['rotate_key', 'PAY-1042', 'ADR-7']
    """
    yield from (found["name"] for found in _SYMBOL.finditer(text))
    yield from (found["term"] for found in _TERM.finditer(text))
    for name in (*headings_of(metadata)[-1:], metadata.get("title"), document):
        if found := _ID.match(str(name or "")):
            yield found.group()


def headings_of(metadata: Mapping[str, Any]) -> list[str]:
    """List the headings above a passage, from the outermost on."""
    path = metadata.get("heading_path") or []
    return [str(heading or "") for heading in (path if isinstance(path, list) else [path])]


def _scopes(metadata: Mapping[str, Any], headings: list[str], document: str | None) -> Iterable[str]:
    """By what a document is called when a part of it is pointed to."""
    if document:
        yield document
    if name := file_name_of(metadata):
        yield from (name, PurePosixPath(name).stem)
    for title in (metadata.get("title"), *headings[:1]):
        if title:
            bracketed = re.fullmatch(r"(.{2,80}?)[ ]\(([^()]{2,40})\)", str(title))  # Bürgerliches Gesetzbuch (BGB)
            yield from bracketed.groups() if bracketed else (str(title),)


def file_name_of(metadata: Mapping[str, Any]) -> str:
    """Give the name of a passage's file; empty where the metadata has none."""
    return str(metadata.get("file_name") or PurePosixPath(str(metadata.get("file_path") or "")).name)


def _label(found: re.Match[str]) -> Place:
    if found["bare"]:
        return _ROW_OF["section"], _number(found["bare"])
    return _ROW_OF[found["word"].casefold()], _number(found["number"])


def _number(written: str) -> str:
    return re.sub(r"\s", "", written).casefold()


def _linked(target: str, document: str | None) -> Place | None:
    """What a link of Markdown or of a wiki leads to; None for addresses, which are found by themselves."""
    if re.match(r"\w+:", target):
        return None
    path, _, anchor = target.partition("#")
    name = PurePosixPath(path).name
    scope = name or document
    if not scope:
        return None
    return (_joined(scope), f"#{_slug(anchor)}") if anchor else (_slug(PurePosixPath(name).stem), "page")


def _slug(heading: str) -> str:
    """As sites that render Markdown name a heading."""
    return re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading.strip().casefold()))


def _joined(scope: str) -> str:
    return re.sub(r"\s+", "_", scope.strip().casefold())


def _address(url: str) -> str:
    """A page's address without what does not tell pages apart."""
    bare = re.sub(r"^https?://(?:www\.)?", "", url.strip().casefold())
    return re.sub(r"\s+", "_", re.split(r"[?#]", bare)[0].rstrip("/.,;:"))
