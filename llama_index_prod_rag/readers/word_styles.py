"""What the paragraph styles of a Word file say: which are headings, and of which level; which are numbered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element

from llama_index_prod_rag.readers.archive import child_of, local, value_of

# Word itself writes the English names whatever its language; other programs write what they show.
_HEADING = re.compile(
    r"(?i)(?:heading|überschrift|titre|título|titolo|títol|titlu|kop|rubrik|overskrift|otsikko|nagłówek|nadpis|naslov"
    r"|címsor|başlık|заголовок|заглавие|επικεφαλίδα|כותרת|标题|標題|見出し|제목)\s*([1-9])\b"
)
_BODY = 9  # the outline level of text that is no heading (ECMA-376, 17.3.1.20)


class Numbering(NamedTuple):
    """A list and a level in it, from 0; without a level it is the one that names the paragraph's style."""

    list: str
    level: int | None


class Styles:
    """The paragraph styles, each with what it takes over from the one that it is based on.

    Examples:
        >>> Styles(None).heading("Heading1")
    """

    def __init__(self, root: Element | None) -> None:
        self._styles = {
            value_of(each, "styleId") or "": each
            for each in (() if root is None else root)
            if local(each) == "style" and value_of(each, "type") == "paragraph"
        }

    def heading(self, style: str | None) -> int | None:
        """The level of headings in a style, from 1; 0 of the document's title."""
        for each in self._lineage(style):
            name = value_of(child_of(each, "name")) or ""
            if name.lower() == "title":
                return 0
            if (told := _HEADING.fullmatch(name)) is not None:
                return int(told[1])
            if (level := outline_level(each)) is not None:
                return level or None
        return None

    def numbering(self, style: str | None) -> Numbering | None:
        """The list that paragraphs of a style are items of."""
        for each in self._lineage(style):
            if (found := numbering_of(each)) is not None:
                return found
        return None

    def _lineage(self, style: str | None) -> Iterator[Element]:
        seen: set[str | None] = set()
        while style in self._styles and style not in seen:
            seen.add(style)
            yield self._styles[style or ""]
            style = value_of(child_of(self._styles[style or ""], "basedOn"))


def outline_level(element: Element) -> int | None:
    """The level that a paragraph or style gives itself: from 1, 0 for body text, None where it says nothing."""
    told = value_of(child_of(element, "pPr", "outlineLvl"))
    if told is None or not told.isdecimal():
        return None
    return 0 if int(told) >= _BODY else int(told) + 1


def numbering_of(element: Element) -> Numbering | None:
    """The list that a paragraph or style says it is in; "0" stands for none."""
    properties = child_of(element, "pPr", "numPr")
    number = value_of(child_of(properties, "numId"))
    level = value_of(child_of(properties, "ilvl")) or ""
    return None if number is None else Numbering(number, int(level) if level.isdecimal() else None)
