"""Which things candidates are about that go by one name of the question. Core.

What tells two things of one name apart is what their titles add to the name ("Mercury (planet)", "Springfield,
Illinois", "Apple Inc."), and where titles add nothing or are missing, what the first sentence says that each is
("Mercury is the planet nearest to the Sun").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from llama_index_prod_rag.confidence.evidence import Passage
from llama_index_prod_rag.text.definitions import Definition, find_definition
from llama_index_prod_rag.text.languages import CAPITAL_NOUNS
from llama_index_prod_rag.text.names import name_keys, split_qualifier
from llama_index_prod_rag.text.terms import found_terms, term_set
from llama_index_prod_rag.text.versions import is_version

# Share of the shorter text's terms that the longer one has. Of pages of one name about different things 5 % share more
# than the first, of two halves of a page a fourth less: python -m benchmarks.whole_question --parts readings.
_MOST_SHARED = 0.12
_MOST_SHARED_BY_KIN = 0.5  # where both are of a kind ("a city in Illinois", "a city in Ohio"), their words are alike
_SERIES = 4  # things that colons or dashes tell apart: more of them are parts of one, as chapters are
_WEAK = ":-\u2013\u2014|"
_WORD = re.compile(r"[^\W_]+")
# Terms of the shorter of two texts from which on their words tell whether they are about one thing: of two sentences
# about one thing most share none.
_TELLING = 12
_PROPER = re.compile(r"\b[A-Z\d]\w*")
_NUMBER = re.compile(r"\b\d\w*")


@dataclass(frozen=True, slots=True)
class Meaning:
    """Is what one passage is about, by the name that the question has for it.

    Attributes:
        passage: the passage.
        name: the name, as the title or the text has it.
        heading: the title or heading that has the name; empty where the text alone says it.
        defined: what the first sentence says that it is; None where it says nothing of the kind.
    """

    passage: Passage
    name: str
    heading: str = ""
    defined: Definition | None = None

    @property
    def kind(self) -> str:
        """What it is, in a few words; empty where the first sentence does not say."""
        return self.defined.kind if self.defined else ""

    @property
    def qualifier(self) -> str:
        """What the heading adds to the name."""
        return self.heading[len(self.name) :].strip(" ()[],:|-\u2013\u2014")


@dataclass(slots=True)
class Thing:
    """Is one of the things that go by a name.

    Attributes:
        label: what tells it apart, for people.
        tells: the terms that tell it apart.
        meanings: its passages, best first.
    """

    label: str
    tells: frozenset[str]
    meanings: list[Meaning] = field(default_factory=list)


def find_meaning(query: str, passage: Passage) -> Meaning | None:
    """Find which name of the question a passage goes by, in its headings or its first sentence; None where none."""
    asked = _words(query)
    defined = find_definition(passage.text)
    subject = defined.subject if defined else ""
    for heading in passage.heading.splitlines():
        for name in _shorter(heading):
            if _stands_in(name, asked):
                whole = set(_words(name).split()) <= set(_words(subject).split())  # not "she was the wife of"
                return Meaning(passage, name, heading, defined if whole else None)
    for name in _shorter(subject):
        if _stands_in(name, asked):
            return Meaning(passage, name, "", defined)
    return None


def _stands_in(name: str, asked: str) -> bool:
    """Whether a name's words stand in the question's; a heading of dots has none."""
    words = _words(name)
    return bool(words.strip()) and words in asked


def _words(text: str) -> str:
    return " ".join(["", *_WORD.findall(text.casefold()), ""])


def _shorter(name: str) -> Iterator[str]:
    """A name as it is, and without what tells it apart, step by step."""
    while True:
        yield name
        bare = split_qualifier(name)[0]
        if bare == name:
            return
        name = bare


def group_things(meanings: Sequence[Meaning], language: str) -> list[Thing]:
    """Put meanings of one name together that are about the same thing; none where the name is not a name.

    Titles that differ in no more than a date or a version ("Minutes (March 2024)") are of one thing.

    Args:
        meanings: of one name, best first.
        language: of their texts.
    """
    if not any(_is_proper(meaning, language) for meaning in meanings):
        return []
    bare = [meaning for meaning in meanings if not meaning.qualifier]
    things: list[Thing] = []
    for meaning in _without_parts([meaning for meaning in meanings if meaning.qualifier], bare, language):
        tells = term_set(meaning.qualifier, language)
        same = [thing for thing in things if _is_one(thing, meaning, tells, language)]
        _join(things, same, meaning, tells, meaning.heading)
    for meaning in bare:
        _place(things, meaning, language)
    return things


def _without_parts(qualified: Sequence[Meaning], bare: Sequence[Meaning], language: str) -> list[Meaning]:
    """Leave out what a colon or a dash sets off where it names a part ("Python: functions") and no kind of thing."""
    weak = [meaning for meaning in qualified if _is_weak(meaning)]
    said = [meaning for meaning in weak if _says(meaning, meaning.kind, language)]
    otherwise = [meaning for meaning in weak if meaning.kind and meaning not in said]
    series = len({meaning.heading for meaning in weak}) > _SERIES
    doubtful = not said or series or len(otherwise) > len(said) or any(meaning.kind for meaning in bare)
    return [
        meaning
        for meaning in qualified
        if meaning not in weak or meaning in said or (not doubtful and _says(meaning, meaning.passage.text, language))
    ]


def _says(meaning: Meaning, text: str, language: str) -> bool:
    """Whether a text has a term of what a heading adds to the name."""
    return not term_set(meaning.qualifier, language).isdisjoint(found_terms(text, language))


def _is_proper(meaning: Meaning, language: str) -> bool:
    """Whether a name is one: a word that its text has in small letters as well is a word.

    Sentences begin with "This", "There" and "Who", too.
    """
    if not meaning.heading and not term_set(meaning.name.split()[0], language):
        return False
    if meaning.qualifier and name_keys(meaning.name):
        return True
    written = name_keys(meaning.name) and any(character.isupper() for character in meaning.name.split()[-1])
    small = re.search(rf"(?<!\w){re.escape(meaning.name.lower())}(?!\w)", meaning.passage.text)
    return bool(written or (meaning.heading and name_keys(meaning.name))) and not small


def _is_weak(meaning: Meaning) -> bool:
    """Whether a colon or a dash sets the qualifier off, as it does the parts of a thing, too."""
    return meaning.heading[len(meaning.name) :].lstrip()[:1] in tuple(_WEAK)


def _is_one(thing: Thing, meaning: Meaning, tells: frozenset[str], language: str) -> bool:
    """Whether what a title adds to the name says the same as another's, or both add but a date or a version."""
    other = thing.meanings[0]
    if is_version(meaning.qualifier) and is_version(other.qualifier):
        return True
    return _nested(thing.tells, tells) and not _differ(other, meaning, language)


def _nested(ours: frozenset[str], theirs: frozenset[str]) -> bool:
    return ours <= theirs or theirs <= ours


def _join(things: list[Thing], same: Sequence[Thing], meaning: Meaning, tells: frozenset[str], label: str) -> None:
    if same:
        same[0].meanings.append(meaning)
    else:
        things.append(Thing(label, tells, [meaning]))


def _place(things: list[Thing], meaning: Meaning, language: str) -> None:
    """Put a meaning without a qualifier to the thing that it defines, or make it one of its own."""
    kind = term_set(meaning.kind, language) - term_set(meaning.name, language)
    said = found_terms(meaning.defined.rest, language) if meaning.defined else frozenset()
    told = [thing for thing in things if thing.meanings[0].qualifier and thing.tells and thing.tells <= said]
    bare = [thing for thing in things if not thing.meanings[0].qualifier]
    if told or not bare:
        _join(things, told, meaning, kind, meaning.heading or f"{meaning.name}, {meaning.kind}")
        return
    same = [thing for thing in bare if not _differ(thing.meanings[0], meaning, language)]
    if not meaning.kind or not all(thing.meanings[0].kind for thing in bare):
        same = bare if len(bare) == 1 else []
    elif not same:
        for thing in bare:
            thing.label = f"{thing.meanings[0].name}, {thing.meanings[0].kind}"
    if same or meaning.kind:
        _join(things, same, meaning, kind, f"{meaning.name}, {meaning.kind}")


def _differ(one: Meaning, other: Meaning, language: str) -> bool:
    """Whether two texts of one name say that it is something else, and share the name and little else."""
    name = term_set(one.name, language)
    ours, theirs = (term_set(meaning.kind, language) - name for meaning in (one, other))
    if _nested(ours, theirs):
        return False
    shared, fewest = _shared(one.passage, other.passage, name, language)
    kin = _are_kin(one, other, language) and _are_kin(other, one, language)
    if one.qualifier and other.qualifier:
        return shared <= (_MOST_SHARED_BY_KIN if kin else _MOST_SHARED) and (kin or ours.isdisjoint(theirs))
    if kin and 0 < shared <= _MOST_SHARED_BY_KIN:
        return True
    return shared <= _MOST_SHARED and ours.isdisjoint(theirs) and _are_kinds(one, other, short=fewest < _TELLING)


def _are_kinds(one: Meaning, other: Meaning, *, short: bool) -> bool:
    """Whether both texts say what kind of thing it is, as far as they say anything: a thing has many roles.

    One that has an article in one text alone is two things: "Jaguar is a maker of cars", "The jaguar is a cat".
    """
    said = [meaning.defined for meaning in (one, other) if meaning.defined]
    if short and len({defined.article for defined in said}) > 1:
        return True
    return not any(defined.is_role if short else defined.is_rank for defined in said)


def _are_kin(one: Meaning, other: Meaning, language: str) -> bool:
    """Whether names or numbers in what one is ("a city in Illinois") stand nowhere in the other's text."""
    names = _NUMBER if language in CAPITAL_NOUNS else _PROPER
    proper = frozenset(names.findall(one.kind))
    return bool(proper) and proper.isdisjoint(names.findall(other.passage.text))


def _shared(one: Passage, other: Passage, name: frozenset[str], language: str) -> tuple[float, int]:
    """Share of the shorter text's terms that the longer one has, and how many it has."""
    ours, theirs = (found_terms(passage.text, language) - name for passage in (one, other))
    fewest = min(len(ours), len(theirs))
    return len(ours & theirs) / max(1, fewest), fewest
