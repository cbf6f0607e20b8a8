"""How long each reader takes for five megabytes, generated and real.

    python -m benchmarks.structure_speed [--data DIR] [--megabytes 5] [--json]

Generated texts repeat one piece of the format; real ones repeat the files of their kind: the documents in the data
folder's `docs`, and the code of this Python installation and its packages. A reader makes the tree of blocks; chunking
is not in the time. `seconds` is processor time of one run; the goal is 20 for five megabytes.
"""

from __future__ import annotations

import argparse
import json
import os
import sysconfig
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from llama_index_prod_rag.structure import read
from llama_index_prod_rag.structure.definitions import find_definitions
from llama_index_prod_rag.structure.grammars import GRAMMARS

_GENERATED = {
    "markdown": "# Birds\n\nThey *sing* in `May`.\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n",
    "html": "<h2>Birds</h2><p>They <b>sing</b> in May.</p><table><tr><th>a<td>1</table><ul><li>one<li>two</ul>\n",
    "rst": "Birds\n=====\n\nThey *sing* in May::\n\n    code\n\n- one\n\n  more\n\n.. note:: so\n\n",
    "latex": "\\section{Birds}\n% a note\n% of two lines\nLet $x$ be so. \\begin{proof} See. \\end{proof}\n\n",
    "legal": 'Section 12A. Duties\n\n(1) "Fee" means (a) one or (b) two, see § 3a.\n\n(a) He pays; and\n\nAll.\n\n',
    "paper": "2 Methods\nLet X be a set of things that are counted here.\n\nFigure 1: It.\n\n[1] A. B.\n\n",
    "lines": "12:00:01 INFO the server has started on port 80\n  at line 3\n\n",
    "csv": 'Ann,12,"two\nlines"\nBob,13,one\n',
    "email": "They sing in May.\n\n> When?\n> Tell me.\n\n",
    "notebook": '{"cell_type": "markdown", "source": ["## Birds\\n", "They \\"sing\\" in May."]},\n',
    "chat": '{"author": "Ann", "ts": 1700000000, "text": "They \\"sing\\" in May.\\nAll day."},\n',
    "prose": "They sing in May. In June they do not, says Dr. Li.\nThat is all.\n\n",
    "python": '@dec\ndef f(x):\n    """Doc."""\n    return g(x, \'é\')\n\n\n# Of all\n\nclass A:\n    x = 1\n\n',
    "javascript": "// adds\nconst f = async (x) => {\n  return g(x);\n};\n",
    "typescript": "export class A<T> {\n  add(x: T): void {\n    this.items.push(x);\n  }\n}\n",
    "tsx": "function App() {\n  return <div>hi</div>;\n}\n",
    "java": "@Ann\nclass A {\n  int f(int x) {\n    return x;\n  }\n}\n",
    "kotlin": "class A(val x: Int) {\n  fun f(): Int {\n    return x\n  }\n}\n",
    "csharp": "class A {\n  int F(int x) {\n    return x;\n  }\n}\n",
    "go": "// Doc\nfunc (a *A) F(x int) error {\n\treturn nil\n}\n",
    "rust": "/// doc\nfn f(x: i32) -> i32 {\n    x + 1\n}\n",
    "c": "/* doc */\nint f(int x) {\n  return x;\n}\n",
    "cpp": "template <typename T>\nclass A {\n public:\n  T f(T x) { return x; }\n};\n",
    "php": "function f($x) {\n  return $x;\n}\n",
    "ruby": "class A\n  # adds\n  def f(x)\n    x + 1\n  end\nend\n",
    "bash": "# adds\nf() {\n  echo $1\n}\nf 1\n",
    "sql": "-- all\nCREATE TABLE a (\n  id INT PRIMARY KEY,\n  name TEXT\n);\nSELECT id FROM a WHERE id > 1;\n",
    "yaml": "- name: build\n  steps:\n    - run: make\n    - run: test\n",
}
_WRAPS = {
    "php": ("<?php\n", ""),
    "email": ("From: ann@x.org\nSubject: Birds\n\n", ""),
    "notebook": ('{"nbformat": 4, "metadata": {}, "cells": [\n', '{"cell_type": "raw", "source": []}]}'),
    "chat": ("[", '{"author": "Bob", "text": "Well."}]'),
}
"""What generated texts begin and end with."""
_FOLDERS = {
    "markdown": "markdown",
    "html": "html",
    "rst": "rst",
    "latex": "tex",
    "legal": "legal",
    "paper": "papers",
}
_EXTENSIONS = {
    "python": "py",
    "javascript": "js",
    "typescript": "ts",
    "c": "h",
    "cpp": "hpp",
    "yaml": "yaml",
    "bash": "sh",
}
_MOST_FILES = 400


def real_text(kind: str, data: Path, size: int) -> str | None:
    """Files of a kind, one after the other and over again, up to a number of characters; None where there are none."""
    texts = list(_files(kind, data))
    whole = "\n\n".join(texts)
    return (
        None if not whole.strip() else (whole + "\n\n") * (size // (len(whole) + 2)) + whole[: size % (len(whole) + 2)]
    )


def _files(kind: str, data: Path) -> Iterator[str]:
    if kind in _FOLDERS:
        folder = data / "docs" / _FOLDERS[kind]
        paths = iter(sorted(folder.iterdir())) if folder.is_dir() else iter(())
    elif kind in _EXTENSIONS:
        paths = Path(sysconfig.get_paths()["purelib"]).rglob(f"*.{_EXTENSIONS[kind]}")
    else:
        return
    for path in islice(paths, _MOST_FILES):
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            yield file.read()


def seconds(kind: str, text: str) -> float:
    """Processor time of one reading."""
    began = time.process_time()
    if kind in GRAMMARS:
        read(text, "code", kind)
    else:
        read(text, kind)
    if kind == "legal":
        find_definitions(text)
    return time.process_time() - began


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PROD_RAG_DATA", "../shared/data")))
    parser.add_argument("--megabytes", type=float, default=5.0)
    parser.add_argument("--kinds", nargs="+", choices=tuple(_GENERATED), default=tuple(_GENERATED))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    size = int(given.megabytes * 1_000_000)
    rows: dict[str, dict[str, float | None]] = {}
    for kind in given.kinds:
        real = real_text(kind, given.data, size)
        piece = _GENERATED[kind]
        start, end = _WRAPS.get(kind, ("", ""))
        generated = start + piece * (size // len(piece)) + end
        rows[kind] = {"generated": seconds(kind, generated), "real": None if real is None else seconds(kind, real)}
        if not given.json:
            shown = "" if rows[kind]["real"] is None else f"{rows[kind]['real']:10.1f}"
            print(f"{kind:12}{rows[kind]['generated']:10.1f}{shown}", flush=True)
    if given.json:
        print(json.dumps({"megabytes": given.megabytes, "seconds": rows}, indent=1))


if __name__ == "__main__":
    main()
