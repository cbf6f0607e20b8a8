"""Whether a question leans on the one before it, and what it leans on. Core: strings, no model.

A question leans where it points at something it does not name: a pronoun without an antecedent ("When was it built?"),
a beginning that goes on ("And its height?"), or no words of its own ("Why?"). These are closed classes of words, so a
list finds them; what a list cannot tell (a pronoun whose antecedent is an ordinary noun of the same question) is
decided for standing alone.
"""

from __future__ import annotations

import re

from llama_index_prod_rag.text.ellipsis import goes_on
from llama_index_prod_rag.text.expletives import find_expletives
from llama_index_prod_rag.text.languages import CAPITAL_NOUNS, detect_language
from llama_index_prod_rag.text.pronouns import pronouns_in
from llama_index_prod_rag.text.terms import term_set


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_POINTING = _listed("this that these those")
_TIMES = _listed("year month week day time morning evening century decade quarter")
_AUXILIARY = _listed(
    "is are was were do does did can could will would should may might must has have had be mean means of in on at to "
    "for from with about by after before during since like than and"
)
_DOING = _listed("do does did can could will would should must may might")
_WORD = re.compile(r"\w+(?:['\u2019.-]\w+)*")
_SMALL = _listed("of the de la von van der du di")
_QUOTED = re.compile(r"[\"“„][^\"“”„]{1,200}[\"”“]")  # what others say points at nothing here
_THERE = re.compile(r"(?<!\bis)(?<!\bare)(?<!\bwas)(?<!\bwere)\s+there\W*$", re.IGNORECASE)  # not "how many are there"
_ONE = re.compile(
    r"\bones?\W*$|\bthe (?:first|second|third|last|other|former|latter|new|old|next|previous) ones?"
    r"(?=\W*$|\s(?:is|are|was|were|says?|means?|do|does|did|has|have|can|in|for|with|of|that|which|from)\b)",
    re.IGNORECASE,
)
_RELATIVE = _listed("who whose which that with")
_CONDITION = re.compile(
    r"\W*(?:if|once|whenever|as soon as|unless|wenn|falls|sobald|si|se|als)\s"
    r"(?:(?:an?|the|every|each|my|our|your|ein\w*|der|die|das)\s\w+|(?:i|we|you)\s\w+\s\w+)",
    re.IGNORECASE,
)
_DETERMINED = re.compile(
    r"\b(?:le|la|les|un|une|des|du|ce|cette|ces|mon|ma|mes|votre|vos|notre|nos|l['\u2019])\s?\w+.*-$", re.IGNORECASE
)
_WHOEVER = re.compile(r"\W*(?:wer|jeder?|jemand|niemand)\s(?!ist|war|sind|waren)\w+", re.IGNORECASE)
_PERSON = re.compile(r"\W*(?:i|we|you|one|people)\s", re.IGNORECASE)
_LONGEST = 60  # words: a longer message says itself what it is about
_MOST_BEFORE = 3  # content words before a pronoun that may still not be its antecedent
_FIRST = re.compile(r"^\W*(?:who|which|when|that|while|if)\b", re.IGNORECASE)  # "who built it" is one clause
_CLAUSE = re.compile(
    r"[,;:.?!]|\b(?:and|or|if|when|after|before|because|that|who|which|while|but|und|oder|wenn|weil|nachdem|bevor)\s",
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
    return goes_on(question, language) or _has_pronoun(_QUOTED.sub(" Quoted ", question), language)


def _has_pronoun(question: str, language: str) -> bool:
    """Whether there is a pronoun that nothing before it in the question can be meant by."""
    expletives = find_expletives(question, language)
    if language == "english" and _points_by_one(question):
        return True
    for start, word in pronouns_in(question, language):
        if start in expletives:
            continue
        if _has_antecedent(question[:start], word, language):
            return False
        if word not in _POINTING or _points_back(question[:start], question[start:]):
            return True
    return False


def _points_by_one(question: str) -> bool:
    """Whether "there" or "one" at its end stands for what it does not name."""
    one = _ONE.search(question)
    return _THERE.search(question) is not None or (
        one is not None and not _has_antecedent(question[: one.start()], "one", "english")
    )


def _has_antecedent(before: str, pronoun: str, language: str) -> bool:
    """Whether what stands before a pronoun can be what it means: a name, another clause, the verb's subject."""
    # "la tour est-elle haute"
    if names_in(before, language) or _CONDITION.match(before) or _DETERMINED.search(before):
        return True
    before = _FIRST.sub("", before)
    clauses = [clause for clause in _CLAUSE.split(before) if clause.strip()]
    if any(term_set(clause, language) for clause in clauses[:-1] or (clauses if _CLAUSE.search(before) else [])):
        return True
    if language in CAPITAL_NOUNS:
        return _has_german_antecedent(before, pronoun)
    content = len(term_set(before, language))
    subject = _HELPER.search(before)
    if content > _MOST_BEFORE or subject is None:
        return content > _MOST_BEFORE
    # Behind "do I" comes what I do, and then with what.
    doing = before[subject.end() :]
    return len(term_set(doing, language)) > (1 if _PERSON.match(doing) else 0)


def _has_german_antecedent(before: str, pronoun: str) -> bool:
    """Whether a noun stands before a pronoun, but not right before a genitive ("die Hauptstadt seines Landes")."""
    if _WHOEVER.match(before) and pronoun.startswith("sein"):
        return True
    if pronoun.endswith(("es", "er")) and pronoun.startswith(("sein", "ihr")):
        before = re.sub(r"\S+\s*$", "", before)
    return any(word[0].isupper() for word in before.split()[1:])


def _points_back(before: str, rest: str) -> bool:
    """Whether "this" or "that" stands for a noun: "what is this?", "of this method", not "the day that he left"."""
    word, after, *_ = [*(found.lower() for found in _WORD.findall(rest)), ""]
    last = [found.lower() for found in _WORD.findall(before)][-1:]
    if after in _RELATIVE and word in ("these", "those", "that"):
        return False  # "those who work part-time"
    if word == "that":
        return not after or (
            bool(last) and (last[0] in _DOING or (last[0] in _AUXILIARY and (not after or after in _AUXILIARY)))
        )
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
    if not any(map(str.isalpha, word)) or re.match(r"I(?:['\u2019]\w+)?$", word):
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
