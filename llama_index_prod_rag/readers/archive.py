"""Office files are archives of XML parts; what is damaged, locked or too large says so."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element
from zipfile import ZipFile

from llama_index_prod_rag.errors import InputError

_MOST_BYTES = 256 * 2**20  # of one part, as of one text file
# Office writes a file with a password as a container of this kind, with a stream of this name (MS-OFFCRYPTO 2.3.4.4).
CONTAINER = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCKED = "EncryptedPackage".encode("utf-16-le")


def local(element: Element) -> str:
    """Give an element's name without its namespace: transitional and strict files differ in nothing else that is read.

    Examples:
        >>> local(Element("{urn:x}p"))
        'p'
    """
    return str(element.tag).rpartition("}")[2]


def value_of(element: Element | None, name: str = "val") -> str | None:
    """Give an attribute whatever its namespace, or None.

    Examples:
        >>> value_of(Element("jc", {"{urn:x}val": "left"})), value_of(None)
        ('left', None)
    """
    return (
        None if element is None else next((v for k, v in element.attrib.items() if k.rpartition("}")[2] == name), None)
    )


def child_of(element: Element | None, *names: str) -> Element | None:
    """Follow first children of these names, whatever their namespace; None where one is missing."""
    for name in names:
        if element is None:
            return None
        element = next((each for each in element if local(each) == name), None)
    return element


class Archive:
    """The XML parts of an office file, by name."""

    def __init__(self, opened: ZipFile) -> None:
        self._opened = opened
        self.names = tuple(opened.namelist())

    def read(self, name: str) -> bytes:
        """Read a part.

        Raises:
            InputError: it is too large.
            KeyError: there is none of that name.
        """
        if self._opened.getinfo(name).file_size > _MOST_BYTES:
            raise InputError(f"over {_MOST_BYTES // 2**20} MB of text: split it")
        return self._opened.read(name)

    def xml(self, name: str) -> Element | None:
        """Parse a part, or give None where there is none of that name."""
        if name not in self.names:
            return None
        content = self.read(name)
        if b"<!ENTITY" in content:  # no office writes any, and they may unfold without end
            raise InputError(f"{name} declares entities")
        return ET.fromstring(content)  # noqa: S314 - entities are refused above

    def links(self, name: str) -> Mapping[str, tuple[str, str]]:
        """Kind and name of the parts that a part refers to, by the reference."""
        folder, base = posixpath.split(name)
        root = self.xml(posixpath.join(folder, "_rels", f"{base}.rels"))
        return {
            each.get("Id", ""): (
                each.get("Type", "").rpartition("/")[2],
                posixpath.normpath(posixpath.join("/", folder, each.get("Target", ""))).lstrip("/"),
            )
            for each in (() if root is None else root)
        }


def refuse_container(file: Path) -> None:
    """Say what is wrong with a file that is no archive but a container, or nothing.

    Raises:
        InputError: it is empty, has a password, or is of a format from before 2007.
        OSError: it may not be read.
    """
    with file.open("rb") as opened:
        start = opened.read(len(CONTAINER))
        if not start:
            raise InputError("empty")
        if start == CONTAINER:
            locked = _LOCKED in opened.read(_MOST_BYTES)
            raise InputError(
                "it has a password: save it without one"
                if locked
                else "of a format from before 2007: save it as a new one"
            )


@contextmanager
def open_archive(file: Path) -> Iterator[Archive]:
    """Open an office file; whatever goes wrong inside is told as what is wrong with the file.

    Raises:
        InputError: it is damaged, has a password, or is of a format from before 2007.
        OSError: it may not be read.
    """
    refuse_container(file)
    with file.open("rb") as opened:
        try:
            with ZipFile(opened) as archive:
                yield Archive(archive)
        except InputError:
            raise
        except Exception as error:  # zipfile's, zlib's and the XML parser's own; what is nested without end
            raise InputError(f"damaged ({error or type(error).__name__})") from error
