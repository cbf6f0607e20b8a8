"""Whether a name in a question stands for several things, and nothing else in the question says which. Core.

Pages of one name are told apart by what their titles add to it, as in encyclopedias, product lists and registers, or by
what their first sentences say that they are about (`meanings`). A question that has the bare name and words that both
pages have is about either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llama_index_prod_rag.confidence.evidence import Passage
from llama_index_prod_rag.confidence.meanings import Thing, find_meaning, group_things
from llama_index_prod_rag.text.terms import found_terms, term_set

# Chosen on the train half of the names and the train questions of five sets: python -m benchmarks.whole_question.
_DEPTH = 20  # candidates that are looked at
_MOST = 4  # readings that a person is asked to choose from
_CLOSE = 0.4  # share of the first reading's score: one that is further behind it is not meant


@dataclass(frozen=True, slots=True)
class Reading:
    """Is one thing that a name in the question may stand for.

    Attributes:
        name: the name as the question has it.
        label: what tells this one apart: the page's whole title, or the name and what the page says that it is.
        ids: its passages among the candidates, best first.
        titled: whether the label is a title. One that quotes the page's own words is not put into a question: the
            passage would repeat the question then, and that is no evidence.
    """

    name: str
    label: str
    ids: tuple[str, ...]
    titled: bool = True


def find_readings(
    query: str, passages: Sequence[Passage], language: str = "english", *, close: float = _CLOSE
) -> tuple[Reading, ...]:
    """Find the readings of a question, the best first; none where its words settle what is meant.

    Args:
        query: the question.
        passages: the candidates, best first, with their titles as headings where they have some.
        language: of both.
        close: how far a reading's score may lie behind the first one's, as a share of that.

    Examples:
        >>> planet = Passage("p", "The diameter of Mercury is 4,880 km.", 0.8, heading="Mercury (planet)")
        >>> singer = Passage("s", "Mercury was born in 1946 and sang.", 0.7, heading="Mercury (singer)")
        >>> [reading.label for reading in find_readings("Who or what is Mercury?", [planet, singer])]
        ['Mercury (planet)', 'Mercury (singer)']
        >>> find_readings("What is the diameter of Mercury?", [planet, singer])
        ()
    """
    meanings = [meaning for passage in passages[:_DEPTH] if (meaning := find_meaning(query, passage))]
    if not meanings or meanings[0].passage is not passages[0]:
        return ()
    name = meanings[0].name
    rivals = [meaning for meaning in meanings if meaning.name.casefold() == name.casefold()]
    things = group_things(rivals, language)
    meant = _unsettled(query, name, things, language, close) if len(things) > 1 else []
    if len(meant) < 2:
        return ()
    return tuple(Reading(name, thing.label, tuple(_ids(thing)), _is_titled(thing)) for thing in meant[:_MOST])


def _is_titled(thing: Thing) -> bool:
    return any(meaning.heading == thing.label for meaning in thing.meanings)


def _ids(thing: Thing) -> list[str]:
    return [meaning.passage.id for meaning in thing.meanings]


def _unsettled(query: str, name: str, things: Sequence[Thing], language: str, close: float) -> list[Thing]:
    """Things between which the question's other words do not choose, best first."""
    asked = term_set(query, language) - term_set(name, language)
    everywhere = frozenset.intersection(*(thing.tells for thing in things))
    if any(asked & (thing.tells - everywhere) for thing in things):
        return []  # "Mercury the planet"
    covered = [_covered(asked, thing, language) for thing in things]
    scores = [max(meaning.passage.score or 0.0 for meaning in thing.meanings) for thing in things]
    best = max(scores)
    meant = [
        (score, thing)
        for count, score, thing in zip(covered, scores, things, strict=True)
        if count == max(covered) and best - score <= close * abs(best)
    ]
    return [thing for _, thing in sorted(meant, key=lambda pair: -pair[0])]


def _covered(asked: frozenset[str], thing: Thing, language: str) -> int:
    """Count the question's terms that a thing's passages have."""
    return len(asked & frozenset().union(*(found_terms(one.passage.wording, language) for one in thing.meanings)))
