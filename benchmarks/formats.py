"""Formats told by content alone, on files whose names tell the truth.

    python -m benchmarks.formats [--misses] --json

Three collections that are on the machine anyway: the descriptions of the installed packages (their metadata say
whether they are Markdown, RST or plain), the files of the Python installation, and the documents under
`PROD_RAG_DATA/docs`. What a file is called is withheld from the detection and says what is right: an extension with a
reader of its own must get that reader (and code its language), other source and configuration files must be read as
lines, and `.txt` as text without markup or, since many of Python's have underlined titles, as RST. Left out are other
names, which tell nothing, files that are not UTF-8, and those of fewer than 100 characters, too little to tell.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import sysconfig
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from llama_index_prod_rag.structure import detect_format
from llama_index_prod_rag.structure.names import format_of_name

_SHORTEST = 100
_LARGEST = 2_000_000  # bytes; no text file of a Python installation is larger
_PLAIN = frozenset({"prose", "lines", "legal", "paper", "email", "csv"})
_DESCRIPTIONS = {"text/markdown": "markdown", "text/x-rst": "rst"}
_FOLDERS = {"tex": "latex", "papers": "paper"}


@dataclass(frozen=True, slots=True)
class Case:
    """One text, where it comes from, and which formats are right for it."""

    source: str
    name: str
    text: str
    right: frozenset[str]
    language: str | None = None

    def is_right(self, found: str, language: str | None) -> bool:
        """Whether a detected format is right; C and C++ share their headers' names."""
        same = {"c": "cpp"}.get(language or "", language) == {"c": "cpp"}.get(self.language or "", self.language)
        return found in self.right and (found != "code" or same)


def descriptions() -> Iterator[Case]:
    """The descriptions of installed packages that say what they are."""
    for package in distributions():
        told = package.metadata.json
        kind = str(told.get("description_content_type", "")).split(";", maxsplit=1)[0].strip().lower()
        text = told.get("description")
        if kind in {*_DESCRIPTIONS, "text/plain"} and isinstance(text, str):
            right = frozenset({_DESCRIPTIONS[kind]}) if kind in _DESCRIPTIONS else _PLAIN
            yield Case("descriptions", package.metadata["Name"], text, right)


def installation() -> Iterator[Case]:
    """The text files of this Python, without its packages."""
    paths = sysconfig.get_paths()
    for folder in {paths["stdlib"], paths["include"]}:
        for path in sorted(Path(folder).rglob("*")):
            if path.suffix and not {"site-packages", "__pycache__"} & set(path.parts) and path.is_file():
                yield from _file("installation", path)


def documents() -> Iterator[Case]:
    """The evaluation data's documents, one folder a format."""
    folder = Path(os.environ.get("PROD_RAG_DATA", "../shared/data")) / "docs"
    for path in sorted(folder.glob("*/*")):
        right = _FOLDERS.get(path.parent.name, path.parent.name)
        yield Case("documents", path.name, path.read_text(encoding="utf-8"), frozenset({right}))


def _file(source: str, path: Path) -> Iterator[Case]:
    if path.stat().st_size > _LARGEST:
        return
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    if "\0" not in text:
        name, language = format_of_name(path.name, text) or (None, None)
        if name or path.suffix == ".txt":
            yield Case(source, str(path), text, frozenset({name}) if name else _PLAIN | {"rst"}, language)


def measure() -> tuple[dict[str, Any], list[tuple[Case, str]]]:
    """Shares of right answers by collection and true format, and every miss with what was found."""
    rows: dict[str, Counter[str]] = {}
    misses: list[tuple[Case, str]] = []
    for case in (*descriptions(), *installation(), *documents()):
        if len(case.text.strip()) < _SHORTEST:
            continue
        found, language = detect_format(case.text, {})
        right = case.is_right(found, language)
        kind = next(iter(case.right)) if len(case.right) == 1 else "plain"
        for row in (f"{case.source}: {kind}", case.source, "all"):
            rows.setdefault(row, Counter()).update(n=1, right=right)
        if not right:
            misses.append((case, f"{found} {language or ''}".strip()))
    return {name: {"n": row["n"], "right": row["right"] / row["n"]} for name, row in sorted(rows.items())}, misses


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--misses", action="store_true", help="name every miss")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    report, misses = measure()
    if given.misses:
        for case, found in misses:
            print(f"{case.source}\t{case.name}\t{found}\tnot {'/'.join(sorted(case.right))}", file=sys.stderr)
    if given.json:
        print(json.dumps(report, indent=1))
        return
    for name, row in report.items():
        print(f"{name:32}{row['n']:6}{100 * row['right']:8.1f} %")


if __name__ == "__main__":
    main()
