"""What `prod-rag` can be pointed at: a file, a folder, or the Python language reference that every CPython carries."""

from __future__ import annotations

import hashlib
import logging
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from llama_index.core.schema import Document

from llama_index_prod_rag.cli.reading import as_document, read_file, shown_name, told_format
from llama_index_prod_rag.cli.selection import Selection
from llama_index_prod_rag.errors import InputError

_log = logging.getLogger(__name__)
_NAMED = 3  # files that a message names; the others are counted


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One part of a source that changes as a whole.

    Attributes:
        name: identifies it in its source.
        stamp: changes when it does, without reading it.
        read: its documents; raises `InputError` or `OSError` with the reason where there are none.
        unparsed: its suffix where it is code without a grammar, which is read as prose.
    """

    name: str
    stamp: str
    read: Callable[[], list[Document]]
    unparsed: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Names the files that one index is made of, and reads them.

    Attributes:
        name: identifies the source between runs.
        files: its parts.
    """

    name: str
    files: tuple[SourceFile, ...]

    def read(self, files: Sequence[SourceFile]) -> tuple[dict[str, list[Document]], dict[str, str]]:
        """Documents by file name, and why there are none for the others."""
        documents: dict[str, list[Document]] = {}
        left_out: dict[str, str] = {}
        for file in files:
            try:
                documents[file.name] = file.read()
            except InputError as error:
                left_out[file.name] = str(error)
            except OSError as error:
                left_out[file.name] = (error.strerror or str(error)).lower()
        if unparsed := sorted({file.unparsed for file in files if file.unparsed is not None}):
            _log.warning(
                "read as prose: %s; pip install 'llama-index-prod-rag[code]' keeps functions whole", ", ".join(unparsed)
            )
        return documents, left_out

    def say_left_out(self, left_out: dict[str, str]) -> None:
        """Say in one line what could not be read and why.

        Raises:
            InputError: nothing could.
        """
        if not left_out:
            return
        if len(left_out) == len(self.files):
            raise InputError(f"nothing in {self.name} could be read ({_list_reasons(left_out)})")
        _log.warning("left out %d of %d files: %s", len(left_out), len(self.files), _list_reasons(left_out))


def files_source(path: Path, selection: Selection | None = None) -> Source:
    """A file, or every readable file below a folder, hidden and ignored ones left out.

    Args:
        path: the file or folder.
        selection: which files of a folder.

    Raises:
        InputError: there is nothing at the path, or nothing to read in it.
    """
    if not path.exists():
        raise InputError(f"there is nothing at {shown_name(path)}: give an existing file or folder")
    # The same folder by another path is the same source, and its files have the same names.
    root = path.resolve()
    base = root.parent if root.is_file() else root
    selection = selection or Selection()
    files = [root] if root.is_file() else selection.files(root)
    if not files:
        raise InputError(f"{shown_name(path)} holds no files {selection.say_what_is_missing(root)}")
    return Source(shown_name(root), tuple(_source_file(file, shown_name(file.relative_to(base))) for file in files))


def _source_file(file: Path, shown: str) -> SourceFile:
    status = file.stat()
    told = told_format(file)
    stamp = f"{status.st_size} {status.st_mtime_ns} {told}"
    return SourceFile(shown, stamp, partial(read_file, file, shown), None if told is None else file.suffix)


def topics_source() -> Source:
    """The Python language reference inside the standard library (`pydoc_data.topics`), one document per topic."""
    from pydoc_data.topics import topics

    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Source(f"Python {version} language reference", tuple(_topic(*item) for item in sorted(topics.items())))


def _topic(name: str, text: str) -> SourceFile:
    def read() -> list[Document]:
        return [as_document(text, identifier=f"topic:{name}", shown=f"pydoc topic {name!r}", kind="rst")]

    return SourceFile(f"topic:{name}", hashlib.sha256(text.encode()).hexdigest(), read)


def _list_reasons(left_out: dict[str, str]) -> str:
    """What was left out, by reason: the first names, and how many more."""
    counts = Counter(left_out.values())
    parts = []
    for reason, count in counts.most_common():
        names = [name for name, why in left_out.items() if why == reason]
        more = f" and {count - _NAMED} more" if count > _NAMED else ""
        parts.append(f"{reason}: {', '.join(names[:_NAMED])}{more}")
    return "; ".join(parts)
