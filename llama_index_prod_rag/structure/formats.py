"""Which reader a document gets: told, by its media type, by its file's extension, or by how it looks."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import PurePosixPath
from typing import Literal, cast, get_args

import regex

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.structure.code import language_of
from llama_index_prod_rag.structure.tree import Block

Format = Literal["markdown", "html", "rst", "latex", "code", "legal", "paper", "prose"]
"""Kinds of documents that have a reader."""

FORMATS: tuple[Format, ...] = get_args(Format)

_EXTENSIONS: dict[str, Format] = {
    **dict.fromkeys((".md", ".markdown", ".mdown", ".mkd", ".mdx"), "markdown"),
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
    **dict.fromkeys((".rst", ".rest"), "rst"),
    **dict.fromkeys((".tex", ".latex", ".ltx"), "latex"),
}
_MEDIA_TYPES: dict[str, Format] = {
    "text/markdown": "markdown",
    "text/x-markdown": "markdown",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/x-rst": "rst",
    "text/prs.fallenstein.rst": "rst",
    "application/x-tex": "latex",
    "text/x-tex": "latex",
}
_NAME_KEYS = ("file_name", "file_path", "filename", "source", "path", "url")
_SAMPLE = 20_000  # characters from the beginning that content is judged by

_LOOKS: tuple[tuple[Format, regex.Pattern[str], int], ...] = (  # format, sign, how many signs make it certain enough
    ("html", regex.compile(r"(?i)\A\s*(?:<!doctype\s+html|<html\b)"), 1),
    ("html", regex.compile(r"(?i)</(?:p|div|table|ul|ol|h[1-6]|body|section|article)>"), 3),
    ("latex", regex.compile(r"\\(?:documentclass|begin\{document\})"), 1),
    ("latex", regex.compile(r"\\(?:(?:sub)*section\*?|begin|end|chapter)\{"), 3),
    ("rst", regex.compile(r"(?m)^\.\. [\w-]+::|^\.\. _[^:\n]+:"), 2),
    (
        "markdown",
        regex.compile(r"(?m)^#{1,6} \S|^(?:```|~~~)|^\|?(?:[ :]*-{3,}[ :]*\|)+|^\S.*\n(?:={3,}|-{3,})[ \t]*$"),
        1,
    ),
    (
        "legal",
        regex.compile(
            r"(?m)^[ \t]*(?:WHEREAS\b|NOW,? THEREFORE|IN WITNESS WHEREOF|(?:ARTICLE|Article) (?:[IVXLC]+|\d+)\b|"
            r"(?:SECTION|Section) \d+(?:\.\d+)*\.?\s)|[“\"][^”\"\n]{2,60}[”\"] (?:means|shall mean)\b"
        ),
        3,
    ),
    (
        "paper",
        regex.compile(r"(?mi)^(?:abstract[ \t]*[.:—–-][ \t]*\S|(?:doi:?[ \t]*|https?://(?:dx\.)?doi\.org/)10\.\d{4,})"),
        2,
    ),
    (
        "paper",
        regex.compile(
            r"(?mi)^[ \t]*(?:\d{1,2}\.?[ \t]+)?(?:abstract|introduction|related work|background|methods?|"
            r"materials and methods|results|discussion|conclusions?|references|bibliography|acknowledge?ments)"
            r"[ \t]*:?[ \t\r]*$"
        ),
        3,
    ),
)


def detect_format(
    text: str, metadata: Mapping[str, object], media_type: str | None = None
) -> tuple[Format, str | None]:
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
    if told in FORMATS and (told != "code" or isinstance(language, str)):
        return told, language if told == "code" and isinstance(language, str) else None
    for name in (media_type, metadata.get("mimetype"), metadata.get("file_type")):
        if isinstance(name, str) and (known := _MEDIA_TYPES.get(name.split(";")[0].strip().lower())):
            return known, None
    for key in _NAME_KEYS:
        extension = PurePosixPath(str(metadata.get(key, "")).split("?")[0].replace("\\", "/")).suffix.lower()
        if (known_language := language_of("_" + extension)) is not None:
            return "code", known_language
        if extension in _EXTENSIONS:
            return _EXTENSIONS[extension], None
    return _by_content(text[:_SAMPLE]), None


def _by_content(sample: str) -> Format:
    for name, sign, needed in _LOOKS:
        found = sign.finditer(sample)
        if all(next(found, None) is not None for _ in range(needed)):
            return name
    return "prose"


def read(text: str, format: Format, language: str | None = None) -> Block:  # noqa: A002 - the field's word
    """The tree of a text by the reader of its format.

    Args:
        text: the document.
        format: which reader.
        language: for code, which grammar.

    Raises:
        ConfigurationError: no such format, or code without a language.

    Examples:
        >>> read("Words.", "prose").children[0].kind
        'paragraph'
    """
    if format not in FORMATS:
        raise ConfigurationError(f"no reader for the format {format!r}: use one of {', '.join(FORMATS)}, or 'auto'")
    module = import_module(f"llama_index_prod_rag.structure.{format}")
    reader = getattr(module, f"read_{format}")
    if format != "code":
        return cast("Block", reader(text))
    if language is None:
        raise ConfigurationError("source code needs its language: set `language`, or name the file in the metadata")
    return cast("Block", reader(text, language=language))
