"""Whether a message is but a part of a question: "Auch für Praktikanten?", "Which one?", "No, the other". Core.

Such messages are told by how they begin and end, or by words of which none names anything. The lists are of closed
classes: conjunctions, question words, comparatives, and what people say to have more of the same.
"""

from __future__ import annotations

import re
from functools import lru_cache

from llama_index_prod_rag.text.languages import detect_language
from llama_index_prod_rag.text.terms import term_set

_GOES_ON = (
    r"\s*(?:and|but|also|or|what about|how about|und|aber|auch|oder|was ist mit"
    r"|wie (?:steht es um|sieht es (?:bei|mit))|qu'en est-il|¿y|¿?qué hay de|och|og|а|и|но{})\b"
)
# These are something else in other languages: "E 10", "Y axis", "En route".
_GOES_ON_IN = {
    "french": "|et|mais|ou",
    "spanish": "|y|pero",
    "italian": "|e|ma",
    "portuguese": "|e|mas",
    "dutch": "|en|maar",
}
_SAME = re.compile(
    r"\W*(?:go|carry) on\b|\W*(?:(?:does|do|is|are|would|will|gilt|gelten|et|und|and)\s)?(?:the\s)?same\s"
    r"(?:apply|applies|go|goes|hold|holds|true|valid|question|thing|rules?|for|in|on|with|if|when)\b"
    r"|\W*(?:gilt|gelten)\s(?:das|dies|es)(?:selbe|\sgleiche)?\s(?:auch\s|ebenso\s)?(?:für|bei|in|im)\b"
    r"|\W*(?:das|die|der)(?:selbe|\s?gleiche)\s(?:frage\s)?(?:für|bei|in|im|mit)\b",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"\b(?:too|as well|also|instead|either|ebenfalls|auch|stattdessen|aussi|también|anche|também|ook)\W*$",
    re.IGNORECASE,
)
_SHORT = 4  # words of a part that ends so: "In Germany too?"
# "No, I meant the Pro": what follows takes the place of what the question before was about.
_OPENING = (
    r"(?:(?:no|nope|sorry|oh|actually|nein|ne|halt|äh|stopp|pardon|entschuldigung|non|perdón)\b[\s,.!:;\u2013-]+)"
)
_MEANT = (
    r"(?:i (?:actually |really )?(?:meant|mean)|i(?: was|'m| am) (?:asking|talking) about"
    r"|ich (?:meinte|meine|rede von)|je (?:voulais dire|parle d[eu'])"
    r"|(?:me refiero a|quería decir|quise decir)|intendevo|ik bedoel(?:de)?)\b(?!\s(?:that|dass)\b)"
)
_CORRECTION = re.compile(
    rf"\W*(?:{_OPENING}*{_MEANT}|{_OPENING}+(?=(?:the|not|die|der|das|den|nicht|le|la|el|il|de|het)\b)"
    r"|(?=not\s(?:the|a|for|in)\b)|(?=nicht\s(?:die|der|das|den|für|in)\b))\s*",
    re.IGNORECASE,
)
# Words of which a message may be made that asks for more of the same and names nothing, by language.
_EMPTY = {
    "english": """
        else more explain elaborate detail details example examples year please tell show reason really sure continue
        many much often since until exactly one ones long difference alternative alternatives next happen happens then
        step came come before again give""",
    "german": """
        mehr genau genauer erklären erklär erkläre erzähl erzähle beispiel beispiele bitte weiter noch sonst seit bis
        wirklich sicher warum wieso unterschied alternative alternativen nächste nächster danach davor passiert dann
        geben gib zeig einzelheiten details dazu grund folgt kam geschieht lange viel viele vielen
        kannst könntest mir mal tun machen""",
    "french": """
        plus exemple exemples encore détails expliquer expliquez depuis vraiment sûr différence alternative ensuite""",
    "spanish": "más ejemplo ejemplos explica explicar detalles desde seguro diferencia alternativa después",
    "italian": "più esempio esempi spiega spiegare dettagli davvero sicuro differenza alternativa dopo",
    "portuguese": "mais exemplo exemplos explica explicar detalhes desde mesmo certeza diferença alternativa depois",
    "dutch": "meer voorbeeld voorbeelden uitleggen details sinds echt zeker verschil alternatief daarna",
}
# Where a verb needs no subject: "¿Cuánto cuesta?", "Quando è stata costruita?"; not "¿Cómo registrarse?".
_SUBJECTLESS = {
    "spanish": r"\W*(?:cuánto|cuándo|dónde|cómo|por qué)\s(?:se )?(?!\w*[aei]r(?:se)?\W*$)\w+\W*$",
    "italian": r"\W*(?:quanto|quando|dove|come|perché)\s(?:si )?(?!\w*[aei]r(?:e|si)\W*$)\w+\W*$",
    "portuguese": r"\W*(?:quanto|quando|onde|como|por que)\s(?!\w*[aei]r(?:-se)?\W*$)\w+\W*$",
}


def goes_on(message: str, language: str | None = None) -> bool:
    """Tell whether a message is but a part of a question.

    Examples:
        >>> [goes_on(said) for said in ("And its height?", "Auch für Praktikanten?", "Which one?", "How much?")]
        [True, True, True, True]
        >>> [goes_on(said) for said in ("No, I meant the Pro", "What is the same-day rule?", "How much is a card?")]
        [True, False, False]
    """
    language = language or detect_language([message])
    words = len(message.split())
    if words > 1 and (_opening(language).match(message) or _SAME.match(message)):
        return True
    if (words <= _SHORT and _TAIL.search(message)) or correction_in(message):
        return True
    return names_nothing(message, language)


def names_nothing(message: str, language: str | None = None) -> bool:
    """Tell whether no word of a message names anything: "Why?", "In which year?", "Kannst du das genauer erklären?"."""
    language = language or detect_language([message])
    subjectless = _SUBJECTLESS.get(language)
    if subjectless and re.match(subjectless, message, re.IGNORECASE):
        return True
    return term_set(message, language) <= _empty_terms(language)


def correction_in(message: str) -> str:
    """Give what a message puts in the place of what the one before was about; empty where it corrects nothing.

    Examples:
        >>> correction_in("No, I meant the Pro"), correction_in("Nein, die Version 2"), correction_in("No parking?")
        ('the Pro', 'die Version 2', '')
    """
    found = _CORRECTION.match(message)
    return message[found.end() :].strip() if found else ""


@lru_cache(maxsize=64)
def _opening(language: str) -> re.Pattern[str]:
    return re.compile(_GOES_ON.format(_GOES_ON_IN.get(language, "")), re.IGNORECASE)


@lru_cache(maxsize=32)
def _empty_terms(language: str) -> frozenset[str]:
    return term_set(_EMPTY.get(language, ""), language)
