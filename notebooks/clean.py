"""Leave in notebooks what readers want, printed results and plots, and take out what only makes noise in a diff.

    python notebooks/clean.py notebooks/*.ipynb           # clean in place
    python notebooks/clean.py --check notebooks/*.ipynb   # only say which are not clean

Out go execution counts, times, what was written to standard error, and metadata of the editor; a failed cell's output,
a file over 400 kB or a path of this machine is an error.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nbformat

MOST_BYTES = 400_000
_KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}


def cleaned(text: str) -> str:
    """A notebook as it is committed."""
    book = nbformat.reads(text, as_version=4)
    book.metadata = nbformat.from_dict({**_KERNEL, "language_info": {"name": "python"}})
    for number, cell in enumerate(book.cells, start=1):
        cell.id = f"cell-{number:02d}"
        cell.metadata = nbformat.from_dict({})
        if cell.cell_type == "code":
            cell.execution_count = None
            cell.outputs = [_plain(output) for output in cell.outputs if output.get("name") != "stderr"]
    return str(nbformat.writes(book)) + "\n"


def _plain(output: Any) -> Any:
    if "execution_count" in output:
        output.execution_count = None
    if "metadata" in output:
        output.metadata = nbformat.from_dict({})
    return output


def faults(text: str) -> list[str]:
    """What must not be committed."""
    book = nbformat.reads(text, as_version=4)
    failed = any(output.output_type == "error" for cell in book.cells for output in cell.get("outputs", ()))
    found = ["a cell failed"] if failed else []
    if len(text.encode()) > MOST_BYTES:
        found.append(f"larger than {MOST_BYTES // 1000} kB")
    found += [f"it names the path {path}" for path in (str(Path.home()) + "/", str(Path.cwd()) + "/") if path in text]
    return found


def main(arguments: list[str]) -> int:
    """Clean or check the notebooks; 1 where something is wrong."""
    check = "--check" in arguments
    wrong = 0
    for path in (Path(argument) for argument in arguments if argument != "--check"):
        text = path.read_text(encoding="utf-8")
        clean = cleaned(text)
        problems = faults(clean) + (["not clean: run `make notebooks`"] if check and clean != text else [])
        for problem in problems:
            sys.stderr.write(f"{path}: {problem}\n")
        wrong += bool(problems)
        if not check and clean != text:
            path.write_text(clean, encoding="utf-8")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
