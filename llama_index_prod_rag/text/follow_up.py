"""Whether a question leans on the one before it, and what it leans on. Core: strings, no model.

A question leans where it points at something it does not name: a pronoun without an antecedent ("When was it built?"),
a beginning that goes on ("And its height?"), or no words of its own ("Why?"). These are closed classes of words, so a
list finds them; what a list cannot tell (a pronoun whose antecedent is an ordinary noun of the same question) is
decided for standing alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from llama_index_prod_rag.text.expletives import find_expletives
from llama_index_prod_rag.text.languages import CAPITAL_NOUNS, detect_language
from llama_index_prod_rag.text.terms import term_set

# Third-person pronouns, possessives and demonstratives that stand for a noun, as grammars list them.
_PRONOUNS = {
    "english": "it its itself they them their theirs themselves he him his himself she her hers herself "
    "this that these those",
    "german": "es er ihn ihm sein seine seinen seinem seiner sie ihr ihre ihren ihrem ihrer dieser diese dieses diesem "
    "dessen deren davon dafür damit daran darauf dazu dort",
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


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_POINTING = _listed("this that these those")
_TIMES = _listed("year month week day time morning evening century decade quarter")
_GOES_ON = re.compile(
    r"\s*(?:and|but|also|what about|how about|und|aber|was ist mit|wie steht es um|et|mais|qu'en est-il|y|pero|"
    r"¿y|qué hay de|e|ma|mas|en|maar)\b",
    re.IGNORECASE,
)
# What asks for more of the same and names nothing.
_EMPTY = "else more explain elaborate detail details example examples year please tell show reason"
_AUXILIARY = _listed(
    "is are was were do does did can could will would should may might must has have had be mean means of in on at to "
    "for from with about by after before during since like than and"
)
_DOING = _listed("do does did can could will would should must may might")
_WORD = re.compile(r"\w+(?:['\u2019.-]\w+)*")
_SMALL = _listed("of the de la von van der du di")
_LONGEST = 60  # words: a longer message says itself what it is about
_MOST_BEFORE = 3  # content words before a pronoun that may still not be its antecedent
_FIRST = re.compile(r"^\W*(?:who|which|when|that|while|if)\b", re.IGNORECASE)  # "who built it" is one clause
_CLAUSE = re.compile(
    r"[,;:]|\b(?:and|or|if|when|after|before|because|that|who|which|while|but|und|oder|wenn|weil|nachdem|bevor)\s",
    re.IGNORECASE,
)
# After one of these comes the subject of the question, and a pronoun further on mostly means it: "how did the ship get
# its name". "Of" leads on to another noun: "what was the capital of its empire".
_HELPER = re.compile(r"\b(?:do|does|did|can|could|should|would|will|has|have|had|one)\s(?!.*\bof\s*$)", re.IGNORECASE)


def leans(question: str, language: str | None = None) -> bool:
    """Tell whether a question points at something that it does not name.

    Args:
        question: the question.
        language: as `Analyzer` takes it; None tells it from the question.

    Examples:
        >>> leans("When was it built?"), leans("And its height?"), leans("Why?"), leans("Who lived there?")
        (True, True, True, True)
        >>> leans("When was the Eiffel Tower built?"), leans("How long does it take to bake bread?")
        (False, False)
        >>> leans("When did Einstein publish his theory?")
        False
    """
    language = language or detect_language([question])
    if not 0 < len(question.split()) <= _LONGEST:
        return False
    if _GOES_ON.match(question) and len(question.split()) > 1:
        return True
    said_nothing = term_set(question, language) <= (_empty_terms() if language == "english" else frozenset())
    return said_nothing or _has_pronoun(question, language)


@lru_cache(maxsize=1)
def _empty_terms() -> frozenset[str]:
    return term_set(_EMPTY)


def _has_pronoun(question: str, language: str) -> bool:
    """Whether there is a pronoun that nothing before it in the question can be meant by."""
    if language in _UNSPACED:
        return re.search(_UNSPACED[language], question) is not None
    pronouns = frozenset(_PRONOUNS.get(language, "").split())
    expletives = find_expletives(question, language)
    words = list(_WORD.finditer(question))
    for place, match in enumerate(words):
        word = match.group().lower()
        if word == "there" and language == "english" and place == len(words) - 1:
            return True
        if word not in pronouns or match.start() in expletives:
            continue
        if _has_antecedent(question[: match.start()], language):
            return False
        if word not in _POINTING or _points_back(words, place):
            return True
    return False


def _has_antecedent(before: str, language: str) -> bool:
    """Whether what stands before a pronoun can be what it means: a name, another clause, the verb's subject."""
    if names_in(before, language):
        return True
    before = _FIRST.sub("", before)
    clauses = [clause for clause in _CLAUSE.split(before) if clause.strip()]
    if any(term_set(clause, language) for clause in clauses[:-1] or (clauses if _CLAUSE.search(before) else [])):
        return True
    content = len(term_set(before, language))
    subject = _HELPER.search(before)
    return content > _MOST_BEFORE or (subject is not None and bool(term_set(before[subject.end() :], language)))


def _points_back(words: Sequence[re.Match[str]], place: int) -> bool:
    """Whether "this" or "that" stands for a noun: "what is this?", "of this method", not "the day that he left"."""
    word = words[place].group().lower()
    after = words[place + 1].group().lower() if place + 1 < len(words) else ""
    before = words[place - 1].group().lower() if place else ""
    if word == "that":
        return before in _DOING or (before in _AUXILIARY and (not after or after in _AUXILIARY))
    return after not in _TIMES


def names_in(text: str, language: str | None = None) -> list[str]:
    """Names of a text as they are written, several words together, each once; the first word of a sentence is none.

    Where nouns have capitals too (German), only words with digits or capitals inside are sure to be names.

    Examples:
        >>> names_in("Where did Scott Derrickson and the University of Oxford meet NASA?")
        ['Scott Derrickson', 'University of Oxford', 'NASA']
    """
    sure = (language or detect_language([text])) in CAPITAL_NOUNS
    found: list[str] = []
    run: list[str] = []
    end, starts = 0, True
    for match in _WORD.finditer(text):
        between = text[end : match.start()]
        starts = starts or bool(re.search(r"[.!?:]\s|\n", between))
        word, end = match.group(), match.end()
        named = _is_name(word, starts=starts or sure)
        if (run and between.strip()) or (run and not named and word.lower() not in _SMALL):
            found, run = [*found, _close(run)], []
        if named or (run and word.lower() in _SMALL):
            run.append(word)
        starts = False
    found.append(_close(run))
    return list(dict.fromkeys(name for name in found if name))


def _is_name(word: str, *, starts: bool) -> bool:
    if not any(map(str.isalpha, word)):
        return False
    if "_" in word or (any(map(str.isdigit, word)) and not word[0].isdigit()):
        return True  # a code or an identifier
    inner = word[1:] if starts else word
    return any(map(str.isupper, inner))


def _close(run: list[str]) -> str:
    while run and run[-1].lower() in _SMALL:
        run = run[:-1]
    word = " ".join(run)
    return word[:-2] if word.endswith(("'s", "\u2019s")) else word
