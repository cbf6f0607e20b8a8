"""Numbers without a sign, as in `2 Protection of data`: clauses in some laws, elsewhere pages or rows. Core."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice, pairwise

from llama_index_prod_rag.structure.captions import caption_above, names
from llama_index_prod_rag.structure.numbering import place_of

# A number without a sign and its words in a line of their own: a clause, a page or a row.
_BARE = re.compile(
    r"(?m)^[ \t]*(?P<number>\d{1,3}[A-Z]{0,2})[ \t]{1,8}"
    r"(?P<words>(?:\(1\)[ \t]|[\"“(]?[^\W\da-z_])[^\r\n]{2,160}?)[ \t]*$"
)
# A number with a full stop: where these are the custom, numbers without one are not clauses.
_SIGNED = re.compile(r"(?m)^[ \t]*\d{1,3}\.(?:\d{1,3}\.?)?[ \t]+[^\W\da-z_]")
_FEW_SIGNED = 4
"""So many numbers with a full stop make that the custom of a document."""
# The first subsection, behind a number that it belongs to.
_SUBSECTION = re.compile(r"\s*[(（](?:1|a)[)）]\s")
_LOOK_BACK = 120
"""Characters before and behind a number that are looked at."""


def find_bare_numbers(text: str) -> frozenset[int]:
    """Where a number without a sign begins a clause, as in `2 Protection of personal data`; most are pages or rows.

    Its line is a paragraph of its own or stands below one, its words are a name, and they come once. It is believed
    where the number before or after it has such a line too, or where (1) or (a) follows.
    """
    if sum(1 for _ in islice(_SIGNED.finditer(text), _FEW_SIGNED)) == _FEW_SIGNED:
        return frozenset()  # the custom here is `1. Fees`
    lines = [match for match in _BARE.finditer(text) if _is_apart(text, match)]
    often = Counter(match["words"] for match in lines)
    lines = [match for match in lines if often[match["words"]] == 1]
    places = [place_of(match["number"]) or 0.0 for match in lines]
    follows = [0 < after - before <= 1 for before, after in pairwise(places)]
    believed = [one or other for one, other in zip([False, *follows], [*follows, False], strict=True)] if lines else []
    return frozenset(
        match.start("number")
        for match, known in zip(lines, believed, strict=True)
        if known or _SUBSECTION.match(text, match.end()) or _SUBSECTION.match(match["words"])
    )


def _is_apart(text: str, match: re.Match[str]) -> bool:
    above = text[max(0, match.start() - _LOOK_BACK) : match.start()]
    below = text[match.end() : match.end() + _LOOK_BACK]
    alone = below.count("\n", 0, len(below) - len(below.lstrip())) > 1 or not below.strip()
    words = match["words"]
    if _SUBSECTION.match(words):  # `2 (1) The Board may`
        return not above.strip() or above.count("\n", len(above.rstrip())) > 1
    if words[-1] in ".;:,":  # a sentence behind the number: what names it stands above
        return caption_above(text, match.start("number"), max(0, match.start() - 400)) is not None
    starts = not above.strip() or above.count("\n", len(above.rstrip())) > 1
    return starts and ((alone and names(words)) or _SUBSECTION.match(below) is not None)
