"""Slides of a PowerPoint file as HTML: the title as heading, text with its levels, tables, diagrams, and the notes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from llama_index_prod_rag.readers.archive import Archive, child_of, local, open_archive, value_of
from llama_index_prod_rag.readers.html_parts import Page, escape, has_words, write_table
from llama_index_prod_rag.readers.merged_cells import Area

_TITLES = frozenset({"title", "ctrTitle"})
_RUNNING = frozenset({"dt", "ftr", "sldNum", "hdr", "sldImg"})  # date, footer, number: they stand on every slide


def read_slides(file: Path) -> list[str]:
    """Read a `.pptx` file (also `.pptm`, `.ppsx`).

    Args:
        file: where it lies.

    Returns:
        HTML for each slide, in their order; "" for one without words.

    Raises:
        InputError: it is damaged, locked with a password, or of a format from before 2007.
        OSError: it may not be read.
    """
    with open_archive(file) as archive:
        main = next((part for kind, part in archive.links("").values() if kind == "officeDocument"), "")
        root, links = archive.xml(main), archive.links(main)
        if root is None:
            raise KeyError(main or "presentation")
        order = child_of(root, "sldIdLst")
        names = [links[_reference(each)][1] for each in (() if order is None else order) if _reference(each) in links]
        return [_read_slide(archive, name, number) for number, name in enumerate(names, start=1)]


def _reference(element: Element) -> str:
    return next((value for name, value in element.attrib.items() if name.endswith("}id")), "")


def _read_slide(archive: Archive, name: str, number: int) -> str:
    root, links = archive.xml(name), archive.links(name)
    shapes = [] if root is None else list(_shapes(root))
    page = Page()
    title = next((_flat(each) for each in shapes if _kind(each) in _TITLES and has_words(_flat(each))), "")
    page.add(f"<h1>{title or f'Slide {number}'}</h1>")
    empty = page.written()
    for shape in shapes:
        if _kind(shape) not in _RUNNING | (_TITLES if _flat(shape) == title else frozenset()):
            _add_shape(page, shape, listed=_kind(shape) == "body")
    for kind in ("diagramData", "notesSlide"):
        for part in [part for each, part in links.values() if each == kind]:
            found = archive.xml(part)
            for shape in () if found is None else [found] if kind == "diagramData" else _shapes(found):
                if _kind(shape) not in _RUNNING:
                    _add_shape(page, shape, listed=False)
    written = page.written()
    return written if title or written != empty else ""


def _shapes(root: Element) -> Iterator[Element]:
    """Shapes and tables in the order in which they lie, those in groups too."""
    for each in root:
        if local(each) in {"sp", "graphicFrame", "cxnSp"}:
            yield each
        elif local(each) == "AlternateContent":
            yield from _shapes(each[0]) if len(each) else ()
        else:
            yield from _shapes(each)


def _kind(shape: Element) -> str:
    """What a placeholder is for; "body" where it does not say, "" of other shapes."""
    place = child_of(shape, "nvSpPr", "nvPr", "ph")
    return "" if place is None else value_of(place, "type") or "body"


def _add_shape(page: Page, shape: Element, *, listed: bool) -> None:
    tables = [each for each in shape.iter() if local(each) == "tbl"]
    for table in tables:
        page.add(_write_table(table))
    for paragraph in [] if tables else _paragraphs(shape):
        written = _inline(paragraph).strip()
        level = value_of(child_of(paragraph, "pPr"), "lvl") or "0"
        if has_words(written) and (listed or level != "0"):
            page.item(written, depth=int(level) if level.isdecimal() else 0, bullet=True)
        elif has_words(written):
            page.add(f"<p>{written}</p>")


def _paragraphs(shape: Element) -> Iterator[Element]:
    return (each for each in shape.iter() if local(each) == "p")


def _flat(shape: Element) -> str:
    return " ".join(filter(has_words, (_inline(each).strip() for each in _paragraphs(shape))))


def _inline(paragraph: Element) -> str:
    written = []
    for each in paragraph.iter():
        if local(each) == "t":
            written.append(escape(each.text or ""))
        elif local(each) in {"br", "tab"}:
            written.append(" ")
    return "".join(written)


def _write_table(table: Element) -> str:
    rows = [[each for each in row if local(each) == "tc"] for row in table if local(row) == "tr"]
    cells: list[list[str | None]] = [
        [None if _is_covered(cell) else "<br>".join(filter(has_words, map(_inline, _paragraphs(cell)))) for cell in row]
        for row in rows
    ]
    areas = [
        Area(top, left, top + _span(cell, "rowSpan") - 1, left + _span(cell, "gridSpan") - 1)
        for top, row in enumerate(rows)
        for left, cell in enumerate(row)
        if _span(cell, "rowSpan") > 1 or _span(cell, "gridSpan") > 1
    ]
    return write_table(cells, areas)


def _is_covered(cell: Element) -> bool:
    return value_of(cell, "hMerge") in {"1", "true"} or value_of(cell, "vMerge") in {"1", "true"}


def _span(cell: Element, name: str) -> int:
    told = value_of(cell, name) or ""
    return int(told) if told.isdecimal() else 1
