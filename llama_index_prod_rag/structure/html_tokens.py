"""HTML to tokens with exact offsets; nothing of the text gets lost between them.

The standard library's parser is not used: it takes time that grows with the square of a run of unclosed tags.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import regex

from llama_index_prod_rag.structure.titles import PERMALINK_WORDS

_DROPPED = frozenset({"canvas", "head", "iframe", "nav", "noscript", "script", "style", "svg", "template"})
# What MediaWiki, Sphinx, MkDocs, Docusaurus and GitHub put into a heading beside its words.
_EDIT_CLASSES = frozenset({"mw-editsection", "headerlink", "hash-link", "anchorjs-link"})
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)

_LONGEST_PERMALINK = 12  # tokens; a drawn link sign is a few paths


@dataclass(frozen=True, slots=True)
class Token:
    """Holds one piece of an HTML source: a tag, a stretch of text, or other markup.

    Attributes:
        kind: `start` and `end` of an element, `data` (text as it stands), `reference` (`&amp;`), or `markup`.
        start: first character, inclusive.
        end: last character, exclusive.
        name: the element's name in lower case, or what a reference stands for.
        attributes: the element's.
    """

    kind: Literal["start", "end", "data", "reference", "markup"]
    start: int
    end: int
    name: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


# A tag ends at the first ">" outside of quotes; a "<" outside of quotes ends it, too, and then it is text. So a run of
# unclosed tags is looked at once, where browsers and the standard library look to the end of the text from each.
_TAG = regex.compile(
    r"""(?x) <(?P<close>/?) (?P<name>[A-Za-z][^\s/<>]*+) (?P<attributes>(?:[^<>"']++|"[^"]*+"|'[^']*+')*+) >
    | <(?P<loose_close>/?) (?P<loose_name>[A-Za-z][^\s/<>]*+) (?P<loose_attributes>[^<>]*+) >       # a stray quote
    | <!--(?P<comment>) | <(?P<declaration>[!?])
    | (?P<reference>&(?:\#[0-9]{1,9}|\#[xX][0-9a-fA-F]{1,8}|[A-Za-z][A-Za-z0-9]{0,31});?)"""
)
_ATTRIBUTE = regex.compile(
    r"""(?P<name>[^\s=/"'<>]++)(?:\s*+=\s*+(?:"(?P<a>[^"]*+)"|'(?P<b>[^']*+)'|(?P<c>[^\s"']++)))?"""
)
_RAW = {name: regex.compile(rf"(?i)</{name}(?=[\s/>])") for name in ("script", "style")}
"""Elements whose content is not markup, and what ends them."""


def tokenize(text: str) -> list[Token]:
    """Split a source into tokens that together hold every character, in order.

    Examples:
        >>> [(token.kind, token.start, token.end) for token in tokenize("<p>a&amp;b")]
        [('start', 0, 3), ('data', 3, 4), ('reference', 4, 9), ('data', 9, 10)]
    """
    return list(_Tokenizer(text).tokens())


class _Tokenizer:
    def __init__(self, text: str) -> None:
        self._text = text
        self._ends: dict[str, bool] = {}

    def tokens(self) -> Iterator[Token]:
        position = search = 0
        while (match := _TAG.search(self._text, search)) is not None:
            token = self._token(match)
            search = match.end() if token is None else token.end
            if token is None:
                continue
            if token.start > position:
                yield Token("data", position, token.start)
            yield token
            position = token.end
            if token.kind == "start" and token.name in _RAW:
                found = _RAW[token.name].search(self._text, position)
                search = len(self._text) if found is None else found.start()
            if token.kind == "start" and match.group().endswith("/>"):
                yield Token("end", position, position, token.name)
        if position < len(self._text):
            yield Token("data", position, len(self._text))

    def _token(self, match: regex.Match[str]) -> Token | None:
        """The token that begins at a sign of markup, or None where it is text after all."""
        if match["comment"] is not None:
            return self._markup(match.start(), "-->")
        if match["declaration"]:
            return self._markup(match.start(), ">")
        if match["reference"]:
            shown = html.unescape(match["reference"])
            return None if shown == match["reference"] else Token("reference", *match.span(), shown)
        name = (match["name"] or match["loose_name"]).lower()
        if match["close"] or match["loose_close"]:
            return Token("end", *match.span(), name)
        return Token("start", *match.span(), name, _attributes(match["attributes"] or match["loose_attributes"] or ""))

    def _markup(self, start: int, closer: str) -> Token | None:
        """A comment or declaration; one that is never closed is text, lest it swallow what follows."""
        end = self._text.find(closer, start) if self._ends.get(closer, True) else -1
        self._ends[closer] = end >= 0
        return None if end < 0 else Token("markup", start, end + len(closer))


def _attributes(written: str) -> Mapping[str, str]:
    found = _ATTRIBUTE.finditer(written) if "=" in written or written.strip("/ ") else ()
    return {match["name"].lower(): html.unescape(match["a"] or match["b"] or match["c"] or "") for match in found}


def dropped_elements(tokens: list[Token], text: str) -> list[tuple[int, int, str]]:
    """(first token, last token, name) of the outermost elements that are not content: scripts, navigation, permalinks.

    One that is never closed is kept, lest an unclosed tag swallow the text after it.
    """
    found: list[tuple[int, int, str]] = []
    opened: list[tuple[str, int, bool]] = []
    for index, token in enumerate(tokens):
        if token.kind == "start" and token.name not in _VOID:
            opened.append((token.name, index, _is_dropped(token)))
        elif token.kind == "end" and (depth := _depth(opened, token.name)) is not None:
            _, first, dropped = opened[depth]
            del opened[depth:]
            if dropped or (token.name == "a" and _is_permalink(tokens[first : index + 1], text)):
                while found and found[-1][0] > first:
                    found.pop()
                found.append((first, index, token.name))
    # Of elements whose content is not parsed as markup, the rest of the text belongs to an unclosed one.
    if opened and opened[-1][0] in {"script", "style"}:
        found.append((opened[-1][1], len(tokens) - 1, opened[-1][0]))
    return found


def _is_dropped(token: Token) -> bool:
    given = token.attributes
    if token.name in _DROPPED or "hidden" in given or given.get("role") == "navigation":
        return True
    return token.name in {"a", "span"} and not _EDIT_CLASSES.isdisjoint(given.get("class", "").split())


def _is_permalink(tokens: list[Token], text: str) -> bool:
    """Whether a link is a heading's own: it points into the page, and says nothing or just that it is a link."""
    if len(tokens) > _LONGEST_PERMALINK or not tokens[0].attributes.get("href", "").startswith("#"):
        return False
    words = "".join(text[each.start : each.end] for each in tokens if each.kind == "data")
    return "".join(filter(_is_word, words)).strip().lower() in PERMALINK_WORDS


def _is_word(character: str) -> bool:
    return character.isalnum() or character == " "


def _depth(opened: list[tuple[str, int, bool]], name: str) -> int | None:
    """Where the innermost open element of this name stands; far outer ones are out of reach, to keep time linear."""
    for depth in range(len(opened) - 1, max(-1, len(opened) - 65), -1):
        if opened[depth][0] == name:
            return depth
    return None
