"""Which reader a document gets: told, by its media type, by its file's name, or by how it looks. Core."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.structure.code_signs import language_by_content
from llama_index_prod_rag.structure.grammars import GRAMMARS
from llama_index_prod_rag.structure.names import (
    SAMPLE,
    Found,
    addresses_of,
    format_of_media_type,
    format_of_name,
    media_types_of,
    names_of,
)
from llama_index_prod_rag.structure.registry import CODE, LINES, PROSE, Reading, all_formats, find_format, is_format
from llama_index_prod_rag.structure.tree import Block, check_tree
from llama_index_prod_rag.structure.view import PlainReading


def detect_format(text: str, metadata: Mapping[str, object], media_type: str | None = None) -> Found:
    r"""Detect the format of a document, and the programming language if it is code.

    In this order: `format` in the metadata (for code with `language`); the media type; the name of the file
    (`file_name`, `file_path`, `filename`, `path`, `source`); what the text looks like. Of an address (`url`, or a
    `source` that is one) only the path has an extension, and it is believed where the text does not speak against it.

    Args:
        text: the document.
        metadata: its metadata.
        media_type: its media type, where the document has one of its own.

    Returns:
        A registered format's name, and for `"code"` one of the languages that have a grammar.

    Examples:
        >>> detect_format("x = 1", {"file_name": "a.py"})
        ('code', 'python')
        >>> detect_format("# Title\n\nText", {})
        ('markdown', None)
        >>> detect_format("<!doctype html><p>It runs JavaScript.", {"url": "https://en.wikipedia.org/wiki/Node.js"})
        ('html', None)
        >>> detect_format("Just words.", {"file_name": "notes.txt"})
        ('prose', None)
    """
    if (told := _read_stated(metadata)) is not None:
        return told
    for name in filter(None, (media_type, *media_types_of(metadata))):
        if (found := format_of_media_type(name, text)) is not None:
            return found
    for name in names_of(metadata):
        if (found := format_of_name(name, text)) is not None:
            return found
    looks = _detect_by_content(text[:SAMPLE])
    for path in addresses_of(metadata):
        if (found := format_of_name(path, text)) is not None and _agree(found, looks):
            return found
    return looks


def _read_stated(metadata: Mapping[str, object]) -> Found | None:
    told, language = metadata.get("format"), metadata.get("language")
    if not is_format(told):
        return None
    if told != CODE:
        return str(told), None
    return (CODE, language) if isinstance(language, str) and language in GRAMMARS else None


def _agree(named: Found, looks: Found) -> bool:
    """Whether a text can be what its address says: a page about Node.js is not JavaScript, its text is not HTML."""
    if named[0] in {CODE, LINES}:
        return looks[0] in {CODE, LINES}
    return looks[0] != "html" and (named[0] != "html")


def _detect_by_content(sample: str) -> Found:
    found = [(each.looks_like(sample), each.name) for each in all_formats() if each.looks_like is not None]
    evidence, name = max(found, key=lambda pair: pair[0], default=(0.0, PROSE))
    if evidence < 1.0:
        return PROSE, None
    return name, language_by_content(sample) if name == CODE else None


@contextmanager
def _paused_collection() -> Iterator[None]:
    """Pause the search for cycles: a tree has none, and to go through it while it grows took two fifths of the time."""
    if not gc.isenabled():  # by the caller, or by a read in another thread
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def read(text: str, format: str, language: str | None = None) -> Reading:  # noqa: A002 - the field's word
    """Build the tree of a text by the reader of its format, with how slices of the text read.

    Args:
        text: the document.
        format: which reader.
        language: for code, which grammar.

    Raises:
        ConfigurationError: no such format, or code without a language.
        InputError: the reader of a registered format returned something else than a tree over the text.

    Examples:
        >>> read("Words.", "prose").root.children[0].kind
        'paragraph'
    """
    reader = find_format(format).reader
    if format == CODE and language is None:
        raise ConfigurationError("source code needs its language: set `language`, or name the file in the metadata")
    with _paused_collection():
        found = reader(text, language=language) if format == CODE else reader(text)
    reading = PlainReading(found, text) if isinstance(found, Block) else found
    try:
        check_tree(reading.root, reading.text)
    except (InputError, AttributeError) as error:
        raise InputError(f"the reader of {format!r} must return a Block over the whole text: {error}") from error
    return reading
