"""Documents that docling made of PDF, Word or scans: headings, lists, tables, code, and the page of each. Core.

Source of the shape: docling-core's `DoclingDocument`, as `export_to_dict` and LlamaIndex's `DoclingReader` write it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from llama_index_prod_rag.structure.json_text import Located, decode, dicts, pieces
from llama_index_prod_rag.structure.records import read_lines
from llama_index_prod_rag.structure.sections import nest_sections
from llama_index_prod_rag.structure.tree import Block
from llama_index_prod_rag.structure.view import View, ViewBuilder

_PARTS = ("texts", "tables", "pictures", "groups", "key_value_items", "form_items", "field_regions", "field_items")
_NOT_SAID = frozenset({"furniture", "background", "invisible"})
"""Layers beside the text: running heads, page numbers, watermarks."""
_LISTS = frozenset({"list", "ordered_list"})
_KINDS = {
    "list_item": "item",
    "code": "code",
    "formula": "math",
    "caption": "caption",
    "footnote": "footnote",
    "reference": "reference",
}
_DEEPEST = 40
"""Items nested deeper are passed over: no document has them."""
_WIDEST = 16_384
"""Columns of the widest table, as many as a sheet of Excel has; a larger number is no place in one."""
PAGE = "page_label"
"""Metadata key of the page, as LlamaIndex's readers name it."""


def read_docling(text: str) -> View | Block:
    r"""Read the body of a `DoclingDocument` in its order, without what repeats on every page.

    Returns:
        A view: headings with their levels, lists, code, captions, and tables as rows of Markdown whose header is in
        `metadata["table_header"]`. A slice of it knows its pages (`page_label`: `3`, or `3-4`). Text that is not such
        a document is read line by line.

    Examples:
        >>> body = '"body": {"children": [{"$ref": "#/texts/0"}, {"$ref": "#/texts/1"}]}'
        >>> head = '{"label": "section_header", "level": 1, "text": "Owls", "prov": [{"page_no": 2}]}'
        >>> line = '{"label": "text", "text": "They hunt.", "prov": [{"page_no": 3}]}'
        >>> view = read_docling('{"schema_name": "DoclingDocument", %s, "texts": [%s, %s]}' % (body, head, line))
        >>> view.text, view.root.children[0].title, view.facts(0, len(view.text))
        ('Owls\n\nThey hunt.', 'Owls', {'page_label': '2-3'})
    """
    try:
        document = decode(text)
    except (ValueError, RecursionError):
        return read_lines(text)
    if not isinstance(document, dict) or not isinstance(document.get("body"), dict):
        return read_lines(text)
    return _Reader(text, document).read()


def merge_pages(notes: Sequence[Mapping[str, str]]) -> Mapping[str, object]:
    """Name the first and the last of some pages.

    Examples:
        >>> merge_pages([{"page_label": "3"}, {}, {"page_label": "4"}]), merge_pages([{}])
        ({'page_label': '3-4'}, {})
    """
    pages = sorted({int(note[PAGE]) for note in notes if PAGE in note})
    if not pages:
        return {}
    return {PAGE: str(pages[0]) if len(pages) == 1 else f"{pages[0]}-{pages[-1]}"}


class _Reader:
    def __init__(self, source: str, document: Mapping[str, Any]) -> None:
        self._source = source
        self._body = document["body"]
        self._items = {f"#/{part}/{i}": item for part in _PARTS for i, item in enumerate(dicts(document.get(part)))}
        self._seen: set[str] = set()
        self._view = ViewBuilder()

    def read(self) -> View:
        everything = {"children": [{"$ref": name} for name in self._items]}  # where the body names nothing
        blocks = self._children(self._body, 0) or self._children(everything, 0)
        return self._view.view(nest_sections(blocks, self._view.length), merge_pages)

    def _children(self, item: Mapping[str, Any], depth: int) -> list[tuple[int, Block]]:
        blocks = [block for child in self._refer(item.get("children")) for block in self._item(child, depth + 1)]
        return list(_glue_captions(blocks))

    def _refer(self, references: object) -> Iterator[Mapping[str, Any]]:
        """The items that some references name, each once in the document."""
        for reference in dicts(references):
            name = str(reference.get("$ref", reference.get("cref")))
            if name in self._items and name not in self._seen:
                self._seen.add(name)
                yield self._items[name]

    def _item(self, item: Mapping[str, Any], depth: int) -> Iterable[tuple[int, Block]]:
        label = _word(item, "label")
        if _word(item, "content_layer") in _NOT_SAID or depth > _DEEPEST:
            return []
        if label in {"title", "section_header"}:
            return [*self._heading(item), *self._children(item, depth)]
        if isinstance(item.get("data"), dict) and "table_cells" in item["data"]:
            return [*self._captions(item), *self._table(item), *self._notes(item), *self._children(item, depth)]
        if label == "inline":
            return self._inline(item, depth)
        if label in _LISTS or label == "list_item":
            return self._nested(item, "list" if label in _LISTS else "item", depth)
        said = [*self._leaf(item), *self._captions(item), *self._described(item), *self._fields(item)]
        return [*said, *self._children(item, depth)]

    def _heading(self, item: Mapping[str, Any]) -> Iterator[tuple[int, Block]]:
        level = item.get("level")
        for _, block in self._leaf(item):
            title = " ".join(str(item["text"]).split())
            depth = 1 if _word(item, "label") == "title" else 1 + (level if isinstance(level, int) else 1)
            yield depth, Block("heading", block.start, block.end, title=title)

    def _leaf(self, item: Mapping[str, Any], *, join: str = "\n\n", lead: str = "") -> Iterator[tuple[int, Block]]:
        text = item.get("text")
        if not isinstance(text, Located) or not text.strip():
            return
        start = self._begin(item, join)
        self._view.add(lead, text.start, text.start)
        for part in pieces(self._source, text):
            self._view.add(*part)
        language = item.get("code_language")
        known = _word(item, "label") == "code" and isinstance(language, str) and language != "unknown"
        facts = {"language": str(language).lower()} if known else {}
        yield 0, Block(_KINDS.get(_word(item, "label"), "paragraph"), start, self._view.length, metadata=facts)

    def _begin(self, item: Mapping[str, Any], join: str = "\n\n") -> int:
        """Where an item starts in the view, on which page."""
        self._view.separate(join)
        page = next((place.get("page_no") for place in dicts(item.get("prov"))), None)
        if isinstance(page, int):
            self._view.note({PAGE: str(page)})
        return self._view.length

    def _nested(self, item: Mapping[str, Any], kind: str, depth: int) -> list[tuple[int, Block]]:
        """A list or one of its items, with what is in it."""
        marker = item.get("marker")
        lead = f"{marker} " if isinstance(marker, str) and marker.strip() else "- "
        inside = [*self._leaf(item, join="\n", lead=lead), *self._children(item, depth)] if kind == "item" else []
        inside = inside or self._children(item, depth)
        blocks = [block for _, block in inside]
        if not blocks:
            return []
        children = () if kind == "item" and len(blocks) == 1 else tuple(_as_parts(blocks))
        return [(0, Block(kind, blocks[0].start, blocks[-1].end, children))]

    def _inline(self, item: Mapping[str, Any], depth: int) -> list[tuple[int, Block]]:
        """Fragments of one paragraph: words in bold, links, formulas."""
        found: list[Block] = []
        for child in self._refer(item.get("children")):
            if _word(child, "label") in {"inline", "list", "ordered_list"}:
                found += [block for _, block in self._item(child, depth + 1)]
            else:
                found += [block for _, block in self._leaf(child, join=" " if found else "\n\n")]
        return [(0, Block("paragraph", found[0].start, found[-1].end))] if found else []

    def _captions(self, item: Mapping[str, Any]) -> list[tuple[int, Block]]:
        found = [block for caption in self._refer(item.get("captions")) for _, block in self._leaf(caption)]
        return [(0, Block("caption", block.start, block.end)) for block in found]

    def _notes(self, item: Mapping[str, Any]) -> list[tuple[int, Block]]:
        return [block for note in self._refer(item.get("footnotes")) for block in self._leaf(note)]

    def _described(self, item: Mapping[str, Any]) -> list[tuple[int, Block]]:
        """What a model said of a picture, as older and newer documents hold it."""
        meta = item.get("meta")
        said = [meta.get("description")] if isinstance(meta, dict) else []
        said += dicts(item.get("annotations"))
        texts = list(dict.fromkeys(each["text"] for each in dicts(said) if isinstance(each.get("text"), Located)))
        return [block for text in texts for block in self._leaf({**item, "label": "caption", "text": text})]

    def _fields(self, item: Mapping[str, Any]) -> list[tuple[int, Block]]:
        """The names and values of a form, in their order."""
        graph = item.get("graph")
        cells = dicts(graph.get("cells")) if isinstance(graph, dict) else []
        found = [leaf for cell in cells for leaf in self._leaf({"prov": item.get("prov"), **cell}, join="\n")]
        blocks = [block for _, block in found]
        return [(0, Block("paragraph", blocks[0].start, blocks[-1].end))] if blocks else []

    def _table(self, item: Mapping[str, Any]) -> list[tuple[int, Block]]:
        """A table as rows of cells between bars; a cell over several columns stands in the first of them."""
        cells = dicts(item["data"].get("table_cells"))
        rows: dict[int, list[Mapping[str, Any]]] = {}
        for cell in sorted(cells, key=lambda cell: (_number(cell, "row"), _number(cell, "col"))):
            rows.setdefault(_number(cell, "row"), []).append(cell)
        columns = item["data"].get("num_cols")
        known = isinstance(columns, int) and columns <= _WIDEST
        width = columns if known else max((_number(cell, "col") + 1 for cell in cells), default=0)
        blocks: list[Block] = []
        header: list[str] = []
        for row in rows.values():
            start = self._begin(item, "\n" if blocks else "\n\n")
            self._row(row, width)
            heads = bool(blocks) <= bool(header) and all(cell.get("column_header") for cell in row)
            header += [_line(row, width)] * heads
            blocks.append(Block("table_header" if heads else "row", start, self._view.length, glued=heads))
        if not blocks:
            return []
        facts = {"table_header": "\n".join(header)} if header else {}
        return [(0, Block("table", blocks[0].start, blocks[-1].end, tuple(blocks), metadata=facts))]

    def _row(self, row: Sequence[Mapping[str, Any]], width: int) -> None:
        said = [cell["text"] for cell in row if isinstance(cell.get("text"), Located)]
        place, column = (said[0].start if said else 0), 0
        self._view.add("|", place, place)
        for cell in row:
            self._view.add(" |" * max(0, _number(cell, "col") - column) + " ", place, place)
            text = cell.get("text")
            if isinstance(text, Located):
                self._view.add(_flat(text), text.start, text.end)
                place = text.end
            self._view.add(" |", place, place)
            column = _number(cell, "col") + 1
        self._view.add(" |" * max(0, width - column), place, place)


def _word(item: Mapping[str, Any], key: str) -> str:
    """A name that an item has under a key; empty where that is none."""
    value = item.get(key)
    return value if isinstance(value, str) else ""


def _number(cell: Mapping[str, Any], axis: str) -> int:
    value = cell.get(f"start_{axis}_offset_idx")
    return value if isinstance(value, int) and 0 <= value < _WIDEST else 0


def _flat(text: str) -> str:
    """A cell in one line: a line break would part a row, a bar would add a column."""
    return " ".join(text.split()).replace("|", "\\|")


def _line(row: Sequence[Mapping[str, Any]], width: int) -> str:
    cells = [""] * max(width, *(_number(cell, "col") + 1 for cell in row))
    for cell in row:
        cells[_number(cell, "col")] = _flat(str(cell.get("text", "")))
    return f"| {' | '.join(cells)} |"


def _glue_captions(blocks: Sequence[tuple[int, Block]]) -> Iterator[tuple[int, Block]]:
    """The blocks, with a caption kept together with the table that follows it."""
    for (level, block), (_, below) in zip(blocks, [*blocks[1:], (0, None)], strict=False):
        heads = block.kind == "caption" and below is not None and below.kind == "table"
        yield level, replace(block, glued=True) if heads else block


def _as_parts(blocks: Sequence[Block]) -> Iterator[Block]:
    """Blocks inside a list: a heading there opens no section."""
    for block in blocks:
        yield Block("paragraph", block.start, block.end) if block.kind == "heading" else block
