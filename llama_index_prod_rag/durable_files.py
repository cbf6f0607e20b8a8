"""Files that are whole or not there: written beside their place, flushed, and put there by one rename.

A process that is killed while it writes, or a disk that is full, leaves the older file as it was; what such a writer
left beside it is cleared by the next one.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

_PARTIAL = ".partial"


def write_whole(path: Path, write: bytes | str | Callable[[IO[bytes]], object]) -> None:
    """Write a file so that readers see the old content or the new, never a part.

    Args:
        path: the file; its folder is made when missing.
        write: the content (text as UTF-8), or what writes it to an open file.

    Raises:
        OSError: no rights, no space; the older file is untouched.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "weights.json"
        ...     write_whole(path, "{}")
        ...     path.read_text(), [file.name for file in path.parent.iterdir()]
        ('{}', ['weights.json'])
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear_partials(path)
    partial = path.with_name(f".{path.name}.{_host()}-{os.getpid()}-{os.urandom(4).hex()}{_PARTIAL}")
    try:
        with partial.open("wb") as file:
            if callable(write):
                write(file)
            else:
                file.write(write.encode("utf-8") if isinstance(write, str) else write)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself outlive a power cut, where the system can."""
    with suppress(OSError, AttributeError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _clear_partials(path: Path) -> None:
    """Remove what a killed writer of this machine left; a living one's file, or another machine's, is left alone."""
    pattern = re.compile(rf"\.{re.escape(path.name)}\.{re.escape(_host())}-(\d+)-[0-9a-f]+{re.escape(_PARTIAL)}")
    for file in path.parent.glob(f".*{_PARTIAL}"):
        if (found := pattern.fullmatch(file.name)) and not _is_running(int(found[1])):
            with suppress(OSError):
                file.unlink()


def _host() -> str:
    return re.sub(r"[^\w.]", "_", platform.node()) or "host"


def _is_running(process: int) -> bool:
    if os.name != "posix":  # elsewhere signal 0 is not a question
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
