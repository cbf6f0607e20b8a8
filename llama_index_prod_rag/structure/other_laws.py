"""Whether a number points to another law by its name: `Section 13 Harbours Act 1999 applies.` Core: strings alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llama_index_prod_rag.structure.captions import is_verb

# What laws alone are called, and what is as often an order of goods or the rules of a house.
_LAW = re.compile(
    r"(?:Act|Code|Convention|Constitution|Decree|Ordinance|Statute|Treaty|\w*[Gg]esetz(?:e?s|buch|buche?s)?|Loi|Décret"
    r"|Código|Ley|Decreto|Codice|Legge|Lei|Wet|Wetboek)\Z"
)
_RULES = re.compile(
    r"(?:Bylaws|Charter|Directives?|Measure|Orders?|Protocol|Regulations?|Rules|Règlement|Reglamento|Regolamento"
    r"|Regulamento|Verordening|\w*(?:[Oo]rdnung|[Vv]erfassung|[Rr]ichtlinie|[Ss]atzung))\Z"
)
_ONE = frozenset({"Regulation", "Directive"})
_OF_A_STATE = ("ordnung", "richtlinie")
_LONG = 12
"""Letters of a German word for rules that no house gives itself: not `Hausordnung`, but `Gewerbeordnung`."""
# What a code is of, so that it is one of law.
_OF_LAW = re.compile(r"(?i)(?:civile?|pénale?|penale?|du|de|des|del|di|da|on)\Z")
# Verbs of sentences about a provision, beside those that make any sentence.
_SAYS = re.compile(
    r"(?:appl(?:y|ies|ied)|governs?|requires?|remains?|regulates?|refers?|defines?|sets?|findet|finden|regelt|bestimmt"
    r"|(?:[Ss]['’])?appliquent?|(?:[Ss]['’])?applique|reste|régit|prévoit|dispose|aplican?|rige|dispone|applican?o?|resta"
    r"|aplicam?-se|rege|geldt|gelden|blijft)\Z"
)
# A sentence that begins here, behind a caption without a full stop, is none about the law named in the caption.
_OPENING = (
    "The This These Those Each Every Any No All If An Unless Where When In It He She They We You Nothing",
    "Der Die Das Ein Eine Wer Wenn Soweit Le La Les Un Une Tout El Los Las Il Lo Gli Os Het Een",
    "Dies Diese Dieser Dieses Ce Cet Cette Esta Este Esa Questa Questo Essa Esse Deze Dit",
)
_BEGINS = frozenset(word for words in _OPENING for word in words.split())
# Words in the middle of a law's name; any other that has no capital makes a sentence of it.
_CONNECTING = "of on and the for to in from by with against de la du des del della di da do y e et und über"
_INSIDE = frozenset(_CONNECTING.split())
_WORDS = re.compile(r"[^\s,;()]+")
_NUMBER_OF = re.compile(r"\b(?:No|Nos|Nr|n|c|cap|ch)\.[ ]?(?=\d)")
_IN_A_SENTENCE = re.compile(r"[ \t\u00a0]+(?P<words>[^\W\da-z_][^\r\n.;:]{2,200})(?P<end>[.;]?)")
_DATED = re.compile(r"(?:18|19|20)\d\d|\d+/\d+(?:/\w+)?")
_LONGEST = 240
"""Characters behind a number that are looked at."""
_MOST_WORDS_BEFORE = 12
"""Words of a law's name before the one that says it is a law."""


def names_a_law(text: str, position: int, *, fits: bool) -> bool:
    """Whether a sentence about a provision of a law follows a number, or the law's name with its year and nothing else.

    Args:
        text: the document.
        position: behind the number.
        fits: whether the number would be the next here; then a name alone is the caption of a clause.

    Examples:
        >>> names_a_law("Section 13 Harbours Act 1999 applies.", 10, fits=True)
        True
        >>> names_a_law("Section 13 Harbours Act 1999", 10, fits=True)
        False
        >>> names_a_law("Section 3 Purchase Orders shall be numbered.", 9, fits=True)
        False
    """
    match = _IN_A_SENTENCE.match(_NUMBER_OF.sub("Nr ", text[position : position + _LONGEST]))
    words = _WORDS.findall(match["words"]) if match is not None else []
    law = next((at for at, word in enumerate(words[:_MOST_WORDS_BEFORE]) if _is_law(word, words[at + 1 :])), None)
    if match is None or law is None or any(word[0].islower() and word not in _INSIDE for word in words[:law]):
        return False
    says = next((at for at in range(law + 1, len(words)) if is_verb(words[at]) or _SAYS.match(words[at])), len(words))
    if not _BEGINS.isdisjoint(words[:says]):
        return False
    dated = any(map(_DATED.fullmatch, words[law + 1 : says]))
    if says == len(words):
        return _DATED.fullmatch(words[-1]) is not None and (match["end"] == ";" or not fits)
    return dated or _is_named(words, law, fits=fits)


def _is_law(word: str, behind: Sequence[str]) -> bool:
    """Whether a word says that it is a law, or abbreviates the name of one with its year: `HA 1999`."""
    dated = bool(behind) and _DATED.fullmatch(behind[0]) is not None
    known = word.capitalize() if word.isupper() else word
    return bool(_LAW.match(known) or _RULES.match(known)) or (word.isupper() and len(word) > 1 and dated)


def _is_named(words: Sequence[str], law: int, *, fits: bool) -> bool:
    """Whether a law without a year is one: by a name before it, or by what it is about."""
    word = words[law]
    if _LAW.match(word) is None:
        return (word in _ONE and law > 0 and not fits) or (len(word) >= _LONG and word.endswith(_OF_A_STATE))
    if law or word.lower().endswith(("gesetz", "gesetzbuch")):
        return True
    of = words[law + 1] if len(words) > law + 1 else ""
    return _OF_LAW.match(of) is not None or (of == "of" and not fits)
