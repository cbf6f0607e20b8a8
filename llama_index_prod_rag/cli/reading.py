"""One file as documents: text in any encoding as it is, other formats through LlamaIndex's readers."""

from __future__ import annotations

import importlib.util
import os
from functools import cache
from pathlib import Path
from typing import Any

from llama_index.core.schema import Document

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.readers.encodings import PROBE, decode, find_encoding
from llama_index_prod_rag.readers.office import OFFICE, read_office
from llama_index_prod_rag.structure.grammars import GRAMMARS, language_of

# Formats that are not text; LlamaIndex's file readers know them when they are installed.
_NEEDS_READER = frozenset({".pdf", ".ppt", ".hwp", ".xls"})
_MOST_BYTES = 256 * 2**20  # of text in one file: its chunks alone would take hours to embed


def read_file(file: Path, shown: str) -> list[Document]:
    """The documents in a file: one for text, one per page where a reader gives pages.

    Args:
        file: where it lies.
        shown: its name in sources, unique in its folder.

    Raises:
        InputError: it holds no text, or what is needed to read it is missing.
        OSError: it may not be read.
    """
    if file.suffix.lower() in OFFICE:
        return _read_office(file, shown)
    if file.suffix.lower() in _NEEDS_READER:
        return _read_with_reader(file, shown)
    with file.open("rb") as opened:
        head = opened.read(PROBE)  # a video is known by its first bytes, not after three gigabytes
        encoding = find_encoding(head)
        if file.stat().st_size > _MOST_BYTES:
            raise InputError(f"over {_MOST_BYTES // 2**20} MB of text: split it")
        content = head + opened.read()
    text = decode(content, encoding)
    if not text.strip():
        raise InputError("empty")
    return [as_document(text, identifier=shown, shown=shown, kind=told_format(file))]


def _read_office(file: Path, shown: str) -> list[Document]:
    parts = read_office(file)
    names = [shown] if len(parts) == 1 else [f"{shown}#{number}" for number in range(len(parts))]
    return [
        as_document(text, identifier=name, shown=shown, kind=kind, page=page)
        for name, (text, kind, page) in zip(names, parts, strict=True)
    ]


def as_document(
    text: str, *, identifier: str, shown: str, kind: str | None = None, page: str | None = None
) -> Document:
    """A document whose metadata say where it lies; none of that is embedded or shown to a language model."""
    metadata: dict[str, Any] = {"file_path": shown, "file_name": Path(shown).name}
    metadata |= {key: value for key, value in (("format", kind), ("page_label", page)) if value is not None}
    return Document(
        text=text,
        id_=identifier,
        metadata=metadata,
        excluded_embed_metadata_keys=list(metadata),
        excluded_llm_metadata_keys=list(metadata),
    )


def is_converted(name: str) -> bool:
    """Whether a file is read as something else than its own text, whose lines nobody can see.

    Examples:
        >>> is_converted("a.docx"), is_converted("a.md")
        (True, False)
    """
    return Path(name).suffix.lower() in OFFICE


def shown_name(path: Path) -> str:
    r"""A path as text, with `/` between its parts; bytes that are not UTF-8 are shown as `\xff`.

    Examples:
        >>> shown_name(Path("notes") / os.fsdecode(b"caf\xe9.txt"))
        'notes/caf\\xe9.txt'
    """
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def told_format(file: Path) -> str | None:
    """Source code without its grammar is prose; every other format shows itself."""
    language = language_of(file.name)
    return None if language is None or _has_grammar(language) else "prose"


@cache
def _has_grammar(language: str) -> bool:
    return all(importlib.util.find_spec(module) for module in ("tree_sitter", GRAMMARS[language][0]))


def _read_with_reader(file: Path, shown: str) -> list[Document]:
    if importlib.util.find_spec("llama_index.readers") is None or not importlib.util.find_spec(
        "llama_index.readers.file"
    ):
        raise InputError(f"{file.suffix} files need a reader: pip install llama-index-readers-file")
    from llama_index.core import SimpleDirectoryReader

    try:
        pages = SimpleDirectoryReader(input_files=[file], raise_on_error=True).load_data()
    except Exception as error:  # readers raise whatever their parser raises
        raise InputError(f"its reader failed ({_root_of(error)})") from error
    documents = [
        as_document(page.text, identifier=f"{shown}#{number}", shown=shown, page=_label(page.metadata))
        for number, page in enumerate(pages)
        if page.text.strip()
    ]
    if not documents:
        raise InputError("no text in it; if it is a scan, run OCR first")
    return documents


def _root_of(error: BaseException) -> BaseException:
    """What went wrong first: LlamaIndex says no more than that it could not load the file."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _label(metadata: dict[str, Any]) -> str | None:
    """The page; readers of slides give a number."""
    label = metadata.get("page_label")
    return None if label is None else str(label)
