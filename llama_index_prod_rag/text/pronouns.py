"""Which words of a question stand for a noun that it does not name, by language. Core.

The lists are of third-person pronouns, possessives and demonstratives, as grammars have them. Left out are those that
stand for nothing ("il y a", "es gibt"), for the reader ("Ihre", "Sie"), or are other words ("das Auto", "schriftlich
sein"). English is told in `follow_up`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llama_index_prod_rag.text.languages import CAPITAL_NOUNS

_PRONOUNS = {
    "english": "it its itself they them their theirs themselves he him his himself she her hers herself "
    "this that these those",
    "german": "er ihn ihm sein seine seinen seinem seiner seines sie ihr ihre ihren ihrem ihrer ihres dieser diese "
    "dieses diesem diesen dessen deren davon dafür damit daran darauf dazu dabei danach davor darüber dort "
    "es das dies die den dem der",
    "french": "il elle ils elles lui leur leurs son sa ses celui celle ceux celles cela ça ce y en",
    "spanish": "él ella ellos ellas su sus suyo suya esto eso esta ese esa estos esos ello allí",
    "italian": "lui lei loro suo sua suoi sue questo questa quello quella ciò esso essa ne ci lì",
    "portuguese": "ele ela eles elas seu sua seus suas dele dela deles delas isso isto este esta esse essa ali lá",
    "russian": "он она оно они его её ее их ему ей им него неё нее них ним этот эта это эти этого этой этих",
    "dutch": "hij hem zijn zij ze haar hun hen deze dit die dat ervan daarvan ermee daar",
}
_UNSPACED = {
    "chinese": "[它他她其该這这那]",
    "japanese": "それ|その|これ|この|彼|そこ",
    "korean": "그것|이것|그는|그녀",
}
# What stands for nothing (of "it" and "es" see `expletives`), and demonstratives before a time.
_EMPTY = {
    "german": r"""
        \bdies\w*[ ](?:jahr|woche|monat|tag|quartal|mal|sommer|winter)\w*|\bd(?:ies|as)[ ]ist\b
        |\bda(?:für|von|mit|ran|rauf|zu|bei|nach)\b(?=,?[ ](?:dass|ob|wenn|zu)\b|,)""",
    "french": r"""
        \bil[ ](?:n'?)?y[ ](?:en[ ])?a\w*\b|\by[- ]a-t-il\b|\bil[ ](?:faut|fallait|fait|pleut)\b
        |\bil[ ]est[ ](?:possible|vrai|nécessaire|interdit|obligatoire)|\b(?:faut|pleut|fait)-il\b
        |\best-il[ ](?:possible|vrai|nécessaire|interdit|obligatoire)|\best-ce\b|\bce[ ]que\b
        |\bce(?:tte)?[ ](?:année|mois|semaine|soir|matin)\b|\ben[ ](?=\w{4})""",
    "spanish": r"\best[ae][ ](?:año|mes|semana|día|noche|tarde)\b",
    "italian": r"\bci[ ](?:sono|vuole|vogliono)\b|\bquest[oa][ ](?:anno|mese|settimana|sera)\b",
    "portuguese": r"\best[ae][ ](?:ano|mês|semana|noite)\b",
    "dutch": r"\b(?:deze|dit)[ ](?:jaar|maand|week|avond)\b|\bdie[ ](?=\w+[ ](?:is|zijn|heeft|hebben)\b)",
}
_WORD = re.compile(r"\w+(?:['\u2019.-]\w+)*")
# A German article stands before a noun; alone it is a pronoun.
_GERMAN_ARTICLES = frozenset(["das", "dies", "die", "den", "dem", "der"])
_ALONE = re.compile(r"\W*$|\s(?:auch|für|bei|im|in|mit|genau|schon|noch|eigentlich|konkret|dann|nur|so|genauer)\b")


def pronouns_in(question: str, language: str) -> Iterator[tuple[int, str]]:
    """Find the words that stand for a noun, each with its first character, in small letters.

    Examples:
        >>> [word for _, word in pronouns_in("Was kostet das?", "german")]
        ['das']
        >>> list(pronouns_in("Wo steht das Auto, und wo finde ich Ihre Preise?", "german"))
        []
        >>> [word for _, word in pronouns_in("Quand a-t-elle été construite ?", "french")]
        ['elle']
    """
    if language in _UNSPACED:
        yield from ((found.start(), found.group()) for found in re.finditer(_UNSPACED[language], question))
        return
    known = frozenset(_PRONOUNS.get(language, "").split())
    pattern = _EMPTY.get(language)
    empty = [found.span() for found in re.finditer(pattern, question, re.IGNORECASE | re.VERBOSE)] if pattern else []
    for found in _WORD.finditer(question):
        word = found.group()
        start = found.end() - len(word.split("-")[-1])  # "a-t-elle"
        bare = word.split("-")[-1].lower() if language == "french" else word.lower()
        if bare not in known or any(first <= start < end for first, end in empty):
            continue
        if language not in CAPITAL_NOUNS or _is_german_pronoun(word, question[found.end() :]):
            yield (start if language == "french" else found.start()), bare


def _is_german_pronoun(word: str, after: str) -> bool:
    lower = word.lower()
    if lower in _GERMAN_ARTICLES:
        return _ALONE.match(after) is not None
    if lower == "sein":
        return re.match(r"\s\w", after) is not None  # not "muss schriftlich sein"
    return not (word[0].isupper() and lower.startswith(("sie", "ihr", "ihne")))
