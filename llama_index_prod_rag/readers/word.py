"""A Word file as HTML: headings by their styles, lists with their numbers, tables, notes below what refers to them.

Tracked changes read as if all were accepted. Comments of reviewers are no text of the document and are left out.

Read here and not with mammoth, because it writes a list without the numbers that Word shows, and those of a contract
are its clauses; it also leaves out headings that are told by outline level, and what headers and footers say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from llama_index_prod_rag.readers.archive import Archive, child_of, local, open_archive, value_of
from llama_index_prod_rag.readers.html_parts import Page, escape, has_words, write_table
from llama_index_prod_rag.readers.merged_cells import Area
from llama_index_prod_rag.readers.word_numbers import Label, Numbers
from llama_index_prod_rag.readers.word_styles import Styles, numbering_of, outline_level

_NOT_SHOWN = frozenset(
    {"del", "moveFrom", "delText", "instrText", "delInstrText", "pPr", "rPr", "sectPr", "tcPr", "trPr"}
)
# Boxes of forms, which are drawn with characters of Wingdings.
_SYMBOLS = {"F0A8": "☐", "F06F": "☐", "F0FE": "☒", "F0FD": "☒", "F0FC": "✓", "F0FB": "✗", "F0B7": "•"}
_SIGNS: Mapping[str, Callable[[Element], str]] = {
    "t": lambda element: escape(element.text or ""),
    "tab": lambda _: "\t",
    "ptab": lambda _: "\t",
    "cr": lambda _: "<br>",
    "br": lambda element: "<br>" if value_of(element, "type") in {None, "textWrapping"} else " ",
    "noBreakHyphen": lambda _: "\N{NON-BREAKING HYPHEN}",
    "sym": lambda element: _SYMBOLS.get((value_of(element, "char") or "").upper(), ""),
}
_AROUND = {"r": ("<b>", "</b>"), "rt": ("(", ")")}  # bold runs, and how the characters that follow are read
_MOST_COLUMNS = 63  # of a table in Word
_DEEPEST = 6  # levels of headings in HTML


def read_word(file: Path) -> str:
    """Read a `.docx` file (also `.docm`, `.dotx`).

    Args:
        file: where it lies.

    Returns:
        HTML. A title stands above all headings; a heading in a table is text of its cell; what stands in headers and
        footers of pages is there once, before and behind the text.

    Raises:
        InputError: it is damaged, locked with a password, or of a format from before 2007.
        OSError: it may not be read.
    """
    with open_archive(file) as archive:
        return _Document(archive).written()


class _Document:
    def __init__(self, archive: Archive) -> None:
        links = archive.links("")
        main = next((part for kind, part in links.values() if kind == "officeDocument"), "word/document.xml")
        parts: dict[str, list[Element]] = {}
        for kind, part in archive.links(main).values():
            if kind in _PARTS and (root := archive.xml(part)) is not None:
                parts.setdefault(kind, []).append(root)
        root = archive.xml(main)
        if root is None:
            raise KeyError(main)
        self._body = child_of(root, "body")
        self._parts = parts
        self._styles = Styles(next(iter(parts.get("styles", ())), None))
        self._numbers = Numbers(next(iter(parts.get("numbering", ())), None))
        self._notes = {
            f"{kind}Reference": {value_of(note, "id"): note for root in parts.get(f"{kind}s", ()) for note in root}
            for kind in ("footnote", "endnote")
        }
        self._page = Page()
        self._waiting: list[Element] = []  # notes and text boxes of the paragraph or table that is being read
        self._referred: dict[tuple[str, str | None], int] = {}
        self._joined = ""  # of a paragraph whose end was deleted
        self._title = 0

    def written(self) -> str:
        body: Sequence[Element] = () if self._body is None else tuple(self._body)
        self._title = int(any(self._heading(each) == 0 for each in body))
        for running in self._running("header"):
            self._page.add(running)
        self._read(body)
        for running in self._running("footer"):
            self._page.add(f"<footer>{running}</footer>")
        return self._page.written()

    def _running(self, kind: str) -> list[str]:
        """What stands above or below the text of every page; each line once, and no numbers of pages."""
        paragraphs = chain.from_iterable(_all(root, "p") for root in self._parts.get(kind, ()))
        lines = dict.fromkeys([self._inline(each).strip() for each in paragraphs if not _is_number_of_page(each)])
        self._waiting.clear()  # text boxes; their paragraphs were among them
        return [f"<p>{line}</p>" for line in lines if any(map(str.isalpha, line))]

    def _read(self, elements: Sequence[Element]) -> None:
        for element in elements:
            name = local(element)
            if name == "p":
                self._paragraph(element)
            elif name == "tbl":
                self._table(element)
            elif name == "AlternateContent":
                self._read(tuple(element[0]) if len(element) else ())
            elif name not in _NOT_SHOWN:  # what wraps blocks: insertions, controls, custom XML
                self._read(tuple(element))

    def _paragraph(self, paragraph: Element) -> None:
        label = self._label(paragraph)
        written = self._joined + self._inline(paragraph)
        self._joined = ""
        if child_of(paragraph, "pPr", "rPr", "del") is not None:
            self._joined = written
            return
        if has_words(written):
            self._put(paragraph, label, written.strip())
        self._read_waiting()

    def _put(self, paragraph: Element, label: Label | None, written: str) -> None:
        shown = f"{escape(label.text)} {written}" if label is not None and label.text else written
        level = self._heading(paragraph)
        if level is not None:
            rank = min(level + self._title, _DEEPEST) if level else 1
            self._page.add(f"<h{rank}>{shown}</h{rank}>")
        elif label is not None:
            self._page.item(shown, depth=label.depth, bullet=label.bullet)
        else:
            self._page.add(f"<p>{shown}</p>")

    def _read_waiting(self) -> None:
        """Write the notes and text boxes that the block above refers to, and theirs."""
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            for each in waiting:
                self._read(tuple(each))

    def _heading(self, paragraph: Element) -> int | None:
        if local(paragraph) != "p":
            return None
        told = outline_level(paragraph)
        return self._styles.heading(_style_of(paragraph)) if told is None else told or None

    def _label(self, paragraph: Element) -> Label | None:
        style = _style_of(paragraph)
        numbering = numbering_of(paragraph) or self._styles.numbering(style)
        return None if numbering is None else self._numbers.label(numbering, style)

    def _inline(self, element: Element) -> str:
        return "".join(map(self._shown, element))

    def _shown(self, element: Element) -> str:
        name = local(element)
        if name in _NOT_SHOWN:
            return ""
        if name in _SIGNS:
            return _SIGNS[name](element)
        if name in self._notes:
            return self._refer(name, value_of(element, "id"))
        if name == "txbxContent":
            self._waiting.append(element)
            return ""
        if name == "AlternateContent":  # the first of several ways to write the same
            return self._inline(element[0]) if len(element) else ""
        written = self._inline(element)
        before, behind = _AROUND.get(name, ("", "")) if name != "r" or _is_bold(element) else ("", "")
        return f"{before}{written}{behind}" if has_words(written) else written

    def _refer(self, kind: str, name: str | None) -> str:
        if (note := self._notes[kind].get(name)) is None:
            return ""
        if (kind, name) not in self._referred:
            self._referred[kind, name] = len(self._referred) + 1
            self._waiting.append(_with_number(note, self._referred[kind, name]))
        return f"[{self._referred[kind, name]}]"

    def _table(self, table: Element) -> None:
        rows = [each for each in _flat(table, "tr") if child_of(each, "trPr", "del") is None]
        if self._is_layout(rows):
            for cell in chain.from_iterable(_flat(row, "tc") for row in rows):
                self._read(tuple(cell))
            return
        self._page.add(self._write(rows))
        self._read_waiting()

    def _is_layout(self, rows: Sequence[Element]) -> bool:
        """Whether a table only arranges text: one column, or cells with headings in them."""
        cells = [tuple(_flat(row, "tc")) for row in rows]
        return max(map(len, cells), default=0) < 2 or any(
            self._heading(each) is not None for cell in chain.from_iterable(cells) for each in cell
        )

    def _write(self, rows: Sequence[Element]) -> str:
        grid: list[list[str | None]] = []
        areas: list[Area] = []
        open_areas: dict[int, int] = {}
        for number, row in enumerate(rows):
            cells: list[str | None] = [None] * _integer(child_of(row, "trPr", "gridBefore"), 0)
            for cell in _flat(row, "tc"):
                left, width = len(cells), _integer(child_of(cell, "tcPr", "gridSpan"), 1)
                merge = child_of(cell, "tcPr", "vMerge")
                if merge is not None and value_of(merge) != "restart" and left in open_areas:
                    at = open_areas[left]
                    areas[at] = areas[at]._replace(bottom=number)
                    written = None
                else:
                    written = self._cell(cell)
                    open_areas[left] = len(areas)
                    areas.append(Area(number, left, number, left + width - 1))
                cells.extend([written, *[None] * (width - 1)])
            grid.append(cells)
        told = sum(child_of(row, "trPr", "tblHeader") is not None for row in rows)
        wide = [area for area in areas if area.bottom > area.top or area.right > area.left]
        return write_table(grid, wide, told or None)

    def _cell(self, cell: Element) -> str:
        """All that a cell says, in one line; a table in it as rows of words."""
        parts: list[str] = []
        for element in _flat(cell, "p", "tbl"):
            if local(element) == "p":
                label = self._label(element)
                parts.append(" ".join(filter(None, [label and escape(label.text), self._inline(element).strip()])))
            else:
                rows = [[self._cell(inner) for inner in _flat(row, "tc")] for row in _flat(element, "tr")]
                parts.append("; ".join(", ".join(filter(has_words, row)) for row in rows))
        return "<br>".join(filter(has_words, parts))


_PARTS = frozenset({"styles", "numbering", "footnotes", "endnotes", "header", "footer"})
"""Kinds of parts that are read beside the document itself."""


# `Page 3 of 10`, in any language.
_MOST_WORDS_OF_A_NUMBER = 4
_PAGE_FIELD = re.compile(r"\s*(?:PAGE|NUMPAGES|SECTIONPAGES)\b")


def _is_number_of_page(paragraph: Element) -> bool:
    fields = [each.text or value_of(each, "instr") or "" for each in paragraph.iter() if local(each) in _FIELDS]
    words = "".join(each.text or "" for each in _all(paragraph, "t")).split()
    return any(map(_PAGE_FIELD.match, fields)) and len(words) <= _MOST_WORDS_OF_A_NUMBER


_FIELDS = frozenset({"instrText", "fldSimple"})


def _all(element: Element, name: str) -> Iterator[Element]:
    return (each for each in element.iter() if local(each) == name)


def _flat(element: Element, *names: str) -> Iterator[Element]:
    """Children of these names, also those in wrappers: rows and cells may stand in controls and insertions."""
    for each in element:
        if local(each) in names:
            yield each
        elif local(each) not in _NOT_SHOWN and local(each) not in {"tbl", "tr", "tc", "p"}:
            yield from _flat(each, *names)


def _style_of(paragraph: Element) -> str | None:
    return value_of(child_of(paragraph, "pPr", "pStyle"))


def _is_bold(run: Element) -> bool:
    bold = child_of(run, "rPr", "b")
    return bold is not None and value_of(bold) not in {"0", "false"}


def _integer(element: Element | None, default: int) -> int:
    told = value_of(element) or ""
    return min(int(told), _MOST_COLUMNS) if told.isdecimal() else default


def _with_number(note: Element, number: int) -> Element:
    """A note that begins with its number, as the reference to it reads."""
    first = next(_flat(note, "p"), None)
    if first is None:
        first = SubElement(note, "p")
    run = Element("r")
    SubElement(run, "t").text = f"[{number}] "
    first.insert(int(child_of(first, "pPr") is not None), run)
    return note
