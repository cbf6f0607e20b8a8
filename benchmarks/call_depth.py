"""How many of the package's own functions are on the stack at once while a document is parsed.

    python -m benchmarks.call_depth

Prints for each format the deepest stack of a parser, how often that enters the room `chunking` from outside, and the
deepest of the format's reader, which is counted apart: a reader goes as deep as its format nests. The texts have what
makes a way long: sections that are cut, sentences and words over the budget, metadata that has to be shortened, an
embedding model. Comprehensions and generator expressions are counted with the function they stand in.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from llama_index.core.embeddings import MockEmbedding
from llama_index.core.schema import Document

import llama_index_prod_rag
from llama_index_prod_rag.node_parser import DocumentAwareNodeParser, SemanticChunker
from llama_index_prod_rag.structure import read

_OWN = str(Path(llama_index_prod_rag.__file__).parent)
_STRUCTURE = str(Path(_OWN) / "structure")
_COMPREHENSIONS = {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"}

_WORDS = "Dr. Li met Mr. Ray at 5 p.m. on Monday, e.g. for tea. They spoke of \u0301owls\u200d, ships and rain. " * 12
_LONG = "word" * 400 + " and " + "\u0e01\u0e34" * 300
TEXTS: Mapping[str, str] = {
    "prose": f"= Birds =\n{_WORDS}\n\n{_LONG}\n\n== Owls ==\n{_WORDS}",
    "markdown": f"# Birds\n\n{_WORDS}\n\n## {'A long heading of a part ' * 20}\n\n- {_WORDS}\n- {_LONG}\n\n"
    "| a | b |\n|---|---|\n" + "| one cell | another cell |\n" * 40,
    "html": f"<h1>Birds</h1><p>{_WORDS}</p><ul><li>{_LONG}</li></ul><table><tr><th>A</th></tr>"
    + "<tr><td>one cell</td></tr>" * 40
    + "</table>",
    "rst": f"Birds\n=====\n\n{_WORDS}\n\n.. note:: {_WORDS}\n\n{_LONG}\n",
    "latex": f"\\section{{Birds}}\n{_WORDS}\n\\begin{{itemize}}\\item {_WORDS}\\end{{itemize}}\n% gone\n\n{_LONG}\n",
    "legal": f'ARTICLE I\n\nSection 1.1 Terms. "Fee" means {_WORDS}\n(a) {_WORDS}; and\n(b) {_LONG}\n',
    "paper": f"Abstract\n{_WORDS}\n\n1 Introduction\n{_WORDS}\n\nReferences\n[1] A. B. {_LONG}\n",
    "code": f'class A:\n    """{_WORDS}"""\n\n    @property\n    def f(self):\n        x = "{_LONG}"\n'
    + "        y = 1\n" * 90,
}


class Depth:
    """Follows own functions while it is entered."""

    def __init__(self, *, leave_out: str = "") -> None:
        self._left_out = leave_out
        self.deepest: list[str] = []
        self._names: list[str] = []

    def __enter__(self) -> Depth:
        sys.setprofile(self._follow)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _follow(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        own = code.co_filename.startswith(_OWN) and code.co_name not in _COMPREHENSIONS
        left_out = bool(self._left_out) and code.co_filename.startswith(self._left_out)
        if not own or left_out or event not in {"call", "return"}:
            return
        if event == "return":
            self._names.pop()
            return
        self._names.append(f"{Path(code.co_filename).relative_to(_OWN)}:{code.co_name}")
        if len(self._names) > len(self.deepest):
            self.deepest = list(self._names)

    @property
    def entries(self) -> int:
        """How often the deepest stack enters the room `chunking` from another one."""
        inside = [name.startswith("chunking") for name in self.deepest]
        return sum(now and not before for before, now in zip([False, *inside], inside, strict=False))


def depths(format_name: str) -> dict[str, Depth]:
    """The deepest stacks of both parsers on the text of a format, without the reader, and of the reader alone."""
    text = TEXTS[format_name]
    metadata = {"title": "Birds", "summary": "many words " * 60}
    settings: dict[str, Any] = {"chunk_size": 60, "min_size": 5, "chunk_overlap": 10, "tokenizer": "offline"}
    kind = {"format": format_name, "language": "python"}
    aware = DocumentAwareNodeParser(**kind, **settings, include_parents=True, define_terms=True)
    semantic = SemanticChunker(**settings, embed_model=MockEmbedding(embed_dim=3))
    reader = Depth()
    read(text, format_name, "python")  # loads what is loaded on first use
    with reader:
        read(text, format_name, "python")
    found = {"reader": reader}
    for name, parser in (("DocumentAwareNodeParser", aware), ("SemanticChunker", semantic)):
        found[name] = Depth(leave_out=_STRUCTURE)
        with found[name]:
            parser.get_nodes_from_documents([Document(text=text, metadata=metadata)])
    return found


def main() -> None:
    """Print the counts, and the stack of the deepest."""
    for format_name in TEXTS:
        for name, depth in depths(format_name).items():
            entries = f", enters chunking {depth.entries} times" if depth.entries else ""
            sys.stdout.write(f"{format_name}, {name}: {len(depth.deepest)} own functions deep{entries}\n")
            sys.stdout.write(f"    {' > '.join(depth.deepest)}\n")


if __name__ == "__main__":
    main()
