"""Research papers as plain text: title, abstract, sections, captions, theorems, references.

Text that came out of a PDF does not have markup, so headings are known by their numbers or by the names that papers
use, and only where they stand in a line of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from llama_index_prod_rag.structure.lines import paragraph_spans, strip_span
from llama_index_prod_rag.structure.numbering import Outline, readings
from llama_index_prod_rag.structure.scholarly import glue, paragraph
from llama_index_prod_rag.structure.sections import nest_sections
from llama_index_prod_rag.structure.tree import Block

# The heading above the list of references, where entries and not sections follow.
_REFERENCES = re.compile(
    r"(?:(?:\d{1,2}|[IVX]{1,5})\.?[ \t]+)?(?i:references|bibliography|(?:literature|works) cited)[.:]?"
)
# Headings without a number, by the names that papers give their sections.
_NAMED = re.compile(
    r"(?i:abstract|summary|keywords|introduction|background|motivation|preliminaries|notation|related work"
    r"|(?:(?:materials?|patients|subjects) and )?methods?|methodology|experiments?"
    r"|experimental (?:setup|design|results)|evaluation|results?(?: and discussion)?"
    r"|discussions?(?: and conclusions?)?|limitations?|concluding remarks"
    r"|conclusions?(?: and (?:future work|outlook))?|future work|ethics(?: statement)?|acknowledge?ments?|funding"
    r"|author contributions|(?:conflicts? of|competing) interests?|data availability|appendi(?:x|ces)"
    r"|supplementary (?:material|information))[.:]?"
)
# Headings with a number: `2.1 Data`, `IV. Results`, `A. Proofs`, `Appendix B.1 Tables`.
_NUMBERED = re.compile(
    r"(?:(?P<decimal>\d{1,2}(?:\.\d{1,2}){0,3})\.?|(?P<roman>[IVX]{1,5})\.|(?P<letter>[A-Z])\."
    r"|(?P<appendix>(?:Appendix[ \t]+)?[A-Z](?:\.\d{1,2}){0,2})[.:]?)[ \t]+[A-Z][^\r\n]{0,90}"
)
# An abstract whose heading stands in its first line: `Abstract. We show`.
_INLINE_ABSTRACT = re.compile(r"(?i:abstract)[ \t]*[.:—–-][ \t]*(?=\S)")
# Captions of figures, tables and algorithms: blocks of a kind of their own.
_CAPTION = re.compile(
    r"(?:(?:Supplementary|Extended Data)[ \t]+)?(?:Fig(?:ure)?|Table|Algorithm|Scheme|Box)\.?"
    r"[ \t]+[A-Z]?\d+[A-Za-z]?[ \t]*[.:|—–-]"
)
# Theorems and their like, with number, origin and name: `Theorem 2.1 (Bayes).`
_STATEMENT = re.compile(
    r"(Theorem|Lemma|Proposition|Corollary|Definition|Claim|Conjecture|Remark|Example|Assumption|Proof)\b"
    r"(?:[ \t]+[A-Z]?\d+(?:\.\d+)*)?(?:[ \t]+of[ \t]+[^.:\n]{1,60})?(?:[ \t]*\([^()\n]{1,80}\))?[ \t]*[.:]"
)
# The beginning of an entry in the list of references: `[12]`, `12.`
_ENTRY = re.compile(r"^[ \t]*(?:\[[^\]\n]{1,12}\]|\d{1,3}\.)[ \t]+\S", re.MULTILINE)
_LINE = re.compile(r"[^\r\n]+")
_LINE_BREAK = 200
"""Characters before a line in which the end of the line above is looked for."""
_LONGEST_TITLE = 300
"""Characters of a first paragraph that can be the title."""
_MOST_WORDS = 14
"""A numbered line with more words is a sentence or an item of a list."""


def read_paper(text: str) -> Block:
    r"""Sections by number or name, with the abstract, captions, theorem-like statements and references told apart.

    A paragraph is glued to the next where it announces it or brings in a symbol, a theorem to its proof.

    Returns:
        The root block; its title is the paper's. A section of references holds a `reference` for each entry.

    Examples:
        >>> root = read_paper("On Owls\n\nAbstract\nThey see.\n\n1 Introduction\nNight.\n\nReferences\n[1] B.\n[2] C.")
        >>> root.title, [(block.kind, block.title) for block in root.children[1:]]
        ('On Owls', [('section', 'Abstract'), ('section', '1 Introduction'), ('section', 'References')])
    """
    blocks = list(_Reader(text).blocks())
    title = None
    if blocks and blocks[0][1].kind == "title":
        title = " ".join(text[blocks[0][1].start : blocks[0][1].end].split())
    return replace(nest_sections(glue(text, blocks), len(text)), title=title)


class _Reader:
    """Goes through the paragraphs; `outline` holds the numbers of the open sections."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.outline = Outline()
        self.in_references = False
        self.in_appendix = False

    def blocks(self) -> Iterator[tuple[int, Block]]:
        """Yield blocks with the levels of headings; 0 for all others."""
        first = True
        for start, end in paragraph_spans(self.text, 0, len(self.text)):
            position = start
            for line in _LINE.finditer(self.text, start, end):
                was_in_references = self.in_references
                if (level := self._level(position, line.start(), line.end())) == 0:
                    continue
                yield from self._body(position, line.start(), first=first, in_references=was_in_references)
                yield level, Block("heading", *strip_span(self.text, line.start(), line.end()), title=self._words(line))
                position, first = line.end(), False
            yield from self._body(position, end, first=first, in_references=self.in_references)
            first = False

    def _level(self, opened: int, start: int, end: int) -> int:
        """The level of the heading that a line is, or 0; `opened` is where its paragraph began."""
        words = self.text[start:end].strip()
        if not words[:1].isalnum() or words[:1].islower():
            return 0
        if _REFERENCES.fullmatch(words) or _NAMED.fullmatch(words):
            self.in_references = _REFERENCES.fullmatch(words) is not None
            self.in_appendix = self.in_references or words.lower().startswith("appendi")
            return 1
        match = _NUMBERED.fullmatch(words)
        above = self.text[max(opened, start - _LINE_BREAK) : start].rstrip()
        inside = bool(above) and above[-1] not in ".!?:)]"
        if match is None or inside or words[-1] in ".,;:!?" or len(words.split()) > _MOST_WORDS:
            return 0
        level = self._read_number(match)
        self.in_references = self.in_references and level == 0
        return level

    def _read_number(self, match: re.Match[str]) -> int:
        if match["appendix"]:
            if not self.in_appendix and not match["appendix"].startswith("Appendix"):
                return 0
            self.in_appendix = True
            return 1 + match["appendix"].count(".")
        if self.in_references or (match["letter"] and not self.outline.path):  # the initials of an author
            return 0
        number = match["decimal"] or match["roman"] or match["letter"]
        taken = self.outline.take(readings(number, sign="."), number, begins_line=False)
        return 0 if taken is None else len(self.outline.path)

    def _body(self, start: int, end: int, *, first: bool, in_references: bool) -> Iterator[tuple[int, Block]]:
        start, end = strip_span(self.text, start, end)
        if start == end:
            return
        if first and end - start <= _LONGEST_TITLE and _INLINE_ABSTRACT.match(self.text, start) is None:
            yield 0, Block("title", start, end, glued=True)
        elif in_references:
            yield from ((0, entry) for entry in self._entries(start, end))
        else:
            yield 0, self._paragraph(start, end)

    def _paragraph(self, start: int, end: int) -> Block:
        if _INLINE_ABSTRACT.match(self.text, start):
            return Block("abstract", start, end, (paragraph(self.text, start, end),), title="Abstract")
        if _CAPTION.match(self.text, start):
            return Block("caption", start, end)
        block = paragraph(self.text, start, end)
        statement = _STATEMENT.match(self.text, start)
        return replace(block, kind=statement[1].lower()) if statement is not None else block

    def _entries(self, start: int, end: int) -> Iterator[Block]:
        starts = [match.start() for match in _ENTRY.finditer(self.text, start, end)]
        for first, last in zip([start, *starts], [*starts, end], strict=True):
            span = strip_span(self.text, first, last)
            if span[0] < span[1]:
                yield Block("reference", *span)

    def _words(self, line: re.Match[str]) -> str:
        return " ".join(line.group().split()).rstrip(":.")
