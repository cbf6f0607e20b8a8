"""What scholarly text needs together: a symbol and the sentence that brings it in, a theorem and its proof."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from llama_index_prod_rag.structure.tree import Block
from llama_index_prod_rag.text.sentences import split_sentences

# Lengths are bounded: an unclosed dollar sign or a word without end must not be scanned again from every position.
_SYMBOL = (
    r"(?:\$[^$]{1,200}\$|\\\([^)]{0,200}\\\)|(?<!\w)[A-Za-z](?![\w'])|[\u0370-\u03ff](?!\w)"
    r"|(?<!\w)\w{1,20}[_^]\S{1,20})"
)
_VERB = r"(?:[Ll]et|[Ff]ix|[Ss]uppose(?: that)?|[Dd]efine|(?:[Dd]enote|[Ww]rite|called|denoted|written)(?: by| as)?)"
_INTRODUCTION = re.compile(rf"\b{_VERB}\s+{_SYMBOL}|{_SYMBOL}\s+(?:denotes?|stands? for|is defined|:=)")
# Words behind a formula that explain its symbols: the formula and they stay together.
_EXPLANATION = re.compile(r"(?:where|[Hh]ere|with|and|so that|such that|in which|for)\b")
_SENTENCE_END = re.compile(r"[.!?。][\"'”’)\]}]*\Z")
_PROVEN = frozenset({"theorem", "lemma", "proposition", "corollary", "claim", "conjecture", "fact"})


def introduces_symbol(sentence: str) -> bool:
    r"""Whether a sentence gives a symbol its meaning.

    Examples:
        >>> [introduces_symbol(text) for text in ("Let $G$ be a group.", "Let us see.", "where w denotes a weight")]
        [True, False, True]
    """
    return _INTRODUCTION.search(sentence) is not None


def paragraph(text: str, start: int, end: int, displays: Sequence[Block] = ()) -> Block:
    """Make a paragraph whose sentences hold together where one needs the other.

    A sentence that brings in a symbol is glued to the next; one that runs into a displayed equation to that, and the
    equation to the words that explain it (`where ...`).

    Args:
        text: the source.
        start: first character, inclusive.
        end: last character, exclusive.
        displays: equations inside it, in order.

    Returns:
        A `paragraph`; its children are sentences and displays if any of them is glued, else it has none.
    """
    if not displays and not introduces_symbol(text[start:end]):
        return Block("paragraph", start, end)
    parts: list[Block] = []
    position = start
    for display in displays:
        parts += [*_sentences(text, position, display.start), display]
        position = display.end
    parts += _sentences(text, position, end)
    children = tuple(
        replace(part, glued=part.glued or _needs(text, part, following))
        for part, following in zip(parts, [*parts[1:], None], strict=True)
    )
    return Block("paragraph", start, end, children)


def glue(text: str, blocks: Sequence[tuple[int, Block]]) -> list[tuple[int, Block]]:
    """The same blocks, glued to the next where one needs the other; a heading is never glued to from before.

    Args:
        text: the source.
        blocks: (level of a heading or 0, block), siblings in reading order.

    Returns:
        The blocks in the same order. Glued are theorems to their proof, paragraphs that end in a colon or in a
        sentence that brings in a symbol to what follows, and equations to their explanation.
    """
    following = [*(None if level else block for level, block in blocks), None][1:]
    return [
        (level, replace(block, glued=block.glued or (after is not None and _needs(text, block, after))))
        for (level, block), after in zip(blocks, following, strict=True)
    ]


def _sentences(text: str, start: int, end: int) -> list[Block]:
    return [
        Block("sentence", first, last, glued=introduces_symbol(text[first:last]))
        for first, last in split_sentences(text, start, end)
    ]


def _needs(text: str, block: Block, following: Block | None) -> bool:
    """Whether a block would be torn from its meaning by a cut before the following one."""
    if following is None or block.dropped or following.dropped:
        return False
    if block.kind in _PROVEN:
        return following.kind == "proof"
    explained = _EXPLANATION.match(text, following.start) is not None
    last = block.children[-1] if block.kind == "paragraph" and block.children else block
    if last.kind == "equation":
        return explained
    if block.kind == "sentence":
        return following.kind == "equation" and not _ends_sentence(text, block)
    return block.kind == "paragraph" and (last.glued or text.endswith((":", "："), block.start, block.end))


def _ends_sentence(text: str, block: Block) -> bool:
    return _SENTENCE_END.search(text, max(block.start, block.end - 8), block.end) is not None
