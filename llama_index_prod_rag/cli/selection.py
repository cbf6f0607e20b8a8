"""Which files of a folder are read: what Git ignores, what is hidden and what was left out by hand is not."""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from pathspec import GitIgnoreSpec

_log = logging.getLogger(__name__)

_NEVER_ENTERED = frozenset({"__pycache__", "node_modules"})


@dataclass(frozen=True, slots=True)
class Selection:
    """What to read below a folder.

    Attributes:
        include: patterns as in `.gitignore`; where there are any, only files that match one are read.
        exclude: patterns of files and folders that are not.
        git_ignored: whether files that Git ignores are read too.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as name:
        ...     folder = Path(name)
        ...     for file in ("a.md", "b.log", "out/c.md"):
        ...         (folder / file).parent.mkdir(exist_ok=True)
        ...         _ = (folder / file).write_text("text")
        ...     _ = (folder / ".gitignore").write_text("out/")
        ...     [file.name for file in Selection(exclude=("*.log",)).files(folder)]
        ['a.md']
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    git_ignored: bool = False
    _specs: dict[Path, GitIgnoreSpec] = field(default_factory=dict, repr=False, compare=False)

    def files(self, folder: Path) -> list[Path]:
        """The files below a folder in the order of their paths; one that is linked to is there once."""
        included = GitIgnoreSpec.from_lines(self.include) if self.include else None
        excluded = GitIgnoreSpec.from_lines(self.exclude)
        found: dict[tuple[int, int], Path] = {}
        for file in sorted(self._walk(folder, excluded), key=lambda file: (file.is_symlink(), str(file))):
            relative = file.relative_to(folder).as_posix()
            if included is None or included.match_file(relative):
                state = file.stat()
                found.setdefault((state.st_dev, state.st_ino), file)
        return sorted(found.values())

    def say_what_is_missing(self, folder: Path) -> str:
        """Say why no file of a folder is read: the patterns that left all of them out, or that there is none."""
        options = {"--include": self.include, "--exclude": self.exclude}
        given = " ".join(f"{name} {shlex.quote(pattern)}" for name, patterns in options.items() for pattern in patterns)
        if given and (others := replace(self, include=(), exclude=()).files(folder)):
            count = f"{len(others)} files" if len(others) > 1 else "one file"
            return f"that {given} leaves: {count} without it (patterns are those of .gitignore)"
        return "to read: give a folder with documents (hidden files and those that Git ignores are not read)"

    def _walk(self, folder: Path, excluded: GitIgnoreSpec) -> Iterator[Path]:
        for parent, folders, names in os.walk(folder, onerror=_say_skipped):
            here = Path(parent)
            folders[:] = [name for name in folders if self._is_for_readers(folder, here / name, excluded, "/")]
            for name in names:
                file = here / name
                try:
                    # No pipe, no link into the void.
                    if self._is_for_readers(folder, file, excluded, "") and file.is_file():
                        yield file
                except OSError as error:  # a folder that may be listed but not entered
                    _say_skipped(error)

    def _is_for_readers(self, folder: Path, path: Path, excluded: GitIgnoreSpec, ending: str) -> bool:
        if path.name.startswith(".") or path.name in _NEVER_ENTERED:
            return False
        # Paths are cut to size only where there is a pattern to compare them with: there may be ten thousand.
        if len(excluded) and excluded.match_file(path.relative_to(folder).as_posix() + ending):
            return False
        return self.git_ignored or not self._is_ignored(folder, path, ending)

    def _is_ignored(self, folder: Path, path: Path, ending: str) -> bool:
        """Whether a `.gitignore` between the folder and the path names it; the nearest one that speaks decides."""
        for parent in path.parents:
            spec = self._spec(parent)
            result = spec.check_file(path.relative_to(parent).as_posix() + ending) if len(spec) else None
            if result is not None and result.include is not None:
                return result.include
            if parent == folder:
                break
        return False

    def _spec(self, folder: Path) -> GitIgnoreSpec:
        if folder not in self._specs:
            try:
                lines = (folder / ".gitignore").read_text(encoding="utf-8", errors="replace").splitlines()
            except OSError:
                lines = []
            self._specs[folder] = GitIgnoreSpec.from_lines(lines)
        return self._specs[folder]


def _say_skipped(error: OSError) -> None:
    _log.warning("skipped %s: %s", error.filename, (error.strerror or str(error)).lower())
