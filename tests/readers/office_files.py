"""Office files as tests need them: the parts alone, in the order in which they are named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from zipfile import ZipFile

_KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORDS = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_LINKS = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'


def zipped(file: Path, parts: Mapping[str, str]) -> Path:
    with ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file


def links(targets: Iterable[tuple[str, str]]) -> str:
    found = enumerate(targets, start=1)
    return _LINKS.format(
        "".join(f'<Relationship Id="r{at}" Type="{_KINDS}/{kind}" Target="{name}"/>' for at, (kind, name) in found)
    )


def docx(folder: Path, body: str, **parts: str) -> Path:
    """A Word file with other parts by their kinds, such as `styles`."""
    return zipped(
        folder / "file.docx",
        {
            "_rels/.rels": links([("officeDocument", "word/document.xml")]),
            "word/document.xml": f"<w:document {_WORDS}><w:body>{body}</w:body></w:document>",
            "word/_rels/document.xml.rels": links((kind, f"{kind}.xml") for kind in parts),
            **{f"word/{kind}.xml": f"<w:root {_WORDS}>{content}</w:root>" for kind, content in parts.items()},
        },
    )


def paragraph(text: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def styled(text: str, style: str) -> str:
    return paragraph(text, f'<w:pStyle w:val="{style}"/>')


def item(text: str, numbering: str, level: int = 0) -> str:
    return paragraph(text, f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{numbering}"/></w:numPr>')


def table(*rows: str) -> str:
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>"


def cell(content: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{content if content.startswith('<') else paragraph(content)}</w:tc>"
