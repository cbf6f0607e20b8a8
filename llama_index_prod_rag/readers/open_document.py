"""OpenDocument texts, sheets and slides (LibreOffice): headings by their levels, lists, tables, notes in brackets."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree.ElementTree import Element

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.readers.archive import Archive, child_of, local, open_archive, value_of
from llama_index_prod_rag.readers.html_parts import Page, escape, has_words, write_table
from llama_index_prod_rag.readers.merged_cells import Area
from llama_index_prod_rag.readers.spreadsheets import sheet_as_markdown

_NOT_SHOWN = frozenset({"tracked-changes", "annotation", "forms", "sequence-decls", "note-citation", "desc", "title"})
_TAG = re.compile(r"<[^>]*>")
_DEEPEST = 6
_MOST_REPEATED = 1_000
"""Times that a row or cell is repeated at most; programs repeat empty ones to the end of the sheet."""


def read_open_text(file: Path) -> str:
    """Read an `.odt` file as HTML.

    Raises:
        InputError: it is damaged, or locked with a password.
        OSError: it may not be read.
    """
    with open_archive(file) as archive:
        body = _body(archive, "text")
        return _Text(archive).written(body)


def read_open_sheets(file: Path) -> str:
    """Read an `.ods` file as Markdown, each cell as it is shown.

    Raises:
        InputError: it is damaged, or locked with a password.
        OSError: it may not be read.
    """
    with open_archive(file) as archive:
        tables = [each for each in _body(archive, "spreadsheet") if local(each) == "table"]
        text = _Text(archive)
        return "\n\n".join(filter(None, (_sheet(text, each) for each in tables)))


def read_open_slides(file: Path) -> list[str]:
    """Read an `.odp` file as HTML for each slide.

    Raises:
        InputError: it is damaged, or locked with a password.
        OSError: it may not be read.
    """
    with open_archive(file) as archive:
        pages = [each for each in _body(archive, "presentation") if local(each) == "page"]
        return [_Text(archive).written_slide(each, number) for number, each in enumerate(pages, start=1)]


def _body(archive: Archive, kind: str) -> Element:
    if "META-INF/manifest.xml" in archive.names and b"encryption-data" in archive.read("META-INF/manifest.xml"):
        raise InputError("it has a password: save it without one")
    found = child_of(archive.xml("content.xml"), "body", kind)
    if found is None:
        raise KeyError("content.xml")
    return found


class _Text:
    def __init__(self, archive: Archive) -> None:
        roots = [root for name in ("styles.xml", "content.xml") if (root := archive.xml(name)) is not None]
        styles = [each for root in roots for each in root.iter() if local(each) == "style"]
        self._parents = {value_of(each, "name"): value_of(each, "parent-style-name") for each in styles}
        self._bold = {
            value_of(each, "name")
            for each in styles
            if value_of(child_of(each, "text-properties"), "font-weight") == "bold"
        }
        self._numbered = {
            value_of(each, "name"): [local(level) == "list-level-style-number" for level in each]
            for root in roots
            for each in root.iter()
            if local(each) == "list-style"
        }
        self._running = [each for root in roots[:1] for each in root.iter() if local(each) in {"header", "footer"}]
        self._page = Page()
        self._boxes: list[Element] = []
        self._title = 0

    def written(self, body: Element) -> str:
        self._title = int(any(local(each) == "p" and self._is_title(each) for each in body))
        running = {kind: self._lines(kind) for kind in ("header", "footer")}
        for line in running["header"]:
            self._page.add(f"<p>{line}</p>")
        self._read(body)
        for line in running["footer"]:
            self._page.add(f"<footer><p>{line}</p></footer>")
        return self._page.written()

    def written_slide(self, page: Element, number: int) -> str:
        frames = [each for each in page if value_of(each, "class") == "title"]
        title = " ".join(filter(has_words, (self.inline(each) for frame in frames for each in _named(frame, "p"))))
        self._page.add(f"<h1>{title or f'Slide {number}'}</h1>")
        empty = self._page.written()
        for each in page:
            if each not in frames:
                self._read(each)
        written = self._page.written()
        return written if title or written != empty else ""

    def _lines(self, kind: str) -> list[str]:
        found = [
            self.inline(each).strip() for root in self._running if local(root) == kind for each in _named(root, "p")
        ]
        return [line for line in dict.fromkeys(found) if any(map(str.isalpha, line))]

    def _read(self, parent: Element) -> None:
        for each in parent:
            name = local(each)
            if name in {"p", "h"}:
                self._paragraph(each)
            elif name == "list":
                self._list(each, 0, value_of(each, "style-name"))
            elif name == "table":
                headers = [row for group in _named(each, "table-header-rows") for row in _rows(group)]
                self._page.add(write_table(*self.grid(each), headers=len(headers) or None))
                self._read_boxes()
            elif name not in _NOT_SHOWN:
                self._read(each)

    def _paragraph(self, element: Element) -> None:
        written = self.inline(element).strip()
        level = value_of(element, "outline-level") or "1"
        if has_words(written) and local(element) == "h":
            rank = min((int(level) if level.isdecimal() else 1) + self._title, _DEEPEST)
            self._page.add(f"<h{rank}>{written}</h{rank}>")
        elif has_words(written):
            self._page.add(f"<h1>{written}</h1>" if self._is_title(element) else f"<p>{written}</p>")
        self._read_boxes()

    def _read_boxes(self) -> None:
        while self._boxes:
            waiting, self._boxes = self._boxes, []
            for each in waiting:
                self._read(each)

    def _list(self, element: Element, depth: int, style: str | None) -> None:
        levels = self._numbered.get(style, [])
        numbered = depth < len(levels) and levels[depth]
        number = 0
        for entry in element:
            first = True
            for each in entry:
                if local(each) == "list":
                    self._list(each, depth + 1, value_of(each, "style-name") or style)
                elif local(each) in {"p", "h"} and has_words(written := self.inline(each).strip()):
                    number += first and local(entry) == "list-item"
                    shown = f"{number}. {written}" if numbered and first else written
                    self._page.item(shown, depth=depth, bullet=not numbered)
                    first = False
                    self._read_boxes()

    def _is_title(self, element: Element) -> bool:
        style = value_of(element, "style-name")
        return "Title" in {style, self._parents.get(style)}

    def inline(self, element: Element) -> str:
        written = [escape(element.text or "")]
        for each in element:
            written.append(self._shown(each))
            written.append(escape(each.tail or ""))
        text = "".join(written)
        bold = local(element) == "span" and value_of(element, "style-name") in self._bold
        return f"<b>{text}</b>" if bold and has_words(text) else text

    def _shown(self, element: Element) -> str:
        name = local(element)
        if name == "s":
            count = value_of(element, "c") or "1"
            return " " * min(int(count) if count.isdecimal() else 1, 100)
        if name in {"tab", "line-break"}:
            return "\t" if name == "tab" else "<br>"
        if name == "note-body":
            return f" [{' '.join(filter(has_words, map(self.inline, _named(element, 'p'))))}]"
        if name in {"text-box", "table", "list"}:
            self._boxes.append(element)
            return ""
        return "" if name in _NOT_SHOWN else self.inline(element)

    def grid(self, table: Element) -> tuple[list[list[str | None]], list[Area]]:
        """The cells of a table, and its merged ones."""
        grid: list[list[str | None]] = []
        areas: list[Area] = []
        for row in _rows(table):
            cells: list[str | None] = []
            for cell in row:
                if local(cell) not in {"table-cell", "covered-table-cell"}:
                    continue
                words = "<br>".join(filter(has_words, (self.inline(each).strip() for each in _named(cell, "p", "h"))))
                wide, high = _count(cell, "number-columns-spanned"), _count(cell, "number-rows-spanned")
                if wide > 1 or high > 1:
                    areas.append(Area(len(grid), len(cells), len(grid) + high - 1, len(cells) + wide - 1))
                covered = local(cell) == "covered-table-cell"
                cells.extend([None if covered else words] * _count(cell, "number-columns-repeated"))
            while cells and not cells[-1]:
                cells.pop()
            repeated = _count(row, "number-rows-repeated") if any(cells) else 1
            grid.extend([list(cells) for _ in range(repeated)])
        return grid, areas


def _sheet(text: _Text, table: Element) -> str:
    grid, areas = text.grid(table)
    return sheet_as_markdown(value_of(table, "name") or "", [[_plain(cell) for cell in row] for row in grid], areas)


def _plain(cell: str | None) -> str:
    return html.unescape(_TAG.sub(" ", cell or ""))


def _rows(table: Element) -> Iterator[Element]:
    for each in table:
        if local(each) == "table-row":
            yield each
        elif local(each) in {"table-header-rows", "table-rows", "table-row-group"}:
            yield from _rows(each)


def _named(element: Element, *names: str) -> list[Element]:
    return [each for each in element.iter() if local(each) in names]


def _count(element: Element, name: str) -> int:
    told: Mapping[str, str] = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
    number = told.get(name, "1")
    return min(int(number), _MOST_REPEATED) if number.isdecimal() else 1
