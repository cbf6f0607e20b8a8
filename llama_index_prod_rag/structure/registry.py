"""The formats that a document may have: name, reader, and the signs by which it is known. Core.

The formats of this package are registered in `built_in.py`, by the same function that adds one's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.structure.places import Piece
from llama_index_prod_rag.structure.tree import Block

LINES = "lines"
"""Texts that are made of lines: logs, records, configuration, code without a grammar."""
PROSE = "prose"
"""What a text is of which nothing else can be told."""
AUTO = "auto"
"""Stands for whichever format a document turns out to have."""
CODE = "code"
"""The one format whose reader is also told a language."""


class Reading(Protocol):
    """What a reader returns where the source is not what people read (HTML, a notebook, a mail).

    Attributes:
        root: tree of blocks, offsets in `text`.
        text: what the offsets count in, and where sentences and lines are looked for.
    """

    @property
    def root(self) -> Block:
        """Give the tree of blocks that the reader found, down from the whole document."""
        ...

    @property
    def text(self) -> str:
        """Give the text that the tree's offsets count in."""
        ...

    def render(self, start: int, end: int) -> str:
        """Render a slice of `text` as a chunk shows it."""
        ...

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Find where in the source a slice of `text` comes from."""
        ...

    def places(self, start: int, end: int) -> Sequence[Piece]:
        """Find for each stretch of `render(start, end)`, in order, where in the source it stands."""
        ...

    def facts(self, start: int, end: int) -> Mapping[str, object]:
        """Say what is known of a slice of `text` besides its blocks' facts: its pages, who speaks in it."""
        ...


Reader: TypeAlias = Callable[..., "Block | Reading"]
"""Text to root block, or to a `Reading`. It never raises on odd input: what it does not understand is a paragraph."""
Evidence: TypeAlias = Callable[[str], float]
"""The beginning of a text to how surely it has a format: 0 not at all, 1 as surely as one clear sign makes it."""


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of document; `register_format` says what the fields hold."""

    name: str
    reader: Reader
    extensions: frozenset[str]
    file_names: frozenset[str]
    media_types: frozenset[str]
    looks_like: Evidence | None
    must_have: Callable[[str], bool] | None


_formats: dict[str, Format] = {}


def register_format(
    name: str,
    reader: Reader,
    *,
    extensions: Iterable[str] = (),
    file_names: Iterable[str] = (),
    media_types: Iterable[str] = (),
    looks_like: Evidence | None = None,
    must_have: Callable[[str], bool] | None = None,
) -> None:
    r"""Add a format, or replace the one of that name.

    Register it in every process that parses, before the parser is made. Where two formats claim an extension, the one
    registered last has it.

    Args:
        name: what `DocumentAwareNodeParser(format=...)` and a document's `metadata["format"]` call it.
        reader: function from the text to its root block; see `Block` for the rules a tree keeps.
        extensions: endings of file names, with or without the dot.
        file_names: whole file names, such as `CHANGELOG`.
        media_types: such as `text/x-org`.
        looks_like: function from the first 20,000 characters to how surely they are of this format: 0 not at all, 1
            one clear sign, more for more signs. The format with the most is taken, prose if none reaches 1. Without
            it the format is known by name alone.
        must_have: whether a text can have this format at all. A file name or media type that says so is not believed
            where this returns False: what a loader made of `page.html` is often text without one tag.

    Raises:
        ConfigurationError: the name is empty or "auto", or the reader cannot be called.

    Examples:
        >>> from llama_index_prod_rag.structure import Block, detect_format, read, register_format
        >>> def read_songs(text: str) -> Block:
        ...     cut = text.index("***")
        ...     return Block("document", 0, len(text), (Block("verse", 0, cut), Block("verse", cut, len(text))))
        >>> register_format("song", read_songs, extensions=[".song"], looks_like=lambda text: text.count("\nla la"))
        >>> detect_format("Hey\nla la\n***\nHo", {}), detect_format("Hey", {"file_name": "a.song"})
        (('song', None), ('song', None))
        >>> [block.kind for block in read("Hey\n***\nHo", "song").root.children]
        ['verse', 'verse']
        >>> unregister_format("song")
    """
    if not name or name == AUTO:
        raise ConfigurationError(f"a format cannot be named {name!r}: choose a word of your own")
    if not callable(reader):
        raise ConfigurationError(f"the reader of {name!r} must be a function from the text to its root block")
    _formats.pop(name, None)
    _formats[name] = Format(
        name=name,
        reader=reader,
        extensions=frozenset("." + each.lower().removeprefix(".") for each in extensions),
        file_names=frozenset(each.lower() for each in file_names),
        media_types=frozenset(each.lower() for each in media_types),
        looks_like=looks_like,
        must_have=must_have,
    )


def unregister_format(name: str) -> None:
    """Take a format out again; tests of one's own formats do.

    Raises:
        ConfigurationError: no such format.
    """
    del _formats[find_format(name).name]


def find_format(name: str) -> Format:
    """Look up a registered format by its name.

    Raises:
        ConfigurationError: no such format.

    Examples:
        >>> ".md" in find_format("markdown").extensions
        True
    """
    if name not in _formats:
        raise ConfigurationError(
            f"no reader for the format {name!r}: use one of {', '.join(_formats)}, or 'auto', or add your own with "
            "llama_index_prod_rag.structure.register_format"
        )
    return _formats[name]


def is_format(name: object) -> bool:
    """Whether a format of this name is registered.

    Examples:
        >>> is_format("prose"), is_format("PDF"), is_format(None)
        (True, False, False)
    """
    return isinstance(name, str) and name in _formats


def all_formats() -> tuple[Format, ...]:
    """List every format, the one registered last at the end."""
    return tuple(_formats.values())
