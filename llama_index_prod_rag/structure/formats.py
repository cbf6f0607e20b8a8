"""Which reader a document gets: told, by its media type, by its file's name, or by how it looks. Core."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.structure.code import language_of
from llama_index_prod_rag.structure.registry import CODE, Format, Reading, all_formats, find_format, is_format
from llama_index_prod_rag.structure.tree import Block, check_tree
from llama_index_prod_rag.structure.view import PlainReading

PROSE = "prose"
_NAME_KEYS = ("file_name", "file_path", "filename", "source", "path", "url")
_MEDIA_KEYS = ("mimetype", "file_type")
_SAMPLE = 20_000  # characters from the beginning that content is judged by


def detect_format(text: str, metadata: Mapping[str, object], media_type: str | None = None) -> tuple[str, str | None]:
    r"""The format of a document, and the programming language if it is code.

    Metadata comes first (`format`, `language`, `mimetype` or `file_type`, then the extension of `file_name`,
    `file_path`, `source`, ...), then what the text looks like.

    Args:
        text: the document.
        metadata: its metadata.
        media_type: its media type, where the document has one of its own.

    Examples:
        >>> detect_format("x = 1", {"file_name": "a.py"})
        ('code', 'python')
        >>> detect_format("# Title\n\nText", {})
        ('markdown', None)
        >>> detect_format("Just words.", {"file_name": "notes.txt"})
        ('prose', None)
    """
    told = metadata.get("format")
    language = metadata.get("language")
    if is_format(told) and (told != CODE or isinstance(language, str)):
        return str(told), language if told == CODE and isinstance(language, str) else None
    for name in (media_type, *(metadata.get(key) for key in _MEDIA_KEYS)):
        if isinstance(name, str) and (known := _by_media_type(name, text)):
            return known, None
    for key in _NAME_KEYS:
        path = PurePosixPath(str(metadata.get(key, "")).split("?")[0].replace("\\", "/"))
        if (known_language := language_of("_" + path.suffix)) is not None:
            return CODE, known_language
        if known := _by_name(path.name.lower(), text):
            return known, None
    return _by_content(text[:_SAMPLE]), None


def _newest() -> Iterator[Format]:
    return reversed(all_formats())


def _by_media_type(name: str, text: str) -> str | None:
    bare = name.split(";", maxsplit=1)[0].strip().lower()
    return next((each.name for each in _newest() if bare in each.media_types and _can_be(each, text)), None)


def _by_name(name: str, text: str) -> str | None:
    suffix = PurePosixPath("_" + name).suffix
    claims = (each for each in _newest() if name in each.file_names or suffix in each.extensions)
    return next((each.name for each in claims if _can_be(each, text)), None)


def _can_be(known: Format, text: str) -> bool:
    return known.must_have is None or known.must_have(text[:_SAMPLE])


def _by_content(sample: str) -> str:
    found = [(each.looks_like(sample), each.name) for each in all_formats() if each.looks_like is not None]
    evidence, name = max(found, key=lambda pair: pair[0], default=(0.0, PROSE))
    return name if evidence >= 1.0 else PROSE


def read(text: str, format: str, language: str | None = None) -> Reading:  # noqa: A002 - the field's word
    """The tree of a text by the reader of its format, with how slices of the text read.

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
    found = reader(text, language=language) if format == CODE else reader(text)
    reading = PlainReading(found, text) if isinstance(found, Block) else found
    try:
        check_tree(reading.root, reading.text)
    except (InputError, AttributeError) as error:
        raise InputError(f"the reader of {format!r} must return a Block over the whole text: {error}") from error
    return reading
