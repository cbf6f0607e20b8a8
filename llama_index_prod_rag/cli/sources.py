"""What `prod-rag` can be pointed at: a file, a folder, or the Python language reference that every CPython carries."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from llama_index.core.schema import Document

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.structure.grammars import GRAMMARS, language_of

_log = logging.getLogger(__name__)

# Formats that are not text; LlamaIndex's file readers know them when they are installed.
_NEEDS_READER = frozenset(
    {".pdf", ".docx", ".pptx", ".pptm", ".ppt", ".epub", ".hwp", ".mbox", ".ipynb", ".xls", ".xlsx"}
)
_NEVER_ENTERED = frozenset({"__pycache__", "node_modules"})
_BINARY_PROBE = 8192  # bytes; git decides by a NUL in the same stretch
_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True, slots=True)
class Source:
    """Documents that can be indexed.

    Attributes:
        name: identifies the source between runs.
        stamp: changes when any document does, without reading them.
        load: reads the documents.
    """

    name: str
    stamp: str
    load: Callable[[], list[Document]]


def files_source(path: Path) -> Source:
    """A file, or every readable file below a folder, hidden ones left out.

    Raises:
        InputError: there is nothing at the path, or nothing to read in it.
    """
    if not path.exists():
        raise InputError(f"there is nothing at {path}: give an existing file or folder")
    files = [path] if path.is_file() else sorted(_files_below(path))
    if not files:
        raise InputError(f"{path} holds no files: give a folder with documents (hidden files are not read)")
    state = hashlib.sha256()
    for file in files:
        status = file.stat()
        described = f"{file}\0{status.st_size}\0{status.st_mtime_ns}\0{_told_format(file)}\n"
        state.update(described.encode("utf-8", "surrogateescape"))
    return Source(str(path.resolve()), state.hexdigest(), lambda: _load_files(path, files))


def topics_source() -> Source:
    """The Python language reference inside the standard library (`pydoc_data.topics`), one document a topic."""
    from pydoc_data.topics import topics

    state = hashlib.sha256("\0".join(f"{name}\0{text}" for name, text in sorted(topics.items())).encode()).hexdigest()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Source(
        f"Python {version} language reference",
        state,
        lambda: [
            _as_document(text, identifier=f"topic:{name}", shown=f"pydoc topic {name!r}", kind="rst")
            for name, text in sorted(topics.items())
        ],
    )


def _as_document(text: str, *, identifier: str, shown: str, kind: str | None = None) -> Document:
    metadata = {"file_path": shown, "file_name": Path(shown).name} | ({"format": kind} if kind else {})
    # Where a document lies says nothing about what a chunk is about: keep it out of embeddings and prompts.
    return Document(
        text=text,
        id_=identifier,
        metadata=metadata,
        excluded_embed_metadata_keys=list(metadata),
        excluded_llm_metadata_keys=list(metadata),
    )


def _files_below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder, onerror=_say_skipped):
        folders[:] = filter(_is_for_readers, folders)
        for name in filter(_is_for_readers, names):
            file = Path(parent, name)
            try:
                if file.is_file():  # no pipe, no link into the void
                    yield file
            except OSError as error:  # a folder that may be listed but not entered
                _say_skipped(error)


def _is_for_readers(name: str) -> bool:
    return not name.startswith(".") and name not in _NEVER_ENTERED


def _say_skipped(error: OSError) -> None:
    _log.warning("skipped %s: %s", error.filename, (error.strerror or str(error)).lower())


def _load_files(path: Path, files: list[Path]) -> list[Document]:
    documents: list[Document] = []
    skipped: dict[Path, str] = {}
    for file in files:
        try:
            documents += _load_file(file)
        except InputError as error:
            skipped[file] = str(error)
        except OSError as error:
            skipped[file] = (error.strerror or str(error)).lower()
    if unparsed := sorted({file.suffix for file in files if _told_format(file)}):
        _log.warning(
            "read as prose: %s; pip install 'llama-index-prod-rag[code]' keeps functions whole", ", ".join(unparsed)
        )
    for file, reason in skipped.items():
        _log.warning("skipped %s: %s", file, reason)
    if not documents:
        reasons = "; ".join(f"{file.name}: {reason}" for file, reason in list(skipped.items())[:3])
        raise InputError(f"nothing in {path} could be read ({reasons})")
    return documents


def _load_file(file: Path) -> list[Document]:
    if file.suffix.lower() in _NEEDS_READER:
        return _load_with_reader(file)
    text = _decode(file.read_bytes())
    if not text.strip():
        raise InputError("empty")
    return [_as_document(text, identifier=str(file), shown=str(file), kind=_told_format(file))]


def _told_format(file: Path) -> str | None:
    """Source code without its grammar is prose; every other format shows itself."""
    language = language_of(file.name)
    return None if language is None or _has_grammar(language) else "prose"


@cache
def _has_grammar(language: str) -> bool:
    return all(importlib.util.find_spec(module) for module in ("tree_sitter", GRAMMARS[language][0]))


def _load_with_reader(file: Path) -> list[Document]:
    if importlib.util.find_spec("llama_index.readers") is None or not importlib.util.find_spec(
        "llama_index.readers.file"
    ):
        raise InputError(f"{file.suffix} files need a reader: pip install llama-index-readers-file")
    from llama_index.core import SimpleDirectoryReader

    try:
        pages = SimpleDirectoryReader(input_files=[file], raise_on_error=True).load_data()
    except Exception as error:  # readers raise whatever their parser raises
        raise InputError(f"its reader failed ({error})") from error
    return [
        _as_document(page.text, identifier=f"{file}#{number}", shown=str(file))
        for number, page in enumerate(pages)
        if page.text.strip()
    ]


def _decode(content: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    if b"\0" in content[:_BINARY_PROBE]:
        raise InputError("binary, not text")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")  # what the web assumes of text that is not UTF-8 (WHATWG)
