"""Titles: their words without what editors and site builders hang on them, and titles that no markup marks. Core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import zip_longest

import regex

from llama_index_prod_rag.structure.tree import Block

# What Sphinx, MkDocs, GitHub and MediaWiki (in its larger languages) put behind a heading's words, as a link.
_EDIT = (
    "edit(?: source)?|bearbeiten|quelltext bearbeiten|modifier|editar|modifica|redigera|bewerken|править|編集|编辑|編輯"
)
_PERMALINK = regex.compile(
    rf"(?i)(?:\s*(?:¶|🔗|[\[［](?:{_EDIT})(?:\s*[|｜]\s*(?:{_EDIT}))*[\]］]|\\?\[\s*\\?\]))+\s*\Z|\A\s*[#¶🔗]+(?=\s*[^\s#])"
)
PERMALINK_WORDS = frozenset({"", "permalink", "link", "anchor", "copy link", "direct link to heading"})
"""What a link to its own heading says, letters and digits alone: most often nothing."""
# Attributes behind a heading, as kramdown and Pandoc write them: `{#id .class key=value}`.
_ATTRIBUTES = regex.compile(r"\s*\{:?\s*(?:[#.][\w:.-]+|[\w-]+=(?:\"[^\"{}]*\"|[^\s{}]*))(?:\s+[^{}]*)?\}\s*\Z")

_LONGEST = 100
"""Characters of a line that can be a title."""
_MOST_WORDS = 10
"""Words of a line that can be a title without any mark."""
# A line that is bold from end to end.
_MARKED = regex.compile(r"\s*(?:(\*\*|__)(?=\S)[^\n]*\S\1|(?:<(?:b|strong)>)[^\n<]*</(?:b|strong)>)\s*[:.?!]?\s*")
# A line that announces what follows, such as `Answer:`.
_ANNOUNCES = regex.compile(r"[:?：？]\W{0,3}\Z")
# Sentences, items and rows end so, titles do not.
_ENDS = regex.compile(r"[.!;,…。！；，、)\]”\"'’»|]\s*\Z")
# Titles begin with a capital, a letter of a script without capitals, or a digit.
_BEGINS = regex.compile(r"\s*[\p{Lu}\p{Lt}\p{Lo}\p{Nd}¿¡]")
_HAS_WORD = regex.compile(r"[\p{L}\p{N}]")


def clean_title(words: str) -> str:
    """Clean a heading's words of permalinks and attributes, and make runs of blanks one.

    Examples:
        >>> clean_title("Install¶"), clean_title("History [edit]"), clean_title("# Use"), clean_title("Options {#opts}")
        ('Install', 'History', 'Use', 'Options')
    """
    bare = _PERMALINK.sub("", _ATTRIBUTES.sub("", words))
    return " ".join((bare if bare.strip() else words).split())


def is_marked_title(text: str) -> bool:
    """Whether a paragraph says by itself that more follows: bold as a whole, a question, or announced by a colon.

    Examples:
        >>> is_marked_title("**How long?**"), is_marked_title("They say:"), is_marked_title("So they say.")
        (True, True, False)
    """
    text = text.strip()
    if not _HAS_WORD.search(text[:_LONGEST]):
        return False
    if _MARKED.fullmatch(text) and len(text) <= 2 * _LONGEST:
        return True
    return text[-1] in ":：" or (len(text) <= _LONGEST and "\n" not in text and _ANNOUNCES.search(text) is not None)


def is_bare_title(text: str) -> bool:
    """Whether a paragraph could be a title without any mark: one short line in capitals that does not end.

    Examples:
        >>> is_bare_title("Care of looms"), is_bare_title("Care for them."), is_bare_title("and so on")
        (True, False, False)
    """
    text = text.strip()
    return (
        "\n" not in text
        and len(text) <= _LONGEST
        and len(text.split()) <= _MOST_WORDS
        and _BEGINS.match(text) is not None
        and _ENDS.search(text) is None
    )


def glue_titles(blocks: Sequence[tuple[int, Block]], words_of: Callable[[Block], str]) -> list[tuple[int, Block]]:
    r"""Glue paragraphs that are titles, in words or in deed, to the block that follows.

    Args:
        blocks: (level, block) as `nest_sections` takes them. A paragraph that is glued already stays so, unless a
            heading or nothing follows.
        words_of: what a block says.

    Returns:
        The same blocks. A title without any mark is glued to a paragraph that is more than a title itself.

    Examples:
        >>> text = "Care\n\nLooms want oil."
        >>> blocks = [(0, Block("paragraph", 0, 4)), (0, Block("paragraph", 6, 21))]
        >>> [block.glued for _, block in glue_titles(blocks, lambda block: text[block.start : block.end])]
        [True, False]
    """
    found: list[tuple[int, Block]] = []
    for (level, block), following in zip_longest(blocks, blocks[1:]):
        if level or block.kind != "paragraph" or block.children:
            found.append((level, block))
        else:
            glued = following is not None and following[0] == 0 and _leads(block, following[1], words_of)
            found.append((level, block if glued is block.glued else replace(block, glued=glued)))
    return found


def _leads(block: Block, following: Block, words_of: Callable[[Block], str]) -> bool:
    if following.dropped:
        return False
    words = words_of(block)
    return block.glued or is_marked_title(words) or (is_bare_title(words) and _is_body(following, words_of))


def _is_body(block: Block, words_of: Callable[[Block], str]) -> bool:
    words = words_of(block) if block.kind == "paragraph" else ""
    return block.kind != "paragraph" or len(words) > _LONGEST or _ENDS.search(words) is not None
