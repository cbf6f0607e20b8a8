"""An e-book as HTML: the text of its chapters, in their order."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from urllib.parse import unquote

from llama_index_prod_rag.readers.archive import local, open_archive

_BODY = re.compile(r"(?is)<body\b[^>]*>(?P<words>.*)</body\s*>")
_DECLARED = re.compile(rb"""<\?xml[^>]*encoding=["']([\w.-]+)""")


def read_book(file: Path) -> str:
    """Read an `.epub` file.

    Args:
        file: where it lies.

    Returns:
        HTML: what stands in the bodies of the chapters.

    Raises:
        InputError: it is damaged, or its text is encrypted.
        OSError: it may not be read.
    """
    with open_archive(file) as archive:
        container = archive.xml("META-INF/container.xml")
        roots = () if container is None else (each for each in container.iter() if local(each) == "rootfile")
        main = next((each.get("full-path", "") for each in roots), "")
        package = archive.xml(main)
        if package is None:
            raise KeyError(main or "META-INF/container.xml")
        items = {each.get("id"): each.get("href", "") for each in package.iter() if local(each) == "item"}
        spine = [items.get(each.get("idref"), "") for each in package.iter() if local(each) == "itemref"]
        names = [posixpath.normpath(posixpath.join(posixpath.dirname(main), unquote(href))) for href in spine]
        return "\n".join(_body(archive.read(name)) for name in names if name in archive.names)


def _body(content: bytes) -> str:
    declared = _DECLARED.match(content)
    text = content.decode(declared[1].decode("ascii") if declared else "utf-8", errors="replace")
    match = _BODY.search(text)
    return text if match is None else match["words"]
