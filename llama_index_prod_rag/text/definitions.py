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
    rf"\W*(?P<article>{_ARTICLE}\s)?(?P<subject>(?:{_BRACKETS}|[^.;:!?()]|\.(?=\S)|\.(?=\s[a-z(])){{1,200}}?)\s"
    r"(?:is|was|are|were|refers to|ist|war|sind|waren|est|était|sont|es|era|son|è|sono|é|são|zijn)\s+"
    rf"(?P<kind>(?:{_ARTICLE}|one of)\s.+?)(?=(?<!(?-i:[A-Z]))[.;](?:\s|$)|\n|$)",
    re.IGNORECASE,
)
_BEHIND = re.compile(rf"\s*(?:{_BRACKETS}|,).*$", re.DOTALL)  # "Mercury, also called ...", "Mercury (born 1946)"
_CLAUSE = re.compile(r"[,(]|\s(?:that|which|who|whose|where|der|die|das|qui|que|che|dat)\s", re.IGNORECASE)
# What a thing is to something else says nothing of its kind: "the main channel for news", "a member of the board". An
# island of Indonesia is one all the same.
_DEFINITE = r"(?:the|der|die|das|les?|la|el|los|las|il|lo|gli|os?|de|het)"
_RANKED = re.compile(
    rf"one of\s|{_DEFINITE}\s(?:\w+\s)?(?:most|main|best|häufigst|wichtigst|principal|más|più|mais|belangrijkst)",
    re.IGNORECASE,
)
_ROLE = re.compile(
    rf"{_DEFINITE}\s.*?(?<!est)\s(?:of|for|to|in|on|at|from|für|zum|zur|von|vom|im|am|auf|des|du|di|del|van|voor)\s"
    r"|\S+\s(?:\S+\s){0,3}?(?!kind|type|sort|form|species|genus|breed|variety|art\s|sorte|gattung)\S+"
    r"\s(?:of|for|to|für|zu|zum|zur|von|de|di|van|voor)\s(?:the\s)?(?!the\s)(?-i:[a-zß-ÿ])",
    re.IGNORECASE,
)
_FEWEST_WORDS = 3  # "a round, edible fruit" goes on behind its first comma
_MOST_WORDS = 10


@dataclass(frozen=True, slots=True)
class Definition:
    """Is what a first sentence says.

    Attributes:
        subject: what it is about, without article, brackets and additions.
        kind: what that is, in a few words.
        rest: the same to the end of the sentence.
        article: whether an article stands before the subject ("The jaguar is ...").
    """

    subject: str
    kind: str
    rest: str = ""
    article: bool = False

    @property
    def is_rank(self) -> bool:
        """Whether it says how the subject compares with others ("one of the most popular countries")."""
        return _RANKED.match(self.kind) is not None

    @property
    def is_role(self) -> bool:
        """Whether it says what the subject is to something else, which things of any kind can be.

        Examples:
            >>> find_definition("Slack is the main channel for announcements.").is_role
            True
            >>> find_definition("Mercury is the planet nearest to the Sun.").is_role
            False
        """
        return self.is_rank or _ROLE.match(self.kind) is not None


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
    return Definition(subject, " ".join(words).rstrip(","), found["kind"], found["article"] is not None)


def _first_clause(kind: str) -> str:
    ends = (mark.start() for mark in _CLAUSE.finditer(kind))
    return kind[: next((end for end in ends if len(kind[:end].split()) >= _FEWEST_WORDS), None)]
