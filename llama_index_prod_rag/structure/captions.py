"""What names a clause: words behind its number, below it, above it. Core: strings alone.

A caption is short, ends no sentence and says nothing: what might be a sentence is not a caption.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from llama_index_prod_rag.structure.lines import paragraph_spans
from llama_index_prod_rag.structure.pages import UNENDED

# A line of signs below a caption, which belongs to the caption.
UNDERLINE = re.compile(r"[ \t]*(?:\r?\n)[ \t]*[-=~_*]{3,}[ \t]*(?=[\r\n]|\Z)")
# A defined term that a definition begins with; blanks and words are bounded, so that no quote is scanned for long.
_TERM = re.compile(r"\s{0,40}[\"“„«]([^\"“”„«»\n]{1,80})[\"”“»]")
# The words behind a number up to a full stop, or up to a line end below which something new begins.
_BEHIND = re.compile(
    r"[ \t\u3000]{0,40}(?:[:–—-][ \t]*)?(?P<words>[\"“(\[]?(?:[^\W_a-z]|\d)[^\r\n.:;。；：]{0,80}?)"
    r"(?:\.(?=\s|\Z)|[.:]?[ \t]{0,40}"
    r"(?:\Z|\r?\n(?=[ \t]*(?:\r?\n|[^\W_a-z]|[\"“„«§]|[(（][\w]{1,4}[)）]|[-=~_*]{3}|\Z))))"
)
# A caption may run over two lines; three are a paragraph.
_TWO_LINES = re.compile(r"[^\r\n]+(?:\r?\n[^\r\n]+)?")
# What a caption does not end with: sentences and items of lists do.
_SENTENCE_SIGN = re.compile(r"[.;:,。；：，、][\"”’')\]]*\Z")
# Verbs that make a sentence of words, in the languages whose statutes and contracts are read.
_FINITE_VERBS = (
    "agree agrees amends applies are begins bleiben bleibt can cannot ceases comes concerns contains continues does",
    "establishes extends has have hereby include includes is lays makes may mean means must prevails",
    "protects provides repeals shall takes was were will darf dürfen gelten gilt hat haben ist kann können",
    "muss müssen sind soll sollen wird werden doit doivent est ont peut peuvent sont debe deben es podrá",
    "puede pueden será son deve devono può possono sono considera-se dispõe fica ficam não pode podem são",
    "tem têm",
)
_VERBS = frozenset(word for words in _FINITE_VERBS for word in words.split())
_WORD = re.compile(r"[^\W\d_]+(?:-se\b)?")
# Such words name what a provision answers, verb and all: `Where Part 1 applies`, `What goods contracts are covered?`.
_CLAUSE = re.compile(r"(?i)(?:how|what|when|where|whether|which|who|whom|whose|why)\b[^,]*\Z")
_WITHOUT_BLANKS = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_LONGEST_WITHOUT_BLANKS = 30
"""Characters of a caption in Chinese or Japanese; a sentence in these is not told by its verb."""
_LINE_BREAK = re.compile(r"[ \t]*\r?\n\s*")
# Captions of Korean and Japanese statutes stand in brackets: `제1조(목적)`.
_IN_BRACKETS = re.compile(r"[(（\[][^()（）\[\]\r\n]{1,60}[)）\]]")
# What editors put in brackets: it says what happened to a text and does not name it.
_EDITORIAL = re.compile(r"(?i)\b(?:omitted|redacted|reserved|deleted|repealed|intentionally|signature|page)\b|\*\*\*")
# What begins with a number or a bullet is another clause or item, not the caption of one.
_NUMBERED = re.compile(r"\(?[\w.-]{1,8}[).]|[-–—•*]|§|第|\d")
_TABLE = re.compile(r"\S(?:[ \t]{3,}|\t)\S|(?<![\d.,])(?:\d[\d.,]*[^\d]{1,40}){2}\d")
"""Columns, or figures in a row: no caption."""
# The first subsection, as in `2.—(1) In this Act—`, or words that lead a list.
_NO_NAME = re.compile(r"\A[(（]\w{1,3}[)）]|[—–-]\s*\Z")
_LONGEST = 160
"""Characters of a caption below or above its number."""
_SHORT_LINE = 60
"""Characters of a first line that can be a caption by its length alone; a longer one has to be in capitals."""


_WRAPPED = 25
"""Characters of a line that may be wrapped; the author of a shorter one ended it."""


class Caption(NamedTuple):
    """Holds the words that name a clause, and where they stand.

    Attributes:
        words: as they read, on one line.
        start: first character, inclusive.
        end: behind the last, and behind the line that underlines them.
    """

    words: str
    start: int
    end: int


def caption_behind(text: str, position: int) -> Caption | None:
    """Find the defined term, or the words before the first full stop, that follow a number.

    Examples:
        >>> caption_behind("1. Fees. Pay.", 2).words, caption_behind("2 All fees are due.", 1)
        ('Fees', None)
    """
    if (term := _TERM.match(text, position)) is not None:
        return Caption(f'"{term[1]}"', term.start(), term.end())
    if (touching := _IN_BRACKETS.match(text, position)) is not None:  # Korean statutes: 제1조(목적)
        return Caption(touching.group()[1:-1].strip(), *touching.span())
    match = _BEHIND.match(text, position)
    if match is None or not names(match["words"]) or _NO_NAME.search(match["words"]):
        return None
    return Caption(
        " ".join(match["words"].strip("[]").split()), match.start("words"), _behind_line(text, match.end("words"))
    )


def caption_below(text: str, position: int, end: int) -> Caption | None:
    r"""Read the words in the lines below a number that stands alone in its line.

    Args:
        text: the document.
        position: behind the number.
        end: where the next clause begins.

    Examples:
        >>> text = "Article 2\n\nMaterial scope\n\nThis Regulation is for all."
        >>> caption_below(text, 9, len(text)).words
        'Material scope'
    """
    line = _LINE_BREAK.match(text, position, end)
    if line is None:
        return None
    start = line.end()
    paragraph = next(iter(paragraph_spans(text, start, min(end, start + 2 * _LONGEST))), None)
    if paragraph is None:
        return None
    whole = text[slice(*paragraph)]
    lines = _TWO_LINES.match(whole)
    first = whole.split("\n", maxsplit=1)[0]
    if (
        lines is not None
        and lines.end() == len(whole)
        and paragraph[1] < start + 2 * _LONGEST
        and can_stand_alone(whole)
        and not _are_two(first, whole[len(first) :])
    ):
        return Caption(" ".join(whole.strip("[]").split()), *paragraph)
    if can_stand_alone(first) and (first.isupper() or len(first) <= _SHORT_LINE) and _begins(whole[len(first) :]):
        return Caption(" ".join(first.split()), start, start + len(first.rstrip()))
    return None


def _are_two(first: str, rest: str) -> bool:
    """Whether two lines are two titles, such as a part's and the first cross-heading in it, not one that is wrapped."""
    first, rest = first.strip(), rest.strip()
    if not rest or rest[0].islower() or UNENDED.search(first[-40:]):
        return False
    return (first.isupper() and not rest.isupper()) or len(first) < _WRAPPED


def caption_above(text: str, start: int, floor: int, *, below_title: bool = False) -> Caption | None:
    r"""Read the line above a number, where it is a caption.

    Args:
        text: the document.
        start: where the number begins.
        floor: what stands before it belongs to another clause's heading.
        below_title: whether one more title may stand above the caption, that of several sections.

    Examples:
        >>> text = "PART 1\n\nShort title\n1. This Act is an act."
        >>> caption_above(text, text.index("1. This"), 6).words
        'Short title'
    """
    low = max(floor, start - 2 * _LONGEST)
    above = text[low:start].rstrip()
    if "\n" not in text[low + len(above) : start] or text.count("\n", low + len(above), start) > 3:
        return None
    begins = low + max(above.rfind("\n"), above.rfind("\r")) + 1
    words = text[begins : low + len(above)].strip()
    if not can_stand_alone(words) or _NUMBERED.match(words):
        return None
    before = text[floor:begins]
    if before.strip() and not _is_apart(before):
        above = text[max(floor, begins - _LONGEST) : begins].rstrip().rpartition("\n")[2]
        rest = before.rstrip()[: -len(above)]
        if not below_title or not can_stand_alone(above) or (rest.strip() and not _is_apart(rest)):
            return None
    first = begins + len(text[begins : low + len(above)]) - len(text[begins : low + len(above)].lstrip())
    return Caption(words.strip("（）()[]") if _IN_BRACKETS.fullmatch(words) else words, first, low + len(above))


def names(words: str) -> bool:
    """Whether words can be a name: no verb makes a sentence of them, and they are not a row of a table.

    Examples:
        >>> names("Duties of the Board"), names("The fee is due"), names("When the fee is due")
        (True, False, True)
    """
    if _TABLE.search(words) is not None or (_WITHOUT_BLANKS.search(words) is not None and not _is_short(words)):
        return False
    return not is_sentence(words)


def is_sentence(words: str) -> bool:
    """Whether a verb makes a sentence of words.

    Examples:
        >>> is_sentence("The fee is due"), is_sentence("When the fee is due"), is_sentence("Boats 1,330 76")
        (True, False, False)
    """
    verbs = sum(map(is_verb, _WORD.findall(words)))
    return verbs > 1 or (verbs == 1 and _CLAUSE.match(words) is None)


def is_verb(word: str) -> bool:
    """Whether a word is a verb that makes sentences in laws and contracts."""
    return word.lower() in _VERBS


def _is_short(words: str) -> bool:
    return len(words) <= _LONGEST_WITHOUT_BLANKS and "，" not in words


def can_stand_alone(words: str) -> bool:
    """Whether a line can be a caption: short, begun with a capital, no sentence and no item of a list.

    Examples:
        >>> can_stand_alone("Duties of the Board"), can_stand_alone("The Board must act"), can_stand_alone("(a) acts")
        (True, False, False)
    """
    words = words.strip()
    if _IN_BRACKETS.fullmatch(words):
        return _EDITORIAL.search(words) is None
    fits = 1 < len(words) <= _LONGEST and not (words[0].islower() or words[0] in '("“')
    return fits and _SENTENCE_SIGN.search(words) is None and names(words) and _NUMBERED.match(words) is None


def _begins(rest: str) -> bool:
    """Whether what follows a line begins anew rather than goes on with it."""
    rest = rest.strip()
    return bool(rest) and not rest[0].islower()


def _is_apart(before: str) -> bool:
    """Whether a line stands apart from what is above it: behind a blank line, or behind the end of a sentence."""
    body = before.rstrip()
    return before.count("\n", len(body)) > 1 or body.endswith((".", ";", "。"))


def _behind_line(text: str, position: int) -> int:
    underline = UNDERLINE.match(text, position)
    return position if underline is None else underline.end()
