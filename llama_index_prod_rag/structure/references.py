"""Whether a number points to another law: `§ 573 BGB`, `Art. 12 OR gilt`, `Article 6 GDPR`. Core: strings alone."""

from __future__ import annotations

import re

from llama_index_prod_rag.structure.captions import is_sentence

# Codes that contracts point to by their abbreviations: a line may begin with `§ 573 BGB`.
_GERMAN = (
    "ABGB|AktG|ArbZG|BDSG|BetrVG|BGB|BUrlG|EGBGB|EStG|GewO|GG|GmbHG|GWB|HGB|InsO|KSchG|KStG|MiLoG|SGB|StGB|StPO|TzBfG"
    "|UGB|UrhG|UStG|UWG|VVG|VwGO|VwVfG|WEG|ZGB|ZPO"
)
REFERRED = (
    r"(?:Abs(?:\.|atz\b)|UAbs\.|Satz\b|S\.[ ]?\d|Nr\.|Nummer\b|Halbsatz\b|Ziff(?:\.|er\b)|Bst\.|lit\.|ff?\.[ \t]"
    r"|i\.?[ ]?V\.?[ ]?m\b|paragraph\b|para\.|alinéa|al\.|apartado|comma\b|ust\."
    rf"|(?:{_GERMAN})(?![\w-]))"
)
"""What stands behind the number of a provision that is pointed to."""
# Others that may be the name of a clause as well, as in `Article 3 GDPR`.
_OTHERS = (
    "AEUV AGG AVG B-VG BGG BV BW CC CDA CISG CRP DMA DS-GVO DSA DSG DSGVO ECHR EMRK EUV FADP GDPR GRCh HRegV IPRG IRC"
    " KUG LEC MWSTG OR RGPD RODO SchKG TEU TFEU TKG TMG TVG VAG VOB"
)
_OTHER_CODES = frozenset(_OTHERS.split())
_ABBREVIATED = re.compile(
    r"[ \t]+(?P<part>(?:\(\w{1,3}\)[ \t]*){0,3})(?:(?:UK|EU)[ ])?"
    r"(?P<code>[^\W\d_a-zß-ÿ](?:-?[^\W\d_]){0,7})(?![\w-])(?P<rest>[^\r\n]{0,160})"
)
_FRENCH = re.compile(r"[ \t]+C\.[ ]?(?:civ|com|pén|trav|proc)\b")
_PAUSE = re.compile(r"[.:;](?:\s|\Z)")
# No end of a sentence: a part of a provision is pointed to.
PART_OF_PROVISION = re.compile(r"\b(?:para|al|Abs|UAbs|Nr|S|Ziff|Bst|lit|ust|apdo)\.\s*\Z")


def points_elsewhere(text: str, position: int, *, fits: bool) -> bool:
    """Whether the abbreviation of another law follows a number.

    Args:
        text: the document.
        position: behind the number.
        fits: whether the number would be the next here; then a name such as `GDPR` alone in its line is its caption.

    Examples:
        >>> points_elsewhere("Art. 12 OR gilt.", 7, fits=False), points_elsewhere("Art. 3 Orte", 6, fits=False)
        (True, False)
        >>> points_elsewhere("Article 3 GDPR", 9, fits=True), points_elsewhere("Article 3 GDPR", 9, fits=False)
        (False, True)
    """
    if _FRENCH.match(text, position):
        return True
    match = _ABBREVIATED.match(text, position)
    if match is None or not _is_code(match["code"], match["rest"], fits=fits):
        return False
    if match["part"]:  # `Article 6 (1) GDPR`; a first subsection may begin with any other word in capitals
        return match["code"] in _OTHER_CODES
    return not fits or match["rest"].startswith((",", ";")) or is_sentence(_PAUSE.split(match["rest"], maxsplit=1)[0])


def _is_code(code: str, rest: str, *, fits: bool) -> bool:
    """Whether a word is an abbreviation of a law, not the first word of a caption in capitals, nor a party's name."""
    if code in _OTHER_CODES:
        return True
    if sum(1 for letter in code if letter.isupper()) < 2 or not code[-1].isupper():
        return False
    return code != code.upper() or (not fits and rest[1:2].islower())
