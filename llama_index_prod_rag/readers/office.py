"""Files of office programs as documents that keep headings, tables and lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from llama_index.core.readers.base import BaseReader
from llama_index.core.schema import Document

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.readers.books import read_book
from llama_index_prod_rag.readers.mailbox import read_mailbox
from llama_index_prod_rag.readers.open_document import read_open_sheets, read_open_slides, read_open_text
from llama_index_prod_rag.readers.rich_text import read_rich_text
from llama_index_prod_rag.readers.slides import read_slides
from llama_index_prod_rag.readers.spreadsheets import read_workbook
from llama_index_prod_rag.readers.word import read_word
from llama_index_prod_rag.structure import detect_format
from llama_index_prod_rag.structure.html import HtmlText


class OfficeText(NamedTuple):
    """What a file or one of its slides says.

    Attributes:
        text: as `format` has it.
        format: `html`, `markdown`, or None where the text itself has to tell it.
        page: the number of the slide.
    """

    text: str
    format: str | None
    page: str | None = None


def read_office(file: Path) -> list[OfficeText]:
    """Read a file whose name ends like one of `OFFICE`: as a whole, or slide by slide, mail by mail.

    Raises:
        InputError: it holds no text, is damaged or locked, or an extra is not installed.
        OSError: it may not be read.
    """
    found = [each for each in OFFICE[file.suffix.lower()](file) if each.text.strip()]
    if not found:
        raise InputError("empty")
    return found


def _word(file: Path) -> list[OfficeText]:
    return [_plain_if_legal(read_word(file))]


def _open_text(file: Path) -> list[OfficeText]:
    return [_plain_if_legal(read_open_text(file))]


def _book(file: Path) -> list[OfficeText]:
    return [OfficeText(read_book(file), "html")]


def _rich_text(file: Path) -> list[OfficeText]:
    return [OfficeText(read_rich_text(file), None)]


def _workbook(file: Path) -> list[OfficeText]:
    return [OfficeText(read_workbook(file), "markdown")]


def _open_sheets(file: Path) -> list[OfficeText]:
    return [OfficeText(read_open_sheets(file), "markdown")]


def _mailbox(file: Path) -> list[OfficeText]:
    return [OfficeText(mail, "email") for mail in read_mailbox(file)]


def _slides(file: Path) -> list[OfficeText]:
    return _as_pages(read_slides(file))


def _open_slides(file: Path) -> list[OfficeText]:
    return _as_pages(read_open_slides(file))


def _as_pages(slides: Sequence[str]) -> list[OfficeText]:
    return [OfficeText(slide, "html", str(number)) for number, slide in enumerate(slides, start=1)]


def _plain_if_legal(html: str) -> OfficeText:
    """A contract without headings has its clauses in its numbers, which the reader of legal text knows."""
    if "<h1>" in html or "<h2>" in html:
        return OfficeText(html, "html")
    text = HtmlText(html).render(0, len(html))
    return OfficeText(text, None) if detect_format(text, {})[0] == "legal" else OfficeText(html, "html")


OFFICE: Mapping[str, Callable[[Path], list[OfficeText]]] = {
    **dict.fromkeys((".docx", ".docm", ".dotx"), _word),
    **dict.fromkeys((".xlsx", ".xlsm"), _workbook),
    **dict.fromkeys((".pptx", ".pptm", ".ppsx"), _slides),
    ".odt": _open_text,
    ".ods": _open_sheets,
    ".odp": _open_slides,
    ".epub": _book,
    ".rtf": _rich_text,
    ".mbox": _mailbox,
}
"""How files are read, by the ending of their name."""


class OfficeReader(BaseReader):
    """Reads office files for LlamaIndex, so that `DocumentAwareNodeParser` finds headings, tables and lists in them.

    Of Word, Excel and PowerPoint, OpenDocument (`.odt`, `.ods`, `.odp`), `.epub`, `.rtf` and `.mbox`. LlamaIndex's own
    reader of `.docx` gives paragraphs without headings, and each cell of a table as one; that of `.xlsx` loses the
    names of sheets.

    Examples:
        >>> from llama_index.core import SimpleDirectoryReader
        >>> reader = OfficeReader()
        >>> extractors = dict.fromkeys(OfficeReader.suffixes(), reader)
        >>> SimpleDirectoryReader("handbook", file_extractor=extractors).load_data()  # doctest: +SKIP
    """

    @staticmethod
    def suffixes() -> tuple[str, ...]:
        """List the endings of the files that can be read."""
        return tuple(OFFICE)

    def load_data(self, file: Path | str, extra_info: Mapping[str, Any] | None = None, **_: Any) -> list[Document]:
        """Read one file: a document of it all, or one for each slide, with `page_label`.

        Raises:
            InputError: it holds no text, is damaged or locked, of no format that is read here, or an extra is missing.
            OSError: it may not be read.
        """
        file = Path(file)
        if file.suffix.lower() not in OFFICE:
            raise InputError(f"{file.name} ends in none of {', '.join(OFFICE)}")
        return [_as_document(each, extra_info or {}) for each in read_office(file)]


def _as_document(read: OfficeText, extra_info: Mapping[str, Any]) -> Document:
    told = {key: value for key, value in (("format", read.format), ("page_label", read.page)) if value is not None}
    return Document(
        text=read.text,
        metadata={**extra_info, **told},
        excluded_embed_metadata_keys=list(told),
        excluded_llm_metadata_keys=list(told),
    )
