"""HTML to tokens with exact offsets, by the standard library's parser; nothing of the text gets lost between them."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Literal

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
    """A piece of the source.

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


class _Tokenizer(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=False)
        self.tokens: list[Token] = []
        self._text = text
        self._lines = [0]
        for line in text.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)

    def _here(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        start = self._here()
        length = len(self.get_starttag_text() or "<>")
        self.tokens.append(Token("start", start, start + length, tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        start = self._here()
        if self.tokens and self.tokens[-1].kind == "start" and self.tokens[-1].start == start:  # <br/>
            start = end = self.tokens[-1].end
        else:
            end = self._text.find(">", start) + 1 or len(self._text)
        self.tokens.append(Token("end", start, end, tag))

    def handle_data(self, data: str) -> None:
        start = self._here()
        self.tokens.append(Token("data", start, start + len(data)))

    def handle_entityref(self, name: str) -> None:
        self._reference("&" + name)

    def handle_charref(self, name: str) -> None:
        self._reference("&#" + name)

    def _reference(self, written: str) -> None:
        start = self._here()
        end = start + len(written)
        end += self._text.startswith(";", end)
        self.tokens.append(Token("reference", start, end, html.unescape(self._text[start:end])))

    def handle_comment(self, data: str) -> None:  # noqa: ARG002 - the parser's signature, here and below
        self.tokens.append(Token("markup", self._here(), self._here()))

    def handle_decl(self, decl: str) -> None:
        self.handle_comment(decl)

    def handle_pi(self, data: str) -> None:
        self.handle_comment(data)

    def unknown_decl(self, data: str) -> None:
        self.handle_comment(data)


def tokenize(text: str) -> list[Token]:
    """Tokens that together hold every character, in order.

    Examples:
        >>> [(token.kind, token.start, token.end) for token in tokenize("<p>a&amp;b")]
        [('start', 0, 3), ('data', 3, 4), ('reference', 4, 9), ('data', 9, 10)]
    """
    tokenizer = _Tokenizer(text)
    try:
        tokenizer.feed(text)
        tokenizer.close()
    except AssertionError:  # Python before 3.13 gives up on some malformed declarations: the rest is text
        pass
    return _without_gaps(tokenizer.tokens, len(text))


def _without_gaps(tokens: list[Token], length: int) -> list[Token]:
    """Comments and the like reach to the next token; whatever else the parser passed over is text."""
    whole: list[Token] = []
    position = 0
    for token in tokens:
        if token.start > position:
            whole.append(_gap(whole, position, token.start))
        start = max(token.start, position)
        whole.append(Token(token.kind, start, max(start, token.end), token.name, token.attributes))
        position = max(position, token.end)
    if position < length:
        whole.append(_gap(whole, position, length))
    return whole


def _gap(before: list[Token], start: int, end: int) -> Token:
    is_markup = bool(before) and before[-1].kind == "markup" and before[-1].start == before[-1].end
    return Token("markup" if is_markup else "data", start, end)


def dropped_elements(tokens: list[Token], text: str) -> list[tuple[int, int, str]]:
    """(first token, last token, name) of the outermost elements that are no content: scripts, navigation, permalinks.

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
