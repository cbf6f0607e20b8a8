r"""LaTeX to blocks: sections, theorems and proofs, equations with the text around them, tables, figures, listings.

One pass over the commands that open and close something; macros are not expanded, so a `\begin` that hides in a macro
is not seen. What is never closed is read as text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from llama_index_prod_rag.structure.latex_accents import render_signs, restore_escaped
from llama_index_prod_rag.structure.lines import strip_span
from llama_index_prod_rag.structure.scholarly import glue, paragraph
from llama_index_prod_rag.structure.sections import nest_sections
from llama_index_prod_rag.structure.tree import Block

_LEVELS = ("part", "chapter", "section", "subsection", "subsubsection", "paragraph", "subparagraph")
_BRACED = r"\{(?:[^{}]|\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})*\}"
_SHORT = r"(?:\s*\[[^\]]{0,500}\])?"
"""The short form of a title; bounded, because an unclosed bracket must not be scanned to the end from every command."""
_TOKEN = re.compile(
    r"(?P<blank>\r?\n[ \t]*\r?\n\s*)"
    r"|(?P<remark>(?m:^)[ \t]*%[^\n]*(?:\n[ \t]*%[^\n]*)*)"  # the whole run: line by line would be quadratic
    r"|(?P<comment>%[^\n]*)"
    r"|\\begin[ \t]*\{(?P<begin>[^{}\s]+)\}"
    r"|\\end[ \t]*\{(?P<end>[^{}\s]+)\}"
    rf"|\\(?P<level>{'|'.join(_LEVELS)})\*?{_SHORT}\s*(?P<title>{_BRACED})(?:\s*\\label\{{[^{{}}]*\}})*"
    r"|(?P<item>\\(?:item|bibitem)(?![A-Za-z]))"
    r"|(?P<display>\\\[|\$\$)"
    rf"|(?P<other>\\verb\*?([^\sA-Za-z*]).{{0,500}}?\11|\\.)"
)
_BEGIN_OR_END = re.compile(r"\\(?P<what>begin|end)[ \t]*\{(?P<name>[^{}\s]+)\}")
_NEW_THEOREM = re.compile(rf"\\newtheorem\*?\{{([^{{}}]+)\}}{_SHORT}\{{([^{{}}]+)\}}")
_TITLE = re.compile(rf"\\title{_SHORT}\s*({_BRACED})")
# The title of a slide, behind its options or by a command of its own.
_SLIDE = re.compile(rf"\\begin[ \t]*\{{frame\}}(?:<[^<>]{{0,40}}>)?{_SHORT}{_SHORT}[ \t]*({_BRACED})")
_FRAME_TITLE = re.compile(rf"\\frametitle(?:<[^<>]{{0,40}}>)?{_SHORT}[ \t]*({_BRACED})")
_HEAD = 500
"""Characters from the beginning of a slide within which its title stands."""
_ALONE = re.compile(r"\n[ \t]*\r?\n|\n?\Z")
"""What follows comments that stand between blank lines."""
_MACRO = re.compile(
    r"\\(?:label|index|thanks|footnote|cite[a-z]*|ref|eqref)\*?(?:\[[^\[\]]{0,100}\])*\{[^{}]*\}"
    r"|\\texorpdfstring\{[^{}]*\}|\\[A-Za-z]+\*?[ \t]*|[{}$]"
)

_VERBATIM = frozenset({"verbatim", "verbatim*", "Verbatim", "lstlisting", "minted", "alltt", "comment", "filecontents"})
_EQUATIONS = frozenset(
    {"equation", "align", "alignat", "flalign", "gather", "multline", "eqnarray", "displaymath", "math"}
)
_TABLES = frozenset({"table", "tabular", "tabularx", "longtable", "array"})
_FIGURES = frozenset({"figure", "wrapfigure", "tikzpicture", "picture", "algorithm", "algorithmic"})
_LISTS = frozenset({"itemize", "enumerate", "description", "compactitem", "compactenum"})
_KINDS = {
    "defn": "definition",
    "dfn": "definition",
    "eg": "example",
    "ex": "example",
    "lem": "lemma",
    "pf": "proof",
    "prop": "proposition",
    "cor": "corollary",
    "rem": "remark",
    "rmk": "remark",
    "thebibliography": "references",
    "thm": "theorem",
}
_MAX_DEPTH = 40
"""Environments nested deeper than this are read as text."""


def read_latex(text: str) -> Block:
    r"""Sections and environments, each under its own name.

    A displayed equation is part of the paragraph around it. Theorem-like environments are known by their usual names
    and by the document's `\newtheorem`; a theorem is glued to its proof, and a paragraph that announces or introduces
    what follows to that. Comments that stand alone are `dropped`; those inside a paragraph remain in it.

    Returns:
        The root block; its title is the document's `\title`. What comes before `\begin{document}` is `front_matter`.

    Examples:
        >>> root = read_latex(r"\section{Birds} They sing. \begin{proof} See. \end{proof}")
        >>> [(block.kind, block.title) for block in root.walk()][1:]
        [('section', 'Birds'), ('heading', None), ('paragraph', None), ('proof', None), ('paragraph', None)]
    """
    machine = _Machine(text, _theorem_names(text))
    machine.run()
    root = nest_sections(glue(text, machine.finish()), len(text))
    title = _TITLE.search(text)
    return replace(root, title=_strip_macros(title[1]) or None) if title else root


def _theorem_names(text: str) -> dict[str, str]:
    return {name: printed.strip().lower() for name, printed in _NEW_THEOREM.findall(text)}


def _strip_macros(source: str) -> str:
    r"""A title without its macros: `{The \emph{Art}~of G\"odel}` to `The Art of Gödel`."""
    shown = render_signs(source.replace("\\\\", " "))
    return restore_escaped(" ".join(_MACRO.sub("", shown).split()))


@dataclass(slots=True)
class _Frame:
    """An environment that is still open."""

    name: str
    kind: str
    start: int
    blocks: list[tuple[int, Block]] = field(default_factory=list)
    paragraph: int | None = None
    end: int = 0
    equations: list[Block] = field(default_factory=list)


class _Machine:
    """Reads the tokens in order; `stack` holds the open environments, the document itself first."""

    def __init__(self, text: str, theorems: dict[str, str]) -> None:
        self.text = text
        self.theorems = theorems
        self.stack = [_Frame("", "document", 0)]
        self.closings = _closings(text)
        self.never_closed: set[str] = set()

    def run(self) -> None:
        position = 0
        while match := _TOKEN.search(self.text, position):
            self._read(position, match.start())
            position = max(self._take(match), match.end())
        self._read(position, len(self.text))

    def finish(self) -> list[tuple[int, Block]]:
        while len(self.stack) > 1:
            self._close(len(self.text))
        self._end_paragraph()
        return self.stack[0].blocks

    def _take(self, match: re.Match[str]) -> int:
        """Acts on a token; returns where to read on."""
        frame, start, end = self.stack[-1], match.start(), match.end()
        if match["blank"]:
            self._end_paragraph()
        elif match["remark"] and frame.paragraph is None and _ALONE.match(self.text, end):
            self._remark(start, end)
        elif match["begin"]:
            return self._begin(match["begin"], start, end)
        elif match["end"]:
            self._end(match["end"], start, end)
        elif match["level"] and len(self.stack) == 1:
            self._end_paragraph()
            level = _LEVELS.index(match["level"]) + 1
            frame.blocks.append((level, Block("heading", start, end, title=_strip_macros(match["title"]))))
        elif match["item"] and self._in_list():
            self._item(match["item"], start, end)
        elif match["display"]:
            return self._display({"\\[": "\\]", "$$": "$$"}[match["display"]], start, end)
        else:
            self._read(start, end)
        return end

    def _read(self, start: int, end: int) -> None:
        """Text: opens a paragraph or goes on with it."""
        start, end = strip_span(self.text, start, end)
        if start < end:
            frame = self.stack[-1]
            frame.paragraph = start if frame.paragraph is None else frame.paragraph
            frame.end = end

    def _end_paragraph(self) -> None:
        frame = self.stack[-1]
        if frame.paragraph is not None:
            frame.blocks.append((0, paragraph(self.text, frame.paragraph, frame.end, frame.equations)))
            frame.paragraph, frame.equations = None, []

    def _remark(self, start: int, end: int) -> None:
        blocks = self.stack[-1].blocks
        start, end = strip_span(self.text, start, end)
        # Behind a heading it is kept: dropping it would part the heading from its section.
        behind_heading = bool(blocks) and blocks[-1][0] > 0
        blocks.append((0, Block("comment", start, end, dropped=not behind_heading, glued=behind_heading)))

    def _begin(self, name: str, start: int, end: int) -> int:
        plain = name.rstrip("*")
        if name == "document" and len(self.stack) == 1:
            self._front_matter(end)
            return end
        leaf = _leaf_kind(name)
        close = self._find(f"\\end{{{name}}}", end) if leaf == "code" else self.closings.get(start)
        if (leaf and close is None) or len(self.stack) > _MAX_DEPTH:
            self._read(start, end)
            return end
        if leaf == "equation" and close is not None:
            self._equation(start, close)
            return close
        self._end_paragraph()
        if leaf and close is not None:
            self.stack[-1].blocks.append((0, Block(leaf, start, close)))
            return close
        kind = "list" if plain in _LISTS else self.theorems.get(name, _KINDS.get(plain, plain))
        self.stack.append(_Frame(name, kind, start, end=end))
        return end

    def _end(self, name: str, start: int, end: int) -> None:
        if name == "document" and len(self.stack) == 1:
            self._end_paragraph()
            self.stack[0].blocks.append((0, Block("markup", start, end, dropped=True)))
            return
        if name not in (frame.name for frame in self.stack[1:]):
            self._read(start, end)
            return
        while self.stack[-1].name != name:
            self._close(start)
        self._close(end)

    def _close(self, end: int) -> None:
        self._end_paragraph()
        frame = self.stack.pop()
        _, end = strip_span(self.text, frame.start, end)
        above = self.stack[-1].blocks
        first = next((place for place, (_, block) in enumerate(frame.blocks) if block.kind == "reference"), None)
        if len(self.stack) == 1 and first is not None:
            # A section of its own beside the outermost ones, not a part of the last.
            level = min((level for level, _ in above if level > 0), default=1)
            begins = frame.blocks[first][1].start  # what stands before it, such as the widest label, is not an entry
            heading = Block("heading", *strip_span(self.text, frame.start, begins), title="References")
            *entries, (_, last) = frame.blocks[first:]
            above += [(level, heading), *entries, (0, replace(last, end=end))]
            return
        title = "Abstract" if frame.kind == "abstract" else None
        if frame.kind == "frame":
            title = self._slide(frame.start, end)
        children = tuple(block for _, block in glue(self.text, frame.blocks))
        above.append((0, Block(frame.kind, frame.start, end, children, title=title)))

    def _slide(self, start: int, end: int) -> str | None:
        """The title of a slide of beamer."""
        match = _SLIDE.match(self.text, start, end) or _FRAME_TITLE.search(self.text, start, min(end, start + _HEAD))
        return _strip_macros(match[1]) or None if match is not None else None

    def _item(self, command: str, start: int, end: int) -> None:
        if self.stack[-1].name == "":
            self._close(start)
        self._end_paragraph()
        self.stack.append(_Frame("", "reference" if command == "\\bibitem" else "item", start, end=end))

    def _in_list(self) -> bool:
        """Whether the innermost environment, items aside, is a list."""
        kinds = [frame.kind for frame in self.stack[-2:]]
        return kinds[-1] in ("list", "references") or (len(kinds) == 2 and kinds[-1] in ("item", "reference"))

    def _display(self, closing: str, start: int, end: int) -> int:
        close = self._find(closing, end)
        if close is None:
            self._read(start, end)
            return end
        self._equation(start, close)
        return close

    def _equation(self, start: int, end: int) -> None:
        self._read(start, end)
        self.stack[-1].equations.append(Block("equation", start, end))

    def _front_matter(self, end: int) -> None:
        """Everything up to here is one block: packages, macros, the title."""
        self._end_paragraph()
        self.stack[0].blocks = [(0, Block("front_matter", *strip_span(self.text, 0, end)))]

    def _find(self, closing: str, position: int) -> int | None:
        if closing in self.never_closed:
            return None
        found = self.text.find(closing, position)
        if found < 0:
            self.never_closed.add(closing)
            return None
        return found + len(closing)


def _closings(text: str) -> dict[int, int]:
    r"""Where each `\begin` of an environment that is not looked into starts -> behind the `\end` that closes it."""
    closings: dict[int, int] = {}
    open_starts: dict[str, list[int]] = {}
    for match in _BEGIN_OR_END.finditer(text):
        starts = open_starts.setdefault(match["name"], [])
        if match["what"] == "begin":
            starts.append(match.start())
        elif starts:
            closings[starts.pop()] = match.end()
    return closings


def _leaf_kind(name: str) -> str | None:
    """The kind of an environment that is not looked into, or None."""
    if name in _VERBATIM:
        return "code"
    plain = name.rstrip("*")
    kinds = (("equation", _EQUATIONS), ("table", _TABLES), ("figure", _FIGURES))
    return next((kind for kind, names in kinds if plain in names), None)
