"""Files of office programs as documents that keep headings, tables and lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from llama_index.core.readers.base import BaseReader
from llama_index.core.schema import Document

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.readers.spreadsheets import read_workbook
from llama_index_prod_rag.readers.word import read_word
from llama_index_prod_rag.structure import detect_format
from llama_index_prod_rag.structure.html import HtmlText


class OfficeText(NamedTuple):
    """What a file says, and in which format: `html`, `markdown`, or None where the text itself has to tell it."""

    text: str
    format: str | None


def read_office(file: Path) -> OfficeText:
    """Read a file whose name ends like one of `OFFICE`.

    Raises:
        InputError: it holds no text, is damaged or locked, or an extra is not installed.
        OSError: it may not be read.
    """
    found = OFFICE[file.suffix.lower()](file)
    if not found.text.strip():
        raise InputError("empty")
    return found


def _word(file: Path) -> OfficeText:
    return _plain_if_legal(read_word(file))


def _workbook(file: Path) -> OfficeText:
    return OfficeText(read_workbook(file), "markdown")


def _plain_if_legal(html: str) -> OfficeText:
    """A contract without headings has its clauses in its numbers, which the reader of legal text knows."""
    if "<h1>" in html or "<h2>" in html:
        return OfficeText(html, "html")
    text = HtmlText(html).render(0, len(html))
    return OfficeText(text, None) if detect_format(text, {})[0] == "legal" else OfficeText(html, "html")


OFFICE: Mapping[str, Callable[[Path], OfficeText]] = {
    **dict.fromkeys((".docx", ".docm", ".dotx"), _word),
    **dict.fromkeys((".xlsx", ".xlsm"), _workbook),
}
"""How files are read, by the ending of their name."""


class OfficeReader(BaseReader):
    """Reads office files for LlamaIndex, so that `DocumentAwareNodeParser` finds headings, tables and lists in them.

    LlamaIndex's own reader of `.docx` gives paragraphs without headings, and each cell of a table as one; its reader of
    `.xlsx` loses the names of sheets.

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
        """Read one file as one document, whose `format` says how it is written.

        Raises:
            InputError: it holds no text, is damaged or locked, of no format that is read here, or an extra is missing.
            OSError: it may not be read.
        """
        file = Path(file)
        if file.suffix.lower() not in OFFICE:
            raise InputError(f"{file.name} ends in none of {', '.join(OFFICE)}")
        text, told = read_office(file)
        document = Document(text=text, metadata=dict(extra_info or {}))
        if told is not None:
            document.metadata["format"] = told
            document.excluded_embed_metadata_keys = ["format"]
            document.excluded_llm_metadata_keys = ["format"]
        return [document]
