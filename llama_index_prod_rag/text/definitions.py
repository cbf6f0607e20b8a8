"""What a text says that its subject is, in its first sentence: "Mercury is the planet nearest to the Sun". Core.

Encyclopedias, glossaries and "about us" pages begin so. The pattern is a lexico-syntactic one, as Hearst's ("Automatic
Acquisition of Hyponyms from Large Text Corpora", COLING 1992), and only for the beginning of a text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ARTICLE = r"(?:the|an?|der|die|das|eine?|les?|la|une?|el|los|las|una?|il|lo|gli|uno|os?|de|het|een)"
_BRACKETS = r"\([^)]*\)"
_DEFINITION = re.compile(
    rf"\W*(?:{_ARTICLE}\s)?(?P<subject>(?:{_BRACKETS}|[^.;:!?()]|\.(?=\S)|\.(?=\s[a-z(])){{1,200}}?)\s"
    r"(?:is|was|are|were|refers to|ist|war|sind|waren|est|était|sont|es|era|son|è|sono|é|são|zijn)\s+"
    rf"(?P<kind>(?:{_ARTICLE}|one of)\s.+?)(?=(?<!(?-i:[A-Z]))[.;](?:\s|$)|\n|$)",
    re.IGNORECASE,
)
_BEHIND = re.compile(rf"\s*(?:{_BRACKETS}|,).*$", re.DOTALL)  # "Mercury, also called ...", "Mercury (born 1946)"
_CLAUSE = re.compile(r"[,(]|\s(?:that|which|who|whose|where|der|die|das|qui|que|che|dat)\s", re.IGNORECASE)
_FEWEST_WORDS = 3  # "a round, edible fruit" goes on behind its first comma
_MOST_WORDS = 10


@dataclass(frozen=True, slots=True)
class Definition:
    """Is what a first sentence says.

    Attributes:
        subject: what it is about, without article, brackets and additions.
        kind: what that is, in a few words.
        rest: the same to the end of the sentence.
    """

    subject: str
    kind: str
    rest: str = ""


def find_definition(text: str) -> Definition | None:
    """Find what the first sentence of a text says that its subject is; None where it says something else.

    Examples:
        >>> found = find_definition("Mercury, also called Hermes, is the planet nearest to the Sun. It has no moon.")
        >>> found.subject, found.kind
        ('Mercury', 'the planet nearest to the Sun')
        >>> find_definition("Ed Wood (born 1924) was an American director, who made cheap films.").kind
        'an American director'
        >>> find_definition("The corps was founded in 1967.") is None
        True
    """
    found = _DEFINITION.match(text[:1000])
    if found is None:
        return None
    subject = _BEHIND.sub("", found["subject"]).strip(" \"'\u201c\u201d")
    words = _first_clause(found["kind"]).split()[:_MOST_WORDS]
    if not subject or len(words) < 2:
        return None
    return Definition(subject, " ".join(words).rstrip(","), found["kind"])


def _first_clause(kind: str) -> str:
    ends = (mark.start() for mark in _CLAUSE.finditer(kind))
    return kind[: next((end for end in ends if len(kind[:end].split()) >= _FEWEST_WORDS), None)]
