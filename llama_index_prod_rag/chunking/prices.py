"""What a chunk boundary costs at each kind of place. Core: numbers alone.

The unit is the segmentation's size term: a chunk half or one and a half the mean size costs 0.25, one twice the mean
1. Negative prices invite a boundary. All were chosen together on the chunking benchmark (`benchmarks.chunking`) and
the structure gold set (`benchmarks.structure`); what matters is their order, small changes do not show.
"""

from __future__ import annotations

from llama_index_prod_rag.chunking.segmentation import NEVER
from llama_index_prod_rag.structure.tree import Block

BEFORE_LARGE_SECTION = -4.0
"""Before and after a section that is itself cut: dearer to cross than any unevenness, or its first and last chunk would
share a chunk with a neighbor and lose the heading path."""

BEFORE_SECTION = -0.6
"""A little better than a paragraph: small sections under one heading may still share a chunk."""

BEFORE_BLOCK = -0.5
"""A block inside a quote, an item or the like: priced as a paragraph of the document."""

BEFORE_PARAGRAPH = -0.5
"""Writers break paragraphs where a thought ends; worth a chunk 0.7 of the mean off its size."""

BEFORE_LINE = -0.25
"""A line that was ended on purpose, in a stretch that also has blank lines, which say more."""

INSIDE_LINES = 0.2
"""Where a line goes on in lower case after one without a full stop: perhaps one sentence broken by hand."""

BETWEEN_ITEMS = 0.05
"""Items, rows and statements belong together a little more than sentences, which cost nothing to part."""

INSIDE_LIST = 0.5
"""Before (b) after "(a) rain;": the sentence goes on."""

INSIDE_SENTENCE_AT_LINE = 1.0
"""Inside a sentence, but where a line ends: half as bad as inside the line."""

INSIDE_SENTENCE = 2.0
"""Only where a sentence is over the budget by itself: a boundary here is worse than any unevenness."""

NO_WORD = 50.0
"""Before and after what does not hold a word (a rule, dotted lines): it joins a neighbor wherever it fits, even where
that leaves a chunk too small."""

AFTER_SIGNATURE = NEVER / 10
"""Where a definition's head does not fit with its body, its decorators stay with the head: this joint breaks first."""

CODE_KINDS = frozenset({"class", "code", "comment", "docstring", "function", "signature", "statement"})
"""Blocks of source code: indentation means something in them."""

LINE_KINDS = CODE_KINDS | {"front_matter", "math", "row", "table", "table_header"}
"""Blocks whose lines are what they are made of: sentences are not looked for in them."""


def is_section(block: Block) -> bool:
    """Whether a block begins something new under a name of its own."""
    return (block.title is not None or block.kind == "section") and not block.continues


def price_before(parent: Block, child: Block) -> float:
    """Price a boundary before a block, by what it is and what it stands in."""
    if is_section(child):
        return BEFORE_SECTION
    if child.continues:
        return INSIDE_LIST
    if child.kind in {"item", "row", "statement", "line"}:
        return BETWEEN_ITEMS
    if child.kind == "sentence":
        return 0.0
    return BEFORE_PARAGRAPH if parent.kind in {"document", "section"} else BEFORE_BLOCK
