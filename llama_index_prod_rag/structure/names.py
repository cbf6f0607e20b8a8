"""What names say about a text's format: file names, extensions, media types, addresses. Core.

Of files without a reader of their own, pygments knows which are source code, configuration or data: these are read
line by line, whatever their comments look like.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from pygments.lexers import get_all_lexers

from llama_index_prod_rag.structure.grammars import language_of
from llama_index_prod_rag.structure.registry import CODE, LINES, Format, all_formats

SAMPLE = 20_000
"""Characters from the beginning that content is judged by."""

_FILE_KEYS = ("file_name", "file_path", "filename", "path", "source")
_ADDRESS_KEYS = ("url", "source_url", "link")
_MEDIA_KEYS = ("mimetype", "file_type", "content_type", "media_type")
# Lexers of texts that are made of paragraphs: their files are judged by content.
_PROSE_LEXERS = frozenset(
    {
        *("Text only", "Text output", "Markdown", "reStructuredText", "TeX", "HTML", "E-mail", "Groff", "Org Mode"),
        *("MoinMoin/Trac Wiki markup", "TiddlyWiki5", "Wikitext", "Typst"),
    }
)
# Extensions and names of files made of lines that pygments does not know.
_MORE_LINES = (
    "conf",
    "cnf",
    "env",
    "log",
    "jsonl",
    "ndjson",
    "lock",
    "srt",
    "vtt",
    "gitignore",
    "m3u",
    "svelte",
    "astro",
    "ics",
    "vcf",
)
_MORE_NAMES = ("containerfile", "justfile", "jenkinsfile", "brewfile", ".gitignore", ".dockerignore", ".env")

Found = tuple[str, str | None]
"""A format and, of code, the language."""


def format_of_name(name: str, text: str) -> Found | None:
    """Read what a file's name says, or None; a name is not believed where the text cannot have that format.

    Args:
        name: a file name or path.
        text: the file's text.

    Examples:
        >>> format_of_name("src/lib.rs", "fn f() {}"), format_of_name("Makefile", "all: x"), format_of_name("a.txt", "")
        (('code', 'rust'), ('lines', None), None)
    """
    base = PurePosixPath(name.replace("\\", "/")).name.lower()
    suffix = PurePosixPath("_" + base).suffix
    for known in _newest():
        if (base in known.file_names or suffix in known.extensions) and _can_be(known, text):
            return known.name, None
    if (language := language_of(base, text)) is not None:
        return CODE, language
    return (LINES, None) if base in _line_names() or suffix in _line_names() else None


def format_of_media_type(name: str, text: str) -> Found | None:
    """Read what a media type says, or None: `text/plain` says nothing.

    Examples:
        >>> format_of_media_type("text/html; charset=utf-8", "<p>A"), format_of_media_type("text/plain", "A")
        (('html', None), None)
    """
    bare = name.split(";", maxsplit=1)[0].strip().lower()
    for known in _newest():
        if bare in known.media_types and _can_be(known, text):
            return known.name, None
    extension = _line_types().get(bare)
    return None if extension is None else format_of_name("_" + extension, text)


def names_of(metadata: Mapping[str, object]) -> Iterator[str]:
    """File names that metadata holds, without those that are addresses."""
    return (name for key in _FILE_KEYS if (name := _word(metadata, key)) and not _is_address(name))


def addresses_of(metadata: Mapping[str, object]) -> Iterator[str]:
    """List the paths of the addresses that metadata holds: a host, a query or a fragment does not have an extension.

    Examples:
        >>> list(addresses_of({"url": "https://docs.rs/a/README.md?plain=1#top", "source": "https://docs.rs"}))
        ['/a/README.md', '']
    """
    for key in (*_ADDRESS_KEYS, *_FILE_KEYS):
        name = _word(metadata, key)
        if _is_address(name):
            yield urlsplit(name).path
        elif name and key in _ADDRESS_KEYS:  # written without its scheme
            yield urlsplit("//" + name).path


def media_types_of(metadata: Mapping[str, object]) -> Iterator[str]:
    """List the media types that metadata holds, such as `text/html`."""
    return (name for key in _MEDIA_KEYS if (name := _word(metadata, key)))


def _word(metadata: Mapping[str, object], key: str) -> str:
    value = metadata.get(key)
    return str(value).strip() if isinstance(value, (str, PurePosixPath)) else ""


def _is_address(name: str) -> bool:
    return "://" in name or name.lower().startswith(("www.", "mailto:"))


def _newest() -> Iterator[Format]:
    return reversed(all_formats())


def _can_be(known: Format, text: str) -> bool:
    return known.must_have is None or known.must_have(text[:SAMPLE])


@cache
def _line_names() -> frozenset[str]:
    """Extensions, with their dot, and whole names, in lower case; not `.html`, though a template in it has it, too."""
    lines, prose = set[str](), set[str]()
    for name, _, patterns, _ in get_all_lexers(plugins=False):
        names = [pattern.lower().removeprefix("*") for pattern in patterns]
        if name in _PROSE_LEXERS:
            prose.update(names[:1])
        else:
            lines.update(names)
    return frozenset({*(lines - prose), *_MORE_NAMES, *("." + each for each in _MORE_LINES)})


@cache
def _line_types() -> dict[str, str]:
    """Media type to one of its extensions."""
    return {
        media_type: patterns[0].removeprefix("*")
        for name, _, patterns, media_types in get_all_lexers(plugins=False)
        for media_type in media_types
        if patterns and name not in _PROSE_LEXERS and media_type != "text/plain"
    }
