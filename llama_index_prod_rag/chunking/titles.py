"""Titles that nobody marked: a question, a term or a short line by itself that says what the next block is. Core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import regex

from llama_index_prod_rag.structure.tree import Block

# Twelve words are a long title; what is longer is a sentence. Markup around it (`**Why?**`) does not count.
_TITLE = regex.compile(r"[\s*_#>]*(?P<words>[^\s\n]+(?:[ \t]+[^\s\n]+){0,11}?)[\s*_#]*")
_LONGEST = 80  # characters, the same for scripts without blanks
# A would-be title ends so: without a full stop.
_ENDS_OPEN = regex.compile(r"[?？:：\p{L}\p{N})\]\"”»]\Z")
# A sentence ends so, also behind quotes and emphasis.
_ENDS_CLOSED = regex.compile(r"[.!?。！？][\"'”»)\]*_]*\Z")
_ASKS = ("?", "？", ":", "：")


def glue_titles(blocks: Sequence[Block], text: str) -> list[Block]:
    r"""Mark the paragraphs among some blocks that are titles of the block after them, so that they stay together.

    Examples:
        >>> text = "Why owls?\n\nThey hear very well."
        >>> [block.glued for block in glue_titles([Block("paragraph", 0, 9), Block("paragraph", 11, 31)], text)]
        [True, False]
    """
    heads = [_words_of_title(block, text) for block in blocks]
    glued = list(blocks)
    for index, (words, after) in enumerate(pairwise(heads)):
        if words and not after and _introduces(words, blocks[index + 1], text):
            glued[index] = replace(blocks[index], glued=True)
    return glued


def _words_of_title(block: Block, text: str) -> str:
    """What a block says without its markup, if it could be a title; else nothing."""
    if block.kind != "paragraph" or block.children or block.dropped or block.end - block.start > 2 * _LONGEST:
        return ""
    match = _TITLE.fullmatch(text, block.start, block.end)
    words = match["words"].rstrip("*_# ") if match and len(match["words"]) <= _LONGEST else ""
    return words if _ENDS_OPEN.search(words) else ""


def _introduces(words: str, block: Block, text: str) -> bool:
    """Whether the block after a would-be title is one that a title can stand above."""
    if block.dropped or block.title is not None or block.kind == "heading" or block.continues:
        return False
    longer = block.end - block.start > len(words)
    # A short line without a full stop is a title only above what is not a short line too: sentences, a table, a list.
    says_more = block.kind != "paragraph" or _ENDS_CLOSED.search(text[block.start : block.end].rstrip()) is not None
    return longer and (words.endswith(_ASKS) or says_more)
